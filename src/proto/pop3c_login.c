/* From the greeting to the session: CAPA (RFC 2449 5), STLS (RFC 2595 4), UTF8, and the logins. */
#include "base/codec.h"
#include "proto/pop3c_int.h"

void pop3c_capa(struct pop3c *p)
{
	struct pop3c_server *s = &p->server;

	*s = (struct pop3c_server){ .tls_active = s->tls_active,
		.expire_days = UINT64_MAX,
		.mechanisms = STR(""),
		.implementation = STR(""),
		.timestamp = s->timestamp };
	buf_clear(&p->mechanisms);
	buf_clear(&p->implementation);
	p->event.count = 0;
	p->state = P_CAPA;
	pop3c_put(p, STR("CAPA\r\n"));
}

/* The timestamp of APOP is a msg-id (RFC 1939 7); anything else would be what an attacker chose, to learn
 * of the password from its MD5 (CVE-2007-1558). */
static void take_timestamp(struct pop3c *p, struct str text)
{
	struct str t = str_from(text, str_rfind(text, '<'));
	size_t end = str_find(t, '>');
	bool at = false;

	t = str_head(t, end + 1);
	for (size_t i = 1; i + 1 < t.n; i++) {
		if (t.p[i] <= ' ' || t.p[i] > '~' || t.p[i] == '<')
			return;
		at = at || t.p[i] == '@';
	}
	if (!at || end == t.n || t.n > POP3C_LINE_LEAST)
		return;
	buf_put(&p->timestamp, t);
	p->server.timestamp = buf_str(&p->timestamp);
}

