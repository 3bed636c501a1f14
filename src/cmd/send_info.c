/* restante send --serverinfo */
#include <stdio.h>
#include <sysexits.h>

#include "cmd/fetch.h"
#include "cmd/lab_cert.h"
#include "cmd/send.h"
#include "remote/service.h"
#include "remote/smtp.h"

enum { TIMEOUT_MS = 30 * 1000 };

static json_t *offers_json(const struct smtpc_server *said)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
		{ SMTPC_X_PIPELINING, "PIPELINING" },
		{ SMTPC_X_8BITMIME, "8BITMIME" },
		{ SMTPC_X_SMTPUTF8, "SMTPUTF8" },
		{ SMTPC_X_CHUNKING, "CHUNKING" },
		{ SMTPC_X_DSN, "DSN" },
		{ SMTPC_X_REQUIRETLS, "REQUIRETLS" },
		{ SMTPC_X_AUTH, "AUTH" },
	};
	json_t *all = json_array();

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if ((said->offers & names[i].bit) != 0)
			json_array_append_new(all, json_string(names[i].name));
	if (said->size_max > 0)
		json_array_append_new(
			all, json_sprintf("SIZE %llu", (unsigned long long)said->size_max));
	return all;
}

/* "tls": null without. */
static json_t *info_json(struct smtp *s, const struct smtp_want *want)
{
	const struct smtpc_server *said = smtpc_server(s->engine);
	json_t *o = json_pack("{s:s%, s:i, s:o, s:o}", "server", want->server.host.p,
		want->server.host.n, "port", (int)want->server.port, "tls",
		said->tls_active ? lab_cert(&s->server.conn, want->server.roots, want->server.host)
				 : json_null(),
		"offers", offers_json(said));

	if (want->user.n > 0) {
		struct str by = s->sasl == NULL ? STR("none") : sasl_client_mechanism(s->sasl);

		json_object_set_new(o, "login", json_stringn(by.p, by.n));
		json_object_set_new(o, "user", json_stringn(want->user.p, want->user.n));
	}
	return o;
}

static void print_info(const json_t *o)
{
	static const struct {
		const char *key, *title;
	} rows[] = {
		{ "version", "TLS" },
		{ "subject", "subject" },
		{ "issuer", "issuer" },
		{ "not_after", "until" },
		{ "fingerprint", "SHA-256" },
	};
	const json_t *tls = json_object_get(o, "tls"), *login = json_object_get(o, "login"), *offer;
	size_t at;

	printf("server  %s port %lld\n", json_string_value(json_object_get(o, "server")),
		(long long)json_integer_value(json_object_get(o, "port")));
	if (json_is_null(tls))
		printf("TLS     no\n");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *text = json_string_value(json_object_get(tls, rows[i].key));

		if (text != NULL)
			printf("%-7s %s\n", rows[i].title, text);
	}
	if (login != NULL)
		printf("login   %s, as %s\n", json_string_value(login),
			json_string_value(json_object_get(o, "user")));
	json_array_foreach(json_object_get(o, "offers"), at, offer)
		printf("offers  %s\n", json_string_value(offer));
}

static int ask(struct cmd *c, const struct smtp_want *want)
{
	struct err err = { ST_OK, "" };
	struct smtpc_event ev;
	struct smtp s;
	enum status status = smtp_open(&s, want, &err);

	if (status == ST_OK) {
		json_t *info = info_json(&s, want);

		if (cmd_has(c, OPTION_JSON)) {
			json_dumpf(info, stdout, JSON_INDENT(1));
			putchar('\n');
		} else {
			print_info(info);
		}
		json_decref(info);
		smtpc_quit(s.engine);
		while (smtp_next(&s, &ev))
			continue;
	}
	smtp_close(&s);
	if (status == ST_OK)
		return output_end(c);
	return cmd_fail(c, fetch_exit_code(&err), "%.*s: %s", STR_ARG(want->server.host), err.text);
}

static bool tls_of(const char *word, uint64_t port, enum server_tls *tls)
{
	*tls = port == 465 ? SERVER_TLS_IMPLICIT : SERVER_TLS_STARTTLS;
	for (int i = SERVER_TLS_IMPLICIT; word != NULL && i <= SERVER_TLS_NONE; i++)
		if (str_eq(str_c(word), str_c(service_tls_name((enum server_tls)i)))) {
			*tls = (enum server_tls)i;
			return true;
		}
	return word == NULL;
}

static int ask_host(struct cmd *c)
{
	const char *resolver = c->value[OPTION_RESOLVER], *ca_file = c->value[OPTION_CA_FILE];
	struct smtp_want want = { .hostname = STR("localhost"),
		.mechanisms = STR("auto"),
		.server = { .host = str_c(c->value[OPTION_HOST]), .timeout_ms = TIMEOUT_MS } };
	struct err err = { ST_OK, "" };
	struct buf roots;
	uint64_t port = 0;
	int code;

	if (cmd_has(c, OPTION_PORT) &&
		(!str_u64(str_c(c->value[OPTION_PORT]), &port) || port == 0 || port > 65535))
		return cmd_fail(c, EX_USAGE, "--port is a number from 1 to 65535");
	if (!tls_of(c->value[OPTION_TLS], port, &want.server.tls))
		return cmd_fail(c, EX_USAGE, "--tls is one of none, starttls, implicit");
	want.server.port = port != 0 ? (uint16_t)port : service_port(true, want.server.tls);
	want.server.resolvers = resolver == NULL ? STR("") : str_c(resolver);
	if (fetch_roots(&roots, ca_file == NULL ? "" : ca_file, &err) != ST_OK)
		code = cmd_fail(c, EX_CONFIG, "%s", err.text);
	else {
		want.server.roots = buf_str(&roots);
		code = ask(c, &want);
	}
	buf_deinit(&roots);
	return code;
}

int send_serverinfo(struct cmd *c, const struct config *config, const struct config_remote *remote)
{
	struct fetch_server server = { .sends = true };
	struct err err = { ST_OK, "" };
	struct smtp_want want;
	int code;

	if (remote == NULL)
		return ask_host(c);
	if (fetch_server(&server, c, config, remote, &err) != ST_OK) {
		code = cmd_fail(c, fetch_exit_code(&err), "%s: %s", remote->name, err.text);
	} else {
		want = (struct smtp_want){ .server = server.want.server,
			.hostname = str_c(config->hostname),
			.user = server.want.user,
			.secret = server.want.secret,
			.token = server.want.token,
			.mechanisms = server.want.mechanisms,
			.allow_cleartext = server.want.allow_cleartext };
		code = ask(c, &want);
	}
	fetch_server_free(&server);
	return code;
}
