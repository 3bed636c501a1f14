/* arc_internal.h -- the fields of a set, and a message with its chain; private to the files of arc. */
#ifndef RESTANTE_TRUST_ARC_INTERNAL_H
#define RESTANTE_TRUST_ARC_INTERNAL_H

#include "trust/arc.h"
#include "trust/dkim_internal.h"

/* In the order in which a seal covers them (RFC 8617 5.1.1). */
enum arc_field { ARC_AUTHENTICATION_RESULTS, ARC_MESSAGE_SIGNATURE, ARC_SEAL, ARC_FIELDS };

struct str arc_field_name(enum arc_field kind);
/* i= of a field's body, 1 to ARC_INSTANCES_MAX; 0: it has none that is valid (RFC 8617 4.2.1). */
unsigned arc_field_instance(enum arc_field kind, struct str body);

struct arc_check { /* of a seal, or of the newest message signature */
	struct dkim_signature signature;
	bool done;
};

struct arc {
	int64_t wall_ms;
	struct dkim_message message;
	bool parsed;
	unsigned instances;
	const struct field *sets[ARC_INSTANCES_MAX + 1][ARC_FIELDS]; /* [0] is empty */
	struct arc_check
		checks[ARC_INSTANCES_MAX + 1]; /* [0]: the message signature; [i]: seal i */
	const char *why;                       /* NULL: nothing failed so far */
	bool temporary;
	bool marked;                         /* the newest seal says cv=fail */
	struct buf chain;                    /* all sets as seals cover them */
	size_t seals[ARC_INSTANCES_MAX + 1]; /* where each seal begins in it */
	struct arc_body {
		bool wanted;
		struct dkim_body body;
		unsigned char digest[DKIM_DIGEST];
	} bodies[2]; /* simple, if the message signature wants it; relaxed, for ours */
};

/* ST_PERM: it is none that arc_sign() signs. */
enum status arc_request_check(const struct arc_request *r, struct err *err);
/* The names of fields that our message signatures cover, by number; "" after the last. */
struct str arc_covered(size_t i);

#endif
