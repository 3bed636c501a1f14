#include "remote/smtp.h"

#include "base/clock.h"

static bool allowed(const struct smtp *s, struct str name)
{
	struct str rest = s->want.mechanisms;

	if (rest.n == 0 || str_eq(rest, STR("auto")))
		return true;
	while (rest.n > 0)
		if (str_ieq(str_cut(&rest, ' '), name))
			return true;
	return false;
}

static void keep_allowed(struct smtp *s, struct str offered)
{
	buf_clear(&s->offered);
	while (offered.n > 0) {
		struct str name = str_cut(&offered, ' ');

		if (name.n == 0 || !allowed(s, name))
			continue;
		buf_put(&s->offered, name);
		buf_putc(&s->offered, ' ');
	}
}

static void give_up(struct smtp *s, enum status status, const char *why, struct str said)
{
	err_set(&s->why, status, "%s%s%.*s", why, said.n > 0 ? ": " : "",
		STR_ARG(str_head(said, 150)));
	smtpc_quit(s->engine);
}

static bool choose(struct smtp *s, struct err *err)
{
	unsigned char exporter[32];
	const struct smtpc_server *server = smtpc_server(s->engine);
	bool bound = server->tls_active && conn_channel_binding(&s->server.conn, exporter);
	struct sasl_client_facts facts = {
		.offered = buf_str(&s->offered),
		.tried = buf_str(&s->tried),
		.user = s->want.user,
		.password = s->want.token ? STR("") : s->want.secret,
		.token = s->want.token ? s->want.secret : STR(""),
		.host = s->want.server.host,
		.port = s->want.server.port,
		.exporter = bound ? str_of(exporter, sizeof exporter) : STR(""),
		.tls = server->tls_active,
		.external = s->want.server.own.cert.n > 0,
		.cleartext = s->want.allow_cleartext,
		.cram_md5 = !str_eq(s->want.mechanisms, STR("auto")),
	};

	sasl_client_free(s->sasl);
	s->sasl = sasl_client_new(&facts, err);
	return s->sasl != NULL;
}

/* RFC 4954 6: 454 and other 4yz may be over later.  535 is about the credentials: they are as wrong by any other
 * mechanism, and each try counts against the account. */
static void log_in(struct smtp *s, const struct smtpc_event *ev)
{
	struct err err = { ST_OK, "" };
	struct str initial;
	bool has_initial, refused = ev->result.code != 0;

	keep_allowed(s, ev->data);
	if (!smtpc_server(s->engine)->tls_active && !s->want.allow_cleartext) {
		give_up(s, ST_PERM, "the connection is not encrypted: no password was sent",
			STR(""));
		return;
	}
	if ((refused && !smtpc_mechanism_refused(ev->result.code)) || !choose(s, &err)) {
		if (refused && ev->result.code < 500)
			give_up(s, ST_TEMP, "the server refuses the login for now",
				ev->result.text);
		else if (refused)
			give_up(s, ST_PERM, "the server refuses user or password", ev->result.text);
		else
			give_up(s, ST_PERM, err.text, STR(""));
		return;
	}
	buf_put(&s->tried, sasl_client_mechanism(s->sasl));
	buf_putc(&s->tried, ' ');
	has_initial = sasl_client_initial(s->sasl, &initial);
	smtpc_auth(s->engine, sasl_client_mechanism(s->sasl), has_initial ? initial : STR(""),
		has_initial);
}

static void answer_challenge(struct smtp *s, struct str challenge)
{
	struct str response;
	struct err why = { ST_OK, "" };

	if (sasl_client_step(s->sasl, challenge, &response, &why)) {
		smtpc_auth_respond(s->engine, response);
		return;
	}
	err_set(&s->why, ST_PERM, "%s", why.text);
	smtpc_auth_cancel(s->engine);
}

static void start_tls(struct smtp *s)
{
	while (smtpc_out(s->engine)->len > 0 &&
		server_turn(&s->server, smtpc_in(s->engine), smtpc_out(s->engine), false,
			clock_mono_ms() + s->want.server.timeout_ms) == SERVER_MOVED)
		continue;
	if (server_start_tls(&s->server, &s->why) == ST_OK)
		smtpc_tls_started(s->engine, clock_mono_ms());
	else
		smtpc_closed(s->engine);
}

