/* carrier_secret.h -- what a carrier logs in with: the password of a route's section, or what its
 * password_command prints, which the parent runs and which is kept for some minutes. */
#ifndef RESTANTE_DAEMON_CARRIER_SECRET_H
#define RESTANTE_DAEMON_CARRIER_SECRET_H

#include "daemon/carrier.h"

struct carrier_secret {
	struct link link;
	const struct route_rule *rule;
	struct buf text;  /* empty: the command gave none */
	int64_t until_ms; /* 0: the parent was asked */
};

/* True: it is here, "" when there is none.  False: out_secret_came() will be called. */
bool carrier_secret(struct carrier *c, const struct route_rule *rule, struct str *secret);
/* The parent's answer. */
void carrier_secret_came(struct carrier *c, struct reader *r);
/* The server did not like it: the command is asked again next time. */
void carrier_secret_wrong(struct carrier *c, const struct route_rule *rule);

#endif
