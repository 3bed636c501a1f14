#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "daemon/shared.h"

enum {
	ROWS = 2, /* count-min: two hashes, the smaller counts */
	BUCKETS = 1 << 14,
	FAILURES = 1 << 12,
	FORGET_MS = 10 * 60 * 1000,
	DELAY_FIRST_MS = 1000,
	DELAY_MOST_MS = 15 * 1000,
};

struct seat {
	_Atomic uint32_t total;
	_Atomic uint16_t count[ROWS][BUCKETS];
};

struct failure {
	_Atomic uint32_t tag, count;
	_Atomic int64_t last_ms;
};

struct shared {
	_Atomic unsigned seats_used; /* seats from 0 on that were ever taken */
	uint64_t key[2];             /* random: a client cannot choose whose bucket it shares */
	struct failure failures[FAILURES];
	struct seat seats[SHARED_SEATS];
};

struct shared *shared_new(void)
{
	struct shared *s =
		mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		abort();
	random_bytes(s->key, sizeof s->key);
	return s;
}

void shared_clear_seat(struct shared *s, unsigned seat)
{
	memset(&s->seats[seat], 0, sizeof s->seats[seat]);
	if (s->seats_used <= seat)
		s->seats_used = seat + 1;
}

/* "2001:db8:1:2:..." -> its first four groups; what "::" shortens is the same client or its
 * neighbour, which is what a /64 means. */
static struct str network(struct str address)
{
	size_t colons = 0;

	for (size_t i = 0; i < address.n; i++)
		if (address.p[i] == ':' && ++colons == 4)
			return str_head(address, i);
	return address;
}

static uint64_t hash(uint64_t key, struct str s)
{
	uint64_t h = key ^ 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < s.n; i++) {
		h = (h ^ (unsigned char)s.p[i]) * 0xff51afd7ed558ccdu;
		h ^= h >> 32 ^ key;
	}
	return h * 0xc4ceb9fe1a85ec53u >> 20;
}

bool shared_connect(
	struct shared *s, unsigned seat, struct str address, int64_t per_address, int64_t total)
{
	struct str net = network(address);
	size_t at[ROWS];
	uint32_t sum = 0, least = UINT32_MAX;
	unsigned used = s->seats_used;

	for (unsigned i = 0; i < used; i++)
		sum += s->seats[i].total;
	for (int row = 0; row < ROWS; row++) {
		uint32_t n = 0;

		at[row] = hash(s->key[row], net) % BUCKETS;
		for (unsigned i = 0; i < used; i++)
			n += s->seats[i].count[row][at[row]];
		least = n < least ? n : least;
	}
	if (sum >= total || least >= per_address)
		return false;
	s->seats[seat].total++;
	for (int row = 0; row < ROWS; row++)
		s->seats[seat].count[row][at[row]]++;
	return true;
}

int64_t shared_total(const struct shared *s)
{
	int64_t total = 0;

	for (unsigned i = 0; i < s->seats_used; i++)
		total += s->seats[i].total;
	return total;
}

void shared_disconnect(struct shared *s, unsigned seat, struct str address)
{
	struct str net = network(address);

	s->seats[seat].total--;
	for (int row = 0; row < ROWS; row++)
		s->seats[seat].count[row][hash(s->key[row], net) % BUCKETS]--;
}

static struct failure *failure_of(struct shared *s, struct str address, uint32_t *tag)
{
	uint64_t h = hash(s->key[0], network(address));

	*tag = (uint32_t)(h >> 12);
	return &s->failures[h % FAILURES];
}

int64_t shared_login_failed(struct shared *s, struct str address, int64_t mono_ms)
{
	uint32_t tag, n;
	struct failure *f = failure_of(s, address, &tag);
	int64_t delay = DELAY_FIRST_MS;

	if (f->tag != tag || mono_ms - f->last_ms > FORGET_MS) {
		f->tag = tag;
		f->count = 0;
	}
	f->last_ms = mono_ms;
	n = f->count++;
	for (; n > 0 && delay < DELAY_MOST_MS; n--)
		delay *= 2;
	return delay < DELAY_MOST_MS ? delay : DELAY_MOST_MS;
}

void shared_login_ok(struct shared *s, struct str address)
{
	uint32_t tag;
	struct failure *f = failure_of(s, address, &tag);

	if (f->tag == tag)
		f->count = 0;
}
