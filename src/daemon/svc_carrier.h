/* svc_carrier.h -- the store's side of the wall towards carriers: a channel of its own kind.
 *
 * A carrier takes jobs, reads the messages of its jobs, and tells results; no packet of an edge's
 * session is taken from it, and none of these from an edge.  It parses what strange servers
 * say, so it is trusted no more than an edge: a packet that no honest carrier sends ends the
 * channel, its jobs come back to the queue, and the parent starts another. */
#ifndef RESTANTE_DAEMON_SVC_CARRIER_H
#define RESTANTE_DAEMON_SVC_CARRIER_H

#include "daemon/svc.h"

struct svc_carrier {
	struct link link;
	struct svc *svc;
	struct ipc *ipc;
	uint32_t pid;          /* its other end's */
	bool dead;             /* the channel is over; freed at the end of the turn */
	uint32_t credit;       /* jobs that it takes yet */
	struct svc_job **jobs; /* by number; NULL: none */
	size_t slots;
	struct link seals; /* being signed for it */
};

void svc_add_carrier(struct svc *s, int fd, uint32_t pid); /* as svc_add_edge() */
void svc_reap_carriers(struct svc *s);
void svc_close_carriers(struct svc *s);

#endif
