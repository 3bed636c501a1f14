/* The queue over a real store, with a clock that the test moves. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "queue/queue.h"
#include "store/local.h"
#include "collide.h"
#include "store_help.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

struct world {
	struct disk *disk;
	struct store *store;
	struct queue *queue;
	struct queue_settings settings;
	char *dir;
	int64_t now;
	uint32_t next_id;
};

static struct queue_settings plain(void)
{
	return (struct queue_settings){
		.schedule = { .wait_ms = { MINUTE, 5 * MINUTE },
			.waits = 2,
			.lifetime_ms = 2 * HOUR,
			.delay_notice_ms = HOUR },
		.site_connections = 20,
	};
}

static void world_open(struct world *w)
{
	struct store_local_config config = { .segment_octets = 1 << 20, .expunged_keep_ms = -1 };
	struct err err = { 0 };

	w->store = store_local_open(w->dir, w->disk, &config, &err);
	if (w->store == NULL)
		fail_msg("%s", err.text);
	w->queue = queue_new(w->store, 7);
	queue_configure(w->queue, &w->settings);
}

static void world_init(struct world *w)
{
	*w = (struct world){ .disk = disk_real(), .dir = help_dir("/tmp"), .now = 1700000000000 };
	w->settings = plain();
	world_open(w);
}

static void flush(struct world *w)
{
	store_flush(w->store);
	while (store_local_busy(w->store))
		store_wait(w->store);
}

static void world_close(struct world *w)
{
	flush(w);
	queue_free(w->queue);
	store_close_all(w->store);
}

static void world_deinit(struct world *w)
{
	world_close(w);
	w->disk->ops->free(w->disk);
	help_remove_tree(w->dir);
	free(w->dir);
}

static void world_reopen(struct world *w)
{
	world_close(w);
	world_open(w);
}

struct mail {
	const char *sender, *to[8];
	uint8_t notify, flags;
	int64_t hold_ms;
	bool report, silent; /* silent: the queue is not told */
};

static uint32_t send_mail(struct world *w, const struct mail *mail)
{
	struct store_target t[8] = { 0 };
	struct store_draft *draft = store_draft_new(w->store, help_id(++w->next_id));
	struct store_deliver d = { .op.done = help_note,
		.draft = draft,
		.client = STR(""),
		.sender = str_c(mail->sender == NULL ? "s@ours.example" : mail->sender),
		.received_ms = w->now,
		.hold_ms = mail->hold_ms,
		.flags = mail->flags,
		.targets = t };

	for (; d.count < 8 && mail->to[d.count] != NULL; d.count++)
		t[d.count] = (struct store_target){ .recipient = str_c(mail->to[d.count]),
			.notify = mail->notify };
	(void)store_draft_append(draft, STR("Subject: x\r\n\r\n"));
	help_done = false;
	store_deliver(w->store, &d);
	assert_int_equal(help_wait(w->store), STORE_OK);
	if (!mail->silent)
		queue_added(w->queue, help_id(w->next_id), mail->report);
	return w->next_id;
}

static uint32_t send_to(struct world *w, const char *to)
{
	return send_mail(w, &(struct mail){ .to = { to } });
}

/* What may go now; time passes only a little. */
static struct queue_job *take(struct world *w)
{
	struct queue_job *job = queue_take(w->queue, w->now);

	for (int i = 0; job == NULL && i < 200; i++) {
		if (queue_wake_ms(w->queue) > w->now + 2000)
			break;
		w->now += 10;
		job = queue_take(w->queue, w->now);
	}
	return job;
}

