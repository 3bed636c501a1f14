#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/carrier_job.h"
#include "daemon/config_out.h"
#include "store/store.h"

enum { JOBS_MOST = 1 << 16, RESULT_AGAIN_MS = 1000, ORPHAN_MS = 5 * 60 * 1000 };

void job_free_all(struct carrier_job *j)
{
	seal_end(j);
	plan_end(&j->plan);
	dial_cancel(&j->dial);
	find_end(&j->find);
	sts_cancel(&j->sts_wait);
	mtasts_policy_deinit(&j->sts);
	loop_timer_stop(&j->again);
	if (j->out != NULL)
		out_drop(j->out);
	job_free(&j->job);
	buf_deinit(&j->packet);
	body_reset(&j->body);
	buf_deinit(&j->result);
	free(j->notes);
	free(j->rcpts);
	free(j->index);
	if (list_empty(&j->orphans))
		carrier_job_ended(j->carrier, j->number);
	list_del(&j->orphans);
	list_del(&j->behind);
	free(j);
}

/* What became of it */

static void log_recipient(const char *event, const struct carrier_job *j, size_t i)
{
	const struct job_note *n = &j->notes[i];
	char id[MSGID_TEXT + 1];

	msgid_text(j->job.id, id);
	log_info(event, F_C("id", id), F_STR("to", j->job.recipients[i].address),
		F_STR("site", j->job.site), F_C("host", n->host), F_C("tls", n->tls),
		F_C("status", n->status), F_C("reply", n->reply),
		F_INT("attempt", j->job.recipients[i].attempts + 1),
		F_INT("ms", loop_now_ms(j->carrier->loop) - j->started_ms),
		F_INT("delay", (clock_steady_ms() - j->job.received_ms) / 1000));
}

static void log_outcome(const struct carrier_job *j, size_t i)
{
	switch (j->notes[i].outcome) {
	case OUTCOME_DELIVERED: log_recipient("carrier.delivered", j, i); break;
	case OUTCOME_DEFERRED: log_recipient("carrier.deferred", j, i); break;
	case OUTCOME_FAILED: log_recipient("carrier.failed-for", j, i); break;
	}
}

static void send_result(struct carrier_job *j)
{
	j->seq = carrier_ask(j->carrier, j->number, IPC_RESULT, buf_str(&j->result));
}

static void again(struct loop_timer *t)
{
	struct carrier_job *j = LIST_OF(t, struct carrier_job, again);

	if (list_empty(&j->orphans))
		send_result(j);
	else if (j->out != NULL && out_is_shared(j->out)) /* which ends by itself */
		loop_timer_at(t, loop_now_ms(j->carrier->loop) + RESULT_AGAIN_MS);
	else
		job_free_all(j); /* another carrier has it, or nobody */
}

/* Something that must not happen again has happened to one of them. */
static bool is_worth_telling(const struct carrier_job *j)
{
	for (size_t i = 0; i < j->job.count; i++)
		if (j->notes[i].outcome != OUTCOME_DEFERRED || j->notes[i].unknown)
			return true;
	return false;
}

/* RFC 8689 4.2.1: that no host there has TLS for it is told at once (5.7.10).  True: what failed was the demand of this
 * message, which says nothing of the destination. */
static bool requiretls_unmet(struct carrier_job *j)
{
	char reply[sizeof j->last.reply];

	if (!job_requires_tls(j))
		return false;
	if (str_eq(str_c(j->last.status), STR("4.7.4"))) {
		memcpy(reply, j->last.reply, sizeof reply);
		note_host(&j->last, "5.7.10", "%s", reply);
	}
	return j->last.outcome == OUTCOME_FAILED;
}

