#include "queue/queue.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/queue_impl.h"

enum {
	GATHER = 2000,         /* recipients looked at for one job */
	HEADER_READ = 1 << 18, /* octets of a message in which fields are looked for */
};

struct queue *queue_new(struct store *s, uint64_t seed)
{
	struct queue *q = NEW(struct queue);

	q->store = s;
	q->chance = seed | 1;
	sites_init(&q->sites, SITES_MAX);
	for (size_t i = 0; i < MESSAGE_BUCKETS; i++)
		list_init(&q->messages[i]);
	list_init(&q->reports);
	list_init(&q->runnable);
	q->settings.schedule = (struct schedule){
		.wait_ms = { 60000 }, .waits = 1, .lifetime_ms = 86400000, .delay_notice_ms = -1
	};
	q->shortest = q->settings.schedule;
	return q;
}

void message_forget(struct queue *q, struct queue_message *m)
{
	list_del(&m->hash);
	if (!list_empty(&m->list))
		q->report_count--;
	list_del(&m->list);
	message_unpark(q, m);
	store_out_close(q->store, &m->out);
	free(m->busy);
	free(m);
	q->message_count--;
}

void queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	for (size_t i = 0; i < MESSAGE_BUCKETS; i++)
		while (!list_empty(&q->messages[i]))
			message_forget(q, LIST_OF(q->messages[i].next, struct queue_message, hash));
	sites_deinit(&q->sites);
	free(q);
}

/* What can be told of a recipient without looking at each of the routes. */
static void note_routes(struct queue *q)
{
	struct schedule *shortest = &q->shortest;

	q->rules_of_mail = q->own_schedules = false;
	*shortest = q->settings.schedule;
	for (size_t i = 0; i < q->settings.routes.count; i++) {
		const struct route_rule *r = &q->settings.routes.rows[i];
		const struct schedule *own = &r->schedule;

		q->rules_of_mail |= r->role == RULE_SENDER || route_is_for_some(r);
		q->own_schedules |=
			own->waits > 0 || own->lifetime_ms != 0 || own->delay_notice_ms != 0;
		if (own->lifetime_ms > 0 && own->lifetime_ms < shortest->lifetime_ms)
			shortest->lifetime_ms = own->lifetime_ms;
		if (own->delay_notice_ms > 0 &&
			(shortest->delay_notice_ms < 0 ||
				own->delay_notice_ms < shortest->delay_notice_ms))
			shortest->delay_notice_ms = own->delay_notice_ms;
	}
}

void queue_configure(struct queue *q, const struct queue_settings *s)
{
	q->settings = *s;
	q->sites.connections = s->site_connections;
	q->sites.rate = s->site_rate;
	sites_set_limits(&q->sites, s->limits, s->limit_count);
	note_routes(q);
	for (size_t i = 0; i < MESSAGE_BUCKETS; i++)
		for (struct link *l = q->messages[i].next; l != &q->messages[i]; l = l->next) {
			struct queue_message *m = LIST_OF(l, struct queue_message, hash);

			/* One that cannot be read goes nowhere by whichever way. */
			(void)queue_marks(q->store, &s->routes, &m->out, &m->marks);
		}
	walk_again(q, 0);
}

uint32_t queue_chance(struct queue *q)
{
	q->chance ^= q->chance << 13;
	q->chance ^= q->chance >> 7;
	q->chance ^= q->chance << 17;
	return (uint32_t)(q->chance >> 16);
}

/* ---- messages ---- */

static struct link *bucket(struct queue *q, struct msgid id)
{
	uint32_t h;

	memcpy(&h, id.b + sizeof id.b - sizeof h, sizeof h);
	return &q->messages[h % MESSAGE_BUCKETS];
}

struct queue_message *message_find(struct queue *q, struct msgid id)
{
	struct link *head = bucket(q, id);

	for (struct link *l = head->next; l != head; l = l->next) {
		struct queue_message *m = LIST_OF(l, struct queue_message, hash);

		if (msgid_eq(m->out.id, id))
			return m;
	}
	return NULL;
}

struct queue_message *message_open(struct queue *q, struct msgid id, enum store_result *why)
{
	struct queue_message *m = message_find(q, id);