static uint32_t id_of(const struct queue_job *job)
{
	const unsigned char *b = job->out->id.b;

	return (uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 | b[15];
}

static enum store_result finish_result;

static void finished(struct queue_done *d, enum store_result result)
{
	(void)d;
	finish_result = result;
}

static void finish_with(struct world *w, struct queue_job *job, struct job_outcome o)
{
	struct job_outcome outcomes[QUEUE_JOB_RECIPIENTS];
	struct queue_done d = {
		.done = finished, .job = job, .outcomes = outcomes, .count = job->count
	};

	for (size_t i = 0; i < job->count; i++) {
		outcomes[i] = o;
		outcomes[i].number = job->out->rcpts[job->at[i]].number;
	}
	finish_result = STORE_UNKNOWN;
	assert_true(queue_done(w->queue, &d, w->now));
	flush(w);
	assert_int_equal(finish_result, STORE_OK);
}

static void finish(struct world *w, struct queue_job *job, enum outcome outcome)
{
	static const struct str status[] = { [OUTCOME_DELIVERED] = STR_INIT("2.0.0"),
		[OUTCOME_DEFERRED] = STR_INIT("4.2.0"),
		[OUTCOME_FAILED] = STR_INIT("5.1.1") };

	finish_with(w, job,
		(struct job_outcome){ .outcome = outcome,
			.status = status[outcome],
			.reply = STR("said"),
			.host = STR("mx") });
}

static void fail_site(struct world *w, struct queue_job *job)
{
	finish_with(w, job,
		(struct job_outcome){ .outcome = OUTCOME_DEFERRED,
			.status = STR("4.4.1"),
			.reply = STR("no answer"),
			.site_failed = true });
}

static void assert_nothing(struct world *w)
{
	struct queue_job *job = take(w);

	if (job != NULL)
		fail_msg("a job of message %u", id_of(job));
}

static void assert_settled(struct world *w)
{
	uint64_t waiting, held;

	assert_int_equal(store_out_count(w->store, &waiting, &held), STORE_OK);
	assert_int_equal(waiting, 0);
	assert_int_equal(queue_figures(w->queue, w->now).messages, 0);
}

static struct store_out_rcpt state_of(struct world *w, uint32_t id, size_t at)
{
	struct store_out o;
	struct store_out_rcpt r;

	assert_int_equal(store_out_open(w->store, help_id(id), &o), STORE_OK);
	r = o.rcpts[at];
	store_out_close(w->store, &o);
	return r; /* its texts are gone */
}

/* ---- tests ---- */

static void fresh_mail_goes_at_once(void **state)
{
	struct queue_job *a, *b;
	struct world w;
	uint32_t id;

	(void)state;
	world_init(&w);
	id = send_mail(
		&w, &(struct mail){ .to = { "a@one.example", "x@two.example", "b@ONE.example" } });
	a = queue_take(w.queue, w.now);
	assert_non_null(a);
	assert_int_equal(id_of(a), id);
	assert_int_equal(a->count, 2); /* one destination, one delivery */
	assert_int_equal(a->route.kind, ROUTE_MX);
	assert_true(str_eq(a->route.host, STR("one.example")));
	b = queue_take(w.queue, w.now);
	assert_non_null(b);
	assert_int_equal(b->count, 1);
	assert_nothing(&w);
	finish(&w, a, OUTCOME_DELIVERED);
	assert_nothing(&w); /* the other one is still under way */
	finish(&w, b, OUTCOME_DELIVERED);
	assert_nothing(&w);
	assert_settled(&w);
	world_deinit(&w);
}

static void outcomes_must_fit(void **state)
{
	struct job_outcome o[2] = { { .number = 0, .outcome = OUTCOME_DELIVERED },
		{ .number = 0, .outcome = OUTCOME_FAILED } };
	struct queue_done d = { .done = finished, .outcomes = o };
	struct world w;

	(void)state;
	world_init(&w);
	send_mail(&w, &(struct mail){ .to = { "a@one.example", "b@one.example" } });
	d.job = queue_take(w.queue, w.now);
	d.count = 1;
	assert_false(queue_done(w.queue, &d, w.now));
	d.count = 2;
	assert_false(queue_done(w.queue, &d, w.now)); /* one twice, one not at all */
	o[1].number = 1;
	assert_true(queue_done(w.queue, &d, w.now));
	flush(&w);
	assert_int_equal(state_of(&w, 1, 0).state, STORE_OUT_DELIVERED);
	assert_int_equal(state_of(&w, 1, 1).state, STORE_OUT_FAILED);
	world_deinit(&w);
}

static void retries_until_the_end(void **state)
{
	const struct store_out *report;
	struct store_out_rcpt r;
	struct queue_job *job;
	struct world w;
	int attempts = 0, late = 0;
	int64_t start;

	(void)state;
	world_init(&w);
	start = w.now;
	send_to(&w, "a@one.example");
	for (job = take(&w); attempts < 100; job = take(&w)) {
		report = queue_take_report(w.queue);
		if (job != NULL) {
			attempts++;
			finish(&w, job, OUTCOME_DEFERRED);
			continue;
		}
		if (report == NULL) {
			assert_true(queue_wake_ms(w.queue) > w.now);
			if (queue_wake_ms(w.queue) == INT64_MAX)
				break;
			w.now = queue_wake_ms(w.queue);
			continue;
		}
		assert_int_equal(report->count, 1);
		r = report->rcpts[0];
		assert_true(r.flags & STORE_OUT_OWED);
		assert_true(str_eq(r.reply, STR("4.2.0 said")));
		if (r.state == STORE_OUT_WAITING) {
			late++;
			assert_true(w.now - start >= HOUR && w.now - start < HOUR + 10 * MINUTE);
		} else {
			assert_int_equal(r.state, STORE_OUT_FAILED);
			assert_true(w.now - start >= 2 * HOUR && w.now - start < 2 * HOUR + MINUTE);
		}
		queue_reported(w.queue, report, true, w.now);
		flush(&w);
	}
	assert_int_equal(late, 1);
	/* after a minute, then each five, a tenth more or less, and once more at the very end */
	assert_in_range(attempts, 23, 29);
	assert_int_equal(state_of(&w, 1, 0).state, STORE_OUT_FAILED);
	assert_int_equal(state_of(&w, 1, 0).attempts, attempts);
	assert_settled(&w);
	world_deinit(&w);
}

/* Every state is found again after a restart, and what is owed comes before another attempt. */
static void found_after_restart(void **state)
{
	const struct store_out *report;
	struct queue_job *job;
	struct world w;

	(void)state;
	world_init(&w);
	send_mail(&w, &(struct mail){ .to = { "a@one.example", "b@two.example" } });
	send_mail(&w, &(struct mail){ .to = { "c@three.example" }, .silent = true });
	job = queue_take(w.queue, w.now);
	finish(&w, job, OUTCOME_FAILED);
	world_reopen(&w);
	job = take(&w);
	assert_non_null(job);
	assert_int_equal(id_of(job), 2);
	assert_nothing(&w);
	report = queue_take_report(w.queue);
	assert_non_null(report);
	assert_true(msgid_eq(report->id, help_id(1)));
	assert_nothing(&w);
	queue_reported(w.queue, report, true, w.now);
	flush(&w);
	finish(&w, job, OUTCOME_DELIVERED);
	w.now += MINUTE;
	job = take(&w);
	assert_non_null(job);
	assert_int_equal(id_of(job), 1);
	assert_int_equal(job->out->rcpts[job->at[0]].number, 1);
	finish(&w, job, OUTCOME_DELIVERED);
	assert_null(queue_take_report(w.queue));
	assert_settled(&w);
	world_deinit(&w);
}

static void reports_that_cannot_be_kept(void **state)
{
	const struct store_out *report;
	struct queue_job *job;
	struct world w;

	(void)state;
	world_init(&w);
	send_to(&w, "a@one.example");
	job = queue_take(w.queue, w.now);
	finish(&w, job, OUTCOME_FAILED);
	report = queue_take_report(w.queue);
	assert_non_null(report);
	queue_reported(w.queue, report, false, w.now);
	assert_nothing(&w);
	assert_null(queue_take_report(w.queue)); /* not at once again */
	w.now += MINUTE;
	assert_nothing(&w);
	report = queue_take_report(w.queue);
	assert_non_null(report);
	queue_reported(w.queue, report, true, w.now);
	flush(&w);
	assert_settled(&w);
	world_deinit(&w);
}

static void who_is_told(void **state)
{
	static const struct {
		const char *name, *sender;
		uint8_t notify;
		enum outcome outcome;
		bool relayed, told;
	} t[] = {
		{ "nothing said, failed", NULL, 0, OUTCOME_FAILED, false, true },
		{ "nothing said, delivered", NULL, 0, OUTCOME_DELIVERED, false, false },
		{ "a notice of ours", "", 0, OUTCOME_FAILED, false, false },
		{ "never", NULL, QUEUE_NEVER, OUTCOME_FAILED, false, false },
		{ "only success, failed", NULL, QUEUE_SUCCESS, OUTCOME_FAILED, false, false },
		{ "success", NULL, QUEUE_SUCCESS, OUTCOME_DELIVERED, false, true },
		{ "success, and the next hop tells", NULL, QUEUE_SUCCESS, OUTCOME_DELIVERED, true,
			false },
		{ "failure", NULL, QUEUE_FAILURE, OUTCOME_FAILED, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		const struct store_out *report;
		struct queue_job *job;
		struct world w;

		world_init(&w);
		send_mail(&w, &(struct mail){ .sender = t[i].sender,
				      .to = { "a@one.example" },
				      .notify = t[i].notify });
		job = queue_take(w.queue, w.now);
		finish_with(&w, job,
			(struct job_outcome){ .outcome = t[i].outcome,
				.status = STR("2.0.0"),
				.relayed = t[i].relayed });
		report = queue_take_report(w.queue);
		if ((report != NULL) != t[i].told)
			fail_msg("%s", t[i].name);
		if (report != NULL)
			queue_reported(w.queue, report, true, w.now);
		flush(&w);
		assert_settled(&w);
		world_deinit(&w);
	}
}

static void slow_site_delays_nobody(void **state)
{
	struct queue_job *job, *slow[8];
	struct world w;
	size_t jobs = 0, n = 0;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 700; i++)
		send_mail(&w, &(struct mail){ .to = { "a@slow.example" }, .silent = i % 2 == 0 });
	send_mail(&w, &(struct mail){ .to = { "a@fast.example" }, .silent = true });
	send_to(&w, "b@fast.example");
	while ((job = take(&w)) != NULL)
		if (str_eq(job->route.host, STR("fast.example"))) {
			jobs++;
			finish(&w, job, OUTCOME_DELIVERED);
		} else {
			slow[n++ % 8] = job;
		}
	assert_int_equal(jobs, 2); /* although nothing of the other ever ended */
	assert_int_equal(
		queue_figures(w.queue, w.now).jobs, 2); /* and it got no more than it may */
	assert_in_range(queue_figures(w.queue, w.now).messages, 2, 300);
	while (n > 0)
		queue_give_back(w.queue, slow[--n], w.now);
	world_deinit(&w);
}

/* More than fits in memory, one destination: all of it goes, each once, in an orderly number at a time. */
static void busy_site_is_kept_busy(void **state)
{
	enum { MANY = 1500 };
	static unsigned char seen[MANY + 1];
	struct queue_job *out[64], *job;
	size_t n = 0, most = 0, total = 0, idle = 0;
	struct world w;

	(void)state;
	memset(seen, 0, sizeof seen);
	world_init(&w);
	for (int i = 0; i < MANY; i++)
		send_mail(&w, &(struct mail){ .to = { "a@one.example" }, .silent = i % 3 == 0 });
	while (total < MANY && idle < 200) {
		while (n < 64 && (job = queue_take(w.queue, w.now)) != NULL) {
			assert_int_equal(seen[id_of(job)]++, 0);
			out[n++] = job;
		}
		most = n > most ? n : most;
		idle = n == 0 ? idle + 1 : 0;
		w.now += n == 0 ? 50 : 1;
		if (n > 0) {
			finish(&w, out[0], OUTCOME_DELIVERED);
			out[0] = out[--n];
			total++;
		}
	}
	assert_int_equal(total, MANY);
	assert_int_equal(most, 20);
	assert_true(w.now < 1700000000000 + 10 * 1000);
	assert_settled(&w);
	world_deinit(&w);
}

static void dead_site_is_probed(void **state)
{
	struct queue_job *a, *b;
	struct world w;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 10; i++)
		send_to(&w, "a@dead.example");
	a = take(&w);
	b = take(&w);
	assert_non_null(a);
	assert_non_null(b);
	assert_nothing(&w);
	fail_site(&w, a);
	fail_site(&w, b);
	assert_nothing(&w); /* closed */
	assert_int_equal(queue_figures(w.queue, w.now).closed_sites, 1);
	w.now += 61 * 1000;
	a = take(&w);
	assert_non_null(a);
	assert_nothing(&w); /* one finds out */
	fail_site(&w, a);
	assert_nothing(&w);
	w.now += 61 * 1000;
	assert_nothing(&w); /* longer each time */
	w.now += 2 * MINUTE;
	a = take(&w);
	assert_non_null(a);
	finish(&w, a, OUTCOME_DELIVERED);
	a = take(&w);
	b = take(&w);
	assert_non_null(a);
	assert_non_null(b);
	finish(&w, a, OUTCOME_DELIVERED);
	finish(&w, b, OUTCOME_DELIVERED);
	for (int i = 0; i < 10 && (a = take(&w)) != NULL; i++)
		finish(&w, a, OUTCOME_DELIVERED);
	assert_int_equal(queue_figures(w.queue, w.now).closed_sites, 0);
	world_deinit(&w);
}

