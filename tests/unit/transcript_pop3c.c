/* An owner of pop3c engines for session files: it makes requests, keeps what comes of them, and checks that
 * each is answered once and in order.
 *
 *   config tls never|may|must | config tls-active | config utf8 | config ignore BITS | config window N |
 *   config rows-max N | config request-max MS |
 *   config login user|apop|plain|plain-asked|long|login|external|cancel|quit|odd
 *   ask REQUEST [NUMBER [LINES]]     once logged in: stat list uidl retr top dele noop rset quit
 *   row NUMBER VALUE                 the next row
 *   done REQUEST NUMBER OUTCOME COUNT OCTETS BAD-ROWS [CODE] TEXT     the next request that is over
 *   nothing                          no row and no end of a request is left
 *   logins N | login-failed OUTCOME [CODE] TEXT     how often it was asked for; what failed before
 *   logged-in | close OUTCOME [CODE] TEXT
 *   offers KNOWN BITS | server DELAY EXPIRE UTF8 | mechanisms X | timestamp X | implementation X
 *   server-closes | quit
 * CODE is 0 without one; "pipelined" follows OUTCOME where the engine says so. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "proto/pop3c.h"
#include "unit/transcript.h"

enum { ASKED_MAX = 100 };

struct owner {
	struct pop3c_config config;
	struct pop3c_peer peer;
	struct pop3c *p;
	struct str login;
	struct buf events, received, login_failed, close, token;
	struct {
		enum pop3c_request request;
		uint64_t number, lines;
	} asked[ASKED_MAX];
	size_t count, made, over, logins;
	uint64_t body_octets;
	bool logged_in, tls, closed, broken;
};

static const struct str requests[] = { STR_INIT("stat"), STR_INIT("list"), STR_INIT("uidl"),
	STR_INIT("retr"), STR_INIT("top"), STR_INIT("dele"), STR_INIT("noop"), STR_INIT("rset"),
	STR_INIT("quit") };

static void *create(void)
{
	struct owner *o = NEW(struct owner);

	o->config = (struct pop3c_config){
		.greeting_timeout_ms = 60000, .command_timeout_ms = 60000, .window = 8
	};
	o->peer = (struct pop3c_peer){ .stls = POP3C_TLS_MAY };
	o->login = STR("user");
	buf_fill(&o->token, 'x', 300);
	return o;
}

static void destroy(void *e)
{
	struct owner *o = e;

	pop3c_free(o->p);
	buf_deinit(&o->events);
	buf_deinit(&o->received);
	buf_deinit(&o->login_failed);
	buf_deinit(&o->close);
	buf_deinit(&o->token);
	free(o);
}

static uint64_t number(struct str s)
{
	uint64_t v = 0;

	return str_u64(s, &v) ? v : 0;
}

static bool config(void *e, struct str rest)
{
	struct owner *o = e;
	struct str word = str_cut(&rest, ' ');

	if (str_eq(word, STR("tls")))
		o->peer.stls = str_eq(rest, STR("must"))    ? POP3C_TLS_MUST
			       : str_eq(rest, STR("never")) ? POP3C_TLS_NEVER
							    : POP3C_TLS_MAY;
	else if (str_eq(word, STR("tls-active")))
		o->peer.tls_active = true;
	else if (str_eq(word, STR("utf8")))
		o->peer.utf8 = true;
	else if (str_eq(word, STR("ignore")))
		o->peer.ignore = (unsigned)number(rest);
	else if (str_eq(word, STR("window")))
		o->config.window = (size_t)number(rest);
	else if (str_eq(word, STR("rows-max")))
		o->config.rows_max = number(rest);
	else if (str_eq(word, STR("request-max")))
		o->config.request_max_ms = (int64_t)number(rest);
	else if (str_eq(word, STR("login")))
		o->login = rest;
	else
		return false;
	return true;
}

static void start(void *e, int64_t now_ms)
{
	struct owner *o = e;

	o->p = pop3c_new(&o->config, &o->peer, now_ms);
}

static void put_result(struct buf *to, const struct pop3c_result *r)
{
	static const struct str outcomes[] = { STR_INIT("ok"), STR_INIT("refused"),
		STR_INIT("broken") };

	buf_put(to, outcomes[r->outcome]);
	if (r->pipelined)
		buf_put(to, STR(" pipelined"));
}

static void put_text(struct buf *to, const struct pop3c_result *r)
{
	buf_printf(to, " %u ", (unsigned)r->code);
	buf_put(to, r->text);
}

static void log_in(struct owner *o, const struct pop3c_event *ev)
{
	bool good = true;

	o->logins++;
	buf_clear(&o->login_failed);
	put_result(&o->login_failed, &ev->result);
	put_text(&o->login_failed, &ev->result);
	if (str_eq(o->login, STR("quit")) || o->logins > 3)
		pop3c_quit(o->p);
	else if (str_eq(o->login, STR("user")))
		good = pop3c_user(o->p, STR("joe"), STR("se cret"));
	else if (str_eq(o->login, STR("odd"))) {
		good = !pop3c_user(o->p, STR("joe"), STR("a\r\nDELE 1")) &&
		       !pop3c_user(o->p, STR("j\0e"), STR("a")) &&
		       !pop3c_user(o->p, STR(""), STR("a"));
		pop3c_quit(o->p);
	} else if (str_eq(o->login, STR("apop"))) {
		if (!pop3c_apop(o->p, STR("joe"), STR("c4c9334bac560ecc979e58001b3e22fb")))
			pop3c_quit(o->p);
	} else if (str_eq(o->login, STR("external")))
		pop3c_auth(o->p, STR("EXTERNAL"), STR(""), true);
	else if (str_eq(o->login, STR("long")))
		pop3c_auth(o->p, STR("XOAUTH2"), buf_str(&o->token), true);
	else if (str_eq(o->login, STR("plain")))
		pop3c_auth(o->p, STR("PLAIN"), STR("\0joe\0secret"), true);
	else
		pop3c_auth(o->p, STR("LOGIN"), STR(""), false);
	o->broken |= !good;
}

static void log_in_more(struct owner *o, struct str challenge)
{
	if (str_eq(o->login, STR("cancel")))
		pop3c_auth_cancel(o->p);
	else if (str_eq(o->login, STR("plain-asked")))
		pop3c_auth_respond(o->p, STR("\0joe\0secret"));
	else
		pop3c_auth_respond(
			o->p, str_eq(challenge, STR("Username:")) ? STR("joe") : STR("secret"));
}

static void make_requests(struct owner *o)
{
	for (; o->logged_in && o->made < o->count && pop3c_room(o->p) > 0; o->made++)
		o->broken |= !pop3c_request(o->p, o->asked[o->made].request,
			o->asked[o->made].number, o->asked[o->made].lines);
}

static void put_done(struct owner *o, const struct pop3c_event *ev)
{
	o->broken |= o->over >= o->made || o->asked[o->over].request != ev->request ||
		     o->asked[o->over].number != ev->number;
	o->broken |= (ev->request == POP3C_RETR || ev->request == POP3C_TOP) &&
		     ev->octets != o->body_octets;
	o->over++;
	o->body_octets = 0;
	buf_put(&o->events, STR("done "));
	buf_put(&o->events, requests[ev->request]);
	buf_printf(&o->events, " %llu ", (unsigned long long)ev->number);
	put_result(&o->events, &ev->result);
	buf_printf(&o->events, " %llu %llu %llu", (unsigned long long)ev->count,
		(unsigned long long)ev->octets, (unsigned long long)ev->bad_rows);
	put_text(&o->events, &ev->result);
	buf_putc(&o->events, '\n');
}

static void put_row(struct owner *o, const struct pop3c_event *ev)
{
	buf_printf(&o->events, "row %llu ", (unsigned long long)ev->number);
	if (ev->request == POP3C_UIDL)
		buf_put(&o->events, ev->data);
	else
		buf_putu(&o->events, ev->octets);
	buf_putc(&o->events, '\n');
}

static void serve(struct owner *o, const struct pop3c_event *ev)
{
	switch (ev->type) {
	case POP3C_EV_STLS: o->tls = true; break;
	case POP3C_ASK_LOGIN: log_in(o, ev); break;
	case POP3C_ASK_AUTH_MORE: log_in_more(o, ev->data); break;
	case POP3C_EV_LOGGED_IN:
		o->broken |= o->logged_in;
		o->logged_in = true;
		break;
	case POP3C_EV_ROW: put_row(o, ev); break;
	case POP3C_EV_BODY:
		o->broken |= ev->data.n == 0;
		o->body_octets += ev->data.n;
		buf_put(&o->received, ev->data);
		break;
	case POP3C_EV_DONE:
		if (ev->request == POP3C_QUIT && o->over == o->made)
			o->made++, o->asked[o->over].request = POP3C_QUIT;
		put_done(o, ev);
		break;
	case POP3C_EV_CLOSE:
		o->broken |= o->closed || o->over < o->made;
		o->closed = true;
		put_result(&o->close, &ev->result);
		put_text(&o->close, &ev->result);
		break;
	}
	make_requests(o);
}

static enum transcript_turn turn(void *e, int64_t now_ms)
{
	struct owner *o = e;
	struct pop3c_event ev;

	while (pop3c_next(o->p, now_ms, &ev))
		serve(o, &ev);
	return o->closed ? TURN_CLOSED : o->tls ? TURN_TLS : TURN_GO;
}

static void tls_started(void *e, int64_t now_ms)
{
	struct owner *o = e;

	o->tls = false;
	pop3c_tls_started(o->p, now_ms);
}

static bool ask(struct owner *o, struct str rest)
{
	struct str word = str_cut(&rest, ' ');

	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
		if (str_eq(word, requests[i]) && o->count < ASKED_MAX) {
			o->asked[o->count].request = (enum pop3c_request)i;
			o->asked[o->count].number = number(str_cut(&rest, ' '));
			o->asked[o->count++].lines = number(rest);
			make_requests(o);
			return true;
		}
	return false;
}

static bool next_event(struct owner *o, struct str want)
{
	struct str rest = buf_str(&o->events), line = str_cut(&rest, '\n');

	if (!str_eq(line, want)) {
		fprintf(stderr, "came: %.*s\n", STR_ARG(str_head(line, 200)));
		return false;
	}
	buf_consume(&o->events, line.n + 1);
	return true;
}

static bool same(struct str is, struct str want)
{
	if (!str_eq(is, want))
		fprintf(stderr, "is: %.*s\n", STR_ARG(is));
	return str_eq(is, want);
}

static bool facts(struct owner *o, struct str word, struct str rest)
{
	const struct pop3c_server *s = pop3c_server(o->p);

	if (str_eq(word, STR("offers")))
		return s->known == (number(str_cut(&rest, ' ')) == 1) && s->offers == number(rest);
	if (str_eq(word, STR("server")))
		return s->login_delay_s == number(str_cut(&rest, ' ')) &&
		       s->expire_days == number(str_cut(&rest, ' ')) &&
		       s->utf8 == (number(rest) == 1);
	if (str_eq(word, STR("mechanisms")))
		return same(s->mechanisms, rest);
	if (str_eq(word, STR("timestamp")))
		return same(s->timestamp, rest);
	if (str_eq(word, STR("implementation")))
		return same(s->implementation, rest);
	return false;
}

static bool directive(void *e, struct str line)
{
	struct owner *o = e;
	struct str rest = line, word = str_cut(&rest, ' ');

	if (o->broken)
		return false;
	if (str_eq(word, STR("ask")))
		return ask(o, rest);
	if (str_eq(word, STR("row")) || str_eq(word, STR("done")))
		return next_event(o, line);
	if (str_eq(word, STR("nothing")))
		return same(buf_str(&o->events), STR(""));
	if (str_eq(word, STR("logins")))
		return o->logins == number(rest);
	if (str_eq(word, STR("login-failed")))
		return same(buf_str(&o->login_failed), rest);
	if (str_eq(word, STR("close")))
		return same(buf_str(&o->close), rest);
	if (str_eq(word, STR("logged-in")))
		return o->logged_in;
	if (str_eq(word, STR("server-closes"))) {
		pop3c_closed(o->p);
		return true;
	}
	if (str_eq(word, STR("quit"))) {
		pop3c_quit(o->p);
		return true;
	}
	return facts(o, word, rest);
}

static struct buf *in(void *e)
{
	return pop3c_in(((struct owner *)e)->p);
}

static struct buf *out(void *e)
{
	return pop3c_out(((struct owner *)e)->p);
}

static int64_t deadline(void *e)
{
	return pop3c_deadline(((struct owner *)e)->p);
}

static void timeout(void *e)
{
	pop3c_timeout(((struct owner *)e)->p);
}

static struct buf *received(void *e)
{
	return &((struct owner *)e)->received;
}

const struct transcript_engine transcript_pop3c = {
	.directory = "pop3c",
	.client = true,
	.create = create,
	.destroy = destroy,
	.config = config,
	.start = start,
	.in = in,
	.out = out,
	.turn = turn,
	.tls_started = tls_started,
	.deadline = deadline,
	.timeout = timeout,
	.received = received,
	.directive = directive,
};