/* Whoever has no outcome of its own shares that of the host that was tried last. */
void job_report(struct carrier_job *j)
{
	bool unmet = requiretls_unmet(j);
	bool sealed = j->seal.fields.len > 0 && j->body.phase == BODY_AS_IT_IS;
	struct buf exchangers = { 0 };

	j->state = JOB_REPORTING;
	job_exchangers(j, &exchangers);
	for (size_t i = 0; i < j->job.count; i++) {
		bool shared = !j->notes[i].final;
		const struct job_note *n = &j->notes[i];
		struct job_outcome o;

		if (shared)
			j->notes[i] = j->last;
		o = (struct job_outcome){ .number = j->job.recipients[i].number,
			.outcome = n->outcome,
			.site_failed = shared && !unmet,
			.relayed = n->relayed,
			.sealed = sealed,
			.unknown = n->unknown,
			.status = str_c(n->status),
			.reply = str_c(n->reply),
			.host = str_c(n->host),
			.tls = str_c(n->tls),
			.exchangers = i == 0 ? buf_str(&exchangers) : STR("") };
		outcome_put(&j->result, &o);
		log_outcome(j, i);
	}
	buf_deinit(&exchangers);
	/* One question at a time: octets that nobody wants any more are waited for. */
	if (list_empty(&j->orphans) && j->seq == 0)
		send_result(j);
	else if (!list_empty(&j->orphans) && !is_worth_telling(j))
		job_free_all(j);
}

/* The message, for those who have no outcome yet */

const struct smtpc_message *job_address(struct carrier_job *j)
{
	const struct job *job = &j->job;
	bool seven = j->body.phase == BODY_SEVENBIT;
	size_t n = 0;

	for (size_t i = 0; i < job->count; i++) {
		if (j->notes[i].final)
			continue;
		j->rcpts[n] = (struct smtpc_rcpt){ job->recipients[i].address,
			job->recipients[i].notify, job->recipients[i].orcpt };
		j->index[n++] = i;
	}
	j->message = (struct smtpc_message){ .reverse_path = job->sender,
		.rcpts = j->rcpts,
		.rcpt_count = n,
		.octets = seven ? j->body.octets : j->seal.fields.len + job->octets,
		.eightbit = !seven && (job->flags & (JOB_8BIT | JOB_8BIT_HEADER)) != 0,
		/* Octets over 127 in a header without SMTPUTF8 are somebody's old habit, and pass. */
		.smtputf8 = (job->flags & JOB_SMTPUTF8) != 0 && (job->flags & JOB_8BIT_HEADER) != 0,
		.requiretls = (job->flags & JOB_REQUIRETLS) != 0,
		.envid = job->envid,
		.ret = (enum dsn_ret)job->ret };
	return &j->message;
}

const struct smtpc_message *job_message(struct carrier_job *j)
{
	j->state = JOB_TALKING;
	return job_address(j);
}

void job_answered(struct carrier_job *j, struct ipc_packet *p)
{
	j->seq = 0;
	if (p->head.type == IPC_QREAD && j->state == JOB_REPORTING)
		send_result(j);
	else if (p->head.type == IPC_QREAD)
		job_got_octets(j, p->head.result == STORE_OK ? p->body.rest : STR(""));
	else if (p->head.type == IPC_SEAL)
		seal_signed(j, p);
	else if (p->head.result == STORE_OK)
		job_free_all(j);
	else
		loop_timer_at(&j->again, loop_now_ms(j->carrier->loop) + RESULT_AGAIN_MS);
}

/* Its beginning */

void job_store_lost(struct carrier_job *j)
{
	bool reading = j->seq != 0 && j->state == JOB_TALKING;

	if (reading || (j->state != JOB_TALKING && j->state != JOB_REPORTING) ||
		(j->state == JOB_REPORTING && !is_worth_telling(j))) {
		job_free_all(j);
		return;
	}
	j->seq = 0;
	carrier_job_ended(j->carrier, j->number);
	list_append(&j->carrier->orphans, &j->orphans);
	loop_timer_at(&j->again, loop_now_ms(j->carrier->loop) + ORPHAN_MS);
}

