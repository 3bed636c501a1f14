/* smtp.h -- an SMTP session with a provider, for tools: connects, demands TLS, logs in, then hands out the events of
 * the engine one by one.  Blocking. */
#ifndef RESTANTE_REMOTE_SMTP_H
#define RESTANTE_REMOTE_SMTP_H

#include "account/sasl_client.h"
#include "proto/smtpc.h"
#include "remote/server.h"

struct smtp_want {
	struct server_want server;
	struct str hostname;     /* what EHLO says */
	struct str user, secret; /* borrowed until smtp_close(); user "": no login */
	bool lmtp;
	bool token;            /* the secret is an OAuth access token */
	struct str mechanisms; /* "auto", or those that are allowed */
	bool allow_cleartext;  /* a login without TLS */
};

struct smtp {
	struct server server;
	struct smtp_want want;
	struct smtpc_config config;
	struct smtpc *engine;
	struct sasl_client *sasl;
	struct buf tried, offered; /* mechanisms, separated by blanks */
	bool ready, over;
	struct err why; /* the first thing that went wrong */
};

/* ST_OK: logged in, ready for smtpc_send().  ST_TEMP: try again later; ST_PERM: login, certificate or TLS refused.
 * smtp_close() in any case. */
enum status smtp_open(struct smtp *s, const struct smtp_want *want, struct err *err);
/* The next ASK_BODY, RCPT, DONE or READY; false: the session is over. */
bool smtp_next(struct smtp *s, struct smtpc_event *ev);
void smtp_close(struct smtp *s);

#endif
