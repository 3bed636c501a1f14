#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/carrier_job.h"
#include "daemon/config_out.h"
#include "daemon/session_out.h"

enum {
	READ_SIZE = 16 * 1024,
	IDLE_MS = 2000, /* a connection waits so long for the next message */
	IDLE_MOST = 100,
	MESSAGES_MOST = 100, /* of one session */
	LAST_WORDS_MS = 2000,
	QUICK_MS = 3, /* from envelope to the last reply */
	BEHIND_MOST = 3,
	BEHIND_MS = 1000, /* then a server is not quick, whatever it was before */
};

static void wake(struct out *o)
{
	o->carrier->idle_count -= o->idle;
	o->idle = false;
}

struct carrier_job *out_detach(struct out *o)
{
	struct carrier_job *j = o->job;

	o->job = NULL;
	if (j != NULL)
		j->out = NULL;
	return j;
}

/* They find another way. */
static void send_away(struct out *o)
{
	struct link *l;

	while ((l = list_take(&o->behind)) != NULL)
		job_find(LIST_OF(l, struct carrier_job, behind));
}

static void end(struct out *o)
{
	if (o->driving) {
		o->ended = true;
		return;
	}
	send_away(o);
	list_del(&o->link);
	wake(o);
	conn_close(&o->conn);
	smtpc_free(o->engine);
	out_auth_end(o);
	buf_deinit(&o->offered);
	buf_deinit(&o->tried);
	free(o->site);
	free(o);
}

void out_drop(struct out *o)
{
	out_detach(o);
	end(o);
}

const char *out_level(const struct out *o)
{
	return plan_level(o->has_tls ? &o->tls : NULL);
}

bool out_knows_dsn(const struct out *o)
{
	return (smtpc_server(o->engine)->offers & SMTPC_X_DSN) != 0;
}

static uint64_t messages_left(const struct out *o)
{
	const struct smtpc_server *server = smtpc_server(o->engine);
	uint64_t most = server->mail_max != 0 && server->mail_max < MESSAGES_MOST ? server->mail_max
										  : MESSAGES_MOST;

	return o->messages < most ? most - o->messages : 0;
}

/* The message is over, or never was: another job may have the connection. */
static void rest(struct out *o)
{
	struct carrier *c = o->carrier;

	if (messages_left(o) == 0 || c->idle_count >= IDLE_MOST || c->draining) {
		smtpc_quit(o->engine);
		return;
	}
	o->idle = true;
	c->idle_count++;
	o->idle_until_ms = loop_now_ms(c->loop) + IDLE_MS;
}

/* What the server lacks the job may do without; otherwise its recipients have their outcome. */
static void send_message(struct out *o)
{
	struct smtpc_result lacks;

	o->began_ms = loop_now_ms(o->carrier->loop);
	if (smtpc_send(o->engine, job_message(o->job), &lacks))
		o->messages++;
	else
		job_does_without(o->job, &lacks);
}

void out_again(struct out *o)
{
	send_message(o);
	out_drive(o);
}

void out_next(struct out *o)
{
	struct carrier_job *j = out_detach(o);

	send_away(o);
	rest(o);
	job_sent(j);
	out_drive(o);
}

static struct out *attach(struct out *o, struct carrier_job *j)
{
	o->job = j;
	j->out = o;
	return o;
}

static void ready(struct out *o)
{
	struct link *l = o->job == NULL ? list_take(&o->behind) : NULL;

	if (l != NULL)
		attach(o, LIST_OF(l, struct carrier_job, behind));
	if (o->job != NULL)
		send_message(o);
	else
		rest(o);
}

/* The first that waits is given to the engine, when there it has its place. */
static void line_up(struct out *o)
{
	struct carrier_job *j;

	if (o->next != NULL || list_empty(&o->behind))
		return;
	j = LIST_OF(o->behind.next, struct carrier_job, behind);
	if (!smtpc_follow(o->engine, job_address(j)))
		return;
	list_del(&j->behind);
	j->state = JOB_TALKING;
	j->out = o;
	o->next = j;
	o->messages++;
}

static void done(struct out *o)
{
	int64_t now = loop_now_ms(o->carrier->loop);
	struct carrier_job *j = out_detach(o);

	o->quick = now - o->began_ms <= QUICK_MS;
	o->began_ms = now;
	o->job = o->next;
	o->next = NULL;
	line_up(o);
	job_sent(j);
}

