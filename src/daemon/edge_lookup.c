#include "daemon/edge_lookup.h"

#include "base/mem.h"
#include "daemon/edge.h"
#include "daemon/ipc_lookup.h"

/* A question that nobody waits for any more keeps its place until it is answered, so that there are never more
 * under way than the store bears. */
struct edge_lookup_place {
	struct edge_lookup *q; /* NULL: nobody waits */
	bool open;
	uint32_t seq;
};

static uint32_t free_place(struct edge_lookups *l)
{
	uint32_t at = 0;

	while (at < l->count && l->places[at].open)
		at++;
	if (at < l->count || l->count == LOOKUPS_MAX)
		return at;
	l->count = l->count == 0 ? 16 : l->count * 2;
	l->places = mem_array(l->places, l->count, sizeof *l->places);
	memset(l->places + at, 0, (l->count - at) * sizeof *l->places);
	return at;
}
_Static_assert(
	LOOKUPS_MAX % 16 == 0 && (LOOKUPS_MAX & (LOOKUPS_MAX - 1)) == 0, "it doubles up to that");

bool edge_lookup_start(struct edge *e, struct edge_lookup *q, struct str name, enum dns_type type,
	void (*done)(struct edge_lookup *q, const struct dns_answer *a))
{
	struct edge_lookups *l = &e->lookups;
	struct ipc_head head = { .type = IPC_LOOKUP };
	struct buf b = { 0 };
	uint32_t at;

	if (e->store == NULL || e->store_lost || (at = free_place(l)) == LOOKUPS_MAX)
		return false;
	if (++e->seq == 0)
		e->seq = 1;
	head.session = at;
	head.seq = e->seq;
	l->places[at] = (struct edge_lookup_place){ .q = q, .open = true, .seq = e->seq };
	q->place = at + 1;
	q->done = done;
	lookup_question_put(&b, name, type);
	ipc_send(e->store, &head, buf_str(&b), STR(""), -1);
	buf_deinit(&b);
	return true;
}

void edge_lookup_cancel(struct edge *e, struct edge_lookup *q)
{
	if (q->place != 0)
		e->lookups.places[q->place - 1].q = NULL;
	q->place = 0;
}

static void answer(struct edge_lookup_place *place, const struct dns_answer *a)
{
	struct edge_lookup *q = place->q;

	*place = (struct edge_lookup_place){ .open = false };
	if (q == NULL)
		return;
	q->place = 0;
	q->done(q, a);
}

void edge_lookup_answered(struct edge *e, struct ipc_packet *p)
{
	struct edge_lookups *l = &e->lookups;
	struct dns_row rows[DNS_ROWS_MAX];
	struct dns_answer a;

	if (p->head.session >= l->count || !l->places[p->head.session].open ||
		l->places[p->head.session].seq != p->head.seq)
		return;
	lookup_answer_get(&p->body, p->head.result, rows, &a);
	answer(&l->places[p->head.session], &a);
}

void edge_lookups_lost(struct edge *e)
{
	struct dns_answer none = { .outcome = DNS_FAILED };

	for (uint32_t i = 0; i < e->lookups.count; i++)
		if (e->lookups.places[i].open)
			answer(&e->lookups.places[i], &none);
}
