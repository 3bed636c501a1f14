/* The table of checks, its sessions, and what is printed. */
#include "cmd/lab_check.h"

#include <stdarg.h>
#include <sysexits.h>
#include <time.h>

#include "cmd/lab_cert.h"

enum { DELAY_MAX_S = 60, TRIES = 4, AFTER_QUIT = 10, IDLE_LEAST_MS = 10 * 60 * 1000 };

/* clang-format off */
static const struct {
	const char *name, *section, *title;
} checks[CHECK_COUNT] = {
	[CHECK_GREETING] = { "greeting", "RFC 1939 4", "one line, +OK" },
	[CHECK_ANSWERS] = { "answers", "RFC 1939 3", "every answer begins with +OK or -ERR" },
	[CHECK_LENGTHS] = { "lengths", "RFC 2449 4", "no answer is longer than 512 octets" },
	[CHECK_TLS] = { "tls", "RFC 8997", "TLS 1.2 or later" },
	[CHECK_CERTIFICATE] = { "certificate", "RFC 7817", "it is for this host and can be believed" },
	[CHECK_STLS_INJECTION] = { "stls-injection", "RFC 2595 4", "what comes in the clear behind STLS is dropped" },
	[CHECK_CLEARTEXT] = { "cleartext", "RFC 8314 3", "no login without TLS, and none is offered" },
	[CHECK_CAPA] = { "capa", "RFC 2449 5", "there is CAPA, and it names TOP, UIDL and a way to log in" },
	[CHECK_RESP_CODES] = { "resp-codes", "RFC 2449 6.4", "announced, and used" },
	[CHECK_AUTH_CODE] = { "auth-code", "RFC 3206 6", "announced, and a refused login has [AUTH]" },
	[CHECK_UNKNOWN] = { "unknown", "RFC 1939 3", "an unknown command is refused" },
	[CHECK_EARLY] = { "early", "RFC 1939 3", "no STAT before the login" },
	[CHECK_LONG_LINE] = { "long-line", "RFC 2449 4", "a command of 2000 octets is refused" },
	[CHECK_USER_NAME] = { "user-name", "RFC 1939 7", "the answer to USER does not tell who has a mailbox" },
	[CHECK_REFUSAL] = { "refusal", "RFC 1939 7", "a wrong login is refused" },
	[CHECK_LOGIN] = { "login", "RFC 5034 4", "the login" },
	[CHECK_LOCK] = { "lock", "RFC 1939 4", "one session at a time has the maildrop" },
	[CHECK_LOGIN_DELAY] = { "login-delay", "RFC 2449 6.5", "what is announced is meant" },
	[CHECK_CASE] = { "case", "RFC 1939 3", "commands in small letters" },
	[CHECK_STAT] = { "stat", "RFC 1939 5", "STAT is the sum of LIST" },
	[CHECK_LIST] = { "list", "RFC 1939 5", "numbers from 1 on; LIST 1 is the row of LIST" },
	[CHECK_ALL_SHOWN] = { "all-shown", "RFC 1939 5", "the whole maildrop is shown" },
	[CHECK_NUMBER_ZERO] = { "number-zero", "RFC 1939 4", "there is no message 0" },
	[CHECK_NUMBER_ODD] = { "number-odd", "RFC 1939 5", "numbers of no message are refused" },
	[CHECK_UIDL] = { "uidl", "RFC 1939 7", "UIDL has the rows of LIST; UIDL 1 is its row" },
	[CHECK_UIDL_FORM] = { "uidl-form", "RFC 1939 7", "1 to 70 printable characters" },
	[CHECK_UIDL_UNIQUE] = { "uidl-unique", "RFC 1939 7", "no two messages have the same" },
	[CHECK_UIDL_TWO_NUMBERS] = { "uidl-two-numbers", "RFC 1939 7", "not two numbers written into one" },
	[CHECK_UIDL_STABLE] = { "uidl-stable", "RFC 1939 7", "the same in the next session" },
	[CHECK_SIZE] = { "size", "RFC 1939 11", "LIST tells the octets that RETR sends" },
	[CHECK_LINES] = { "lines", "RFC 1939 3", "CRLF after each line, dots doubled" },
	[CHECK_TOP_ZERO] = { "top-zero", "RFC 1939 7", "TOP n 0 is the header alone" },
	[CHECK_TOP_LINES] = { "top-lines", "RFC 1939 7", "TOP n 1 has one line of the body" },
	[CHECK_PIPELINING] = { "pipelining", "RFC 2449 6.6", "announced, and a burst is answered" },
	[CHECK_QUIT] = { "quit", "RFC 1939 6", "+OK, and the connection is closed" },
	[CHECK_IDLE] = { "idle", "RFC 1939 3", "silence is borne for 10 minutes, and ended without a word" },
	[CHECK_DELE] = { "dele", "RFC 1939 5", "DELE is taken, once a message" },
	[CHECK_DELE_LIST] = { "dele-list", "RFC 1939 5", "LIST leaves out what is marked" },
	[CHECK_DELE_UIDL] = { "dele-uidl", "RFC 1939 7", "UIDL leaves out what is marked" },
	[CHECK_DELE_STAT] = { "dele-stat", "RFC 1939 5", "STAT leaves out what is marked" },
	[CHECK_DELE_ONE] = { "dele-one", "RFC 1939 5", "LIST n, UIDL n, RETR n, TOP n of it are refused" },
	[CHECK_DELE_NUMBERS] = { "dele-numbers", "RFC 1939 5", "the others keep their numbers" },
	[CHECK_RSET] = { "rset", "RFC 1939 5", "RSET takes the marks away" },
	[CHECK_DELE_DROP] = { "dele-drop", "RFC 1939 6", "nothing is deleted without QUIT" },
};
/* clang-format on */