static void closed(struct out *o, const struct smtpc_result *r)
{
	struct carrier_job *j = out_detach(o);

	o->closing = true;
	wake(o);
	if (j != NULL)
		job_session_over(j, o, r);
	send_away(o);
}

static void serve(struct out *o, const struct smtpc_event *ev)
{
	switch (ev->type) {
	case SMTPC_EV_STARTTLS: o->starting_tls = true; break;
	case SMTPC_ASK_AUTH: out_auth_begin(o, ev); break;
	case SMTPC_ASK_AUTH_MORE: out_auth_more(o, ev->data); break;
	case SMTPC_EV_AUTH_OK: out_auth_ok(o); break;
	case SMTPC_EV_READY: ready(o); break;
	case SMTPC_ASK_BODY: job_wants_body(o->job, ev->offset, ev->want); break;
	case SMTPC_EV_RCPT: job_recipient(o->job, ev->index, &ev->result); break;
	case SMTPC_EV_DONE: done(o); break;
	case SMTPC_EV_CLOSE: closed(o, &ev->result); break;
	}
}

static void tls_failed(struct out *o)
{
	struct carrier_job *j = out_detach(o);
	const char *refusal = o->conn.ssl != NULL ? tls_client_refusal(o->conn.ssl) : NULL;

	if (j != NULL)
		job_tls_failed(j, o, refusal, o->conn.error);
}

static void start_tls(struct out *o)
{
	struct err err = { 0 };

	conn_deadline(&o->conn,
		loop_now_ms(o->carrier->loop) + o->carrier->config->smtp_client_command_timeout_ms);
	if (conn_start_tls_client(&o->conn, o->carrier->tls, &o->job->plan.want, &err) == ST_OK)
		return;
	snprintf(o->conn.error, sizeof o->conn.error, "%.119s", err.text);
	tls_failed(o);
	o->ended = true;
}

static void arm(struct out *o)
{
	int64_t at = smtpc_deadline(o->engine);
	int events = smtpc_out(o->engine)->len > 0 ? LOOP_WRITE : 0;

	if (smtpc_wants_input(o->engine) || o->idle)
		events |= LOOP_READ;
	if (o->idle && o->idle_until_ms < at)
		at = o->idle_until_ms;
	if (!list_empty(&o->behind) && o->began_ms + BEHIND_MS < at)
		at = o->began_ms + BEHIND_MS;
	if (o->closing)
		at = loop_now_ms(o->carrier->loop) + LAST_WORDS_MS;
	conn_want(&o->conn, o->closing ? events & LOOP_WRITE : events);
	conn_deadline(&o->conn, at == INT64_MAX ? 0 : at);
}

/* False: nothing more can be done now. */
static bool turn(struct out *o)
{
	struct smtpc_event ev;
	struct buf *out = smtpc_out(o->engine);
	int64_t n = 0;

	while (!o->closing && !o->starting_tls && !o->ended &&
		smtpc_next(o->engine, loop_now_ms(o->carrier->loop), &ev))
		serve(o, &ev);
	if (o->ended)
		return false;
	if (out->len > 0)
		n = conn_write(&o->conn, out);
	if (n < 0 && !o->closing) {
		buf_clear(out);
		smtpc_closed(o->engine);
		return true;
	}
	if (o->closing) {
		if (n < 0 || out->len == 0)
			o->ended = true;
		return false;
	}
	if (out->len > 0 && n == 0 && !smtpc_wants_input(o->engine))
		return false;
	if (o->starting_tls) {
		if (out->len == 0)
			start_tls(o);
		return false;
	}
	/* What was written made room: there may be more to send before any answer comes. */
	if (n > 0 || (!smtpc_wants_input(o->engine) && !o->idle))
		return n > 0;
	n = conn_read(&o->conn, smtpc_in(o->engine), READ_SIZE);
	if (n < 0)
		smtpc_closed(o->engine);
	return n != 0;
}

void out_drive(struct out *o)
{
	if (o->driving || o->conn.handshaking)
		return;
	o->driving = true;
	while (!o->ended && turn(o))
		continue;
	o->driving = false;
	if (o->ended)
		end(o);
	else if (!o->conn.handshaking)
		arm(o);
}

static void tls_up(struct out *o)
{
	o->starting_tls = false;
	o->has_tls = true;
	tls_client_result(o->conn.ssl, &o->tls);
	smtpc_tls_started(o->engine, loop_now_ms(o->carrier->loop));
}

