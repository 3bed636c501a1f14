/* pop.h -- a POP3 session with a provider, for tools: connects, demands TLS, logs in, then hands out the events of
 * the engine one by one.  Blocking. */
#ifndef RESTANTE_REMOTE_POP_H
#define RESTANTE_REMOTE_POP_H

#include "account/sasl_client.h"
#include "proto/pop3c.h"
#include "remote/server.h"

enum { POP_ROWS_MAX = 2 * 1000 * 1000 }; /* of one listing */

struct pop_want {
	struct server_want server;
	struct str user,
		secret; /* borrowed until pop_close(); user "": as far as the login, not further */
	bool token;     /* the secret is an OAuth access token */
	struct str mechanisms; /* "auto", or those that are allowed, also USER and APOP */
	bool allow_cleartext;  /* a login without TLS */
	bool pipelining;
	unsigned ignore; /* enum pop3c_capability */
};

struct pop {
	struct server server;
	struct pop_want want;
	struct pop3c_config config;
	struct pop3c *engine;
	struct sasl_client *sasl;
	struct buf tried; /* mechanisms that were refused, separated by blanks */
	bool apop_tried, user_tried, logged_in, over;
	bool pipelined; /* it broke with several requests in flight */
	struct err why; /* the first thing that went wrong */
};

/* ST_OK: logged in.  ST_TEMP: try again later (also [LOGIN-DELAY], [IN-USE]).  ST_PERM: refused: the login or the
 * certificate.  ST_PROTO: no TLS.  pop_close() in any case. */
enum status pop_open(struct pop *p, const struct pop_want *want, struct err *err);

/* The next ROW, BODY or DONE; false: the session is over, p->why says why when that was not asked for, and what was
 * asked and has no DONE will have none. */
bool pop_next(struct pop *p, struct pop3c_event *ev);

static inline bool pop_interrupted(const struct pop *p)
{
	return server_interrupted(&p->server);
}

void pop_close(struct pop *p);

#endif