void probe_say(struct checker *k, enum check_id id, enum check_level level, const char *fmt, ...)
{
	struct found *f = &k->found[id];
	va_list ap;

	if (level <= f->level)
		return;
	f->level = level;
	va_start(ap, fmt);
	vsnprintf(f->seen, sizeof f->seen, fmt, ap);
	va_end(ap);
}

const char *probe_text(struct str text, char to[100])
{
	struct buf shown = { 0 };

	wire_escape(&shown, str_head(text, 90));
	snprintf(to, 100, "%.*s", STR_ARG(str_head(buf_str(&shown), 90)));
	buf_deinit(&shown);
	return to;
}

static bool tls(struct checker *k, struct wire *w, struct err *err)
{
	json_t *facts;
	bool verified;

	if (wire_tls(w, err) != ST_OK)
		return false;
	facts = lab_cert(&w->server.conn, k->target.want.roots, k->target.want.host);
	verified = json_is_true(json_object_get(facts, "verified"));
	probe_say(k, CHECK_TLS, LEVEL_OK, "%s %s",
		json_string_value(json_object_get(facts, "version")),
		json_string_value(json_object_get(facts, "cipher")));
	CHECK(k, CHECK_CERTIFICATE, verified, LEVEL_FAIL, "%s",
		json_string_value(json_object_get(facts, "why")));
	json_decref(facts);
	if (!verified && !k->target.insecure && k->target.user.n > 0)
		err_set(err, ST_PERM,
			"the certificate is not believed: %s; --insecure goes on all the same",
			k->found[CHECK_CERTIFICATE].seen);
	return err->code == ST_OK;
}

bool probe_open(struct checker *k, struct wire *w, struct err *err)
{
	enum server_tls how = k->target.want.tls;
	struct pop_reply r = { 0 };
	char text[100];

	*w = (struct wire){ .show = false };
	if (wire_open(w, &k->target.want, err) != ST_OK ||
		(how == SERVER_TLS_IMPLICIT && !tls(k, w, err)))
		return false;
	if (pop_hear(w, &r, false) == POP_GONE)
		err_set(err, ST_TEMP, "the server does not greet");
	else if (r.kind != POP_OK)
		err_set(err, ST_TEMP, "the server greets with %s",
			probe_text(buf_str(&r.text), text));
	CHECK(k, CHECK_GREETING, r.kind == POP_OK && w->in.len == 0, LEVEL_FAIL, "%s",
		probe_text(buf_str(&r.text), text));
	CHECK(k, CHECK_LENGTHS, r.longest <= 512, LEVEL_FAIL, "the greeting has %zu octets",
		r.longest);
	buf_clear(&k->timestamp);
	buf_put(&k->timestamp, pop_timestamp(buf_str(&r.text)));
	if (r.kind == POP_OK && how == SERVER_TLS_STARTTLS) {
		if (pop_ask(w, &r, false, "STLS") != POP_OK)
			err_set(err, ST_PERM, "the server refuses STLS");
		else
			tls(k, w, err);
	}
	pop_reply_deinit(&r);
	return err->code == ST_OK;
}

