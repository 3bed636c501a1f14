/* The session: life, what is told, and the loop between replies and commands. */
#include <stdlib.h>

#include "base/mem.h"
#include "proto/smtpc_int.h"

struct smtpc *smtpc_new(
	const struct smtpc_config *config, const struct smtpc_peer *peer, int64_t now_ms)
{
	struct smtpc *c = NEW(struct smtpc);

	c->config = config;
	c->peer = *peer;
	buf_put(&c->hostname, peer->hostname);
	c->peer.hostname = buf_str(&c->hostname);
	c->server.tls_active = peer->tls_active;
	c->in.max = SMTPC_REPLY_MAX;
	c->reply.whole = true;
	c->reply.text.max = SMTPC_TEXT_MAX;
	c->auth.secret = true;
	c->now_ms = c->active_ms = now_ms;
	return c;
}

void smtpc_tx_end(struct smtpc *c)
{
	if (c->tx != NULL)
		free(c->tx->rcpt);
	free(c->tx);
	c->tx = c->next;
	c->next = NULL;
	c->behind = 0;
}

void smtpc_free(struct smtpc *c)
{
	if (c == NULL)
		return;
	smtpc_tx_end(c);
	smtpc_tx_end(c);
	buf_deinit(&c->hostname);
	buf_deinit(&c->mechanisms);
	buf_deinit(&c->in);
	buf_deinit(&c->out);
	buf_wipe(&c->auth);
	buf_deinit(&c->reply.text);
	free(c);
}

struct buf *smtpc_in(struct smtpc *c)
{
	return &c->in;
}

struct buf *smtpc_out(struct smtpc *c)
{
	return &c->out;
}

const struct smtpc_server *smtpc_server(const struct smtpc *c)
{
	return &c->server;
}

bool smtpc_wants_input(const struct smtpc *c)
{
	return c->state != C_TLS && c->state != C_CLOSED && c->in.len < c->in.max;
}

void smtpc_put(struct smtpc *c, struct str text)
{
	buf_put(&c->out, text);
	c->active_ms = c->now_ms;
}

void smtpc_ask(struct smtpc *c, enum smtpc_event_type type)
{
	c->event.type = type;
	c->asking = true;
	c->asked_told = false;
}

void smtpc_ready(struct smtpc *c)
{
	c->state = C_READY;
	c->owed |= OWED_READY;
}

enum smtpc_stage smtpc_stage(const struct smtpc *c)
{
	switch (c->state) {
	case C_GREETING: return SMTPC_AT_GREETING;
	case C_EHLO:
	case C_HELO: return SMTPC_AT_EHLO;
	case C_STARTTLS:
	case C_TLS: return SMTPC_AT_STARTTLS;
	case C_AUTH_IDLE:
	case C_AUTH: return SMTPC_AT_AUTH;
	case C_MESSAGE: return smtpc_message_stage(c->tx);
	case C_READY: return SMTPC_AT_IDLE;
	case C_QUIT:
	case C_CLOSED: return SMTPC_AT_QUIT;
	}
	return SMTPC_AT_IDLE;
}

static void end(struct smtpc *c)
{
	c->state = C_CLOSED;
	c->asking = c->ending = false;
	c->owed = OWED_CLOSE;
	if (c->tx != NULL) {
		c->owed |= OWED_DONE;
		smtpc_tell_all(c);
	}
	buf_clear(&c->in);
	buf_wipe(&c->auth);
}

void smtpc_hang_up(struct smtpc *c)
{
	if (c->state == C_CLOSED)
		return;
	end(c);
	buf_clear(&c->out); /* whoever closes waits for nothing */
}

void smtpc_leave(struct smtpc *c)
{
	end(c);
	smtpc_put(c, STR("QUIT\r\n"));
}

/* The session cannot go on.  What was sent to its end may have arrived. */
void smtpc_break(struct smtpc *c, enum smtpc_why why)
{
	size_t behind = c->behind;
	bool sent;

#ifdef MUTANT_ENVELOPE_IS_END
	behind = 0;
#endif
	sent = c->tx != NULL && c->tx->end_sent && c->out.len <= behind;
	c->result = smtpc_own_result(c, why);
	if (sent)
		c->result.outcome = SMTPC_UNKNOWN;
	smtpc_hang_up(c);
}

