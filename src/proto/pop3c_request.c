/* The session: requests in flight, their rows and octets (RFC 1939 5, RFC 2449 6.6). */
#include "proto/pop3c_int.h"

size_t pop3c_room(const struct pop3c *p)
{
	return p->state == P_SESSION && !p->quitting ? POP3C_REQUESTS_MAX - p->queued : 0;
}

bool pop3c_request(struct pop3c *p, enum pop3c_request request, uint64_t number, uint64_t lines)
{
	if (pop3c_room(p) == 0)
		return false;
	if (p->queued == 0) {
		p->active_ms = p->request_ms = p->now_ms;
		p->current = (struct pop3c_event){ .data = STR("") };
	}
	p->queue[(p->first + p->queued++) % POP3C_REQUESTS_MAX] =
		(struct pop3c_asked){ request, number, lines };
	p->quitting = request == POP3C_QUIT;
	return true;
}

static size_t window(const struct pop3c *p)
{
	if ((p->server.offers & POP3C_C_PIPELINING) == 0 || p->config->window == 0)
		return 1;
	return p->config->window;
}

bool pop3c_send_step(struct pop3c *p)
{
	static const struct str verbs[] = {
		[POP3C_STAT] = STR_INIT("STAT"),
		[POP3C_LIST] = STR_INIT("LIST"),
		[POP3C_UIDL] = STR_INIT("UIDL"),
		[POP3C_RETR] = STR_INIT("RETR "),
		[POP3C_TOP] = STR_INIT("TOP "),
		[POP3C_DELE] = STR_INIT("DELE "),
		[POP3C_NOOP] = STR_INIT("NOOP"),
		[POP3C_RSET] = STR_INIT("RSET"),
		[POP3C_QUIT] = STR_INIT("QUIT"),
	};
	const struct pop3c_asked *a = &p->queue[(p->first + p->sent) % POP3C_REQUESTS_MAX];
	struct str verb;

	if (p->sent == p->queued || p->sent >= window(p))
		return false;
	verb = verbs[a->request];
	pop3c_put(p, verb);
	if (str_ends(verb, STR(" ")))
		buf_putu(&p->out, a->number);
	if (a->request == POP3C_TOP) {
		pop3c_put(p, STR(" "));
		buf_putu(&p->out, a->lines);
	}
	pop3c_put(p, STR("\r\n"));
	p->sent++;
	p->pipelined = p->pipelined || p->sent > 1;
	return true;
}

/* The first request is over: p->result. */
static void done(struct pop3c *p, struct pop3c_event *ev)
{
	const struct pop3c_asked *a = &p->queue[p->first];

	*ev = p->current;
	ev->type = POP3C_EV_DONE;
	ev->request = a->request;
	ev->number = a->number;
	ev->data = STR("");
	ev->result = p->result;
	p->first = (p->first + 1) % POP3C_REQUESTS_MAX;
	p->queued--;
	p->sent -= p->sent > 0;
	p->streaming = false;
	p->current = (struct pop3c_event){ .data = STR("") };
	p->request_ms = p->now_ms;
}

bool pop3c_tell_broken(struct pop3c *p, struct pop3c_event *ev)
{
	if (p->queued == 0)
		return false;
	done(p, ev);
	return true;
}

/* "+OK" SP count SP octets (RFC 1939 5) */
static bool take_stat(struct pop3c *p)
{
	struct str rest = p->result.text, count = str_cut(&rest, ' '), octets = str_cut(&rest, ' ');

	return str_u64(count, &p->current.count) && str_u64(octets, &p->current.octets);
}

static enum pop3c_step broken(struct pop3c *p)
{
	pop3c_break(p, POP3C_WHY_GARBAGE);
	return STEP_AGAIN;
}

static enum pop3c_step on_response(
	struct pop3c *p, const struct pop3c_line *line, struct pop3c_event *ev)
{
	enum pop3c_request request = p->queue[p->first].request;

	if (p->sent == 0 || !pop3c_response(p, line))
		return broken(p);
	if (request == POP3C_QUIT) {
		done(p, ev);
		pop3c_hang_up(p);
		return STEP_EVENT;
	}
	if (p->result.outcome == POP3C_OK && request >= POP3C_LIST && request <= POP3C_TOP) {
		p->streaming = true;
		p->at = UNDOT_BOL;
		return STEP_AGAIN;
	}
	if (p->result.outcome == POP3C_OK && request == POP3C_STAT && !take_stat(p))
		return broken(p);
	done(p, ev);
	return STEP_EVENT;
}

/* A unique-id names files and keys one day: visible ASCII only (RFC 1939 7). */
static bool unique_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	return s.n > 0 && s.n <= POP3C_UIDL_MAX;
}

/* Servers put more behind the size (RFC 1939 5 lets them) and spaces behind the unique-id. */
static bool take_row(struct pop3c *p, struct str row, struct pop3c_event *ev)
{
	struct str number = str_cut(&row, ' '), value;

	row = str_trim(row);
	value = str_cut(&row, ' ');
	if (!str_u64(number, &ev->number) || ev->number == 0)
		return false;
	if (p->queue[p->first].request == POP3C_LIST)
		return str_u64(value, &ev->octets);
	ev->data = value;
	return row.n == 0 && unique_id(value);
}

static enum pop3c_step on_row(
	struct pop3c *p, const struct pop3c_line *line, struct pop3c_event *ev)
{
	struct pop3c_event *now = &p->current;

	if (str_eq(line->text, STR("."))) {
		done(p, ev);
		return STEP_EVENT;
	}
	if (p->config->rows_max > 0 && now->count + now->bad_rows >= p->config->rows_max)
		return broken(p);
	if (line->shortened || !take_row(p, line->text, ev)) {
		*ev = (struct pop3c_event){ .data = STR("") };
		now->bad_rows++;
		return STEP_AGAIN;
	}
	now->count++;
	ev->type = POP3C_EV_ROW;
	ev->request = p->queue[p->first].request;
	return STEP_EVENT;
}

static enum pop3c_step body_step(struct pop3c *p, struct pop3c_event *ev)
{
	struct undot_run run;

	if (p->in.len == 0)
		return STEP_IDLE;
	run = pop3c_undot(&p->at, buf_str(&p->in));
	buf_consume(&p->in, run.used); /* moves nothing: run.take stays valid */
	p->active_ms = p->now_ms;
	if (run.end) {
		done(p, ev);
		return STEP_EVENT;
	}
	if (run.take.n == 0)
		return STEP_AGAIN;
	p->current.octets += run.take.n;
	ev->type = POP3C_EV_BODY;
	ev->request = p->queue[p->first].request;
	ev->number = p->queue[p->first].number;
	ev->data = run.take;
	return STEP_EVENT;
}

enum pop3c_step pop3c_session_step(struct pop3c *p, struct pop3c_event *ev)
{
	enum pop3c_request request = p->queue[p->first].request;
	struct pop3c_line line;

	if (p->streaming && (request == POP3C_RETR || request == POP3C_TOP))
		return body_step(p, ev);
	switch (pop3c_line(p, &line)) {
	case LINE_NONE: return STEP_IDLE;
	case LINE_ENDLESS: return broken(p);
	case LINE_WHOLE: break;
	}
	p->active_ms = p->now_ms;
	return p->streaming ? on_row(p, &line, ev) : on_response(p, &line, ev);
}
