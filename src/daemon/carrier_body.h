/* carrier_body.h -- the octets of a job's message on their way from the store to a session: small ones came
 * with the job, others are read a chunk ahead.  For a server without 8BITMIME they are made 7-bit on the
 * way (mime/sevenbit.h): the message is read to see whether that can be, once more to count, and
 * once more to send, so memory stays the same whatever its size. */
#ifndef RESTANTE_DAEMON_CARRIER_BODY_H
#define RESTANTE_DAEMON_CARRIER_BODY_H

#include "mime/sevenbit.h"

struct carrier_job;

enum body_phase {
	BODY_AS_IT_IS,
	BODY_SCAN,
	BODY_COUNT,
	BODY_SEVENBIT,
	BODY_IMPOSSIBLE,
	BODY_UNREADABLE
};

struct body {
	struct buf chunk, ahead; /* octets from chunk_at on, and the next ones */
	uint64_t chunk_at, ahead_at;
	uint64_t wanted_at; /* the engine waits for octets from there on */
	size_t wanted;      /* 0: it does not */
	bool asked;         /* the store, for what `ahead` is to hold */

	enum body_phase phase;
	struct sevenbit *counter, *sender;
	uint64_t read_at; /* so much of the message has been looked at in this phase */
	uint64_t octets;  /* of it as 7-bit */
	struct buf made;  /* 7-bit octets from made_at on */
	uint64_t made_at;
};

/* What is here of the message from `offset` on, and the next chunk is asked for; "": it must be waited for, or, when no
 * question is open, will never come. */
struct str body_read_at(struct carrier_job *j, uint64_t offset);
/* For the next session: as it is. */
void body_reset(struct body *b);
/* Makes it 7-bit; out_again() or job_cannot_be_sent() is called, maybe from inside. */
void body_make_sevenbit(struct carrier_job *j);

#endif
