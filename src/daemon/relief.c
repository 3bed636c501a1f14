#include "daemon/relief.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/edge.h"

enum {
	LOOK_MS = 100,
	JOIN_PERCENT = 75, /* of a processor that the edge before uses */
	REST_PERCENT = 60, /* that both use: one alone can do it, and is not asked again at once */
};

bool relief_rests(bool resting, int before, int own, bool waited_twice)
{
	if (before < 0 || waited_twice)
		return false;
	return resting ? before < JOIN_PERCENT : before + own < REST_PERCENT;
}

/* Percent of a processor since the last look. */
static int busy(struct relief *r, int64_t now_ms)
{
	int64_t cpu_us = clock_cpu_us(), used = cpu_us - r->cpu_us, passed_ms = now_ms - r->at_ms;

	r->cpu_us = cpu_us;
	r->at_ms = now_ms;
	if (passed_ms <= 0 || used <= 0)
		return 0;
	return used / 10 >= passed_ms * 100 ? 100 : (int)(used / 10 / passed_ms);
}

static void rest(struct edge *e, bool now)
{
	if (e->relief.resting == now)
		return;
	e->relief.resting = now;
	for (size_t i = 0; i < e->start->listener_count; i++)
		listener_rest(&e->listeners[i].listener, now);
	log_debug(now ? "edge.rests" : "edge.relieves", F_INT("connections", e->live));
}

/* Takes whoever waits; true when there was somebody. */
static bool take_waiting(struct edge *e)
{
	bool any = false;

	for (size_t i = 0; i < e->start->listener_count; i++)
		any |= listener_take(&e->listeners[i].listener);
	return any;
}

static void tick(struct edge *e)
{
	e->relief.ticking = true;
	loop_timer_at(&e->relief.look, loop_now_ms(e->loop) + LOOK_MS);
}

static void look(struct loop_timer *t)
{
	struct edge *e = LIST_OF(t, struct edge, relief.look);
	struct relief *r = &e->relief;
	int own = busy(r, loop_now_ms(e->loop));
	int before = shared_before(e->start->shared, e->start->seat);
	bool waited = r->resting && take_waiting(e);

	shared_in(e->start->shared, e->start->seat, own);
	rest(e, relief_rests(r->resting, before, own, waited && r->waited));
	r->waited = waited;
	if (before < 0 && own == 0 && e->live == 0)
		r->ticking = false; /* nobody asks how busy one is that sleeps */
	else
		tick(e);
}

void relief_begin(struct edge *e)
{
	struct relief *r = &e->relief;

	r->at_ms = loop_now_ms(e->loop);
	r->cpu_us = clock_cpu_us();
	loop_timer_init(&r->look, e->loop, look);
	shared_in(e->start->shared, e->start->seat, 0);
	tick(e);
}

void relief_accepted(struct edge *e)
{
	if (!e->relief.ticking)
		tick(e);
}

void relief_end(struct edge *e)
{
	loop_timer_stop(&e->relief.look);
	e->relief.ticking = true; /* no more of it */
	shared_in(e->start->shared, e->start->seat, -1);
}