static void keep(struct buf *to, struct str *view, struct str text)
{
	if (text.n > POP3C_NAMES_MAX)
		return;
	buf_clear(to);
	for (size_t i = 0; i < text.n; i++)
		buf_putc(to, text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?');
	*view = buf_str(to);
}

static void take_capability(struct pop3c *p, struct str args)
{
	static const struct {
		struct str tag;
		enum pop3c_capability bit;
	} rows[] = {
		{ STR_INIT("TOP"), POP3C_C_TOP },
		{ STR_INIT("USER"), POP3C_C_USER },
		{ STR_INIT("SASL"), POP3C_C_SASL },
		{ STR_INIT("RESP-CODES"), POP3C_C_RESP_CODES },
		{ STR_INIT("AUTH-RESP-CODE"), POP3C_C_AUTH_RESP_CODE },
		{ STR_INIT("LOGIN-DELAY"), POP3C_C_LOGIN_DELAY },
		{ STR_INIT("PIPELINING"), POP3C_C_PIPELINING },
		{ STR_INIT("EXPIRE"), POP3C_C_EXPIRE },
		{ STR_INIT("UIDL"), POP3C_C_UIDL },
		{ STR_INIT("STLS"), POP3C_C_STLS },
		{ STR_INIT("UTF8"), POP3C_C_UTF8 },
	};
	struct pop3c_server *s = &p->server;
	struct str tag = str_cut(&args, ' ');
	unsigned bit = 0;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (str_ieq(tag, rows[i].tag))
			bit = rows[i].bit;
	bit &= ~p->peer.ignore;
	s->offers |= bit;
	if (bit == POP3C_C_SASL)
		keep(&p->mechanisms, &s->mechanisms, args);
	if (str_ieq(tag, STR("IMPLEMENTATION")))
		keep(&p->implementation, &s->implementation, args);
	if (bit == POP3C_C_LOGIN_DELAY && !str_u64(str_cut(&args, ' '), &s->login_delay_s))
		s->login_delay_s = 0;
	if (bit == POP3C_C_EXPIRE && !str_u64(str_cut(&args, ' '), &s->expire_days))
		s->expire_days = UINT64_MAX;
}

/* failed: the login that was tried before. */
static void ask_login(struct pop3c *p, const struct pop3c_result *failed)
{
	p->state = P_LOGIN;
	p->event = (struct pop3c_event){ .data = STR("") };
	if (failed != NULL)
		p->event.result = *failed;
	pop3c_ask(p, POP3C_ASK_LOGIN);
}

/* TLS is as it will be. */
static void prepare_login(struct pop3c *p)
{
	if (p->peer.utf8 && (p->server.offers & POP3C_C_UTF8) != 0) {
		p->state = P_UTF8;
		pop3c_put(p, STR("UTF8\r\n"));
	} else {
		ask_login(p, NULL);
	}
}

static void after_capa(struct pop3c *p)
{
	bool offered = (p->server.offers & POP3C_C_STLS) != 0;
	bool must = p->peer.stls == POP3C_TLS_MUST;

	if (p->server.tls_active || p->peer.stls == POP3C_TLS_NEVER) {
		prepare_login(p);
	} else if (offered || (must && !p->server.known)) {
		p->state = P_STLS;
		pop3c_put(p, STR("STLS\r\n"));
	} else if (must) {
		pop3c_break(p, POP3C_WHY_NO_TLS);
	} else {
		prepare_login(p);
	}
}

static void capa_row(struct pop3c *p, const struct pop3c_line *line)
{
	if (str_eq(line->text, STR("."))) {
		p->server.known = true;
		after_capa(p);
	} else if (++p->event.count > POP3C_CAPA_ROWS) {
		pop3c_break(p, POP3C_WHY_GARBAGE);
	} else if (!line->shortened) {
		take_capability(p, line->text);
	}
}

static void stls_response(struct pop3c *p)
{
#ifdef MUTANT_KEEP_INPUT
	bool injected = false;
#else
	bool injected = p->in.len > 0;
#endif

	if (p->result.outcome == POP3C_OK && injected) {
		/* Who says more than +OK before TLS wants it believed after (CVE-2021-29969 and others). */
		pop3c_break(p, POP3C_WHY_INJECTED);
	} else if (p->result.outcome == POP3C_OK) {
		p->state = P_TLS;
		p->owe_stls = true;
	} else if (p->peer.stls == POP3C_TLS_MUST) {
		pop3c_leave(p);
	} else {
		prepare_login(p);
	}
}

static void logged_in(struct pop3c *p)
{
	buf_wipe(&p->secret);
	p->state = P_SESSION;
	p->owe_login = true;
}

static void user_response(struct pop3c *p)
{
	if (p->result.outcome != POP3C_OK) {
		ask_login(p, &p->result);
		return;
	}
	p->state = P_PASS;
	pop3c_put(p, STR("PASS "));
	pop3c_put(p, buf_str(&p->secret));
	pop3c_put(p, STR("\r\n"));
	buf_wipe(&p->secret);
}

static void status(struct pop3c *p)
{
	bool ok = p->result.outcome == POP3C_OK;

	switch (p->state) {
	case P_GREETING:
		take_timestamp(p, ok ? p->result.text : STR(""));
		if (ok)
			pop3c_capa(p);
		else
			pop3c_leave(p);
		break;
	case P_CAPA:
		if (ok)
			p->state = P_CAPA_ROWS;
		else
			after_capa(p);
		break;
	case P_STLS: stls_response(p); break;
	case P_UTF8:
		p->server.utf8 = ok;
		ask_login(p, NULL);
		break;
	case P_USER: user_response(p); break;
	case P_PASS:
	case P_AUTH:
		if (ok)
			logged_in(p);
		else
			ask_login(p, &p->result);
		break;
	case P_CAPA_ROWS:
	case P_TLS:
	case P_LOGIN:
	case P_SESSION:
	case P_CLOSED: break;
	}
}

static void put_response(struct pop3c *p, struct str response)
{
	base64_put(&p->out, response);
	pop3c_put(p, STR("\r\n"));
}

/* RFC 5034 4: a challenge that cannot be decoded cancels the exchange. */
static void challenge(struct pop3c *p, struct str text)
{
	if (p->initial_kept && str_trim(text).n == 0) {
		p->initial_kept = false;
		put_response(p, buf_str(&p->secret));
		return;
	}
	buf_wipe(&p->secret);
	if (p->cancelled) {
		pop3c_break(p, POP3C_WHY_GARBAGE); /* "*" was the last word: it is refused */
		return;
	}
	if (!base64_get(text, &p->secret)) {
		p->cancelled = true;
		pop3c_put(p, STR("*\r\n"));
		return;
	}
	p->event = (struct pop3c_event){ .data = buf_str(&p->secret) };
	pop3c_ask(p, POP3C_ASK_AUTH_MORE);
}

void pop3c_login_line(struct pop3c *p, const struct pop3c_line *line)
{
	bool plus = str_starts(line->text, STR("+ ")) || str_eq(line->text, STR("+"));

	if (p->state == P_CAPA_ROWS)
		capa_row(p, line);
	else if (p->state == P_AUTH && plus && !line->shortened)
		challenge(p, str_from(line->text, 2));
	else if (p->state != P_LOGIN && pop3c_response(p, line))
		status(p);
	else
		pop3c_break(p, POP3C_WHY_GARBAGE);
}

/* What was said before TLS is forgotten (RFC 2595 4); the timestamp too: it came in the clear. */
void pop3c_tls_started(struct pop3c *p, int64_t now_ms)
{
	if (p->state != P_TLS)
		return;
	p->now_ms = p->active_ms = now_ms;
#ifndef MUTANT_KEEP_INPUT
	buf_clear(&p->in);
#endif
	p->searched = 0;
	p->server.tls_active = true;
	p->server.timestamp = STR("");
	pop3c_capa(p);
}

static bool fits_a_line(struct str s)
{
	return str_find(s, '\r') == s.n && str_find(s, '\n') == s.n && str_find(s, '\0') == s.n;
}

static bool answers(struct pop3c *p, enum pop3c_event_type type)
{
	if (!p->asking || p->event.type != type)
		return false;
	p->asking = false;
	p->active_ms = p->now_ms;
	return true;
}

bool pop3c_user(struct pop3c *p, struct str user, struct str password)
{
	if (!fits_a_line(user) || !fits_a_line(password) || user.n == 0 ||
		!answers(p, POP3C_ASK_LOGIN))
		return false;
	p->state = P_USER;
	buf_wipe(&p->secret);
	buf_put(&p->secret, password);
	pop3c_put(p, STR("USER "));
	pop3c_put(p, user);
	pop3c_put(p, STR("\r\n"));
	return true;
}

bool pop3c_apop(struct pop3c *p, struct str user, struct str digest)
{
	if (!fits_a_line(user) || user.n == 0 || !fits_a_line(digest) ||
		p->server.timestamp.n == 0 || !answers(p, POP3C_ASK_LOGIN))
		return false;
	p->state = P_PASS;
	pop3c_put(p, STR("APOP "));
	pop3c_put(p, user);
	pop3c_put(p, STR(" "));
	pop3c_put(p, digest);
	pop3c_put(p, STR("\r\n"));
	return true;
}

/* RFC 5034 4: an initial response that makes the line too long waits for an empty challenge. */
void pop3c_auth(struct pop3c *p, struct str mechanism, struct str initial, bool has_initial)
{
	size_t octets = STR("AUTH  \r\n").n + mechanism.n + (initial.n + 2) / 3 * 4;

	if (!answers(p, POP3C_ASK_LOGIN))
		return;
	p->state = P_AUTH;
	p->cancelled = false;
	p->initial_kept = has_initial && octets > POP3C_LINE_LEAST;
	buf_wipe(&p->secret);
	pop3c_put(p, STR("AUTH "));
	pop3c_put(p, mechanism);
	if (p->initial_kept)
		buf_put(&p->secret, initial);
	if (!has_initial || p->initial_kept) {
		pop3c_put(p, STR("\r\n"));
		return;
	}
	pop3c_put(p, STR(" "));
	if (initial.n == 0)
		pop3c_put(p, STR("=\r\n"));
	else
		put_response(p, initial);
}

void pop3c_auth_respond(struct pop3c *p, struct str response)
{
	if (answers(p, POP3C_ASK_AUTH_MORE))
		put_response(p, response);
}

void pop3c_auth_cancel(struct pop3c *p)
{
	if (!answers(p, POP3C_ASK_AUTH_MORE))
		return;
	p->cancelled = true;
	pop3c_put(p, STR("*\r\n"));
}
