#include "daemon/svc_queue.h"

#include <stdlib.h>

#include "account/suppression.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/dns_state.h"
#include "daemon/ipc_job.h"
#include "daemon/svc_seal.h"
#include "mime/compose.h"
#include "proto/dsn.h"

_Static_assert((int)QUEUE_NEVER == DSN_NEVER && (int)QUEUE_SUCCESS == DSN_SUCCESS &&
		       (int)QUEUE_FAILURE == DSN_FAILURE && (int)QUEUE_DELAY == DSN_DELAY,
	"the queue knows NOTIFY as the protocol does");
_Static_assert((int)JOB_8BIT == STORE_8BIT && (int)JOB_8BIT_HEADER == STORE_8BIT_HEADER &&
		       (int)JOB_SMTPUTF8 == STORE_SMTPUTF8 &&
		       (int)JOB_REQUIRETLS == STORE_REQUIRETLS && (int)JOB_REPORT == STORE_REPORT &&
		       (int)JOB_TLS_OPTIONAL == STORE_TLS_OPTIONAL,
	"a job says of a message what the store does");
_Static_assert((int)JOB_RECIPIENTS_MAX == QUEUE_JOB_RECIPIENTS, "a job of the queue fits");

enum { CREDIT_MAX = 10000, SLOTS_MAX = CREDIT_MAX, JOBS_A_TURN = 64, TEND_MS = 1000 };

struct svc_job {
	struct svc_queue *queue;
	struct svc_carrier *carrier; /* NULL: lost while the outcome is written */
	uint32_t slot;
	struct queue_job *job;
	uint32_t skip; /* octets behind the prefix that go no further: Return-Path */
	struct queue_done done;
	struct ipc_head asked; /* RESULT, while it is written */
	bool writing, bad;     /* bad: its octets are damaged */
	bool seals;            /* may ask for a signature yet */
};

/* ---- settings ---- */

void svc_queue_configure(struct svc *s)
{
	const struct config *c = s->office.config;
	struct queue_settings settings = {
		.routes = config_routes(c),
		.schedule = config_schedule(c),
		.site_connections = (uint32_t)c->queue_site_connections,
		.site_rate = (uint32_t)c->queue_site_rate,
		.limits = c->limits,
		.limit_count = c->limit_count,
	};

	if (s->queue != NULL)
		queue_configure(s->queue->queue, &settings);
}

static void woken(struct loop_timer *t)
{
	(void)t; /* the end of this turn does it */
}

void svc_queue_start(struct svc *s)
{
	uint64_t seed;

	random_bytes(&seed, sizeof seed);
	s->queue = NEW(struct svc_queue);
	s->queue->svc = s;
	s->queue->queue = queue_new(s->office.store, seed);
	s->office.queue = s->queue->queue;
	loop_timer_init(&s->queue->wake, s->loop, woken);
	svc_queue_configure(s);
	loop_timer_at(&s->queue->wake, loop_now_ms(s->loop));
}

void svc_queue_stop(struct svc *s)
{
	if (s->queue == NULL)
		return;
	s->queue->stopping = true;
	store_flush(s->office.store);
	while (store_local_busy(s->office.store))
		store_wait(s->office.store);
	loop_timer_stop(&s->queue->wake);
	s->office.queue = NULL;
	queue_free(s->queue->queue);
	buf_deinit(&s->queue->packet);
	free(s->queue);
	s->queue = NULL;
}

void svc_queue_added(struct svc *s, struct msgid id, bool report)
{
	if (s->queue != NULL)
		queue_added(s->queue->queue, id, report);
}

/* ---- jobs ---- */

static struct svc_job *job_of(struct svc_carrier *c, uint32_t slot)
{
	return slot < c->slots ? c->jobs[slot] : NULL;
}

static struct svc_job *job_place(struct svc_queue *q, struct svc_carrier *c, struct queue_job *job)
{
	struct svc_job *j = NEW(struct svc_job);
	uint32_t slot = 0;

