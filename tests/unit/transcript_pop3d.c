/* transcript_pop3d.c -- the POP3 engine under transcripts: an owner with a virtual maildrop.
 *
 * Before the session:
 *   config tls none|available|active      config binding       config cleartext
 *   config hostname dewey                 config implementation Restante
 *   config mechanisms PLAIN LOGIN         config plus SCRAM-SHA-256-PLUS
 *   config errors 3 20                    config failures 3    config timeouts 180 600
 *   config language de                    config expire 30 [15] (days; after login)
 *   config delay 60 (seconds)             config nuls            config separator
 * Anywhere:
 *   account mrose secret                  who may log in (USER, PLAIN, LOGIN; SCRAM is played:
 *                                         "first" -> "second", "third" -> "final", "" -> logged in)
 *   message UIDL|- dots|plain TEXT        one more message; \r \n \t \0 \\ and \xNN in TEXT
 *   messages N TEXT                       N alike, UIDLs made of their ids
 *   policy login|listing|body CODE text   that question fails; CODE "-" is none; "ok" ends it
 *   policy cut N                          messages end after N octets, whatever their rows say
 *   policy piece N                        octets handed over at once
 *   policy direct                         plain messages are sent past the engine's buffer
 *   policy surrogate TEXT                 what the message is without UTF8
 *   policy update failed|unknown
 *   shutdown
 *   updated: 1 3    UPDATE happened with these deleted    no-update:   it did not happen
 *   user: mrose     read-to: 120 (octets of a message)    cancelled: 1
 *   stats: retr 1 120 top 0 0 deleted 1 120 */
#include <stdlib.h>

#include "base/mem.h"
#include "proto/pop3d.h"
#include "unit/transcript.h"

enum { MESSAGES_MAX = 5000 };

struct policy {
	bool on;
	enum pop3d_code code;
	struct buf text;
};

struct owner {
	struct pop3d_config config;
	struct pop3d_peer peer;
	struct pop3d *p;
	struct buf none;
	struct buf words[5]; /* what config points into */
	struct buf user, password;
	struct maildrop_row rows[MESSAGES_MAX];
	struct buf text[MESSAGES_MAX];
	size_t count;
	struct buf uidls;
	struct policy login, listing, body;
	bool update_fails, update_unknown, direct, closed, updated;
	struct buf deleted;
	int64_t expire; /* of who logs in */
	uint64_t port;  /* that XCLIENT told */
	uint64_t piece, cut, read_to, cancelled;
	enum { M_PLAIN, M_LOGIN, M_SCRAM } mechanism;
	int sasl_step;
	struct buf sasl_user, surrogate;
};

static void keep(struct buf *b, struct str text, struct str *view)
{
	buf_clear(b);
	buf_put(b, text);
	if (view != NULL)
		*view = buf_str(b);
}

static void *owner_new(void)
{
	struct owner *o = NEW(struct owner);

	o->config = (struct pop3d_config){
		.hostname = STR("dewey"),
		.login_timeout_ms = 180000,
		.autologout_ms = 600000,
		.errors_before_login = 3,
		.errors_after_login = 20,
		.auth_failures = 3,
		.mechanisms = STR("PLAIN LOGIN SCRAM-SHA-256"),
		.mechanisms_plus = STR("SCRAM-SHA-256-PLUS"),
		.mechanisms_certificate = STR("EXTERNAL"),
	};
	o->peer = (struct pop3d_peer){ .tls_available = true, .tls_active = true };
	o->piece = 4096;
	o->cut = UINT64_MAX;
	keep(&o->user, STR("mrose"), NULL);
	keep(&o->password, STR("secret"), NULL);
	return o;
}

static void owner_free(void *e)
{
	struct owner *o = e;

	pop3d_free(o->p);
	for (size_t i = 0; i < 5; i++)
		buf_deinit(&o->words[i]);
	for (size_t i = 0; i < o->count; i++)
		buf_deinit(&o->text[i]);
	buf_deinit(&o->user);
	buf_deinit(&o->password);
	buf_deinit(&o->uidls);
	buf_deinit(&o->deleted);
	buf_deinit(&o->sasl_user);
	buf_deinit(&o->surrogate);
	buf_deinit(&o->login.text);
	buf_deinit(&o->listing.text);
	buf_deinit(&o->body.text);
	free(o);
}

