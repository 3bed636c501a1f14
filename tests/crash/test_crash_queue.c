/* test_crash_queue -- cuts power at random points while mail goes on, and compares what is there with what
 * was promised: each recipient of a message that was taken ends in exactly one way, delivered or told of.
 *
 *   test_crash_queue [--seed S] [--cuts N]
 *
 * The model plays the carrier: it makes up outcomes and notes which of them were answered.  Answered: it is
 * so, after any number of cuts, and is never tried again.  Told but not answered (RFC 1047): it is so or is
 * tried again.  A failure has exactly one notice in the end; a delivery has none.  The notices are messages
 * in a maildrop, whose ids follow from what they tell, as svc_report.c makes them. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "base/log.h"
#include "queue/queue.h"
#include "store/disk_sim.h"
#include "store/local.h"
#include "../unit/store_help.h"

enum { MESSAGES = 600, RECIPIENTS = 5, JOBS = 6, LIVES = 12, NOTICES = 1 };

enum fate { ABSENT, PRESENT, OPEN };

struct recipient {
	enum store_out_state settled; /* and answered; 0: not yet */
	unsigned told;                /* outcomes that were told and not answered, bits of states */
	unsigned notices;             /* found */
};

struct message {
	enum fate fate;
	size_t count;
	struct recipient to[RECIPIENTS];
};

struct world {
	uint64_t rng, seed, cuts, delivered, failed, twice, notices, gone;
	struct disk *disk;
	struct store *store;
	struct queue *queue;
	char *dir;
	int64_t now;
	struct message messages[MESSAGES];
	uint32_t count;
	struct queue_job *jobs[JOBS];
};

static uint64_t rnd(struct world *w, uint64_t below)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng % below;
}

__attribute__((noreturn, format(printf, 2, 3))) static void broken(
	const struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("BROKEN PROMISE (seed %" PRIu64 ", cut %" PRIu64 "): ", w->seed, w->cuts);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	help_remove_tree(w->dir);
	exit(1);
}

static uint32_t number_of(struct msgid id)
{
	return (uint32_t)id.b[12] << 24 | (uint32_t)id.b[13] << 16 | (uint32_t)id.b[14] << 8 |
	       id.b[15];
}

/* ---- work ---- */

static void wait_for(struct world *w)
{
	store_flush(w->store);
	while (store_local_busy(w->store))
		store_wait(w->store);
}

static void do_send(struct world *w)
{
	static const char *const domains[] = { "a.example", "b.example", "c.example" };
	struct store_target t[RECIPIENTS + 1] = { 0 };
	char names[RECIPIENTS][32];
	struct message *m;
	struct store_deliver d;
	uint32_t id = w->count + 1;

	if (w->count == MESSAGES)
		return;
	m = &w->messages[w->count++];
	*m = (struct message){ .fate = OPEN, .count = 1 + rnd(w, RECIPIENTS) };
	for (size_t i = 0; i < m->count; i++) {
		int n = snprintf(names[i], sizeof names[i], "r%zu@%s", i, domains[rnd(w, 3)]);

		t[i].recipient = str_of(names[i], (size_t)n);
	}
	d = (struct store_deliver){ .op.done = help_note,
		.draft = store_draft_new(w->store, help_id(id)),
		.sender = STR("s@ours.example"),
		.client = STR(""),
		.received_ms = w->now,
		.targets = t,
		.count = m->count };
	for (uint64_t n = rnd(w, 30); n > 0; n--)
		(void)store_draft_append(d.draft, STR("0123456789 0123456789 0123456789\r\n"));
	help_done = false;
	store_deliver(w->store, &d);
	(void)help_wait(w->store);
	if (help_result != STORE_OK) {
		m->fate = help_result == STORE_UNKNOWN || disk_sim_dead(w->disk) ? OPEN : ABSENT;
		return;
	}
	m->fate = PRESENT;
	queue_added(w->queue, help_id(id), false);
}

static void do_take(struct world *w)
{
	for (size_t i = 0; i < JOBS; i++) {
		struct queue_job *job = w->jobs[i];
		struct message *m;

		if (job != NULL || (job = queue_take(w->queue, w->now)) == NULL)
			continue;
		w->jobs[i] = job;
		m = &w->messages[number_of(job->out->id) - 1];
		for (size_t k = 0; k < job->count; k++)
			if (m->to[job->at[k]].settled != 0)
				broken(w, "message %u goes to recipient %u again",
					number_of(job->out->id), job->at[k]);
	}
}

