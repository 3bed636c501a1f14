/* What the command line says of a server, for all of the laboratory. */
#include <sysexits.h>

#include "cmd/fetch.h"
#include "cmd/lab.h"
#include "remote/secret.h"

enum { TIMEOUT_MS = 20 * 1000 };

static int choose_tls(struct lab_target *t, struct cmd *c)
{
	static const char *const words[] = { [SERVER_TLS_IMPLICIT] = "implicit",
		[SERVER_TLS_STARTTLS] = "starttls",
		[SERVER_TLS_NONE] = "none" };
	struct str said = str_c(c->value[OPTION_TLS]);

	t->want.tls = t->smtp ? SERVER_TLS_STARTTLS : SERVER_TLS_IMPLICIT;
	if (!cmd_has(c, OPTION_TLS))
		return EX_OK;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_eq(said, str_c(words[i]))) {
			t->want.tls = (enum server_tls)i;
			return EX_OK;
		}
	return cmd_fail(c, EX_USAGE, "--tls is none, starttls or implicit, not %.40s", said.p);
}

static int choose_port(struct lab_target *t, struct cmd *c)
{
	bool implicit = t->want.tls == SERVER_TLS_IMPLICIT;
	uint64_t port;

	/* RFC 8314 3, 5321 4.5.4.2 */
	t->want.port = t->smtp ? (implicit ? 465 : 25) : (implicit ? 995 : 110);
	if (!cmd_has(c, OPTION_PORT))
		return EX_OK;
	if (!str_u64(str_c(c->value[OPTION_PORT]), &port) || port == 0 || port > 65535)
		return cmd_fail(c, EX_USAGE, "--port is a number from 1 to 65535, not %.40s",
			c->value[OPTION_PORT]);
	t->want.port = (uint16_t)port;
	return EX_OK;
}

static int choose_timeout(struct lab_target *t, struct cmd *c)
{
	t->want.timeout_ms = TIMEOUT_MS;
	if (cmd_has(c, OPTION_TIMEOUT) &&
		(!value_duration(str_c(c->value[OPTION_TIMEOUT]), &t->want.timeout_ms) ||
			t->want.timeout_ms <= 0))
		return cmd_fail(c, EX_USAGE, "--timeout is a time such as 20s, not %.40s",
			c->value[OPTION_TIMEOUT]);
	return EX_OK;
}

static enum status find_secret(struct lab_target *t, struct cmd *c, struct err *err)
{
	struct secret_source source = { .password_file = c->value[OPTION_PASSWORD_FILE],
		.host = t->want.host,
		.user = t->user };
	bool token;

	if (t->user.n == 0)
		return ST_OK;
	if (source.password_file == NULL)
		return err_set(err, ST_USAGE, "--user needs --password-file");
	return secret_get(&source, &t->secret, &token, err);
}

int lab_target_init(struct lab_target *t, struct cmd *c, bool smtp)
{
	struct err err = { ST_OK, "" };
	int code;

	*t = (struct lab_target){ .smtp = smtp,
		.user = str_c(c->value[OPTION_USER]),
		.mechanism = str_c(c->value[OPTION_AUTH]),
		.insecure = cmd_has(c, OPTION_INSECURE),
		.want = { .host = str_c(c->args[0]),
			.resolvers = str_c(c->value[OPTION_RESOLVER]),
			.alpn = smtp ? NULL : "pop3",
			.unchecked = true } };
	code = choose_tls(t, c);
	if (code == EX_OK)
		code = choose_port(t, c);
	if (code == EX_OK)
		code = choose_timeout(t, c);
	if (code == EX_OK && find_secret(t, c, &err) == ST_OK && t->want.tls != SERVER_TLS_NONE)
		fetch_roots(&t->roots, cmd_has(c, OPTION_CA_FILE) ? c->value[OPTION_CA_FILE] : "",
			&err);
	t->want.roots = buf_str(&t->roots);
	return code == EX_OK && err.code != ST_OK ? cmd_fail_err(c, &err) : code;
}

void lab_target_deinit(struct lab_target *t)
{
	buf_wipe(&t->secret);
	buf_deinit(&t->roots);
}
