#include "queue/schedule.h"

int64_t schedule_next(const struct schedule *s, int64_t received_ms, uint32_t attempts,
	int64_t now_ms, uint32_t chance)
{
	size_t at = attempts == 0 ? 0 : attempts - 1;
	int64_t wait = s->wait_ms[at < s->waits ? at : s->waits - 1];
	int64_t end = received_ms + s->lifetime_ms, late = received_ms + s->delay_notice_ms, next;

	next = now_ms + wait - wait / 10 + (int64_t)(chance % (uint64_t)(wait / 5 + 1));
	if (s->delay_notice_ms >= 0 && next > late && late > now_ms)
		next = late;
	return next > end && end > now_ms ? end : next;
}

bool schedule_over(const struct schedule *s, int64_t received_ms, int64_t now_ms)
{
	return now_ms - received_ms >= s->lifetime_ms;
}

bool schedule_late(const struct schedule *s, int64_t received_ms, int64_t now_ms)
{
	return s->delay_notice_ms >= 0 && now_ms - received_ms >= s->delay_notice_ms;
}
