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
/* What time it is for all that waits, expires or is kept for some time: the wall clock as the office found it
 * when it began, and what has passed since.  No step of the wall clock touches it, so nothing expires early
 * and nothing waits for a clock to catch up.  Children have their parent's. */
int64_t clock_steady_ms(void);
/* Processor time that this process has used. */
int64_t clock_cpu_us(void);
/* Something that is kept says that it was later already. */
void clock_steady_at_least(int64_t ms);
void random_bytes(void *to, size_t n);

/* NULL restores the system's own. */
void clock_replace(const struct clock_source *source);

#endif
