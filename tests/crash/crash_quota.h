/* crash_quota.h -- the quotas of a world without a daemon: daemon/quota.c itself, above the store that is cut, and what it
 * must say by what a model knows. */
#ifndef RESTANTE_CRASH_QUOTA_H
#define RESTANTE_CRASH_QUOTA_H

#include "account/account.h"
#include "daemon/quota.h"

enum { CRASH_ACCOUNTS = 4 }; /* 1 and on */

struct crash_quota {
	int64_t octets, messages; /* QUOTA_NONE: no bound */
};
static struct crash_quota crash_quotas[CRASH_ACCOUNTS + 1];

struct crash_usage {
	uint64_t count, octets;
};

/* In place of the directory. */
void account_quota(struct directory *d, uint64_t id, int64_t *octets, int64_t *messages)
{
	(void)d;
	*octets = crash_quotas[id].octets;
	*messages = crash_quotas[id].messages;
}

static bool crash_exceeds(const struct crash_quota *q, const struct crash_usage *u)
{
	return (q->messages != QUOTA_NONE && u->count > (uint64_t)q->messages) ||
	       (q->octets != QUOTA_NONE && u->octets > (uint64_t)q->octets);
}

/* Must `more` be refused when so much is there already? */
static bool crash_must_refuse(
	uint64_t account, const struct crash_usage *there, const struct crash_usage *more)
{
	const struct crash_quota *q = &crash_quotas[account];
	struct crash_usage sum = { there->count + more->count, there->octets + more->octets };

	return crash_exceeds(q, &sum) ||
	       (q->octets != QUOTA_NONE && there->octets == (uint64_t)q->octets);
}

static bool crash_quota_full(struct store *s, uint64_t account, const struct crash_usage *more)
{
	struct office o = { .store = s };

	return quota_full(&o, account, more->count, more->octets);
}

#endif
