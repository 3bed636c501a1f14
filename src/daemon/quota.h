/* quota.h -- the room of an account, for all its folders: its own, else the office's. */
#ifndef RESTANTE_DAEMON_QUOTA_H
#define RESTANTE_DAEMON_QUOTA_H

#include "daemon/office.h"

/* May it ever be full? */
bool quota_is_set(struct office *o, uint64_t account);

struct quota {
	int64_t most_octets, most; /* QUOTA_NONE: no bound */
	uint64_t count, used;      /* now, of all folders */
};
/* False: it has none, or what is used cannot be read now. */
bool quota_get(struct office *o, uint64_t account, struct quota *q);
/* With so many more messages and octets, is more than so many percent of a bound used? */
bool quota_above(const struct quota *q, int64_t percent, uint64_t messages, uint64_t octets);

/* Is there no room for so many more messages, of so many octets together? */
bool quota_full(struct office *o, uint64_t account, uint64_t messages, uint64_t octets);
/* Has nobody who gets a recipient's mail room for one more?  Mail that goes on needs none. */
bool quota_all_full(struct office *o, const struct maildrops *recipient, uint64_t octets);

#endif
