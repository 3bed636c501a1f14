/* carrier_sts.h -- the MTA-STS policies a carrier knows (RFC 8461): what the web process has kept, what DNS says of
 * it, and what is fetched then.  Bounded; the least used go first. */
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

#endif
