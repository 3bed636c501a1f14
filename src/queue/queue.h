/* queue.h -- mail that waits to go on: which message goes next, where, and what follows from the outcome.
 *
 * The store remembers (store.h, "mail that goes on"); here is only what is under way, so memory depends on
 * how much is under way and not on how much waits.  The owner asks for a job when somebody can carry one,
 * and tells what became of it:
 *
 *   queue_added(), queue_take() -> carried -> queue_done() -> durable -> queue_take_report() -> queue_reported()
 *
 * States of a recipient are in doc/design/queue.md.  A message whose sender is to be told something is not
 * tried again before that was done, so that what is told is the same after a crash (and its notice
 * therefore has the same id).  Times are wall clock, in milliseconds.  Threads: the owner's only. */
#ifndef RESTANTE_QUEUE_QUEUE_H
#define RESTANTE_QUEUE_QUEUE_H

#include "queue/outcome.h"
#include "queue/route.h"
#include "queue/schedule.h"
#include "queue/site.h"
#include "store/store.h"

enum { QUEUE_JOB_RECIPIENTS = 100 };

/* NOTIFY of RFC 3461 4.1, as in proto/dsn.h. */
enum queue_notify { QUEUE_NEVER = 1, QUEUE_SUCCESS = 2, QUEUE_FAILURE = 4, QUEUE_DELAY = 8 };

struct queue_settings {
	struct route_rules routes; /* borrowed until the next queue_configure() */
	struct schedule schedule;
	uint32_t site_connections, site_rate;
	const struct site_limit *limits; /* borrowed, as the routes */
	size_t limit_count;
};

struct queue;

struct queue_job {
	struct queue_message *message;
	const struct store_out *out;
	uint32_t at[QUEUE_JOB_RECIPIENTS]; /* indices of out->rcpts */
	size_t count;
	struct route route; /* its strings live until the settings change: use them at once */
	struct site *site;
	void *owner; /* for whoever has the job */
};

struct queue *queue_new(struct store *s, uint64_t seed);
void queue_free(struct queue *q); /* no job is out, nothing is being settled */
void queue_configure(struct queue *q, const struct queue_settings *s);

/* Taken in and durable; it goes out before what waits already.  report: after mail of people. */
void queue_added(struct queue *q, struct msgid id, bool report);
/* The next job; NULL: nothing may go now.  It is the caller's until queue_done() or queue_give_back(). */
struct queue_job *queue_take(struct queue *q, int64_t now_ms);
/* Nobody carries mail now: finds what is owed to senders and whose time is over all the same. */
void queue_tend(struct queue *q, int64_t now_ms);
/* When queue_take() may have something without anything happening; INT64_MAX: never. */
int64_t queue_wake_ms(const struct queue *q);

/* By the settings, also of a recipient who goes another way by order. */
struct schedule queue_schedule(
	const struct queue *q, const struct store_out *o, const struct store_out_rcpt *r);
/* Whose section counts: the tag in each reverse-path with STORE_VERP makes nobody another sender. */
static inline struct str queue_sender(const struct store_out *o, const struct store_out_rcpt *r)
{
	return (o->flags & STORE_VERP) != 0 ? o->sender : r->sender;
}
/* The way of a recipient of a message that the queue gave out: as an administrator said, or by the settings. */
void queue_route(const struct queue *q, const struct store_out *o, const struct store_out_rcpt *r,
	struct route *route);
/* What a message has of the fields that routes ask for; read from it when there are such routes, and else 0.  Not OK:
 * as store_out_read(). */
enum store_result queue_marks(
	struct store *s, const struct route_rules *rules, struct store_out *o, uint64_t *marks);

struct queue_done {
	void (*done)(
		struct queue_done *d, enum store_result result); /* the job is gone when it is OK */
	struct queue_job *job;
	const struct job_outcome *outcomes; /* one for each recipient of the job; read at once */
	size_t count;
};
/* False: the outcomes are not those of the job, and nothing happened. */
bool queue_done(struct queue *q, struct queue_done *d, int64_t now_ms);
/* Nobody carries it any more; what was begun is not known. */
void queue_give_back(struct queue *q, struct queue_job *job, int64_t now_ms);
/* It cannot be read: it is put aside for an administrator. */
void queue_bad(struct queue *q, struct queue_job *job, struct str why, int64_t now_ms);

/* A message of which something is owed to its sender (STORE_OUT_OWED); NULL: none now.  WAITING: it is late. */
const struct store_out *queue_take_report(struct queue *q);
/* Is the next notice about this recipient too?  With STORE_VERP each has one of its own. */
bool queue_is_told(const struct store_out *o, size_t at);
/* OK: it was told, durably.  Else it is tried again later. */
void queue_reported(struct queue *q, const struct store_out *o, bool told, int64_t now_ms);

/* What an administrator may want. */
enum queue_command {
	QUEUE_RETRY,
	QUEUE_HOLD,
	QUEUE_RELEASE,
	QUEUE_FAIL,
	QUEUE_DROP,
	QUEUE_REROUTE
};
struct queue_order {
	void (*done)(
		struct queue_order *o, enum store_result result); /* BUSY: it is on its way now */
	enum queue_command command;
	struct msgid id;
	const uint32_t *numbers; /* of recipients, rising; NULL: all */
	size_t count;
	struct str
		via; /* REROUTE: "mx:domain", "relay:[host]:port", "lmtp:[host]:port", "": by the settings */
	size_t changed; /* out: recipients */
};
void queue_order(struct queue *q, struct queue_order *o, int64_t now_ms);

struct queue_figures {
	size_t messages, jobs, reports; /* under way */
	size_t sites, closed_sites;     /* known */
};
struct queue_figures queue_figures(const struct queue *q, int64_t now_ms);

#endif
