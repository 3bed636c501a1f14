/* carrier_plan.h -- under which demands on TLS mail goes to one host: the configured level, DANE
 * (RFC 7672), MTA-STS (RFC 8461), REQUIRETLS (RFC 8689).
 *
 * Levels the administrator set count alone; DANE and MTA-STS speak where the level is `may` or `encrypt`, and
 * where both do, DANE is heeded (RFC 8461 2).  "TLS-Required: No" (RFC 8689 3) silences both, never a level. */
#ifndef RESTANTE_DAEMON_CARRIER_PLAN_H
#define RESTANTE_DAEMON_CARRIER_PLAN_H

#include "net/nexthop.h"
#include "net/resolve.h"
#include "net/tls_client.h"
#include "proto/smtpc.h"
#include "queue/route.h"
#include "trust/mtasts.h"

struct plan_facts {
	enum route_tls level;
	bool is_mx;     /* the host came out of MX records, it was not named by the administrator */
	bool mx_secure; /* and they were validated */
	bool requiretls;
	bool tls_optional; /* "TLS-Required: No": what the domain publishes binds nobody */
	const struct mtasts_policy *sts; /* in force; NULL: none */
	const struct nexthop_host *host;
	uint16_t port;
	struct str domain; /* of the recipients, or the name that was configured */
};

/* Embedded in its owner; zeroed it is idle.  done() comes once, later. */
struct plan {
	/* The result: */
	bool usable; /* false: this host is not used now, status and why say it */
	enum smtpc_starttls starttls;
	bool implicit;
	bool may_fall_back; /* a broken handshake may be followed by a try without TLS */
	struct tls_want want;
	const char *status; /* RFC 3463 */
	char why[160];
	/* Its own: */
	struct plan_facts facts;
	struct str names[2];
	char peer
		[280]; /* want.peer: a ticket is for the name, whichever of its addresses takes it */
	struct buf octets; /* what want.tlsa points into */
	struct dns_row rows[20];
	bool asked_name; /* the name before the CNAMEs was asked too */
	struct resolver *resolver;
	struct dns_query query;
	struct loop_timer later;
	void (*done)(struct plan *p);
};

/* What facts points at must stay until plan_end(). */
void plan_start(struct plan *p, struct loop *l, struct resolver *r, const struct plan_facts *facts);
void plan_end(struct plan *p); /* idempotent */

/* The level that was reached, for the result: "dane", "verified", "encrypted", "clear". */
const char *plan_level(const struct tls_result *r); /* NULL: no TLS */

#endif
