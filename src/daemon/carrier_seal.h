/* carrier_seal.h -- what a message that is passed on for somebody else says about how it came in: what was found
 * then (check.h) and stands on top of it, or else SPF of the client that handed it over and its DKIM signatures; and its
 * ARC chain (RFC 8617), before the next hop is looked for; signed by the store.  What cannot be found out in time is said to be so, or the message goes without a seal: no
 * mail waits for one. */
#ifndef RESTANTE_DAEMON_CARRIER_SEAL_H
#define RESTANTE_DAEMON_CARRIER_SEAL_H

#include "base/buf.h"
#include "daemon/ipc.h"
#include "net/resolve.h"
#include "trust/arc.h"
#include "trust/spf.h"

struct carrier_job;

struct seal {
	struct buf fields; /* an ARC set, in front of the message; nothing: none */

	/* Until it is made, or given up: */
	struct buf results; /* what the store is asked to sign, for the log */
	unsigned instance;
	int64_t wall_ms;
	struct buf found; /* Authentication-Results on top of it, on one line; then there is no */
	struct spf *spf;
	struct dkim_verifier *dkim;
	struct arc *arc;
	size_t signatures, signature; /* so many in dkim, and the one that a key is looked up for */
	uint64_t read_at;
	struct dns_query query;
	struct loop_timer late;
};

/* Ends with job_go(), maybe from inside. */
void seal_begin(struct carrier_job *j);
/* Answers of the store; octets "": it could not read. */
void seal_got_octets(struct carrier_job *j, struct str octets);
void seal_signed(struct carrier_job *j, struct ipc_packet *p);
void seal_end(struct carrier_job *j); /* idempotent; fields are gone too */

#endif