/* What waits behind a dead destination gets old too, and its sender hears of it, without an attempt. */
static void old_behind_a_dead_site(void **state)
{
	const struct store_out *report;
	struct queue_job *job;
	size_t late = 0, failed = 0;
	struct world w;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 12; i++)
		send_to(&w, "a@dead.example");
	for (int i = 0; i < 200; i++) {
		while ((job = take(&w)) != NULL)
			fail_site(&w, job);
		while ((report = queue_take_report(w.queue)) != NULL) {
			late += report->rcpts[0].state == STORE_OUT_WAITING;
			failed += report->rcpts[0].state == STORE_OUT_FAILED;
			if (report->rcpts[0].state == STORE_OUT_FAILED)
				assert_true(
					memmem(report->rcpts[0].reply.p, report->rcpts[0].reply.n,
						"no answer", 9) != NULL);
			queue_reported(w.queue, report, true, w.now);
			flush(&w);
		}
		w.now += MINUTE;
		flush(&w);
	}
	assert_int_equal(late, 12);
	assert_int_equal(failed, 12);
	assert_settled(&w);
	world_deinit(&w);
}

static void rate_is_kept(void **state)
{
	struct queue_job *job;
	struct world w;
	size_t jobs = 0;
	int64_t start;

	(void)state;
	world_init(&w);
	w.settings.site_rate = 60;
	queue_configure(w.queue, &w.settings);
	for (int i = 0; i < 30; i++)
		send_to(&w, "a@one.example");
	start = w.now;
	while (w.now < start + 10 * 1000) {
		job = queue_take(w.queue, w.now);
		if (job != NULL) {
			jobs++;
			finish(&w, job, OUTCOME_DELIVERED);
		} else {
			w.now += 100;
		}
	}
	assert_in_range(jobs, 9, 11);
	world_deinit(&w);
}