static size_t number(struct str *rest)
{
	uint64_t n = 0;

	return str_u64(str_cut(rest, ' '), &n) ? (size_t)n : 0;
}

static bool owner_config(void *e, struct str rest)
{
	struct owner *o = e;
	struct str word = str_cut(&rest, ' ');

	if (str_eq(word, STR("tls"))) {
		o->peer.tls_active = str_eq(rest, STR("active"));
		o->peer.tls_available = !str_eq(rest, STR("none"));
	} else if (str_eq(word, STR("xclient"))) {
		o->peer.xclient = true;
	} else if (str_eq(word, STR("binding"))) {
		o->peer.channel_binding = true;
	} else if (str_eq(word, STR("certificate"))) {
		o->peer.certificate = true;
	} else if (str_eq(word, STR("cleartext"))) {
		o->config.cleartext_auth = true;
	} else if (str_eq(word, STR("hostname"))) {
		keep(&o->words[0], rest, &o->config.hostname);
	} else if (str_eq(word, STR("implementation"))) {
		keep(&o->words[1], rest, &o->config.implementation);
	} else if (str_eq(word, STR("mechanisms"))) {
		keep(&o->words[2], rest, &o->config.mechanisms);
	} else if (str_eq(word, STR("plus"))) {
		keep(&o->words[3], rest, &o->config.mechanisms_plus);
	} else if (str_eq(word, STR("language"))) {
		keep(&o->words[4], rest, &o->config.language);
	} else if (str_eq(word, STR("expire"))) {
		o->peer.expire_days = (int64_t)number(&rest);
		o->peer.expire_differs = rest.n > 0;
		o->expire = rest.n > 0 ? (int64_t)number(&rest) : o->peer.expire_days;
	} else if (str_eq(word, STR("delay"))) {
		o->config.login_delay_s = number(&rest);
	} else if (str_eq(word, STR("nuls"))) {
		o->config.nul_to_80 = true;
	} else if (str_eq(word, STR("separator"))) {
		o->config.end_header = true;
	} else if (str_eq(word, STR("errors"))) {
		o->config.errors_before_login = number(&rest);
		o->config.errors_after_login = number(&rest);
	} else if (str_eq(word, STR("failures"))) {
		o->config.auth_failures = number(&rest);
	} else if (str_eq(word, STR("timeouts"))) {
		o->config.login_timeout_ms = (int64_t)number(&rest) * 1000;
		o->config.autologout_ms = (int64_t)number(&rest) * 1000;
	} else {
		return false;
	}
	return true;
}

static void owner_start(void *e, int64_t now_ms)
{
	struct owner *o = e;

	o->p = pop3d_new(&o->config, &o->peer, now_ms);
	pop3d_greet(o->p);
}

static struct buf *owner_in(void *e)
{
	return pop3d_in(((struct owner *)e)->p);
}

static struct buf *owner_out(void *e)
{
	return pop3d_out(((struct owner *)e)->p);
}

static int64_t owner_deadline(void *e)
{
	return pop3d_deadline(((struct owner *)e)->p);
}

static void owner_timeout(void *e)
{
	pop3d_timeout(((struct owner *)e)->p);
}

static void owner_tls_started(void *e, int64_t now_ms)
{
	pop3d_tls_started(((struct owner *)e)->p, true, now_ms);
}

static struct buf *owner_received(void *e)
{
	return &((struct owner *)e)->none;
}

