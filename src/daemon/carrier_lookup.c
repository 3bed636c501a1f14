#include "daemon/carrier_lookup.h"

#include <stdlib.h>

#include "base/mem.h"
#include "daemon/carrier.h"
#include "daemon/ipc_lookup.h"

struct carrier_lookup {
	struct link link; /* among those that are asked, or wait */
	struct carrier *carrier;
	struct dns_query query;
	struct loop_timer late;
	struct ipc_head from;
	struct buf name;
	enum dns_type type;
	bool asked;
};

static const struct dns_answer no_answer = { .outcome = DNS_FAILED };

static void answer(struct carrier *c, struct ipc_head head, const struct dns_answer *a)
{
	struct buf rows = { 0 };

	head.result = (uint16_t)lookup_answer_put(&rows, a);
	if (c->store != NULL && !c->store_lost)
		ipc_send(c->store, &head, buf_str(&rows), STR(""), -1);
	buf_deinit(&rows);
}

static void drop(struct carrier_lookup *x)
{
	x->carrier->lookups_asked -= x->asked;
	resolve_cancel(&x->query);
	loop_timer_stop(&x->late);
	list_del(&x->link);
	buf_deinit(&x->name);
	free(x);
}

static void ask_next(struct carrier *c);

static void end(struct carrier_lookup *x, const struct dns_answer *a)
{
	struct carrier *c = x->carrier;

	answer(c, x->from, a);
	drop(x);
	ask_next(c);
}

static void answered(struct dns_query *q, const struct dns_answer *a)
{
	end(LIST_OF(q, struct carrier_lookup, query), a);
}

static void late(struct loop_timer *t)
{
	end(LIST_OF(t, struct carrier_lookup, late), &no_answer);
}

static void ask_next(struct carrier *c)
{
	struct link *l;

	while (c->lookups_asked < CARRIER_LOOKUPS_MAX &&
		(l = list_take(&c->lookups_wait)) != NULL) {
		struct carrier_lookup *x = LIST_OF(l, struct carrier_lookup, link);

		x->asked = true;
		c->lookups_asked++;
		list_append(&c->lookups, &x->link);
		resolve_start(c->resolver, &x->query, buf_str(&x->name), x->type, answered);
	}
}

void carrier_lookup(struct carrier *c, struct ipc_packet *p)
{
	struct carrier_lookup *x;
	enum dns_type type;
	struct str name;

	if (c->resolver == NULL || !lookup_question_get(&p->body, &name, &type)) {
		answer(c, p->head, &no_answer);
		return;
	}
	x = NEW(struct carrier_lookup);
	x->carrier = c;
	x->from = p->head;
	x->type = type;
	buf_put(&x->name, name);
	list_append(&c->lookups_wait, &x->link);
	loop_timer_init(&x->late, c->loop, late);
	loop_timer_at(&x->late, loop_now_ms(c->loop) + c->config->check_timeout_ms);
	ask_next(c);
}

static void drop_all(struct link *list)
{
	while (!list_empty(list))
		drop(LIST_OF(list->next, struct carrier_lookup, link));
}

void carrier_lookups_lost(struct carrier *c)
{
	drop_all(&c->lookups);
	drop_all(&c->lookups_wait);
}
