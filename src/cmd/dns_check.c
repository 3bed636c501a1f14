#include <arpa/inet.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "cmd/dns_check.h"
#include "net/cidr.h"
#include "remote/lookup.h"

enum { TIMEOUT_MS = 10000, SHOWN_MAX = 120 };

struct question {
	struct dns_query query, second; /* second: AAAA */
	struct check *check;
	const struct record *record;
	struct finding *finding;
	char address[INET6_ADDRSTRLEN]; /* RECORD_PTR_V4, _V6: that was found */
};

struct check {
	struct loop *loop;
	struct resolver *dns;
	size_t open;
};

static void say(struct finding *f, enum found found, const char *what, struct str shown)
{
	struct buf out = { 0 };

	if (f->what != NULL)
		return;
	buf_put(&out, str_c(what));
	shown = str_head(shown, SHOWN_MAX);
	for (size_t i = 0; i < shown.n; i++)
		buf_putc(&out, shown.p[i] < ' ' || shown.p[i] > '~' ? '?' : shown.p[i]);
	f->found = found;
	f->what = buf_steal_c(&out);
}

static enum found missing(const struct record *r)
{
	return r->needed ? FOUND_FAIL : FOUND_WARN;
}

/* The last word of "10 host." without its dot. */
static struct str target_of(const struct record *r)
{
	struct str value = str_c(r->value);

	value = str_from(value, str_rfind(value, ' ') + 1);
	return str_head(value, value.n - 1);
}

static void judge_mx(const struct record *r, const struct dns_answer *a, struct finding *f)
{
	for (size_t i = 0; i < a->count; i++)
		if (str_ieq(a->rows[i].data, target_of(r))) {
			say(f, a->count == 1 ? FOUND_OK : FOUND_WARN,
				a->count == 1 ? "" : "there are other mail servers too", STR(""));
			return;
		}
	say(f, FOUND_FAIL, "mail goes elsewhere: ", a->rows[0].data);
}

static void judge_srv(const struct record *r, const struct dns_answer *a, struct finding *f)
{
	struct str words = str_c(r->value);
	uint64_t port = 0;

	str_cut(&words, ' ');
	str_cut(&words, ' ');
	str_u64(str_cut(&words, ' '), &port);
	for (size_t i = 0; i < a->count; i++)
		if (str_ieq(a->rows[i].data, target_of(r)) && a->rows[i].port == port) {
			say(f, FOUND_OK, "", STR(""));
			return;
		}
	say(f, FOUND_WARN, "points elsewhere: ", a->rows[0].data);
}

/* A stale TLSA record makes others refuse to send (RFC 7672 2.2): worse than none. */
static void judge_tlsa(const struct record *r, const struct dns_answer *a, struct finding *f)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct dns_row *row = &a->rows[i];
		struct buf text = { 0 };
		bool same;

		buf_printf(&text, "%u %u %u ", row->usage, row->selector, row->matching);
		hex_put(&text, row->data);
		same = str_ieq(buf_str(&text), str_c(r->value));
		buf_deinit(&text);
		if (!same)
			continue;
		say(f, a->secure ? FOUND_OK : FOUND_WARN,
			a->secure ? "" : "the zone is not signed: nobody looks at it", STR(""));
		return;
	}
	say(f, FOUND_FAIL, "no record fits the certificate's key: those who check it do not send",
		STR(""));
}

/* "p=..." of a key's record. */
static struct str key_of(struct str record)
{
	while (record.n > 0) {
		struct str tag = str_trim(str_cut(&record, ';'));

		if (str_starts(tag, STR("p=")))
			return str_from(tag, 2);
	}
	return STR("");
}

