#include "daemon/svc_lookup.h"

#include <stdlib.h>

#include "base/mem.h"
#include "daemon/ipc_lookup.h"

struct svc_lookup {
	struct svc_carrier *carrier; /* NULL: free */
	struct svc_edge *edge;       /* NULL: gone */
	struct ipc_head asked;       /* as the edge did */
	uint32_t seq;                /* as the carrier was */
};

static void answer(struct svc_edge *e, struct ipc_head asked, unsigned result, struct str rows)
{
	asked.result = (uint16_t)result;
	ipc_send(e->ipc, &asked, rows, STR(""), -1);
}

/* One that takes jobs: another may be about to end. */
static struct svc_carrier *choose(const struct svc *s)
{
	struct svc_carrier *best = NULL;

	for (struct link *l = s->carriers.next; l != &s->carriers; l = l->next) {
		struct svc_carrier *c = LIST_OF(l, struct svc_carrier, link);

		if (!c->dead && (best == NULL || c->credit > best->credit))
			best = c;
	}
	return best;
}

static struct svc_lookup *free_place(struct svc_lookups *l)
{
	size_t at = 0, count = l->count == 0 ? 16 : l->count * 2;

	while (at < l->count && l->places[at].carrier != NULL)
		at++;
	if (at == l->count) {
		l->places = mem_array(l->places, count, sizeof *l->places);
		memset(l->places + at, 0, (count - at) * sizeof *l->places);
		l->count = count;
	}
	return &l->places[at];
}

bool svc_lookup(struct svc_edge *e, struct ipc_packet *p)
{
	struct svc_lookups *l = &e->svc->lookups;
	struct svc_carrier *c = choose(e->svc);
	struct ipc_head head = { .type = IPC_LOOKUP };
	struct reader question = p->body;
	struct svc_lookup *x;
	enum dns_type type;
	struct str name;

	if (p->fd >= 0 || p->head.seq == 0 || e->lookups >= LOOKUPS_MAX ||
		!lookup_question_get(&question, &name, &type))
		return false;
	if (c == NULL) {
		answer(e, p->head, DNS_FAILED, STR(""));
		return true;
	}
	if (++l->seq == 0)
		l->seq = 1;
	x = free_place(l);
	*x = (struct svc_lookup){ .carrier = c, .edge = e, .asked = p->head, .seq = l->seq };
	e->lookups++;
	head.session = (uint32_t)(x - l->places);
	head.seq = x->seq;
	ipc_send(c->ipc, &head, p->body.rest, STR(""), -1);
	return true;
}

static void end(struct svc_lookup *x, unsigned result, struct str rows)
{
	if (x->edge != NULL) {
		x->edge->lookups--;
		answer(x->edge, x->asked, result, rows);
	}
	*x = (struct svc_lookup){ .carrier = NULL };
}

bool svc_lookup_answered(struct svc_carrier *c, struct ipc_packet *p)
{
	struct svc_lookups *l = &c->svc->lookups;
	struct svc_lookup *x = p->head.session < l->count ? &l->places[p->head.session] : NULL;

	if (x == NULL || x->carrier != c || x->seq != p->head.seq)
		return false;
	end(x, p->head.result, p->body.rest);
	return true;
}

void svc_lookup_edge_lost(struct svc_edge *e)
{
	struct svc_lookups *l = &e->svc->lookups;

	for (size_t i = 0; i < l->count; i++)
		if (l->places[i].edge == e)
			l->places[i].edge = NULL;
}

void svc_lookup_carrier_lost(struct svc_carrier *c)
{
	struct svc_lookups *l = &c->svc->lookups;

	for (size_t i = 0; i < l->count; i++)
		if (l->places[i].carrier == c)
			end(&l->places[i], DNS_FAILED, STR(""));
}

void svc_lookup_free(struct svc *s)
{
	free(s->lookups.places);
	s->lookups = (struct svc_lookups){ .count = 0 };
}
