/* Logins that find their maildrop open wait a moment for it.  Who hangs up without QUIT has it until an edge
 * has seen that, and a client that comes back at once is not to be told [IN-USE] (RFC 2449 8.1.2) by the
 * ghost of its own last session. */
#include <stdlib.h>

#include "base/mem.h"
#include "daemon/svc.h"

/* Who has one password cannot take the places of all the others. */
enum { WAITS_MAX = 256, WAITS_EACH = 4 };

struct svc_wait {
	struct link link; /* in svc.waits, who came first at the front */
	struct svc_session *session;
	uint64_t maildrop; /* the one that was open */
	bool again;        /* it was closed meanwhile */
	int64_t until_ms;
	struct loop_timer over;
};

static bool is_room(const struct svc *s, uint64_t account)
{
	size_t all = 0, own = 0;

	for (struct link *l = s->waits.next; l != &s->waits; l = l->next) {
		all++;
		own += LIST_OF(l, struct svc_wait, link)->session->account == account;
	}
	return all < WAITS_MAX && own < WAITS_EACH;
}

/* Once more, since not everybody who closes a maildrop tells us. */
static void time_over(struct loop_timer *t)
{
	svc_open(LIST_OF(t, struct svc_wait, over)->session);
}

static struct svc_wait *begin(struct svc_session *x)
{
	struct svc *s = x->edge->svc;
	struct svc_wait *w = NEW(struct svc_wait);

	w->session = x;
	w->until_ms = loop_now_ms(s->loop) + s->office.config->pop3_lock_wait_ms;
	list_append(&s->waits, &w->link);
	loop_timer_init(&w->over, s->loop, time_over);
	loop_timer_at(&w->over, w->until_ms);
	return w;
}

bool svc_wait(struct svc_session *x)
{
	struct svc *s = x->edge->svc;

	if (x->wait == NULL && s->office.config->pop3_lock_wait_ms > 0 && is_room(s, x->account))
		x->wait = begin(x);
	if (x->wait == NULL || loop_now_ms(s->loop) >= x->wait->until_ms)
		return false;
	x->wait->maildrop = x->drops[x->drop_at].maildrop;
	x->wait->again = false;
	return true;
}

void svc_wait_stop(struct svc_session *x)
{
	if (x->wait == NULL)
		return;
	loop_timer_stop(&x->wait->over);
	list_del(&x->wait->link);
	free(x->wait);
	x->wait = NULL;
}

void svc_wait_closed(struct svc *s, uint64_t maildrop)
{
	for (struct link *l = s->waits.next; l != &s->waits; l = l->next) {
		struct svc_wait *w = LIST_OF(l, struct svc_wait, link);

		w->again = w->again || w->maildrop == maildrop;
	}
}

void svc_wait_turn(struct svc *s)
{
	struct link *l, *next;

	for (l = s->waits.next; l != &s->waits; l = next) {
		struct svc_wait *w = LIST_OF(l, struct svc_wait, link);

		next = l->next;
		if (w->again)
			svc_open(w->session);
	}
}