static enum status log_in(struct checker *k, struct wire *w, struct err *err)
{
	struct lab_offers offers = { .timestamp = buf_str(&k->timestamp) };

	if (!probe_open(k, w, err))
		return err->code;
	pop_ask(w, &k->capa, true, "CAPA");
	pop_offers(&k->capa, STR("SASL"), &offers.mechanisms);
	if (pop_offers(&k->capa, STR("USER"), NULL) && k->target.mechanism.n == 0)
		offers.mechanisms = STR("");
	return lab_login(w, &k->target, &offers, err);
}

static void pause_for(int64_t seconds)
{
	nanosleep(&(struct timespec){ .tv_sec = seconds }, NULL);
}

bool probe_login(struct checker *k, struct wire *w, struct err *err)
{
	for (int try = 0; try < TRIES; try++) {
		struct str said;
		int64_t wait = 1;

		*err = (struct err){ ST_OK, "" };
		if (log_in(k, w, err) == ST_OK)
			return true;
		said = str_c(err->text);
		if (str_find(said, '[') == said.n)
			break;
		said = str_from(said, str_find(said, '['));
		if (str_istarts(said, STR("[LOGIN-DELAY"))) {
			wait = k->login_delay_s > 0 ? k->login_delay_s : 1;
			CHECK(k, CHECK_LOGIN_DELAY, true, LEVEL_OK, "%s", "");
		} else if (!str_istarts(said, STR("[IN-USE"))) {
			break;
		}
		if (wait > DELAY_MAX_S || server_interrupted(&w->server) || try == TRIES - 1)
			break;
		probe_drop(k, w);
		pause_for(wait);
	}
	return false;
}

/* What every session shows by the way; who never said a word has shown nothing. */
static void look_back(struct checker *k, const struct wire *w)
{
	if (k->found[CHECK_GREETING].level == LEVEL_NONE)
		return;
	CHECK(k, CHECK_ANSWERS, w->odd.len == 0, LEVEL_FAIL, "%.*s", STR_ARG(buf_str(&w->odd)));
}

void probe_drop(struct checker *k, struct wire *w)
{
	look_back(k, w);
	wire_close(w);
}

void probe_leave(struct checker *k, struct wire *w)
{
	struct pop_reply r = { 0 };
	char text[100];

	if (w->end == WIRE_UP) {
		pop_ask(w, &r, false, "QUIT");
		CHECK(k, CHECK_QUIT, r.kind == POP_OK, LEVEL_FAIL, "%s",
			r.kind == POP_GONE ? "no answer" : probe_text(buf_str(&r.text), text));
		for (int i = 0; i < AFTER_QUIT && pop_hear(w, &r, false) != POP_GONE; i++)
			continue;
		CHECK(k, CHECK_QUIT, w->end == WIRE_CLOSED, LEVEL_FAIL,
			"the connection stays open after QUIT");
	}
	pop_reply_deinit(&r);
	probe_drop(k, w);
}

bool probe_row(struct str *rest, uint64_t *number, struct str *value, uint64_t *bad)
{
	while (rest->n > 0) {
		struct str line = str_cut(rest, '\n');

		if (str_ends(line, STR("\r")))
			line.n--;
		*value = line;
		if (str_u64(str_cut(value, ' '), number))
			return true;
		++*bad;
	}
	return false;
}

bool probe_find(const struct pop_reply *listing, uint64_t number, struct str *value)
{
	struct str rest = buf_str(&listing->body);
	uint64_t n, bad = 0;

	while (probe_row(&rest, &n, value, &bad))
		if (n == number)
			return true;
	return false;
}

