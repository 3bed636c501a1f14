/* An owner of smtpc engines for session files: it queues messages, gives their octets in small pieces, and
 * checks that every recipient gets exactly one result.
 *
 *   config tls never|may|must | config tls-active | config lmtp | config ignore BITS | config piece N |
 *   config message-max MS | config auth plain|plain-asked|login|skip|quit|cancel
 *   content TEXT | content-hex 0d 0a | content-fill N TEXT    add to the message ("content" adds CRLF)
 *   send FROM TO,TO [8bit] [utf8] [requiretls] [ret=full|hdrs] [envid=X] [notify=N] [orcpt=X]
 *                                          sends it as soon as the session is ready; "-" is <>
 *   follow FROM TO,TO ... | no-follow FROM TO,TO ...
 *                                          the same message to others comes next; may not
 *   result INDEX OUTCOME AT CODE STATUS TEXT    the next recipient's result
 *   refused STATUS TEXT                    what smtpc_send() said of the message
 *   done N | ready N                       so many messages are over; so often was it ready
 *   close OUTCOME AT CODE STATUS TEXT      why the session ended
 *   offers BITS SIZE RCPTMAX MAILMAX
 *   auths N | mechanisms X | auth-failed CODE STATUS TEXT
 *   server-closes | quit | no-content | unreadable | hold | give
 *          (the message cannot be read from here on; its octets wait; one piece of them is given) */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "proto/smtpc.h"
#include "unit/transcript.h"

enum { RCPTS_MAX = 300 };

struct owner {
	struct smtpc_config config;
	struct smtpc_peer peer;
	struct smtpc *c;
	struct str auth;
	size_t piece;
	struct buf content, results, refused, close, auth_failed, mechanisms, empty;
	struct letter {
		struct smtpc_message message;
		struct smtpc_rcpt rcpts[RCPTS_MAX];
	} letters[2];
	size_t which; /* of them is sent, the other one may follow */
	bool following, told[RCPTS_MAX];
	bool waiting, sending, idle, tls, closed, broken, unreadable, hold;
	struct smtpc_event asked; /* while it is held */
	size_t done, ready, auths;
};

static void *create(void)
{
	struct owner *o = NEW(struct owner);

	o->config = (struct smtpc_config){
		.greeting_timeout_ms = 300000,
		.command_timeout_ms = 300000,
		.data_timeout_ms = 120000,
		.block_timeout_ms = 180000,
		.end_timeout_ms = 600000,
		.quit_timeout_ms = 5000,
	};
	o->peer = (struct smtpc_peer){ .hostname = STR("c.example"), .starttls = SMTPC_TLS_MAY };
	o->auth = STR("");
	o->piece = 7;
	return o;
}

static void destroy(void *e)
{
	struct owner *o = e;

	smtpc_free(o->c);
	buf_deinit(&o->content);
	buf_deinit(&o->results);
	buf_deinit(&o->refused);
	buf_deinit(&o->close);
	buf_deinit(&o->auth_failed);
	buf_deinit(&o->mechanisms);
	free(o);
}

static size_t number(struct str s)
{
	uint64_t v = 0;

	return str_u64(s, &v) ? (size_t)v : 0;
}

static bool config(void *e, struct str rest)
{
	struct owner *o = e;
	struct str word = str_cut(&rest, ' ');

	if (str_eq(word, STR("tls")))
		o->peer.starttls = str_eq(rest, STR("must"))    ? SMTPC_TLS_MUST
				   : str_eq(rest, STR("never")) ? SMTPC_TLS_NEVER
								: SMTPC_TLS_MAY;
	else if (str_eq(word, STR("tls-active")))
		o->peer.tls_active = true;
	else if (str_eq(word, STR("lmtp")))
		o->peer.lmtp = true;
	else if (str_eq(word, STR("ignore")))
		o->peer.ignore = (unsigned)number(rest);
	else if (str_eq(word, STR("piece")))
		o->piece = number(rest);
	else if (str_eq(word, STR("message-max")))
		o->config.message_max_ms = (int64_t)number(rest);
	else if (str_eq(word, STR("auth"))) {
		o->peer.authenticate = true;
		o->auth = rest;
	} else
		return false;
	return true;
}