static void judge_same(const struct record *r, struct str text, struct finding *f)
{
	bool same = r->kind == RECORD_DKIM ? str_eq(key_of(text), key_of(str_c(r->value)))
					   : str_eq(text, str_c(r->value));

	switch (r->kind) {
	case RECORD_DKIM:
		say(f, same ? FOUND_OK : FOUND_FAIL, same ? "" : "another key stands there",
			STR(""));
		break;
	case RECORD_STS: /* any id will do, as long as it changes with the policy */
		say(f, FOUND_OK, same ? "" : "found: ", same ? STR("") : text);
		break;
	case RECORD_DMARC:
		same = !str_eq(str_head(str_trim(str_from(text, str_find(text, ';') + 1)), 6),
			STR("p=none"));
		say(f, same ? FOUND_OK : FOUND_WARN,
			same ? "" : "forged mail is let through: ", same ? STR("") : text);
		break;
	case RECORD_SPF:
	case RECORD_SPF_HOST:
		say(f, same ? FOUND_OK : FOUND_WARN,
			same ? "" : "see whether this server is in it: ", same ? STR("") : text);
		break;
	case RECORD_TLSRPT: say(f, FOUND_OK, "", STR("")); break;
	case RECORD_MX:
	case RECORD_ADDRESS:
	case RECORD_TLSA:
	case RECORD_SRV:
	case RECORD_SOURCE:
	case RECORD_PTR:
	case RECORD_PTR_V4:
	case RECORD_PTR_V6:
	case RECORD_WEB: break; /* no TXT */
	}
}

/* Of several TXT records those count that begin as ours does; two of them count for nothing (RFC 7208 4.5,
 * RFC 8461 3.1). */
static void judge_txt(const struct record *r, const struct dns_answer *a, struct finding *f)
{
	struct str version = str_c(r->value), text = STR("");
	size_t n = 0;

	version = str_head(version,
		str_find(version, r->kind == RECORD_SPF || r->kind == RECORD_SPF_HOST ? ' ' : ';'));
	for (size_t i = 0; i < a->count; i++)
		if (str_istarts(a->rows[i].data, version) ||
			(r->kind == RECORD_DKIM && key_of(a->rows[i].data).n > 0)) {
			text = a->rows[i].data;
			n++;
		}
	if (n == 0)
		say(f, missing(r), r->not_yet != NULL ? "not yet: " : "not published",
			str_c(r->not_yet != NULL ? r->not_yet : ""));
	else if (r->not_yet != NULL)
		say(f, FOUND_FAIL, "published too early: ", str_c(r->not_yet));
	else if (n > 1)
		say(f, FOUND_FAIL, "published more than once: none of them counts", STR(""));
	else
		judge_same(r, text, f);
}

/* Its name has to lead back to it, else nobody believes the name (RFC 1912 2.1). */
static void judge_source(const struct record *r, const struct dns_answer *a, struct finding *f)
{
	unsigned char octets[16];

	(void)cidr_address(str_c(r->value), octets);
	for (size_t i = 0; i < a->count; i++)
		if (a->rows[i].data.n <= sizeof octets &&
			str_eq(a->rows[i].data, str_of(octets + sizeof octets - a->rows[i].data.n,
							a->rows[i].data.n))) {
			say(f, FOUND_OK, "", STR(""));
			return;
		}
	say(f, FOUND_WARN, "what EHLO says has other addresses than mail leaves from", STR(""));
}

static void judge_ptr(const struct record *r, const struct dns_answer *a, struct finding *f)
{
	struct str name = str_c(r->value);

	for (size_t i = 0; i < a->count; i++)
		if (str_ieq(a->rows[i].data, str_head(name, name.n - 1))) {
			say(f, FOUND_OK, "", STR(""));
			return;
		}
	say(f, FOUND_WARN, "EHLO says another name than the address has: ", a->rows[0].data);
}