static void event(struct conn *c, enum conn_event e)
{
	struct out *o = LIST_OF(c, struct out, conn);

	switch (e) {
	case CONN_READY: break;
	case CONN_TLS_UP: tls_up(o); break;
	case CONN_DEADLINE:
		if (c->handshaking) {
			snprintf(c->error, sizeof c->error, "TLS handshake: time-out");
			tls_failed(o);
			end(o);
			return;
		}
		if (!list_empty(&o->behind)) {
			send_away(o);
		} else if (o->idle) {
			wake(o);
			smtpc_quit(o->engine);
		} else if (o->closing) {
			end(o);
			return;
		} else {
			smtpc_timeout(o->engine);
		}
		break;
	case CONN_FAILED:
		tls_failed(o);
		end(o);
		return;
	}
	out_drive(o);
}

static struct str our_name(const struct carrier *c, const struct carrier_job *j)
{
	return str_c(j->source != NULL && j->source->helo[0] != '\0' ? j->source->helo
								     : c->config->hostname);
}

void out_start(struct carrier *c, const struct out_peer *peer, struct carrier_job *j)
{
	struct out *o = attach(NEW(struct out), j);
	bool lmtp = j->job.kind == ROUTE_LMTP;
	struct smtpc_peer facts = { .lmtp = lmtp,
		.hostname = our_name(c, j),
		.tls_active = j->plan.implicit,
		.starttls = j->without_tls ? SMTPC_TLS_NEVER : j->plan.starttls,
		.authenticate = j->rule != NULL && j->rule->user[0] != '\0' };

	o->carrier = c;
	o->site = str_dup_c(j->job.site);
	o->rule = j->rule;
	o->source = j->source;
	o->requiretls = job_requires_tls(j);
	o->tls_optional = job_tls_optional(j);
	conn_init(&o->conn, c->loop, peer->fd, peer->address, event);
	snprintf(o->host, sizeof o->host, "%.*s[%s]", STR_ARG(str_head(peer->host, 200)),
		o->conn.peer);
	o->engine = smtpc_new(&c->smtp, &facts, loop_now_ms(c->loop));
	list_init(&o->behind);
	list_append(&c->sessions, &o->link);
	if (j->plan.implicit) {
		o->starting_tls = true;
		start_tls(o);
		if (o->ended)
			end(o);
	} else {
		out_drive(o);
	}
}

static bool may_use(const struct out *o, const struct carrier_job *j)
{
	return o->rule == j->rule && o->source == j->source &&
	       str_eq(str_c(o->site), j->job.site) && (o->requiretls || !job_requires_tls(j)) &&
	       (!o->tls_optional || job_tls_optional(j));
}

bool out_use_idle(struct carrier *c, struct carrier_job *j)
{
	for (struct link *l = c->sessions.next; l != &c->sessions && c->idle_count > 0;
		l = l->next) {
		struct out *o = LIST_OF(l, struct out, link);

		if (!o->idle || !may_use(o, j))
			continue;
		wake(o);
		send_message(attach(o, j));
		out_drive(o);
		return true;
	}
	return false;
}

static bool has_place(const struct out *o)
{
	size_t n = 0;

	for (const struct link *l = o->behind.next; l != &o->behind; l = l->next)
		n++;
	return n < BEHIND_MOST && n < messages_left(o);
}

/* Only messages that are here as a whole: none waits for octets that another one waits for. */
bool out_follow(struct carrier *c, struct carrier_job *j)
{
	int64_t since = loop_now_ms(c->loop) - QUICK_MS;

	for (struct link *l = c->sessions.next; l != &c->sessions && j->job.message.n > 0;
		l = l->next) {
		struct out *o = LIST_OF(l, struct out, link);

		if (!o->quick || o->began_ms < since || o->job == NULL ||
			o->job->job.message.n == 0 || o->closing || !may_use(o, j) || !has_place(o))
			continue;
		list_append(&o->behind, &j->behind);
		line_up(o);
		out_drive(o);
		return true;
	}
	return false;
}

bool out_is_shared(const struct out *o)
{
	return o->next != NULL;
}

void out_body(struct out *o, struct str octets)
{
	if (octets.n > 0)
		smtpc_body(o->engine, octets);
	else
		smtpc_body_failed(o->engine);
	out_drive(o);
}

void out_quit_idle(struct carrier *c)
{
	struct link *l, *next;

	for (l = c->sessions.next; l != &c->sessions; l = next) {
		struct out *o = LIST_OF(l, struct out, link);

		next = l->next;
		if (!o->idle)
			continue;
		wake(o);
		smtpc_quit(o->engine);
		out_drive(o);
	}
}
