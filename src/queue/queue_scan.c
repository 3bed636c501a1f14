/* Which message comes next: what was just taken in, and what is due, walked over in the order of its time
 * again and again, some rows at a time.  What cannot go now is passed over, so that nothing stands behind
 * a destination that is slow, dead, or at its limit. */
#include <stdlib.h>

#include "base/log.h"
#include "queue/queue_impl.h"

enum {
	REST_MS = 10 /* after so many rows with nothing */,
	SOON_MS = 20,
	PAUSE_MAX_MS = 5000,
	STORE_PAUSE_MS = 1000,
	WOKEN = 4 /* destinations of a group, by one delivery that ended */
};

void walk_again(struct queue *q, int64_t at_ms)
{
	if (at_ms < q->walk_at_ms)
		q->walk_at_ms = at_ms;
}

static bool take_ring(struct queue *q, struct ring *r)
{
	while (r->count > 0) {
		struct msgid id = r->ids[r->first];
		enum store_result why;

		r->first = (r->first + 1) % FRESH_MAX;
		r->count--;
		if (message_find(q, id) != NULL)
			continue;
		q->current = message_open(q, id, &why);
		if (q->current != NULL)
			return true;
		if (why != STORE_NOT_FOUND)
			walk_again(q, 0);
	}
	return false;
}

/* ---- what waits in memory for a destination ---- */

void message_park(struct queue *q, struct queue_message *m, struct site *site)
{
	if (m->waits_for != NULL)
		return;
	site_wait(site);
	if (q->parked == PARKED_MAX || site->parked_count == PARKED_SITE) {
		site->more = true;
		return;
	}
	list_append(&site->parked, &m->parked);
	site->parked_count++;
	m->waits_for = site;
	q->parked++;
}

void message_unpark(struct queue *q, struct queue_message *m)
{
	if (m->waits_for == NULL)
		return;
	list_del(&m->parked);
	m->waits_for->parked_count--;
	m->waits_for = NULL;
	q->parked--;
}

void site_ended(struct queue *q, struct str key, int64_t now_ms)
{
	struct site *site = sites_find(&q->sites, key);

	if (site == NULL)
		return;
	/* nothing goes there now: what waited in memory is found on disk when it is time */
	while (site_closed(site, now_ms) && !list_empty(&site->parked)) {
		struct queue_message *m = LIST_OF(site->parked.next, struct queue_message, parked);

		message_unpark(q, m);
		message_release(q, m);
		walk_again(q, site->closed_until_ms);
	}
	if (site_closed(site, now_ms)) {
		site->more = false;
		return;
	}
	list_del(&site->runnable);
	list_append(&q->runnable, &site->runnable);
}

void group_ended(struct queue *q, struct site_group *g)
{
	struct site *site;

	for (int n = 0; n < WOKEN && (site = site_woken(g)) != NULL; n++) {
		list_del(&site->runnable);
		list_append(&q->runnable, &site->runnable);
	}
}

static void walk_begin(struct walk *w)
{
	w->on = true;
	w->last_page = w->skipped = false;
	w->skipped_until_ms = INT64_MAX;
	w->rows_seen = w->passed = 0;
	w->row = w->row_count = 0;
	w->after = (struct store_due){ .due_ms = INT64_MIN };
}

/* A parked message of a destination that is free becomes the current one. */
static bool take_parked(struct queue *q, int64_t now_ms)
{
	struct link *l;

	while ((l = q->runnable.next) != &q->runnable) {
		struct site *site = LIST_OF(l, struct site, runnable);
		struct queue_message *m;
		int64_t when;

		if (site->more && site->parked_count < PARKED_FEW) {
			site->more = false;
			if (!q->refill.on)
				walk_begin(&q->refill);
		}
		if (site->parked_count == 0 || !site_free(&q->sites, site->key, now_ms, &when)) {
			list_del(l);
			if (site->parked_count > 0)
				site_wait(site);
			continue;
		}
		m = LIST_OF(site->parked.next, struct queue_message, parked);
		message_unpark(q, m);
		if (!message_is_owed(m)) {
			m->next = 0;
			q->current = m;
			return true;
		}
		message_release(q, m);
	}
	return false;
}

