/* clock.h -- the time and the random source, both replaceable, so that tests and the simulated
 * world decide them.  Engines take the time as an argument and never call this. */
#ifndef RESTANTE_BASE_CLOCK_H
#define RESTANTE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock_source {
	int64_t (*wall_ms)(void);           /* since 1970, may jump */
	int64_t (*mono_ms)(void);           /* never goes back; for timeouts and schedules */
	void (*random)(void *to, size_t n); /* unpredictable octets */
};

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
void random_bytes(void *to, size_t n);

/* NULL restores the system's own. */
void clock_replace(const struct clock_source *source);

#endif
