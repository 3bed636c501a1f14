#include <sodium.h>
#include <stdlib.h>

#include "account/authenticator.h"
#include "account/password.h"
#include "account/scheme.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/fair.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/work.h"

enum {
	/* 5 MiB when a hundred thousand log in within MEMORY_MS; a page that nobody came to was never touched.
	 * A set that is too small for its users forgets each before he comes again. */
	MEMORY_SETS = 32768,
	MEMORY_WAYS = 4,
	MEMORY_MS = 5 * 60 * 1000,
};

struct success {
	unsigned char mac[SCRAM_KEY];
	int64_t until_ms; /* clock_mono_ms() */
};

struct authenticator {
	struct directory *directory; /* not owned */
	struct work_pool *pool;
	unsigned under_way, under_way_max; /* in the pool; the others wait in line */
	struct fair line;
	uint64_t flow_key[2];
	uint64_t hashes;
	bool upgrade;
	struct token_checker *checker; /* not owned */
	char dummy[256];
	unsigned char key[32];
	struct success memory[MEMORY_SETS][MEMORY_WAYS];
};

struct check {
	struct work work;
	struct fair_item place;
	bool waits; /* in line */
	struct authenticator *a;
	struct check_owner owner; /* done NULL: abandoned */
	uint64_t id, version;     /* 0: dummy, can only fail */
	struct credentials kept, better;
	struct buf password; /* prepared */
	bool upgrade;        /* make `better` when the password is right */
	bool matched, made;
	unsigned char mac[SCRAM_KEY];
};

struct authenticator *authenticator_new(struct directory *d, unsigned threads, size_t max_waiting)
{
	struct authenticator *a;

	if (sodium_init() < 0)
		abort(); /* no random source: nothing here could be trusted */
	a = NEW(struct authenticator);
	a->directory = d;
	a->under_way_max = 2 * threads; /* so that no thread waits for the loop */
	a->pool = work_pool_new(threads, a->under_way_max);
	fair_init(&a->line, max_waiting);
	random_bytes(a->flow_key, sizeof a->flow_key);
	password_dummy_hash(a->dummy);
	random_bytes(a->key, sizeof a->key);
	return a;
}

int authenticator_fd(const struct authenticator *a)
{
	return work_fd(a->pool);
}

void authenticator_poll(struct authenticator *a)
{
	work_poll(a->pool);
}

void authenticator_wait(struct authenticator *a)
{
	work_wait(a->pool);
}

void authenticator_upgrade(struct authenticator *a, bool on)
{
	a->upgrade = on;
}

void authenticator_tokens(struct authenticator *a, struct token_checker *t)
{
	a->checker = t;
}

struct token_checker *authenticator_checker(const struct authenticator *a)
{
	return a->checker;
}

struct directory *authenticator_directory(const struct authenticator *a)
{
	return a->directory;
}

uint64_t authenticator_hashes(const struct authenticator *a)
{
	return a->hashes;
}

static struct success *memory_set(struct authenticator *a, const unsigned char *mac)
{
	return a->memory[(mac[0] | (unsigned)mac[1] << 8) % MEMORY_SETS];
}

static bool remembered(struct authenticator *a, const unsigned char *mac)
{
	struct success *set = memory_set(a, mac);
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < MEMORY_WAYS; i++)
		if (set[i].until_ms > now && sodium_memcmp(set[i].mac, mac, SCRAM_KEY) == 0)
			return true;
	return false;
}

/* Takes the place of what expires first. */
static void remember(struct authenticator *a, const unsigned char *mac)
{
	struct success *set = memory_set(a, mac), *oldest = set;

	for (size_t i = 1; i < MEMORY_WAYS; i++)
		if (set[i].until_ms < oldest->until_ms)
			oldest = &set[i];
	memcpy(oldest->mac, mac, SCRAM_KEY);
	oldest->until_ms = clock_mono_ms() + MEMORY_MS;
}

static void success_mac(struct authenticator *a, struct check *c)
{
	struct buf b;

	buf_init(&b, 0);
	buf_reserve(&b, 16 + c->password.len);
	put_u64(&b, c->id);
	put_u64(&b, c->version);
	buf_put(&b, buf_str(&c->password));
	hmac_sha256(str_of(a->key, sizeof a->key), buf_str(&b), c->mac);
	buf_wipe(&b);
}

