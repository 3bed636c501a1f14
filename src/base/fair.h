/* fair.h -- a bounded queue that a crowd from one place cannot fill.  Pure.
 *
 * Requests wait by where they come from (their flow), first in, first out.  Flows take turns, and one that was quiet
 * goes before those that are not, as packets do in RFC 8290 4.1.2.  When there is no room, the longest flow loses
 * its newest; when no flow has more than one, the newcomer is turned away. */
#ifndef RESTANTE_BASE_FAIR_H
#define RESTANTE_BASE_FAIR_H

#include "base/list.h"

enum { FAIR_FLOWS = 512 };

struct fair_item {
	struct link link;
	unsigned flow; /* fair_flow() */
};

struct fair {
	struct fair_flow {
		struct link items,
			turn; /* turn: in fresh or old; in none when it waits for nothing */
		size_t count;
		unsigned key;
	} flows[FAIR_FLOWS];
	struct link fresh, old;
	size_t count, max;
};

void fair_init(struct fair *f, size_t max); /* f does not move afterwards */
/* The flow of whoever has this key (a hash of where it comes from): one of its own as long as there are enough, since a
 * neighbour who floods would take its places too.  For one item, right before fair_put(). */
unsigned fair_flow(struct fair *f, unsigned key);
/* NULL: there was room; else who has none now: another, or item itself. */
struct fair_item *fair_put(struct fair *f, struct fair_item *item);
struct fair_item *fair_take(struct fair *f); /* whose turn it is; NULL: nobody waits */
void fair_del(struct fair *f, struct fair_item *item);

#endif
