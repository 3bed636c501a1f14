/* arc.h -- Authenticated Received Chain: validating and sealing (RFC 8617).  Pure but for the arithmetic
 * of libcrypto; the owner looks up the keys.
 *
 * Validating and signing are apart, because the process that sees the network holds no keys: one makes
 * a request of a message, the other composes the three fields of a set from it and signs nothing else.
 *
 * A chain that is found broken is sealed once, with cv=fail over the new set alone (5.1.2).  One whose
 * newest seal says cv=fail already gets nothing more (5.1 step 2), and one of 50 sets has no room
 * (4.2.1).
 *
 * The header section is kept (at most DKIM_HEADER_MAX), the body is only hashed.  Threads: one arc, one
 * thread. */
#ifndef RESTANTE_TRUST_ARC_H
#define RESTANTE_TRUST_ARC_H

#include "trust/dkim_verify.h"

enum {
	ARC_INSTANCES_MAX = 50, /* RFC 8617 4.2.1 */
	ARC_RESULTS_MAX = 4096,
	ARC_NAMES_MAX = 4 * 1024, /* together less than a packet between processes */
	ARC_FIELDS_MAX = 32 * 1024,
	ARC_CHAIN_MAX = 48 * 1024,
};

enum arc_cv { ARC_NONE, ARC_FAIL, ARC_PASS }; /* RFC 8617 4.4 */

struct str arc_cv_name(enum arc_cv cv); /* "none" */

/* ---- one message ---- */

struct arc;

struct arc *arc_new(int64_t wall_ms);
void arc_free(struct arc *a);
/* The message once, in pieces of any size, with CRLF; then arc_end().  A seal holds for what leaves as it
 * was fed: only what is put on top may differ. */
void arc_feed(struct arc *a, struct str octets);
void arc_end(struct arc *a);

/* After arc_end(), until it is false: puts the name of a TXT record; arc_key() answers it.  At most one
 * more than ARC_INSTANCES_MAX, and no name twice; none after the first that fails.  Pieces of the
 * name are the peer's, but nothing else than letters, digits and "-_." */
bool arc_wants(const struct arc *a, struct buf *name);
/* record: the strings of one TXT record, joined; "" when there is none. */
void arc_key(struct arc *a, enum dkim_lookup found, struct str record);

/* Final when arc_wants() is false. */
enum arc_cv arc_result(const struct arc *a);
const char *arc_why(const struct arc *a); /* a constant; NULL unless it is ARC_FAIL */
/* It is ARC_FAIL only because DNS did not answer.  5.2.1 counts that as a failure for good; an owner
 * that can wait asks again later, with a new arc. */
bool arc_temporary(const struct arc *a);
/* Of the newest set, when it is ARC_PASS: d= of its seal, and the results that it vouches for, from the authserv-id
 * on; else "". */
struct str arc_sealer(const struct arc *a);
struct str arc_sealed_results(const struct arc *a);
/* The highest instance of the message, valid or not; 0: none. */
unsigned arc_instances(const struct arc *a);

/* ---- sealing ---- */

struct arc_request {
	unsigned instance;
	enum arc_cv cv;
	/* What follows "i=N; " in ARC-Authentication-Results: the authserv-id, ";" and the results.
	 * Printable ASCII on one line, with blanks where it may be folded. */
	struct str results;
	struct str names;  /* of the fields below, and From once more, separated by ':' */
	struct str fields; /* their canonical octets (relaxed), each with CRLF */
	struct str chain; /* canonical octets of the earlier sets (5.1.1); "" when cv is not pass */
	unsigned char body_hash[32];
};

/* After arc_end() and the last key.  The views of r are into results and *space, which the caller gives
 * back after its last use of r.  ST_TEMP: arc_temporary().  ST_PERM: nothing is to be sealed, err says
 * why: the chain is marked as failed already or full, or the header is none that can be signed. */
enum status arc_request_of(struct arc *a, struct str results, struct arc_request *r,
	struct buf *space, struct err *err);

/* Puts ARC-Seal, ARC-Message-Signature and ARC-Authentication-Results, each folded with its CRLF: they go
 * to the top of the message.  s->valid_ms is not used.  ST_PERM: r is no such request; nothing was
 * signed.  Whatever r is, what is signed ends with a field that was composed here, so a signature is
 * never one of DKIM. */
enum status arc_sign(
	const struct arc_request *r, const struct dkim_signer *s, struct buf *out, struct err *err);

#endif
