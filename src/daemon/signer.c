#include <stdlib.h>

#include "account/dkim_keys.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer.h"
#include "mime/address.h"

enum { KEPT_DOMAINS = 64, WAITING_MAX = 1000 };

struct signer_keys { /* of one domain; read by threads, changed by none */
	unsigned refs;
	char domain[DKIM_DOMAIN_MAX + 1];
	size_t count;
	struct signer_key {
		struct dkim_key *key;
		enum dkim_algorithm algorithm;
		char selector[DKIM_SELECTOR_MAX + 1];
		int64_t active_ms, retired_ms;
	} keys[DKIM_KEYS_MAX];
};

struct signer {
	struct directory *directory; /* not owned */
	struct work_pool *pool;
	uint64_t generation;
	struct signer_keys *kept[KEPT_DOMAINS]; /* direct mapped; all of this generation */
};

static void unref(struct signer_keys *k)
{
	if (k == NULL || --k->refs > 0)
		return;
	for (size_t i = 0; i < k->count; i++)
		dkim_key_free(k->keys[i].key);
	free(k);
}

static void forget(struct signer *s)
{
	for (size_t i = 0; i < KEPT_DOMAINS; i++) {
		unref(s->kept[i]);
		s->kept[i] = NULL;
	}
}

struct signer *signer_new(struct directory *d, unsigned threads)
{
	struct signer *s = NEW(struct signer);

	s->directory = d;
	s->pool = work_pool_new(threads, WAITING_MAX);
	return s;
}

void signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	work_pool_free(s->pool);
	forget(s);
	free(s);
}

int signer_fd(const struct signer *s)
{
	return work_fd(s->pool);
}

void signer_poll(struct signer *s)
{
	work_poll(s->pool);
}

