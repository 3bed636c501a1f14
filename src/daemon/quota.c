#include "daemon/quota.h"

static bool bounds(struct office *o, uint64_t account, int64_t *octets, int64_t *messages)
{
	account_quota(o->directory, account, octets, messages);
	if (*octets == QUOTA_DEFAULT)
		*octets = o->config->quota_bytes;
	if (*messages == QUOTA_DEFAULT)
		*messages = o->config->quota_messages;
	return *octets != QUOTA_NONE || *messages != QUOTA_NONE;
}

bool quota_is_set(struct office *o, uint64_t account)
{
	int64_t octets, messages;

	return bounds(o, account, &octets, &messages);
}

bool quota_get(struct office *o, uint64_t account, struct quota *q)
{
	uint64_t junk_count = 0, junk_used = 0;

	*q = (struct quota){ .count = 0 };
	if (!bounds(o, account, &q->most_octets, &q->most) ||
		store_usage(o->store, account, &q->count, &q->used) != STORE_OK ||
		store_usage(o->store, account_junk(account), &junk_count, &junk_used) != STORE_OK)
		return false;
	q->count += junk_count;
	q->used += junk_used;
	return true;
}

static bool is_above(int64_t most, int64_t percent, uint64_t used)
{
	return most != QUOTA_NONE &&
	       used > (uint64_t)(most / 100 * percent + most % 100 * percent / 100);
}

bool quota_above(const struct quota *q, int64_t percent, uint64_t messages, uint64_t octets)
{
	return is_above(q->most, percent, q->count + messages) ||
	       is_above(q->most_octets, percent, q->used + octets);
}

bool quota_full(struct office *o, uint64_t account, uint64_t messages, uint64_t octets)
{
	struct quota q;

	if (!quota_get(o, account, &q))
		return false;
#ifdef MUTANT_QUOTA_LOOKS_BACK
	messages = octets = 0;
#endif
	return (q.most != QUOTA_NONE && q.count + messages > (uint64_t)q.most) ||
	       (q.most_octets != QUOTA_NONE && (q.used >= (uint64_t)q.most_octets ||
						       octets > (uint64_t)q.most_octets - q.used));
}

bool quota_all_full(struct office *o, const struct maildrops *recipient, uint64_t octets)
{
	for (size_t i = 0; i < recipient->count; i++)
		if (!quota_full(o, recipient->ids[i], 1, octets))
			return false;
	return recipient->count > 0 && recipient->onward_count == 0;
}
