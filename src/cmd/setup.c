/* restante setup */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/fetch.h"
#include "cmd/provider.h"
#include "cmd/remote_block.h"
#include "cmd/setup.h"
#include "remote/knock.h"

enum { LOOKUP_TIMEOUT_MS = 10000, KNOCK_TIMEOUT_MS = 15000, LOGIN_TRIES = 3 };

struct result { /* what the last word says, also in JSON */
	char name[65];
	bool checked, logged_in, written;
	struct err why[2]; /* of POP3, of SMTP */
};

static bool plain(const struct setup *s)
{
	return !cmd_has(s->cmd, OPTION_JSON);
}

static bool asks(const struct setup *s)
{
	return plain(s) && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static bool yes(struct setup *s, const char *question, bool otherwise)
{
	char line[100] = "";

	if (cmd_has(s->cmd, OPTION_YES))
		return true;
	if (!asks(s))
		return false;
	printf("%s [%s] ", question, otherwise ? "Y/n" : "y/N");
	fflush(stdout);
	if (fgets(line, sizeof line, stdin) == NULL)
		return false;
	return line[0] == 'y' || line[0] == 'Y' || (otherwise && line[0] == '\n');
}

/* RFC 6186 6, RFC 8314 5.1: who holds the domain's web server or zone could name anybody's. */
static bool is_foreign(const struct setup *s, const struct setup_server *server)
{
	return (server->source == SETUP_AUTOCONFIG || server->source == SETUP_SRV) &&
	       server->at.host[0] != '\0' &&
	       !service_inside(&server->at, canonical_domain(&s->address));
}

static void print_server(const struct setup *s, const char *what, const struct setup_server *server)
{
	if (server->at.host[0] == '\0')
		printf("%-10s no server was found\n", what);
	else
		printf("%-10s %s port %u, TLS %s (by %s)%s\n", what, server->at.host,
			server->at.port,
			server->at.tls == SERVER_TLS_IMPLICIT ? "from the first octet"
							      : "by STARTTLS",
			setup_source_names[server->source],
			is_foreign(s, server) ? ", which is outside of the domain" : "");
}

static const char *wanted(const struct setup *s)
{
	static const struct {
		const char *login, *text;
	} rows[] = {
		{ "password", "the password" },
		{ "app-password", "a password for programs (app password, authorisation code), not "
				  "the one of the web site" },
		{ "oauth2", "an OAuth token: --token-command CMD" },
		{ "oauth2|app-password", "an app password, or an OAuth token (--token-command "
					 "CMD); not the password of the web site" },
		{ "password|app-password",
			"the password, or an app password where the web settings have one" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (str_eq(s->provider.login, str_c(rows[i].login)))
			return rows[i].text;
	return s->token ? rows[2].text : rows[0].text;
}

static struct str user_of(const struct setup *s)
{
	return s->user.len > 0 ? buf_str(&s->user) : canonical_str(&s->address);
}

static void print_note(const struct setup *s)
{
	if (s->provider.notes.n > 0)
		printf("%-10s %.*s\n", "note", STR_ARG(s->provider.notes));
	fflush(stdout);
}

static void print_found(const struct setup *s)
{
	struct str user = user_of(s);

	print_server(s, "fetch", &s->pop3);
	print_server(s, "send", &s->smtp);
	printf("%-10s %.*s\n", "user", STR_ARG(user));
	printf("%-10s %s\n", "wants", wanted(s));
	print_note(s);
}

static json_t *server_json(const struct setup_server *server, const char *error)
{
	if (server->at.host[0] == '\0')
		return json_null();
	return json_pack("{s:s, s:i, s:s, s:s, s:s}", "host", server->at.host, "port",
		(int)server->at.port, "tls", service_tls_name(server->at.tls), "source",
		setup_source_names[server->source], "error", error);
}

static json_t *words_json(struct str list)
{
	json_t *all = json_array();

	while (list.n > 0) {
		struct str one = str_cut(&list, '|');

		json_array_append_new(all, json_stringn(one.p, one.n));
	}
	return all;
}

/* The library takes no NULL, also of no octets. */
static struct str or_empty(struct str s)
{
	return s.n > 0 ? s : STR("");
}

static void print_json(struct setup *s, const struct result *r, int code)
{
	const struct provider *p = &s->provider;
	struct str status =
		p->id.n > 0 ? config_word_at(provider_status_words, p->status) : STR("");
	struct str user = user_of(s), login = p->login.n > 0 ? p->login
					      : s->token     ? STR("oauth2")
							     : STR("password");
	json_t *o = json_pack(
		"{s:s, s:o, s:o, s:s%, s:o, s:s%, s:s%, s:s%, s:s%, s:O, s:b, s:b, s:b, s:s, s:i}",
		"address", s->address.text, "pop3", server_json(&s->pop3, r->why[0].text), "smtp",
		server_json(&s->smtp, r->why[1].text), "user", user.p, user.n, "login",
		words_json(login), "provider", or_empty(p->id).p, p->id.n, "status", status.p,
		status.n, "since", or_empty(p->since).p, p->since.n, "notes", or_empty(p->notes).p,
		p->notes.n, "tried", s->tried, "checked", r->checked, "logged_in", r->logged_in,
		"written", r->written, "remote", r->name, "exit", code);

	json_dumpf(o, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(o);
}

static void check_one(struct setup *s, bool sends, struct err *err)
{
	const char *name = sends ? "SMTP" : "POP3";
	struct knock k = { .at = (sends ? &s->smtp : &s->pop3)->at,
		.sends = sends,
		.roots = buf_str(&s->roots),
		.resolvers = buf_str(&s->resolvers),
		.hostname = s->config != NULL ? str_c(s->config->hostname) : STR("localhost"),
		.timeout_ms = KNOCK_TIMEOUT_MS };

	if (k.at.host[0] == '\0')
		return;
	if (knock(&k, err) != ST_OK)
		cmd_fail(s->cmd, 0, "%s: %s", name, err->text);
	else if (plain(s))
		printf("%-10s answers\n", name);
}

/* Without a login: is somebody there who can be believed?  What is found counts all the same. */
static void check(struct setup *s, struct result *r)
{
	bool foreign = is_foreign(s, &s->pop3) || is_foreign(s, &s->smtp);

	r->checked = !foreign || yes(s, "Connect to the servers?", false);
	if (r->checked) {
		check_one(s, false, &r->why[0]);
		check_one(s, true, &r->why[1]);
	} else if (plain(s)) {
		printf("not checked: --yes connects also to servers outside of the domain\n");
	}
}

static int make_office(struct setup *s)
{
	struct err err = { ST_OK, "" };

	if (s->config != NULL)
		return EX_OK;
	if (cmd_make_home(s->cmd) != EX_OK)
		return EX_CONFIG;
	s->config = config_load(s->cmd->state, &err);
	if (s->config == NULL)
		return cmd_fail(s->cmd, EX_CONFIG, "%s", err.text);
	if (plain(s))
		printf("%-10s made %s\n", "office", s->cmd->state);
	return EX_OK;
}

static void put_server(struct buf *out, bool sends, const struct setup_server *server)
{
	char port[8];

	if (server->at.host[0] == '\0')
		return;
	snprintf(port, sizeof port, "%u", server->at.port);
	block_set(out, sends ? "smtp_host" : "pop3_host", str_c(server->at.host));
	block_set(out, sends ? "smtp_port" : "pop3_port", str_c(port));
	block_set(out, sends ? "smtp_tls" : "pop3_tls", str_c(service_tls_name(server->at.tls)));
}

/* Servers that the directory knows are left to it: it is kept up to date. */
static void put_block(
	const struct setup *s, const char *name, const struct setup_secret *secret, struct buf *out)
{
	const struct {
		const char *setting, *value;
	} rows[] = {
		{ "password_file", secret->password_file },
		{ "password_command", secret->password_command },
		{ "token_command", secret->token_command },
		{ "ca_file", s->ca_file },
	};

	block_begin(out, str_c(name));
	block_set(out, "address", canonical_str(&s->address));
	if (s->pop3.source != SETUP_DIRECTORY) {
		put_server(out, false, &s->pop3);
		put_server(out, true, &s->smtp);
		if (s->user.len > 0)
			block_set(out, "user", buf_str(&s->user));
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].value != NULL)
			block_set(out, rows[i].setting, str_c(rows[i].value));
	block_end(out);
}

static int try_login(struct setup *s, const struct result *r, const struct setup_secret *secret,
	struct buf *block)
{
	struct err err = { ST_OK, "" };
	struct config *config;
	int code;

	buf_clear(block);
	put_block(s, r->name, secret, block);
	config = block_try(s->cmd->state, buf_str(block), &err);
	if (config == NULL)
		return cmd_fail(s->cmd, EX_CONFIG, "%s", err.text);
	code = setup_login(s, config, config_remote(config, str_c(r->name)));
	config_free(config);
	return code;
}

/* RFC 6186 4: the whole address first, then what stands before its @, where nobody has said which. */
static int try_users(struct setup *s, const struct result *r, const struct setup_secret *secret,
	struct buf *block)
{
	int code = try_login(s, r, secret, block);
	bool said =
		s->user.len > 0 || s->pop3.source == SETUP_DIRECTORY || s->pop3.source == SETUP_MX;

	if (code != EX_NOPERM || said)
		return code;
	buf_put(&s->user, canonical_local(&s->address));
	if (plain(s))
		printf("%-10s once more as %.*s\n", "user", STR_ARG(buf_str(&s->user)));
	code = try_login(s, r, secret, block);
	if (code != EX_OK)
		buf_clear(&s->user);
	return code;
}

/* A password that was typed wrong may be typed again. */
static int log_in(struct setup *s, struct result *r, struct setup_secret *secret, struct buf *block)
{
	int code = EX_OK;

	for (int i = 0; i < LOGIN_TRIES; i++) {
		code = setup_secret(s, str_c(r->name), secret);
		if (code == EX_OK)
			code = try_users(s, r, secret, block);
		if (code != EX_NOPERM || secret->made == NULL || i + 1 == LOGIN_TRIES)
			break;
		setup_secret_free(secret, true);
	}
	r->logged_in = code == EX_OK;
	return code;
}

static int write_block(struct setup *s, struct result *r, struct str block)
{
	struct err err = { ST_OK, "" };

	if (plain(s))
		printf("\n%.*s\n", STR_ARG(block));
	if (!yes(s, "Write this into restante.conf?", true)) {
		if (plain(s))
			printf("nothing is written: --yes writes it into %s/restante.conf\n",
				s->cmd->state);
		return EX_OK;
	}
	if (block_append(s->cmd->state, block, &err) != ST_OK)
		return cmd_fail(s->cmd, EX_CONFIG, "%s", err.text);
	r->written = true;
	if (plain(s))
		printf("written to %s/restante.conf\nnext: restante fetch %s%s%s\n      restante "
		       "read%s%s\n",
			s->cmd->state, r->name, cmd_has(s->cmd, OPTION_STATE) ? " --state " : "",
			cmd_has(s->cmd, OPTION_STATE) ? s->cmd->state : "",
			cmd_has(s->cmd, OPTION_STATE) ? " --state " : "",
			cmd_has(s->cmd, OPTION_STATE) ? s->cmd->state : "");
	return EX_OK;
}

static int add(struct setup *s, struct result *r)
{
	struct setup_secret secret = { .made = NULL };
	struct buf block = { 0 };
	int code;

	if ((is_foreign(s, &s->pop3) || is_foreign(s, &s->smtp)) &&
		!yes(s, "A server is outside of the domain. Give it the password?", false))
		return cmd_fail(s->cmd, EX_NOPERM,
			"a server is outside of %.*s: --yes gives it the password",
			STR_ARG(canonical_domain(&s->address)));
	code = make_office(s);
	if (code == EX_OK) {
		struct str domain = canonical_domain(&s->address);

		block_name(s->config, STR(""),
			s->provider.id.n > 0 ? s->provider.id : str_cut(&domain, '.'), r->name);
		if (cmd_has(s->cmd, OPTION_NAME))
			snprintf(r->name, sizeof r->name, "%s", s->cmd->value[OPTION_NAME]);
		code = log_in(s, r, &secret, &block);
	}
	if (code == EX_OK)
		code = write_block(s, r, buf_str(&block));
	setup_secret_free(&secret, !r->written);
	buf_deinit(&block);
	return code;
}

static int open_config(struct setup *s)
{
	struct cmd *c = s->cmd;
	struct err err = { ST_OK, "" };

	if (!cmd_has_office(c))
		return EX_OK;
	if (state_check_version(c->state, &err) == ST_OK)
		s->config = config_load(c->state, &err);
	if (s->config == NULL)
		return cmd_fail(c, EX_CONFIG, "%s", err.text);
	for (size_t i = 0; i < s->config->remote_count; i++)
		if (str_ieq(str_c(s->config->remotes[i].address), canonical_str(&s->address)) &&
			!cmd_has(c, OPTION_NO_LOGIN))
			return cmd_fail(c, EX_CONFIG,
				"remote %s in restante.conf has this address already: restante "
				"fetch %s",
				s->config->remotes[i].name, s->config->remotes[i].name);
	return EX_OK;
}

static int prepare(struct setup *s)
{
	struct cmd *c = s->cmd;
	const char *ca_file = c->value[OPTION_CA_FILE], *resolver = c->value[OPTION_RESOLVER];
	struct err err = { ST_OK, "" };
	int code = open_config(s);

	if (code != EX_OK)
		return code;
	if (resolver != NULL)
		buf_put(&s->resolvers, str_c(resolver));
	else if (s->config != NULL)
		buf_put(&s->resolvers, str_c(s->config->dns_resolver));
	code = cmd_providers(c, &s->directory);
	if (code != EX_OK)
		return code;
	s->local_directory = s->directory.len - provider_builtin().n;
	if (ca_file != NULL && (s->ca_file = realpath(ca_file, NULL)) == NULL)
		return cmd_fail(c, EX_CONFIG, "--ca-file %s: %s", ca_file, strerror(errno));
	if (fetch_roots(&s->roots, s->ca_file == NULL ? "" : s->ca_file, &err) != ST_OK ||
		lookup_open(&s->lookup, buf_str(&s->resolvers), LOOKUP_TIMEOUT_MS, &err) != ST_OK)
		return cmd_fail(c, EX_CONFIG, "%s", err.text);
	return EX_OK;
}

static void close_setup(struct setup *s)
{
	lookup_close(&s->lookup);
	config_free(s->config);
	buf_deinit(&s->roots);
	buf_deinit(&s->resolvers);
	buf_deinit(&s->directory);
	buf_deinit(&s->user);
	json_decref(s->tried);
	free(s->ca_file);
}

static int check_usage(struct setup *s)
{
	struct cmd *c = s->cmd;
	int secrets = cmd_has(c, OPTION_PASSWORD_FILE) + cmd_has(c, OPTION_PASSWORD_COMMAND) +
		      cmd_has(c, OPTION_TOKEN_COMMAND);

	if (!canonical_address(str_c(c->args[0]), &s->address) ||
		canonical_domain(&s->address).p[0] == '[')
		return cmd_fail(c, EX_USAGE, "%.100s is no mail address", c->args[0]);
	if (secrets > 1 || (secrets > 0 && cmd_has(c, OPTION_NO_LOGIN)))
		return cmd_fail(c, EX_USAGE,
			"only one of --password-file, --password-command, --token-command and "
			"--no-login");
	return EX_OK;
}

int cmd_setup(struct cmd *c)
{
	struct setup s = { .cmd = c, .tried = json_array() };
	struct result r = { .name = "" };
	int code = check_usage(&s);

	if (code == EX_OK)
		code = prepare(&s);
	if (code != EX_OK) {
		close_setup(&s);
		return code;
	}
	code = setup_find(&s);
	if (code == EX_OK && plain(&s))
		print_found(&s);
	else if (plain(&s) && s.provider.status == PROVIDER_UNSURE)
		print_note(&s);
	if (code == EX_OK && cmd_has(c, OPTION_NO_LOGIN))
		check(&s, &r);
	else if (code == EX_OK)
		code = add(&s, &r);
	if (!plain(&s))
		print_json(&s, &r, code);
	close_setup(&s);
	return code == EX_OK ? output_end(c) : code;
}
