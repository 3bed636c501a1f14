/* relief.h -- an edge takes connections only while the one before it has much to do.
 *
 * Were all edges to wait at the listening sockets, each connection would wake each of them, and mail that
 * comes to several shares no packet to the store.  "Before" is the next lower seat whose edge accepts or
 * rests as we do (shared.h); the first one never rests.  Ten times a second each edge says what share of a
 * processor it used, and one that rests takes whoever waits: so nobody waits for long when the edge before
 * is stuck, and none is asked to wake another.  While there is next to nothing to do nobody rests and
 * nobody looks: who is woken, in vain too, begins to. */
#ifndef RESTANTE_DAEMON_RELIEF_H
#define RESTANTE_DAEMON_RELIEF_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/shared.h"
#include "net/loop.h"

struct edge;

struct relief {
	struct loop_timer look;
	bool ticking, resting, ended;
	bool waited; /* somebody waited for an edge that rests, at the last look */
	int64_t at_ms, cpu_us;
};

/* Whether to rest from now on; waited_twice: somebody waited for us at the last two looks. */
bool relief_rests(bool resting, struct relief_loads loads, bool waited_twice);

void relief_begin(struct edge *e); /* the listeners are there */
void relief_woken(struct edge *e); /* by somebody who connected, whoever took him */
void relief_end(struct edge *e);   /* it accepts no more */

#endif
