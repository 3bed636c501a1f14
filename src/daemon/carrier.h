/* carrier.h -- one carrier process: takes jobs of the queue from the store, dials, hands mail on, and
 * tells the store what became of each recipient. */
#ifndef RESTANTE_DAEMON_CARRIER_H
#define RESTANTE_DAEMON_CARRIER_H

#include "daemon/child.h"

struct carrier {
	struct loop *loop;
	struct child_start *start;
	const struct config *config;
	struct ipc *leash, *store;  /* store: NULL between its crash and the next one */
	bool store_lost;            /* no use any more; the parent sends another */
	struct loop_timer orphaned; /* it did not: end, and be started again */
	bool draining;
};

#endif
