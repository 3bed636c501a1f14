#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "remote/autoconfig.h"

#define HEAD "<?xml version=\"1.0\"?><clientConfig version=\"1.1\"><emailProvider id=\"x\">"
#define TAIL "</emailProvider></clientConfig>"
#define POP(host, port, tls)                                                                       \
	"<incomingServer type=\"pop3\"><hostname>" host "</hostname><port>" port                   \
	"</port><socketType>" tls "</socketType><username>%EMAILLOCALPART%</username>"             \
	"<authentication>password-cleartext</authentication></incomingServer>"
#define SMTP(host, port, tls)                                                                      \
	"<outgoingServer type=\"smtp\"><hostname>" host "</hostname><port>" port                   \
	"</port><socketType>" tls "</socketType></outgoingServer>"
#define OURS "<domain>other.test</domain><domain>Example.test</domain>"

static enum status parse(const char *xml, struct autoconfig *a, struct err *err)
{
	*err = (struct err){ ST_OK, "" };
	return autoconfig_parse(str_c(xml), STR("ann@example.test"), a, err);
}

static void good_ones(void **state)
{
	static const struct {
		const char *name, *xml, *pop3, *smtp;
		uint16_t pop3_port;
		enum server_tls tls;
		const char *user;
	} rows[] = {
		{ "both",
			HEAD OURS POP("pop.example.test", "995", "SSL")
				SMTP("smtp.example.test", "587", "STARTTLS") TAIL,
			"pop.example.test", "smtp.example.test", 995, SERVER_TLS_IMPLICIT, "ann" },
		{ "TLS before the first in the file",
			HEAD POP("a.test", "110", "plain") POP("b.test", "110", "STARTTLS")
				POP("c.test", "995", "SSL") POP("d.test", "995", "SSL") TAIL,
			"c.test", "", 995, SERVER_TLS_IMPLICIT, "ann" },
		{ "a host of the domain", HEAD POP(" pop.%EMAILDOMAIN%\n", "995", "SSL") TAIL,
			"pop.example.test", "", 995, SERVER_TLS_IMPLICIT, "ann" },
		{ "IMAP only",
			HEAD
			"<incomingServer type=\"imap\"><hostname>i.test</hostname><port>993</port>"
			"<socketType>SSL</socketType></incomingServer>" TAIL,
			"", "", 0, SERVER_TLS_IMPLICIT, "" },
		{ "the usual port",
			HEAD "<incomingServer type='pop3'><hostname>p.test</hostname>"
			     "<socketType>STARTTLS</socketType></incomingServer>" TAIL,
			"p.test", "", 110, SERVER_TLS_STARTTLS, "" },
		{ "no such port", HEAD POP("p.test", "70000", "SSL") POP("q.test", "x", "SSL") TAIL,
			"", "", 0, SERVER_TLS_IMPLICIT, "" },
		{ "no such host",
			HEAD POP("p test", "995", "SSL") POP("-x.test", "995", "SSL")
				POP("a..b", "995", "SSL") TAIL,
			"", "", 0, SERVER_TLS_IMPLICIT, "" },
		{ "another element of the name",
			HEAD "<x><incomingServer "
			     "type='pop3'><hostname>evil.test</hostname></incomingServer></x>" TAIL,
			"", "", 0, SERVER_TLS_IMPLICIT, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct autoconfig a;
		struct err err;

		if (parse(rows[i].xml, &a, &err) != ST_OK)
			fail_msg("%s: %s", rows[i].name, err.text);
		assert_string_equal(a.pop3.host, rows[i].pop3);
		assert_string_equal(a.smtp.host, rows[i].smtp);
		assert_int_equal(a.pop3.port, rows[i].pop3_port);
		assert_int_equal(a.pop3.tls, rows[i].tls);
		assert_string_equal(a.user, rows[i].user);
		assert_false(a.token);
	}
}

static void hostile_ones(void **state)
{
	static const struct {
		const char *name, *xml, *why;
	} rows[] = {
		{ "billion laughs",
			"<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b "
			"\"&a;&a;&a;\">]>"
			"<clientConfig>&b;</clientConfig>",
			"document type" },
		{ "a file of ours",
			"<!DOCTYPE l [<!ENTITY a SYSTEM "
			"\"file:///etc/passwd\">]><clientConfig>&a;</clientConfig>",
			"document type" },
		{ "an entity nobody named", "<clientConfig>&a;</clientConfig>",
			"undefined entity" },
		{ "another root", "<html><body>hello</body></html>", "no clientConfig" },
		{ "not XML", "hello", "line 1" },
		{ "cut", HEAD POP("p.test", "995", "SSL"), "no element found" },
		{ "of others", HEAD "<domain>other.test</domain>" POP("p.test", "995", "SSL") TAIL,
			"other domains" },
		{ "empty", "", "no element found" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct autoconfig a;
		struct err err;

		assert_int_equal(parse(rows[i].xml, &a, &err), ST_PROTO);
		if (strstr(err.text, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].name, err.text);
		assert_string_equal(a.pop3.host, "");
	}
}

static void bounds(void **state)
{
	static const struct {
		const char *before, *piece;
		size_t times;
		const char *why;
	} rows[] = {
		{ "<clientConfig>", "<a>", 100, "too many elements" },
		{ "<clientConfig>", "<a/>", 6000, "too many elements" },
		{ "<clientConfig><emailProvider><domain>", "xxxxxx", 1000, "too long" },
		{ "<clientConfig>", "      ", 100000, "octets long" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct autoconfig a;
		struct err err = { ST_OK, "" };
		struct buf xml = { 0 };

		buf_put(&xml, str_c(rows[i].before));
		for (size_t k = 0; k < rows[i].times; k++)
			buf_put(&xml, str_c(rows[i].piece));
		assert_int_equal(
			autoconfig_parse(buf_str(&xml), STR("a@b.test"), &a, &err), ST_PROTO);
		if (strstr(err.text, rows[i].why) == NULL)
			fail_msg("%zu: %s", i, err.text);
		buf_deinit(&xml);
	}
}

static void only_a_token(void **state)
{
	struct autoconfig a;
	struct err err;

	(void)state;
	assert_int_equal(
		parse(HEAD
			"<incomingServer type=\"pop3\"><hostname>p.test</hostname><port>995</port>"
			"<socketType>SSL</socketType><authentication>OAuth2</authentication>"
			"</incomingServer>" TAIL,
			&a, &err),
		ST_OK);
	assert_true(a.token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(hostile_ones),
		cmocka_unit_test(bounds),
		cmocka_unit_test(only_a_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