static enum store_result done_result;
static bool done_told;

static void on_done(struct queue_done *d, enum store_result result)
{
	(void)d;
	done_told = true;
	done_result = result;
}

static void do_finish(struct world *w)
{
	size_t at = rnd(w, JOBS);
	struct queue_job *job = w->jobs[at];
	struct job_outcome outcomes[QUEUE_JOB_RECIPIENTS];
	struct queue_done d = { .done = on_done, .job = job, .outcomes = outcomes };
	static const enum store_out_state states[] = { [OUTCOME_DELIVERED] = STORE_OUT_DELIVERED,
		[OUTCOME_FAILED] = STORE_OUT_FAILED,
		[OUTCOME_DEFERRED] = STORE_OUT_WAITING };
	struct recipient *to[QUEUE_JOB_RECIPIENTS];

	if (job == NULL)
		return;
	for (; d.count < job->count; d.count++) {
		to[d.count] = &w->messages[number_of(job->out->id) - 1].to[job->at[d.count]];
		outcomes[d.count] =
			(struct job_outcome){ .number = job->out->rcpts[job->at[d.count]].number,
				.outcome = (enum outcome)(1 + rnd(w, 3)),
				.status = STR("5.1.1"),
				.reply = STR("no") };
		w->twice += (to[d.count]->told & 1u << STORE_OUT_DELIVERED) &&
			    outcomes[d.count].outcome == OUTCOME_DELIVERED;
		to[d.count]->told |= 1u << states[outcomes[d.count].outcome];
	}
	done_told = false;
	if (!queue_done(w->queue, &d, w->now))
		broken(w, "an outcome is not taken");
	wait_for(w);
	if (!done_told)
		broken(w, "an outcome is not answered");
	if (done_result != STORE_OK) {
		queue_give_back(w->queue, job, w->now);
		wait_for(w);
	}
	w->jobs[at] = NULL;
	if (done_result != STORE_OK)
		return;
	for (size_t i = 0; i < d.count; i++) {
		to[i]->told = 0;
		if (outcomes[i].outcome == OUTCOME_DEFERRED)
			continue;
		to[i]->settled = states[outcomes[i].outcome];
		w->delivered += to[i]->settled == STORE_OUT_DELIVERED;
		w->failed += to[i]->settled == STORE_OUT_FAILED;
	}
}

/* As svc_report.c does it: first the notice is durable, then nothing is owed any more. */
static void do_report(struct world *w)
{
	const struct store_out *o = queue_take_report(w->queue);
	struct store_target t = { .maildrop = NOTICES, .recipient = STR("s@ours.example") };
	struct buf text = { 0 };
	uint32_t id = 0;
	bool told;

	if (o == NULL)
		return;
	buf_printf(&text, "%u:", number_of(o->id));
	for (size_t i = 0; i < o->count; i++)
		if (o->rcpts[i].flags & STORE_OUT_OWED) {
			if (id == 0)
				id = (number_of(o->id) << 8 | o->rcpts[i].number) + (1u << 20);
			buf_printf(&text, " %u", o->rcpts[i].number);
		}
	buf_put(&text, STR("\r\n"));
#ifdef MUTANT_REPORT_LATE
	queue_reported(w->queue, o, true, w->now);
	wait_for(w);
#endif
	told = help_deliver_to(w->store, help_id(id), buf_str(&text), &t, 1) == STORE_OK;
#ifndef MUTANT_REPORT_LATE
	queue_reported(w->queue, o, told, w->now);
	wait_for(w);
#endif
	w->notices += told;
	buf_deinit(&text);
}

static void do_compact(struct world *w)
{
	for (uint64_t n = rnd(w, 60); n > 0 && store_local_compact(w->store, rnd(w, 2)); n--)
		wait_for(w);
}

static void do_fault(struct world *w)
{
	static const enum disk_sim_call calls[] = { SIM_WRITE, SIM_ALLOCATE, SIM_SYNC, SIM_OPEN };

	if (rnd(w, 3) == 0)
		disk_sim_fail(w->disk, calls[rnd(w, 4)], (unsigned)(1 + rnd(w, 12)),
			rnd(w, 2) ? -EIO : -ENOSPC, false);
}

static void clear_faults(struct world *w)
{
	for (int c = 0; c < SIM_CALLS; c++)
		disk_sim_fail(w->disk, (enum disk_sim_call)c, 0, 0, false);
}

