/* site.h -- destinations, and how much each is given at one time.
 *
 * A destination begins with two deliveries at a time and gets one more for each that works out, up to the
 * limit; when it fails as a whole it gets half.  When it failed again with only one, nothing is tried for a
 * while, longer each time, and then one delivery finds out (the probe).  Only destinations that somebody
 * uses now or that failed lately are remembered: memory does not grow with the queue. */
#ifndef RESTANTE_QUEUE_SITE_H
#define RESTANTE_QUEUE_SITE_H

#include "queue/schedule.h"
#include "base/list.h"
#include "base/str.h"

/* A section limit of the configuration; 0: as for all. */
struct site_limit {
	char *name; /* route_name_weight() of a destination's host, or of a mail exchanger */
	int64_t connections, rate;
};

struct site_group;

struct site {
	struct link hash, order; /* of use: the oldest first */
	struct str key;          /* owned */
	uint32_t active;         /* deliveries now */
	uint32_t window, threshold;
	uint32_t successes;      /* since the window last grew, above the threshold */
	uint32_t failures;       /* in a row */
	int64_t closed_until_ms; /* 0: open */
	int64_t closed_first_ms, closed_max_ms; /* how long it gets no mail when it failed */
	int64_t rate_at_ms;                     /* when the next one may begin, by the rate limit */
	struct str reply;                       /* what was said when it failed last; owned */

	/* the queue's: messages in memory that wait for a delivery to end */
	struct link parked, runnable;
	uint32_t parked_count;
	bool more; /* others wait on disk */

	const struct site_limit *limit; /* of its own; NULL: none */
	struct site_group *group;       /* NULL: its servers are not known */
	struct link member,
		waiting; /* of the group; waiting: messages are there, the group is full */
};

struct sites {
	struct link *buckets; /* owned */
	uint64_t key[2];      /* of their hash: whoever sends mail chooses domains */
	struct link order;
	size_t count, max;
	struct link *groups; /* owned: buckets */
	const struct site_limit *limits;
	size_t limit_count;
	uint32_t connections; /* limit of a window */
	uint32_t rate;        /* deliveries a minute; 0: no limit */
};

void sites_init(struct sites *s, size_t max);
void sites_deinit(struct sites *s);
/* They are borrowed until the next call.  Which groups there are is learnt anew. */
void sites_set_limits(struct sites *s, const struct site_limit *limits, size_t count);
struct site *sites_find(struct sites *s, struct str key); /* NULL: nothing is known of it */

/* May one more delivery begin?  *when: not before, when it is only a matter of time; else 0: when one of
 * those that are under way is done. */
bool site_free(const struct sites *s, struct str key, int64_t now_ms, int64_t *when);
/* Nothing goes there now because it failed. */
static inline bool site_closed(const struct site *s, int64_t now_ms)
{
	return s != NULL && s->closed_until_ms > now_ms;
}
struct site *site_begin(struct sites *s, struct str key, int64_t now_ms);
/* It is not closed for longer than a message there would wait. */
void site_closing(struct site *site, const struct schedule *schedule);
enum site_end { SITE_WORKED, SITE_FAILED, SITE_NOTHING /* nothing was learnt */ };
void site_end(
	struct sites *s, struct site *site, enum site_end end, struct str reply, int64_t now_ms);
/* Its mail exchangers, sorted, with spaces between; "": not known now. */
void site_join(struct sites *s, struct site *site, struct str exchangers);
/* Its group is full, and something waits for it: site_woken() gives it back when that changed; NULL: none. */
void site_wait(struct site *site);
struct site *site_woken(struct site_group *g);
/* An administrator wants it tried now. */
void site_reopen(struct sites *s, struct str key);

#endif