/* Lets all that may go now go, and says how many of them did; they stay under way. */
static size_t take_all(struct world *w, struct queue_job **jobs, size_t max)
{
	size_t n = 0;

	while (n < max && (jobs[n] = take(w)) != NULL)
		n++;
	return n;
}

static void finish_at(struct world *w, struct queue_job *job, struct str exchangers)
{
	finish_with(w, job,
		(struct job_outcome){ .outcome = OUTCOME_DELIVERED,
			.status = STR("2.0.0"),
			.exchangers = exchangers });
}

/* Two domains with the same servers have together what one has, as soon as that is known. */
static void same_exchangers(void **state)
{
	static const struct {
		const char *name;
		struct site_limit limit;
		struct str one, two; /* their exchangers */
		size_t together;
	} rows[] = {
		{ "the same", { (char *)(uintptr_t) "x", 0, 0 }, STR_INIT("mx.p mx2.p"),
			STR_INIT("mx.p mx2.p"), 4 },
		{ "others", { (char *)(uintptr_t) "x", 0, 0 }, STR_INIT("mx.p"), STR_INIT("mx.q"),
			8 },
		{ "one section", { (char *)(uintptr_t) ".p", 3, 0 }, STR_INIT("mx.p"),
			STR_INIT("a.p z.q"), 3 },
		{ "by name", { (char *)(uintptr_t) "one.example", 2, 0 }, STR_INIT("mx.p"),
			STR_INIT("mx.q"), 6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct queue_job *jobs[64];
		struct world w;
		size_t n, done = 0;

		world_init(&w);
		w.settings.site_connections = 4;
		w.settings.limits = &rows[i].limit;
		w.settings.limit_count = 1;
		queue_configure(w.queue, &w.settings);
		for (int k = 0; k < 20; k++) {
			send_to(&w, "a@one.example");
			send_to(&w, "a@two.example");
		}
		/* their windows grow, and who they are becomes known */
		for (int round = 0; round < 4; round++) {
			n = take_all(&w, jobs, 64);
			done += n;
			for (size_t k = 0; k < n; k++)
				finish_at(&w, jobs[k],
					str_eq(jobs[k]->route.host, STR("one.example"))
						? rows[i].one
						: rows[i].two);
		}
		n = take_all(&w, jobs, 64);
		if (n != rows[i].together)
			fail_msg("%s: %zu at one time", rows[i].name, n);
		/* and nothing is forgotten */
		while (n > 0) {
			done += n;
			while (n > 0)
				finish_at(&w, jobs[--n], rows[i].two);
			n = take_all(&w, jobs, 64);
		}
		assert_int_equal(done, 40);
		assert_settled(&w);
		/* other settings: what was learnt goes, nothing else */
		w.settings.limit_count = 0;
		queue_configure(w.queue, &w.settings);
		send_to(&w, "a@one.example");
		finish_at(&w, take(&w), rows[i].one);
		world_deinit(&w);
	}
}

static void group_rate(void **state)
{
	struct site_limit limit = { (char *)(uintptr_t) "mx.p", 0, 60 };
	struct queue_job *job;
	struct world w;
	size_t jobs = 0;
	int64_t start;

	(void)state;
	world_init(&w);
	w.settings.limits = &limit;
	w.settings.limit_count = 1;
	queue_configure(w.queue, &w.settings);
	for (int i = 0; i < 30; i++)
		send_to(&w, i % 2 == 0 ? "a@one.example" : "a@two.example");
	start = w.now;
	while (w.now < start + 10 * 1000) {
		job = queue_take(w.queue, w.now);
		if (job != NULL) {
			jobs++;
			finish_at(&w, job, STR("mx.p"));
		} else {
			w.now += 100;
		}
	}
	assert_in_range(jobs, 9, 14); /* the first of each do not know */
	world_deinit(&w);
}

static void people_before_reports(void **state)
{
	struct queue_job *job;
	struct world w;

	(void)state;
	world_init(&w);
	for (int i = 0; i < 5; i++)
		send_mail(&w, &(struct mail){ .sender = "",
				      .to = { "a@one.example" },
				      .report = true,
				      .flags = STORE_REPORT });
	send_to(&w, "a@two.example");
	job = queue_take(w.queue, w.now);
	assert_non_null(job);
	assert_int_equal(id_of(job), 6);
	finish(&w, job, OUTCOME_DELIVERED);
	job = take(&w);
	assert_int_equal(job->out->flags, STORE_REPORT);
	finish(&w, job, OUTCOME_DELIVERED);
	world_deinit(&w);
}

static void future_release(void **state)
{
	struct queue_job *job;
	struct world w;
	int64_t start;

	(void)state;
	world_init(&w);
	start = w.now;
	send_mail(&w, &(struct mail){ .to = { "a@one.example" }, .hold_ms = w.now + HOUR });
	assert_nothing(&w);
	assert_true(queue_wake_ms(w.queue) == start + HOUR);
	w.now = start + HOUR;
	job = take(&w);
	assert_non_null(job);
	finish(&w, job, OUTCOME_DELIVERED);
	/* its life begins when it may go */
	send_mail(&w, &(struct mail){ .to = { "a@one.example" }, .hold_ms = w.now + 50 * HOUR });
	assert_nothing(&w);
	w.now = start + 51 * HOUR;
	job = take(&w);
	assert_non_null(job);
	finish(&w, job, OUTCOME_DEFERRED);
	assert_null(queue_take_report(w.queue));
	assert_int_equal(state_of(&w, 2, 0).state, STORE_OUT_WAITING);
	world_deinit(&w);
}

static enum store_result order_result;

static void ordered(struct queue_order *o, enum store_result result)
{
	(void)o;
	order_result = result;
}

static size_t order(struct world *w, uint32_t id, enum queue_command command, struct str via)
{
	struct queue_order o = {
		.done = ordered, .command = command, .id = help_id(id), .via = via
	};

	order_result = STORE_UNKNOWN;
	queue_order(w->queue, &o, w->now);
	flush(w);
	return o.changed;
}

static void orders(void **state)
{
	const struct store_out *report;
	struct queue_job *job;
	struct world w;

	(void)state;
	world_init(&w);
	send_mail(&w, &(struct mail){ .to = { "a@one.example", "b@one.example" }, .silent = true });
	assert_int_equal(order(&w, 1, QUEUE_HOLD, STR("")), 2);
	assert_int_equal(order_result, STORE_OK);
	assert_nothing(&w);
	assert_int_equal(order(&w, 1, QUEUE_RELEASE, STR("")), 2);
	job = take(&w);
	assert_non_null(job);
	assert_int_equal(order(&w, 1, QUEUE_DROP, STR("")), 0);
	assert_int_equal(order_result, STORE_BUSY);
	finish(&w, job, OUTCOME_DEFERRED);
	assert_nothing(&w);
	assert_int_equal(order(&w, 1, QUEUE_RETRY, STR("")), 2);
	job = take(&w);
	assert_non_null(job);
	finish(&w, job, OUTCOME_DEFERRED);
	assert_int_equal(order(&w, 1, QUEUE_REROUTE, STR("relay:[192.0.2.9]:2525")), 2);
	job = take(&w);
	assert_non_null(job);
	assert_int_equal(job->route.kind, ROUTE_RELAY);
	assert_int_equal(job->route.port, 2525);
	assert_true(str_eq(job->route.host, STR("192.0.2.9")));
	finish(&w, job, OUTCOME_DEFERRED);
	assert_int_equal(order(&w, 1, QUEUE_FAIL, STR("")), 2);
	assert_int_equal(order(&w, 1, QUEUE_FAIL, STR("")), 0);
	report = queue_take_report(w.queue);
	assert_non_null(report);
	assert_true(str_eq(report->rcpts[1].reply, STR("5.3.0 given up by the administrator")));
	assert_int_equal(report->rcpts[1].host.n, 0); /* it was not "mx" who said so */
	queue_reported(w.queue, report, true, w.now);
	flush(&w);
	assert_settled(&w);
	send_mail(&w, &(struct mail){ .to = { "a@one.example" }, .silent = true });
	assert_int_equal(order(&w, 2, QUEUE_DROP, STR("")), 1);
	assert_null(queue_take_report(w.queue)); /* nobody is told */
	assert_settled(&w);
	assert_int_equal(order(&w, 77, QUEUE_DROP, STR("")), 0);
	assert_int_equal(order_result, STORE_NOT_FOUND);
	world_deinit(&w);
}

/* What is asked for while the new way of one is being written must not carry it the old one. */
static void one_rerouted(void **state)
{
	static const uint32_t first = 0;
	struct queue_order o = { .done = ordered,
		.command = QUEUE_REROUTE,
		.id = help_id(1),
		.numbers = &first,
		.count = 1,
		.via = STR("relay:[192.0.2.9]:2525") };
	struct queue_job *jobs[3] = { NULL };
	struct world w;
	size_t n = 0;

	(void)state;
	world_init(&w);
	send_mail(&w, &(struct mail){ .to = { "a@one.example", "b@one.example" } });
	queue_order(w.queue, &o, w.now);
	jobs[n] = queue_take(w.queue, w.now);
	n += jobs[n] != NULL;
	flush(&w);
	assert_int_equal(o.changed, 1);
	while (n < 2 && (jobs[n] = take(&w)) != NULL)
		n++;
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(jobs[i]->count, 1);
		assert_int_equal(jobs[i]->route.kind, jobs[i]->at[0] == 0 ? ROUTE_RELAY : ROUTE_MX);
		finish(&w, jobs[i], OUTCOME_DELIVERED);
	}
	assert_settled(&w);
	world_deinit(&w);
}

