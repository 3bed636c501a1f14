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
		.server = { .host = h->to.host,
			.port = h->to.port,
			.tls = is_here(h->to.host) || f->remote->allow_cleartext
				       ? SERVER_TLS_NONE
				       : SERVER_TLS_STARTTLS,
			.roots = f->server->want.server.roots,
			.resolvers = is_here(h->to.host) ? STR("") : str_c(f->config->dns_resolver),
			.timeout_ms = f->remote->timeout_ms,
			.beside = &f->pop.server },
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

/* The header of what is in the spool; to be freed. */
static struct str header_of(FILE *spool)
{
	char *head = mem_alloc(HEADER_MAX);
	size_t n = spool_read(spool, 0, head, HEADER_MAX);
	struct header_search search = { 0 };

	(void)header_search(&search, str_of(head, n), true, &n);
	return str_of(head, n);
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

/* What came of the recipients, together. */
struct verdict {
	size_t delivered, refused, waiting;
	bool ended;
	struct err why; /* of the last that did not get it */
};

static void count(struct verdict *v, const struct smtpc_result *r)
{
	struct err why = { ST_OK, "" };

	if (judge(r, &why) == ST_OK) {
		v->delivered++;
		return;
	}
	v->refused += r->code >= 500;
	v->waiting += r->code < 500;
	v->ended = v->ended || why.code == ST_TEMP;
	v->why = why;
}

static void listen_to(struct fetch *f, struct verdict *v)
{
	struct smtp *s = &f->sink.handover.smtp;
	struct smtpc_event ev = { .type = SMTPC_EV_DONE };

	while (ev.type != SMTPC_EV_READY && smtp_next(s, &ev)) {
		if (ev.type == SMTPC_ASK_BODY)
			give_body(f, &ev);
		else if (ev.type == SMTPC_EV_RCPT)
			count(v, &ev.result);
	}
}

static void hand_over(struct fetch *f, struct smtpc_message *m, struct verdict *v)
{
	struct smtpc *engine = f->sink.handover.smtp.engine;
	struct smtpc_result why = { .outcome = SMTPC_NOTHING };
	bool sent = smtpc_send(engine, m, &why);

	if (!sent && (why.why == SMTPC_WHY_8BITMIME || why.why == SMTPC_WHY_SMTPUTF8) &&
		make_sevenbit(f)) {
		fseeko(f->sink.spool, 0, SEEK_END);
		m->octets = (uint64_t)ftello(f->sink.spool);
		m->eightbit = m->smtputf8 = false;
		sent = smtpc_send(engine, m, &why);
	}
	*v = (struct verdict){ .delivered = 0 };
	if (sent) {
		listen_to(f, v);
		err_set(&v->why, ST_TEMP, "delivery: the session has ended");
	} else {
		(void)judge(&why, &v->why);
		v->why.code = ST_PERM; /* of this message only */
		v->waiting = 1;
	}
}

/* It is theirs when nobody is left who may take it later, and one has it. */
static enum status conclude(const struct fetch *f, const struct verdict *v, struct err *err)
{
	if (v->delivered == 0 || v->waiting > 0)
		return err_set(err, v->ended || v->why.code != ST_PERM ? ST_TEMP : ST_PERM, "%s",
			v->why.text);
	if (v->refused > 0)
		cmd_fail(f->cmd, 0, "%s: not to all: %s", f->remote->name, v->why.text);
	return ST_OK;
}

enum status handover_commit(struct fetch *f, struct err *err)
{
	struct handover *h = &f->sink.handover;
	struct smtpc_rcpt owner = { .address = h->to.recipient };
	struct smtpc_message m = { .octets = (uint64_t)ftello(f->sink.spool),
		.eightbit = h->eight };
	struct str header = header_of(f->sink.spool);
	struct envelope *envelope = NEW(struct envelope);
	struct verdict v = { .refused = 1 };
	enum status status = ST_OK;

	m.smtputf8 = h->eight && !str_ascii(header);
	h->eight = false;
	envelope_read(f->remote, header, envelope);
	if (h->smtp.over)
		status = connect_there(f, err);
	m.rcpts = envelope->rcpts;
	m.rcpt_count = envelope->count;
	if (status == ST_OK && m.rcpt_count > 0)
		hand_over(f, &m, &v);
	/* Nobody is named, or nobody of those exists: the owner gets it, as of every mailbox. */
	if (status == ST_OK && v.refused > 0 && v.delivered + v.waiting == 0) {
		m.rcpts = &owner;
		m.rcpt_count = 1;
		hand_over(f, &m, &v);
	}
	if (status == ST_OK)
		status = conclude(f, &v, err);
	envelope_free(envelope);
	free(envelope);
	free((void *)(uintptr_t)header.p);
	return status;
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
