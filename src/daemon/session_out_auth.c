/* Logging in at a relay (RFC 4954): the engine carries, sasl_client.h knows the mechanisms. */
#include <stdio.h>

#include "base/log.h"
#include "daemon/carrier_job.h"
#include "daemon/carrier_secret.h"

enum { MECHANISMS_TRIED = 2 }; /* more look like guessing */

/* A login that fails is a mistake here or there, and nobody's mail comes back for it: it waits. */
static void give_up(struct out *o, const char *why)
{
	struct carrier_job *j = out_detach(o);

	log_error("carrier.login-failed", F_C("host", o->host), F_C("user", o->rule->user),
		F_C("why", why));
	out_auth_end(o);
	smtpc_quit(o->engine);
	job_login_failed(j, o, why);
}

static void choose(struct out *o, struct str secret)
{
	unsigned char exporter[32];
	bool bound = o->has_tls && conn_channel_binding(&o->conn, exporter);
	struct str bearer = STR("Bearer ");
	bool token = str_starts(secret, bearer);
	struct sasl_client_facts facts = { .offered = buf_str(&o->offered),
		.tried = buf_str(&o->tried),
		.user = str_c(o->rule->user),
		.password = token ? STR("") : secret,
		.token = token ? str_from(secret, bearer.n) : STR(""),
		.host = str_c(o->rule->host),
		.port = o->rule->port,
		.exporter = bound ? str_of(exporter, sizeof exporter) : STR(""),
		.tls = o->has_tls,
		/* Only towards this machine: config_route.c sees to it. */
		.cleartext = o->rule->tls == ROUTE_TLS_NONE || o->rule->tls == ROUTE_TLS_MAY };
	struct err err = { 0 };
	struct str initial;
	bool has_initial;

	o->sasl = sasl_client_new(&facts, &err);
	if (o->sasl == NULL) {
		give_up(o, err.text);
		return;
	}
	if (o->tried.len > 0)
		buf_putc(&o->tried, ' ');
	buf_put(&o->tried, sasl_client_mechanism(o->sasl));
	has_initial = sasl_client_initial(o->sasl, &initial);
	smtpc_auth(o->engine, sasl_client_mechanism(o->sasl), has_initial ? initial : STR(""),
		has_initial);
}

static void begin(struct out *o)
{
	struct str secret;

	o->wants_secret = !carrier_secret(o->carrier, o->rule, &secret);
	if (o->wants_secret)
		return;
	if (secret.n == 0)
		give_up(o, "the password_command gave no password");
	else
		choose(o, secret);
}

void out_auth_begin(struct out *o, const struct smtpc_event *ev)
{
	char why[300];
	bool refused = ev->result.code != 0;
	bool wrong = refused && !smtpc_mechanism_refused(ev->result.code);

	out_auth_end(o);
	buf_clear(&o->offered);
	buf_put(&o->offered, ev->data);
	o->logins += refused;
	if (wrong)
		carrier_secret_wrong(o->carrier, o->rule);
	if (wrong || o->logins >= MECHANISMS_TRIED) {
		snprintf(why, sizeof why, "%u %.*s", ev->result.code,
			STR_ARG(str_head(ev->result.text, 250)));
		give_up(o, why);
		return;
	}
	begin(o);
}

void out_auth_more(struct out *o, struct str challenge)
{
	struct str response;
	struct err err = { 0 };

	if (sasl_client_step(o->sasl, challenge, &response, &err))
		smtpc_auth_respond(o->engine, response);
	else
		smtpc_auth_cancel(o->engine);
}

/* SCRAM: who says yes without knowing the password itself is not the server (RFC 5802 3). */
void out_auth_ok(struct out *o)
{
	if (!sasl_client_through(o->sasl))
		give_up(o, "the server did not prove that it knows the password");
	out_auth_end(o);
}

void out_auth_end(struct out *o)
{
	sasl_client_free(o->sasl);
	o->sasl = NULL;
}

void out_secret_came(struct carrier *c, const struct route_rule *rule)
{
	struct link *l, *next;

	for (l = c->sessions.next; l != &c->sessions; l = next) {
		struct out *o = LIST_OF(l, struct out, link);

		next = l->next;
		if (!o->wants_secret || o->rule != rule)
			continue;
		o->wants_secret = false;
		begin(o);
		out_drive(o);
	}
}
