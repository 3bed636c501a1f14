/* carrier_outcome.h -- from what happened in a session to what it means for a recipient.  Pure. */
#ifndef RESTANTE_DAEMON_CARRIER_OUTCOME_H
#define RESTANTE_DAEMON_CARRIER_OUTCOME_H

#include "daemon/ipc_job.h"
#include "proto/smtpc.h"

struct job_note {   /* what became of one recipient, or of a host that all share */
	bool final; /* nothing else is tried now */
	enum outcome outcome;
	bool relayed, unknown;
	char status[12];
	char reply[JOB_REPLY_MAX + 1];
	char host[300];
	const char *tls; /* NULL: no session */
};

/* final stays false when it was the host that failed, so that another one may be tried: all that is said
 * or happens before MAIL, a session that breaks, and 421 wherever it comes. */
void note_result(struct job_note *n, const struct smtpc_result *r);
/* The host failed for a reason that no server gave. */
void note_host(struct job_note *n, const char *status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
