#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/hash.h"
#include "daemon/shared.h"
#include "net/cidr.h"

enum {
	ROWS = 2, /* count-min: two hashes, the smaller counts */
	BUCKETS = 1 << 14,
	FAILURES = 1 << 12,
	FORGET_MS = 10 * 60 * 1000,
	DELAY_FIRST_MS = 1000,
	DELAY_MOST_MS = 15 * 1000,
	NETWORK_DELAY = 4,
	NETWORK_BAN = 5,
};

struct seat {
	_Atomic uint32_t total;
	_Atomic uint32_t in; /* 0: out; else 1 + percent */
	_Atomic uint16_t count[ROWS][BUCKETS];
};

struct failure {
	_Atomic uint32_t tag, count, total; /* count: since a login worked; total: for a ban */
	_Atomic int64_t last_ms;
};

struct shared {
	_Atomic unsigned seats_used; /* seats from 0 on that were ever taken */
	uint64_t key[2];             /* random: a client cannot choose whose bucket it shares */
	struct bans bans;
	_Atomic uint64_t changes;
	_Atomic int64_t expire; /* days times two, and one when they differ by account */
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

/* An edge may have written anything there. */
static unsigned seats_used(const struct shared *s)
{
	unsigned used = s->seats_used;

	return used < SHARED_SEATS ? used : SHARED_SEATS;
}

/* Of the octets of an address: a /64 or, for a network, a /48 of IPv6; all of IPv4, or a /24. */
static struct str network(struct str address, bool wide, unsigned char ip[16])
{
	if (!cidr_address(address, ip))
		return address;
	if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)ip))
		return str_of((const char *)ip, wide ? 15 : 16);
	return str_of((const char *)ip, wide ? 6 : 8);
}

/* The place in one row of the sketch. */
static size_t place(uint64_t hash, int row)
{
	return hash >> 16 * row & (BUCKETS - 1);
}

static uint32_t counted(const struct shared *s, uint64_t hash)
{
	uint32_t least = UINT32_MAX;
	unsigned seats = seats_used(s);

	for (int row = 0; row < ROWS; row++) {
		uint32_t n = 0;

		for (unsigned i = 0; i < seats; i++)
			n += s->seats[i].count[row][place(hash, row)];
		least = n < least ? n : least;
	}
	return least;
}

/* Each kind has its own hashes: "::1" is both. */
static uint64_t network_hash(const struct shared *s, struct str address, bool wide)
{
	uint64_t key[2] = { s->key[0], s->key[1] + wide };
	unsigned char ip[16];

	return hash_str(key, network(address, wide, ip));
}

static void add(struct shared *s, unsigned seat, struct str address, int by)
{
	for (int wide = 0; wide < 2; wide++) {
		uint64_t hash = network_hash(s, address, wide);

		for (int row = 0; row < ROWS; row++)
			s->seats[seat].count[row][place(hash, row)] += (uint16_t)by;
	}
	s->seats[seat].total += (uint32_t)by;
}

bool shared_connect(
	struct shared *s, unsigned seat, struct str address, const struct shared_limits *limits)
{
	int64_t per_network = limits->per_network > limits->per_address ? limits->per_network
									: limits->per_address;

	if (shared_total(s) >= limits->total ||
		counted(s, network_hash(s, address, false)) >= limits->per_address ||
		counted(s, network_hash(s, address, true)) >= per_network)
		return false;
	add(s, seat, address, 1);
	return true;
}

int64_t shared_total(const struct shared *s)
{
	int64_t total = 0;
	unsigned seats = seats_used(s);

	for (unsigned i = 0; i < seats; i++)
		total += s->seats[i].total;
	return total;
}

void shared_disconnect(struct shared *s, unsigned seat, struct str address)
{
	add(s, seat, address, -1);
}

struct relief_loads shared_loads(struct shared *s, unsigned seat, int own)
{
	struct relief_loads loads = { .before = -1, .own = own };

