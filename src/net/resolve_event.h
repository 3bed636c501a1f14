/* resolve_event.h -- lets libunbound wait in our loop.  For resolve.c.
 *
 * What unbound-event.h calls a pluggable event base: no thread, no process, no pipe; the library's
 * timers and sockets are watchers of the loop. */
#ifndef RESTANTE_NET_RESOLVE_EVENT_H
#define RESTANTE_NET_RESOLVE_EVENT_H

#include <unbound-event.h>

#include "net/loop.h"

struct resolve_events {
	struct ub_event_base base; /* what the library gets */
	struct loop *loop;
};

/* e must live until ub_ctx_delete(). */
void resolve_events_init(struct resolve_events *e, struct loop *l);

#endif
