#include <stdlib.h>

#include "account/directory.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

/* Recent answers by canonical address, so that a thousand messages for one list cost one walk.  An address has
 * a few places it may stand at; more addresses only cost the lookup.  Emptied by every change; nobody
 * else has the file open. */
enum { CACHE_SLOTS = 4096, CACHE_PLACES = 4, CACHE_IDS = 4 };

struct slot {
	uint64_t generation; /* valid while it is the cache's */
	uint64_t hash;
	enum resolved answer;
	uint16_t n;
	uint16_t nids;
	uint64_t ids[CACHE_IDS];
	char address[ADDRESS_MAX];
};

struct resolve_cache {
	uint64_t generation, key[2];
	struct slot *slots; /* NULL until first needed */
};

struct resolve_cache *resolve_cache_new(void)
{
	struct resolve_cache *c = NEW(struct resolve_cache);

	c->generation = 1;
	random_bytes(c->key, sizeof c->key);
	return c;
}

void resolve_cache_free(struct resolve_cache *c)
{
	if (c != NULL)
		free(c->slots);
	free(c);
}

void resolve_cache_flush(struct resolve_cache *c)
{
	c->generation++;
}

static struct slot *places(const struct resolve_cache *c, uint64_t hash)
{
	return c->slots + hash % (CACHE_SLOTS / CACHE_PLACES) * CACHE_PLACES;
}

/* Keeps ids sorted, each once. */
static void add_id(struct maildrops *m, uint64_t id)
{
	size_t at = m->count;

	while (at > 0 && m->ids[at - 1] > id)
		at--;
	if (at > 0 && m->ids[at - 1] == id)
		return;
	if (m->count == m->cap) {
		m->cap = m->cap == 0 ? 4 : m->cap * 2;
		m->ids = mem_array(m->ids, m->cap, sizeof *m->ids);
	}
	memmove(m->ids + at + 1, m->ids + at, (m->count - at) * sizeof *m->ids);
	m->ids[at] = id;
	m->count++;
}

void maildrops_free(struct maildrops *m)
{
	free(m->ids);
	buf_deinit(&m->onward);
	*m = (struct maildrops){ 0 };
}

static bool cached(
	struct directory *d, struct str address, struct maildrops *out, enum resolved *answer)
{
	const struct resolve_cache *c = d->cache;
	uint64_t hash;
	const struct slot *s;

	if (c->slots == NULL)
		return false;
	hash = hash_str(c->key, address);
	s = places(c, hash);
	for (size_t left = CACHE_PLACES; left > 0; left--, s++) {
		if (s->generation != c->generation || s->hash != hash ||
			!str_eq(address, str_of(s->address, s->n)))
			continue;
		for (size_t i = 0; i < s->nids; i++)
			add_id(out, s->ids[i]);
		*answer = s->answer;
		return true;
	}
	return false;
}

static void remember(struct directory *d, struct str address, const struct maildrops *found,
	enum resolved answer)
{
	struct resolve_cache *c = d->cache;
	uint64_t hash = hash_str(c->key, address);
	struct slot *s;
	size_t at = 0;

	if (found->count > CACHE_IDS || found->onward_count > 0 || address.n > ADDRESS_MAX ||
		answer == RESOLVED_TEMP)
		return;
	if (c->slots == NULL)
		c->slots = mem_zalloc(CACHE_SLOTS * sizeof *c->slots);
	s = places(c, hash);
	while (at < CACHE_PLACES && s[at].generation == c->generation)
		at++;
	s += at < CACHE_PLACES ? at : (hash >> 32) % CACHE_PLACES;
	s->generation = c->generation;
	s->answer = answer;
	s->hash = hash;
	s->n = (uint16_t)address.n;
	memcpy(s->address, address.p, address.n);
	s->nids = (uint16_t)found->count;
	if (found->count > 0)
		memcpy(s->ids, found->ids, found->count * sizeof *s->ids);
}

/* The accounts behind a canonical name: itself, or everybody an alias leads to.  Disabled members of a
 * group are passed over; only when nobody is left does the answer say so. */
static enum resolved onward_of(struct directory *d, struct str name, struct maildrops *found)
{
	sqlite3_stmt *s = sql_take(d, SQL_ALIAS_ONWARD);
	enum status status;
	struct canonical c;
	bool row = false, ours;

