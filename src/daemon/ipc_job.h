/* ipc_job.h -- packets between the store and a carrier: jobs, octets, outcomes.
 *
 * The carrier gives credit; the store answers with so many jobs.  A job is one message for some of its
 * recipients, who all go the same way.  head.session is the job's number: the store chooses it, and it is
 * free again when the RESULT is answered, or when the channel is lost (then the store gives the job to
 * somebody else).  Every other use of it ends the channel.
 *
 *   IPC_CREDIT  note      carrier   u32: takes so many jobs more; 0: none any more
 *   IPC_JOB     note      store     struct job
 *   IPC_QREAD   question  carrier   u64 offset, u32 want -> enum store_result, octets of prefix and message
 *   IPC_SEAL    question  carrier   struct arc_request, of a job with JOB_SEAL, once -> STORE_OK and the fields of an
 *                                   ARC set; anything else: it goes without
 *   IPC_RESULT  question  carrier   struct job_outcome, one for each recipient of the job -> enum
 *                                   store_result; OK: durable
 *   IPC_DNS     note      carrier   u8 enum dns_state
 * A RESULT that is answered with anything but OK is asked again later. */
#ifndef RESTANTE_DAEMON_IPC_JOB_H
#define RESTANTE_DAEMON_IPC_JOB_H

#include "base/codec.h"
#include "base/msgid.h"
#include "queue/outcome.h"
#include "queue/route.h"
#include "trust/arc.h"

enum ipc_queue {
	IPC_CREDIT = 128, /* beyond all of ipc.h */
	IPC_JOB,
	IPC_QREAD,
	IPC_RESULT,
	IPC_DNS,
	IPC_SEAL,
};

enum {
	JOB_RECIPIENTS_MAX = 100,
	JOB_INLINE_MAX = 32 * 1024,
	JOB_REPLY_MAX = 512,
	JOB_EXCHANGERS_MAX = 512
};

enum job_flags {
	JOB_8BIT = 1,          /* the body has octets over 127 */
	JOB_8BIT_HEADER = 2,   /* so has the header: needs SMTPUTF8 at the next hop */
	JOB_SMTPUTF8 = 4,      /* MAIL said so (RFC 6531) */
	JOB_REQUIRETLS = 8,    /* RFC 8689 */
	JOB_REPORT = 16,       /* it is one of our own notices */
	JOB_TLS_OPTIONAL = 64, /* "TLS-Required: No" (RFC 8689 3) */
	JOB_SEAL =
		256, /* a stranger's, with an ARC seal (RFC 8617); else client and origin are "" */
};

struct job_recipient {
	uint32_t number; /* in the message */
	struct str address, orcpt;
	uint8_t notify;
	uint32_t attempts; /* before this one */
};

struct job {
	struct msgid id;
	uint16_t flags;
	struct str sender; /* reverse-path */
	struct str client; /* address of the host that handed it in */
	struct str origin; /* reverse-path that it gave */
	struct str envid;
	uint8_t ret;
	int64_t received_ms;
	uint64_t octets;        /* prefix and message, without Return-Path (RFC 5321 4.4) */
	uint32_t prefix_octets; /* header fields that were put in front of it */
	enum route_kind kind;
	struct str host; /* ROUTE_MX: the domain */
	uint16_t port;
	struct str site;
	bool has_rule; /* for TLS and credentials: route_rule_find(role, rule) */
	enum route_role role;
	struct str rule;
	struct job_recipient *recipients; /* heap, in what job_get() gave: job_free() */
	size_t count;
	struct str message; /* all octets when they are few, else "" */
};

void job_put(struct buf *b, const struct job *j);
bool job_get(struct reader *r, struct job *j); /* views of the packet */
void job_free(struct job *j);

/* What the store is to sign; its checks are arc_sign()'s. */
void seal_put(struct buf *b, const struct arc_request *request);
bool seal_get(struct reader *r, struct arc_request *request); /* views of the packet */

void outcome_put(struct buf *b, const struct job_outcome *o);
bool outcome_get(struct reader *r, struct job_outcome *o); /* false: at the end, or r->bad */

#endif
