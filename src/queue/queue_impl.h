/* queue_impl.h -- inside of the queue: queue.c cuts messages into jobs, queue_scan.c finds messages,
 * queue_settle.c writes what became of them. */
#ifndef RESTANTE_QUEUE_QUEUE_IMPL_H
#define RESTANTE_QUEUE_QUEUE_IMPL_H

#include "queue/queue.h"

enum {
	MESSAGE_BUCKETS = 1024,
	FRESH_MAX = 4096,  /* more are found by their time */
	REPORTS_MAX = 256, /* messages whose senders are to be told, in memory */
	SITES_MAX = 20000,
	PAGE = 64,         /* rows read at once */
	ROWS_A_TURN = 512, /* then the owner gets to do other work */
	REFILL_PASSED =
		256,       /* of the first that are due; then busy destinations have enough again */
	PARKED_MAX = 8192, /* messages that are open and wait for a destination; */
	PARKED_SITE = 256, /* for one */
	PARKED_FEW = 64,
};

/* A message that is open: being cut into jobs, on its way, being settled or reported. */
struct queue_message {
	struct link hash, list; /* list: of reports */
	struct link parked;     /* of the destination that it waits for */
	struct site *waits_for;
	struct store_out out;
	uint64_t marks; /* as in struct route_ask */
	bool *busy;     /* by recipient: in a job, or being settled; owned */
	unsigned users; /* jobs and settlings */
	uint32_t next;  /* recipients before this one were looked at */
	bool reporting; /* given out by queue_take_report(), or being settled as told or ordered:
			 * nothing of it goes meanwhile */
};

struct ring {
	struct msgid ids[FRESH_MAX];
	size_t first, count;
};

/* In the order of time, some rows at once. */
struct walk {
	struct store_due rows[PAGE], after;
	size_t row, row_count;
	bool on, last_page;
	bool skipped; /* something that is due could not go */
	int64_t skipped_until_ms;
	uint64_t rows_seen, passed; /* passed over */
};

struct queue {
	struct store *store;
	struct queue_settings settings;
	bool rules_of_mail;       /* some routes ask for more of a message than its recipient */
	bool own_schedules;       /* some have one */
	struct schedule shortest; /* of all, as far as mail can age by it */
	uint64_t chance;
	struct sites sites;
	struct link messages[MESSAGE_BUCKETS];
	size_t message_count, jobs, report_count;
	struct link reports;
	struct queue_message *current; /* being cut */
	struct ring fresh, fresh_reports;
	unsigned turn;

	struct walk walk;     /* over all that is due */
	int64_t walk_rest_ms; /* it found nothing: not on before */
	struct walk refill;   /* over the first of it, for destinations that need more work */
	int64_t walk_at_ms;   /* when the next begins */
	bool tending;         /* nobody carries: what could go is passed over */
	struct link runnable; /* sites that have parked messages and became free */
	size_t parked;
	int64_t reports_at_ms; /* not before: the last could not be kept */
};

/* ---- queue.c ---- */

uint32_t queue_chance(struct queue *q);
struct queue_message *message_find(struct queue *q, struct msgid id);
/* The message, opened when it was not; NULL with why. */
struct queue_message *message_open(struct queue *q, struct msgid id, enum store_result *why);
/* Nobody uses it (any more): it goes to the reports, or away. */
void message_release(struct queue *q, struct queue_message *m);
/* Away from memory, whatever is owed: it is found again. */
void message_forget(struct queue *q, struct queue_message *m);
bool message_is_owed(const struct queue_message *m);
bool message_may_go(const struct queue_message *m, uint32_t at, int64_t now_ms);
/* queue_route(), and where that is. */
void message_route(const struct queue *q, const struct store_out *o, const struct store_out_rcpt *r,
	struct route *route, struct buf *site);
/* Somebody may come before the walk that was planned. */
void walk_again(struct queue *q, int64_t at_ms);

/* ---- queue_scan.c ---- */

/* Its destination is at its limit: kept open until that changes, as far as there is room. */
void message_park(struct queue *q, struct queue_message *m, struct site *site);
void message_unpark(struct queue *q, struct queue_message *m);
/* A delivery there ended. */
void site_ended(struct queue *q, struct str key, int64_t now_ms);
/* The same of a group: others of it may go. */
void group_ended(struct queue *q, struct site_group *g);

/* Makes the next message that may go the current one; false: none for now. */
bool queue_find(struct queue *q, int64_t now_ms);

/* ---- queue_settle.c ---- */

/* A row that cannot be opened: held, and listed. */
void settle_bad_row(struct queue *q, const struct store_due *row);
/* Waits, but cannot go now: is it over, or is its sender to be told that it is late? */
bool settle_aged(struct queue *q, struct queue_message *m, int64_t now_ms);
/* Goes nowhere by the settings: dropped or refused. */
void settle_null(struct queue *q, struct queue_message *m, uint32_t at, const struct route *route,
	int64_t now_ms);

#endif
