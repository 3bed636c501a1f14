/* Fetched mail handed to a mail server by SMTP or LMTP: delivery = smtp://HOST:PORT, lmtp://HOST:PORT.
 *
 * The reverse-path is <>: nobody is to hear of the way a message takes behind the provider.  What the server refuses
 * stays at the provider.  One session for all of a round; a new one when it has ended meanwhile. */
#include <stdlib.h>

#include "base/mem.h"
#include "cmd/fetch.h"
#include "mime/field.h"
#include "mime/sevenbit.h"
#include "net/cidr.h"

enum { PIECE = 64 * 1024, HEADER_MAX = 256 * 1024 };

/* RFC 6761 6.3, RFC 1122 3.2.1.3: what stays on this machine needs no TLS. */
static bool is_here(struct str host)
{
	struct cidr v4, v6;
	unsigned char address[16];

	return str_ieq(host, STR("localhost")) ||
	       (cidr_address(host, address) && cidr_parse(STR("127.0.0.0/8"), &v4) &&
		       cidr_parse(STR("::1"), &v6) &&
		       (cidr_has(&v4, address) || cidr_has(&v6, address)));
}

static enum status connect_there(struct fetch *f, struct err *err)
{
	struct handover *h = &f->sink.handover;
	struct smtp_want want = {
		.server = {.host = h->to.host,
			   .port = h->to.port,
			   .tls = is_here(h->to.host) || f->remote->allow_cleartext
				       ? SERVER_TLS_NONE
				       : SERVER_TLS_STARTTLS,
			   .roots = f->server->want.server.roots,
			   .resolvers = is_here(h->to.host) ? STR("") : str_c(f->config->dns_resolver),
			   .timeout_ms = f->remote->timeout_ms,
			   .beside = &f->pop.server},
		.lmtp = f->sink.kind == REMOTE_LMTP,
		.hostname = str_c(f->config->hostname),
	};
	struct err why = { ST_OK, "" };

	smtp_close(&h->smtp);
	if (smtp_open(&h->smtp, &want, &why) == ST_OK)
		return ST_OK;
	return err_set(
		err, ST_TEMP, "delivery to %.*s: %s", STR_ARG(str_head(h->to.host, 100)), why.text);
}

enum status handover_open(struct fetch *f, struct err *err)
{
	struct handover *h = &f->sink.handover;

	(void)remote_target_parse(f->sink.kind, str_c(f->sink.where), &h->to);
	if (h->to.recipient.n == 0)
		h->to.recipient = str_c(f->remote->address);
	if (h->to.recipient.n == 0)
		return err_set(err, ST_USAGE,
			"delivery: %s says not to whom: set address, or append /ADDRESS",
			f->sink.where);
	return connect_there(f, err);
}

void handover_octets(struct fetch *f, struct str octets, bool end)
{
	struct handover *h = &f->sink.handover;
	struct buf lines = { 0 };

	crlf_put(&h->lines, octets, &lines);
	if (end)
		crlf_end(&h->lines, &lines);
	h->eight = h->eight || !str_ascii(octets);
	if (lines.len > 0)
		fwrite(lines.data, 1, lines.len, f->sink.spool);
	buf_deinit(&lines);
}

/* Octets of the spool from there on, at most n; fewer at its end. */
static size_t spool_read(FILE *spool, uint64_t from, char *to, size_t n)
{
	return fseeko(spool, (off_t)from, SEEK_SET) == 0 ? fread(to, 1, n, spool) : 0;
}

static bool header_is_eight(FILE *spool)
{
	char *head = mem_alloc(HEADER_MAX);
	size_t n = spool_read(spool, 0, head, HEADER_MAX);
	struct header_search search = { 0 };
	bool eight;

	(void)header_search(&search, str_of(head, n), true, &n);
	eight = !str_ascii(str_of(head, n));
	free(head);
	return eight;
}