	sql_bind(s, 1, name);
	sqlite3_bind_int(s, 2, ALIAS_DEPTH_MAX + 1);
	while ((status = sql_step(d, s, &row, "resolve", NULL)) == ST_OK && row) {
		if (!canonical_address(sql_text(s, 0), &c))
			continue;
		status = directory_has_domain(d, canonical_domain(&c), &ours, NULL);
		if (status != ST_OK)
			break;
		/* a domain may have become ours since; then nobody is there */
		if (ours)
			continue;
		put_str(&found->onward, sql_text(s, 0));
		found->onward_count++;
	}
	sql_done(s);
	return status == ST_OK ? RESOLVED : RESOLVED_TEMP;
}

/* Most names are no alias: then the walk would visit the name alone. */
static enum status is_alias(struct directory *d, struct str name, bool *is)
{
	sqlite3_stmt *s = sql_take(d, SQL_ALIAS_GET);
	enum status status;

	sql_bind(s, 1, name);
	status = sql_step(d, s, is, "resolve", NULL);
	sql_done(s);
	return status;
}

static enum resolved accounts_of(struct directory *d, struct str name, struct maildrops *found)
{
	bool row = false, disabled = false, alias = false;
	enum status status = is_alias(d, name, &alias);
	sqlite3_stmt *s = sql_take(d, alias ? SQL_ALIAS_ACCOUNTS : SQL_ACCOUNT_STATE);

	if (status != ST_OK)
		return RESOLVED_TEMP;
	sql_bind(s, 1, name);
	if (alias)
		sqlite3_bind_int(s, 2, ALIAS_DEPTH_MAX + 1);
	while ((status = sql_step(d, s, &row, "resolve", NULL)) == ST_OK && row) {
		if (sqlite3_column_int(s, 1) != 0)
			disabled = true;
		else
			add_id(found, (uint64_t)sqlite3_column_int64(s, 0));
	}
	sql_done(s);
#ifdef MUTANT_UNREADABLE_IS_NOBODY
	if (status != ST_OK)
		return RESOLVED_NOWHERE;
#endif
	if (status != ST_OK || (alias && onward_of(d, name, found) != RESOLVED))
		return RESOLVED_TEMP;
	if (found->count + found->onward_count > 0)
		return RESOLVED;
	return disabled ? RESOLVED_DISABLED : RESOLVED_NOWHERE;
}

void directory_drop_characters(struct directory *d, struct str text)
{
	static const char may_be[] = ".-_'";
	size_t n = 0;

	for (size_t i = 0; may_be[i] != '\0'; i++)
		if (str_find(text, may_be[i]) < text.n)
			d->dropped[n++] = may_be[i];
	d->dropped[n] = '\0';
	resolve_cache_flush(d->cache);
}

/* The name to look for so; false: it is none, or one that was looked for already.  What is before "+tag" is the
 * name, RFC 5233 5 calls the rest the detail. */
static bool name_as(const struct directory *d, const struct canonical *c, enum stands how,
	struct canonical *name)
{
	struct str local = canonical_local(c), dropped = str_c(d->dropped);
	size_t plus = str_find(local, '+'), n = 0;
	char kept[ADDRESS_MAX];

	*name = *c;
	if (how == STANDS_AS_WRITTEN)
		return true;
	if (plus > 0)
		local = str_head(local, plus);
	if (how == STANDS_WITHOUT_TAG)
		return plus > 0 && plus < c->local_n &&
		       canonical_join(name, local, canonical_domain(c));
	for (size_t i = 0; i < local.n; i++)
		if (str_find(dropped, local.p[i]) == dropped.n)
			kept[n++] = local.p[i];
	return n > 0 && n < local.n && canonical_join(name, str_of(kept, n), canonical_domain(c));
}

/* The first of its names that somebody has. */
static enum resolved stands(struct directory *d, const struct canonical *c, struct maildrops *found,
	enum stands *how, struct canonical *name)
{
	enum resolved answer = RESOLVED_NOWHERE;

	for (*how = STANDS_AS_WRITTEN; *how <= STANDS_WITHOUT_DROPPED; ++*how)
		if (name_as(d, c, *how, name) &&
			(answer = accounts_of(d, canonical_str(name), found)) != RESOLVED_NOWHERE)
			return answer;
	*how = STANDS_NOWHERE;
	return answer;
}

static enum resolved mailbox(
	struct directory *d, const struct canonical *c, struct maildrops *found)
{
	struct canonical name;
	enum stands how;

	return stands(d, c, found, &how, &name);
}

enum stands directory_stands(struct directory *d, struct str recipient, struct buf *name)
{
	struct canonical c, as;
	struct maildrops found = { .ids = NULL };
	enum stands how = STANDS_NOWHERE;
	bool local;

	if (canonical_address(recipient, &c) &&
		directory_map_domain(d, &c, &local, NULL) == ST_OK && local)
		(void)stands(d, &c, &found, &how, &as);
	if (how != STANDS_NOWHERE)
		buf_put(name, canonical_str(&as));
	maildrops_free(&found);
	return how;
}

