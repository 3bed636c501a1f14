/* base/work.h: a worker is a while of simulated time. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/work.h"
#include "sim.h"

enum { POOL_MOST = 256 };

struct work_pool {
	int bell;
	size_t max_waiting, count;
	struct {
		struct work *work;
		int64_t ready_us;
	} waiting[POOL_MOST];
	unsigned process;
};

struct work_pool *work_pool_new(unsigned threads, size_t max_waiting)
{
	struct work_pool *p = NEW(struct work_pool);
	struct sim_proc *was = memory_world();

	(void)threads;
	p->bell = net_bell();
	p->max_waiting = max_waiting < POOL_MOST ? max_waiting : POOL_MOST;
	memory_owner(was);
	return p;
}

void work_pool_free(struct work_pool *p)
{
	if (p == NULL)
		return;
	while (p->count > 0)
		work_wait(p);
	net_close(p->bell);
	free(p);
}

static void ring(uint64_t fd)
{
	if (net_is_bell((int)fd))
		net_ring((int)fd, true);
}

bool work_submit(struct work_pool *p, struct work *w)
{
	if (p->count == p->max_waiting)
		return false;
	p->waiting[p->count].work = w;
	p->waiting[p->count].ready_us = sim_now_us + sim_between(20, MS(3));
	sim_at(p->waiting[p->count++].ready_us, ring, (uint64_t)p->bell);
	return true;
}

int work_fd(const struct work_pool *p)
{
	return p->bell;
}

static void finish(struct work_pool *p, bool all)
{
	for (size_t i = 0; i < p->count;) {
		struct work *w = p->waiting[i].work;

		if (!all && p->waiting[i].ready_us > sim_now_us) {
			i++;
			continue;
		}
		memmove(&p->waiting[i], &p->waiting[i + 1],
			(--p->count - i) * sizeof p->waiting[0]);
		w->run(w);
		w->done(w);
	}
}

void work_poll(struct work_pool *p)
{
	net_ring(p->bell, false);
	finish(p, false);
}

void work_wait(struct work_pool *p)
{
	finish(p, true);
}