/* While the first session goes on. */
static void second_session(struct checker *k, struct wire *first)
{
	struct wire w;
	struct err err = { ST_OK, "" };
	struct str said;
	enum status status;
	bool codes, coded;

	k->target.want.beside = &first->server;
	status = log_in(k, &w, &err);
	k->target.want.beside = NULL;
	said = str_c(err.text);
	coded = str_find(said, '[') < said.n;
	codes = pop_offers(&k->capa, STR("RESP-CODES"), NULL);
	if (status == ST_OK)
		probe_say(k, CHECK_LOCK, LEVEL_WARN, "a second session gets in beside the first");
	else if (status == ST_PERM)
		probe_say(k, CHECK_LOCK, LEVEL_OK, "%s", "");
	else
		probe_say(k, CHECK_LOCK, LEVEL_SKIP, "%s", err.text);
	if (status == ST_PERM && codes)
		CHECK(k, CHECK_RESP_CODES, coded, LEVEL_WARN,
			"announced, but a locked maildrop is refused without [IN-USE]");
	if (status == ST_OK)
		probe_leave(k, &w);
	else /* RFC 1939 4: it may have closed the connection */
		probe_drop(k, &w);
}

/* Long silence, then what the server thinks of it. */
static void idle(struct checker *k)
{
	struct wire w;
	struct err err = { ST_OK, "" };
	int64_t from = wire_now_us(), seconds;
	struct str line;
	char text[100];

	if (k->idle_ms == 0)
		probe_say(k, CHECK_IDLE, LEVEL_SKIP, "only with --idle 11m");
	else if (!probe_login(k, &w, &err))
		probe_say(k, CHECK_IDLE, LEVEL_SKIP, "%s", err.text);
	else {
		wire_wait(&w, k->idle_ms);
		seconds = (wire_now_us() - from) / 1000000;
		if (w.in.len > 0 && wire_line(&w, &line))
			probe_say(k, CHECK_IDLE, LEVEL_FAIL, "unasked after %lld s: %s",
				(long long)seconds, probe_text(line, text));
		else if (w.end != WIRE_UP && seconds * 1000 < IDLE_LEAST_MS)
			probe_say(k, CHECK_IDLE, LEVEL_FAIL, "closed after %lld s",
				(long long)seconds);
		else
			probe_say(k, CHECK_IDLE, LEVEL_OK, "%s after %lld s",
				w.end == WIRE_UP ? "still open" : "closed", (long long)seconds);
	}
	if (k->idle_ms > 0)
		probe_drop(k, &w);
}

static void next_session(struct checker *k)
{
	struct wire w;
	struct err err = { ST_OK, "" };
	struct pop_reply uidls = { 0 };
	struct str rest = buf_str(&k->uidls.body), again, first, now;
	uint64_t n, m, bad = 0, other = 0;
	bool in = log_in(k, &w, &err) == ST_OK;

	if (k->login_delay_s > 0)
		CHECK(k, CHECK_LOGIN_DELAY, !in, LEVEL_WARN,
			"LOGIN-DELAY %lld is announced, but a login at once is taken",
			(long long)k->login_delay_s);
	if (!in) {
		probe_drop(k, &w);
		err = (struct err){ ST_OK, "" };
		in = probe_login(k, &w, &err);
	}
	if (in && pop_ask(&w, &uidls, true, "UIDL") == POP_OK) {
		again = buf_str(&uidls.body);
		while (probe_row(&rest, &n, &first, &bad))
			other +=
				!probe_row(&again, &m, &now, &bad) || m != n || !str_eq(first, now);
		CHECK(k, CHECK_UIDL_STABLE, other == 0, LEVEL_FAIL,
			"%llu messages have another UIDL", (unsigned long long)other);
	} else if (!in) {
		probe_say(k, CHECK_UIDL_STABLE, LEVEL_SKIP, "%s", err.text);
	}
	pop_reply_deinit(&uidls);
	if (in)
		probe_leave(k, &w);
	else
		probe_drop(k, &w);
}