static void null_routes(void **state)
{
	static const struct route_rule rows[] = {
		{ .role = RULE_ROUTE, .name = "hole.example", .kind = ROUTE_DISCARD, .host = "" },
		{ .role = RULE_ROUTE, .name = "shut.example", .kind = ROUTE_REFUSE, .host = "" },
	};
	const struct store_out *report;
	struct queue_job *job;
	struct world w;

	(void)state;
	world_init(&w);
	w.settings.routes = (struct route_rules){ rows, 2 };
	queue_configure(w.queue, &w.settings);
	send_mail(&w,
		&(struct mail){ .to = { "a@hole.example", "b@shut.example", "c@one.example" } });
	job = queue_take(w.queue, w.now);
	assert_non_null(job);
	assert_int_equal(job->count, 1);
	flush(&w);
	finish(&w, job, OUTCOME_DELIVERED);
	assert_int_equal(state_of(&w, 1, 0).state, STORE_OUT_DELIVERED);
	report = queue_take_report(w.queue);
	assert_non_null(report);
	assert_int_equal(report->rcpts[1].state, STORE_OUT_FAILED);
	assert_true(str_starts(report->rcpts[1].reply, STR("5.7.1 ")));
	queue_reported(w.queue, report, true, w.now);
	flush(&w);
	assert_settled(&w);
	world_deinit(&w);
}