static void end_session(struct smtpc *c)
{
	if (c->state == C_QUIT) {
		c->result = (struct smtpc_result){ .at = SMTPC_AT_QUIT, .why = c->end_why };
		c->result.status = STR("2.0.0");
		smtpc_hang_up(c);
		return;
	}
	smtpc_break(c, c->end_why);
}

static void on_reply(struct smtpc *c)
{
	c->active_ms = c->now_ms;
	c->at = smtpc_stage(c);
	if (c->state == C_QUIT) {
		c->end_why = SMTPC_WHY_REPLY;
		end_session(c);
		return;
	}
	if (c->reply.code == 421) { /* RFC 5321 3.8: the answer to any command */
		smtpc_result_reply(c);
		smtpc_hang_up(c);
		return;
	}
	switch (c->state) {
	case C_GREETING:
	case C_EHLO:
	case C_HELO:
	case C_STARTTLS: smtpc_hello_reply(c); break;
	case C_AUTH: smtpc_auth_reply(c); break;
	case C_MESSAGE: smtpc_message_reply(c); break;
	case C_AUTH_IDLE:
	case C_READY: smtpc_break(c, SMTPC_WHY_GARBAGE); break; /* nothing was asked */
	case C_TLS:
	case C_QUIT:
	case C_CLOSED: break;
	}
}

static bool reply_step(struct smtpc *c)
{
	if (c->state == C_TLS || c->state == C_CLOSED)
		return false;
	switch (smtpc_reply_cut(c)) {
	case REPLY_MORE: return false;
	case REPLY_LINE:
		if (c->state == C_EHLO)
			smtpc_ehlo_line(c);
		return true;
	case REPLY_WHOLE:
		if (c->state == C_EHLO)
			smtpc_ehlo_line(c);
		on_reply(c);
		return true;
	case REPLY_BAD: smtpc_break(c, SMTPC_WHY_GARBAGE); return true;
	}
	return false;
}

static bool tell_recipient(struct smtpc *c, struct smtpc_event *ev)
{
	struct smtpc_tx *tx = c->tx;
	unsigned char *state;

	if (tx == NULL || !(tx->tell_one || tx->tell_all))
		return false;
	while (!tx->tell_one && tx->tell < tx->m->rcpt_count && tx->rcpt[tx->tell] >= RCPT_TOLD)
		tx->tell++;
	if (tx->tell == tx->m->rcpt_count) {
		tx->tell_all = false;
		return false;
	}
	state = &tx->rcpt[tx->tell];
	if (*state == RCPT_ACCEPTED)
		tx->accepted--;
	if (*state != RCPT_SKIPPED)
		*state = RCPT_TOLD;
	tx->tell_one = false;
	ev->type = SMTPC_EV_RCPT;
	ev->index = tx->tell;
	ev->result = c->result;
	return true;
}

/* Nothing of the message that would have followed can have arrived. */
static void tell_next(struct smtpc *c)
{
	if (c->tx == NULL)
		return;
	if (c->state != C_CLOSED) {
		smtpc_tx_begin(c);
		return;
	}
	c->result = smtpc_own_result(c, SMTPC_WHY_CLOSED);
	c->result.at = SMTPC_AT_IDLE;
	smtpc_tell_all(c);
	c->owed |= OWED_DONE;
}

static bool tell_owed(struct smtpc *c, struct smtpc_event *ev)
{
	static const struct {
		unsigned owed;
		enum smtpc_event_type type;
	} order[] = {
		{ OWED_STARTTLS, SMTPC_EV_STARTTLS },
		{ OWED_AUTH_OK, SMTPC_EV_AUTH_OK },
		{ OWED_DONE, SMTPC_EV_DONE },
		{ OWED_READY, SMTPC_EV_READY },
		{ OWED_CLOSE, SMTPC_EV_CLOSE },
	};

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if ((c->owed & order[i].owed) != 0) {
			c->owed &= ~order[i].owed;
			ev->type = order[i].type;
			if (ev->type == SMTPC_EV_DONE) {
				smtpc_tx_end(c);
				tell_next(c);
			}
			if (ev->type == SMTPC_EV_CLOSE)
				ev->result = c->result;
			return true;
		}
	return false;
}

static bool step(struct smtpc *c)
{
	if (c->state == C_MESSAGE && smtpc_message_end(c))
		return true;
	if (reply_step(c))
		return true;
	if (c->ending) {
		end_session(c);
		return true;
	}
	return c->state == C_MESSAGE && smtpc_message_step(c);
}

