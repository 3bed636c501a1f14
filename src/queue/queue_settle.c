/* What follows from an outcome, an order of an administrator, or time: the recipients' new states, written
 * before anybody is told. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "queue/queue_impl.h"

enum { BACK_MS = 1000, REPORT_PAUSE_MS = 30 * 1000, REPLY_MAX = 1000 };

struct settling {
	struct store_settle op;
	struct queue *queue;
	struct queue_message *message; /* NULL: of a row that cannot be opened */
	struct store_out_rcpt *states; /* owned */
	uint32_t *at;                  /* their indices; owned */
	size_t count, room;
	char **texts; /* replies that were made for it; owned */
	struct queue_job *job;
	struct queue_done *done;
	struct queue_order *order;
	bool told, partly; /* partly: some of them were not told that there is no place for them */
};

static struct settling *settling_new(struct queue *q, struct queue_message *m, size_t room)
{
	struct settling *s = NEW(struct settling);

	s->queue = q;
	s->message = m;
	s->room = room == 0 ? 1 : room;
	s->states = mem_array(NULL, s->room, sizeof *s->states);
	s->at = mem_array(NULL, s->room, sizeof *s->at);
	s->texts = mem_zalloc(s->room * sizeof *s->texts);
	if (m != NULL)
		m->users++;
	return s;
}

static void settling_free(struct settling *s)
{
	for (size_t i = 0; i < s->room; i++)
		free(s->texts[i]);
	free(s->texts);
	free(s->states);
	free(s->at);
	free(s);
}

/* The recipient's state, to be changed. */
static struct store_out_rcpt *settling_add(struct settling *s, uint32_t at)
{
	s->at[s->count] = at;
	s->states[s->count] = s->message->out.rcpts[at];
	s->message->busy[at] = true;
	return &s->states[s->count++];
}

/* "4.4.1 what was said", of the recipient that was added last. */
static void set_reply(struct settling *s, struct str status, struct str text)
{
	struct buf b;

	buf_init(&b, 0);
	buf_put(&b, status);
	buf_putc(&b, ' ');
	buf_put(&b, str_head(text, REPLY_MAX));
	s->states[s->count - 1].reply.n = b.len;
	s->texts[s->count - 1] = buf_steal_c(&b);
	s->states[s->count - 1].reply.p = s->texts[s->count - 1];
}

/* What is in memory says the same as the store; the texts of those who are owed are needed again. */
static void take_over(struct settling *s)
{
	struct queue_message *m = s->message;
	struct store_out fresh;

	for (size_t i = 0; i < s->count; i++) {
		struct store_out_rcpt *r = &m->out.rcpts[s->at[i]];
		const struct store_out_rcpt *now = &s->states[i];

		r->state = now->state;
		r->flags = now->flags;
		r->due_ms = now->due_ms;
		r->attempts = now->attempts;
		r->last_ms = now->last_ms;
		m->busy[s->at[i]] = false;
		if (now->state == STORE_OUT_WAITING || (now->flags & STORE_OUT_OWED))
			walk_again(s->queue, now->due_ms);
	}
	if (m->users > 0 || !message_is_owed(m))
		return;
	if (store_out_open(s->queue->store, m->out.id, &fresh) == STORE_OK) {
		store_out_close(s->queue->store, &m->out);
		m->out = fresh;
	}
}

static void job_free(struct queue *q, struct queue_job *job)
{
	if (job == NULL)
		return;
	job->message->users--;
	q->jobs--;
	free(job);
}

static void settled(struct store_op *op, enum store_result result)
{
	struct settling *s = LIST_OF(op, struct settling, op.op);
	struct queue_message *m = s->message;
	struct queue *q = s->queue;

	if (m != NULL)
		m->users--;
	if (result == STORE_OK && m != NULL) {
		job_free(q, s->job);
		take_over(s);
	} else if (s->job == NULL && m != NULL) {
		for (size_t i = 0; i < s->count; i++)
			m->busy[s->at[i]] = false;
	}
	if (s->told || s->order != NULL) {
		m->reporting = false;
		walk_again(q, 0); /* the others of its recipients may go */
	}
	if (result != STORE_OK)
		walk_again(q, 0);
	if (s->order != NULL) {
		s->order->changed = s->count;
		s->order->done(s->order, result);
	}
	if (s->done != NULL)
		s->done->done(s->done, result);
	settling_free(s);
	if (m != NULL)
		message_release(q, m);
}

