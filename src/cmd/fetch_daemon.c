/* restante fetch --daemon: which remote is due when.  Each has its own interval and its own back-off. */
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cmd/fetch.h"

enum { WAIT_MAX_MS = 3600 * 1000 };

struct fetch_due {
	char *name;
	int64_t at_ms; /* of the monotonic clock */
	int failures;  /* in a row */
};

static struct fetch_due *find(const struct fetch_schedule *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (str_ieq(str_c(s->rows[i].name), str_c(name)))
			return &s->rows[i];
	return NULL;
}

bool schedule_is_due(const struct fetch_schedule *s, const char *name)
{
	const struct fetch_due *due = find(s, name);

	return due == NULL || due->at_ms <= s->now_ms;
}

void schedule_set(
	struct fetch_schedule *s, const struct config_remote *r, bool good, uint64_t login_delay_s)
{
	struct fetch_due *due = find(s, r->name);
	int64_t wait_ms = r->interval_ms > 0 ? r->interval_ms : s->interval_ms;

	if (due == NULL) {
		s->rows = mem_array(s->rows, s->count + 1, sizeof *s->rows);
		due = &s->rows[s->count++];
		*due = (struct fetch_due){ .name = str_dup_c(str_c(r->name)) };
	}
	due->failures = good ? 0 : due->failures + 1;
	for (int i = 0; i < due->failures && wait_ms < WAIT_MAX_MS / 2; i++)
		wait_ms *= 2;
	/* RFC 2449 6.5; not for ever, whatever a server says. */
	if (login_delay_s <= FETCH_DAY_MS / 1000 && wait_ms < (int64_t)login_delay_s * 1000)
		wait_ms = (int64_t)login_delay_s * 1000;
	due->at_ms = clock_mono_ms() + wait_ms;
}

/* Those whose time has come and passed are of remotes that are no longer there. */
static int64_t until_next(const struct fetch_schedule *s)
{
	int64_t now = clock_mono_ms(), next = now + s->interval_ms;
	bool any = false;

	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].at_ms > s->now_ms && (!any || s->rows[i].at_ms < next)) {
			next = s->rows[i].at_ms;
			any = true;
		}
	return next > now ? next - now : 0;
}

/* True: it is told to end. */
static bool wait_for(const sigset_t *ends, int64_t ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	return sigtimedwait(ends, NULL, &time) > 0;
}

/* The signals wait, but for a connection, which they end in order. */
int fetch_daemon(struct cmd *c, int64_t interval_ms)
{
	struct fetch_schedule schedule = { .interval_ms = interval_ms };
	struct fetch_round round;
	sigset_t ends;
	int code;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	do {
		round = (struct fetch_round){ .schedule = &schedule };
		schedule.now_ms = clock_mono_ms();
		code = fetch_round(c, &round);
	} while (
		!round.interrupted && code != EX_CONFIG && !wait_for(&ends, until_next(&schedule)));
	for (size_t i = 0; i < schedule.count; i++)
		free(schedule.rows[i].name);
	free(schedule.rows);
	return code == EX_CONFIG ? code : EX_OK;
}