static void closed(struct smtp *s, const struct smtpc_result *r)
{
	enum status status = r->why == SMTPC_WHY_NO_TLS     ? ST_PROTO
			     : r->why == SMTPC_WHY_INJECTED ? ST_PERM
							    : ST_TEMP;
	struct str at = smtpc_stage_name(r->at);

	s->over = true;
	if (r->outcome != SMTPC_NOTHING)
		err_set(&s->why, status, "at %.*s: %u %.*s", STR_ARG(at), r->code,
			STR_ARG(str_head(r->text, 150)));
	server_turn(&s->server, smtpc_in(s->engine), smtpc_out(s->engine), false,
		clock_mono_ms() + 1000);
}

/* True: the event is the caller's. */
static bool serve(struct smtp *s, struct smtpc_event *ev)
{
	switch (ev->type) {
	case SMTPC_EV_STARTTLS: start_tls(s); return false;
	case SMTPC_ASK_AUTH: log_in(s, ev); return false;
	case SMTPC_ASK_AUTH_MORE: answer_challenge(s, ev->data); return false;
	case SMTPC_EV_AUTH_OK:
		/* RFC 5802 5: a server that did not prove that it knows the keys may be anybody. */
		if (!sasl_client_through(s->sasl))
			give_up(s, ST_PERM, "the server did not prove who it is", STR(""));
		return false;
	case SMTPC_EV_READY: s->ready = true; return true;
	case SMTPC_ASK_BODY:
	case SMTPC_EV_RCPT:
	case SMTPC_EV_DONE: return true;
	case SMTPC_EV_CLOSE: closed(s, &ev->result); return false;
	}
	return false;
}

bool smtp_next(struct smtp *s, struct smtpc_event *ev)
{
	while (!s->over) {
		int64_t now = clock_mono_ms();

		if (smtpc_next(s->engine, now, ev)) {
			if (serve(s, ev))
				return true;
			continue;
		}
		switch (server_turn(&s->server, smtpc_in(s->engine), smtpc_out(s->engine),
			smtpc_wants_input(s->engine), smtpc_deadline(s->engine))) {
		case SERVER_MOVED:
			if (server_interrupted(&s->server) && !s->ready)
				smtpc_closed(s->engine);
			break;
		case SERVER_LATE: smtpc_timeout(s->engine); break;
		case SERVER_CLOSED: smtpc_closed(s->engine); break;
		}
	}
	return false;
}

enum status smtp_open(struct smtp *s, const struct smtp_want *want, struct err *err)
{
	int64_t step = want->server.timeout_ms;
	struct smtpc_peer peer = {
		.lmtp = want->lmtp,
		.hostname = want->hostname,
		.tls_active = want->server.tls == SERVER_TLS_IMPLICIT,
		.starttls =
			want->server.tls == SERVER_TLS_STARTTLS ? SMTPC_TLS_MUST : SMTPC_TLS_NEVER,
		.authenticate = want->user.n > 0,
	};
	struct smtpc_event ev;
	enum status status;

	*s = (struct smtp){ .want = *want };
	s->config = (struct smtpc_config){ .greeting_timeout_ms = step,
		.command_timeout_ms = step,
		.data_timeout_ms = step,
		.block_timeout_ms = step,
		/* RFC 5321 4.5.3.2.6: who hangs up too early sends twice. */
		.end_timeout_ms = step > 600000 ? step : 600000,
		.quit_timeout_ms = 5000 };
	status = server_connect(&s->server, &want->server, err);
	if (status != ST_OK)
		return status;
	s->engine = smtpc_new(&s->config, &peer, clock_mono_ms());
	while (smtp_next(s, &ev))
		if (s->ready && s->why.code == ST_OK)
			return ST_OK;
	err_set(&s->why, ST_TEMP, "the session ended before the login");
	return err_set(err, s->why.code, "%s", s->why.text);
}

void smtp_close(struct smtp *s)
{
	smtpc_free(s->engine);
	sasl_client_free(s->sasl);
	buf_deinit(&s->tried);
	buf_deinit(&s->offered);
	server_close(&s->server);
	s->engine = NULL;
	s->sasl = NULL;
}
