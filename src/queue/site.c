#include "queue/site.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "queue/site_group.h"

enum {
	BUCKETS = 4096,
	FIRST_WINDOW = 2,
	CLOSED_FIRST_MS = 60 * 1000,
	CLOSED_MAX_MS = 30 * 60 * 1000,
	REPLY_MAX = 500,
};

void sites_init(struct sites *s, size_t max)
{
	*s = (struct sites){ .max = max, .connections = 20 };
	s->buckets = mem_array(NULL, BUCKETS, sizeof *s->buckets);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&s->buckets[i]);
	list_init(&s->order);
	random_bytes(s->key, sizeof s->key);
	site_groups_init(s);
}

uint32_t site_connections(const struct sites *s, const struct site_limit *limit)
{
	return limit != NULL && limit->connections > 0 ? (uint32_t)limit->connections
						       : s->connections;
}

uint32_t site_rate(const struct sites *s, const struct site_limit *limit)
{
	return limit != NULL && limit->rate > 0 ? (uint32_t)limit->rate : s->rate;
}

void site_pace(int64_t *at_ms, uint32_t rate, int64_t now_ms)
{
	if (rate > 0)
		*at_ms = (*at_ms > now_ms ? *at_ms : now_ms) + 60000 / rate;
}

void sites_set_limits(struct sites *s, const struct site_limit *limits, size_t count)
{
	s->limits = limits;
	s->limit_count = count;
	for (struct link *l = s->order.next; l != &s->order; l = l->next) {
		struct site *site = LIST_OF(l, struct site, order);

		site_leave(site);
		site->limit = site_limit_of(s, site->key);
	}
}

static void drop(struct sites *s, struct site *site)
{
	list_del(&site->hash);
	list_del(&site->order);
	list_del(&site->runnable);
	site_leave(site);
	free((void *)(uintptr_t)site->key.p);
	free((void *)(uintptr_t)site->reply.p);
	free(site);
	s->count--;
}

static int64_t lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void site_closing(struct site *site, const struct schedule *schedule)
{
	if (schedule->waits == 0)
		return;
	site->closed_first_ms = lesser(CLOSED_FIRST_MS, schedule->wait_ms[0]);
	site->closed_max_ms = lesser(CLOSED_MAX_MS, schedule->wait_ms[schedule->waits - 1]);
}

void sites_deinit(struct sites *s)
{
	while (!list_empty(&s->order))
		drop(s, LIST_OF(s->order.next, struct site, order));
	free(s->buckets);
	free(s->groups);
}

static struct link *bucket(struct sites *s, struct str key)
{
	return &s->buckets[hash_str(s->key, key) % BUCKETS];
}

struct site *sites_find(struct sites *s, struct str key)
{
	struct link *head = bucket(s, key);

	for (struct link *l = head->next; l != head; l = l->next)
		if (str_eq(LIST_OF(l, struct site, hash)->key, key))
			return LIST_OF(l, struct site, hash);
	return NULL;
}

static struct str keep(struct str text)
{
	return str_of(memcpy(mem_alloc(text.n + 1), text.p, text.n), text.n);
}

/* Those that nobody uses go, the least lately used first. */
static void make_room(struct sites *s)
{
	struct link *l = s->order.next;

	while (s->count >= s->max && l != &s->order) {
		struct site *site = LIST_OF(l, struct site, order);

		l = l->next;
		if (site->active == 0 && site->parked_count == 0)
			drop(s, site);
	}
}

bool site_free(const struct sites *s, struct str key, int64_t now_ms, int64_t *when)
{
	const struct site *site = sites_find((struct sites *)(uintptr_t)s, key);
	uint32_t limit;

	*when = 0;
	if (site == NULL)
		return true;
	*when = site->closed_until_ms > site->rate_at_ms ? site->closed_until_ms : site->rate_at_ms;
	if (*when > now_ms)
		return false;
	*when = 0;
	/* it was closed: one finds out */
	limit = site->closed_until_ms != 0 ? 1 : site->window;
	if (site->active >= limit || site->active >= site_connections(s, site->limit))
		return false;
	return site_group_free(s, site, now_ms, when);
}

struct site *site_begin(struct sites *s, struct str key, int64_t now_ms)
{
	struct site *site = sites_find(s, key);

	if (site == NULL) {
		make_room(s);
		site = NEW(struct site);
		site->key = keep(key);
		site->reply = keep(STR(""));
		site->window = FIRST_WINDOW;
		site->threshold = UINT32_MAX;
		site->closed_first_ms = CLOSED_FIRST_MS;
		site->closed_max_ms = CLOSED_MAX_MS;
		list_append(bucket(s, key), &site->hash);
		list_init(&site->order);
		list_init(&site->parked);
		list_init(&site->runnable);
		list_init(&site->member);
		list_init(&site->waiting);
		site->limit = site_limit_of(s, key);
		s->count++;
	}
	list_del(&site->order);
	list_append(&s->order, &site->order);
	site->active++;
	site_pace(&site->rate_at_ms, site_rate(s, site->limit), now_ms);
	site_group_begin(s, site, now_ms);
	return site;
}

static void worked(const struct sites *s, struct site *site)
{
	site->failures = 0;
	site->closed_until_ms = 0;
	site->successes++;
	if (site->window >= site_connections(s, site->limit) ||
		(site->window >= site->threshold && site->successes < site->window))
		return;
	site->window++;
	site->successes = 0;
}

static void failed(struct site *site, struct str reply, int64_t now_ms)
{
	int64_t closed = site->closed_first_ms;

	free((void *)(uintptr_t)site->reply.p);
	site->reply = keep(str_head(reply, REPLY_MAX));
	site->failures++;
	site->successes = 0;
	site->window = site->window > 1 ? site->window / 2 : 1;
	site->threshold = site->window;
	if (site->window > 1)
		return;
	/* those that began before it was closed say nothing new */
	if (site->closed_until_ms > now_ms)
		return;
	for (uint32_t i = 2; i < site->failures && closed < site->closed_max_ms; i++)
		closed *= 2;
	site->closed_until_ms = now_ms + lesser(closed, site->closed_max_ms);
}

void site_end(
	struct sites *s, struct site *site, enum site_end end, struct str reply, int64_t now_ms)
{
	site->active--;
	if (site->group != NULL)
		site->group->active--;
	switch (end) {
	case SITE_WORKED: worked(s, site); break;
	case SITE_FAILED: failed(site, reply, now_ms); break;
	case SITE_NOTHING: break;
	}
	if (site->active == 0 && site->parked_count == 0 && site->failures == 0 && !site->more &&
		site->rate_at_ms <= now_ms && s->count > s->max / 2)
		drop(s, site);
}

void site_reopen(struct sites *s, struct str key)
{
	struct site *site = sites_find(s, key);

	if (site != NULL && site->closed_until_ms != 0)
		site->closed_until_ms = 1; /* past, but still for one that finds out */
}