static void settling_run(struct settling *s)
{
	s->op = (struct store_settle){
		.op.done = settled,
		.id = s->message->out.id,
		.rcpts = s->states,
		.count = s->count,
		.at_leisure = s->done != NULL /* its carrier does other work meanwhile */
	};
	store_settle(s->queue->store, &s->op);
}

static void log_recipient(const char *as, const struct store_out *o, const struct store_out_rcpt *r)
{
	char id[MSGID_TEXT + 1];

	msgid_text(o->id, id);
	log_info("queue.settled", F_C("id", id), F_C("as", as), F_STR("from", r->sender),
		F_STR("to", r->recipient), F_INT("attempts", r->attempts), F_STR("why", r->reply));
}

/* ---- what is owed to the sender ---- */

/* RFC 3461 4.1: nothing said means failures, and delays as we choose.  RFC 3464 2: never about a notice. */
static bool wants(const struct store_out *o, const struct store_out_rcpt *r, unsigned notice)
{
	if (o->sender.n == 0)
		return false;
	return r->notify == 0 ? notice != QUEUE_SUCCESS : (r->notify & notice) != 0;
}

static void fail(const struct store_out *o, struct store_out_rcpt *r, int64_t now_ms)
{
	r->state = STORE_OUT_FAILED;
	r->flags &= (uint16_t) ~(STORE_OUT_OWED | STORE_OUT_HELD | STORE_OUT_BAD);
	r->due_ms = now_ms;
#ifndef MUTANT_NOTHING_OWED
	if (wants(o, r, QUEUE_FAILURE))
		r->flags |= STORE_OUT_OWED;
#endif
	log_recipient("failed", o, r);
}

/* It waits on; is it late? */
static void note_late(
	const struct queue *q, const struct store_out *o, struct store_out_rcpt *r, int64_t now_ms)
{
	const struct schedule schedule = queue_schedule(q, o, r);

	if (!schedule_late(&schedule, o->since_ms, now_ms) ||
		(r->flags & (STORE_OUT_DELAY_TOLD | STORE_OUT_OWED)))
		return;
	if (wants(o, r, QUEUE_DELAY)) {
		r->flags |= STORE_OUT_OWED;
		log_recipient("late", o, r);
	} else {
		r->flags |= STORE_OUT_DELAY_TOLD;
	}
}

/* ---- outcomes ---- */

static bool has_no_place(const struct job_outcome *o)
{
	return o->outcome == OUTCOME_DEFERRED && str_eq(o->status, STR("4.5.3"));
}

/* RFC 5321 4.5.3.1.10: the server took as many as it takes at one time, so those that are left are no fewer attempts
 * away than they were; each round leaves less of them, also when all others were refused or are to wait. */
static bool found_no_place(const struct settling *s, const struct job_outcome *o)
{
	return s->partly && has_no_place(o);
}

static void apply_outcome(struct queue *q, struct settling *s, struct store_out_rcpt *r,
	const struct job_outcome *o, int64_t now_ms)
{
	const struct store_out *out = &s->message->out;
	const struct schedule schedule = queue_schedule(q, out, r);

	r->attempts += !found_no_place(s, o);
	r->last_ms = now_ms;
	r->host = o->host;
	r->tls = o->tls;
	set_reply(s, o->status, o->reply);
	switch (o->outcome) {
	case OUTCOME_DELIVERED:
		r->state = STORE_OUT_DELIVERED;
		r->due_ms = now_ms;
		if (o->sealed)
			r->flags |= STORE_OUT_SEALED;
		if (o->relayed)
			r->flags |= STORE_OUT_RELAYED;
		else if (wants(out, r, QUEUE_SUCCESS))
			r->flags |= STORE_OUT_OWED;
		break;
	case OUTCOME_FAILED: fail(out, r, now_ms); break;
	case OUTCOME_DEFERRED:
		if (schedule_over(&schedule, out->since_ms, now_ms)) {
			fail(out, r, now_ms);
			break;
		}
		r->due_ms = found_no_place(s, o) ? now_ms
						 : schedule_next(&schedule, out->since_ms,
							   r->attempts, now_ms, queue_chance(q));
		note_late(q, out, r, now_ms);
		break;
	}
}

