#include "daemon/relief.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/edge.h"

enum {
	LOOK_MS = 100,
	JOIN_PERCENT = 75, /* of a processor that the edge before uses */
	REST_PERCENT = 60, /* that both use: one alone can do it, and is not asked again at once */
	IDLE_PERCENT = 3,  /* that all use: to be woken in vain costs less than to look */
};

bool relief_rests(bool resting, struct relief_loads loads, bool waited_twice)
{
	if (loads.before < 0 || loads.all < IDLE_PERCENT || waited_twice)
		return false;
	return loads.before < (resting ? JOIN_PERCENT : REST_PERCENT - loads.own);
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
	bool waited = r->resting && take_waiting(e);
	struct relief_loads loads;

	loads = shared_loads(e->start->shared, e->start->seat, own);
	rest(e, relief_rests(r->resting, loads, waited && r->waited));
	r->waited = waited;
	if (loads.all >= IDLE_PERCENT)
		tick(e);
	else
		r->ticking = false;
}

void relief_begin(struct edge *e)
{
	loop_timer_init(&e->relief.look, e->loop, look);
	(void)shared_loads(e->start->shared, e->start->seat, 0);
}

void relief_woken(struct edge *e)
{
	struct relief *r = &e->relief;

	if (r->ticking || r->ended)
		return;
	(void)busy(r, loop_now_ms(e->loop));
	tick(e);
}

void relief_end(struct edge *e)
{
	e->relief.ended = true;
	loop_timer_stop(&e->relief.look);
	shared_leave(e->start->shared, e->start->seat);
}
