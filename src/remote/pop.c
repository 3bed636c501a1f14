#include "remote/pop.h"

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/codec.h"

enum { WINDOW = 32 };

static bool allowed(const struct pop *p, struct str name)
{
	struct str rest = p->want.mechanisms;

	if (str_eq(rest, STR("auto")))
		return true;
	while (rest.n > 0)
		if (str_ieq(str_cut(&rest, ' '), name))
			return true;
	return false;
}

/* Those of the server that are allowed here. */
static void offered(const struct pop *p, struct buf *out)
{
	struct str rest = pop3c_server(p->engine)->mechanisms;

	while (rest.n > 0) {
		struct str name = str_cut(&rest, ' ');

		if (name.n == 0 || !allowed(p, name))
			continue;
		buf_put(out, name);
		buf_putc(out, ' ');
	}
}

static bool explicitly(const struct pop *p, struct str name)
{
	return !str_eq(p->want.mechanisms, STR("auto")) && allowed(p, name);
}

/* RFC 1939 7: MD5 of the timestamp and the password.  Only when it is asked for by name: a server that takes it
 * has the password. */
static bool try_apop(struct pop *p)
{
	struct buf text = { .secret = true }, digest = { 0 };
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct str timestamp = pop3c_server(p->engine)->timestamp;
	bool sent = false;

	if (p->apop_tried || timestamp.n == 0 || p->want.token || p->want.secret.n == 0 ||
		!explicitly(p, STR("APOP")))
		return false;
	p->apop_tried = true;
	buf_put(&text, timestamp);
	buf_put(&text, p->want.secret);
	if (EVP_Digest(buf_str(&text).p, text.len, hash, NULL, EVP_md5(), NULL) == 1) {
		hex_put(&digest, str_of(hash, 16));
		sent = pop3c_apop(p->engine, p->want.user, buf_str(&digest));
	}
	buf_wipe(&text);
	buf_deinit(&digest);
	return sent;
}

static bool try_sasl(struct pop *p)
{
	unsigned char exporter[32];
	const struct pop3c_server *server = pop3c_server(p->engine);
	bool bound = server->tls_active && conn_channel_binding(&p->server.conn, exporter);
	struct buf mechanisms = { 0 };
	struct sasl_client_facts facts = {
		.user = p->want.user,
		.password = p->want.token ? STR("") : p->want.secret,
		.token = p->want.token ? p->want.secret : STR(""),
		.tried = buf_str(&p->tried),
		.host = p->want.server.host,
		.port = p->want.server.port,
		.exporter = bound ? str_of(exporter, sizeof exporter) : STR(""),
		.tls = server->tls_active,
		.external = p->want.server.own.cert.n > 0,
		.cleartext = p->want.allow_cleartext,
		.cram_md5 = explicitly(p, STR("CRAM-MD5")),
	};
	struct str initial;

	offered(p, &mechanisms);
	facts.offered = buf_str(&mechanisms);
	sasl_client_free(p->sasl);
	p->sasl = sasl_client_new(&facts, NULL);
	buf_deinit(&mechanisms);
	if (p->sasl == NULL)
		return false;
	buf_put(&p->tried, sasl_client_mechanism(p->sasl));
	buf_putc(&p->tried, ' ');
	/* XOAUTH2 in two steps: Microsoft's server takes no initial response (RFC 5034 4 lets one leave it out). */
	if (!str_eq(sasl_client_mechanism(p->sasl), STR("XOAUTH2")) &&
		sasl_client_initial(p->sasl, &initial))
		pop3c_auth(p->engine, sasl_client_mechanism(p->sasl), initial, true);
	else
		pop3c_auth(p->engine, sasl_client_mechanism(p->sasl), STR(""), false);
	return true;
}

static bool try_user(struct pop *p)
{
	const struct pop3c_server *server = pop3c_server(p->engine);

	if (p->user_tried || p->want.token || p->want.secret.n == 0 || !allowed(p, STR("USER")) ||
		(server->known && (server->offers & POP3C_C_USER) == 0 && server->mechanisms.n > 0))
		return false;
	p->user_tried = true;
	return pop3c_user(p->engine, p->want.user, p->want.secret);
}

/* Another way after a refusal only when the refusal may be about the way: a wrong password stays wrong, and each try
 * counts against the account. */
static void log_in(struct pop *p, const struct pop3c_result *result)
{
	bool refused = result->outcome == POP3C_REFUSED;
	bool safe = pop3c_server(p->engine)->tls_active || p->want.allow_cleartext;

	if (!safe)
		err_set(&p->why, ST_PERM, "the connection is not encrypted: no password was sent");
	else if (refused && (result->code == POP3C_IN_USE || result->code == POP3C_LOGIN_DELAY ||
				    result->code == POP3C_SYS_TEMP))
		err_set(&p->why, ST_TEMP, "the server refuses the login for now: %.*s",
			STR_ARG(str_head(result->text, 150)));
	else if (refused && result->code == POP3C_AUTH)
		err_set(&p->why, ST_PERM, "the server refuses user or password: %.*s",
			STR_ARG(str_head(result->text, 150)));
	else if (try_apop(p) || try_sasl(p) || try_user(p))
		return;
	else if (refused)
		err_set(&p->why, ST_PERM, "the server refuses the login: %.*s",
			STR_ARG(str_head(result->text, 150)));
	else
		err_set(&p->why, ST_PERM,
			"the server offers no way to log in that is allowed here");
	pop3c_quit(p->engine);
}