/* RFC 6152 3: into another spool, for a server without 8BITMIME or SMTPUTF8.  False: it cannot be. */
static bool make_sevenbit(struct fetch *f)
{
	FILE *made = tmpfile(), *spool = f->sink.spool;
	struct sevenbit *scan = sevenbit_new();
	char *piece = mem_alloc(PIECE);
	struct buf out = { 0 };
	bool good;
	size_t n;

	rewind(spool);
	while ((n = fread(piece, 1, PIECE, spool)) > 0)
		sevenbit_scan(scan, str_of(piece, n));
	good = made != NULL && sevenbit_scanned(scan) == SEVENBIT_POSSIBLE;
	rewind(spool);
	while (good && !feof(spool)) {
		n = fread(piece, 1, PIECE, spool);
		sevenbit_convert(scan, str_of(piece, n), feof(spool), &out);
		good = !ferror(spool) &&
		       (out.len == 0 || fwrite(out.data, 1, out.len, made) == out.len);
		buf_clear(&out);
	}
	good = good && fflush(made) == 0;
	if (good)
		f->sink.spool = made;
	if (made != NULL)
		fclose(good ? spool : made);
	buf_deinit(&out);
	free(piece);
	sevenbit_free(scan);
	return good;
}

static void give_body(struct fetch *f, const struct smtpc_event *ev)
{
	struct smtp *s = &f->sink.handover.smtp;
	size_t want = ev->want < PIECE ? ev->want : PIECE;
	char *piece = mem_alloc(PIECE);
	size_t n = spool_read(f->sink.spool, ev->offset, piece, want);

	if (n > 0)
		smtpc_body(s->engine, str_of(piece, n));
	else
		smtpc_body_failed(s->engine);
	free(piece);
}

/* ST_OK: it is theirs.  ST_PERM: refused, for now or for good; another one may go.  ST_TEMP: the session is over. */
static enum status judge(const struct smtpc_result *r, struct err *err)
{
	if (r->outcome == SMTPC_DELIVERED)
		return ST_OK;
	return err_set(err, r->why == SMTPC_WHY_REPLY && r->code != 421 ? ST_PERM : ST_TEMP,
		"the server of the delivery: at %.*s: %u %.*s %.*s",
		STR_ARG(smtpc_stage_name(r->at)), r->code, STR_ARG(str_head(r->status, 10)),
		STR_ARG(str_head(r->text, 150)));
}

static enum status listen_to(struct fetch *f, struct err *err)
{
	struct smtp *s = &f->sink.handover.smtp;
	enum status status = ST_TEMP;
	struct smtpc_event ev = { .type = SMTPC_EV_DONE };

	while (ev.type != SMTPC_EV_READY && smtp_next(s, &ev)) {
		if (ev.type == SMTPC_ASK_BODY)
			give_body(f, &ev);
		else if (ev.type == SMTPC_EV_RCPT)
			status = judge(&ev.result, err);
	}
	return status == ST_TEMP ? err_set(err, ST_TEMP, "delivery: the session has ended")
				 : status;
}

enum status handover_commit(struct fetch *f, struct err *err)
{
	struct handover *h = &f->sink.handover;
	struct smtpc_rcpt to = { .address = h->to.recipient };
	struct smtpc_result why = { .outcome = SMTPC_NOTHING };
	struct smtpc_message m = { .rcpts = &to,
		.rcpt_count = 1,
		.octets = (uint64_t)ftello(f->sink.spool),
		.eightbit = h->eight,
		.smtputf8 = h->eight && header_is_eight(f->sink.spool) };

	h->eight = false;
	if (h->smtp.over && connect_there(f, err) != ST_OK)
		return ST_TEMP;
	if (smtpc_send(h->smtp.engine, &m, &why))
		return listen_to(f, err);
	if ((why.why == SMTPC_WHY_8BITMIME || why.why == SMTPC_WHY_SMTPUTF8) && make_sevenbit(f)) {
		fseeko(f->sink.spool, 0, SEEK_END);
		m.octets = (uint64_t)ftello(f->sink.spool);
		m.eightbit = m.smtputf8 = false;
		if (smtpc_send(h->smtp.engine, &m, &why))
			return listen_to(f, err);
	}
	(void)judge(&why, err);
	return ST_PERM;
}

void handover_close(struct fetch *f)
{
	struct handover *h = &f->sink.handover;
	struct smtpc_event ev;

	if (h->smtp.engine != NULL && !h->smtp.over)
		smtpc_quit(h->smtp.engine);
	while (h->smtp.engine != NULL && smtp_next(&h->smtp, &ev))
		continue;
	smtp_close(&h->smtp);
}
