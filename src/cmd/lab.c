/* Runs the steps of a laboratory session, and tells of each what it took. */
#include <stdarg.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cmd/lab.h"
#include "cmd/lab_cert.h"

enum { QUIET_MS = 300, ANSWER_LINES_MAX = 100 * 1000, AFTER_QUIT = 1000 };

int lab_fail(struct lab *l, enum status status, const char *fmt, ...)
{
	char text[sizeof l->err.text];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return err_exit_code(err_set(&l->err, status, "%s", text));
}

int lab_connect(struct lab *l)
{
	enum status status = wire_open(&l->wire, &l->target.want, &l->err);

	if (status == ST_OK && l->wire.show)
		printf("== connected to %s port %u\n", l->wire.server.conn.peer,
			l->wire.server.conn.peer_port);
	return err_exit_code(status);
}

static void show_cert(const json_t *facts)
{
	static const char *const keys[] = { "version", "cipher", "group", "subject", "issuer",
		"not_before", "not_after", "fingerprint", "key_fingerprint" };
	const json_t *row;
	size_t i;

	for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
		const char *text = json_string_value(json_object_get(facts, keys[k]));

		if (text != NULL)
			printf("== %s: %s\n", keys[k], text);
	}
	json_array_foreach(json_object_get(facts, "names"), i, row)
		printf("== name: %s\n", json_string_value(row));
	json_array_foreach(json_object_get(facts, "chain"), i, row)
		printf("== chain %zu: %s, issued by %s, until %s\n", i,
			json_string_value(json_object_get(row, "subject")),
			json_string_value(json_object_get(row, "issuer")),
			json_string_value(json_object_get(row, "not_after")));
	if (json_is_true(json_object_get(facts, "verified")))
		printf("== verified: yes\n");
	else
		printf("== verified: no, %s\n", json_string_value(json_object_get(facts, "why")));
}

int lab_tls(struct lab *l)
{
	enum status status = wire_tls(&l->wire, &l->err);

	if (status != ST_OK)
		return err_exit_code(status);
	json_decref(l->tls);
	l->tls = lab_cert(&l->wire.server.conn, l->target.want.roots, l->target.want.host);
	if (l->wire.show)
		show_cert(l->tls);
	return EX_OK;
}

int lab_implicit(struct lab *l)
{
	return l->target.want.tls == SERVER_TLS_IMPLICIT ? lab_tls(l) : LAB_SKIPPED;
}

int lab_auth(struct lab *l)
{
	struct lab_offers offers = { .mechanisms = buf_str(&l->mechanisms),
		.timestamp = buf_str(&l->timestamp) };

	if (l->target.user.n == 0)
		return LAB_SKIPPED;
	if (l->tls != NULL && !json_is_true(json_object_get(l->tls, "verified")) &&
		!l->target.insecure)
		return lab_fail(l, ST_PERM,
			"no password was sent, as the certificate is not believed: %s; "
			"--insecure sends it",
			json_string_value(json_object_get(l->tls, "why")));
	return err_exit_code(lab_login(&l->wire, &l->target, &offers, &l->err));
}

void lab_say(struct lab *l, struct str line)
{
	struct buf text = { 0 };

	buf_put(&text, line);
	buf_put(&text, cmd_has(l->c, OPTION_BARE_LF) ? STR("\n") : STR("\r\n"));
	wire_send(&l->wire, buf_str(&text), WIRE_ALL);
	buf_deinit(&text);
}

/* Whatever comes, until nothing more does. */
static void hear_all(struct lab *l)
{
	struct str line;

	for (int i = 0; i < ANSWER_LINES_MAX && wire_line(&l->wire, &line); i++)
		if (!wire_wait(&l->wire, QUIET_MS))
			break;
}

static int send_lines(struct lab *l, struct str text)
{
	while (text.n > 0 && l->wire.end == WIRE_UP) {
		struct str line = str_cut(&text, '\n');

		if (str_ends(line, STR("\r")))
			line.n--;
		lab_say(l, line);
		if (!cmd_has(l->c, OPTION_PIPELINING) || text.n == 0)
			hear_all(l);
	}
	return EX_OK;
}

/* What --send says. */
static int send_anything(struct lab *l)
{
	const char *said = l->c->value[OPTION_SEND];
	struct buf text = { 0 };

	if (said == NULL || l->wire.end != WIRE_UP || !l->wire.server.open)
		return LAB_SKIPPED;
	wire_unescape(&text, str_c(said));
	if (cmd_has(l->c, OPTION_RAW)) {
		wire_send(&l->wire, buf_str(&text), WIRE_ALL);
		hear_all(l);
	} else {
		send_lines(l, buf_str(&text));
	}
	buf_deinit(&text);
	return EX_OK;
}

