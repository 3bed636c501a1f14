#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/buf.h"
#include "trust/spf.h"

/* A zone is text: "NAME TYPE VALUE" a line; the value "!" is an answer that does not come. */
struct walk {
	struct str zone, helo, sender, ip;
	enum spf_result result;
	struct buf asked; /* "TXT a.test MX a.test " */
	unsigned count;
	const char *why;
};

static size_t take_value(struct dns_row *row, enum dns_type type, struct str value, struct buf *to)
{
	unsigned char address[16];
	char text[64];

	row->data = value;
	if (type != DNS_A && type != DNS_AAAA)
		return 0;
	snprintf(text, sizeof text, "%.*s", STR_ARG(value));
	assert_int_equal(inet_pton(type == DNS_A ? AF_INET : AF_INET6, text, address), 1);
	buf_put(to, str_of(address, type == DNS_A ? 4 : 16));
	return type == DNS_A ? 4 : 16;
}

static void answer(struct spf *s, struct str zone, struct spf_question q)
{
	struct dns_row rows[DNS_ROWS_MAX];
	struct dns_answer a = { .outcome = DNS_NXDOMAIN, .rows = rows };
	struct buf octets = { 0 };
	size_t width = 0;

	for (struct str rest = zone; rest.n > 0;) {
		struct str line = str_cut(&rest, '\n'), name = str_cut(&line, ' '),
			   type = str_cut(&line, ' ');

		if (!str_eq(name, q.name) || a.outcome == DNS_FAILED)
			continue;
		if (a.outcome == DNS_NXDOMAIN)
			a.outcome = DNS_NODATA;
		if (str_eq(type, STR("CNAME"))) {
			q.name = line;
			rest = zone;
		} else if (str_eq(type, str_c(dns_type_name(q.type)))) {
			a.outcome = str_eq(line, STR("!")) ? DNS_FAILED : DNS_FOUND;
			if (a.outcome == DNS_FOUND)
				width = take_value(&rows[a.count++], q.type, line, &octets);
		}
	}
	for (size_t i = 0; width > 0 && i < a.count; i++)
		rows[i].data = str_of(octets.data + i * width, width);
	spf_answer(s, &a);
	buf_deinit(&octets);
}

static void walk(struct walk *w)
{
	struct spf_client client = { .helo = w->helo, .sender = w->sender };
	struct spf_question q;
	struct spf *s;
	char text[64];

	snprintf(text, sizeof text, "%.*s", STR_ARG(w->ip));
	client.ipv6 = str_find(w->ip, ':') < w->ip.n;
	assert_int_equal(inet_pton(client.ipv6 ? AF_INET6 : AF_INET, text, client.ip), 1);
	buf_clear(&w->asked);
	w->count = 0;
	s = spf_new(&client);
	for (; spf_asks(s, &q); w->count++) {
		assert_int_equal(spf_result(s), SPF_PENDING);
		assert_true(w->count < SPF_QUESTIONS_MAX);
		buf_printf(&w->asked, "%s %.*s ", dns_type_name(q.type), STR_ARG(q.name));
		answer(s, w->zone, q);
	}
	w->result = spf_result(s);
	w->why = spf_why(s);
	assert_int_not_equal(w->result, SPF_PENDING);
	assert_true((w->why != NULL) == (w->result == SPF_TEMPERROR || w->result == SPF_PERMERROR));
	spf_free(s);
}

static void expect(struct walk *w, const char *name, enum spf_result result, const char *asked)
{
	walk(w);
	if (w->result != result || (asked != NULL && !str_eq(buf_str(&w->asked), str_c(asked))))
		fail_msg("%s: %s, %s, asked: %.*s", name, spf_result_name(w->result).p,
			w->why != NULL ? w->why : "-", STR_ARG(buf_str(&w->asked)));
	buf_deinit(&w->asked);
}

#define HOSTS                                                                                      \
	"example.com MX mail-a.example.com\n"                                                      \
	"example.com MX mail-b.example.com\n"                                                      \
	"example.com A 192.0.2.10\n"                                                               \
	"example.com A 192.0.2.11\n"                                                               \
	"amy.example.com A 192.0.2.65\n"                                                           \
	"bob.example.com A 192.0.2.66\n"                                                           \
	"mail-a.example.com A 192.0.2.129\n"                                                       \
	"mail-b.example.com A 192.0.2.130\n"                                                       \
	"mail-b.example.com AAAA 2001:db8::130\n"                                                  \
	"www.example.com CNAME example.com\n"                                                      \
	"example.org MX mail-c.example.org\n"                                                      \
	"mail-c.example.org A 192.0.2.140\n"                                                       \
	"10.2.0.192.in-addr.arpa PTR example.com\n"                                                \
	"65.2.0.192.in-addr.arpa PTR amy.example.com\n"                                            \
	"140.2.0.192.in-addr.arpa PTR mail-c.example.org\n"                                        \
	"4.0.0.10.in-addr.arpa PTR bob.example.com\n"