	while (slot < c->slots && c->jobs[slot] != NULL)
		slot++;
	if (slot == c->slots) {
		size_t slots = c->slots == 0 ? 16 : c->slots * 2;

		c->jobs = mem_array(c->jobs, slots, sizeof *c->jobs);
		memset(c->jobs + c->slots, 0, (slots - c->slots) * sizeof *c->jobs);
		c->slots = slots;
	}
	c->jobs[slot] = j;
	j->queue = q;
	j->carrier = c;
	j->slot = slot;
	j->job = job;
	return j;
}

static void job_end(struct svc_job *j)
{
	if (j->carrier != NULL)
		j->carrier->jobs[j->slot] = NULL;
	free(j);
}

static void fill_job(struct job *to, const struct queue_job *job, struct job_recipient *recipients)
{
	const struct store_out *o = job->out;
	const struct store_out_rcpt *first = &o->rcpts[job->at[0]];

	*to = (struct job){ .id = o->id,
		.flags = o->flags,
		.sender = first->sender,
		.envid = o->envid,
		.ret = o->ret,
		.received_ms = o->received_ms,
		.octets = o->octets,
		.prefix_octets = o->prefix_octets,
		.kind = job->route.kind,
		.host = job->route.host,
		.port = job->route.port,
		.site = job->site->key,
		.has_rule = job->route.rule != NULL,
		.recipients = recipients,
		.count = job->count };
	if (to->has_rule) {
		to->role = job->route.rule->role;
		to->rule = str_c(job->route.rule->name);
	}
	for (size_t i = 0; i < job->count; i++) {
		const struct store_out_rcpt *r = &o->rcpts[job->at[i]];

		recipients[i] = (struct job_recipient){ r->number, r->recipient, r->orcpt,
			r->notify, r->attempts };
	}
}

/* Of octets that were read from `offset` on, those of the Return-Path. */
static size_t cut_skipped(char *room, uint64_t offset, size_t got, uint32_t prefix, uint32_t skip)
{
	size_t at, n;

	if (offset > prefix || offset + got <= prefix)
		return got;
	at = (size_t)(prefix - offset);
	n = got - at < skip ? got - at : skip;
	memmove(room + at, room + at + n, got - at - n);
	return got - n;
}

/* The whole of a small message; of another one only as much as tells what its Return-Path is.  False: it
 * cannot be handed out, and the queue was told. */
static bool read_small(
	struct svc_queue *q, struct queue_job *job, struct job *to, char *room, uint32_t *skip)
{
	bool small = to->octets <= JOB_INLINE_MAX;
	uint64_t want = (uint64_t)to->prefix_octets + COMPOSE_RETURN_PATH_MAX, got;
	enum store_result r =
		store_out_read(q->svc->office.store, (struct store_out *)(uintptr_t)job->out, 0,
			room, !small && want < JOB_INLINE_MAX ? want : JOB_INLINE_MAX, &got);

	*skip = (uint32_t)compose_return_path_length(
		str_from(str_of(room, (size_t)got), to->prefix_octets));
	to->octets -= *skip;
	if (small)
		to->message =
			str_of(room, cut_skipped(room, 0, (size_t)got, to->prefix_octets, *skip));
	if (r == STORE_OK)
		return true;
	if (r == STORE_CORRUPT)
		queue_bad(q->queue, job, STR("its octets are damaged"), clock_steady_ms());
	else
		queue_give_back(q->queue, job, clock_steady_ms());
	return false;
}

