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

bool quota_full(struct office *o, uint64_t account, uint64_t messages, uint64_t octets)
{
	int64_t most_octets, most;
	uint64_t count = 0, used = 0, junk_count = 0, junk_used = 0;

	if (!bounds(o, account, &most_octets, &most) ||
		store_usage(o->store, account, &count, &used) != STORE_OK ||
		store_usage(o->store, account_junk(account), &junk_count, &junk_used) != STORE_OK)
		return false;
	count += junk_count;
	used += junk_used;
#ifdef MUTANT_QUOTA_LOOKS_BACK
	messages = octets = 0;
#endif
	return (most != QUOTA_NONE && count + messages > (uint64_t)most) ||
	       (most_octets != QUOTA_NONE &&
		       (used >= (uint64_t)most_octets || octets > (uint64_t)most_octets - used));
}

bool quota_all_full(struct office *o, const struct maildrops *recipient, uint64_t octets)
{
	for (size_t i = 0; i < recipient->count; i++)
		if (!quota_full(o, recipient->ids[i], 1, octets))
			return false;
	return recipient->count > 0 && recipient->onward_count == 0;
}