/* Answers a login: what the client gave is only right when it is the one account. */
static void answer_login(struct owner *o, struct str user, struct str password)
{
	uint64_t octets = 0;

	if (!str_eq(user, buf_str(&o->user)) || !str_eq(password, buf_str(&o->password))) {
		pop3d_login_failed(o->p, POP3D_AUTH, STR("invalid user name or password"));
		return;
	}
	if (o->login.on) {
		pop3d_login_failed(o->p, o->login.code, buf_str(&o->login.text));
		return;
	}
	for (size_t i = 0; i < o->count; i++)
		octets += o->rows[i].octets;
	pop3d_expire(o->p, o->expire);
	pop3d_login_ok(o->p, user, o->count, octets);
}

static void scram_step(struct owner *o, struct str data)
{
	static const struct {
		struct str say, reply;
	} steps[] = {
		{ STR_INIT("first"), STR_INIT("second") },
		{ STR_INIT("third"), STR_INIT("final") },
		{ STR_INIT(""), STR_INIT("") },
	};

	if (!str_eq(data, steps[o->sasl_step].say)) {
		pop3d_login_failed(o->p, POP3D_AUTH, STR("invalid proof"));
		return;
	}
	if (o->sasl_step == 2) {
		answer_login(o, buf_str(&o->user), buf_str(&o->password));
		return;
	}
	pop3d_auth_challenge(o->p, steps[o->sasl_step++].reply);
}

static void login_step(struct owner *o, struct str data)
{
	switch (o->sasl_step++) {
	case 0: pop3d_auth_challenge(o->p, STR("Username:")); return;
	case 1:
		keep(&o->sasl_user, data, NULL);
		pop3d_auth_challenge(o->p, STR("Password:"));
		return;
	default: answer_login(o, buf_str(&o->sasl_user), data); return;
	}
}

static void plain_step(struct owner *o, struct str data)
{
	struct str user, rest = data;

	str_cut(&rest, '\0');
	user = str_cut(&rest, '\0');
	answer_login(o, user, rest);
}

static void sasl(struct owner *o, const struct pop3d_event *ev)
{
	if (ev->type == POP3D_ASK_AUTH) {
		o->sasl_step = 0;
		o->mechanism = str_eq(ev->mechanism, STR("PLAIN"))   ? M_PLAIN
			       : str_eq(ev->mechanism, STR("LOGIN")) ? M_LOGIN
								     : M_SCRAM;
		if (!ev->has_data && o->mechanism != M_LOGIN) {
			pop3d_auth_challenge(o->p, STR(""));
			return;
		}
		if (ev->has_data && o->mechanism == M_LOGIN)
			o->sasl_step = 1;
	}
	switch (o->mechanism) {
	case M_PLAIN: plain_step(o, ev->data); return;
	case M_LOGIN: login_step(o, ev->data); return;
	case M_SCRAM: scram_step(o, ev->data); return;
	}
}

static void answer_body(struct owner *o, const struct pop3d_event *ev)
{
	struct str text = str_from(buf_str(&o->text[ev->index]), (size_t)ev->offset);

	if (o->body.on) {
		pop3d_failed(o->p, o->body.code, buf_str(&o->body.text));
		return;
	}
	if (o->surrogate.len > 0 && !pop3d_utf8(o->p)) {
		uint64_t half = ev->want / 2;

		/* Nothing for the first half of the message, all for the second. */
		if (ev->offset == 0 && half > 0)
			pop3d_body_as(o->p, STR(""), half);
		else
			pop3d_body_as(o->p, buf_str(&o->surrogate), ev->want);
		return;
	}
	text = str_head(text, o->cut > ev->offset ? (size_t)(o->cut - ev->offset) : 0);
	text = str_head(text, (size_t)o->piece);
	if (ev->offset + text.n > o->read_to)
		o->read_to = ev->offset + text.n;
	if (o->direct && ev->direct && text.n > 0) {
		char last[2] = { text.n > 1 ? text.p[text.n - 2] : 'x', text.p[text.n - 1] };

		/* In the world out is sent before these octets; here they just follow. */
		pop3d_body_direct(o->p, text.n, last);
		buf_put(pop3d_out(o->p), text);
		return;
	}
	pop3d_body(o->p, text);
}