/* Overwrites octets of the journal. */
static void spoil(struct world *w, struct str what)
{
	static char octets[1 << 20];
	struct buf path = { 0 };
	ssize_t n;
	char *at;
	int fd;

	buf_printf(&path, "%s/journal/00000001.seg%c", w->dir, '\0');
	fd = open(path.data, O_RDWR);
	buf_deinit(&path);
	assert_true(fd >= 0);
	n = pread(fd, octets, sizeof octets, 0);
	at = memmem(octets, (size_t)n, what.p, what.n);
	assert_non_null(at);
	assert_int_equal(pwrite(fd, "spoilt", 6, at - octets), 6);
	close(fd);
}

/* By a field of the message, which is read when it is opened, and when the settings change while it is open. */
static void routes_by_header(void **state)
{
	static const struct route_rule row = { .role = RULE_ROUTE,
		.name = "*",
		.kind = ROUTE_RELAY,
		.host = "198.51.100.1",
		.port = 25,
		.header = "Subject: *x",
		.mark = 1 };
	struct queue_job *first, *second;
	struct world w;

	(void)state;
	world_init(&w);
	send_mail(&w, &(struct mail){ .to = { "a@one.example", "b@two.example" } });
	first = queue_take(w.queue, w.now);
	assert_non_null(first);
	assert_int_equal(first->route.kind, ROUTE_MX);
	w.settings.routes = (struct route_rules){ &row, 1 };
	queue_configure(w.queue, &w.settings);
	second = queue_take(w.queue, w.now);
	assert_non_null(second);
	assert_int_equal(second->route.kind, ROUTE_RELAY);
	finish(&w, first, OUTCOME_DELIVERED);
	finish(&w, second, OUTCOME_DELIVERED);
	send_to(&w, "c@one.example");
	first = queue_take(w.queue, w.now);
	assert_non_null(first);
	assert_int_equal(first->route.kind, ROUTE_RELAY);
	finish(&w, first, OUTCOME_DELIVERED);
	assert_settled(&w);
	/* of one whose header is damaged nothing is known, and it can be got rid of */
	send_mail(&w, &(struct mail){ .to = { "d@one.example" }, .hold_ms = w.now + HOUR });
	world_reopen(&w);
	spoil(&w, STR("Subject: x\r\n\r\n"));
	spoil(&w, STR("Subject: x\r\n\r\n"));
	spoil(&w, STR("Subject: x\r\n\r\n"));
	assert_int_equal(order(&w, 3, QUEUE_DROP, STR("")), 1);
	assert_int_equal(order_result, STORE_OK);
	assert_settled(&w);
	world_deinit(&w);
}

