/* carrier_find.h -- asks the resolver all that one question about a next hop leads to.
 *
 * find_start() for a domain or a host; done() comes once, later, with nexthop_result() not ST_MORE. */
#ifndef RESTANTE_DAEMON_CARRIER_FIND_H
#define RESTANTE_DAEMON_CARRIER_FIND_H

#include "net/nexthop.h"
#include "net/resolve.h"

struct find {
	struct resolver *resolver;
	struct nexthop *hops; /* NULL: never started */
	struct link open;     /* questions without an answer */
	struct loop_timer later;
	void (*done)(struct find *f);
};

struct find_where {
	enum nexthop_kind kind;
	struct str name;
	uint16_t port;
};

/* config must live as long as f.  Zeroed, f is idle. */
void find_start(struct find *f, struct loop *l, struct resolver *r,
	const struct nexthop_config *config, const struct find_where *where);
/* Also frees what was found; idempotent; done() will not come. */
void find_end(struct find *f);

#endif