static void step(struct world *w)
{
	switch (rnd(w, 13)) {
	case 12: do_fault(w); break;
	case 0:
	case 1: do_send(w); break;
	case 2: do_compact(w); break;
	case 3: w->now += 30000; break;
	case 4:
	case 5: do_report(w); break;
	case 6: {
		size_t at = rnd(w, JOBS);

		if (w->jobs[at] != NULL && rnd(w, 4) == 0) { /* a carrier died */
			queue_give_back(w->queue, w->jobs[at], w->now);
			w->jobs[at] = NULL;
			wait_for(w);
		}
		break;
	}
	case 7:
	case 8:
	case 9: do_take(w); break;
	default: do_finish(w); break;
	}
}

/* ---- comparing ---- */

static void count_notices(struct world *w)
{
	struct store_listing l;
	struct buf text = { 0 };

	for (uint32_t i = 0; i < w->count; i++)
		for (size_t k = 0; k < RECIPIENTS; k++)
			w->messages[i].to[k].notices = 0;
	if (help_list(w->store, &l, NOTICES, 0) != STORE_OK)
		broken(w, "the notices cannot be listed");
	for (size_t i = 0; i < l.count; i++) {
		struct str rest;
		uint64_t id, number;

		if (help_read(w->store, &text, NOTICES, 0, l.rows[i].id, 256) != STORE_OK)
			broken(w, "a notice cannot be read");
		rest = str_head(buf_str(&text), text.len - 2);
		if (!str_u64(str_cut(&rest, ':'), &id) || id == 0 || id > w->count)
			broken(w, "a notice of nothing");
		(void)str_cut(&rest, ' ');
		while (rest.n > 0)
			if (str_u64(str_cut(&rest, ' '), &number) && number < RECIPIENTS)
				w->messages[id - 1].to[number].notices++;
	}
	store_listing_free(&l);
	buf_deinit(&text);
}

static void check_recipient(struct world *w, uint32_t id, size_t k, const struct store_out_rcpt *r)
{
	struct recipient *m = &w->messages[id - 1].to[k];
	bool owed = (r->flags & STORE_OUT_OWED) != 0;

	if (m->settled != 0 && r->state != m->settled)
		broken(w, "recipient %zu of message %u was settled as %d and is %d", k, id,
			(int)m->settled, (int)r->state);
	if (m->settled == 0 && r->state != STORE_OUT_WAITING) {
		if ((m->told & 1u << r->state) == 0)
			broken(w, "recipient %zu of message %u is %d, and nobody said so", k, id,
				(int)r->state);
		m->settled = r->state;
	}
	if (m->notices > 1)
		broken(w, "recipient %zu of message %u is told of %u times", k, id, m->notices);
	if (r->state == STORE_OUT_FAILED && !owed && m->notices == 0)
		broken(w, "recipient %zu of message %u failed, and nobody is told", k, id);
	if (r->state != STORE_OUT_FAILED && m->notices > 0)
		broken(w, "recipient %zu of message %u is told of, and is %d", k, id,
			(int)r->state);
}

static void check_message(struct world *w, uint32_t id)
{
	struct message *m = &w->messages[id - 1];
	struct store_out o;
	enum store_result r = store_out_open(w->store, help_id(id), &o);

	if (r == STORE_OK) {
		if (m->fate == ABSENT)
			broken(w, "message %u was refused and is there", id);
		if (o.count != m->count)
			broken(w, "message %u has %zu recipients of %zu", id, o.count, m->count);
		m->fate = PRESENT;
		for (size_t k = 0; k < m->count; k++)
			check_recipient(w, id, k, &o.rcpts[k]);
		store_out_close(w->store, &o);
		return;
	}
	if (r != STORE_NOT_FOUND)
		broken(w, "message %u cannot be opened: %d", id, (int)r);
	if (m->fate == OPEN) {
		m->fate = ABSENT;
		return;
	}
	for (size_t k = 0; m->fate == PRESENT && k < m->count; k++) {
		/* it may have been given back: then everything about it was settled */
		if (m->to[k].settled == 0 && m->to[k].told == 0)
			broken(w, "message %u is gone with recipient %zu waiting", id, k);
		if (m->to[k].settled == STORE_OUT_FAILED && m->to[k].notices != 1)
			broken(w, "message %u is gone, and recipient %zu not told of", id, k);
		w->gone++;
	}
}

