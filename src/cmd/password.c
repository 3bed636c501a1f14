#include <stdio.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "account/scheme.h"
#include "base/codec.h"
#include "base/mem.h"
#include "cmd/password.h"
#include "daemon/config.h"

enum { PASSWORD_MAX = 1000 };

/* The first line of fd without its end; false when there is none or it is too long. */
static bool read_line(int fd, struct buf *line)
{
	char c;

	while (read(fd, &c, 1) == 1) {
		if (c == '\n')
			break;
		buf_putc(line, c);
	}
	if (str_ends(buf_str(line), STR("\r")))
		buf_truncate(line, line->len - 1);
	return line->len > 0 && !line->full;
}

bool password_ask(const char *prompt, struct buf *line)
{
	struct termios before, quiet;
	bool ok;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fputs(prompt, stderr);
	fflush(stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	ok = read_line(STDIN_FILENO, line);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputs("\n", stderr);
	return ok;
}

static size_t length_min(const struct cmd *c)
{
	struct config *config = config_load(c->state, NULL);
	size_t min = config == NULL ? 1 : (size_t)config->password_length_min;

	config_free(config);
	return min;
}

static int ask_twice(struct cmd *c, struct buf *line)
{
	size_t min = length_min(c);
	struct buf again;
	int code = EX_OK;

	buf_init(&again, PASSWORD_MAX);
	if (!password_ask("New password: ", line) || !password_ask("Once more: ", &again))
		code = cmd_fail(c, EX_DATAERR, "a password has 1 to 1000 octets");
	else if (line->len < min)
		code = cmd_fail(c, EX_DATAERR,
			"this password is shorter than %zu octets (password_length_min)", min);
	else if (!str_eq_secret(buf_str(line), buf_str(&again)))
		code = cmd_fail(c, EX_DATAERR, "these were two different passwords: try again");
	buf_wipe(&again);
	return code;
}

static json_t *key_json(const unsigned char *p, size_t n)
{
	struct buf text;
	json_t *v;

	buf_init(&text, 0);
	base64_put(&text, str_of(p, n));
	v = json_stringn(buf_str(&text).p, buf_str(&text).n);
	buf_wipe(&text);
	return v;
}

static json_t *credentials_json(struct credentials *k)
{
	json_t *o = json_pack("{s:s, s:I, s:o, s:o, s:o}", "hash", k->hash, "iterations",
		(json_int_t)k->scram_iterations, "salt",
		key_json(k->scram_salt, sizeof k->scram_salt), "stored_key",
		key_json(k->scram_stored_key, sizeof k->scram_stored_key), "server_key",
		key_json(k->scram_server_key, sizeof k->scram_server_key));
	mem_wipe(k, sizeof *k);
	return o;
}

static enum status hash_of(struct cmd *c, struct str password, json_t **out, struct err *err)
{
	struct credentials k;
	enum status status = cmd_has(c, OPTION_HASH)
				     ? scheme_make(str_c(c->value[OPTION_HASH]), password, &k, err)
				     : password_make(password, &k, err);

	if (status == ST_OK)
		*out = credentials_json(&k);
	return status;
}

static int hash(struct cmd *c, struct str password, json_t **out)
{
	struct err err = { ST_OK, "" };

	return hash_of(c, password, out, &err) == ST_OK ? EX_OK : cmd_fail_err(c, &err);
}

/* "{SCHEME}..." is a hash, "SCHEME" and "{SCHEME}" only say how to make one. */
static bool is_hash(struct str text)
{
	if (!str_starts(text, STR("{")))
		return false;
	str_cut(&text, '}');
	return text.n > 0;
}

enum status password_of_text(struct cmd *c, struct str text, json_t **credentials, struct err *err)
{
	struct credentials k;
	enum status status;

	if (!is_hash(text))
		return hash_of(c, text, credentials, err);
	status = scheme_import(text, &k, err);
	if (status == ST_OK)
		*credentials = credentials_json(&k);
	return status;
}

static int take_over(struct cmd *c, json_t **out)
{
	struct err err = { ST_OK, "" };
	struct credentials k;

	if (cmd_has(c, OPTION_PASSWORD_STDIN))
		return cmd_fail(c, EX_USAGE,
			"--password-stdin and a hash: give one, or only the scheme's name");
	if (scheme_import(str_c(c->value[OPTION_HASH]), &k, &err) != ST_OK)
		return cmd_fail_err(c, &err);
	*out = credentials_json(&k);
	return EX_OK;
}

int password_new(struct cmd *c, char generated[32], json_t **credentials)
{
	struct buf line;
	int code = EX_OK;

	generated[0] = '\0';
	if (is_hash(str_c(c->value[OPTION_HASH])))
		return take_over(c, credentials);
	buf_init(&line, PASSWORD_MAX);
	if (cmd_has(c, OPTION_PASSWORD_STDIN)) {
		if (!read_line(STDIN_FILENO, &line))
			code = cmd_fail(c, EX_DATAERR,
				"no password on standard input: its first line, 1 to 1000 octets");
	} else if (isatty(STDIN_FILENO)) {
		code = ask_twice(c, &line);
	} else {
		password_generate(generated);
		buf_put(&line, str_c(generated));
	}
	if (code == EX_OK)
		code = hash(c, buf_str(&line), credentials);
	buf_wipe(&line);
	return code;
}
