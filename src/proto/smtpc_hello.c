/* From the greeting to a session that takes mail: EHLO, STARTTLS (RFC 5321 3.1, 3.2, 3207). */
#include "proto/smtpc_int.h"

void smtpc_hello(struct smtpc *c)
{
	bool tls = c->server.tls_active;

	c->server = (struct smtpc_server){ .tls_active = tls };
	buf_clear(&c->mechanisms);
	c->state = C_EHLO;
	smtpc_put(c, c->peer.lmtp ? STR("LHLO ") : STR("EHLO "));
	smtpc_put(c, c->peer.hostname);
	smtpc_put(c, STR("\r\n"));
}

static void helo(struct smtpc *c)
{
	c->state = C_HELO;
	smtpc_put(c, STR("HELO "));
	smtpc_put(c, c->peer.hostname);
	smtpc_put(c, STR("\r\n"));
}

/* "RCPTMAX=100 MAILMAX=5" (RFC 9422 3); what is no number is not told. */
static void take_limits(struct smtpc *c, struct str args)
{
	while (args.n > 0) {
		struct str value = str_cut(&args, ' '), name = str_cut(&value, '=');
		uint64_t n;

		if (!str_u64(value, &n))
			continue;
		if (str_ieq(name, STR("RCPTMAX")))
			c->server.rcpt_max = n;
		else if (str_ieq(name, STR("MAILMAX")))
			c->server.mail_max = n;
	}
}

static void take_mechanisms(struct smtpc *c, struct str args)
{
	if (c->mechanisms.len + 1 + args.n > SMTPC_MECHANISMS_MAX)
		return;
	if (c->mechanisms.len > 0)
		buf_putc(&c->mechanisms, ' ');
	buf_put(&c->mechanisms, args);
}

/* ehlo-line = ehlo-keyword *( SP ehlo-param ); "AUTH=" is how servers once said it. */
void smtpc_ehlo_line(struct smtpc *c)
{
	static const struct {
		struct str keyword;
		enum smtpc_extension bit;
	} rows[] = {
		{ STR_INIT("PIPELINING"), SMTPC_X_PIPELINING },
		{ STR_INIT("SIZE"), SMTPC_X_SIZE },
		{ STR_INIT("8BITMIME"), SMTPC_X_8BITMIME },
		{ STR_INIT("SMTPUTF8"), SMTPC_X_SMTPUTF8 },
		{ STR_INIT("CHUNKING"), SMTPC_X_CHUNKING },
		{ STR_INIT("STARTTLS"), SMTPC_X_STARTTLS },
		{ STR_INIT("AUTH"), SMTPC_X_AUTH },
		{ STR_INIT("DSN"), SMTPC_X_DSN },
		{ STR_INIT("LIMITS"), SMTPC_X_LIMITS },
		{ STR_INIT("ENHANCEDSTATUSCODES"), SMTPC_X_ENHANCEDSTATUSCODES },
		{ STR_INIT("REQUIRETLS"), SMTPC_X_REQUIRETLS },
	};
	struct str args = c->reply.line, keyword;
	unsigned bit = 0;

	if (c->reply.lines == 1 || c->reply.code / 100 != 2)
		return;
	keyword = str_cut(&args, str_istarts(args, STR("AUTH=")) ? '=' : ' ');
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (str_ieq(keyword, rows[i].keyword))
			bit = rows[i].bit;
	bit &= ~c->peer.ignore;
	c->server.offers |= bit;
	if (bit == SMTPC_X_SIZE && !str_u64(args, &c->server.size_max))
		c->server.size_max = 0;
	if (bit == SMTPC_X_LIMITS)
		take_limits(c, args);
	if (bit == SMTPC_X_AUTH)
		take_mechanisms(c, args);
}

/* EHLO is through and TLS is as it will be. */
static void begin(struct smtpc *c)
{
	if (c->peer.authenticate)
		smtpc_auth_begin(c);
	else
		smtpc_ready(c);
}

static void after_ehlo(struct smtpc *c)
{
	bool offered = (c->server.offers & SMTPC_X_STARTTLS) != 0;

	if (c->server.tls_active || c->peer.starttls == SMTPC_TLS_NEVER) {
		begin(c);
	} else if (offered) {
		c->state = C_STARTTLS;
		smtpc_put(c, STR("STARTTLS\r\n"));
	} else if (c->peer.starttls == SMTPC_TLS_MUST) {
		c->result = smtpc_own_result(c, SMTPC_WHY_NO_TLS);
		smtpc_leave(c);
	} else {
		begin(c);
	}
}

static void refused(struct smtpc *c)
{
	smtpc_result_reply(c);
	smtpc_leave(c);
}

static void starttls_reply(struct smtpc *c)
{
#ifdef MUTANT_KEEP_INPUT
	bool injected = false;
#else
	bool injected = c->in.len > 0;
#endif

	if (c->reply.code / 100 == 2 && injected) {
		/* Octets behind the 220 came from nobody whom TLS vouches for; acted on after the
		 * handshake they would be answers of the server (CVE-2021-38371 and others). */
		smtpc_break(c, SMTPC_WHY_INJECTED);
	} else if (c->reply.code / 100 == 2) {
		c->state = C_TLS;
		c->owed |= OWED_STARTTLS;
	} else if (c->peer.starttls == SMTPC_TLS_MUST) {
		smtpc_result_reply(c);
		/* RFC 3207 4: what STARTTLS cannot do today it may do tomorrow; the mail has to wait. */
		c->result.outcome = SMTPC_DEFERRED;
		if (c->result.status.p[0] != '4')
			c->result.status = STR("4.7.0");
		smtpc_leave(c);
	} else {
		begin(c);
	}
}

void smtpc_hello_reply(struct smtpc *c)
{
	unsigned class = c->reply.code / 100;

	if (class == 3) {
		smtpc_break(c, SMTPC_WHY_GARBAGE);
	} else if (c->state == C_STARTTLS) {
		starttls_reply(c);
	} else if (c->state == C_EHLO && class == 5 && !c->peer.lmtp && !c->server.tls_active) {
		helo(c); /* RFC 5321 3.2 */
	} else if (class != 2) {
		refused(c);
	} else if (c->state == C_GREETING) {
		smtpc_hello(c);
	} else {
		after_ehlo(c);
	}
}

/* RFC 3207 4.2: all knowledge obtained before TLS is forgotten. */
void smtpc_tls_started(struct smtpc *c, int64_t now_ms)
{
	if (c->state != C_TLS)
		return;
	c->now_ms = now_ms;
#ifndef MUTANT_KEEP_INPUT
	buf_clear(&c->in);
#endif
	c->reply.searched = 0;
	c->server.tls_active = true;
	smtpc_hello(c);
}