bool smtpc_next(struct smtpc *c, int64_t now_ms, struct smtpc_event *ev)
{
	*ev = (struct smtpc_event){ 0 };
	c->now_ms = now_ms;
	if (c->out.len < c->out_left)
		c->active_ms = now_ms; /* the server takes what we send */
	do {
		c->out_left = c->out.len;
		if (tell_recipient(c, ev) || tell_owed(c, ev))
			return true;
		if (c->asking && !c->ending) {
			if (c->asked_told)
				return false;
			c->asked_told = true;
			*ev = c->event;
			return true;
		}
	} while (step(c));
	c->out_left = c->out.len;
	if (c->out.len == 0 && c->state == C_READY)
		buf_release(&c->out); /* an idle session keeps no buffers */
	return false;
}

/* What came before the end still counts: smtpc_next() reads it first. */
static void begin_ending(struct smtpc *c, enum smtpc_why why)
{
	if (c->state == C_CLOSED || c->ending)
		return;
	c->ending = true;
	c->end_why = why;
}

void smtpc_quit(struct smtpc *c)
{
	switch (c->state) {
	case C_AUTH_IDLE:
	case C_READY:
		smtpc_put(c, STR("QUIT\r\n"));
		c->state = C_QUIT;
		c->owed = 0;
		c->asking = false;
		break;
	case C_GREETING:
	case C_EHLO:
	case C_HELO:
	case C_STARTTLS:
	case C_TLS:
	case C_AUTH:
	case C_MESSAGE: begin_ending(c, SMTPC_WHY_OWNER); break;
	case C_QUIT:
	case C_CLOSED: break;
	}
}

void smtpc_closed(struct smtpc *c)
{
	begin_ending(c, SMTPC_WHY_CLOSED);
}

void smtpc_timeout(struct smtpc *c)
{
	begin_ending(c, SMTPC_WHY_TIMEOUT);
}

static int64_t patience(const struct smtpc *c)
{
	const struct smtpc_config *config = c->config;

	switch (smtpc_stage(c)) {
	case SMTPC_AT_GREETING: return config->greeting_timeout_ms;
	case SMTPC_AT_DATA: return config->data_timeout_ms;
	case SMTPC_AT_BODY: return config->block_timeout_ms;
	case SMTPC_AT_END:
		return c->out.len > 0 ? config->block_timeout_ms : config->end_timeout_ms;
	case SMTPC_AT_QUIT: return config->quit_timeout_ms;
	case SMTPC_AT_EHLO:
	case SMTPC_AT_STARTTLS:
	case SMTPC_AT_AUTH:
	case SMTPC_AT_IDLE:
	case SMTPC_AT_RSET:
	case SMTPC_AT_MAIL:
	case SMTPC_AT_RCPT: break;
	}
	return config->command_timeout_ms;
}

int64_t smtpc_deadline(const struct smtpc *c)
{
	int64_t at, most;

	if (c->asking || c->state == C_READY || c->state == C_TLS || c->state == C_CLOSED)
		return INT64_MAX;
	at = c->active_ms + patience(c);
	if (c->tx == NULL || c->config->message_max_ms == 0)
		return at;
	most = c->tx->started_ms + c->config->message_max_ms;
	return at < most ? at : most;
}

struct str smtpc_stage_name(enum smtpc_stage at)
{
	static const struct str names[] = {
		[SMTPC_AT_GREETING] = STR_INIT("greeting"),
		[SMTPC_AT_EHLO] = STR_INIT("EHLO"),
		[SMTPC_AT_STARTTLS] = STR_INIT("STARTTLS"),
		[SMTPC_AT_AUTH] = STR_INIT("AUTH"),
		[SMTPC_AT_IDLE] = STR_INIT("between messages"),
		[SMTPC_AT_RSET] = STR_INIT("RSET"),
		[SMTPC_AT_MAIL] = STR_INIT("MAIL"),
		[SMTPC_AT_RCPT] = STR_INIT("RCPT"),
		[SMTPC_AT_DATA] = STR_INIT("DATA"),
		[SMTPC_AT_BODY] = STR_INIT("message"),
		[SMTPC_AT_END] = STR_INIT("end of message"),
		[SMTPC_AT_QUIT] = STR_INIT("QUIT"),
	};

	return names[at];
}
