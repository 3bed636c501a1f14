/* Checks before any login: greeting, capabilities, STLS, what is refused. */
#include "base/codec.h"
#include "cmd/lab_check.h"

enum { AFTER_TLS_MS = 700, LONG = 2000 };

#define NOBODY "restante-lab-nobody"

/* CVE-2011-0411 and its kin: a line that came in the clear is answered under TLS. */
static void injection(struct checker *k)
{
	struct wire w = { .show = false };
	struct err err = { ST_OK, "" };
	struct str line;
	struct pop_reply r = { 0 };
	char text[100];

	if (wire_open(&w, &k->target.want, &err) == ST_OK && pop_hear(&w, &r, false) == POP_OK) {
		wire_send(&w, STR("STLS\r\nCAPA\r\n"), WIRE_ALL);
		pop_hear(&w, &r, false);
		if (r.kind != POP_OK)
			probe_say(k, CHECK_STLS_INJECTION, LEVEL_OK,
				"STLS with more behind it is refused");
		else if (w.in.len > 0 || wire_tls(&w, &err) != ST_OK)
			probe_say(k, CHECK_STLS_INJECTION, LEVEL_OK, "the session ends");
		else if (wire_wait(&w, AFTER_TLS_MS) && wire_line(&w, &line))
			probe_say(k, CHECK_STLS_INJECTION, LEVEL_FAIL, "answered under TLS: %s",
				probe_text(line, text));
		else
			probe_say(k, CHECK_STLS_INJECTION, LEVEL_OK, "%s", "");
	}
	pop_reply_deinit(&r);
	probe_drop(k, &w);
}

/* Before STLS, or where there is no TLS at all. */
static void cleartext(struct checker *k)
{
	struct wire w = { .show = false };
	struct err err = { ST_OK, "" };
	struct pop_reply r = { 0 }, capa = { 0 };
	struct str mechanisms = STR("");
	bool user;

	if (wire_open(&w, &k->target.want, &err) == ST_OK && pop_hear(&w, &r, false) == POP_OK) {
		pop_ask(&w, &capa, true, "CAPA");
		user = pop_offers(&capa, STR("USER"), NULL);
		pop_offers(&capa, STR("SASL"), &mechanisms);
		pop_ask(&w, &r, false, "USER " NOBODY);
		if (r.kind == POP_OK)
			probe_say(k, CHECK_CLEARTEXT, LEVEL_WARN, "USER is taken without TLS");
		else if (user)
			probe_say(k, CHECK_CLEARTEXT, LEVEL_FAIL,
				"CAPA names USER, but without TLS it is refused");
		else
			CHECK(k, CHECK_CLEARTEXT, mechanisms.n == 0, LEVEL_WARN,
				"SASL is offered without TLS");
	}
	pop_reply_deinit(&r);
	pop_reply_deinit(&capa);
	probe_leave(k, &w);
}

static void capabilities(struct checker *k, struct wire *w)
{
	bool named;

	pop_ask(w, &k->capa, true, "CAPA");
	if (k->capa.kind != POP_OK) {
		probe_say(k, CHECK_CAPA, LEVEL_WARN, "there is no CAPA");
		return;
	}
	named = pop_offers(&k->capa, STR("USER"), NULL) || pop_offers(&k->capa, STR("SASL"), NULL);
	CHECK(k, CHECK_CAPA, named, LEVEL_WARN, "no way to log in is named");
	CHECK(k, CHECK_CAPA, pop_offers(&k->capa, STR("UIDL"), NULL), LEVEL_WARN,
		"UIDL is not named");
	CHECK(k, CHECK_CAPA, pop_offers(&k->capa, STR("TOP"), NULL), LEVEL_WARN,
		"TOP is not named");
	CHECK(k, CHECK_LENGTHS, k->capa.longest <= 512, LEVEL_FAIL, "CAPA has a line of %zu octets",
		k->capa.longest);
}

/* Of all that has no place in AUTHORIZATION. */
static void refused(struct checker *k, struct wire *w)
{
	struct pop_reply r = { 0 };
	struct buf line = { 0 };

	CHECK(k, CHECK_UNKNOWN, pop_ask(w, &r, false, "XYZZY") == POP_ERR, LEVEL_FAIL,
		"the answer is not -ERR");
	CHECK(k, CHECK_EARLY, pop_ask(w, &r, false, "STAT") == POP_ERR, LEVEL_FAIL,
		"STAT is not refused");
	buf_fill(&line, 'A', LONG);
	buf_put(&line, STR("\r\n"));
	wire_send(w, buf_str(&line), WIRE_ALL);
	pop_hear(w, &r, false);
	CHECK(k, CHECK_LONG_LINE, r.kind == POP_ERR || w->end == WIRE_CLOSED, LEVEL_FAIL, "%s",
		r.kind == POP_GONE ? "no answer" : "it is not refused");
	pop_reply_deinit(&r);
	buf_deinit(&line);
}

