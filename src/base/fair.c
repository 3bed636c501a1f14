#include "base/fair.h"

enum { FAIR_NEAR = 8 }; /* where a flow may be */

void fair_init(struct fair *f, size_t max)
{
	*f = (struct fair){ .max = max };
	list_init(&f->fresh);
	list_init(&f->old);
	for (size_t i = 0; i < FAIR_FLOWS; i++) {
		list_init(&f->flows[i].items);
		list_init(&f->flows[i].turn);
	}
}

unsigned fair_flow(struct fair *f, unsigned key)
{
	unsigned free = FAIR_FLOWS;

	for (unsigned i = 0; i < FAIR_NEAR; i++) {
		unsigned at = (key + i) % FAIR_FLOWS;
		bool idle = list_empty(&f->flows[at].turn);

		if (!idle && f->flows[at].key == key)
			return at;
		if (idle && free == FAIR_FLOWS)
			free = at;
	}
	if (free == FAIR_FLOWS)
		return key % FAIR_FLOWS;
	f->flows[free].key = key;
	return free;
}

static struct fair_flow *longest(struct fair *f)
{
	struct fair_flow *most = f->flows;

	for (size_t i = 1; i < FAIR_FLOWS; i++)
		if (f->flows[i].count > most->count)
			most = &f->flows[i];
	return most;
}

void fair_del(struct fair *f, struct fair_item *item)
{
	list_del(&item->link);
	f->flows[item->flow].count--;
	f->count--;
}

struct fair_item *fair_put(struct fair *f, struct fair_item *item)
{
	struct fair_flow *flow = &f->flows[item->flow];
	struct fair_item *loser = NULL;

	if (f->count >= f->max) {
		struct fair_flow *most = longest(f);

		if (most->count < 2 || most->count <= flow->count)
			return item;
		loser = LIST_OF(most->items.prev, struct fair_item, link);
		fair_del(f, loser);
	}
	list_append(&flow->items, &item->link);
	flow->count++;
	f->count++;
	if (list_empty(&flow->turn))
		list_append(&f->fresh, &flow->turn);
	return loser;
}

/* A flow that has nothing left keeps its place among the old for one turn: who sends one at a time is not
 * always fresh. */
struct fair_item *fair_take(struct fair *f)
{
	for (;;) {
		bool fresh = !list_empty(&f->fresh);
		struct link *turn = list_take(fresh ? &f->fresh : &f->old);
		struct fair_flow *flow;
		struct fair_item *item;

		if (turn == NULL)
			return NULL;
		flow = LIST_OF(turn, struct fair_flow, turn);
		if (flow->count > 0 || fresh)
			list_append(&f->old, turn);
		if (flow->count == 0)
			continue;
		item = LIST_OF(flow->items.next, struct fair_item, link);
		fair_del(f, item);
		return item;
	}
}
