#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

static void system_random(void *to, size_t n)
{
	unsigned char *p = to;

	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got <= 0)
			continue; /* only EINTR is possible once the pool is up */
		p += got;
		n -= (size_t)got;
	}
}

static const struct clock_source system_source = { system_wall_ms, system_mono_ms, system_random };
static const struct clock_source *source = &system_source;

int64_t clock_wall_ms(void)
{
	return source->wall_ms();
}

int64_t clock_mono_ms(void)
{
	return source->mono_ms();
}

int64_t clock_cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t steady_from; /* steady - mono */
static bool steady_known;

int64_t clock_steady_ms(void)
{
	int64_t mono = source->mono_ms();

	if (!steady_known)
		steady_from = source->wall_ms() - mono;
	steady_known = true;
	return steady_from + mono;
}

void clock_steady_at_least(int64_t ms)
{
	int64_t now = clock_steady_ms();

	if (ms > now)
		steady_from += ms - now;
}

void random_bytes(void *to, size_t n)
{
	source->random(to, n);
}

void clock_replace(const struct clock_source *s)
{
	source = s == NULL ? &system_source : s;
	steady_known = false;
}