/* A job whose carrier died is there again, soon, and not for ever at once. */
static void given_back(void **state)
{
	struct queue_job *job;
	struct world w;

	(void)state;
	world_init(&w);
	send_to(&w, "a@one.example");
	for (int i = 0; i < 3; i++) {
		job = take(&w);
		assert_non_null(job);
		queue_give_back(w.queue, job, w.now);
		flush(&w);
		assert_null(queue_take(w.queue, w.now));
		w.now += 1100;
	}
	job = take(&w);
	assert_non_null(job);
	queue_give_back(w.queue, job, w.now);
	flush(&w);
	w.now += 1100;
	assert_nothing(&w);
	w.now += 10 * MINUTE;
	job = take(&w);
	assert_non_null(job);
	finish(&w, job, OUTCOME_DELIVERED);
	assert_settled(&w);
	world_deinit(&w);
}

static void bad_entries_are_put_aside(void **state)
{
	struct store_out_rcpt r = { .number = 0, .state = STORE_OUT_WAITING };
	struct store_settle settle = { .op.done = help_note, .rcpts = &r, .count = 1 };
	uint64_t waiting, held;
	struct queue_job *job;
	struct world w;

	(void)state;
	log_init(2, LOG_L_ERROR + 1, "test");
	world_init(&w);
	send_mail(&w, &(struct mail){ .to = { "a@one.example" }, .silent = true });
	settle.id = help_id(1); /* so that it is not taken from memory */
	r.due_ms = w.now;
	store_settle(w.store, &settle);
	flush(&w);
	send_mail(&w, &(struct mail){ .to = { "a@two.example" }, .silent = true });
	spoil(&w, str_of((const char *)settle.id.b, sizeof settle.id.b));
	job = take(&w);
	assert_non_null(job);
	assert_int_equal(id_of(job), 2);
	queue_bad(w.queue, job, STR("its octets are damaged"), w.now); /* so says who read it */
	flush(&w);
	assert_nothing(&w);
	assert_int_equal(store_out_count(w.store, &waiting, &held), STORE_OK);
	assert_int_equal(waiting, 2);
	assert_int_equal(held, 2);
	assert_int_equal(state_of(&w, 2, 0).flags, STORE_OUT_BAD);
	assert_int_equal(order(&w, 2, QUEUE_RELEASE, STR("")), 1);
	job = take(&w);
	assert_non_null(job);
	finish(&w, job, OUTCOME_DELIVERED);
	world_deinit(&w);
	log_init(2, LOG_L_ERROR, "test");
}

/* Each recipient by the schedule of his own route: when he is tried again, told of and given up. */
static void own_schedules(void **state)
{
	static const struct route_rule rows[] = { { .role = RULE_ROUTE,
		.name = "slow.example",
		.kind = ROUTE_MX,
		.host = "",
		.schedule = { .wait_ms = { 30 * MINUTE },
			.waits = 1,
			.lifetime_ms = 40 * MINUTE,
			.delay_notice_ms = 10 * MINUTE } } };
	const struct store_out *report;
	struct world w;
	int64_t next[2];

	(void)state;
	world_init(&w);
	w.settings.routes = (struct route_rules){ rows, 1 };
	queue_configure(w.queue, &w.settings);
	send_mail(&w, &(struct mail){ .to = { "a@slow.example", "b@one.example" } });
	for (size_t i = 0; i < 2; i++)
		finish(&w, take(&w), OUTCOME_DEFERRED);
	for (size_t i = 0; i < 2; i++)
		next[i] = (state_of(&w, 1, i).due_ms - w.now) / MINUTE;
	assert_int_equal(next[0], 10);
	assert_in_range(next[1], 0, 1);
	w.now += 10 * MINUTE;
	for (size_t i = 0; i < 2; i++)
		finish(&w, take(&w), OUTCOME_DEFERRED);
	report = queue_take_report(w.queue);
	assert_non_null(report);
	assert_true(report->rcpts[0].flags & STORE_OUT_OWED);
	assert_int_equal(report->rcpts[1].flags & STORE_OUT_OWED, 0);
	queue_reported(w.queue, report, true, w.now);
	flush(&w);
	for (size_t i = 0; i < 2; i++)
		next[i] = (state_of(&w, 1, i).due_ms - w.now) / MINUTE;
	assert_in_range(next[0], 26, 30);
	assert_in_range(next[1], 4, 5);
	w.now += 31 * MINUTE;
	for (size_t i = 0; i < 2; i++)
		finish(&w, take(&w), OUTCOME_DEFERRED);
	report = queue_take_report(w.queue);
	assert_non_null(report);
	assert_int_equal(report->rcpts[0].state, STORE_OUT_FAILED);
	assert_true(report->rcpts[0].flags & STORE_OUT_OWED);
	assert_int_equal(report->rcpts[1].state, STORE_OUT_WAITING);
	assert_int_equal(report->rcpts[1].flags & STORE_OUT_OWED, 0);
	queue_reported(w.queue, report, true, w.now);
	flush(&w);
	world_deinit(&w);
}

/* Nobody carries, so nothing is tried: the time of one is over all the same, and of the other not. */
static void own_schedules_age(void **state)
{
	static const struct route_rule rows[] = { { .role = RULE_ROUTE,
		.name = "short.example",
		.kind = ROUTE_MX,
		.host = "",
		.schedule = { .lifetime_ms = 10 * MINUTE } } };
	const struct store_out *report;
	struct world w;

	(void)state;
	world_init(&w);
	w.settings.routes = (struct route_rules){ rows, 1 };
	queue_configure(w.queue, &w.settings);
	send_mail(&w, &(struct mail){ .to = { "a@one.example" }, .silent = true });
	send_mail(&w, &(struct mail){ .to = { "a@short.example" }, .silent = true });
	w.now += 11 * MINUTE;
	for (int i = 0; i < 3; i++) {
		queue_tend(w.queue, w.now);
		flush(&w);
		w.now += 2000;
	}
	report = queue_take_report(w.queue);
	assert_non_null(report);
	assert_true(msgid_eq(report->id, help_id(2)));
	assert_int_equal(report->rcpts[0].state, STORE_OUT_FAILED);
	queue_reported(w.queue, report, true, w.now);
	flush(&w);
	assert_null(queue_take_report(w.queue));
	assert_int_equal(state_of(&w, 1, 0).state, STORE_OUT_WAITING);
	world_deinit(&w);
}