static void start(void *e, int64_t now_ms)
{
	struct owner *o = e;

	o->c = smtpc_new(&o->config, &o->peer, now_ms);
}

static void put_result(struct buf *to, const struct smtpc_result *r)
{
	static const struct str outcomes[] = { STR_INIT("nothing"), STR_INIT("delivered"),
		STR_INIT("deferred"), STR_INIT("failed"), STR_INIT("unknown") };

	buf_put(to, outcomes[r->outcome]);
	buf_printf(to, " %.*s %u %.*s %.*s", STR_ARG(smtpc_stage_name(r->at)), r->code,
		STR_ARG(r->status), STR_ARG(r->text));
}

static struct smtpc_message *message(struct owner *o)
{
	return &o->letters[o->which].message;
}

static void send_message(struct owner *o)
{
	struct smtpc_result result;

	if (!o->waiting || !o->idle)
		return;
	o->waiting = false;
	message(o)->octets = o->content.len;
	memset(o->told, 0, sizeof o->told);
	o->sending = smtpc_send(o->c, message(o), &result);
	o->idle = !o->sending;
	if (o->sending)
		return;
	buf_clear(&o->refused);
	buf_printf(&o->refused, "%.*s %.*s", STR_ARG(result.status), STR_ARG(result.text));
	o->broken |= result.outcome == SMTPC_DELIVERED;
}

static void authenticate(struct owner *o, const struct smtpc_event *ev)
{
	o->auths++;
	buf_clear(&o->mechanisms);
	buf_put(&o->mechanisms, ev->data);
	buf_clear(&o->auth_failed);
	if (ev->result.code != 0)
		buf_printf(&o->auth_failed, "%u %.*s %.*s", ev->result.code,
			STR_ARG(ev->result.status), STR_ARG(ev->result.text));
	if (str_eq(o->auth, STR("skip")))
		smtpc_auth_skip(o->c);
	else if (str_eq(o->auth, STR("quit")) || o->auths > 3)
		smtpc_quit(o->c);
	else if (str_eq(o->auth, STR("login")))
		smtpc_auth(o->c, STR("LOGIN"), STR(""), false);
	else if (str_eq(o->auth, STR("external")))
		smtpc_auth(o->c, STR("EXTERNAL"), STR(""), true);
	else
		smtpc_auth(o->c, STR("PLAIN"), STR("\0joe\0secret"), str_eq(o->auth, STR("plain")));
}

static void authenticate_more(struct owner *o, struct str challenge)
{
	if (str_eq(o->auth, STR("cancel")))
		smtpc_auth_cancel(o->c);
	else if (str_eq(o->auth, STR("plain-asked")))
		smtpc_auth_respond(o->c, STR("\0joe\0secret"));
	else
		smtpc_auth_respond(
			o->c, str_eq(challenge, STR("Username:")) ? STR("joe") : STR("secret"));
}

static void give_body(struct owner *o, const struct smtpc_event *ev)
{
	struct str s = str_from(buf_str(&o->content), (size_t)ev->offset);

	o->broken |= ev->want == 0 || ev->want > s.n;
	if (o->unreadable)
		smtpc_body_failed(o->c);
	else
		smtpc_body(o->c, str_head(s, o->piece < ev->want ? o->piece : ev->want));
}

static void done(struct owner *o)
{
	o->broken |= !o->sending;
	for (size_t i = 0; i < message(o)->rcpt_count; i++)
		o->broken |= !o->told[i];
	memset(o->told, 0, sizeof o->told);
	o->which ^= o->following;
	o->sending = o->following;
	o->following = false;
	o->done++;
}

