#include <stdatomic.h>

#include "daemon/bans.h"

enum { FREE = -1, TRIES = 4, BITS_MAX = 128 };

/* Any edge can write what it likes into the mapping: neither a count nor a length in it may lead out of the
 * table of who reads it. */
static uint32_t used_of(const struct bans *b)
{
	uint32_t used = b->used;

	return used < BANS_MAX ? used : BANS_MAX;
}

/* False: it is being written just now, or it holds what nobody here writes. */
static bool read_slot(struct ban_slot *s, struct ban *to)
{
	for (int i = 0; i < TRIES; i++) {
		uint32_t before = atomic_load_explicit(&s->seq, memory_order_acquire);

		if (before % 2 != 0)
			continue;
		*to = s->ban;
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&s->seq, memory_order_relaxed) == before)
			return before != 0 && to->net.bits <= BITS_MAX; /* 0: never written */
	}
	return false;
}

/* expected: what the writer saw before it decided. */
static bool write_slot(struct ban_slot *s, uint32_t expected, const struct ban *ban)
{
	if (expected % 2 != 0 || !atomic_compare_exchange_strong(&s->seq, &expected, expected + 1))
		return false;
	atomic_thread_fence(memory_order_release);
	s->ban = *ban;
	atomic_store_explicit(&s->seq, expected + 2, memory_order_release);
	return true;
}

static bool is_live(const struct ban *ban, int64_t wall_ms)
{
	return ban->until_ms == 0 || ban->until_ms > wall_ms;
}

bool bans_get(struct bans *b, size_t i, int64_t wall_ms, struct ban *to)
{
	return i < used_of(b) && read_slot(&b->slots[i], to) && is_live(to, wall_ms);
}

static bool same_net(const struct cidr *a, const struct cidr *b)
{
	return a->bits == b->bits && memcmp(a->address, b->address, sizeof a->address) == 0;
}

/* The slot of this network, else a free one, else the one that ends first; BANS_MAX: none. */
static size_t slot_for(struct bans *b, const struct cidr *net, int64_t wall_ms)
{
	size_t used = used_of(b), best = used;
	int64_t best_until = best < BANS_MAX ? 1 : INT64_MAX;
	struct ban ban;

	for (size_t i = 0; i < used; i++) {
		int64_t until;

		if (!read_slot(&b->slots[i], &ban))
			continue;
		if (is_live(&ban, wall_ms) && same_net(&ban.net, net))
			return i;
		until = is_live(&ban, wall_ms) ? ban.until_ms : FREE;
		if (until != 0 && until < best_until) {
			best = i;
			best_until = until;
		}
	}
	return best;
}

bool bans_add(struct bans *b, const struct ban *ban, int64_t wall_ms)
{
	for (int i = 0; i < TRIES; i++) {
		size_t at = slot_for(b, &ban->net, wall_ms);
		uint32_t used = used_of(b);

		if (at == BANS_MAX)
			return false;
		if (at >= used && !atomic_compare_exchange_strong(&b->used, &used, used + 1))
			continue; /* somebody else took it */
		if (write_slot(&b->slots[at], b->slots[at].seq, ban))
			return true;
	}
	return false;
}

bool bans_del(struct bans *b, const struct cidr *net, int64_t wall_ms)
{
	static const struct ban nothing = { .until_ms = FREE };
	struct ban ban;

	for (size_t i = 0; i < used_of(b); i++) {
		uint32_t seq = b->slots[i].seq;

		if (bans_get(b, i, wall_ms, &ban) && same_net(&ban.net, net))
			return write_slot(&b->slots[i], seq, &nothing);
	}
	return false;
}

bool bans_has(struct bans *b, struct str address, int64_t wall_ms)
{
	unsigned char a[16];
	struct ban ban;

	if (b->used == 0 || !cidr_address(address, a))
		return false;
	for (size_t i = 0; i < used_of(b); i++)
		if (bans_get(b, i, wall_ms, &ban) && cidr_has(&ban.net, a))
			return true;
	return false;
}
