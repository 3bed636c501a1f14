/* carrier_sts.h -- the MTA-STS policies a carrier knows (RFC 8461): asks DNS whether a domain has one, has
 * it fetched, keeps it.  Bounded; the least used go first. */
#ifndef RESTANTE_DAEMON_CARRIER_STS_H
#define RESTANTE_DAEMON_CARRIER_STS_H

#include "base/list.h"
#include "daemon/carrier.h"
#include "trust/mtasts.h"

/* Embedded in whoever waits; zeroed it is idle. */
struct sts_wait {
	struct link link;
	const struct mtasts_policy
		*policy; /* the result, until the next turn; NULL: none in force */
	void (*done)(struct sts_wait *w);
};

/* done() comes later, once. */
void sts_look(struct carrier *c, struct sts_wait *w, struct str domain);
void sts_cancel(struct sts_wait *w); /* idempotent */
/* The answer of the web process; body "": there is no policy to be had. */
void sts_fetched(struct carrier *c, struct str domain, struct str body);

#endif