static const struct job_outcome *outcome_of(const struct queue_done *d, uint32_t number)
{
	const struct job_outcome *found = NULL;

	for (size_t i = 0; i < d->count; i++)
		if (d->outcomes[i].number == number) {
			if (found != NULL)
				return NULL;
			found = &d->outcomes[i];
		}
	return found;
}

/* What it says of the destination as a whole. */
static enum site_end judge(const struct queue_done *d, struct str *reply)
{
	*reply = STR("");
	for (size_t i = 0; i < d->count; i++)
		if (d->outcomes[i].site_failed) {
			*reply = d->outcomes[i].reply;
			return SITE_FAILED;
		}
	return SITE_WORKED;
}

static void end_site(
	struct queue *q, struct queue_job *job, enum site_end end, struct str reply, int64_t now_ms)
{
	struct buf key;

	if (job->site == NULL)
		return;
	buf_init(&key, 0);
	buf_put(&key, job->site->key);
	group_ended(q, job->site->group);
	site_end(&q->sites, job->site, end, reply, now_ms);
	job->site = NULL;
	site_ended(q, buf_str(&key), now_ms);
	buf_deinit(&key);
}

bool queue_done(struct queue *q, struct queue_done *d, int64_t now_ms)
{
	struct queue_job *job = d->job;
	struct settling *s;
	struct str reply;
	enum site_end end;

	if (d->count != job->count)
		return false;
	for (size_t i = 0; i < job->count; i++)
		if (outcome_of(d, job->out->rcpts[job->at[i]].number) == NULL)
			return false;
	if (job->site != NULL) {
		end = judge(d, &reply);
		site_join(&q->sites, job->site, d->outcomes[0].exchangers);
		end_site(q, job, end, reply, now_ms); /* told once, also when this is asked again */
	}
	s = settling_new(q, job->message, job->count);
	s->job = job;
	s->done = d;
	for (size_t i = 0; i < d->count; i++)
		s->partly |= !has_no_place(&d->outcomes[i]);
	for (size_t i = 0; i < job->count; i++) {
		struct store_out_rcpt *r = settling_add(s, job->at[i]);

		apply_outcome(q, s, r, outcome_of(d, r->number), now_ms);
	}
	settling_run(s);
	return true;
}

/* Whoever had it died, perhaps of it: not at once again for ever. */
void queue_give_back(struct queue *q, struct queue_job *job, int64_t now_ms)
{
	struct settling *s = settling_new(q, job->message, job->count);

	end_site(q, job, SITE_NOTHING, STR(""), now_ms);
	for (size_t i = 0; i < job->count; i++) {
		struct store_out_rcpt *r = settling_add(s, job->at[i]);
		const struct schedule schedule = queue_schedule(q, job->out, r);

		r->due_ms = now_ms + BACK_MS;
		if (r->attempts++ > 2)
			r->due_ms = schedule_next(&schedule, job->out->since_ms, r->attempts,
				now_ms, queue_chance(q));
		set_reply(s, STR("4.3.0"), STR("the delivery was broken off"));
	}
	job_free(q, job);
	settling_run(s);
}

static void log_bad(struct msgid id, struct str why)
{
	char text[MSGID_TEXT + 1];

	msgid_text(id, text);
	log_error("queue.bad", F_C("id", text), F_STR("why", why),
		F_C("do", "it is held; restante fsck tells more; then release or drop it"));
}

void queue_bad(struct queue *q, struct queue_job *job, struct str why, int64_t now_ms)
{
	struct settling *s = settling_new(q, job->message, job->count);

	log_bad(job->out->id, why);
	end_site(q, job, SITE_NOTHING, STR(""), now_ms);
	for (size_t i = 0; i < job->count; i++) {
		struct store_out_rcpt *r = settling_add(s, job->at[i]);

		r->flags |= STORE_OUT_BAD;
		r->last_ms = now_ms;
		set_reply(s, STR("5.3.0"), why);
	}
	job_free(q, job);
	settling_run(s);
}

