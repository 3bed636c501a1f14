/* site_group.h -- inside of the destinations: those that end at the same mail exchangers, and limits. */
#ifndef RESTANTE_QUEUE_SITE_GROUP_H
#define RESTANTE_QUEUE_SITE_GROUP_H

#include "queue/site.h"

struct site_group {
	struct link hash;
	struct str key;                 /* owned */
	const struct site_limit *limit; /* NULL: as for every destination */
	struct link members, waiting;
	uint32_t active; /* of all members */
	int64_t rate_at_ms;
};

void site_groups_init(struct sites *s);
const struct site_limit *site_limit_of(const struct sites *s, struct str key);
void site_leave(struct site *site);
bool site_group_free(const struct sites *s, const struct site *site, int64_t now_ms, int64_t *when);
void site_group_begin(const struct sites *s, struct site *site, int64_t now_ms);

/* site.c */
uint32_t site_connections(const struct sites *s, const struct site_limit *limit);
uint32_t site_rate(const struct sites *s, const struct site_limit *limit);
/* One more begins: the next one not before *at_ms. */
void site_pace(int64_t *at_ms, uint32_t rate, int64_t now_ms);

#endif
