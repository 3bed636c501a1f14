/* Sending what waits, without a server: the server's own queue decides what goes and when it goes again, its words
 * for what happened are the carrier's; only the connection is a blocking one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cmd/fetch.h"
#include "cmd/send.h"
#include "daemon/carrier_outcome.h"
#include "mime/sevenbit.h"
#include "queue/queue.h"
#include "remote/smtp.h"

enum { NOT_OURS_MAX = 256 };

struct run {
	struct cmd *cmd;
	const struct config *config;
	struct office *office;
	struct queue *queue;
	struct queue_job *job;
	struct buf octets, host;
	const char *tls; /* reached */
	struct job_note notes[QUEUE_JOB_RECIPIENTS];
	struct str id; /* only what becomes of this message counts; "": of all */
	size_t waiting, refused;
	struct queue_job *others[NOT_OURS_MAX]; /* not handed in here: a server's */
	size_t other_count;
};

static bool read_octets(struct run *r)
{
	const struct store_out *o = r->job->out;
	uint64_t got = 1;

	buf_clear(&r->octets);
	while (got > 0 && r->octets.len < o->octets) {
		char *room = buf_reserve(&r->octets, 65536);

		if (store_out_read(r->office->store, (struct store_out *)(uintptr_t)o,
			    r->octets.len, room, 65536, &got) != STORE_OK)
			return false;
		buf_grew(&r->octets, (size_t)got);
	}
	return r->octets.len == o->octets;
}

/* RFC 6152 3.  False: it cannot be made 7-bit. */
static bool make_sevenbit(struct run *r)
{
	struct sevenbit *scan = sevenbit_new();
	struct buf made = { 0 };
	bool possible;

	sevenbit_scan(scan, buf_str(&r->octets));
	possible = sevenbit_scanned(scan) == SEVENBIT_POSSIBLE;
	if (possible) {
		sevenbit_convert(scan, buf_str(&r->octets), true, &made);
		buf_deinit(&r->octets);
		r->octets = made;
	}
	sevenbit_free(scan);
	return possible;
}

static void note_all(struct run *r, const char *status, const char *why)
{
	for (size_t i = 0; i < r->job->count; i++)
		note_host(&r->notes[i], status, "%s", why);
}

static void listen_to(struct run *r, struct smtp *s)
{
	struct smtpc_event ev;
	bool done = false;

	while (!done && smtp_next(s, &ev)) {
		struct str piece = str_from(buf_str(&r->octets), (size_t)ev.offset);

		switch (ev.type) {
		case SMTPC_ASK_BODY: smtpc_body(s->engine, str_head(piece, ev.want)); break;
		case SMTPC_EV_RCPT:
			note_result(&r->notes[ev.index], &ev.result);
			/* Who knows DSN tells the sender itself (RFC 3461 5.2.1). */
			r->notes[ev.index].relayed =
				ev.result.outcome == SMTPC_DELIVERED &&
				(smtpc_server(s->engine)->offers & SMTPC_X_DSN) != 0;
			break;
		case SMTPC_EV_DONE: done = true; break;
		case SMTPC_EV_STARTTLS:
		case SMTPC_ASK_AUTH:
		case SMTPC_ASK_AUTH_MORE:
		case SMTPC_EV_AUTH_OK:
		case SMTPC_EV_READY:
		case SMTPC_EV_CLOSE: break;
		}
	}
	smtpc_quit(s->engine);
	while (done && smtp_next(s, &ev))
		continue;
}