void settle_bad_row(struct queue *q, const struct store_due *row)
{
	struct settling *s = settling_new(q, NULL, 1);

	log_bad(row->id, STR("its record cannot be read"));
	s->states[0] = (struct store_out_rcpt){ .number = row->number,
		.state = STORE_OUT_WAITING,
		.flags = (uint16_t)((row->flags & ~STORE_OUT_OWED) | STORE_OUT_BAD),
		.due_ms = row->due_ms,
		.attempts = row->attempts,
		.reply = STR("5.3.0 its record cannot be read") };
	s->op = (struct store_settle){
		.op.done = settled, .id = row->id, .rcpts = s->states, .count = 1
	};
	store_settle(q->store, &s->op);
}

/* ---- without an attempt ---- */

static struct str site_reply(
	struct queue *q, const struct store_out *o, const struct store_out_rcpt *r)
{
	struct route route;
	struct buf key;
	const struct site *site;

	buf_init(&key, 0);
	message_route(q, o, r, &route, &key);
	site = sites_find(&q->sites, buf_str(&key));
	buf_deinit(&key);
	return site != NULL && site->reply.n > 0
		       ? site->reply
		       : STR("its destination could not be reached in time");
}

bool settle_aged(struct queue *q, struct queue_message *m, int64_t now_ms)
{
	struct settling *s = NULL;

	if (!schedule_over(&q->shortest, m->out.since_ms, now_ms) &&
		!schedule_late(&q->shortest, m->out.since_ms, now_ms))
		return false;
	for (uint32_t at = 0; at < m->out.count; at++) {
		struct store_out_rcpt *r = &m->out.rcpts[at];
		const struct schedule schedule = queue_schedule(q, &m->out, r);
		bool over = schedule_over(&schedule, m->out.since_ms, now_ms);

		if (!message_may_go(m, at, now_ms) ||
			(!over && (!schedule_late(&schedule, m->out.since_ms, now_ms) ||
					  (r->flags & STORE_OUT_DELAY_TOLD))))
			continue;
		if (s == NULL)
			s = settling_new(q, m, m->out.count);
		r = settling_add(s, at);
		if (r->reply.n == 0 || over)
			set_reply(s, STR("4.4.7"), site_reply(q, &m->out, r));
		if (over)
			fail(&m->out, r, now_ms);
		else
			note_late(q, &m->out, r, now_ms);
	}
	if (s != NULL)
		settling_run(s);
	return s != NULL;
}

void settle_null(struct queue *q, struct queue_message *m, uint32_t at, const struct route *route,
	int64_t now_ms)
{
	struct settling *s = settling_new(q, m, 1);
	struct store_out_rcpt *r = settling_add(s, at);

	r->last_ms = now_ms;
	r->attempts++;
	if (route->kind == ROUTE_DISCARD) {
		set_reply(s, STR("2.0.0"), STR("dropped, as the configuration says"));
		r->state = STORE_OUT_DELIVERED;
		log_recipient("dropped", &m->out, r);
	} else {
		if (route->rule->min_size != 0 || route->rule->max_size != 0)
			set_reply(s, STR("5.3.4"),
				STR("this server sends no mail of that size to that domain"));
		else if (route->rule->mark != 0)
			set_reply(s, STR("5.7.1"),
				STR("this server sends no mail of that kind to that domain"));
		else
			set_reply(s, STR("5.7.1"), STR("this server sends no mail to that domain"));
		fail(&m->out, r, now_ms);
	}
	settling_run(s);
}

bool queue_is_told(const struct store_out *o, size_t at)
{
	if ((o->rcpts[at].flags & STORE_OUT_OWED) == 0)
		return false;
	while ((o->flags & STORE_VERP) != 0 && at > 0)
		if (o->rcpts[--at].flags & STORE_OUT_OWED)
			return false;
	return true;
}