	s->seats[seat].in = (uint32_t)own + 1;
	for (unsigned i = 0; i < SHARED_SEATS; i++) {
		uint32_t in = s->seats[i].in;

		if (in == 0)
			continue;
		loads.all += (int)in - 1;
		if (i < seat)
			loads.before = (int)in - 1;
	}
	return loads;
}

void shared_leave(struct shared *s, unsigned seat)
{
	s->seats[seat].in = 0;
}

struct bans *shared_bans(struct shared *s)
{
	return &s->bans;
}

static struct failure *failure_of(struct shared *s, const struct cidr *net, uint32_t *tag)
{
	uint64_t key[2] = { s->key[0], s->key[1] + net->bits };
	uint64_t h = hash_str(key, str_of(net->address, sizeof net->address));

	*tag = (uint32_t)(h >> 12);
	return &s->failures[h % FAILURES];
}

/* The client, and the network around it. */
static bool networks(struct str address, struct cidr net[2])
{
	unsigned char a[16];
	bool v4;

	if (!cidr_address(address, a))
		return false;
	v4 = cidr_is_v4(a);
	net[0] = cidr_of(a, v4 ? 128 : 64);
	net[1] = cidr_of(a, v4 ? 96 + 24 : 48);
	return true;
}

static struct failure *count_failure(struct shared *s, const struct cidr *net, int64_t mono_ms)
{
	uint32_t tag;
	struct failure *f = failure_of(s, net, &tag);

	if (f->tag != tag || mono_ms - f->last_ms > FORGET_MS) {
		f->tag = tag;
		f->count = 0;
		f->total = 0;
	}
	f->last_ms = mono_ms;
	f->count++;
	f->total++;
	return f;
}

static int64_t delay_of(uint32_t failures)
{
	int64_t delay = DELAY_FIRST_MS;

	for (; failures > 1 && delay < DELAY_MOST_MS; failures--)
		delay *= 2;
	return failures == 0 ? 0 : delay < DELAY_MOST_MS ? delay : DELAY_MOST_MS;
}

static bool ban(
	struct shared *s, const struct cidr *net, const struct shared_rule *rule, int64_t wall_ms)
{
	struct ban b = { .net = *net,
		.why = BAN_LOGINS,
		.since_ms = wall_ms,
		.until_ms = wall_ms + rule->ban_ms };

	return bans_add(&s->bans, &b, wall_ms);
}

struct shared_failure shared_login_failed(struct shared *s, struct str address,
	const struct shared_rule *rule, int64_t mono_ms, int64_t wall_ms)
{
	struct shared_failure out = { .delay_ms = DELAY_FIRST_MS };
	struct cidr net[2];
	bool may_ban = rule->ban_after > 0 && !cidr_set_has(rule->exempt, address);

	if (!networks(address, net))
		return out;
	for (int i = 0; i < 2; i++) {
		struct failure *f = count_failure(s, &net[i], mono_ms);
		int64_t delay = delay_of(f->count / (i == 0 ? 1 : NETWORK_DELAY));
		int64_t limit = rule->ban_after * (i == 0 ? 1 : NETWORK_BAN);

		out.delay_ms = delay > out.delay_ms ? delay : out.delay_ms;
		if (!may_ban || f->total < limit)
			continue;
		f->total = 0; /* when the ban is over, it begins anew */
		out.banned = ban(s, &net[i], rule, wall_ms);
		out.net = net[i];
	}
	return out;
}

void shared_login_ok(struct shared *s, struct str address)
{
	struct cidr net[2];
	uint32_t tag;
	struct failure *f;

	if (!networks(address, net))
		return;
	f = failure_of(s, &net[0], &tag);
	if (f->tag == tag)
		f->count = 0;
}

_Atomic uint64_t *shared_changes(struct shared *s)
{
	return &s->changes;
}

void shared_set_expire(struct shared *s, int64_t days, bool differs)
{
	s->expire = days * 2 + differs;
}

int64_t shared_expire(const struct shared *s, bool *differs)
{
	int64_t value = s->expire;

	*differs = value % 2 != 0;
	return value / 2;
}