static void hand_over(struct run *r, struct smtp *s)
{
	struct smtpc_rcpt rcpts[QUEUE_JOB_RECIPIENTS];
	const struct store_out *o = r->job->out;
	struct smtpc_result why;
	struct smtpc_message m = { .reverse_path = o->rcpts[r->job->at[0]].sender,
		.rcpts = rcpts,
		.rcpt_count = r->job->count,
		.octets = r->octets.len,
		.eightbit = (o->flags & STORE_8BIT) != 0,
		.smtputf8 = (o->flags & (STORE_8BIT_HEADER | STORE_SMTPUTF8)) != 0,
		.envid = o->envid,
		.ret = o->ret };

	for (size_t i = 0; i < r->job->count; i++) {
		const struct store_out_rcpt *to = &o->rcpts[r->job->at[i]];

		rcpts[i] = (struct smtpc_rcpt){ to->recipient, to->notify, to->orcpt };
		note_host(&r->notes[i], "4.4.2", "the session ended before an answer");
	}
	if (!smtpc_send(s->engine, &m, &why)) {
		if ((why.why == SMTPC_WHY_8BITMIME || why.why == SMTPC_WHY_SMTPUTF8) &&
			make_sevenbit(r)) {
			m.octets = r->octets.len;
			m.eightbit = false;
			m.smtputf8 = (o->flags & STORE_SMTPUTF8) != 0;
		}
		if (!smtpc_send(s->engine, &m, &why)) {
			for (size_t i = 0; i < r->job->count; i++)
				note_result(&r->notes[i], &why);
			return;
		}
	}
	listen_to(r, s);
}

static const struct config_remote *remote_of(const struct run *r, const struct queue_job *job)
{
	struct str client = job->out->client;

	return str_starts(client, STR(OUTBOX_CLIENT))
		       ? config_remote(r->config, str_from(client, sizeof OUTBOX_CLIENT - 1))
		       : NULL;
}

static struct smtp_want want_of(const struct run *r, const struct fetch_server *server)
{
	return (struct smtp_want){ .server = server->want.server,
		.hostname = str_c(r->config->hostname),
		.user = server->want.user,
		.secret = server->want.secret,
		.token = server->want.token,
		.mechanisms = server->want.mechanisms,
		.allow_cleartext = server->want.allow_cleartext };
}

static void carry(struct run *r, const struct config_remote *remote)
{
	struct fetch_server server = { .sends = true };
	struct err err = { ST_OK, "" };
	enum status status = fetch_server(&server, r->cmd, r->config, remote, &err);
	struct smtp_want want = want_of(r, &server);
	struct smtp s = { .over = true };

	buf_clear(&r->host);
	buf_put(&r->host, buf_str(&server.host));
	r->tls = want.server.tls == SERVER_TLS_NONE ? "clear" : "verified";
	if (status == ST_OK && !read_octets(r))
		status = err_set(&err, ST_CORRUPT, "it cannot be read: run restante fsck");
	if (status == ST_OK) {
		status = smtp_open(&s, &want, &err);
		if (status == ST_OK)
			hand_over(r, &s);
		smtp_close(&s);
	}
	/* A password that is wrong today is changed tomorrow: only the queue's lifetime ends it. */
	if (status != ST_OK)
		note_all(r, "4.4.0", err.text);
	fetch_server_free(&server);
}

static void tell(struct run *r, const struct job_note *n, struct str recipient)
{
	char id[MSGID_TEXT + 1];
	bool counts;

	msgid_text(r->job->out->id, id);
	counts = r->id.n == 0 || str_eq(r->id, str_c(id));
	switch (n->outcome) {
	case OUTCOME_DELIVERED: return;
	case OUTCOME_DEFERRED: r->waiting += counts; break;
	case OUTCOME_FAILED: r->refused += counts; break;
	}
	cmd_fail(r->cmd, 0, "%.*s %s: %s", STR_ARG(str_head(recipient, 200)),
		n->outcome == OUTCOME_FAILED ? "is refused" : "waits", n->reply);
}

struct settled {
	struct queue_done done;
	bool over;
};

static void on_settled(struct queue_done *d, enum store_result result)
{
	(void)result; /* what is not written is tried again: at worst it comes twice, never not at all */
	((struct settled *)(void *)d)->over = true;
}

