/* The session: life, what is told, and the loop between responses and commands. */
#include <stdlib.h>

#include "base/mem.h"
#include "proto/pop3c_int.h"

struct pop3c *pop3c_new(
	const struct pop3c_config *config, const struct pop3c_peer *peer, int64_t now_ms)
{
	struct pop3c *p = NEW(struct pop3c);

	p->config = config;
	p->peer = *peer;
	p->server = (struct pop3c_server){ .tls_active = peer->tls_active,
		.expire_days = UINT64_MAX,
		.mechanisms = STR(""),
		.timestamp = STR(""),
		.implementation = STR("") };
	p->in.max = POP3C_IN_MAX;
	p->text.max = POP3C_TEXT_MAX;
	p->out.secret = p->secret.secret = true;
	p->now_ms = p->active_ms = now_ms;
	return p;
}

void pop3c_free(struct pop3c *p)
{
	if (p == NULL)
		return;
	buf_deinit(&p->mechanisms);
	buf_deinit(&p->implementation);
	buf_deinit(&p->timestamp);
	buf_deinit(&p->in);
	buf_deinit(&p->out);
	buf_deinit(&p->secret);
	buf_deinit(&p->line);
	buf_deinit(&p->text);
	free(p);
}

struct buf *pop3c_in(struct pop3c *p)
{
	return &p->in;
}

struct buf *pop3c_out(struct pop3c *p)
{
	return &p->out;
}

const struct pop3c_server *pop3c_server(const struct pop3c *p)
{
	return &p->server;
}

bool pop3c_wants_input(const struct pop3c *p)
{
	return p->state != P_TLS && p->state != P_CLOSED && p->in.len < p->in.max;
}

void pop3c_put(struct pop3c *p, struct str text)
{
	buf_put(&p->out, text);
}

void pop3c_ask(struct pop3c *p, enum pop3c_event_type type)
{
	p->event.type = type;
	p->asking = true;
	p->asked_told = false;
}

void pop3c_leave(struct pop3c *p)
{
	if (p->state == P_CLOSED)
		return;
	p->state = P_CLOSED;
	p->asking = p->ending = p->owe_stls = p->owe_login = false;
	p->owe_close = true;
	buf_clear(&p->in);
	buf_wipe(&p->secret);
	pop3c_put(p, STR("QUIT\r\n"));
}

void pop3c_hang_up(struct pop3c *p)
{
	pop3c_leave(p);
	buf_clear(&p->out);
}

void pop3c_break(struct pop3c *p, enum pop3c_why why)
{
	static const struct str texts[] = {
		[POP3C_WHY_REPLY] = STR_INIT(""),
		[POP3C_WHY_CLOSED] = STR_INIT("the server closed the connection"),
		[POP3C_WHY_TIMEOUT] = STR_INIT("the server did not answer in time"),
		[POP3C_WHY_GARBAGE] = STR_INIT("the server does not speak POP3"),
		[POP3C_WHY_OWNER] = STR_INIT("given up"),
		[POP3C_WHY_NO_TLS] = STR_INIT("TLS is required and the server does not offer it"),
		[POP3C_WHY_INJECTED] = STR_INIT("somebody spoke between STLS and TLS"),
	};

	p->result = (struct pop3c_result){
		.outcome = POP3C_BROKEN,
		.why = why,
		.text = texts[why],
		.pipelined = p->pipelined,
	};
	if (why == POP3C_WHY_NO_TLS)
		pop3c_leave(p);
	else
		pop3c_hang_up(p);
}

static bool tell_owed(struct pop3c *p, struct pop3c_event *ev)
{
	if (p->owe_stls) {
		p->owe_stls = false;
		ev->type = POP3C_EV_STLS;
	} else if (p->owe_login) {
		p->owe_login = false;
		ev->type = POP3C_EV_LOGGED_IN;
	} else if (p->state == P_CLOSED && pop3c_tell_broken(p, ev)) {
		return true;
	} else if (p->owe_close) {
		p->owe_close = false;
		ev->type = POP3C_EV_CLOSE;
		ev->result = p->result;
	} else {
		return false;
	}
	return true;
}

static enum pop3c_step line_step(struct pop3c *p)
{
	struct pop3c_line line;

	if (p->state == P_TLS || p->state == P_CLOSED)
		return STEP_IDLE;
	switch (pop3c_line(p, &line)) {
	case LINE_NONE: return STEP_IDLE;
	case LINE_ENDLESS: pop3c_break(p, POP3C_WHY_GARBAGE); return STEP_AGAIN;
	case LINE_WHOLE: break;
	}
	p->active_ms = p->now_ms;
	pop3c_login_line(p, &line);
	return STEP_AGAIN;
}

static enum pop3c_step step(struct pop3c *p, struct pop3c_event *ev)
{
	enum pop3c_step s;

	if (p->state == P_SESSION && !p->ending && pop3c_send_step(p))
		return STEP_AGAIN;
	s = p->state == P_SESSION ? pop3c_session_step(p, ev) : line_step(p);
	if (s != STEP_IDLE || !p->ending)
		return s;
	pop3c_break(p, p->end_why);
	return STEP_AGAIN;
}

bool pop3c_next(struct pop3c *p, int64_t now_ms, struct pop3c_event *ev)
{
	enum pop3c_step s;

	*ev = (struct pop3c_event){ .data = STR("") };
	p->now_ms = now_ms;
	do {
		if (tell_owed(p, ev))
			return true;
		if (p->asking && !p->ending) {
			if (p->asked_told)
				return false;
			p->asked_told = true;
			*ev = p->event;
			return true;
		}
		s = step(p, ev);
	} while (s == STEP_AGAIN);
	return s == STEP_EVENT;
}

/* What came before the end still counts: pop3c_next() reads it first. */
static void begin_ending(struct pop3c *p, enum pop3c_why why)
{
	if (p->state == P_CLOSED || p->ending)
		return;
	p->ending = true;
	p->end_why = why;
}

void pop3c_closed(struct pop3c *p)
{
	begin_ending(p, POP3C_WHY_CLOSED);
}

void pop3c_timeout(struct pop3c *p)
{
	begin_ending(p, POP3C_WHY_TIMEOUT);
}

void pop3c_quit(struct pop3c *p)
{
	if (p->state == P_LOGIN) {
		p->asking = false;
		p->state = P_SESSION;
	}
	if (p->state != P_SESSION || !pop3c_request(p, POP3C_QUIT, 0, 0))
		begin_ending(p, POP3C_WHY_OWNER);
}

int64_t pop3c_deadline(const struct pop3c *p)
{
	const struct pop3c_config *c = p->config;
	int64_t at, most;

	if (p->asking || p->state == P_TLS || p->state == P_CLOSED ||
		(p->state == P_SESSION && p->queued == 0))
		return INT64_MAX;
	at = p->active_ms +
	     (p->state == P_GREETING ? c->greeting_timeout_ms : c->command_timeout_ms);
	if (p->state != P_SESSION || c->request_max_ms == 0)
		return at;
	most = p->request_ms + c->request_max_ms;
	return at < most ? at : most;
}