static void schedule_rows(void **state)
{
	struct schedule s = plain().schedule;
	static const struct {
		uint32_t attempts, chance;
		int64_t since, wait;
	} t[] = {
		{ 1, 0, 0, 54000 },
		{ 1, 12000, 0, 66000 },
		{ 2, 0, 0, 270000 },
		{ 9, 60000, 0, 330000 },
		{ 9, 0, HOUR - 2 * MINUTE, 2 * MINUTE }, /* when its sender is told of the delay */
		{ 9, 0, HOUR, 270000 },
		{ 9, 0, 2 * HOUR - 1000, 1000 }, /* once more at the end */
		{ 9, 0, 2 * HOUR + 5000, 270000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		assert_int_equal(
			schedule_next(&s, 0, t[i].attempts, t[i].since, t[i].chance) - t[i].since,
			t[i].wait);
	assert_false(schedule_over(&s, 0, 2 * HOUR - 1));
	assert_true(schedule_over(&s, 0, 2 * HOUR));
	assert_true(schedule_late(&s, 0, HOUR));
	s.delay_notice_ms = -1;
	assert_false(schedule_late(&s, 0, 100 * HOUR));
}

static void windows_grow_and_shrink(void **state)
{
	struct site *held[40], *s;
	struct sites sites;
	size_t n = 0;
	int64_t when;

	(void)state;
	sites_init(&sites, 10);
	sites.connections = 8;
	for (int round = 0; round < 6; round++) {
		while (site_free(&sites, STR("a"), 1, &when))
			held[n++] = site_begin(&sites, STR("a"), 1);
		assert_true(when == 0);
		assert_int_equal(n, round == 0 ? 2 : round == 1 ? 4 : 8);
		while (n > 0)
			site_end(&sites, held[--n], SITE_WORKED, STR(""), 1);
	}
	s = site_begin(&sites, STR("a"), 1);
	site_end(&sites, s, SITE_FAILED, STR("no"), 1);
	assert_int_equal(s->window, 4);
	for (int i = 0; i < 3; i++) { /* slower from here on: one more for each round */
		s = site_begin(&sites, STR("a"), 1);
		site_end(&sites, s, SITE_WORKED, STR(""), 1);
	}
	assert_int_equal(s->window, 4);
	s = site_begin(&sites, STR("a"), 1);
	site_end(&sites, s, SITE_WORKED, STR(""), 1);
	assert_int_equal(s->window, 5);
	for (int i = 0; i < 200; i++) { /* many destinations do not fill the memory */
		char name[8];
		int len = snprintf(name, sizeof name, "s%d", i);

		s = site_begin(&sites, str_of(name, (size_t)len), 1);
		site_end(&sites, s, SITE_FAILED, STR("no"), 1);
	}
	assert_in_range(sites.count, 1, 10);
	sites_deinit(&sites);
}

/* Domains as somebody would choose them who sends to all of them. */
static void chosen_destinations(void **state)
{
	enum { COUNT = 2000 };
	struct sites sites;
	struct collide c;
	size_t longest = 0;

	(void)state;
	collide_make(&c, 2166136261u, 16777619u);
	sites_init(&sites, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		char name[COLLIDE_TEXT];

		collide_text(&c, i, name);
		site_begin(&sites, str_of(name, sizeof name), 1);
	}
	for (struct link *l = sites.order.next; l != &sites.order; l = l->next) {
		struct link *one = &LIST_OF(l, struct site, order)->hash;
		size_t n = 0;

		for (struct link *k = one->next; k != one; k = k->next)
			n++;
		longest = n > longest ? n : longest;
	}
	assert_int_equal(sites.count, COUNT);
	assert_in_range(longest, 1, 20); /* of 2000 in 4096 buckets */
	sites_deinit(&sites);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_schedules),
		cmocka_unit_test(own_schedules_age),
		cmocka_unit_test(schedule_rows),
		cmocka_unit_test(windows_grow_and_shrink),
		cmocka_unit_test(chosen_destinations),
		cmocka_unit_test(fresh_mail_goes_at_once),
		cmocka_unit_test(outcomes_must_fit),
		cmocka_unit_test(retries_until_the_end),
		cmocka_unit_test(found_after_restart),
		cmocka_unit_test(reports_that_cannot_be_kept),
		cmocka_unit_test(who_is_told),
		cmocka_unit_test(slow_site_delays_nobody),
		cmocka_unit_test(busy_site_is_kept_busy),
		cmocka_unit_test(dead_site_is_probed),
		cmocka_unit_test(old_behind_a_dead_site),
		cmocka_unit_test(rate_is_kept),
		cmocka_unit_test(same_exchangers),
		cmocka_unit_test(group_rate),
		cmocka_unit_test(people_before_reports),
		cmocka_unit_test(future_release),
		cmocka_unit_test(orders),
		cmocka_unit_test(one_rerouted),
		cmocka_unit_test(null_routes),
		cmocka_unit_test(routes_by_header),
		cmocka_unit_test(given_back),
		cmocka_unit_test(bad_entries_are_put_aside),
	};

	log_init(2, LOG_L_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