	*why = STORE_OK;
	if (m != NULL)
		return m;
	m = NEW(struct queue_message);
	*why = store_out_open(q->store, id, &m->out);
	if (*why != STORE_OK) {
		free(m);
		return NULL;
	}
	*why = queue_marks(q->store, &q->settings.routes, &m->out, &m->marks);
	if (*why == STORE_UNAVAILABLE) {
		store_out_close(q->store, &m->out);
		free(m);
		return NULL;
	}
	*why = STORE_OK; /* damaged: who carries it finds out, and an administrator may drop it */
	m->busy = mem_zalloc(m->out.count * sizeof *m->busy);
	list_append(bucket(q, id), &m->hash);
	list_init(&m->list);
	list_init(&m->parked);
	q->message_count++;
	return m;
}

bool message_is_owed(const struct queue_message *m)
{
	for (size_t i = 0; i < m->out.count; i++)
		if (m->out.rcpts[i].flags & STORE_OUT_OWED)
			return true;
	return false;
}

void message_release(struct queue *q, struct queue_message *m)
{
	if (m->users > 0 || m == q->current || m->reporting)
		return;
	if (!message_is_owed(m) && m->waits_for != NULL)
		return;
	message_unpark(q, m);
	if (message_is_owed(m) && q->report_count < REPORTS_MAX) {
		if (list_empty(&m->list)) {
			list_append(&q->reports, &m->list);
			q->report_count++;
		}
		return;
	}
	message_forget(q, m);
}

enum store_result queue_marks(
	struct store *s, const struct route_rules *rules, struct store_out *o, uint64_t *marks)
{
	uint64_t want = (uint64_t)o->prefix_octets + o->header_octets, got = 1;
	enum store_result result = STORE_OK;
	struct buf header = { 0 };
	size_t i = 0;

	*marks = 0;
	while (i < rules->count && rules->rows[i].mark == 0)
		i++;
	if (i == rules->count)
		return STORE_OK;
	want = want < HEADER_READ ? want : HEADER_READ;
	while (result == STORE_OK && got > 0 && header.len < want) {
		char *to = buf_reserve(&header, want - header.len);

		result = store_out_read(s, o, header.len, to, want - header.len, &got);
		if (result == STORE_OK)
			buf_grew(&header, got);
	}
	if (result == STORE_OK)
		*marks = route_marks(rules, buf_str(&header));
	buf_deinit(&header);
	return result;
}

static struct route_ask ask_of(const struct store_out *o, const struct store_out_rcpt *r)
{
	return (struct route_ask){ queue_sender(o, r), r->recipient, o->octets,
		LIST_OF(o, const struct queue_message, out)->marks };
}

void queue_route(const struct queue *q, const struct store_out *o, const struct store_out_rcpt *r,
	struct route *route)
{
	const struct route_ask ask = ask_of(o, r);

	if (r->via.n == 0 || !route_parse(r->via, route))
		*route = route_of(&q->settings.routes, &ask);
}

void message_route(const struct queue *q, const struct store_out *o, const struct store_out_rcpt *r,
	struct route *route, struct buf *site)
{
	queue_route(q, o, r, route);
	buf_clear(site);
	route_site(site, route);
}

struct schedule queue_schedule(
	const struct queue *q, const struct store_out *o, const struct store_out_rcpt *r)
{
	const struct route_ask ask = ask_of(o, r);

	if (!q->own_schedules)
		return q->settings.schedule;
	return route_schedule(&q->settings.routes, &q->settings.schedule, &ask);
}

/* ---- jobs ---- */

bool message_may_go(const struct queue_message *m, uint32_t at, int64_t now_ms)
{
	const struct store_out_rcpt *r = &m->out.rcpts[at];

	return !m->busy[at] && r->state == STORE_OUT_WAITING && r->due_ms <= now_ms &&
	       (r->flags & (STORE_OUT_HELD | STORE_OUT_BAD | STORE_OUT_OWED)) == 0;
}

static void add(struct queue_job *job, struct queue_message *m, uint32_t at)
{
	job->at[job->count++] = at;
	m->busy[at] = true;
}

/* The same way by the same section, which says how secret it is and who logs in, and under the same sender: they
 * can go as one. */