static void send_job(struct svc_queue *q, struct svc_carrier *c, struct queue_job *job)
{
	static char room[JOB_INLINE_MAX];
	struct job_recipient recipients[QUEUE_JOB_RECIPIENTS];
	struct ipc_head head = { .type = IPC_JOB };
	struct buf *b = &q->packet;
	struct svc_job *placed;
	struct job to;
	uint32_t skip;

	fill_job(&to, job, recipients);
	if (!read_small(q, job, &to, room, &skip))
		return;
	svc_seal_wanted(q->svc, job->out, &to);
	buf_clear(b);
	job_put(b, &to);
	if (b->len + sizeof head > IPC_PACKET_MAX) { /* a hundred of the longest addresses */
		to.message = STR("");
		buf_clear(b);
		job_put(b, &to);
	}
	placed = job_place(q, c, job);
	placed->skip = skip;
	placed->seals = (to.flags & JOB_SEAL) != 0;
	head.session = placed->slot;
	c->credit--;
	ipc_send(c->ipc, &head, buf_str(b), STR(""), -1);
}

/* The one with the most room. */
static struct svc_carrier *choose(struct svc *s)
{
	struct svc_carrier *best = NULL;

	for (struct link *l = s->carriers.next; l != &s->carriers; l = l->next) {
		struct svc_carrier *c = LIST_OF(l, struct svc_carrier, link);

		if (!c->dead && c->credit > 0 && (best == NULL || c->credit > best->credit))
			best = c;
	}
	return best;
}

static bool is_carried(const struct svc *s)
{
	for (const struct link *l = s->carriers.next; l != &s->carriers; l = l->next)
		if (!LIST_OF(l, struct svc_carrier, link)->dead)
			return true;
	return false;
}

void svc_queue_turn(struct svc *s)
{
	struct svc_queue *q = s->queue;
	struct svc_carrier *c;
	struct queue_job *job;
	int64_t now, wake;

	if (q == NULL || q->stopping)
		return;
	now = clock_steady_ms();
	for (int n = 0; n < JOBS_A_TURN && (c = choose(s)) != NULL; n++) {
		job = queue_take(q->queue, now);
		if (job == NULL)
			break;
		send_job(q, c, job);
	}
	if (!is_carried(s))
		queue_tend(q->queue, now);
	svc_report_next(q);
	loop_timer_stop(&q->wake);
	wake = queue_wake_ms(q->queue);
	if (!is_carried(s))
		loop_timer_at(&q->wake, loop_now_ms(s->loop) + TEND_MS);
	else if (choose(s) != NULL && wake != INT64_MAX)
		loop_timer_at(&q->wake, loop_now_ms(s->loop) + (wake > now ? wake - now : 1));
}

/* ---- what a carrier says ---- */

static void answer(
	struct svc_carrier *c, struct ipc_head head, enum store_result r, struct str octets)
{
	head.result = (uint16_t)r;
	ipc_send(c->ipc, &head, octets, STR(""), -1);
}

static bool take_credit(struct svc_carrier *c, struct reader *r)
{
	uint32_t n = get_u32(r);

	if (r->bad || r->rest.n > 0 || n > CREDIT_MAX - c->credit)
		return false;
	c->credit = n == 0 ? 0 : c->credit + n;
	return true;
}

static bool give_octets(struct svc_carrier *c, struct ipc_packet *p)
{
	static char room[IPC_CHUNK];
	struct svc_job *j = job_of(c, p->head.session);
	uint64_t offset = get_u64(&p->body), got;
	uint32_t want = get_u32(&p->body), prefix;
	enum store_result r;

	if (p->body.bad || p->body.rest.n > 0 || j == NULL || j->writing || want > IPC_CHUNK)
		return false;
	prefix = j->job->out->prefix_octets;
	offset += offset > prefix ? j->skip : 0;
	r = store_out_read(c->svc->office.store, (struct store_out *)(uintptr_t)j->job->out, offset,
		room, want, &got);
	got = cut_skipped(room, offset, (size_t)got, prefix, j->skip);
	j->bad |= r == STORE_CORRUPT;
	answer(c, p->head, r, str_of(room, (size_t)got));
	return true;
}

