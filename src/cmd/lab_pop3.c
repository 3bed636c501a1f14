/* lab pop3: the steps of a POP3 session. */
#include <sysexits.h>

#include "cmd/lab.h"
#include "cmd/lab_pop.h"

static int judge(struct lab *l, const struct pop_reply *r, const char *what)
{
	switch (r->kind) {
	case POP_OK: return EX_OK;
	case POP_ERR: return lab_fail(l, ST_PERM, "the server refuses %s", what);
	case POP_ODD: return lab_fail(l, ST_PROTO, "the answer to %s is none of POP3", what);
	case POP_GONE: break;
	}
	return lab_fail(l, ST_TEMP, "%s: %s", what,
		l->wire.end == WIRE_LATE ? "no answer in time"
					 : "the server closed the connection");
}

static int greeting(struct lab *l)
{
	struct pop_reply r = { 0 };
	int code;

	pop_hear(&l->wire, &r, false);
	l->greeted = r.kind == POP_OK;
	buf_put(&l->timestamp, pop_timestamp(buf_str(&r.text)));
	code = judge(l, &r, "the connection");
	pop_reply_deinit(&r);
	return code;
}

static int capa(struct lab *l)
{
	struct pop_reply r = { 0 };
	struct str rest, mechanisms = STR("");

	lab_say(l, STR("CAPA"));
	pop_hear(&l->wire, &r, true);
	l->starttls = pop_offers(&r, STR("STLS"), NULL);
	pop_offers(&r, STR("SASL"), &mechanisms);
	buf_clear(&l->mechanisms);
	buf_put(&l->mechanisms, mechanisms);
	json_array_clear(l->said);
	rest = buf_str(&r.body);
	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');
		struct buf text = { 0 };

		if (str_ends(line, STR("\r")))
			line.n--;
		wire_escape(&text, line);
		json_array_append_new(l->said, json_stringn(buf_str(&text).p, text.len));
		buf_deinit(&text);
	}
	/* A server of 1996 has no CAPA: that is no failure. */
	pop_reply_deinit(&r);
	return r.kind == POP_ERR ? EX_OK : judge(l, &r, "CAPA");
}

static int starttls(struct lab *l)
{
	struct pop_reply r = { 0 };
	int code;

	if (l->target.want.tls != SERVER_TLS_STARTTLS)
		return LAB_SKIPPED;
	lab_say(l, STR("STLS"));
	pop_hear(&l->wire, &r, false);
	code = judge(l, &r, "STLS");
	pop_reply_deinit(&r);
	if (code == EX_OK && l->wire.in.len > 0)
		code = lab_fail(l, ST_PROTO, "octets came behind the answer to STLS, before TLS");
	if (code == EX_OK)
		code = lab_tls(l);
	return code == EX_OK ? capa(l) : code; /* RFC 2595 4: forget what was said before */
}

/* What the maildrop holds. */
static int session(struct lab *l)
{
	struct pop_reply r = { 0 };
	int code;

	if (l->target.user.n == 0)
		return LAB_SKIPPED;
	lab_say(l, STR("STAT"));
	pop_hear(&l->wire, &r, false);
	code = judge(l, &r, "STAT");
	pop_reply_deinit(&r);
	return code;
}

int cmd_lab_pop3(struct cmd *c)
{
	static const struct lab_step steps[] = {
		{ "connect", lab_connect },
		{ "tls", lab_implicit },
		{ "greeting", greeting },
		{ "capa", capa },
		{ "starttls", starttls },
		{ "auth", lab_auth },
		{ "session", session },
	};

	return lab_run(c, false, steps, sizeof steps / sizeof *steps);
}
