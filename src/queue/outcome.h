/* outcome.h -- what became of one recipient in one attempt, as whoever carried the message says. */
#ifndef RESTANTE_QUEUE_OUTCOME_H
#define RESTANTE_QUEUE_OUTCOME_H

#include "base/str.h"

enum outcome { OUTCOME_DELIVERED = 1, OUTCOME_DEFERRED, OUTCOME_FAILED };

struct job_outcome {
	uint32_t number;
	enum outcome outcome;
	bool site_failed; /* nobody there could be reached, or it said so for all: others wait too */
	bool relayed;     /* DELIVERED: the next hop knows DSN and tells the sender itself */
	bool sealed;      /* DELIVERED: with an ARC seal */
	bool unknown;     /* DEFERRED: it may have been taken (RFC 1047) */
	struct str status; /* RFC 3463, "4.4.1" */
	struct str reply;  /* plain text; of the server as it came, or ours */
	struct str host;   /* who said it: "mx.example.org[192.0.2.1]"; "" when it was nobody */
	struct str tls;    /* level reached: "dane", "verified", "encrypted", "clear"; "" unknown */
	/* What the destination's MX records name, sorted, with spaces between, of the first recipient;
	 * "": not known, or nobody looked. */
	struct str exchangers;
};

#endif