static void written(struct queue_done *d, enum store_result result)
{
	struct svc_job *j = LIST_OF(d, struct svc_job, done);
	struct svc_carrier *c = j->carrier;

	j->writing = false;
	if (c != NULL && !c->dead)
		answer(c, j->asked, result, STR(""));
	if (result != STORE_OK && c != NULL)
		return; /* it asks again */
	if (result != STORE_OK)
		queue_give_back(j->queue->queue, j->job, clock_steady_ms());
	job_end(j);
}

/* RFC 3463 3.2: there is no such mailbox. */
static void suppress(struct svc *s, const struct queue_job *job, const struct queue_done *d)
{
	const struct store_out *o = job->out;

	if (!s->office.config->suppression || o->account == 0)
		return;
	for (size_t i = 0; i < job->count; i++) {
		const struct store_out_rcpt *r = &o->rcpts[job->at[i]];

		for (size_t n = 0; n < d->count; n++)
			if (d->outcomes[n].number == r->number &&
				d->outcomes[n].outcome == OUTCOME_FAILED &&
				str_eq(d->outcomes[n].status, STR("5.1.1")))
				(void)suppression_add(s->office.directory, o->account, r->recipient,
					clock_steady_ms(), NULL);
	}
}

static bool take_result(struct svc_carrier *c, struct ipc_packet *p)
{
	struct svc_job *j = job_of(c, p->head.session);
	struct job_outcome outcomes[QUEUE_JOB_RECIPIENTS];
	bool delivered = false;
	size_t n = 0;

	if (j == NULL || j->writing)
		return false;
	while (n < QUEUE_JOB_RECIPIENTS && outcome_get(&p->body, &outcomes[n]))
		delivered |= outcomes[n++].outcome == OUTCOME_DELIVERED;
	if (p->body.bad || p->body.rest.n > 0)
		return false;
	if (j->bad && !delivered) {
		queue_bad(
			j->queue->queue, j->job, STR("its octets are damaged"), clock_steady_ms());
		answer(c, p->head, STORE_OK, STR(""));
		job_end(j);
		return true;
	}
	j->asked = p->head;
	j->done = (struct queue_done){
		.done = written, .job = j->job, .outcomes = outcomes, .count = n
	};
	j->writing = true;
	suppress(c->svc, j->job, &j->done);
	if (queue_done(j->queue->queue, &j->done, clock_steady_ms()))
		return true;
	j->writing = false;
	return false;
}

static bool take_seal(struct svc_carrier *c, struct ipc_packet *p)
{
	struct svc_job *j = job_of(c, p->head.session);

	if (j == NULL || j->writing || !j->seals)
		return false;
	j->seals = false;
	return svc_seal(c, p, j->job->out->rcpts[j->job->at[0]].sender);
}

static bool take_dns(struct svc_carrier *c, struct reader *r)
{
	uint8_t state = get_u8(r);

	if (r->bad || r->rest.n > 0 || state >= DNS_STATES)
		return false;
	c->svc->office.dns_state = state;
	return true;
}

bool svc_queue_packet(struct svc_carrier *c, struct ipc_packet *p)
{
	if (c->svc->queue == NULL)
		return false;
	switch (p->head.type) {
	case IPC_CREDIT: return take_credit(c, &p->body);
	case IPC_QREAD: return give_octets(c, p);
	case IPC_RESULT: return take_result(c, p);
	case IPC_SEAL: return take_seal(c, p);
	case IPC_DNS: return take_dns(c, &p->body);
	}
	return false;
}

void svc_queue_carrier_lost(struct svc_carrier *c)
{
	for (size_t i = 0; i < c->slots; i++) {
		struct svc_job *j = c->jobs[i];

		if (j == NULL)
			continue;
		j->carrier = NULL;
		if (j->writing)
			continue;
#ifndef MUTANT_FORGET_JOBS
		queue_give_back(j->queue->queue, j->job, clock_steady_ms());
#endif
		free(j);
	}
	svc_seal_carrier_lost(c);
	free(c->jobs);
	c->jobs = NULL;
	c->slots = 0;
	c->credit = 0;
}
