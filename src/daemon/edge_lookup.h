/* edge_lookup.h -- DNS for an edge, which cannot dial: a carrier asks for it (ipc_lookup.h). */
#ifndef RESTANTE_DAEMON_EDGE_LOOKUP_H
#define RESTANTE_DAEMON_EDGE_LOOKUP_H

#include "base/dns.h"
#include "daemon/ipc.h"

struct edge;

struct edge_lookup {    /* zeroed: idle */
	uint32_t place; /* 1 and on; 0: idle */
	/* a is gone after it; q is idle and may be started again or freed.  Comes from the loop, never from
	 * inside of edge_lookup_start(). */
	void (*done)(struct edge_lookup *q, const struct dns_answer *a);
};

struct edge_lookups {
	struct edge_lookup_place *places;
	uint32_t count;
};

/* name: as base/dns.h writes them.  False: there is no store now, or too much is being asked. */
bool edge_lookup_start(struct edge *e, struct edge_lookup *q, struct str name, enum dns_type type,
	void (*done)(struct edge_lookup *q, const struct dns_answer *a));
void edge_lookup_cancel(
	struct edge *e, struct edge_lookup *q); /* idempotent; done() will not come */

/* A packet of the store. */
void edge_lookup_answered(struct edge *e, struct ipc_packet *p);
/* Those who were asked are gone: each gets DNS_FAILED. */
void edge_lookups_lost(struct edge *e);

#endif