static void gather(struct queue *q, struct queue_job *job, struct str site, int64_t now_ms)
{
	struct queue_message *m = job->message;
	const struct store_out_rcpt *first = &m->out.rcpts[job->at[0]];
	struct route route;
	struct buf other;

	buf_init(&other, 0);
	for (uint32_t at = job->at[0] + 1;
		at < m->out.count && at < job->at[0] + GATHER && job->count < QUEUE_JOB_RECIPIENTS;
		at++) {
		if (!message_may_go(m, at, now_ms) ||
			!str_eq(m->out.rcpts[at].sender, first->sender))
			continue;
		message_route(q, &m->out, &m->out.rcpts[at], &route, &other);
		if (str_eq(buf_str(&other), site) && route.rule == job->route.rule)
			add(job, m, at);
	}
	buf_deinit(&other);
}

static struct queue_job *job_new(
	struct queue *q, struct queue_message *m, uint32_t at, const struct route *route)
{
	struct queue_job *job = NEW(struct queue_job);

	job->message = m;
	job->out = &m->out;
	job->route = *route;
	add(job, m, at);
	m->users++;
	q->jobs++;
	return job;
}

/* The next job of the current message; NULL: there is nothing more in it now.  *full: one of those whose
 * destinations are at their limit. */
static struct queue_job *cut(struct queue *q, int64_t now_ms, struct site **full, bool *blocked)
{
	struct queue_message *m = q->current;
	struct queue_job *job = NULL;
	struct schedule schedule;
	struct route route;
	struct buf site;
	int64_t when;

	buf_init(&site, 0);
	for (; job == NULL && m->next < m->out.count; m->next++) {
		const struct store_out_rcpt *r = &m->out.rcpts[m->next];

		if (!message_may_go(m, m->next, now_ms)) {
			if (r->state == STORE_OUT_WAITING && !m->busy[m->next])
				walk_again(q, r->due_ms);
			continue;
		}
		message_route(q, &m->out, r, &route, &site);
		if (route.kind == ROUTE_DISCARD || route.kind == ROUTE_REFUSE) {
			settle_null(q, m, m->next, &route, now_ms);
		} else if (site_free(&q->sites, buf_str(&site), now_ms, &when)) {
			schedule = queue_schedule(q, &m->out, r);
			job = job_new(q, m, m->next, &route);
			job->site = site_begin(&q->sites, buf_str(&site), now_ms);
			site_closing(job->site, &schedule);
			gather(q, job, buf_str(&site), now_ms);
		} else if (when == 0) {
			*full = sites_find(&q->sites, buf_str(&site));
		} else {
			*blocked = true;
			walk_again(q, when);
		}
	}
	buf_deinit(&site);
	return job;
}

static struct queue_job *cut_or_leave(struct queue *q, int64_t now_ms)
{
	struct queue_message *m = q->current;
	struct site *full = NULL;
	bool blocked = false;
	struct queue_job *job = cut(q, now_ms, &full, &blocked);

	if (full != NULL)
		message_park(q, m, full);
	if (job != NULL && m->next < m->out.count)
		return job;
	if (full != NULL || blocked)
		(void)settle_aged(q, m, now_ms);
	q->current = NULL;
	message_release(q, m);
	return job;
}

struct queue_job *queue_take(struct queue *q, int64_t now_ms)
{
	struct queue_job *job = NULL;

	while (job == NULL && (q->current != NULL || queue_find(q, now_ms)))
		job = cut_or_leave(q, now_ms);
	return job;
}

static void ring_put(struct queue *q, struct ring *r, struct msgid id)
{
	if (r->count == FRESH_MAX) {
		walk_again(q, 0);
		return;
	}
	r->ids[(r->first + r->count++) % FRESH_MAX] = id;
}

void queue_added(struct queue *q, struct msgid id, bool report)
{
	ring_put(q, report ? &q->fresh_reports : &q->fresh, id);
}

const struct store_out *queue_take_report(struct queue *q)
{
	struct link *l = list_take(&q->reports);
	struct queue_message *m;

	if (l == NULL)
		return NULL;
	m = LIST_OF(l, struct queue_message, list);
	q->report_count--;
	m->reporting = true;
	return &m->out;
}

struct queue_figures queue_figures(const struct queue *q, int64_t now_ms)
{
	struct queue_figures f = { q->message_count, q->jobs, q->report_count, q->sites.count, 0 };

	for (const struct link *l = q->sites.order.next; l != &q->sites.order; l = l->next)
		f.closed_sites += site_closed(LIST_OF(l, struct site, order), now_ms);
	return f;
}
