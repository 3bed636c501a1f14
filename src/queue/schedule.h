/* schedule.h -- when a recipient is tried again, and when that ends.  Pure: times and chance are arguments. */
#ifndef RESTANTE_QUEUE_SCHEDULE_H
#define RESTANTE_QUEUE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCHEDULE_WAITS = 32 };

struct schedule {
	int64_t wait_ms
		[SCHEDULE_WAITS]; /* after the first attempt, the second ..; the last is repeated */
	size_t waits;
	int64_t lifetime_ms;
	int64_t delay_notice_ms; /* -1: none */
};

/* After so many attempts; a tenth more or less by chance, so that what failed together does not come back
 * together; but never past the end of its life, nor past the time when its sender is to be told that it is late:
 * what he reads then is true then. */
int64_t schedule_next(const struct schedule *s, int64_t received_ms, uint32_t attempts,
	int64_t now_ms, uint32_t chance);
bool schedule_over(const struct schedule *s, int64_t received_ms, int64_t now_ms);
bool schedule_late(const struct schedule *s, int64_t received_ms, int64_t now_ms);

#endif