static void answer_update(struct owner *o)
{
	if (o->update_fails) {
		pop3d_updated(o->p, false);
		return;
	}
	if (o->update_unknown) {
		pop3d_update_unknown(o->p);
		return;
	}
	o->updated = true;
	for (size_t i = 0; i < o->count; i++) {
		if (!pop3d_is_deleted(o->p, i))
			continue;
		if (o->deleted.len > 0)
			buf_putc(&o->deleted, ' ');
		buf_putu(&o->deleted, i + 1);
	}
	pop3d_updated(o->p, true);
}

static enum transcript_turn owner_turn(void *e, int64_t now_ms)
{
	struct owner *o = e;
	struct maildrop_view view = { o->rows, o->count, buf_str(&o->uidls) };
	struct pop3d_event ev;

	while (pop3d_next(o->p, now_ms, &ev)) {
		switch (ev.type) {
		case POP3D_EV_STLS: return TURN_TLS;
		case POP3D_EV_CLOSE: o->closed = true; break;
		case POP3D_ASK_XCLIENT:
			o->port = 0;
			str_u64(ev.port, &o->port);
			pop3d_client_taken(o->p, !str_eq(ev.address, STR("192.0.2.66")));
			break;
		case POP3D_ASK_LOGIN: answer_login(o, ev.user, ev.password); break;
		case POP3D_ASK_AUTH:
		case POP3D_ASK_AUTH_MORE: sasl(o, &ev); break;
		case POP3D_EV_AUTH_CANCEL: o->cancelled++; break;
		case POP3D_ASK_LISTING:
			if (o->listing.on)
				pop3d_failed(o->p, o->listing.code, buf_str(&o->listing.text));
			else
				pop3d_listing(o->p, &view);
			break;
		case POP3D_ASK_BODY: answer_body(o, &ev); break;
		case POP3D_ASK_UPDATE: answer_update(o); break;
		}
	}
	return o->closed ? TURN_CLOSED : TURN_GO;
}

static int hex_digit(char c)
{
	c = ascii_lower(c);
	return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

static void unescape(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c != '\\' || i + 1 == text.n) {
			buf_putc(to, c);
			continue;
		}
		c = text.p[++i];
		if (c == 'x' && i + 2 < text.n) {
			buf_putc(to,
				(char)(hex_digit(text.p[i + 1]) << 4 | hex_digit(text.p[i + 2])));
			i += 2;
			continue;
		}
		buf_putc(to, c == 'r'   ? '\r'
			     : c == 'n' ? '\n'
			     : c == 't' ? '\t'
			     : c == '0' ? '\0'
					: c);
	}
}

static void add_message(struct owner *o, struct str uidl, struct str kind, struct str text)
{
	struct maildrop_row *row = &o->rows[o->count];

	if (o->count == MESSAGES_MAX)
		return;
	*row = (struct maildrop_row){ .id.b[14] = (unsigned char)(o->count >> 8),
		.id.b[15] = (unsigned char)o->count };
	unescape(&o->text[o->count], text);
	row->octets = o->text[o->count].len;
	row->flags = str_eq(kind, STR("dots")) ? MAILDROP_ROW_DOTS : 0;
	if (!str_eq(uidl, STR("-"))) {
		row->uidl_at = (uint32_t)o->uidls.len;
		unescape(&o->uidls, uidl);
		row->uidl_len = (uint16_t)(o->uidls.len - row->uidl_at);
	}
	o->count++;
}

static bool set_failure(struct policy *policy, struct str rest)
{
	static const struct {
		struct str name;
		enum pop3d_code code;
	} codes[] = {
		{ STR_INIT("-"), POP3D_NO_CODE },
		{ STR_INIT("IN-USE"), POP3D_IN_USE },
		{ STR_INIT("LOGIN-DELAY"), POP3D_LOGIN_DELAY },
		{ STR_INIT("SYS/TEMP"), POP3D_SYS_TEMP },
		{ STR_INIT("SYS/PERM"), POP3D_SYS_PERM },
		{ STR_INIT("AUTH"), POP3D_AUTH },
		{ STR_INIT("UTF8"), POP3D_UTF8 },
	};
	struct str word = str_cut(&rest, ' ');

	policy->on = !str_eq(word, STR("ok"));
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (str_eq(word, codes[i].name)) {
			policy->code = codes[i].code;
			buf_clear(&policy->text);
			unescape(&policy->text, rest);
			return true;
		}
	return !policy->on;
}

