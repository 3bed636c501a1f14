/* Destinations that end at the same servers count as one (G5): a provider with a thousand domains does not get
 * a thousand times as much at once.  Which servers a domain has is known when the first delivery there is over. */
#include "queue/site_group.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "queue/route.h"

enum { BUCKETS = 4096 };

void site_groups_init(struct sites *s)
{
	s->groups = mem_array(NULL, BUCKETS, sizeof *s->groups);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&s->groups[i]);
}

static const struct site_limit *named(
	const struct sites *s, struct str host, const struct site_limit *best, size_t *most)
{
	for (size_t i = 0; i < s->limit_count; i++) {
		size_t weight = route_name_weight(str_c(s->limits[i].name), host);

		if (weight > *most) {
			best = &s->limits[i];
			*most = weight;
		}
	}
	return best;
}

const struct site_limit *site_limit_of(const struct sites *s, struct str key)
{
	struct route route;
	size_t most = 0;

	return route_parse(key, &route) ? named(s, route.host, NULL, &most) : NULL;
}

void site_leave(struct site *site)
{
	struct site_group *g = site->group;

	if (g == NULL)
		return;
	site->group = NULL;
	list_del(&site->member);
	list_del(&site->waiting);
	g->active -= site->active;
	if (!list_empty(&g->members))
		return;
	list_del(&g->hash);
	free((void *)(uintptr_t)g->key.p);
	free(g);
}

static struct site_group *find(struct sites *s, struct str key, const struct site_limit *limit)
{
	struct link *head = &s->groups[hash_str(s->key, key) % BUCKETS];
	struct site_group *g;

	for (struct link *l = head->next; l != head; l = l->next) {
		g = LIST_OF(l, struct site_group, hash);
		if (g->limit == limit && str_eq(g->key, key))
			return g;
	}
	g = NEW(struct site_group);
	g->limit = limit;
	g->key = str_of(memcpy(mem_alloc(key.n + 1), key.p, key.n), key.n);
	list_init(&g->members);
	list_init(&g->waiting);
	list_append(head, &g->hash);
	return g;
}

void site_join(struct sites *s, struct site *site, struct str exchangers)
{
	const struct site_limit *limit = NULL;
	struct str rest = exchangers;
	struct site_group *g;
	size_t most = 0;

	if (exchangers.n == 0)
		return;
	while (rest.n > 0)
		limit = named(s, str_cut(&rest, ' '), limit, &most);
	g = find(s, limit != NULL ? str_c(limit->name) : exchangers, limit);
	if (g == site->group)
		return;
	site_leave(site);
	site->group = g;
	g->active += site->active;
	list_append(&g->members, &site->member);
}

bool site_group_free(const struct sites *s, const struct site *site, int64_t now_ms, int64_t *when)
{
	const struct site_group *g = site->group;

	*when = 0;
	if (g == NULL)
		return true;
	if (g->rate_at_ms > now_ms) {
		*when = g->rate_at_ms;
		return false;
	}
	return g->active < site_connections(s, g->limit);
}

void site_group_begin(const struct sites *s, struct site *site, int64_t now_ms)
{
	if (site->group == NULL)
		return;
	site->group->active++;
	site_pace(&site->group->rate_at_ms, site_rate(s, site->group->limit), now_ms);
}

void site_wait(struct site *site)
{
	if (site->group == NULL)
		return;
	list_del(&site->waiting);
	list_append(&site->group->waiting, &site->waiting);
}

struct site *site_woken(struct site_group *g)
{
	struct link *l = g == NULL ? NULL : list_take(&g->waiting);

	return l == NULL ? NULL : LIST_OF(l, struct site, waiting);
}