static void answer_challenge(struct pop *p, struct str challenge)
{
	struct str response;
	struct err why = { ST_OK, "" };

	if (sasl_client_step(p->sasl, challenge, &response, &why)) {
		pop3c_auth_respond(p->engine, response);
		return;
	}
	err_set(&p->why, ST_PERM, "%s", why.text);
	pop3c_auth_cancel(p->engine);
}

static void closed(struct pop *p, const struct pop3c_result *result)
{
	enum status status = result->why == POP3C_WHY_NO_TLS     ? ST_PROTO
			     : result->why == POP3C_WHY_INJECTED ? ST_PERM
								 : ST_TEMP;
	bool said = result->why == POP3C_WHY_REPLY;

	p->over = true;
	p->pipelined = result->pipelined && result->outcome != POP3C_OK;
	if (result->outcome != POP3C_OK)
		err_set(&p->why, status, "%s%.*s", said ? "the server said: " : "",
			STR_ARG(str_head(result->text, 150)));
}

/* True: the event is the caller's. */
static bool serve(struct pop *p, struct pop3c_event *ev)
{
	switch (ev->type) {
	case POP3C_EV_STLS:
		while (pop3c_out(p->engine)->len > 0 &&
			server_turn(&p->server, pop3c_in(p->engine), pop3c_out(p->engine), false,
				pop3c_deadline(p->engine)) == SERVER_MOVED)
			continue;
		if (server_start_tls(&p->server, &p->why) == ST_OK)
			pop3c_tls_started(p->engine, clock_mono_ms());
		else
			pop3c_closed(p->engine);
		return false;
	case POP3C_ASK_LOGIN:
		if (p->want.user.n == 0)
			return p->logged_in = true;
		log_in(p, &ev->result);
		return false;
	case POP3C_ASK_AUTH_MORE: answer_challenge(p, ev->data); return false;
	case POP3C_EV_LOGGED_IN:
		/* RFC 5802 5: a server that did not prove that it knows the keys may be anybody. */
		p->logged_in = p->user_tried || p->apop_tried || p->sasl == NULL ||
			       sasl_client_through(p->sasl);
		if (!p->logged_in) {
			err_set(&p->why, ST_PERM, "the server did not prove who it is");
			pop3c_quit(p->engine);
		}
		return p->logged_in;
	case POP3C_EV_ROW:
	case POP3C_EV_BODY: return true;
	case POP3C_EV_DONE: return ev->result.outcome != POP3C_BROKEN; /* EV_CLOSE follows */
	case POP3C_EV_CLOSE:
		closed(p, &ev->result);
		server_turn(&p->server, pop3c_in(p->engine), pop3c_out(p->engine), false,
			clock_mono_ms() + 1000);
		return true;
	}
	return false;
}

bool pop_next(struct pop *p, struct pop3c_event *ev)
{
	while (!p->over) {
		int64_t now = clock_mono_ms();

		if (pop3c_next(p->engine, now, ev)) {
			if (serve(p, ev))
				return !p->over;
			continue;
		}
		switch (server_turn(&p->server, pop3c_in(p->engine), pop3c_out(p->engine),
			pop3c_wants_input(p->engine), pop3c_deadline(p->engine))) {
		case SERVER_MOVED:
			if (pop_interrupted(p) && !p->logged_in)
				pop3c_closed(p->engine);
			break;
		case SERVER_LATE: pop3c_timeout(p->engine); break;
		case SERVER_CLOSED: pop3c_closed(p->engine); break;
		}
	}
	return false;
}

enum status pop_open(struct pop *p, const struct pop_want *want, struct err *err)
{
	struct pop3c_peer peer = {
		.tls_active = want->server.tls == SERVER_TLS_IMPLICIT,
		.stls = want->server.tls == SERVER_TLS_STARTTLS ? POP3C_TLS_MUST : POP3C_TLS_NEVER,
		.ignore = want->ignore | (want->pipelining ? 0 : POP3C_C_PIPELINING),
	};
	struct pop3c_event ev;
	enum status status;

	*p = (struct pop){ .want = *want };
	p->config = (struct pop3c_config){ .greeting_timeout_ms = want->server.timeout_ms,
		.command_timeout_ms = want->server.timeout_ms,
		.rows_max = POP_ROWS_MAX,
		.window = WINDOW };
	status = server_connect(&p->server, &want->server, err);
	if (status != ST_OK)
		return status;
	p->engine = pop3c_new(&p->config, &peer, clock_mono_ms());
	while (pop_next(p, &ev)) /* also the answer to a QUIT after a refusal */
		if (p->logged_in)
			return ST_OK;
	if (pop_interrupted(p))
		err_set(&p->why, ST_TEMP, "interrupted");
	err_set(&p->why, ST_TEMP, "the session ended before the login");
	return err_set(err, p->why.code, "%s", p->why.text);
}

void pop_close(struct pop *p)
{
	pop3c_free(p->engine);
	sasl_client_free(p->sasl);
	buf_deinit(&p->tried);
	server_close(&p->server);
	p->engine = NULL;
	p->sasl = NULL;
}