/* RFC 5321 4.5.1: postmaster is deliverable, with a mailbox of that name or without, and also when that
 * mailbox is disabled: then the oldest account is the one who runs the place. */
static enum resolved oldest_account(struct directory *d, struct maildrops *found)
{
	sqlite3_stmt *s = sql_take(d, SQL_ACCOUNT_FIRST);
	bool row = false;
	enum status status = sql_step(d, s, &row, "find the postmaster", NULL);

	if (status == ST_OK && row)
		add_id(found, (uint64_t)sqlite3_column_int64(s, 0));
	sql_done(s);
	if (status != ST_OK)
		return RESOLVED_TEMP;
	return row ? RESOLVED : RESOLVED_NOWHERE;
}

static bool is_postmaster(const struct canonical *c)
{
	struct str local = canonical_local(c);

	return str_eq(str_head(local, str_find(local, '+')), STR("postmaster"));
}

/* postmaster without a domain (RFC 5321 4.1.1.3): of the first domain that has one. */
static enum resolved bare_postmaster(struct directory *d, struct maildrops *found)
{
	sqlite3_stmt *s = sql_take(d, SQL_DOMAIN_EACH);
	enum resolved answer = RESOLVED_NOWHERE;
	enum status status = ST_OK;
	struct canonical c;
	bool row;

	while (answer != RESOLVED && answer != RESOLVED_TEMP &&
		(status = sql_step(d, s, &row, "list domains", NULL)) == ST_OK && row)
		if (canonical_join(&c, STR("postmaster"), sql_text(s, 0)))
			answer = accounts_of(d, canonical_str(&c), found);
	sql_done(s);
	if (status != ST_OK)
		return RESOLVED_TEMP;
	return answer == RESOLVED || answer == RESOLVED_TEMP ? answer : oldest_account(d, found);
}

/* "@domain": who gets what nobody else there gets.  A disabled account is somebody. */
static enum resolved caught(struct directory *d, const struct canonical *c, struct maildrops *found)
{
	return accounts_of(d, str_from(canonical_str(c), c->local_n), found);
}

static enum resolved look_up(
	struct directory *d, const struct canonical *address, struct maildrops *found)
{
	struct canonical mapped = *address, *c = &mapped;
	enum resolved answer;
	bool local = false;

	if (directory_map_domain(d, c, &local, NULL) != ST_OK)
		return RESOLVED_TEMP;
	if (!local)
		return RESOLVED_FOREIGN;
	answer = mailbox(d, c, found);
	if (answer == RESOLVED_NOWHERE)
		answer = caught(d, c, found);
	if ((answer == RESOLVED_NOWHERE || answer == RESOLVED_DISABLED) && is_postmaster(c))
		answer = oldest_account(d, found);
	return answer;
}

enum resolved directory_resolve(struct directory *d, struct str recipient, struct maildrops *out)
{
	struct canonical c;
	struct maildrops found = { .ids = NULL };
	enum resolved answer;

	if (!canonical_address(recipient, &c)) {
		/* Not an address, so not ours and not anybody's: nothing is guessed out of it. */
		if (!canonical_name(recipient, &c) || !is_postmaster(&c))
			return RESOLVED_NOWHERE;
		answer = bare_postmaster(d, &found);
	} else if (cached(d, canonical_str(&c), out, &answer)) {
		return answer;
	} else {
		answer = look_up(d, &c, &found);
		remember(d, canonical_str(&c), &found, answer);
	}
	for (size_t i = 0; answer == RESOLVED && i < found.count; i++)
		add_id(out, found.ids[i]);
	if (answer == RESOLVED && found.onward_count > 0) {
		buf_put(&out->onward, buf_str(&found.onward));
		out->onward_count += found.onward_count;
	}
	maildrops_free(&found);
	return answer;
}

enum said directory_may_send_as(struct directory *d, uint64_t id, struct str address)
{
	struct canonical c;
	struct maildrops found = { .ids = NULL };
	enum resolved resolved;
	bool may = false, local;

	if (!canonical_address(address, &c))
		return SAID_NO;
	if (directory_map_domain(d, &c, &local, NULL) != ST_OK)
		return SAID_NOTHING;
	resolved = mailbox(d, &c, &found);
	for (size_t i = 0; resolved == RESOLVED && i < found.count && !may; i++)
		may = found.ids[i] == id;
	maildrops_free(&found);
	if (resolved == RESOLVED_TEMP)
		return SAID_NOTHING;
	return may ? SAID_YES : SAID_NO;
}