static bool has_word(struct str text, struct str word)
{
	for (; text.n >= word.n; text = str_from(text, 1))
		if (str_istarts(text, word))
			return true;
	return false;
}

static void ask_plain(struct wire *w, struct pop_reply *r)
{
	struct buf line = { 0 };

	buf_put(&line, STR("AUTH PLAIN "));
	base64_put(&line, STR("\0" NOBODY "\0wrong"));
	buf_put(&line, STR("\r\n"));
	wire_send(w, buf_str(&line), WIRE_ALL);
	pop_hear(w, r, false);
	buf_deinit(&line);
}

/* A login of somebody whom nobody knows. */
static void wrong_login(struct checker *k, struct wire *w)
{
	struct pop_reply r = { 0 };
	bool codes = pop_offers(&k->capa, STR("RESP-CODES"), NULL),
	     auth_code = pop_offers(&k->capa, STR("AUTH-RESP-CODE"), NULL);
	char text[100];

	if (pop_ask(w, &r, false, "USER " NOBODY) == POP_OK) {
		CHECK(k, CHECK_USER_NAME,
			!has_word(buf_str(&r.text), STR("valid")) &&
				!has_word(buf_str(&r.text), STR("exists")),
			LEVEL_WARN, "of a user that there is not: %s",
			probe_text(buf_str(&r.text), text));
		pop_ask(w, &r, false, "PASS wrong");
	} else if (pop_offers(&k->capa, STR("USER"), NULL)) {
		probe_say(k, CHECK_USER_NAME, LEVEL_WARN, "a user that there is not is refused: %s",
			probe_text(buf_str(&r.text), text));
	} else if (pop_offers(&k->capa, STR("SASL"), NULL)) {
		ask_plain(w, &r);
	}
	if (r.kind == POP_GONE)
		probe_say(k, CHECK_REFUSAL, LEVEL_WARN, "no answer");
	else
		CHECK(k, CHECK_REFUSAL, r.kind == POP_ERR, LEVEL_FAIL, "%s",
			probe_text(buf_str(&r.text), text));
	if (r.kind == POP_ERR && auth_code)
		CHECK(k, CHECK_AUTH_CODE, str_istarts(buf_str(&r.text), STR("-ERR [")), LEVEL_FAIL,
			"announced, but: %s", probe_text(buf_str(&r.text), text));
	else if (!auth_code)
		probe_say(k, CHECK_AUTH_CODE, LEVEL_WARN, "not announced");
	if (codes && r.kind == POP_ERR)
		CHECK(k, CHECK_RESP_CODES, has_word(buf_str(&r.text), STR("[")), LEVEL_WARN,
			"announced, but a refused login has none: %s",
			probe_text(buf_str(&r.text), text));
	pop_reply_deinit(&r);
}

enum status probe_hello(struct checker *k, struct err *err)
{
	struct wire w;
	struct err other = { ST_OK, "" };

	if (probe_open(k, &w, err)) {
		capabilities(k, &w);
		refused(k, &w); /* after it the server may have closed */
	}
	probe_drop(k, &w);
	if (err->code != ST_OK)
		return err->code;
	if (probe_open(k, &w, &other))
		wrong_login(k, &w);
	probe_drop(k, &w);
	if (k->target.want.tls == SERVER_TLS_STARTTLS)
		injection(k);
	if (k->target.want.tls != SERVER_TLS_IMPLICIT)
		cleartext(k);
	if (k->target.want.tls != SERVER_TLS_STARTTLS)
		probe_say(k, CHECK_STLS_INJECTION, LEVEL_SKIP, "only with --tls starttls");
	if (k->target.want.tls == SERVER_TLS_NONE) {
		probe_say(k, CHECK_TLS, LEVEL_SKIP, "asked to do without");
		probe_say(k, CHECK_CERTIFICATE, LEVEL_SKIP, "asked to do without");
	} else if (k->target.want.tls == SERVER_TLS_IMPLICIT) {
		probe_say(k, CHECK_CLEARTEXT, LEVEL_SKIP, "this port has TLS only");
	}
	return ST_OK;
}