/* ---- the walk ---- */

/* When to begin again: when the next is due, or when what was passed over may go. */
static void walk_end(struct queue *q, struct walk *w, int64_t now_ms)
{
	struct store_due later = { .due_ms = now_ms, .number = UINT32_MAX }, row;
	int64_t pause = (int64_t)(w->rows_seen / 50), at = w->skipped_until_ms;
	size_t n = 1;

	memset(later.id.b, 0xff, sizeof later.id.b);
	w->on = false;
	if (store_due_list(q->store, &later, INT64_MAX, &row, &n) != STORE_OK)
		walk_again(q, now_ms + STORE_PAUSE_MS);
	else if (n > 0)
		walk_again(q, row.due_ms);
	if (!w->skipped)
		return;
	/* a long walk is not begun at once again */
	pause = pause < SOON_MS ? SOON_MS : pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause;
	if (at < now_ms + pause)
		at = now_ms + pause;
	walk_again(q, at < now_ms + PAUSE_MAX_MS ? at : now_ms + PAUSE_MAX_MS);
}

static bool next_page(struct queue *q, struct walk *w, int64_t now_ms)
{
	if (w->last_page || (w == &q->refill && w->passed >= REFILL_PASSED)) {
		if (w == &q->walk)
			walk_end(q, w, now_ms);
		w->on = false;
		return false;
	}
	w->row = 0;
	w->row_count = PAGE;
	if (store_due_list(q->store, &w->after, now_ms + 1, w->rows, &w->row_count) != STORE_OK) {
		w->on = false;
		w->row_count = 0;
		walk_again(q, now_ms + STORE_PAUSE_MS);
		return false;
	}
	w->last_page = w->row_count < PAGE;
	if (w->row_count > 0)
		w->after = w->rows[w->row_count - 1];
	return true;
}

static void pass_over(struct walk *w, int64_t until_ms)
{
	w->skipped = true;
	w->passed++;
	if (until_ms > 0 && until_ms < w->skipped_until_ms)
		w->skipped_until_ms = until_ms;
}

static const struct queue_message unopened; /* of which no route asks */

/* By the recipient alone, before the message is opened.  One whose destination is at its limit may be
 * parked. */
static bool worth_opening(
	struct queue *q, struct walk *w, const struct store_due *row, int64_t now_ms)
{
	struct store_out_rcpt r = { .recipient = str_of(row->recipient, row->recipient_len),
		.sender = STR("") };
	struct site *site;
	struct route route;
	struct buf key;
	int64_t when = 0;
	bool worth;

	if (q->rules_of_mail || (row->flags & STORE_OUT_VIA) ||
		row->recipient_len == sizeof row->recipient)
		return true;
	buf_init(&key, 0);
	message_route(q, &unopened.out, &r, &route, &key);
	worth = site_free(&q->sites, buf_str(&key), now_ms, &when);
	if (!worth && when == 0) {
		site = sites_find(&q->sites, buf_str(&key));
		worth = q->parked < PARKED_MAX && site->parked_count < PARKED_SITE;
		site->more |= !worth;
		site_wait(site);
	}
	buf_deinit(&key);
	if (!worth)
		pass_over(w, when);
	return worth;
}

static bool aged_by(const struct schedule *s, const struct store_due *row, int64_t now_ms)
{
	return schedule_over(s, row->since_ms, now_ms) ||
	       (schedule_late(s, row->since_ms, now_ms) &&
		       (row->flags & STORE_OUT_DELAY_TOLD) == 0);
}

/* By the recipient alone, too: where that does not tell, it is opened as soon as it can be so. */
static bool has_aged(const struct queue *q, const struct store_due *row, int64_t now_ms)
{
	const struct store_out_rcpt r = { .recipient = str_of(row->recipient, row->recipient_len),
		.sender = STR("") };
	struct schedule s;

	if (!aged_by(&q->shortest, row, now_ms))
		return false;
	if (q->rules_of_mail || row->recipient_len == sizeof row->recipient)
		return true;
	s = queue_schedule(q, &unopened.out, &r);
	return aged_by(&s, row, now_ms);
}

