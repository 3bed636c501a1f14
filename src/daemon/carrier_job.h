/* carrier_job.h -- one job: a message for recipients who go the same way, tried at one host after the
 * other until each of them has an outcome, which the store is told.
 *
 *   sealing -> one of those below
 *   finding -> policy -> planning -> dialling -> talking -> (the next host ...) -> reporting
 *   behind another -> talking
 *
 * An outcome about a recipient is final for this attempt: what the server said to MAIL, RCPT, DATA or the
 * final dot.  What goes wrong before that, or breaks the session, concerns the host, and the next
 * one is tried.  A session that breaks after the final dot ends the job for its recipients: the message
 * may have been taken, and another host would deliver it twice (RFC 1047). */
#ifndef RESTANTE_DAEMON_CARRIER_JOB_H
#define RESTANTE_DAEMON_CARRIER_JOB_H

#include "daemon/carrier.h"
#include "daemon/carrier_body.h"
#include "daemon/carrier_find.h"
#include "daemon/carrier_outcome.h"
#include "daemon/carrier_plan.h"
#include "daemon/carrier_seal.h"
#include "daemon/carrier_sts.h"
#include "daemon/ipc_job.h"
#include "daemon/session_out.h"
#include "net/dial.h"

struct carrier_job {
	struct link orphans; /* the store is gone, see job_store_lost() */
	struct link behind;  /* others on a session */
	struct carrier *carrier;
	uint32_t number, seq; /* seq: the open question to the store */
	struct buf packet;    /* what job's views look into */
	struct job job;
	const struct route_rule *rule;      /* NULL: MX by default */
	const struct config_source *source; /* NULL: the system's address, our name */
	bool distrusted; /* a host was not spoken to for want of what TLS is to reach */
	enum route_tls level;
	enum {
		JOB_SEALING,
		JOB_BEHIND, /* another on a session */
		JOB_FINDING,
		JOB_POLICY,
		JOB_PLANNING,
		JOB_DIALLING,
		JOB_TALKING,
		JOB_REPORTING
	} state;
	struct seal seal;
	struct find find;
	struct sts_wait sts_wait;
	struct mtasts_policy sts; /* in force when mode is not MTASTS_OFF */
	struct plan plan;
	struct dial dial;
	size_t at, slice; /* the targets of the host that is tried: from at on, so many */
	bool without_tls; /* the second try at a host whose handshake failed */
	struct out *out;
	struct job_note *notes; /* one for each recipient */
	struct job_note last;   /* of the host that was tried last: for those without an outcome */
	/* What the engine is given: the recipients without a final outcome. */
	struct smtpc_message message;
	struct smtpc_rcpt *rcpts;
	size_t *index; /* their places in notes */
	struct body body;
	bool reused; /* the session has had other messages before */
	struct buf result;
	struct loop_timer again; /* the store could not write the result */
	int64_t started_ms;
};

/* A packet of the store; false: it is no job. */
bool job_start(struct carrier *c, uint32_t number, struct reader *packet);
/* The store's answer to the open question. */
void job_answered(struct carrier_job *j, struct ipc_packet *p);
/* The store died.  What a server may already have taken would be sent twice when the next store gives the
 * job again: such a job goes on without a number, and takes its place when it comes. */
void job_store_lost(struct carrier_job *j);
void job_free_all(struct carrier_job *j); /* given up, or over */

/* RFC 8689 5: a notice, whose reverse-path is empty, is not lost for want of TLS. */
static inline bool job_requires_tls(const struct carrier_job *j)
{
	return (j->job.flags & JOB_REQUIRETLS) != 0 && j->job.sender.n > 0;
}

/* RFC 8689 4.2.2: TLS as far as it goes, whatever the recipient's domain publishes. */
static inline bool job_tls_optional(const struct carrier_job *j)
{
	return (j->job.flags & JOB_TLS_OPTIONAL) != 0 && j->job.kind == ROUTE_MX &&
	       (j->level == ROUTE_TLS_MAY || j->level == ROUTE_TLS_ENCRYPT);
}

/* Sealed, or not to be: looks for a session or a host. */
void job_go(struct carrier_job *j);
/* carrier_hosts.c: tries all hosts there are. */
void job_find(struct carrier_job *j);
/* Whom the MX records of its destination name, as struct job_outcome has them; nothing: nobody looked. */
void job_exchangers(const struct carrier_job *j, struct buf *out);
/* Nothing more is tried: tells the store. */
void job_report(struct carrier_job *j);

/* What a session tells and asks. */
const struct smtpc_message *job_message(struct carrier_job *j);
const struct smtpc_message *job_address(struct carrier_job *j); /* before its turn has come */
/* carrier_body.c; out_body() answers */
void job_wants_body(struct carrier_job *j, uint64_t offset, size_t want);
void job_got_octets(struct carrier_job *j, struct str octets); /* "": the store could not read */
/* The server lacks what the message needs.  out_again() comes when it is another message, or else its
 * recipients have their outcome and job_sent() is to be called; both maybe from inside. */
void job_does_without(struct carrier_job *j, const struct smtpc_result *lacks);
void job_cannot_be_sent(struct carrier_job *j, const char *status, const char *why);
void job_recipient(struct carrier_job *j, size_t index, const struct smtpc_result *r);
/* Each recipient has had its result; the session is not the job's any more, as in all below. */
void job_sent(struct carrier_job *j);
/* The session ended before that. */
void job_session_over(struct carrier_job *j, const struct out *o, const struct smtpc_result *r);
/* refusal: why the peer was not accepted; NULL: the handshake broke. */
/* No login at the relay; the session says QUIT by itself. */
void job_login_failed(struct carrier_job *j, const struct out *o, const char *why);
void job_tls_failed(
	struct carrier_job *j, const struct out *o, const char *refusal, const char *error);

#endif
