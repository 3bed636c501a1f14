/* AUTH (RFC 4954): the engine carries challenges and responses, the owner has the mechanism. */
#include "base/codec.h"
#include "proto/smtpc_int.h"

void smtpc_auth_begin(struct smtpc *c)
{
	c->state = C_AUTH_IDLE;
	c->event = (struct smtpc_event){ .data = buf_str(&c->mechanisms) };
	smtpc_ask(c, SMTPC_ASK_AUTH);
}

static bool asked(const struct smtpc *c, enum smtpc_event_type type)
{
	return c->asking && c->event.type == type;
}

static void put_line(struct smtpc *c, struct str response)
{
	base64_put(&c->out, response);
	smtpc_put(c, STR("\r\n"));
}

/* RFC 4954 4: an initial response that makes the line too long waits for an empty challenge. */
void smtpc_auth(struct smtpc *c, struct str mechanism, struct str initial, bool has_initial)
{
	size_t octets = STR("AUTH  \r\n").n + mechanism.n + (initial.n + 2) / 3 * 4;

	if (!asked(c, SMTPC_ASK_AUTH))
		return;
	c->asking = false;
	c->state = C_AUTH;
	c->out.secret = true;
	buf_wipe(&c->auth);
	smtpc_put(c, STR("AUTH "));
	smtpc_put(c, mechanism);
	c->cancelled = false;
	c->initial_kept = has_initial && octets > SMTPC_LINE_LEAST;
	if (c->initial_kept) {
		buf_put(&c->auth, initial); /* for the empty challenge that comes instead */
		smtpc_put(c, STR("\r\n"));
	} else if (has_initial) {
		smtpc_put(c, STR(" "));
		if (initial.n == 0)
			smtpc_put(c, STR("=\r\n"));
		else
			put_line(c, initial);
	} else {
		smtpc_put(c, STR("\r\n"));
	}
}

void smtpc_auth_respond(struct smtpc *c, struct str response)
{
	if (!asked(c, SMTPC_ASK_AUTH_MORE))
		return;
	c->asking = false;
	put_line(c, response);
	buf_wipe(&c->auth);
}

void smtpc_auth_cancel(struct smtpc *c)
{
	if (!asked(c, SMTPC_ASK_AUTH_MORE))
		return;
	c->asking = false;
	c->cancelled = true;
	smtpc_put(c, STR("*\r\n"));
	buf_wipe(&c->auth);
}

void smtpc_auth_skip(struct smtpc *c)
{
	if (!asked(c, SMTPC_ASK_AUTH))
		return;
	c->asking = false;
	smtpc_ready(c);
}

bool smtpc_mechanism_refused(unsigned code)
{
	switch (code) {
	case 432: /* it is not set up for this user, another one sets it up */
	case 500: /* a command that is too long or not known */
	case 501: /* what we said last, or "*" */
	case 502:
	case 504: /* not known */
	case 534: /* too weak */
	case 538: /* not without TLS (RFC 2554 6) */ return true;
	}
	return false;
}

static void challenge(struct smtpc *c)
{
	if (c->initial_kept && str_trim(c->reply.line).n == 0) {
		put_line(c, buf_str(&c->auth));
		c->initial_kept = false;
		return;
	}
	buf_wipe(&c->auth);
	if (c->reply.lines != 1 || c->cancelled) { /* "*" was the last word: it is refused */
		smtpc_break(c, SMTPC_WHY_GARBAGE);
		return;
	}
	if (!base64_get(c->reply.line, &c->auth)) {
		c->cancelled = true;
		smtpc_put(c, STR("*\r\n")); /* RFC 4954 4 */
		return;
	}
	c->event = (struct smtpc_event){ .data = buf_str(&c->auth) };
	smtpc_ask(c, SMTPC_ASK_AUTH_MORE);
}

void smtpc_auth_reply(struct smtpc *c)
{
	unsigned class = c->reply.code / 100;

	if (c->reply.code == 334) {
		challenge(c);
	} else if (class == 2) {
		c->owed |= OWED_AUTH_OK;
		smtpc_ready(c);
	} else if (class == 3) {
		smtpc_break(c, SMTPC_WHY_GARBAGE);
	} else {
		smtpc_result_reply(c);
		smtpc_auth_begin(c);
		c->event.result = c->result;
	}
}