/* Some of its recipients are under way; is this one of them? */
static bool take_more(struct queue *q, struct walk *w, struct queue_message *m,
	const struct store_due *row, int64_t now_ms)
{
	uint32_t low = 0, high = (uint32_t)m->out.count;

	if (m->reporting || message_is_owed(m)) {
		pass_over(w, now_ms + SOON_MS);
		return false;
	}
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (m->out.rcpts[middle].number < row->number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == m->out.count || m->out.rcpts[low].number != row->number ||
		!message_may_go(m, low, now_ms) || m->waits_for != NULL ||
		!worth_opening(q, w, row, now_ms))
		return false;
	q->current = m;
	m->next = low;
	return true;
}

static bool take_row(struct queue *q, struct walk *w, const struct store_due *row, int64_t now_ms)
{
	struct queue_message *m = message_find(q, row->id);
	enum store_result why;

	if (q->tending &&
		(m != NULL || ((row->flags & STORE_OUT_OWED) == 0 && !has_aged(q, row, now_ms)))) {
		pass_over(w, 0);
		return false;
	}
	if (m != NULL)
		return take_more(q, w, m, row, now_ms);
	if (row->flags & STORE_OUT_OWED) {
		if (now_ms < q->reports_at_ms || q->report_count == REPORTS_MAX) {
			pass_over(w, q->reports_at_ms);
			return false;
		}
	} else if (!worth_opening(q, w, row, now_ms) && !has_aged(q, row, now_ms)) {
		return false;
	}
	m = message_open(q, row->id, &why);
	if (m == NULL) {
		if (why == STORE_NOT_FOUND || why == STORE_CORRUPT)
			settle_bad_row(q, row);
		else
			pass_over(w, 0);
		return false;
	}
	if (message_is_owed(m) || (q->tending && !settle_aged(q, m, now_ms))) {
		message_release(q, m); /* its sender first */
		return false;
	}
	if (q->tending)
		return false;
	q->current = m;
	return true;
}

static bool walk_on(struct queue *q, struct walk *w, int64_t now_ms)
{
	for (int n = 0; w->on && n < ROWS_A_TURN; n++) {
		if (w->row == w->row_count) {
			if (!next_page(q, w, now_ms))
				return false;
			continue;
		}
		w->rows_seen++;
		if (take_row(q, w, &w->rows[w->row++], now_ms))
			return true;
	}
	return false;
}

static bool walk(struct queue *q, int64_t now_ms)
{
	bool found;

	if (walk_on(q, &q->refill, now_ms))
		return true;
	if (!q->walk.on && now_ms >= q->walk_at_ms) {
		q->walk_at_ms = INT64_MAX;
		walk_begin(&q->walk);
	}
	if (now_ms < q->walk_rest_ms)
		return false;
	found = walk_on(q, &q->walk, now_ms);
	if (!found && q->walk.on)
		q->walk_rest_ms = now_ms + REST_MS;
	return found;
}

void queue_tend(struct queue *q, int64_t now_ms)
{
	q->tending = true;
	(void)walk(q, now_ms);
}

bool queue_find(struct queue *q, int64_t now_ms)
{
	if (q->tending) {
		q->tending = false;
		walk_again(q, now_ms); /* what was passed over may go */
	}
	/* new mail first, but now and then what waits, however much is new; then our own reports */
	if (take_parked(q, now_ms) || (++q->turn % 4 == 0 && walk(q, now_ms)))
		return true;
	return take_ring(q, &q->fresh) || walk(q, now_ms) || take_ring(q, &q->fresh_reports);
}

int64_t queue_wake_ms(const struct queue *q)
{
	if (q->refill.on || !list_empty(&q->runnable) ||
		q->fresh.count + q->fresh_reports.count > 0 || q->current != NULL)
		return 0;
	return q->walk.on ? q->walk_rest_ms : q->walk_at_ms;
}