static void check_free(struct check *c)
{
	buf_wipe(&c->password);
	mem_wipe(c, sizeof *c);
	free(c);
}

static void check_end(struct check *c, enum check_result result)
{
	struct check_owner owner = c->owner;

	check_free(c);
	if (owner.done == NULL)
		return;
	*owner.under_way = NULL;
	owner.done(owner.owner, result);
}

void authenticator_free(struct authenticator *a)
{
	struct fair_item *left;

	if (a == NULL)
		return;
	while ((left = fair_take(&a->line)) != NULL)
		check_end(LIST_OF(left, struct check, place), CHECK_TEMP);
	work_pool_free(a->pool);
	mem_wipe(a, sizeof *a);
	free(a);
}

unsigned authenticator_flow(const struct authenticator *a, struct str network)
{
	return (unsigned)hash_str(a->flow_key, network);
}

static void pump(struct authenticator *a)
{
	while (a->under_way < a->under_way_max) {
		struct fair_item *next = fair_take(&a->line);
		struct check *c;

		if (next == NULL)
			return;
		c = LIST_OF(next, struct check, place);
		c->waits = false;
		a->under_way++;
		work_submit(a->pool, &c->work);
	}
}

/* Without room somebody is told to come again, not always the last. */
static void stand_in_line(struct check *c)
{
	struct fair_item *loser;

	c->waits = true;
	c->place.flow = fair_flow(&c->a->line, c->owner.flow);
	c->a->hashes++;
	loser = fair_put(&c->a->line, &c->place);
	if (loser != NULL)
		check_end(LIST_OF(loser, struct check, place), CHECK_TEMP);
}

static void hash_run(struct work *w)
{
	struct check *c = (struct check *)(void *)((char *)w - offsetof(struct check, work));

	c->matched = password_verify(c->kept.hash, buf_str(&c->password));
	c->made = c->matched && c->upgrade &&
		  scheme_upgrade(&c->kept, buf_str(&c->password), &c->better) == ST_OK;
}

static void hash_done(struct work *w)
{
	static const enum check_result results[] = {
		[SAID_NO] = CHECK_WRONG, [SAID_YES] = CHECK_OK, [SAID_NOTHING] = CHECK_TEMP
	};
	struct check *c = (struct check *)(void *)((char *)w - offsetof(struct check, work));
	enum said valid = SAID_NO;

	c->a->under_way--;
	pump(c->a);
	/* The account may have been disabled, or got another password, while the hash ran. */
	if (c->matched && c->id != 0)
		valid = directory_login_valid(c->a->directory, c->id, c->version);
	if (valid == SAID_YES)
		remember(c->a, c->mac);
	/* When this fails, the next login tries again. */
	if (valid == SAID_YES && c->made)
		account_upgrade(c->a->directory, c->id, c->version, &c->better, NULL);
	check_end(c, results[valid]);
}

void check_start(struct authenticator *a, const struct login *l, struct str password,
	struct check_owner owner)
{
	struct check *c = NEW(struct check);
	bool usable = l->found && !l->disabled && password_is_hash(l->credentials.hash);

	c->work = (struct work){ .run = hash_run, .done = hash_done };
	c->a = a;
	c->owner = owner;
	c->id = usable ? l->id : 0;
	c->version = l->version;
	if (usable)
		c->kept = l->credentials;
	else
		memcpy(c->kept.hash, a->dummy, sizeof c->kept.hash);
	c->upgrade = usable && a->upgrade && scheme_outdated(&c->kept);
	buf_init(&c->password, 0);
	*owner.under_way = c;
	if (!password_prepare(password, false, &c->password)) {
		check_end(c, CHECK_WRONG); /* no account has such a password: nothing to hide */
		return;
	}
	success_mac(a, c);
	if (usable && remembered(a, c->mac)) {
		check_end(c, CHECK_OK);
	} else {
		stand_in_line(c);
		pump(a);
	}
}

void check_abandon(struct check *c)
{
	if (c != NULL && c->waits) {
		fair_del(&c->a->line, &c->place);
		check_free(c);
	} else if (c != NULL) {
		c->owner.done = NULL;
	}
}
