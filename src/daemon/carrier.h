/* carrier.h -- one carrier process: takes jobs of the queue from the store, dials, hands mail on, and
 * tells the store what became of each recipient. */
#ifndef RESTANTE_DAEMON_CARRIER_H
#define RESTANTE_DAEMON_CARRIER_H

#include "daemon/carrier_dns.h"
#include "daemon/child.h"
#include "daemon/ipc_job.h"
#include "daemon/web_client.h"
#include "net/cidr.h"
#include "net/dial.h"
#include "net/nexthop.h"
#include "net/resolve.h"
#include "net/tls_client.h"
#include "proto/smtpc.h"

struct carrier_job;

struct carrier {
	struct loop *loop;
	struct child_start *start;
	const struct config *config;
	struct ipc *leash, *store;  /* store: NULL between its crash and the next one */
	bool store_lost;            /* no use any more; the parent sends another */
	struct loop_timer orphaned; /* it did not: end, and be started again */
	struct loop_timer late;     /* told to stop: sessions that still live then are cut */
	bool draining;
	uint32_t ended; /* jobs, of this turn: the store may send as many */
	uint32_t seq;   /* of the last question */

	struct resolver *resolver; /* one of those in dns */
	struct carrier_dns dns;
	struct tls_client *tls;
	struct web_client web;
	struct nexthop_config mx;   /* for what MX records name */
	struct nexthop_config host; /* for what the administrator named */
	struct str own_names[1];
	struct cidr_set own_addresses, never;
	struct smtpc_config smtp;
	struct dial_config dial;

	struct carrier_job **jobs; /* by number; NULL: free */
	uint32_t job_slots, job_count;
	struct link orphans;               /* jobs of a store that is gone */
	struct link sessions;              /* struct out */
	size_t idle_count;                 /* of them without a job */
	struct link secrets;               /* carrier_secret.h */
	struct link lookups, lookups_wait; /* carrier_lookup.h */
	size_t lookups_asked;
	struct link sts; /* carrier_sts.c, so many: */
	size_t sts_count;
};

/* loop and config are set; no I/O yet. */
void carrier_init(struct carrier *c);
void carrier_new_store(struct carrier *c, int fd);
/* A packet of the parent; owner: the carrier. */
void carrier_from_parent(void *owner, struct ipc_packet *p);
/* A question for the job with this number; its seq.  0: there is no store now. */
uint32_t carrier_ask(struct carrier *c, uint32_t number, enum ipc_queue type, struct str fields);
/* The job is over and freed, or an orphan now: another may come. */
void carrier_job_ended(struct carrier *c, uint32_t number);

#endif