static void check_all(struct world *w)
{
	struct fsck_report r;
	struct err err = { 0 };

	count_notices(w);
	for (uint32_t id = 1; id <= w->count; id++)
		check_message(w, id);
	if (rnd(w, 4) != 0)
		return;
	if (store_local_fsck(w->dir, w->disk, &r, NULL, &err) != ST_OK ||
		r.corrupt + r.missing + r.index_differs > 0)
		broken(w, "fsck: %d corrupt, %d missing, %d rows differ", (int)r.corrupt,
			(int)r.missing, (int)r.index_differs);
}

/* ---- lives ---- */

static void open_world(struct world *w)
{
	static const struct queue_settings settings = {
		.schedule = { .wait_ms = { 60000 },
			.waits = 1,
			.lifetime_ms = INT64_C(1) << 50,
			.delay_notice_ms = -1 },
		.site_connections = 20,
	};
	struct store_local_config config = {
		.segment_octets = 48 << 10, .inline_max = 4096, .expunged_keep_ms = -1
	};
	struct err err = { 0 };

	w->store = store_local_open(w->dir, w->disk, &config, &err);
	if (w->store == NULL)
		broken(w, "does not open: %s", err.text);
	w->queue = queue_new(w->store, w->seed);
	queue_configure(w->queue, &settings);
}

static void close_world(struct world *w)
{
	for (size_t i = 0; i < JOBS; i++)
		if (w->jobs[i] != NULL) {
			queue_give_back(w->queue, w->jobs[i], w->now);
			w->jobs[i] = NULL;
		}
	wait_for(w);
	queue_free(w->queue);
	store_close_all(w->store);
}

static void one_life(struct world *w)
{
	disk_sim_die_after(w->disk, (unsigned)(1 + rnd(w, rnd(w, 3) == 0 ? 400 : 60)));
	for (int i = 0; i < 600 && !disk_sim_dead(w->disk); i++)
		step(w);
	clear_faults(w);
	close_world(w);
	if (rnd(w, 4) == 0)
		disk_sim_killed(w->disk);
	else
		disk_sim_power_cut(w->disk, rnd(w, UINT64_MAX));
	w->cuts++;
	disk_sim_die_after(w->disk, UINT32_MAX);
	open_world(w);
	check_all(w);
}

/* Without any more cuts, everything ends. */
static void drain(struct world *w)
{
	uint64_t waiting = 1, held;

	for (int i = 0; waiting > 0; i++) {
		w->now += 10000;
		do_take(w);
		for (int k = 0; k < 20; k++)
			do_finish(w);
		do_report(w);
		if (store_out_count(w->store, &waiting, &held) != STORE_OK || i > 20000)
			broken(w, "%d recipients never end", (int)waiting);
	}
	check_all(w);
	for (uint32_t id = 1; id <= w->count; id++)
		for (size_t k = 0; k < w->messages[id - 1].count; k++)
			if (w->messages[id - 1].fate == PRESENT &&
				w->messages[id - 1].to[k].settled == 0 &&
				w->messages[id - 1].to[k].told == 0)
				broken(w, "recipient %zu of message %u did not end", k, id);
}

static void one_world(struct world *w, const char *home, uint64_t cuts)
{
	w->disk = disk_sim_new(home);
	w->dir = help_dir(home);
	w->count = 0;
	w->now = 1700000000000;
	open_world(w);
	for (int i = 0; i < LIVES && w->cuts < cuts; i++)
		one_life(w);
	drain(w);
	close_world(w);
	w->disk->ops->free(w->disk);
	help_remove_tree(w->dir);
	free(w->dir);
}

int main(int argc, char **argv)
{
	const char *home = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct world *w = NEW(struct world);
	uint64_t cuts = 400, seed = 1;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (str_eq(str_c(argv[i]), STR("--seed")))
			(void)str_u64(str_c(argv[i + 1]), &seed);
		else if (str_eq(str_c(argv[i]), STR("--cuts")))
			(void)str_u64(str_c(argv[i + 1]), &cuts);
	}
	log_init(2, LOG_L_ERROR + 1, "crash");
	for (; w->cuts < cuts; seed++) {
		w->seed = seed;
		w->rng = seed * 0x9e3779b97f4a7c15u + 1;
		one_world(w, home, cuts);
	}
	printf("%" PRIu64 " cuts: everybody got it or was told of (%" PRIu64 " delivered, %" PRIu64
	       " failed, %" PRIu64 " notices, %" PRIu64 " settled and forgotten, %" PRIu64
	       " delivered twice, as nobody knew of the first)\n",
		w->cuts, w->delivered, w->failed, w->notices, w->gone, w->twice);
	free(w);
	return 0;
}
