/* retrieved.h -- which messages a POP3 client has got whole, for their history.
 *
 * That a reply was written says little: it may lie in a buffer of a client that is gone.  A message counts
 * when the client has spoken since, said QUIT, or went away with nothing of it outstanding. */
#ifndef RESTANTE_DAEMON_RETRIEVED_H
#define RESTANTE_DAEMON_RETRIEVED_H

#include "base/buf.h"
#include "base/msgid.h"

struct retrieved {
	unsigned char
		*seen;   /* a bit for each message of the maildrop; heap, NULL before the first */
	struct buf ids;  /* not told yet */
	size_t sure;     /* octets of ids that count */
	int64_t last_ms; /* when the reply to the last of them ended */
};

/* The reply to a RETR of this message, one of `count`, ends; each message is kept once. */
void retrieved_ended(
	struct retrieved *r, size_t index, size_t count, struct msgid id, int64_t now_ms);
/* The client has spoken after it was written all that is kept, or all of it counts for another reason. */
void retrieved_all_sure(struct retrieved *r);
/* The next ids that count, at most `most`: a view until the next call. */
struct str retrieved_sure(const struct retrieved *r, size_t most);
void retrieved_told(struct retrieved *r, struct str ids); /* drops them */
void retrieved_deinit(struct retrieved *r);

#endif
