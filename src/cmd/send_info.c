/* restante send --serverinfo */
#include <stdio.h>
#include <sysexits.h>

#include "cmd/fetch.h"
#include "cmd/lab_cert.h"
#include "cmd/send.h"
#include "remote/service.h"
#include "remote/smtp.h"

enum { TIMEOUT_MS = 30 * 1000 };

static void print_offers(const struct smtpc_server *said)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
		{SMTPC_X_PIPELINING,  "PIPELINING"},
		{ SMTPC_X_8BITMIME,   "8BITMIME"  },
		{ SMTPC_X_SMTPUTF8,   "SMTPUTF8"  },
		{ SMTPC_X_CHUNKING,   "CHUNKING"  },
		{ SMTPC_X_DSN,        "DSN"       },
		{ SMTPC_X_REQUIRETLS, "REQUIRETLS"},
		{ SMTPC_X_AUTH,       "AUTH"      },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if ((said->offers & names[i].bit) != 0)
			printf("offers  %s\n", names[i].name);
	if (said->size_max > 0)
		printf("offers  SIZE %llu\n", (unsigned long long)said->size_max);
}

static void print_tls(struct smtp *s, const struct smtp_want *want)
{
	static const struct {
		const char *key, *title;
	} rows[] = {
		{"version",      "TLS"    },
		{ "subject",     "subject"},
		{ "issuer",      "issuer" },
		{ "not_after",   "until"  },
		{ "fingerprint", "SHA-256"},
	};
	json_t *facts;

	if (!smtpc_server(s->engine)->tls_active) {
		printf("TLS     no\n");
		return;
	}
	facts = lab_cert(&s->server.conn, want->server.roots, want->server.host);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *text = json_string_value(json_object_get(facts, rows[i].key));

		if (text != NULL)
			printf("%-7s %s\n", rows[i].title, text);
	}
	json_decref(facts);
}

static int ask(struct cmd *c, const struct smtp_want *want)
{
	struct err err = { ST_OK, "" };
	struct smtpc_event ev;
	struct smtp s;
	enum status status = smtp_open(&s, want, &err);

	if (status == ST_OK) {
		printf("server  %.*s port %u\n", STR_ARG(want->server.host), want->server.port);
		print_tls(&s, want);
		if (want->user.n > 0)
			printf("login   %.*s, as %.*s\n",
				STR_ARG(s.sasl == NULL ? STR("none")
						       : sasl_client_mechanism(s.sasl)),
				STR_ARG(want->user));
		print_offers(smtpc_server(s.engine));
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
	struct smtp_want want = {
		.hostname = STR("localhost"),
		.mechanisms = STR("auto"),
		.server = {.host = str_c(c->value[OPTION_HOST]), .timeout_ms = TIMEOUT_MS}
	};
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