static int quit(struct lab *l)
{
	struct str line;

	if (!l->greeted || l->wire.end != WIRE_UP || cmd_has(l->c, OPTION_DROP))
		return LAB_SKIPPED;
	lab_say(l, STR("QUIT"));
	for (int i = 0; i < AFTER_QUIT && wire_line(&l->wire, &line); i++)
		continue;
	return l->wire.end == WIRE_CLOSED
		       ? EX_OK
		       : lab_fail(l, ST_PROTO,
				 "the server does not close the connection after QUIT");
}

static int step(struct lab *l, const struct lab_step *s)
{
	int64_t from = wire_now_us();
	int code = s->run(l);
	double ms = (double)(wire_now_us() - from) / 1000;

	if (code == LAB_SKIPPED)
		return EX_OK;
	if (server_interrupted(&l->wire.server))
		code = lab_fail(l, ST_TEMP, "interrupted");
	json_array_append_new(l->phases,
		json_pack("{s:s,s:f,s:b}", "name", s->name, "ms", ms, "ok", code == EX_OK));
	if (l->wire.show)
		printf("== %s: %s, %.1f ms\n", s->name, code == EX_OK ? "done" : "failed", ms);
	return code;
}

static int run_steps(struct lab *l, const struct lab_step *steps, size_t count)
{
	static const struct lab_step sending = { "send", send_anything }, ending = { "quit", quit };
	struct str last = str_c(l->c->value[OPTION_STOP_AFTER]);
	int code = EX_OK, end;

	for (size_t i = 0; i < count && code == EX_OK; i++) {
		code = step(l, &steps[i]);
		if (str_eq(str_c(steps[i].name), last))
			break;
	}
	end = step(l, &sending);
	if (code == EX_OK)
		code = end;
	end = step(l, &ending);
	return code != EX_OK ? code : end;
}

static int check_words(struct cmd *c, const struct lab_step *steps, size_t count)
{
	const char *last = c->value[OPTION_STOP_AFTER];
	struct buf text = { 0 };
	bool known = last == NULL || str_eq(str_c(last), STR("quit")),
	     good = wire_unescape(&text, str_c(c->value[OPTION_SEND]));

	buf_clear(&text);
	for (size_t i = 0; i < count; i++) {
		known = known || str_eq(str_c(steps[i].name), str_c(last));
		buf_put(&text, str_c(steps[i].name));
		buf_put(&text, STR(", "));
	}
	buf_put(&text, STR("quit"));
	if (!known)
		cmd_fail(c, EX_USAGE, "--stop-after is one of %.*s", STR_ARG(buf_str(&text)));
	else if (!good)
		cmd_fail(c, EX_USAGE,
			"--send knows \\r \\n \\t \\0 \\\\ and \\xNN, and no other \\");
	buf_deinit(&text);
	return known && good ? EX_OK : EX_USAGE;
}

static void print(struct lab *l)
{
	json_t *all = json_pack("{s:s,s:i,s:s,s:O,s:O*,s:O,s:O,s:s}", "host", l->c->args[0], "port",
		l->target.want.port, "address", l->wire.server.conn.peer, "phases", l->phases,
		"tls", l->tls, "capabilities", l->said, "lines", l->wire.lines, "error",
		l->err.text);

	json_dumpf(all, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(all);
}

int lab_run(struct cmd *c, bool smtp, const struct lab_step *steps, size_t count)
{
	struct lab l = { .c = c, .phases = json_array(), .said = json_array() };
	int code = check_words(c, steps, count);

	l.wire.show = !cmd_has(c, OPTION_JSON);
	l.wire.show_secrets = cmd_has(c, OPTION_SHOW_SECRETS);
	l.wire.lines = l.wire.show ? NULL : json_array();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (code == EX_OK)
		code = lab_target_init(&l.target, c, smtp);
	if (code == EX_OK) {
		code = run_steps(&l, steps, count);
		if (!l.wire.show)
			print(&l);
		if (code != EX_OK)
			cmd_fail(c, code, "%s", l.err.text);
		else
			code = output_end(c);
	}
	wire_close(&l.wire);
	lab_target_deinit(&l.target);
	buf_deinit(&l.mechanisms);
	buf_deinit(&l.timestamp);
	json_decref(l.wire.lines);
	json_decref(l.phases);
	json_decref(l.said);
	json_decref(l.tls);
	return code;
}