static enum status sessions(struct checker *k, struct err *err)
{
	struct wire w = { .show = false };
	enum status status = probe_hello(k, err);
	struct str delay;
	uint64_t seconds;

	if (status != ST_OK || k->target.user.n == 0)
		return status;
	if (!probe_login(k, &w, err)) {
		probe_say(k, CHECK_LOGIN, LEVEL_FAIL, "%.150s", err->text);
		probe_drop(k, &w);
		return err->code;
	}
	k->logged_in = true;
	probe_say(k, CHECK_LOGIN, LEVEL_OK, "%s", "");
	if (pop_offers(&k->capa, STR("LOGIN-DELAY"), &delay) &&
		str_u64(str_cut(&delay, ' '), &seconds) && seconds < INT32_MAX)
		k->login_delay_s = (int64_t)seconds;
	if (k->login_delay_s == 0)
		probe_say(k, CHECK_LOGIN_DELAY, LEVEL_OK, "none is announced");
	second_session(k, &w);
	probe_maildrop(k, &w);
	probe_mail(k, &w);
	probe_leave(k, &w);
	next_session(k);
	probe_deleting(k);
	idle(k);
	return ST_OK;
}

static void finish(struct checker *k)
{
	bool codes = pop_offers(&k->capa, STR("RESP-CODES"), NULL);

	if (k->found[CHECK_CAPA].level != LEVEL_NONE && k->capa.kind == POP_OK && !codes)
		probe_say(k, CHECK_RESP_CODES, LEVEL_WARN,
			"not announced: clients cannot tell a lock from a wrong password");
	if (!cmd_has(k->c, OPTION_WRITE))
		probe_say(k, CHECK_DELE_DROP, LEVEL_SKIP, "only with --write");
	for (size_t i = 0; i < CHECK_COUNT; i++)
		if (k->found[i].level == LEVEL_NONE)
			probe_say(k, (enum check_id)i, LEVEL_SKIP, "%s",
				k->target.user.n == 0 && i >= CHECK_LOGIN ? "only with --user"
									  : "did not come to it");
}

static int print(struct checker *k)
{
	static const struct column columns[] = {
		{ "check", "CHECK", false },
		{ "section", "RFC", false },
		{ "result", "RESULT", false },
		{ "seen", "SEEN", false },
	};
	static const char *const words[] = { "SKIP", "OK", "SKIP", "WARN", "FAIL" };
	json_t *rows = json_array();
	bool failed = false;

	for (size_t i = 0; i < CHECK_COUNT; i++) {
		const struct found *f = &k->found[i];

		failed = failed || f->level == LEVEL_FAIL;
		json_array_append_new(
			rows, json_pack("{s:s,s:s,s:s,s:s}", "check", checks[i].name, "section",
				      checks[i].section, "result", words[f->level], "seen",
				      f->seen[0] != '\0' ? f->seen : checks[i].title));
	}
	output_rows(k->c, rows, columns, sizeof columns / sizeof *columns);
	json_decref(rows);
	return failed ? EX_PROTOCOL : EX_OK;
}

int cmd_lab_check_pop3(struct cmd *c)
{
	struct checker k = { .c = c };
	struct err err = { ST_OK, "" };
	int code = EX_OK, told;

	if (cmd_has(c, OPTION_IDLE) && !value_duration(str_c(c->value[OPTION_IDLE]), &k.idle_ms))
		code = cmd_fail(c, EX_USAGE, "--idle is a time such as 11m, not %.40s",
			c->value[OPTION_IDLE]);
	if (code == EX_OK)
		code = lab_target_init(&k.target, c, false);
	if (code == EX_OK) {
		code = err_exit_code(sessions(&k, &err));
		finish(&k);
		told = print(&k);
		if (code != EX_OK)
			cmd_fail(c, code, "%s", err.text);
		else
			code = output_end(c) == EX_OK ? told : EX_IOERR;
	}
	lab_target_deinit(&k.target);
	pop_reply_deinit(&k.capa);
	pop_reply_deinit(&k.listing);
	pop_reply_deinit(&k.uidls);
	buf_deinit(&k.timestamp);
	return code;
}
