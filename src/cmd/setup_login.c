/* The secret, and whether it opens the two servers. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/fetch.h"
#include "cmd/password.h"
#include "cmd/remote_block.h"
#include "cmd/setup.h"
#include "remote/smtp.h"

enum { PASSWORD_MAX = 1000 };

static int ask(struct setup *s, struct str name, struct setup_secret *secret)
{
	struct buf line, setting = { 0 };
	struct err err = { ST_OK, "" };
	char prompt[ADDRESS_MAX + 40];
	int code = EX_OK;

	buf_init(&line, PASSWORD_MAX);
	line.secret = true;
	snprintf(prompt, sizeof prompt, "Password of %s (it is not shown): ", s->address.text);
	if (!password_ask(prompt, &line))
		code = cmd_fail(s->cmd, EX_USAGE, "a password has 1 to 1000 octets");
	else if (block_secret(s->cmd->state, name, buf_str(&line), &setting, &err) != ST_OK)
		code = cmd_fail(s->cmd, EX_CONFIG, "%s", err.text);
	buf_wipe(&line);
	secret->password_file = buf_steal_c(&setting);
	if (code == EX_OK &&
		asprintf(&secret->made, "%s/%s", s->cmd->state, secret->password_file) < 0)
		abort();
	return code;
}

int setup_secret(struct setup *s, struct str name, struct setup_secret *secret)
{
	const char *file = s->cmd->value[OPTION_PASSWORD_FILE],
		   *command = s->cmd->value[OPTION_PASSWORD_COMMAND],
		   *token = s->cmd->value[OPTION_TOKEN_COMMAND];

	*secret = (struct setup_secret){ .made = NULL };
	if (file != NULL)
		secret->password_file = realpath(file, NULL);
	if (file != NULL && secret->password_file == NULL)
		return cmd_fail(s->cmd, EX_CONFIG, "--password-file %s: %s", file, strerror(errno));
	if (command != NULL)
		secret->password_command = str_dup_c(str_c(command));
	if (token != NULL)
		secret->token_command = str_dup_c(str_c(token));
	if (file != NULL || command != NULL || token != NULL)
		return EX_OK;
	if (s->token)
		return cmd_fail(s->cmd, EX_CONFIG,
			"this provider takes OAuth tokens only: name the command that prints one "
			"with --token-command");
	return isatty(STDIN_FILENO) ? ask(s, name, secret) : EX_OK; /* ~/.netrc */
}

void setup_secret_free(struct setup_secret *secret, bool forget)
{
	if (forget && secret->made != NULL)
		unlink(secret->made);
	free(secret->password_file);
	free(secret->password_command);
	free(secret->token_command);
	free(secret->made);
	*secret = (struct setup_secret){ .made = NULL };
}

static void tell(const struct setup *s, const char *what, const char *by)
{
	if (!cmd_has(s->cmd, OPTION_JSON))
		printf("%-10s logged in%s%s\n", what, by[0] == '\0' ? "" : ", by ", by);
	fflush(stdout);
}

static enum status open_pop3(struct setup *s, const struct fetch_server *server, struct err *err)
{
	struct pop3c_event ev;
	struct pop pop;
	enum status status = pop_open(&pop, &server->want, err);

	if (status == ST_OK) {
		char *by = pop.sasl == NULL ? str_dup_c(STR(""))
					    : str_dup_c(sasl_client_mechanism(pop.sasl));

		tell(s, "POP3", by);
		free(by);
		pop3c_quit(pop.engine);
		while (pop_next(&pop, &ev))
			continue;
	}
	pop_close(&pop);
	return status;
}

static enum status open_smtp(struct setup *s, const struct config *config,
	const struct fetch_server *server, struct err *err)
{
	struct smtp_want want = { .server = server->want.server,
		.hostname = str_c(config->hostname),
		.user = server->want.user,
		.secret = server->want.secret,
		.token = server->want.token,
		.mechanisms = server->want.mechanisms };
	struct smtpc_event ev;
	struct smtp smtp;
	enum status status = smtp_open(&smtp, &want, err);

	if (status == ST_OK) {
		char *by = smtp.sasl == NULL ? str_dup_c(STR(""))
					     : str_dup_c(sasl_client_mechanism(smtp.sasl));

		tell(s, "SMTP", by);
		free(by);
		smtpc_quit(smtp.engine);
		while (smtp_next(&smtp, &ev))
			continue;
	}
	smtp_close(&smtp);
	return status;
}

static int open_one(
	struct setup *s, const struct config *config, const struct config_remote *r, bool sends)
{
	struct fetch_server server = { .sends = sends };
	struct err err = { ST_OK, "" };
	enum status status = fetch_server(&server, s->cmd, config, r, &err);

	server.want.server.resolvers = buf_str(&s->resolvers);
	if (status == ST_OK)
		status = sends ? open_smtp(s, config, &server, &err) : open_pop3(s, &server, &err);
	fetch_server_free(&server);
	if (status == ST_OK)
		return EX_OK;
	return cmd_fail(s->cmd, fetch_exit_code(&err), "%s: %s", sends ? "SMTP" : "POP3", err.text);
}

int setup_login(struct setup *s, const struct config *config, const struct config_remote *remote)
{
	int code = open_one(s, config, remote, false);

	if (code == EX_OK && s->smtp.at.host[0] != '\0')
		code = open_one(s, config, remote, true);
	return code;
}