static void serve(struct owner *o, const struct smtpc_event *ev)
{
	switch (ev->type) {
	case SMTPC_EV_STARTTLS: o->tls = true; break;
	case SMTPC_ASK_AUTH: authenticate(o, ev); break;
	case SMTPC_ASK_AUTH_MORE: authenticate_more(o, ev->data); break;
	case SMTPC_EV_AUTH_OK: break;
	case SMTPC_EV_READY:
		o->broken |= o->sending || o->idle;
		o->idle = true;
		o->ready++;
		send_message(o);
		break;
	case SMTPC_ASK_BODY:
		o->asked = *ev;
		if (!o->hold)
			give_body(o, ev);
		break;
	case SMTPC_EV_RCPT:
		o->broken |= !o->sending || ev->index >= message(o)->rcpt_count ||
			     o->told[ev->index] || ev->result.outcome == SMTPC_NOTHING;
		o->told[ev->index] = true;
		buf_printf(&o->results, "%zu ", ev->index);
		put_result(&o->results, &ev->result);
		buf_putc(&o->results, '\n');
		break;
	case SMTPC_EV_DONE: done(o); break;
	case SMTPC_EV_CLOSE:
		o->broken |= o->closed || o->sending;
		o->closed = true;
		put_result(&o->close, &ev->result);
		break;
	}
}

static enum transcript_turn turn(void *e, int64_t now_ms)
{
	struct owner *o = e;
	struct smtpc_event ev;

	while (smtpc_next(o->c, now_ms, &ev))
		serve(o, &ev);
	return o->closed ? TURN_CLOSED : o->tls ? TURN_TLS : TURN_GO;
}

static void tls_started(void *e, int64_t now_ms)
{
	struct owner *o = e;

	o->tls = false;
	smtpc_tls_started(o->c, now_ms);
}

static void set_flag(struct owner *o, struct letter *l, struct str word)
{
	struct smtpc_message *m = &l->message;
	struct str value = word, name = str_cut(&value, '=');

	if (str_eq(name, STR("8bit")))
		m->eightbit = true;
	else if (str_eq(name, STR("utf8")))
		m->smtputf8 = true;
	else if (str_eq(name, STR("requiretls")))
		m->requiretls = true;
	else if (str_eq(name, STR("ret")))
		m->ret = str_eq(value, STR("full")) ? DSN_RET_FULL : DSN_RET_HDRS;
	else if (str_eq(name, STR("envid")))
		m->envid = value;
	else
		o->broken |= !str_eq(name, STR("notify")) && !str_eq(name, STR("orcpt"));
	for (size_t i = 0; i < m->rcpt_count; i++) {
		if (str_eq(name, STR("notify")))
			l->rcpts[i].notify = (unsigned)number(value);
		if (str_eq(name, STR("orcpt")))
			l->rcpts[i].orcpt = value;
	}
}

static void write_letter(struct owner *o, struct letter *l, struct str rest)
{
	struct str from = str_cut(&rest, ' '), to = str_cut(&rest, ' ');
	struct smtpc_message *m = &l->message;

	*m = (struct smtpc_message){ .reverse_path = str_eq(from, STR("-")) ? STR("") : from,
		.rcpts = l->rcpts,
		.octets = o->content.len,
		.envid = STR("") };
	for (; to.n > 0 && m->rcpt_count < RCPTS_MAX; m->rcpt_count++)
		l->rcpts[m->rcpt_count] =
			(struct smtpc_rcpt){ .address = str_cut(&to, ','), .orcpt = STR("") };
	while (rest.n > 0)
		set_flag(o, l, str_cut(&rest, ' '));
}

static bool queue(struct owner *o, struct str rest)
{
	if (o->waiting || o->sending)
		return false;
	write_letter(o, &o->letters[o->which], rest);
	o->waiting = true;
	send_message(o);
	return true;
}

static bool follow(struct owner *o, struct str rest)
{
	struct letter *l = &o->letters[!o->which];

	if (o->following)
		return false;
	write_letter(o, l, rest);
	o->following = smtpc_follow(o->c, &l->message);
	return o->following;
}