void queue_reported(struct queue *q, const struct store_out *o, bool told, int64_t now_ms)
{
	struct queue_message *m = message_find(q, o->id);
	struct settling *s;

	if (!told) {
		q->reports_at_ms = now_ms + REPORT_PAUSE_MS;
		walk_again(q, q->reports_at_ms);
		m->reporting = false;
		message_forget(q, m);
		return;
	}
	s = settling_new(q, m, m->out.count);
	s->told = true;
	for (uint32_t at = 0; at < m->out.count; at++) {
		struct store_out_rcpt *r;

		if (!queue_is_told(&m->out, at))
			continue;
		r = settling_add(s, at);
		r->flags &= (uint16_t)~STORE_OUT_OWED;
		if (r->state == STORE_OUT_WAITING)
			r->flags |= STORE_OUT_DELAY_TOLD;
	}
	settling_run(s);
}

/* ---- orders ---- */

/* RFC 4865 4: not before the time that its sender wanted, whoever starts the queue; release is for that. */
static int64_t at_once(const struct store_out *o, int64_t now_ms)
{
	return o->since_ms > now_ms ? o->since_ms : now_ms;
}

static void obey(
	struct settling *s, struct store_out_rcpt *r, const struct queue_order *o, int64_t now_ms)
{
	const struct store_out *out = &s->message->out;

	switch (o->command) {
	case QUEUE_RETRY: r->due_ms = at_once(out, now_ms); break;
	case QUEUE_HOLD: r->flags |= STORE_OUT_HELD; break;
	case QUEUE_RELEASE:
		r->flags &= (uint16_t) ~(STORE_OUT_HELD | STORE_OUT_BAD);
		r->due_ms = now_ms;
		break;
	case QUEUE_FAIL:
		r->host = STR(""); /* which did not say so */
		set_reply(s, STR("5.3.0"), STR("given up by the administrator"));
		fail(out, r, now_ms);
		break;
	case QUEUE_DROP:
		r->host = STR("");
		set_reply(s, STR("5.3.0"), STR("dropped by the administrator"));
		r->state = STORE_OUT_DROPPED;
		r->flags = 0;
		log_recipient("dropped", out, r);
		break;
	case QUEUE_REROUTE:
		r->via = o->via;
		r->flags = (uint16_t)(o->via.n > 0 ? r->flags | STORE_OUT_VIA
						   : r->flags & ~STORE_OUT_VIA);
		r->due_ms = at_once(out, now_ms);
		break;
	}
}

static void reopen_site(struct queue *q, const struct store_out *o, const struct store_out_rcpt *r)
{
	struct route route;
	struct buf key;

	buf_init(&key, 0);
	message_route(q, o, r, &route, &key);
	site_reopen(&q->sites, buf_str(&key));
	buf_deinit(&key);
}

/* *at: where in the order's numbers it goes on. */
static bool is_meant(const struct queue_order *o, uint32_t number, size_t *at)
{
	while (*at < o->count && o->numbers[*at] < number)
		++*at;
	return o->numbers == NULL || (*at < o->count && o->numbers[*at] == number);
}

void queue_order(struct queue *q, struct queue_order *o, int64_t now_ms)
{
	enum store_result why;
	struct queue_message *m = message_open(q, o->id, &why);
	struct settling *s;
	size_t meant = 0;

	o->changed = 0;
	if (m != NULL && m == q->current) { /* what is not cut yet is found again */
		q->current = NULL;
		walk_again(q, now_ms);
	}
	if (m == NULL || m->users > 0 || m->reporting || !list_empty(&m->list)) {
		o->done(o, m == NULL ? why : STORE_BUSY);
		return;
	}
	message_unpark(q, m); /* what memory has of it is no longer so */
	s = settling_new(q, m, m->out.count);
	s->order = o;
	m->reporting = true; /* memory does not have a new way: then it is opened anew */
	for (uint32_t at = 0; at < m->out.count; at++) {
		struct store_out_rcpt *r = &m->out.rcpts[at];

		if (r->state != STORE_OUT_WAITING || !is_meant(o, r->number, &meant))
			continue;
		obey(s, settling_add(s, at), o, now_ms);
		if (o->command == QUEUE_RETRY || o->command == QUEUE_RELEASE)
			reopen_site(q, &m->out, r);
	}
	if (s->count > 0) {
		settling_run(s);
		return;
	}
	m->users--;
	m->reporting = false;
	settling_free(s);
	o->done(o, STORE_NOT_FOUND);
	message_release(q, m);
}
