/* base/clock.h: each machine has a clock of its own, each process of it the steady time of its parent. */
#include "base/clock.h"
#include "sim.h"

int64_t clock_wall_ms(void)
{
	return sim_wall_ms(sim_self == NULL ? NULL : sim_self->host);
}

static int64_t mono_ms(const struct sim_host *h)
{
	return (sim_now_us - (h == NULL ? 0 : h->booted_us)) / 1000 + 1;
}

int64_t clock_mono_ms(void)
{
	return mono_ms(sim_self == NULL ? NULL : sim_self->host);
}

/* Any share of a processor since the last look, so that edges rest and relieve each other at any time. */
int64_t clock_cpu_us(void)
{
	return (int64_t)sim_random(2) * sim_now_us;
}

/* As the machine's clock is now. */
int64_t sim_steady_from(const struct sim_host *h)
{
	return sim_wall_ms(h) - mono_ms(h);
}

int64_t clock_steady_ms(void)
{
	return sim_self == NULL ? clock_wall_ms() : sim_self->steady_from + clock_mono_ms();
}

void clock_steady_at_least(int64_t ms)
{
	int64_t now = clock_steady_ms();

	if (sim_self != NULL && ms > now)
		sim_self->steady_from += ms - now;
}

void random_bytes(void *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((unsigned char *)to)[i] = (unsigned char)sim_random(256);
}

void clock_replace(const struct clock_source *source)
{
	(void)source;
}