/* RFC 7208 A.1, and records in general.  No result: the record cannot be read. */
static void records(void **state)
{
	/* clang-format off */
	static const struct {
		const char *record, *ip;
		enum spf_result result;
		unsigned questions; /* beside the one for the record */
	} rows[] = {
		{ "v=spf1 +all", "203.0.113.1", SPF_PASS, 0 },
		{ "v=spf1 a -all", "192.0.2.11", SPF_PASS, 1 },
		{ "v=spf1 a -all", "192.0.2.12", SPF_FAIL, 1 },
		{ "v=spf1 a:example.org -all", "192.0.2.10", SPF_FAIL, 1 },
		{ "v=spf1 mx -all", "192.0.2.129", SPF_PASS, 2 },
		{ "v=spf1 mx -all", "192.0.2.130", SPF_PASS, 3 },
		{ "v=spf1 mx:example.org -all", "192.0.2.140", SPF_PASS, 2 },
		{ "v=spf1 mx mx:example.org -all", "192.0.2.140", SPF_PASS, 5 },
		{ "v=spf1 mx mx:example.org -all", "192.0.2.141", SPF_FAIL, 5 },
		{ "v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.131", SPF_PASS, 2 },
		{ "v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.143", SPF_PASS, 5 },
		{ "v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.144", SPF_FAIL, 5 },
		{ "v=spf1 ptr -all", "192.0.2.65", SPF_PASS, 2 },
		{ "v=spf1 ptr -all", "192.0.2.10", SPF_PASS, 2 },
		{ "v=spf1 ptr -all", "192.0.2.140", SPF_FAIL, 2 },
		{ "v=spf1 ptr -all", "10.0.0.4", SPF_FAIL, 2 },
		{ "v=spf1 ptr:example.org -all", "192.0.2.140", SPF_PASS, 2 },
		{ "v=spf1 ptr:ple.com -all", "192.0.2.65", SPF_FAIL, 2 },
		{ "v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", SPF_FAIL, 0 },
		{ "v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", SPF_PASS, 0 },
		{ "v=spf1 a:www.example.com -all", "192.0.2.10", SPF_PASS, 1 },
		{ "v=spf1 mx:amy.example.com -all", "192.0.2.65", SPF_FAIL, 1 },  /* no MX of its own (5.4) */
		{ "v=spf1 exists:amy.example.com -all", "2001:db8::1", SPF_PASS, 1 },
		{ "v=spf1 exists:www.example.org -all", "192.0.2.65", SPF_FAIL, 1 },
		{ "v=spf1 mx -all", "2001:db8::130", SPF_PASS, 3 },
		{ "v=spf1 mx/24//64 -all", "2001:db8::1", SPF_PASS, 3 },
		{ "v=spf1 mx/24//64 -all", "::ffff:192.0.2.1", SPF_PASS, 2 },     /* is IPv4 (5) */
		{ "v=spf1 mx//0 -all", "2001:db8:1::1", SPF_PASS, 3 },
		{ "v=spf1 a/0 -all", "203.0.113.1", SPF_PASS, 1 },
		{ "v=spf1 ip6:2001:db8::/32 -all", "2001:db8:1::1", SPF_PASS, 0 },
		{ "v=spf1 ip6:2001:db8::/33 -all", "2001:db8:8000::1", SPF_FAIL, 0 },
		{ "v=spf1 ip6:2001:DB8:0:0:0:0:0:1 -all", "2001:db8::1", SPF_PASS, 0 },
		{ "v=spf1 ip6:2001:db8::192.0.2.1 -all", "2001:db8::c000:201", SPF_PASS, 0 },
		{ "v=spf1 ip6::: -all", "::", SPF_PASS, 0 },
		{ "v=spf1 ip6:1:: -all", "1::", SPF_PASS, 0 },
		{ "v=spf1 ip6:::/0 ip6:::ffff:192.0.2.1 -all", "192.0.2.1", SPF_FAIL, 0 },
		{ "v=spf1 ip4:0.0.0.0/0 -all", "2001:db8::1", SPF_FAIL, 0 },
		{ "v=spf1 ip4:192.0.2.1 -all", "192.0.2.1", SPF_PASS, 0 },
		{ "v=spf1 ip4:255.255.255.255/1 -all", "128.0.0.1", SPF_PASS, 0 },
		{ "v=spf1 ip4:255.255.255.255/1 -all", "127.255.255.255", SPF_FAIL, 0 },
		/* 4.6.1, 4.7 */
		{ "v=spf1", "192.0.2.1", SPF_NEUTRAL, 0 },
		{ "v=spf1 ", "192.0.2.1", SPF_NEUTRAL, 0 },
		{ "v=spf1   ip4:192.0.2.1   ", "192.0.2.1", SPF_PASS, 0 },
		{ "v=spf1 ~all", "192.0.2.1", SPF_SOFTFAIL, 0 },
		{ "v=spf1 ?all -all", "192.0.2.1", SPF_NEUTRAL, 0 },
		{ "V=sPf1 +IP4:192.0.2.1 -ALL", "192.0.2.2", SPF_FAIL, 0 },
		{ "v=spf1 -all moderate.x_y-9=%{d2}/a:b=c empty= empty=", "192.0.2.1", SPF_FAIL, 0 },
		{ "v=spf1 ip4:192.0.2.1 exp=why.%{d} -all", "192.0.2.2", SPF_FAIL, 0 },
		{ "v=spf1 redirect=none.test +all", "192.0.2.2", SPF_PASS, 0 },
		{ "v=spf1 a:foo:bar/baz.example.com -all", "192.0.2.2", SPF_FAIL, 1 },
		{ "v=spf1 a:a=b.example.com -all", "192.0.2.2", SPF_FAIL, 1 },
		{ "v=spf1 a:amy.example.com. -all", "192.0.2.65", SPF_PASS, 1 },
		{ "v=spf1 a:amy.EXAMPLE.com/24 -all", "192.0.2.1", SPF_PASS, 1 },
		{ "v=spf1 a:a..example.com a:-.%{d} -all", "192.0.2.1", SPF_FAIL, 1 },
		/* 4.6: an error anywhere */
		{ "v=spf1 +all mo", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 +all -", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all.", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all:example.com", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all/8", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 --all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a\tall", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a:ex\x80mple.com all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 \xc3\xa4=x all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a: all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a/ all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a/24/64 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a//64/24 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a///64 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a/024 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a/33 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a//129 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a/99999999999999999999 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a:/24 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a:museum all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a:museum. all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a:1.2.3.4 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a:example.-com all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a:example.com- all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a:example.com:8080 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 a:example.com, all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ptr/24 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 include all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 include: all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 include:example.com/24 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 exists all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip4 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip4: all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip4:192.0.2 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip4:192.0.2.1.1 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip4:192.0.2.256 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip4:192.0.2.01 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip4:192.0.2.0/33 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip4:192.0.2.0//32 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip4:192.0.2.0/24//32 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip4:2001:db8::1 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6: all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:2001:db8::/129 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:2001:db8 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:1:2:3:4:5:6:7 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:1:2:3:4:5:6:7:8:9 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:1:2:3:4::5:6:7:8 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:1::2::3 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:::: all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:1: all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:1:2:3:4:5:6:7:8: all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6::1 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:12345:: all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:g:: all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:1:2:3:4:5:6:7:192.0.2.1 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 ip6:192.0.2.1 all", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 +redirect=example.com", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all redirect=a.test redirect=a.test", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all exp=a.test EXP=a.test", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all redirect=", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all exp=", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all exp=%{c}.test", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all =x", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all 1x=x", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all x!=x", "192.0.2.1", SPF_PERMERROR, 0 },
		{ "v=spf1 all x=%a", "192.0.2.1", SPF_PERMERROR, 0 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct walk w = {
			.ip = str_c(rows[i].ip), .helo = STR("x"), .sender = STR("a@example.com")
		};
		struct buf zone = { 0 };

		buf_printf(&zone, HOSTS "example.com TXT %s\n", rows[i].record);
		w.zone = buf_str(&zone);
		expect(&w, rows[i].record, rows[i].result, NULL);
		if (w.count != 1 + rows[i].questions)
			fail_msg("%s: %u questions", rows[i].record, w.count);
		buf_deinit(&zone);
	}
}

#define SENDER "strong-bad@email.example.com"
#define SIXTY  "123456789012345678901234567890123456789012345678901234567890"

/* RFC 7208 7.4 and 7.3: which name is asked for. */
static void macros(void **state)
{
	/* clang-format off */
	static const struct {
		const char *spec, *ip, *asked; /* asked NULL: no domain-spec */
	} rows[] = {
		{ "%{s}.x.test", "192.0.2.3", "strong-bad\\064email.example.com.x.test" },
		{ "%{o}", "192.0.2.3", "email.example.com" },
		{ "%{d}", "192.0.2.3", "email.example.com" },
		{ "%{d4}", "192.0.2.3", "email.example.com" },
		{ "%{d3}", "192.0.2.3", "email.example.com" },
		{ "%{d2}", "192.0.2.3", "example.com" },
		{ "%{d1}", "192.0.2.3", "com" },
		{ "%{dr}", "192.0.2.3", "com.example.email" },
		{ "%{d2r}", "192.0.2.3", "example.email" },
		{ "%{l}", "192.0.2.3", "strong-bad" },
		{ "%{l-}", "192.0.2.3", "strong.bad" },
		{ "%{lr}", "192.0.2.3", "strong-bad" },
		{ "%{lr-}", "192.0.2.3", "bad.strong" },
		{ "%{l1r-}", "192.0.2.3", "strong" },
		{ "%{ir}.%{v}._spf.%{d2}", "192.0.2.3", "3.2.0.192.in-addr._spf.example.com" },
		{ "%{lr-}.lp._spf.%{d2}", "192.0.2.3", "bad.strong.lp._spf.example.com" },
		{ "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "192.0.2.3",
			"bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
		{ "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "192.0.2.3",
			"3.2.0.192.in-addr.strong.lp._spf.example.com" },
		{ "%{d2}.trusted-domains.example.net", "192.0.2.3", "example.com.trusted-domains.example.net" },
		{ "%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01",
			"1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com" },
		{ "%{i}.x.test", "::ffff:192.0.2.3", "192.0.2.3.x.test" },
		{ "%{h}", "192.0.2.3", "mx.example.org" },
		{ "%{ho}", "192.0.2.3", NULL },
		{ "%{D2}.%{S1}.test", "192.0.2.3", "example.com.com.test" },
		{ "%{S}.test", "192.0.2.3", "strong-bad\\03740email.example.com.test" },
		{ "%{S-.}.test", "192.0.2.3", "strong.bad\\03740email.example.com.test" },
		{ "%{s2-@}.test", "192.0.2.3", NULL },
		{ "%{l0}.test", "192.0.2.3", NULL },
		{ "%{l00000000000000000000000000001r-}.test", "192.0.2.3", "strong.test" },
		{ "%{d99999999999999999999999999999}", "192.0.2.3", "email.example.com" },
		{ "%{LR-}.test", "192.0.2.3", "bad.strong.test" },
		{ "%{d/+,_=}.test", "192.0.2.3", "email.example.com.test" },
		{ "a%%b%_c%-d.test", "192.0.2.3", "a\\037b\\032c\\03720d.test" },
		{ "a.test%%", "192.0.2.3", "a.test\\037" },
		{ "%(ir).sbl.example.org", "192.0.2.3", NULL },
		{ "%{ir", "192.0.2.3", NULL },
		{ "%{}", "192.0.2.3", NULL },
		{ "%{x}", "192.0.2.3", NULL },
		{ "a.test%", "192.0.2.3", NULL },
		{ "a.test%a", "192.0.2.3", NULL },
		{ "%{d}com", "192.0.2.3", NULL },
		{ "%{d}.com.", "192.0.2.3", "email.example.com.com" },
		{ "%{c}.test", "192.0.2.3", NULL },
		{ "%{r}.test", "192.0.2.3", NULL },
		{ "%{T}.test", "192.0.2.3", NULL },
		/* 253 octets at most, by whole labels from the left; labels of 63 */
		{ "y.12345." SIXTY "." SIXTY "." SIXTY "." SIXTY ".tes", "192.0.2.3",
			"12345." SIXTY "." SIXTY "." SIXTY "." SIXTY ".tes" },
		{ "123456." SIXTY "." SIXTY "." SIXTY "." SIXTY ".tes", "192.0.2.3",
			SIXTY "." SIXTY "." SIXTY "." SIXTY ".tes" },
		{ SIXTY "123.test", "192.0.2.3", SIXTY "123.test" },
		{ SIXTY "1234.test", "192.0.2.3", "" },
		{ SIXTY SIXTY SIXTY SIXTY SIXTY "%{i}", "192.0.2.3", "0.2.3" },
		{ ".%{d}", "192.0.2.3", "" },
		{ "a..%{d}", "192.0.2.3", "" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct walk w = { .ip = str_c(rows[i].ip),
			.helo = STR("mx.example.org"),
			.sender = STR(SENDER) };
		struct buf zone = { 0 }, asked = { 0 };

		buf_printf(&zone, "email.example.com TXT v=spf1 -exists:%s\n", rows[i].spec);
		buf_put(&asked, STR("TXT email.example.com "));
		if (rows[i].asked != NULL && rows[i].asked[0] != '\0')
			buf_printf(&asked, "A %s ", rows[i].asked);
		buf_putc(&asked, '\0');
		w.zone = buf_str(&zone);
		/* Nothing is there: no match; of a name that is none nobody asks. */
		expect(&w, rows[i].spec, rows[i].asked == NULL ? SPF_PERMERROR : SPF_NEUTRAL,
			asked.data);
		buf_deinit(&zone);
		buf_deinit(&asked);
	}
}

/* What a peer can make large: octets that are escaped, values, their parts, digits (CVE-2008-2469,
 * CVE-2021-33912, CVE-2023-42118). */
static void large_macros(void **state)
{
	static char helo[SPF_IDENTITY_MAX], sender[SPF_IDENTITY_MAX];
	/* clang-format off */
	static const struct {
		const char *spec, *asked;
	} rows[] = {
		{ "%{H}", "" },
		{ "%{H}%{H}%{H}%{H}%{H}%{H}.x.test", "A x.test " },
		{ "%{h1r}.x.test", "A x.test " },
		{ "%{S}%{sr}%{l" SIXTY SIXTY "00000001r.-+,/_=}.x.test", "" },
		{ "%{s127}", "" },
		{ "%{s2}", "A \\064a.test " },
		{ "%{s2r}%{d}", "" },
		{ "%{l-}%{lr}%{lr-}.%{L}%{LR-}%{O}.x.test", "" },
	};
	/* clang-format on */

	(void)state;
	memset(helo, 0xe4, sizeof helo);
	memset(sender, '.', sizeof sender);
	memcpy(sender + sizeof sender - 7, "@a.test", 7);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct walk w = { .ip = STR("192.0.2.3"),
			.helo = str_of(helo, sizeof helo),
			.sender = str_of(sender, sizeof sender) };
		struct buf zone = { 0 }, asked = { 0 };

		buf_printf(&zone, "a.test TXT v=spf1 exists:%s -all\n", rows[i].spec);
		buf_printf(&asked, "TXT a.test %s", rows[i].asked);
		buf_putc(&asked, '\0');
		w.zone = buf_str(&zone);
		expect(&w, rows[i].spec, SPF_FAIL, asked.data);
		buf_deinit(&zone);
		buf_deinit(&asked);
	}
	expect(&(struct walk){ .ip = STR("192.0.2.3"),
		       .helo = STR("\xe4\xff.~\x80"),
		       .sender = STR("a@a.test"),
		       .zone = STR("a.test TXT v=spf1 exists:%{H}.%{Hr} -all\n") },
		"escaped", SPF_FAIL,
		"TXT a.test A \\037e4\\037ff.\\126\\03780.\\126\\03780.\\037e4\\037ff ");
}

/* %{p} (7.3), and which of the client's names are its own. */
static void names_of_the_client(void **state)
{
#define CLIENT                                                                                     \
	"3.2.0.192.in-addr.arpa PTR mx.example.org\n"                                              \
	"mx.example.org A 192.0.2.3\n"
#define RECORD "a.test TXT v=spf1 -exists:%{p}.x.test\n"
#define START  "TXT a.test PTR 3.2.0.192.in-addr.arpa "
	/* clang-format off */
	static const struct {
		const char *name, *zone, *asked;
	} rows[] = {
		{ "its only one", RECORD CLIENT, START "A mx.example.org A mx.example.org.x.test " },
		{ "none", RECORD, START "A unknown.x.test " },
		{ "not its own", RECORD "3.2.0.192.in-addr.arpa PTR b.test\nb.test A 192.0.2.4\n",
			START "A b.test A unknown.x.test " },
		{ "no answer", RECORD "3.2.0.192.in-addr.arpa PTR !\n", START "A unknown.x.test " },
		{ "no answer about one", RECORD "3.2.0.192.in-addr.arpa PTR b.test\nb.test A !\n" CLIENT,
			START "A b.test A mx.example.org A mx.example.org.x.test " },
		{ "within the domain", RECORD CLIENT
			"3.2.0.192.in-addr.arpa PTR b.a.test\nb.a.test A 192.0.2.3\n",
			START "A mx.example.org A b.a.test A b.a.test.x.test " },
		{ "the domain itself", RECORD CLIENT "3.2.0.192.in-addr.arpa PTR b.a.test\nb.a.test A 192.0.2.3\n"
			"3.2.0.192.in-addr.arpa PTR a.test\na.test A 192.0.2.3\n",
			START "A mx.example.org A b.a.test A a.test A a.test.x.test " },
		{ "asked for once", "a.test TXT v=spf1 -exists:%{p}.x.test -exists:%{p}.y.test -ptr:b.test\n" CLIENT,
			START "A mx.example.org A mx.example.org.x.test A mx.example.org.y.test " },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct walk w = { .zone = str_c(rows[i].zone),
			.ip = STR("192.0.2.3"),
			.helo = STR("x"),
			.sender = STR("a@a.test") };

		expect(&w, rows[i].name, SPF_NEUTRAL, rows[i].asked);
	}
}

/* 2.4, 4.3: whose record is asked for; NULL: nobody's. */
static void identities(void **state)
{
	static char longest[SPF_IDENTITY_MAX + 2];
	/* clang-format off */
	const struct {
		const char *sender, *helo, *asked, *domain, *full;
	} rows[] = {
		{ "a@b.test", "c.test", "b.test", "b.test", "a\\064b.test" },
		{ "a@B.Test", "c.test", "b.test", "B.Test", "a\\064b.test" },
		{ "a@b.test.", "c.test", "b.test", "b.test", "a\\064b.test" },
		{ "@b.test", "c.test", "b.test", "b.test", "postmaster\\064b.test" },
		{ "b.test", "c.test", "b.test", "b.test", "postmaster\\064b.test" },
		{ "\"x@y\"@b.test", "c.test", "b.test", "b.test", "\\034x\\064y\\034\\064b.test" },
		{ "a@b_c.test", "c.test", "b_c.test", "b_c.test", "a\\064b_c.test" },
		{ "", "c.test", "c.test", "c.test", "postmaster\\064c.test" },
		{ "", "", NULL, "", NULL },
		{ "", "c", NULL, "c", NULL },
		{ "", "c.", NULL, "c", NULL },
		{ "", "[192.0.2.3]", NULL, "[192.0.2.3]", NULL },
		{ "", "x@c.test", NULL, "x@c.test", NULL },
		{ "a@", "c.test", NULL, "", NULL },
		{ "@", "c.test", NULL, "", NULL },
		{ "a@.", "c.test", NULL, "", NULL },
		{ "a@b..test", "c.test", NULL, "b..test", NULL },
		{ "a@b.test..", "c.test", NULL, NULL, NULL },
		{ "a@.b.test", "c.test", NULL, ".b.test", NULL },
		{ "a@b test.test", "c.test", NULL, "b test.test", NULL },
		{ "a@b\\.test", "c.test", NULL, "b\\.test", NULL },
		{ "a@b\xc3\xa4.test", "c.test", NULL, "b\xc3\xa4.test", NULL },
		{ "a@" SIXTY "1234.test", "c.test", NULL, SIXTY "1234.test", NULL },
		{ "a@" SIXTY "." SIXTY "." SIXTY "." SIXTY ".test123456", "c.test", NULL, NULL, NULL },
		{ longest, "c.test", NULL, "b.test", NULL },
		{ "a@b.test", longest, NULL, NULL, NULL },
	};
	/* clang-format on */

	(void)state;
	memset(longest, 'a', SPF_IDENTITY_MAX + 1);
	memcpy(longest + SPF_IDENTITY_MAX - 6, "@b.test", 7);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct spf_client client = { .sender = str_c(rows[i].sender),
			.helo = str_c(rows[i].helo) };
		struct spf *s = spf_new(&client);
		struct walk w = {
			.ip = STR("192.0.2.3"), .sender = client.sender, .helo = client.helo
		};
		struct buf zone = { 0 }, asked = { 0 };

		if (rows[i].domain != NULL && !str_eq(spf_domain(s), str_c(rows[i].domain)))
			fail_msg("%s: domain %.*s", rows[i].sender, STR_ARG(spf_domain(s)));
		spf_free(s);
		if (rows[i].asked != NULL) {
			buf_printf(&zone, "%s TXT v=spf1 -exists:%%{s}\n", rows[i].asked);
			buf_printf(&asked, "TXT %s A %s ", rows[i].asked, rows[i].full);
		}
		buf_putc(&asked, '\0');
		w.zone = buf_str(&zone);
		expect(&w, rows[i].sender, rows[i].asked == NULL ? SPF_NONE : SPF_NEUTRAL,
			asked.data);
		buf_deinit(&zone);
		buf_deinit(&asked);
	}
}

/* 4.4, 4.5, 5, 5.2, 6.1, RFC 8616 4 */
static void several_records(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *sender, *zone;
		enum spf_result result;
		const char *asked;
	} rows[] = {
		{ "none", "a@a.test", "", SPF_NONE, "TXT a.test " },
		{ "no TXT", "a@a.test", "a.test A 192.0.2.1\n", SPF_NONE, "TXT a.test " },
		{ "others", "a@a.test", "a.test TXT v=spf10 -all\na.test TXT v=spf1-all\na.test TXT  v=spf1 -all\n"
			"a.test TXT \na.test TXT v=spf\n", SPF_NONE, "TXT a.test " },
		{ "one of others", "a@a.test", "a.test TXT \xff\na.test TXT v=spf1 -all\na.test TXT v=DMARC1\n",
			SPF_FAIL, "TXT a.test " },
		{ "two", "a@a.test", "a.test TXT v=spf1\na.test TXT V=SPF1 -all\n", SPF_PERMERROR, "TXT a.test " },
		{ "no answer", "a@a.test", "a.test TXT !\n", SPF_TEMPERROR, "TXT a.test " },
		{ "a: no answer", "a@a.test", "a.test TXT v=spf1 -a +all\na.test A !\n", SPF_TEMPERROR, NULL },
		{ "mx: no answer", "a@a.test", "a.test TXT v=spf1 -mx +all\na.test MX !\n", SPF_TEMPERROR, NULL },
		{ "mx: no answer about a host", "a@a.test", "a.test TXT v=spf1 -mx +all\na.test MX b.test\nb.test A !\n",
			SPF_TEMPERROR, "TXT a.test MX a.test A b.test " },
		{ "mx: no answer after a match", "a@a.test",
			"a.test TXT v=spf1 mx\na.test MX c.test\na.test MX b.test\nb.test A !\nc.test A 192.0.2.3\n",
			SPF_PASS, "TXT a.test MX a.test A c.test " },
		{ "exists: no answer", "a@a.test", "a.test TXT v=spf1 -exists:b.test +all\nb.test A !\n", SPF_TEMPERROR, NULL },
		{ "ptr: no answer", "a@a.test", "a.test TXT v=spf1 -ptr +all\n3.2.0.192.in-addr.arpa PTR !\n", SPF_PASS, NULL },
		{ "null MX", "a@a.test", "a.test TXT v=spf1 -mx +all\na.test MX \n", SPF_PASS, "TXT a.test MX a.test " },
		/* what include makes of it */
		{ "pass", "a@a.test", "a.test TXT v=spf1 ?include:b.test -all\nb.test TXT v=spf1 +all\n", SPF_NEUTRAL,
			"TXT a.test TXT b.test " },
		{ "pass, and fail here", "a@a.test", "a.test TXT v=spf1 -include:b.test +all\nb.test TXT v=spf1 +all\n", SPF_FAIL, NULL },
		{ "fail", "a@a.test", "a.test TXT v=spf1 include:b.test ~all\nb.test TXT v=spf1 -all\n", SPF_SOFTFAIL, NULL },
		{ "softfail", "a@a.test", "a.test TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 ~all\n", SPF_FAIL, NULL },
		{ "neutral", "a@a.test", "a.test TXT v=spf1 include:b.test -all\nb.test TXT v=spf1\n", SPF_FAIL, NULL },
		{ "temperror", "a@a.test", "a.test TXT v=spf1 include:b.test -all\nb.test TXT !\n", SPF_TEMPERROR, NULL },
		{ "permerror", "a@a.test", "a.test TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 x\n", SPF_PERMERROR, NULL },
		{ "none there", "a@a.test", "a.test TXT v=spf1 include:b.test -all\n", SPF_PERMERROR, "TXT a.test TXT b.test " },
		{ "no name", "a@a.test", "a.test TXT v=spf1 include:..%{d} -all\n", SPF_PERMERROR, "TXT a.test " },
		{ "one label", "a@a.test", "a.test TXT v=spf1 include:%{d1} -all\n", SPF_PERMERROR, "TXT a.test " },
		{ "the record goes on", "a@a.test", "a.test TXT v=spf1 include:b.test -ip4:192.0.2.3 +all\n"
			"b.test TXT v=spf1 ip4:192.0.2.4\n", SPF_FAIL, NULL },
		{ "pass three levels down", "a@a.test", "a.test TXT v=spf1 ?include:b.test -all\nb.test TXT v=spf1 include:c.test\n"
			"c.test TXT v=spf1 include:d.test\nd.test TXT v=spf1 +all\n", SPF_NEUTRAL, NULL },
		{ "fail two levels down", "a@a.test", "a.test TXT v=spf1 include:b.test ~all\n"
			"b.test TXT v=spf1 -include:c.test +all\nc.test TXT v=spf1 +all\n", SPF_SOFTFAIL, NULL },
		{ "mail hosts left over", "a@a.test", "a.test TXT v=spf1 include:b.test mx ~all\na.test MX e.test\n"
			"b.test TXT v=spf1 -mx\nb.test MX c.test\nb.test MX d.test\nc.test A 192.0.2.3\ne.test A 192.0.2.9\n",
			SPF_SOFTFAIL, "TXT a.test TXT b.test MX b.test A c.test MX a.test A e.test " },
		{ "%{d} changes, %{o} does not", "a@a.test", "a.test TXT v=spf1 include:b.test -exists:%{d}.y.test\n"
			"b.test TXT v=spf1 exists:%{d}.%{o}.x.test\n", SPF_NEUTRAL,
			"TXT a.test TXT b.test A b.test.a.test.x.test A a.test.y.test " },
		/* redirect */
		{ "redirect", "a@a.test", "a.test TXT v=spf1 redirect=b.test\nb.test TXT v=spf1 -exists:%{d}.test ~all\n",
			SPF_SOFTFAIL, "TXT a.test TXT b.test A b.test.test " },
		{ "redirect and all", "a@a.test", "a.test TXT v=spf1 redirect=b.test ?all\n", SPF_NEUTRAL, "TXT a.test " },
		{ "redirect before mechanisms", "a@a.test", "a.test TXT v=spf1 redirect=b.test ip4:192.0.2.3\n", SPF_PASS, "TXT a.test " },
		{ "redirect to none", "a@a.test", "a.test TXT v=spf1 redirect=b.test\n", SPF_PERMERROR, "TXT a.test TXT b.test " },
		{ "redirect to no name", "a@a.test", "a.test TXT v=spf1 redirect=..%{d}\n", SPF_PERMERROR, "TXT a.test " },
		{ "redirect to no answer", "a@a.test", "a.test TXT v=spf1 redirect=b.test\nb.test TXT !\n", SPF_TEMPERROR, NULL },
		{ "redirect twice", "a@a.test", "a.test TXT v=spf1 redirect=b.test\nb.test TXT v=spf1 redirect=c.test\n"
			"c.test TXT v=spf1 -all\n", SPF_FAIL, NULL },
		{ "redirect in an include", "a@a.test", "a.test TXT v=spf1 ~include:b.test -all\nb.test TXT v=spf1 redirect=c.test\n"
			"c.test TXT v=spf1 +all\n", SPF_SOFTFAIL, NULL },
		{ "redirect asks for the client first", "a@a.test", "a.test TXT v=spf1 redirect=%{p}.b.test\n"
			"unknown.b.test TXT v=spf1 -all\n", SPF_FAIL, "TXT a.test PTR 3.2.0.192.in-addr.arpa TXT unknown.b.test " },
		/* local parts that no name can be made of */
		{ "UTF-8", "\xc3\xa4@a.test", "a.test TXT v=spf1 -exists:%{l}.test -exists:%{S}.test -include:%{L}.test +all\n",
			SPF_PASS, "TXT a.test " },
		{ "UTF-8, not used", "\xc3\xa4@a.test", "a.test TXT v=spf1 -exists:%{o}.x.test +all\n", SPF_PASS,
			"TXT a.test A a.test.x.test " },
		{ "UTF-8, redirect", "\xc3\xa4@a.test", "a.test TXT v=spf1 redirect=%{l}.test\n", SPF_PERMERROR, "TXT a.test " },
		{ "a control character", "\"\x01\"@a.test", "a.test TXT v=spf1 -exists:%{l}.test +all\n", SPF_PASS, "TXT a.test " },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct walk w = { .zone = str_c(rows[i].zone),
			.ip = STR("192.0.2.3"),
			.helo = STR("x"),
			.sender = str_c(rows[i].sender) };

		expect(&w, rows[i].name, rows[i].result, rows[i].asked);
	}
}

/* RFC 7208 A.2 to A.4 */
static void extended_examples(void **state)
{
#define SEVERAL                                                                                    \
	HOSTS "example.com TXT v=spf1 mx -all\n"                                                   \
	      "example.net TXT v=spf1 ip4:198.51.100.0/24 -all\n"                                  \
	      "example.org TXT v=spf1 include:example.com include:example.net -all\n"              \
	      "la.example.org TXT v=spf1 redirect=example.org\n"
#define LISTS                                                                                      \
	HOSTS "example.com TXT v=spf1 mx include:mobile-users._spf.%{d} "                          \
	      "include:remote-users._spf.%{d} -all\n"                                              \
	      "mobile-users._spf.example.com TXT v=spf1 exists:%{l1r+}.%{d}\n"                     \
	      "remote-users._spf.example.com TXT v=spf1 exists:%{ir}.%{l1r+}.%{d}\n"               \
	      "mary.mobile-users._spf.example.com A 127.0.0.2\n"                                   \
	      "15.15.168.192.joel.remote-users._spf.example.com A 127.0.0.2\n"
#define BOTH                                                                                       \
	HOSTS "example.com TXT v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all\n"        \
	      "ip4._spf.example.com TXT v=spf1 -ip4:192.0.2.0/24 +all\n"                           \
	      "ptr._spf.example.com TXT v=spf1 -ptr:example.com +all\n"
	/* clang-format off */
	static const struct {
		const char *zone, *sender, *ip;
		enum spf_result result;
	} rows[] = {
		{ SEVERAL, "a@example.org", "192.0.2.129", SPF_PASS },
		{ SEVERAL, "a@example.org", "198.51.100.9", SPF_PASS },
		{ SEVERAL, "a@example.org", "203.0.113.1", SPF_FAIL },
		{ SEVERAL, "a@la.example.org", "198.51.100.9", SPF_PASS },
		{ SEVERAL, "a@la.example.org", "203.0.113.1", SPF_FAIL },
		{ LISTS, "mary@example.com", "203.0.113.1", SPF_PASS },
		{ LISTS, "mary+list@example.com", "203.0.113.1", SPF_PASS },
		{ LISTS, "joel@example.com", "203.0.113.1", SPF_FAIL },
		{ LISTS, "joel@example.com", "192.168.15.15", SPF_PASS },
		{ LISTS, "anna@example.com", "192.168.15.15", SPF_FAIL },
		{ BOTH, "a@example.com", "192.0.2.65", SPF_PASS },
		{ BOTH, "a@example.com", "192.0.2.140", SPF_FAIL },
		{ BOTH, "a@example.com", "10.0.0.4", SPF_FAIL },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct walk w = { .zone = str_c(rows[i].zone),
			.ip = str_c(rows[i].ip),
			.helo = STR("x"),
			.sender = str_c(rows[i].sender) };

		expect(&w, rows[i].sender, rows[i].result, NULL);
	}
}

/* `head`, then `row` `count` times with its number in place of each '#', then `tail`. */
static void expect_many(const char *name, const char *const parts[3], unsigned count,
	enum spf_result result, unsigned questions)
{
	struct walk w = { .ip = STR("192.0.2.3"), .helo = STR("x"), .sender = STR("a@a.test") };
	struct buf zone = { 0 };

	buf_put(&zone, str_c(parts[0]));
	for (unsigned i = 1; i <= count; i++)
		for (const char *c = parts[1]; *c != '\0'; c++)
			if (*c == '#')
				buf_putu(&zone, i);
			else
				buf_putc(&zone, *c);
	buf_put(&zone, str_c(parts[2]));
	w.zone = buf_str(&zone);
	expect(&w, name, result, NULL);
	if (w.count != questions)
		fail_msg("%s: %u questions", name, w.count);
	buf_deinit(&zone);
}

#define M5    " mx:%{p}.test mx:%{p}.test mx:%{p}.test mx:%{p}.test mx:%{p}.test"
#define THERE "\nb.test A 192.0.2.9\nb.test MX b.test\n"

/* 4.6.4 */
static void limits(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *parts[3];
		unsigned count;
		enum spf_result result;
		unsigned questions;
	} rows[] = {
		{ "10 terms", { "a.test TXT v=spf1", " -a:b.test", " +all" THERE }, 10, SPF_PASS, 11 },
		{ "11 terms", { "a.test TXT v=spf1", " -a:b.test", " +all" THERE }, 11, SPF_PERMERROR, 11 },
		{ "the 11th is not reached", { "a.test TXT v=spf1", " -a:b.test", " +all a:b.test" THERE }, 10, SPF_PASS, 11 },
		{ "9 terms and redirect", { "a.test TXT v=spf1", " -a:b.test", " redirect=c.test" THERE "c.test TXT v=spf1 ?all\n" },
			9, SPF_NEUTRAL, 11 },
		{ "10 terms and redirect", { "a.test TXT v=spf1", " -a:b.test", " redirect=c.test" THERE "c.test TXT v=spf1 ?all\n" },
			10, SPF_PERMERROR, 11 },
		{ "over levels", { "a.test TXT v=spf1 include:c.test", " -mx:b.test", " +all" THERE
			"c.test TXT v=spf1 mx:b.test mx:b.test mx:b.test mx:b.test mx:b.test\n" }, 5, SPF_PERMERROR, 20 },
		{ "ptr and exists", { "a.test TXT v=spf1", " -ptr -exists:c.test", " +all\nc.test A !\n"
			"3.2.0.192.in-addr.arpa PTR b.test" THERE }, 1, SPF_TEMPERROR, 4 },
		{ "ptr is a term each time", { "a.test TXT v=spf1", " -ptr", " +all\n3.2.0.192.in-addr.arpa PTR b.test" THERE },
			11, SPF_PERMERROR, 3 },
		{ "terms that ask nothing", { "a.test TXT v=spf1", " -ip4:192.0.2.# -ip6:::#", " +all exp=c.test\n" }, 2, SPF_PASS, 1 },
		{ "include of itself", { "a.test TXT v=spf1 include:a.test +all\n", "", "" }, 0, SPF_PERMERROR, 11 },
		{ "redirect to itself", { "a.test TXT v=spf1 redirect=a.test\n", "", "" }, 0, SPF_PERMERROR, 11 },
		{ "2 void", { "a.test TXT v=spf1", " -a:#.test", " +all\n" }, 2, SPF_PASS, 3 },
		{ "3 void", { "a.test TXT v=spf1", " -a:#.test", " +all\n" }, 3, SPF_PERMERROR, 4 },
		{ "3 void of each kind", { "a.test TXT v=spf1 -mx:x.test -exists:x.test -ptr +all\n", "", "" }, 0, SPF_PERMERROR, 4 },
		{ "a void term counts once", { "a.test TXT v=spf1 -mx -a:x.test +all\n", "a.test MX #.test\n", "" }, 9, SPF_PASS, 12 },
		{ "what the client's names lack is not counted", { "a.test TXT v=spf1 -ptr -a:x.test -a:y.test +all\n",
			"3.2.0.192.in-addr.arpa PTR #.test\n", "" }, 3, SPF_PASS, 7 },
		{ "10 mail hosts", { "a.test TXT v=spf1 mx -all\n", "a.test MX #.test\n", "10.test A 192.0.2.3\n" },
			10, SPF_PASS, 12 },
		{ "11 mail hosts", { "a.test TXT v=spf1 mx -all\n", "a.test MX #.test\n", "1.test A 192.0.2.3\n" },
			11, SPF_PERMERROR, 2 },
		{ "the 10th name of the client", { "a.test TXT v=spf1 ptr:10.test -all\n",
			"3.2.0.192.in-addr.arpa PTR #.test\n#.test A 192.0.2.3\n", "" }, 11, SPF_PASS, 12 },
		{ "the 11th name of the client", { "a.test TXT v=spf1 ptr:11.test -all\n",
			"3.2.0.192.in-addr.arpa PTR #.test\n#.test A 192.0.2.3\n", "" }, 11, SPF_FAIL, 12 },
		{ "many addresses", { "a.test TXT v=spf1 a -all\n", "a.test A 198.51.100.#\n", "a.test A 192.0.2.3\n" }, 60, SPF_PASS, 2 },
		{ "as many as can be", { "a.test TXT v=spf1" M5 M5 "\n",
			"3.2.0.192.in-addr.arpa PTR #.test\nunknown.test MX #.test\n#.test A 192.0.2.9\n", "" },
			10, SPF_NEUTRAL, SPF_QUESTIONS_MAX },
		{ "a record that is too long", { "a.test TXT v=spf1 +all", "                ", "\n" }, 1024, SPF_PERMERROR, 1 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_many(rows[i].name, rows[i].parts, rows[i].count, rows[i].result,
			rows[i].questions);
}

/* Octets that C strings cannot hold, and answers nobody asked for. */
static void odd_answers(void **state)
{
	struct spf_client client = { .sender = STR("a@a.test"), .helo = STR("x") };
	struct dns_row rows[2] = { { .data = STR("v=spf1 a\0 -all") }, { .data = STR("") } };
	struct dns_answer a = { .outcome = DNS_FOUND, .rows = rows, .count = 2 };
	struct spf_question q;
	struct spf *s = spf_new(&client);

	(void)state;
	spf_answer(s, &a);
	assert_int_equal(spf_result(s), SPF_PERMERROR);
	spf_answer(s, &(struct dns_answer){ .outcome = DNS_FAILED });
	assert_int_equal(spf_result(s), SPF_PERMERROR);
	spf_free(s);

	s = spf_new(&client);
	rows[0].data = STR("v=spf1 a -all");
	spf_answer(s, &a);
	rows[0].data = STR("\x00\x00"); /* not an address */
	assert_true(spf_asks(s, &q));
	assert_int_equal(q.type, DNS_A);
	spf_answer(s, &a);
	assert_int_equal(spf_result(s), SPF_FAIL);
	spf_free(s);

	s = spf_new(&client);
	spf_answer(s, &(struct dns_answer){ .outcome = DNS_BOGUS });
	assert_int_equal(spf_result(s), SPF_TEMPERROR);
	spf_free(s);
	spf_free(NULL);
}

static void result_names(void **state)
{
	static const char *const names[] = { "pending", "none", "neutral", "pass", "fail",
		"softfail", "temperror", "permerror" };

	(void)state;
	for (enum spf_result r = SPF_PENDING; r <= SPF_PERMERROR; r++)
		assert_true(str_eq(spf_result_name(r), str_c(names[r])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(macros),
		cmocka_unit_test(large_macros),
		cmocka_unit_test(names_of_the_client),
		cmocka_unit_test(identities),
		cmocka_unit_test(several_records),
		cmocka_unit_test(extended_examples),
		cmocka_unit_test(limits),
		cmocka_unit_test(odd_answers),
		cmocka_unit_test(result_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
