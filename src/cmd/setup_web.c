/* What the web server of a domain says of its mail servers.  The domain is asked, nobody else: no directory of a third
 * party gets to know whose mail is fetched where. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/setup.h"
#include "daemon/web_get.h"
#include "remote/autoconfig.h"

enum { HOST_MAX = 300, ADDRESSES_MAX = 8, RESOLVE_MAX = 1000 };

struct addresses {
	char text[RESOLVE_MAX]; /* as CURLOPT_RESOLVE has them */
	size_t count;
	bool silent;
};

struct got {
	struct web_get get;
	struct loop *loop;
};

static void on_answer(void *arg, const struct dns_answer *a)
{
	struct addresses *to = arg;

	to->silent |= a->outcome == DNS_FAILED || a->outcome == DNS_BOGUS;
	for (size_t i = 0; a->outcome == DNS_FOUND && i < a->count; i++) {
		const unsigned char *p = (const unsigned char *)a->rows[i].data.p;
		size_t n = str_c(to->text).n;
		const char *comma = to->count == 0 ? "" : ",";

		if (to->count == ADDRESSES_MAX)
			return;
		to->count++;
		if (a->rows[i].data.n == 4) {
			snprintf(to->text + n, sizeof to->text - n, "%s%u.%u.%u.%u", comma, p[0],
				p[1], p[2], p[3]);
			continue;
		}
		n += (size_t)snprintf(to->text + n, sizeof to->text - n, "%s[", comma);
		for (size_t k = 0; k < 16; k += 2)
			n += (size_t)snprintf(to->text + n, sizeof to->text - n, "%s%x",
				k == 0 ? "" : ":", (unsigned)(p[k] << 8 | p[k + 1]));
		snprintf(to->text + n, sizeof to->text - n, "]");
	}
}

static void find_addresses(struct setup *s, const char *host, struct addresses *to)
{
	struct lookup_question questions[2];
	static const enum dns_type types[2] = { DNS_A, DNS_AAAA };

	*to = (struct addresses){ .count = 0 };
	for (size_t i = 0; i < 2; i++) {
		questions[i] = (struct lookup_question){
			.type = types[i], .answer = on_answer, .arg = to
		};
		snprintf(questions[i].name, sizeof questions[i].name, "%s", host);
	}
	lookup_ask(&s->lookup, questions, 2);
	s->silent |= to->silent && to->count == 0;
}

static void on_done(struct web_get *g)
{
	loop_stop(LIST_OF(g, struct got, get)->loop);
}

static void take(struct setup *s, const char *host, struct str xml)
{
	struct autoconfig a;
	struct err err = { ST_OK, "" };
	bool pop3, smtp;

	if (autoconfig_parse(xml, canonical_str(&s->address), &a, &err) != ST_OK) {
		setup_tried(s, SETUP_AUTOCONFIG, "https://%s: %s", host, err.text);
		return;
	}
	pop3 = setup_take(s, false, &a.pop3, SETUP_AUTOCONFIG);
	smtp = setup_take(s, true, &a.smtp, SETUP_AUTOCONFIG);
	if ((pop3 || smtp) && s->user.len == 0)
		buf_put(&s->user, str_c(a.user));
	s->token |= pop3 && a.token;
	setup_tried(s, SETUP_AUTOCONFIG, "https://%s names %s", host,
		pop3 && smtp ? "POP3 and SMTP"
		: pop3       ? "POP3"
		: smtp       ? "SMTP"
			     : "neither POP3 nor SMTP");
}

static void get(struct setup *s, const char *host, const char *url)
{
	char resolve[RESOLVE_MAX + HOST_MAX + 8];
	struct addresses addresses;
	struct got got = { .loop = s->lookup.loop };
	struct err err = { ST_OK, "" };
	struct web web;

	find_addresses(s, host, &addresses);
	if (addresses.count == 0) {
		setup_tried(s, SETUP_AUTOCONFIG, "%s: %s", host,
			addresses.silent ? "DNS does not answer" : "there is no such host");
		return;
	}
	snprintf(resolve, sizeof resolve, "%s:443:%s", host, addresses.text);
	if (web_init(&web, got.loop, buf_str(&s->roots), &err) != ST_OK) {
		setup_tried(s, SETUP_AUTOCONFIG, "%s", err.text);
		return;
	}
	web_get_start(&web, &got.get, url, resolve, AUTOCONFIG_MAX, on_done);
	loop_run(got.loop);
	if (got.get.error[0] != '\0')
		setup_tried(s, SETUP_AUTOCONFIG, "https://%s: %.200s", host, got.get.error);
	else
		take(s, host, buf_str(&got.get.body));
	web_get_deinit(&got.get);
	web_deinit(&web);
}

/* RFC 3986 2.1: what is not unreserved is written as %XX. */
static void put_escaped(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = ascii_lower(text.p[i]);

		if (ascii_digit(c) || (c >= 'a' && c <= 'z') || str_find(STR("-._~"), c) < 4)
			buf_putc(out, text.p[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)text.p[i]);
	}
}

void setup_autoconfig(struct setup *s)
{
	static const struct {
		const char *host, *path;
	} places[] = {
		{ "autoconfig.", "/mail/config-v1.1.xml?emailaddress=" },
		{ "", "/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=" },
	};
	struct str domain = canonical_domain(&s->address);

	for (size_t i = 0; i < 2 && !setup_complete(s); i++) {
		char host[HOST_MAX];
		struct buf url = { 0 };
		char *text;

		snprintf(host, sizeof host, "%s%.*s", places[i].host, STR_ARG(domain));
		buf_printf(&url, "https://%s%s", host, places[i].path);
		put_escaped(&url, canonical_str(&s->address));
		text = buf_steal_c(&url);
		get(s, host, text);
		free(text);
	}
}