static bool add_content(struct owner *o, struct str word, struct str rest)
{
	uint64_t times;

	if (str_eq(word, STR("content"))) {
		buf_put(&o->content, rest);
		buf_put(&o->content, STR("\r\n"));
	} else if (str_eq(word, STR("content-bare"))) {
		while (rest.n > 0) {
			struct str name = str_cut(&rest, ' ');

			buf_putc(&o->content, str_eq(name, STR("CR"))   ? '\r'
					      : str_eq(name, STR("LF")) ? '\n'
									: 'x');
		}
	} else if (str_eq(word, STR("content-fill"))) {
		for (times = number(str_cut(&rest, ' ')); times > 0; times--) {
			buf_put(&o->content, rest);
			buf_put(&o->content, STR("\r\n"));
		}
	} else {
		return false;
	}
	return true;
}

static bool next_result(struct owner *o, struct str want)
{
	struct str rest = buf_str(&o->results), line = str_cut(&rest, '\n');

	if (!str_eq(line, want)) {
		fprintf(stderr, "result is: %.*s\n", STR_ARG(line));
		return false;
	}
	buf_consume(&o->results, line.n + 1);
	return true;
}

static bool offers(struct owner *o, struct str rest)
{
	const struct smtpc_server *s = smtpc_server(o->c);

	return s->offers == number(str_cut(&rest, ' ')) &&
	       s->size_max == number(str_cut(&rest, ' ')) &&
	       s->rcpt_max == number(str_cut(&rest, ' ')) && s->mail_max == number(rest);
}

static bool act(struct owner *o, struct str word)
{
	if (str_eq(word, STR("server-closes")))
		smtpc_closed(o->c);
	else if (str_eq(word, STR("quit")))
		smtpc_quit(o->c);
	else if (str_eq(word, STR("unreadable")))
		o->unreadable = true;
	else if (str_eq(word, STR("hold")))
		o->hold = true;
	else if (str_eq(word, STR("give"))) {
		if (o->asked.want > 0)
			give_body(o, &o->asked);
	} else if (str_eq(word, STR("no-content")))
		buf_clear(&o->content);
	else
		return false;
	return true;
}

static bool directive(void *e, struct str line)
{
	struct owner *o = e;
	struct str rest = line, word = str_cut(&rest, ' ');
	const struct {
		struct str name;
		struct buf *text;
	} texts[] = {
		{ STR("refused"), &o->refused },
		{ STR("close"), &o->close },
		{ STR("auth-failed"), &o->auth_failed },
		{ STR("mechanisms"), &o->mechanisms },
	};
	const struct {
		struct str name;
		size_t count;
	} counts[] = {
		{ STR("done"), o->done },
		{ STR("ready"), o->ready },
		{ STR("auths"), o->auths },
	};

	if (o->broken)
		return false;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (str_eq(word, counts[i].name))
			return counts[i].count == number(rest);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (str_eq(word, texts[i].name))
			return str_eq(buf_str(texts[i].text), rest);
	if (str_eq(word, STR("send")))
		return queue(o, rest);
	if (str_eq(word, STR("follow")))
		return follow(o, rest);
	if (str_eq(word, STR("no-follow")))
		return !follow(o, rest);
	if (str_eq(word, STR("result")))
		return next_result(o, rest);
	if (str_eq(word, STR("no-result")))
		return o->results.len == 0;
	if (str_eq(word, STR("offers")))
		return offers(o, rest);
	return add_content(o, word, rest) || act(o, line);
}

static struct buf *in(void *e)
{
	return smtpc_in(((struct owner *)e)->c);
}

static struct buf *out(void *e)
{
	return smtpc_out(((struct owner *)e)->c);
}

static int64_t deadline(void *e)
{
	return smtpc_deadline(((struct owner *)e)->c);
}

static void timeout(void *e)
{
	smtpc_timeout(((struct owner *)e)->c);
}

static struct buf *received(void *e)
{
	return &((struct owner *)e)->empty;
}

const struct transcript_engine transcript_smtpc = {
	.directory = "smtpc",
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