static void judge(struct question *q, const struct dns_answer *a)
{
	const struct record *r = q->record;
	struct finding *f = q->finding;

	if (a->outcome == DNS_FAILED)
		say(f, FOUND_UNKNOWN, "DNS does not answer: ", a->why);
	else if (a->outcome == DNS_BOGUS)
		say(f, FOUND_FAIL, "DNSSEC is broken: ", a->why);
	else if ((a->outcome != DNS_FOUND || a->count == 0) && r->type == DNS_PTR)
		say(f, FOUND_WARN, "many servers take no mail from an address without a name: ",
			str_c(r->kind == RECORD_PTR ? r->name : q->address));
	else if (a->outcome != DNS_FOUND || a->count == 0)
		say(f, missing(r), r->not_yet != NULL ? "not yet: " : "not published",
			str_c(r->not_yet != NULL ? r->not_yet : ""));
	else if (r->type == DNS_TXT)
		judge_txt(r, a, f);
	else if (r->type == DNS_PTR)
		judge_ptr(r, a, f);
	else if (r->kind == RECORD_SOURCE)
		judge_source(r, a, f);
	else if (r->kind == RECORD_MX)
		judge_mx(r, a, f);
	else if (r->kind == RECORD_SRV)
		judge_srv(r, a, f);
	else if (r->kind == RECORD_TLSA)
		judge_tlsa(r, a, f);
	else if (r->kind == RECORD_ADDRESS && a->aliases > 0)
		say(f, FOUND_FAIL, "a mail server's name may be no alias (RFC 2181 10.3)", STR(""));
	else
		say(f, FOUND_OK, "", STR(""));
}

static void finish_one(struct check *c)
{
	if (--c->open == 0)
		loop_stop(c->loop);
}

static void second_done(struct dns_query *query, const struct dns_answer *a)
{
	struct question *q = LIST_OF(query, struct question, second);

	judge(q, a);
	finish_one(q->check);
}

static void ask_name(struct question *q, struct str address)
{
	struct buf name = { 0 };

	(void)inet_ntop(
		address.n == 4 ? AF_INET : AF_INET6, address.p, q->address, sizeof q->address);
	dns_reverse(&name, address);
	resolve_start(q->check->dns, &q->second, buf_str(&name), DNS_PTR, second_done);
	buf_deinit(&name);
}

static enum dns_type first_type(const struct record *r)
{
	return r->kind == RECORD_PTR_V4 ? DNS_A : r->kind == RECORD_PTR_V6 ? DNS_AAAA : r->type;
}

static void done(struct dns_query *query, const struct dns_answer *a)
{
	struct question *q = LIST_OF(query, struct question, query);

	if (record_is_checked_only(q->record) && a->outcome == DNS_FOUND && a->count > 0) {
		ask_name(q, a->rows[0].data);
		return;
	}
	if (record_is_checked_only(q->record) &&
		(a->outcome == DNS_NODATA || a->outcome == DNS_NXDOMAIN)) {
		finish_one(q->check); /* that it is missing is told elsewhere */
		return;
	}
	/* One family is enough. */
	if (q->record->kind == RECORD_ADDRESS &&
		(a->outcome == DNS_NODATA || a->outcome == DNS_NXDOMAIN)) {
		resolve_start(
			q->check->dns, &q->second, str_c(q->record->name), DNS_AAAA, second_done);
		return;
	}
	judge(q, a);
	finish_one(q->check);
}

enum status records_check(const struct records *r, struct str resolver, struct str anchors,
	struct finding *findings, struct err *err)
{
	struct check c = { .loop = loop_new() };
	struct question *questions = mem_zalloc(r->count * sizeof *questions);
	struct buf servers = { 0 };
	struct resolver_config config = { .anchors = anchors, .timeout_ms = TIMEOUT_MS };
	enum status status;

	if (resolver.n > 0)
		buf_put(&servers, resolver);
	else
		lookup_system_servers(&servers);
	config.servers = buf_str(&servers);
	c.dns = resolver_new(c.loop, &config, err);
	for (size_t i = 0; c.dns != NULL && i < r->count; i++) {
		struct question *q = &questions[i];

		*q = (struct question){
			.check = &c, .record = &r->rows[i], .finding = &findings[i]
		};
		if (r->rows[i].kind == RECORD_WEB)
			continue; /* what it points at is nothing of ours */
		c.open++;
		resolve_start(
			c.dns, &q->query, str_c(r->rows[i].name), first_type(&r->rows[i]), done);
	}
	if (c.open > 0)
		loop_run(c.loop);
	status = c.dns != NULL ? ST_OK : err->code;
	resolver_free(c.dns);
	loop_free(c.loop);
	free(questions);
	buf_deinit(&servers);
	return status;
}
