/* retention.h -- mail older than the account, its domain or the setting retention_days say is deleted, as
 * POP3's EXPIRE announces
 * (RFC 2449 6.7: a server must not delete what it promised to keep).
 *
 * A sweep goes through all maildrops in small slices, so that nobody waits for it; what counts is what is set when a
 * maildrop's turn comes, as its owner may have been told of that already.  A maildrop with
 * a session is left for the next sweep.  What is deleted can be undeleted for as long as anything. */
#ifndef RESTANTE_DAEMON_RETENTION_H
#define RESTANTE_DAEMON_RETENTION_H

#include "daemon/office.h"

enum { RETENTION_ROWS = 1000, RETENTION_IDS = 250 };

struct retention {
	struct office *office; /* not owned */
	struct retention_row { /* of this sweep; owned */
		uint64_t maildrop, account;
	} * rows;
	size_t count, at;
	uint64_t from; /* place in the maildrop at `at` */
	bool busy;     /* a deletion is under way */
	uint64_t expunged;
	struct store_open open;
	struct store_expunge expunge;
	struct msgid ids[RETENTION_IDS];
};

/* How long the mail of an account is kept, in days; 0: for ever. */
int64_t retention_days(struct office *o, uint64_t account);
/* The least of all accounts, and whether they differ. */
int64_t retention_least(struct office *o, bool *differs);

void retention_init(struct retention *t, struct office *o);
/* Nothing is under way any more, or the store is closed. */
void retention_deinit(struct retention *t);
/* Begins a sweep when none is under way. */
void retention_begin(struct retention *t);
/* At most RETENTION_ROWS messages, or some maildrops without mail; false: the sweep is over. */
bool retention_slice(struct retention *t, int64_t now_ms);

#endif