static void copy_text(char *to, struct str s, size_t max)
{
	s = str_head(s, max);
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

static bool parse_key(void *arg, const struct dkim_row *row)
{
	struct signer_keys *k = arg;
	struct signer_key *to = &k->keys[k->count];

	to->key = dkim_key_new((enum dkim_algorithm)row->algorithm, row->private_key);
	if (to->key == NULL) {
		log_error("dkim.key-broken", F_STR("domain", row->domain),
			F_STR("selector", row->selector));
		return true;
	}
	copy_text(to->selector, row->selector, DKIM_SELECTOR_MAX);
	copy_text(k->domain, row->domain, DKIM_DOMAIN_MAX);
	to->algorithm = (enum dkim_algorithm)row->algorithm;
	to->active_ms = row->active_ms;
	to->retired_ms = row->retired_ms;
	return ++k->count < DKIM_KEYS_MAX;
}

static bool signs_now(const struct signer_key *k, int64_t steady_ms)
{
	return k->active_ms <= steady_ms && (k->retired_ms == 0 || k->retired_ms > steady_ms);
}

/* Also of a domain without keys: that answer is kept as well.  NULL: they cannot be read. */
static struct signer_keys *keys_of(struct signer *s, struct str domain, struct err *err)
{
	uint32_t slot = crc32c(0, domain.p, domain.n) % KEPT_DOMAINS;
	struct signer_keys *k = s->kept[slot];
	enum status status;

	if (s->generation != directory_generation(s->directory)) {
		forget(s);
		s->generation = directory_generation(s->directory);
		k = NULL;
	}
	if (k != NULL && str_eq(str_c(k->domain), domain))
		return k;
	k = NEW(struct signer_keys);
	k->refs = 1;
	copy_text(k->domain, domain, DKIM_DOMAIN_MAX);
	status = dkim_keys_each(s->directory, domain, parse_key, k, err);
	if (status != ST_OK && status != ST_NOTFOUND && status != ST_USAGE) {
		unref(k);
		return NULL;
	}
	unref(s->kept[slot]);
	s->kept[slot] = k;
	return k;
}

/* Does a key of the domain in an address sign now? */
static enum said keys_for(struct signer *s, struct str address, int64_t steady_ms,
	struct signer_keys **found, struct err *err)
{
	char domain[DKIM_DOMAIN_MAX + 1];

	if (!dkim_domain_of(address, domain))
		return SAID_NO;
	*found = keys_of(s, str_c(domain), err);
	if (*found == NULL)
		return SAID_NOTHING;
	for (size_t i = 0; i < (*found)->count; i++)
		if (signs_now(&(*found)->keys[i], steady_ms))
			return SAID_YES;
	return SAID_NO;
}

static enum said choose(struct signer *s, struct signing *to, uint64_t account)
{
	struct address_list from = { .rest = dkim_hash_from(to->hash) };
	struct buf address = { 0 };
	enum said signs = SAID_NO;
	enum status status;
	struct account a;

	if (address_cut(&from, &address) == ADDRESS_CUT)
		signs = keys_for(s, buf_str(&address), to->steady_ms, &to->keys, &to->err);
	buf_deinit(&address);
	if (signs != SAID_NO)
		return signs;
	to->err = (struct err){ 0 };
	status = account_by_id(s->directory, account, &a, &to->err);
	if (status != ST_OK)
		return status == ST_NOTFOUND ? SAID_NO : SAID_NOTHING;
	return keys_for(s, str_c(a.address), to->steady_ms, &to->keys, &to->err);
}

static void run(struct work *w)
{
	struct signing *to = LIST_OF(w, struct signing, work);

	for (size_t i = 0; i < to->keys->count && to->err.code == ST_OK; i++) {
		const struct signer_key *k = &to->keys->keys[i];
		struct dkim_signer signer = { .key = k->key,
			.domain = str_c(to->keys->domain),
			.selector = str_c(k->selector),
			.wall_ms = to->wall_ms };

		if (signs_now(k, to->steady_ms))
			dkim_sign(to->hash, &signer, &to->fields, &to->err);
	}
}

static void finished(struct work *w)
{
	struct signing *to = LIST_OF(w, struct signing, work);

	/* Unsigned mail is worse than signed, and better than none. */
	if (to->err.code != ST_OK)
		log_warn(
			"dkim.unsigned", F_C("domain", to->keys->domain), F_C("err", to->err.text));
	dkim_hash_free(to->hash);
	to->hash = NULL;
	unref(to->keys);
	to->keys = NULL;
	to->done(to);
}

enum said signer_sign(
	struct signer *s, struct signing *to, struct dkim_hash *hash, uint64_t account)
{
	enum said signs;

	to->work = (struct work){ .run = run, .done = finished };
	to->hash = hash;
	to->wall_ms = clock_wall_ms();
	to->steady_ms = clock_steady_ms();
	to->err = (struct err){ 0 };
	signs = choose(s, to, account);
	if (signs == SAID_NOTHING)
		log_error("dkim.not-read", F_C("err", to->err.text));
	if (signs != SAID_YES) {
		dkim_hash_free(hash);
		to->hash = NULL;
		to->keys = NULL;
		return signs;
	}
	to->keys->refs++;
	to->err = (struct err){ 0 };
	if (!work_submit(s->pool, &to->work)) {
		run(&to->work);
		finished(&to->work);
	}
	return SAID_YES;
}

/* ---- seals ---- */

static enum said sealing_keys(struct signer *s, struct str sender, struct str hostname,
	int64_t steady_ms, struct signer_keys **found, struct err *err)
{
	const struct str names[] = { str_from(sender, str_rfind(sender, '@') + 1), hostname,
		str_from(hostname, str_find(hostname, '.') + 1) };
	struct buf address = { 0 };
	enum said signs = SAID_NO;

	for (size_t i = 0; i < sizeof names / sizeof *names && signs == SAID_NO; i++) {
		buf_clear(&address);
		buf_putc(&address, '@');
		buf_put(&address, names[i]);
		signs = keys_for(s, buf_str(&address), steady_ms, found, err);
	}
	buf_deinit(&address);
	return signs;
}

/* No mail waits for a seal. */
static bool can_seal(struct signer *s, struct str sender, struct str hostname, int64_t steady_ms,
	struct signer_keys **found)
{
	struct err err = { 0 };
	enum said signs = sealing_keys(s, sender, hostname, steady_ms, found, &err);

	if (signs == SAID_NOTHING)
		log_error("arc.not-read", F_C("err", err.text));
	return signs == SAID_YES;
}

bool signer_can_seal(struct signer *s, struct str sender, struct str hostname)
{
	struct signer_keys *keys;

	return can_seal(s, sender, hostname, clock_steady_ms(), &keys);
}

static const struct signer_key *sealing_key(const struct signer_keys *keys, int64_t steady_ms)
{
	const struct signer_key *best = NULL;

	for (size_t i = 0; i < keys->count; i++)
		if (signs_now(&keys->keys[i], steady_ms) &&
			(best == NULL || keys->keys[i].algorithm < best->algorithm))
			best = &keys->keys[i];
	return best;
}

enum said signer_of_seal(struct directory *d, struct str sender, struct str hostname,
	struct buf *domain, struct buf *selector, struct err *err)
{
	struct signer s = { .directory = d, .generation = directory_generation(d) };
	int64_t steady_ms = clock_steady_ms();
	struct signer_keys *keys;
	enum said signs = sealing_keys(&s, sender, hostname, steady_ms, &keys, err);

	if (signs == SAID_YES) {
		buf_put(domain, str_c(keys->domain));
		buf_put(selector, str_c(sealing_key(keys, steady_ms)->selector));
	}
	forget(&s);
	return signs;
}

static void run_seal(struct work *w)
{
	struct sealing *to = LIST_OF(w, struct sealing, work);
	const struct signer_key *k = sealing_key(to->keys, to->steady_ms);
	struct dkim_signer signer = { .key = k->key,
		.domain = str_c(to->keys->domain),
		.selector = str_c(k->selector),
		.wall_ms = to->wall_ms };

	arc_sign(&to->request, &signer, &to->fields, &to->err);
}

static void finished_seal(struct work *w)
{
	struct sealing *to = LIST_OF(w, struct sealing, work);

	if (to->err.code != ST_OK)
		log_warn("arc.unsealed", F_C("domain", to->keys->domain), F_C("err", to->err.text));
	unref(to->keys);
	to->keys = NULL;
	to->done(to);
}

void signer_seal(struct signer *s, struct sealing *to, struct str sender, struct str hostname)
{
	to->work = (struct work){ .run = run_seal, .done = finished_seal };
	to->wall_ms = clock_wall_ms();
	to->steady_ms = clock_steady_ms();
	to->err = (struct err){ 0 };
	if (!can_seal(s, sender, hostname, to->steady_ms, &to->keys)) {
		to->done(to);
		return;
	}
	to->keys->refs++;
	if (!work_submit(s->pool, &to->work)) {
		run_seal(&to->work);
		finished_seal(&to->work);
	}
}