static bool set_policy(struct owner *o, struct str rest)
{
	struct str word = str_cut(&rest, ' ');

	if (str_eq(word, STR("login")))
		return set_failure(&o->login, rest);
	if (str_eq(word, STR("listing")))
		return set_failure(&o->listing, rest);
	if (str_eq(word, STR("body")))
		return set_failure(&o->body, rest);
	if (str_eq(word, STR("surrogate"))) {
		buf_clear(&o->surrogate);
		unescape(&o->surrogate, rest);
	} else if (str_eq(word, STR("cut")))
		o->cut = number(&rest);
	else if (str_eq(word, STR("piece")))
		o->piece = number(&rest);
	else if (str_eq(word, STR("direct")))
		o->direct = true;
	else if (str_eq(word, STR("update"))) {
		o->update_fails = str_eq(rest, STR("failed"));
		o->update_unknown = str_eq(rest, STR("unknown"));
	} else
		return false;
	return true;
}

static bool stats_are(const struct owner *o, struct str want)
{
	const struct pop3d_stats *s = pop3d_stats(o->p);
	struct buf got = { 0 };
	bool same;

	buf_printf(&got, "retr %llu %llu top %llu %llu deleted %llu %llu",
		(unsigned long long)s->retr, (unsigned long long)s->retr_octets,
		(unsigned long long)s->top, (unsigned long long)s->top_octets,
		(unsigned long long)s->deleted, (unsigned long long)s->deleted_octets);
	same = str_eq(buf_str(&got), want);
	buf_deinit(&got);
	return same;
}

static bool owner_directive(void *e, struct str line)
{
	struct owner *o = e;
	struct str rest = line, word = str_cut(&rest, ' '), first, second;

	if (str_eq(word, STR("account"))) {
		keep(&o->user, str_cut(&rest, ' '), NULL);
		keep(&o->password, rest, NULL);
	} else if (str_eq(word, STR("message"))) {
		first = str_cut(&rest, ' ');
		second = str_cut(&rest, ' ');
		add_message(o, first, second, rest);
	} else if (str_eq(word, STR("messages"))) {
		for (size_t n = number(&rest); n > 0; n--)
			add_message(o, STR("-"), STR("plain"), rest);
	} else if (str_eq(word, STR("shutdown")) || str_eq(word, STR("kick"))) {
		pop3d_shutdown(o->p, str_eq(word, STR("kick")));
	} else if (str_eq(word, STR("policy"))) {
		return set_policy(o, rest);
	} else if (str_eq(word, STR("updated:"))) {
		return o->updated && str_eq(buf_str(&o->deleted), rest);
	} else if (str_eq(word, STR("no-update:"))) {
		return !o->updated;
	} else if (str_eq(word, STR("user:"))) {
		return str_eq(pop3d_user(o->p), rest);
	} else if (str_eq(word, STR("read-to:"))) {
		return o->read_to == number(&rest);
	} else if (str_eq(word, STR("cancelled:"))) {
		return o->cancelled == number(&rest);
	} else if (str_eq(word, STR("stats:"))) {
		return stats_are(o, rest);
	} else {
		return false;
	}
	return true;
}

const struct transcript_engine transcript_pop3d = {
	.directory = "pop3d",
	.create = owner_new,
	.destroy = owner_free,
	.config = owner_config,
	.start = owner_start,
	.in = owner_in,
	.out = owner_out,
	.turn = owner_turn,
	.tls_started = owner_tls_started,
	.deadline = owner_deadline,
	.timeout = owner_timeout,
	.received = owner_received,
	.directive = owner_directive,
};
