/* rcpt_memory.h -- recipients that the store took from strangers a moment ago.  The edge answers RCPT for them
 * itself; the store hears of them with COMMIT and decides again, so nothing here is a promise.
 *
 * A row is a keyed hash of the address and the number of changes to the accounts when it was true: with the
 * next change of an account, alias or domain all rows are void.  No address is kept. */
#ifndef RESTANTE_DAEMON_RCPT_MEMORY_H
#define RESTANTE_DAEMON_RCPT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct rcpt_memory {
	uint64_t key[2];
	struct rcpt_row {
		uint64_t hash, changes;
	} * rows; /* NULL until there is something to keep; heap */
};

bool rcpt_memory_has(const struct rcpt_memory *m, struct str recipient, uint64_t changes);
void rcpt_memory_keep(struct rcpt_memory *m, struct str recipient, uint64_t changes);
void rcpt_memory_forget(struct rcpt_memory *m);

#endif