static bool same_job(const struct job *a, const struct job *b)
{
	if (!msgid_eq(a->id, b->id) || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->recipients[i].number != b->recipients[i].number)
			return false;
	return true;
}

static void take_place(struct carrier *c, uint32_t number, struct carrier_job *j)
{
	j->number = number;
	c->jobs[number] = j;
	c->job_count++;
}

/* The job of an orphan comes again. */
static bool adopt(struct carrier *c, uint32_t number, const struct job *job)
{
	for (struct link *l = c->orphans.next; l != &c->orphans; l = l->next) {
		struct carrier_job *j = LIST_OF(l, struct carrier_job, orphans);

		if (!same_job(&j->job, job))
			continue;
		list_del(l);
		loop_timer_stop(&j->again);
		take_place(c, number, j);
		if (j->state == JOB_REPORTING)
			send_result(j);
		return true;
	}
	return false;
}

static bool place(struct carrier *c, uint32_t number)
{
	if (number >= JOBS_MOST)
		return false;
	if (number >= c->job_slots) {
		uint32_t slots = number + 64;

		c->jobs = mem_array(c->jobs, slots, sizeof(struct carrier_job *));
		memset(c->jobs + c->job_slots, 0,
			(slots - c->job_slots) * sizeof(struct carrier_job *));
		c->job_slots = slots;
	}
	return c->jobs[number] == NULL;
}

/* The store and this carrier may have read the configuration at different times: a password goes only where the
 * same section sends it. */
static bool is_rule_of(const struct route_rule *rule, const struct job *job)
{
	return rule != NULL && rule->kind == job->kind &&
	       (job->kind == ROUTE_MX ||
		       (str_eq(str_c(rule->host), job->host) && rule->port == job->port));
}

/* False: what its section asks for is not known here. */
static bool choose_level(struct carrier_job *j)
{
	const struct config *c = j->carrier->config;
	struct route_rules rules = config_routes(c);

	j->level = config_tls_level(c, j->job.host);
	if (j->job.has_rule) {
		j->rule = route_rule_find(&rules, j->job.role, j->job.rule);
		if (!is_rule_of(j->rule, &j->job))
			return false;
		/* A section that leaves the way to MX (backup_mx) leaves the domain's tls_policy too. */
		if (j->rule->kind != ROUTE_MX || j->level == 0)
			j->level = j->rule->tls;
	}
	if (j->level == 0)
		j->level = ROUTE_TLS_MAY;
	return true;
}

void job_go(struct carrier_job *j)
{
	if (!out_follow(j->carrier, j) && !out_use_idle(j->carrier, j))
		job_find(j);
}

bool job_start(struct carrier *c, uint32_t number, struct reader *packet)
{
	struct carrier_job *j = NEW(struct carrier_job);
	struct reader r;
	bool good;

	buf_put(&j->packet, packet->rest);
	r.rest = buf_str(&j->packet);
	r.bad = false;
	good = job_get(&r, &j->job) && j->job.count > 0 && place(c, number);
	if (!good || adopt(c, number, &j->job)) {
		job_free(&j->job);
		buf_deinit(&j->packet);
		free(j);
		return good;
	}
	j->carrier = c;
	take_place(c, number, j);
	j->started_ms = loop_now_ms(c->loop);
	loop_timer_init(&j->again, c->loop, again);
	list_init(&j->orphans);
	list_init(&j->behind);
	j->notes = mem_zalloc(j->job.count * sizeof *j->notes);
	j->rcpts = mem_zalloc(j->job.count * sizeof *j->rcpts);
	j->index = mem_zalloc(j->job.count * sizeof *j->index);
	j->reused = true;
	j->source = config_source(c->config, j->job.sender);
	if (!choose_level(j)) {
		note_host(&j->last, "4.3.5", "the configuration has changed meanwhile");
		job_report(j);
	} else if ((j->job.flags & JOB_SEAL) != 0) {
		seal_begin(j);
	} else {
		job_go(j);
	}
	return true;
}
