#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/carrier_find.h"

struct question {
	struct dns_query query;
	struct link link;
	struct find *find;
	size_t number;
};

static void ask_more(struct find *f);

static void answered(struct dns_query *query, const struct dns_answer *a)
{
	struct question *q = LIST_OF(query, struct question, query);
	struct find *f = q->find;

	nexthop_answer(f->hops, q->number, a);
	list_del(&q->link);
	free(q);
	ask_more(f);
}

static void found(struct loop_timer *t)
{
	struct find *f = LIST_OF(t, struct find, later);

	f->done(f);
}

static void ask_more(struct find *f)
{
	struct nexthop_question wanted;

	while (nexthop_ask(f->hops, &wanted)) {
		struct question *q = NEW(struct question);

		q->find = f;
		q->number = wanted.number;
		list_append(&f->open, &q->link);
		resolve_start(f->resolver, &q->query, str_c(wanted.name), wanted.type, answered);
	}
	if (nexthop_result(f->hops) != ST_MORE)
		loop_timer_at(&f->later, 0);
}

void find_start(struct find *f, struct loop *l, struct resolver *r,
	const struct nexthop_config *config, const struct find_where *where)
{
	uint64_t seed;

	random_bytes(&seed, sizeof seed);
	f->resolver = r;
	list_init(&f->open);
	loop_timer_init(&f->later, l, found);
	f->hops = nexthop_new(config, where->kind, where->name, where->port, seed);
	ask_more(f);
}

void find_end(struct find *f)
{
	struct link *l;

	if (f->hops == NULL)
		return;
	loop_timer_stop(&f->later);
	while ((l = list_take(&f->open)) != NULL) {
		struct question *q = LIST_OF(l, struct question, link);

		resolve_cancel(&q->query);
		free(q);
	}
	nexthop_free(f->hops);
	f->hops = NULL;
}