static void settle(struct run *r)
{
	struct job_outcome outcomes[QUEUE_JOB_RECIPIENTS];
	struct settled s = { .done = { .done = on_settled,
				     .job = r->job,
				     .outcomes = outcomes,
				     .count = r->job->count } };

	for (size_t i = 0; i < r->job->count; i++) {
		const struct store_out_rcpt *to = &r->job->out->rcpts[r->job->at[i]];
		const struct job_note *n = &r->notes[i];

		outcomes[i] = (struct job_outcome){ .number = to->number,
			.outcome = n->outcome,
			.relayed = n->relayed,
			.unknown = n->unknown,
			.status = str_c(n->status),
			.reply = str_c(n->reply),
			.host = buf_str(&r->host),
			.tls = str_c(r->tls) };
		tell(r, n, to->recipient);
	}
	if (!queue_done(r->queue, &s.done, clock_wall_ms()))
		return;
	while (!s.over) {
		store_flush(r->office->store);
		if (!s.over)
			store_wait(r->office->store);
	}
}

static void configure(struct run *r)
{
	const struct config *c = r->config;
	struct queue_settings settings = {
		.routes = config_routes(c),
		.schedule = { .lifetime_ms = c->queue_lifetime_ms,
			.delay_notice_ms = c->queue_delay_notice_ms },
		.site_connections = NOT_OURS_MAX,
	};
	uint64_t seed;

	(void)config_retry_times(
		str_c(c->queue_retry), settings.schedule.wait_ms, &settings.schedule.waits);
	random_bytes(&seed, sizeof seed);
	r->queue = queue_new(r->office->store, seed);
	queue_configure(r->queue, &settings);
}

static void run_queue(struct run *r)
{
	configure(r);
	while (r->other_count < NOT_OURS_MAX) {
		const struct config_remote *remote;

		r->job = queue_take(r->queue, clock_wall_ms());
		if (r->job == NULL)
			break;
		remote = remote_of(r, r->job);
		if (remote == NULL && !str_starts(r->job->out->client, STR(OUTBOX_CLIENT))) {
			r->others[r->other_count++] = r->job;
			continue;
		}
		r->tls = "";
		if (remote != NULL)
			carry(r, remote);
		else
			note_all(r, "4.3.5", "its remote is not in restante.conf any more");
		settle(r);
	}
	for (size_t i = 0; i < r->other_count; i++)
		queue_give_back(r->queue, r->others[i], clock_wall_ms());
	store_flush(r->office->store);
	while (store_local_busy(r->office->store))
		store_wait(r->office->store);
	queue_free(r->queue);
}

static void on_row(struct office_reply *reply, json_t *row)
{
	(void)reply;
	json_decref(row);
}

/* Whoever asks does not want to wait for the schedule. */
static enum status retry_all(struct control_session *s, struct err *err)
{
	struct office_reply reply = { .row = on_row };
	json_t *request = json_pack("{s:s, s:s}", "verb", "queue.order", "command", "retry");
	enum status status = control_ask(s, request, &reply, err);

	json_decref(request);
	return status;
}

int outbox_run(struct cmd *c, const struct config *config, struct str id)
{
	struct err err = { ST_OK, "" };
	struct control_session *s = control_open(c->state, &err);
	struct run *r = NEW(struct run);
	int code = EX_OK;

	*r = (struct run){ .cmd = c, .config = config, .id = id };
	if (s == NULL || (id.n == 0 && retry_all(s, &err) != ST_OK)) {
		code = cmd_fail_err(c, &err);
	} else {
		r->office = control_office(s);
		if (r->office != NULL)
			run_queue(r);
		code = r->refused > 0 ? EX_UNAVAILABLE : r->waiting > 0 ? EX_TEMPFAIL : EX_OK;
	}
	control_close(s);
	buf_deinit(&r->octets);
	buf_deinit(&r->host);
	free(r);
	return code;
}
