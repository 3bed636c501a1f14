/* Mail that goes on: what is known of it, what became of it, and that nothing forgets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "store/disk_sim.h"
#include "store/local.h"
#include "store/local/segment.h"
#include "store_world.h"

enum { T0 = 1700000000 };
static const int64_t t0 = INT64_C(1000) * T0;

static const struct store_target mixed[] = {
	{ .maildrop = 7, .recipient = STR_INIT("local@ours.example") },
	{ .recipient = STR_INIT("a@there.example"), .notify = 2, .orcpt = STR_INIT("rfc822;a") },
	{ .recipient = STR_INIT("b@there.example"), .sender = STR_INIT("SRS0=x@ours.example") },
	{ .recipient = STR_INIT("a@there.example") },
};

static enum store_result settled_as;

static enum store_result send(struct world *w, uint32_t id, struct str octets, int64_t hold_ms)
{
	struct store_draft *draft = store_draft_new(w->store, help_id(id));
	struct store_deliver d = { .op.done = help_note,
		.draft = draft,
		.sender = STR("s@ours.example"),
		.client = STR("s@ours.example via 192.0.2.1"),
		.envid = STR("env"),
		.ret = 1,
		.received_ms = t0,
		.prefix = STR("DKIM-Signature: x\r\n"),
		.flags = STORE_REQUIRETLS | STORE_8BIT, /* the second is not the caller's to say */
		.hold_ms = hold_ms,
		.account = 7,
		.targets = mixed,
		.count = 4 };

	(void)store_draft_append(draft, octets);
	help_done = false;
	store_deliver(w->store, &d);
	return help_wait(w->store);
}

static enum store_result settle(
	struct world *w, uint32_t id, const struct store_out_rcpt *r, size_t n)
{
	struct store_settle t = { .op.done = help_note, .id = help_id(id), .rcpts = r, .count = n };

	help_done = false;
	store_settle(w->store, &t);
	return help_wait(w->store);
}

static void read_all(struct world *w, struct store_out *o, size_t piece)
{
	char room[4096];
	uint64_t got = 1;

	buf_clear(&w->out);
	while (got > 0) {
		assert_int_equal(
			store_out_read(w->store, o, w->out.len, room, piece, &got), STORE_OK);
		buf_put(&w->out, str_of(room, got));
	}
}

static void assert_message(struct world *w, uint32_t id, struct str octets)
{
	static const size_t pieces[] = { 1, 7, 20, 4096 };
	struct store_out o;

	assert_int_equal(store_out_open(w->store, help_id(id), &o), STORE_OK);
	assert_int_equal(o.count, 2);
	assert_int_equal(o.rcpts[0].number, 1);
	assert_true(str_eq(o.rcpts[0].recipient, STR("a@there.example")));
	assert_true(str_eq(o.rcpts[0].orcpt, STR("rfc822;a")));
	assert_true(str_eq(o.rcpts[0].sender, STR("s@ours.example")));
	assert_int_equal(o.rcpts[0].notify, 2);
	assert_int_equal(o.rcpts[1].number, 2);
	assert_true(str_eq(o.rcpts[1].sender, STR("SRS0=x@ours.example")));
	assert_true(str_eq(o.sender, STR("s@ours.example")) && str_eq(o.envid, STR("env")));
	assert_true(o.ret == 1 && o.account == 7 && o.received_ms == t0);
	assert_int_equal(o.flags, STORE_REQUIRETLS | STORE_8BIT_HEADER);
	assert_int_equal(o.prefix_octets, 19);
	assert_int_equal(o.octets, 19 + octets.n);
	for (size_t i = 0; i < 4; i++) {
		read_all(w, &o, octets.n > 1000 ? 4096 : pieces[i]);
		assert_int_equal(w->out.len, o.octets);
		assert_true(str_starts(buf_str(&w->out), STR("DKIM-Signature: x\r\n")));
		assert_true(str_eq(str_from(buf_str(&w->out), 19), octets));
	}
	store_out_close(w->store, &o);
}

/* RFC 8689 4.1: the field counts less than what MAIL said, so it is no STORE_TLS_OPTIONAL. */
static struct str small = STR_INIT("Subject: \xc3\xa4\r\nTLS-Required: No\r\n\r\nbody\r\n");

static void kept_with_all_facts(void **state)
{
	struct world w;
	struct store_listing l;
	struct store_out o;

	(void)state;
	world_init(&w, disk_real());
	assert_int_equal(send(&w, 1, small, 0), STORE_OK);
	assert_message(&w, 1, small);                      /* out of memory */
	assert_int_equal(send(&w, 1, small, 0), STORE_OK); /* asked again */
	assert_message(&w, 1, small);                      /* out of the index */
	world_reopen(&w);
	assert_message(&w, 1, small);
	assert_rebuilds(&w);
	assert_message(&w, 1, small);
	assert_int_equal(help_list(w.store, &l, 7, 0), STORE_OK);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.rows[0].octets, small.n); /* the prefix is not for maildrops */
	store_listing_free(&l);
	assert_int_equal(store_out_open(w.store, help_id(2), &o), STORE_NOT_FOUND);
	assert_int_equal(help_deliver(w.store, 3, 7, small), STORE_OK);
	assert_int_equal(store_out_open(w.store, help_id(3), &o), STORE_NOT_FOUND);
	world_deinit(&w);
}

static const struct store_target here[] = {
	{ .maildrop = 7, .recipient = STR_INIT("list@ours.example"), .notify = 6 },
	{ .recipient = STR_INIT("list@ours.example"), .notify = 6, .settled = STORE_OUT_EXPANDED },
	{ .recipient = STR_INIT("one@ours.example"), .notify = 2, .settled = STORE_OUT_HERE },
	{ .recipient = STR_INIT("a@there.example"), .notify = 4 },
};

static void assert_owed(struct world *w, uint8_t expanded)
{
	struct store_out o;

	assert_int_equal(store_out_open(w->store, help_id(1), &o), STORE_OK);
	assert_int_equal(o.count, 3);
	assert_int_equal(o.rcpts[0].state, STORE_OUT_DELIVERED);
	assert_int_equal(o.rcpts[0].flags, expanded);
	assert_int_equal(o.rcpts[0].notify, 6);
	assert_int_equal(o.rcpts[1].state, STORE_OUT_DELIVERED);
	assert_int_equal(o.rcpts[1].flags, STORE_OUT_HERE | STORE_OUT_OWED);
	assert_int_equal(o.rcpts[1].notify, 2);
	assert_int_equal(o.rcpts[2].state, STORE_OUT_WAITING);
	assert_int_equal(o.rcpts[2].flags, 0);
	store_out_close(w->store, &o);
}

/* What a notice is owed for although nothing of it goes on; a copy of the record keeps that, and what was told. */
static void delivered_here(void **state)
{
	struct store_draft *draft;
	struct store_out_rcpt told = {
		.number = 1, .state = STORE_OUT_DELIVERED, .flags = STORE_OUT_EXPANDED, .due_ms = t0
	};
	struct store_deliver d = { .op.done = help_note,
		.sender = STR("s@ours.example"),
		.received_ms = t0,
		.hold_ms = t0 + 5000,
		.targets = here,
		.count = 4 };
	struct store_due rows[10];
	struct world w;
	size_t n = 10;

	(void)state;
	world_init(&w, disk_real());
	draft = store_draft_new(w.store, help_id(1));
	(void)store_draft_append(draft, small);
	d.draft = draft;
	help_done = false;
	store_deliver(w.store, &d);
	assert_int_equal(help_wait(w.store), STORE_OK);
	assert_owed(&w, STORE_OUT_EXPANDED | STORE_OUT_OWED);
	world_reopen(&w);
	assert_owed(&w, STORE_OUT_EXPANDED | STORE_OUT_OWED);
	assert_int_equal(
		store_due_list(w.store, &(struct store_due){ 0 }, t0 + 1, rows, &n), STORE_OK);
	assert_int_equal(n, 2); /* told at once, however long the rest is held */
	assert_int_equal(settle(&w, 1, &told, 1), STORE_OK);
	assert_owed(&w, STORE_OUT_EXPANDED);
	assert_rebuilds(&w);
	assert_owed(&w, STORE_OUT_EXPANDED);
	world_deinit(&w);
}

static void large_ones(void **state)
{
	struct world w;
	struct buf big = { 0 };

	(void)state;
	world_init(&w, disk_real());
	buf_put(&big, small);
	while (big.len < 100000)
		buf_put(&big, STR("0123456789 0123456789 0123456789 0123456789\r\n"));
	assert_int_equal(send(&w, 1, buf_str(&big), 0), STORE_OK);
	assert_message(&w, 1, buf_str(&big));
	world_reopen(&w);
	assert_message(&w, 1, buf_str(&big));
	buf_deinit(&big);
	world_deinit(&w);
}

/* Whoever reads a new message first has its octets from memory, all others from the disk. */
static void read_once_from_memory(void **state)
{
	struct world w;
	struct store_out o;
	char room[4096], *journal, *segment;
	uint64_t got;

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	assert_int_equal(send(&w, 1, small, 0), STORE_OK);
	journal = path_join(w.dir, "journal");
	segment = segment_path(journal, 1);
	disk_sim_damage(w.disk, segment, SEGMENT_DATA, 4096);
	assert_int_equal(store_out_open(w.store, help_id(1), &o), STORE_OK);
	for (uint64_t at = 0; at < o.octets; at += got) {
		assert_int_equal(store_out_read(w.store, &o, at, room, 30, &got), STORE_OK);
		assert_memory_equal(room + (at == 0 ? 19 : 0), small.p + (at == 0 ? 0 : at - 19),
			got - (at == 0 ? 19 : 0));
	}
	assert_int_equal(store_out_read(w.store, &o, 0, room, sizeof room, &got), STORE_CORRUPT);
	store_out_close(w.store, &o);
	assert_int_equal(store_out_open(w.store, help_id(1), &o), STORE_OK);
	assert_int_equal(store_out_read(w.store, &o, 0, room, sizeof room, &got), STORE_CORRUPT);
	store_out_close(w.store, &o);
	free(segment);
	free(journal);
	world_deinit(&w);
}

static size_t due(struct world *w, int64_t before_ms, struct store_due *rows)
{
	static const struct store_due first;
	size_t n = 10;

	assert_int_equal(store_due_list(w->store, &first, before_ms, rows, &n), STORE_OK);
	return n;
}

static void assert_states(struct world *w)
{
	struct store_due rows[10], next;
	uint64_t waiting, held;
	struct store_out o;
	int64_t earliest;
	size_t n = 10;

	assert_int_equal(store_due_next(w->store, &earliest), STORE_OK);
	assert_true(earliest == t0 + 60000);
	assert_int_equal(due(w, t0 + 60000, rows), 0);
	assert_int_equal(due(w, t0 + 60001, rows), 1);
	assert_true(msgid_eq(rows[0].id, help_id(1)));
	assert_int_equal(rows[0].number, 1);
	assert_int_equal(rows[0].attempts, 1);
	assert_true(rows[0].since_ms == t0);
	assert_true(
		str_eq(str_of(rows[0].recipient, rows[0].recipient_len), STR("a@there.example")));
	/* held until t0 + 90000, one of the two by an administrator */
	assert_int_equal(due(w, t0 + 90001, rows), 2);
	assert_true(msgid_eq(rows[1].id, help_id(2)));
	next = rows[0];
	assert_int_equal(store_due_list(w->store, &next, INT64_MAX, rows, &n), STORE_OK);
	assert_int_equal(n, 1);
	assert_int_equal(store_out_count(w->store, &waiting, &held), STORE_OK);
	assert_int_equal(waiting, 3);
	assert_int_equal(held, 1);
	assert_int_equal(store_out_open(w->store, help_id(1), &o), STORE_OK);
	assert_int_equal(o.rcpts[0].state, STORE_OUT_WAITING);
	assert_int_equal(o.rcpts[0].flags, STORE_OUT_DELAY_TOLD);
	assert_true(str_eq(o.rcpts[0].reply, STR("4.4.1 busy")));
	assert_true(str_eq(o.rcpts[0].host, STR("mx[192.0.2.9]")));
	assert_true(
		str_eq(o.rcpts[0].tls, STR("dane")) && str_eq(o.rcpts[0].via, STR("relay:[h]:25")));
	assert_true(o.rcpts[0].last_ms == t0 + 5);
	assert_int_equal(o.rcpts[1].state, STORE_OUT_DELIVERED);
	assert_int_equal(o.rcpts[1].flags, STORE_OUT_RELAYED | STORE_OUT_SEALED);
	assert_true(str_eq(o.rcpts[1].recipient, STR("b@there.example")));
	store_out_close(w->store, &o);
	assert_int_equal(store_out_open(w->store, help_id(2), &o), STORE_OK);
	assert_int_equal(o.rcpts[0].flags, STORE_OUT_HELD);
	store_out_close(w->store, &o);
}

static void compact(struct world *w, bool all)
{
	while (store_local_compact(w->store, all))
		if (store_local_busy(w->store))
			store_wait(w->store);
}

static void fill(struct world *w, uint32_t from)
{
	struct buf big = { 0 };

	buf_fill(&big, 'x', 60000);
	for (uint32_t i = 0; i < 40; i++)
		assert_int_equal(help_deliver(w->store, from + i, 9, buf_str(&big)), STORE_OK);
	buf_deinit(&big);
}

static void states_last(void **state)
{
	static const struct store_out_rcpt one[] = {
		{ .number = 1, .state = STORE_OUT_WAITING, .flags = STORE_OUT_DELAY_TOLD,
			.due_ms = INT64_C(1000) * T0 + 60000, .attempts = 1,
			.last_ms = INT64_C(1000) * T0 + 5, .reply = STR_INIT("4.4.1 busy"),
			.host = STR_INIT("mx[192.0.2.9]"), .tls = STR_INIT("dane"),
			.via = STR_INIT("relay:[h]:25") },
		{ .number = 2, .state = STORE_OUT_DELIVERED, 
			.flags = STORE_OUT_RELAYED | STORE_OUT_SEALED },
	}, two[] = { { .number = 1, .state = STORE_OUT_WAITING, .flags = STORE_OUT_HELD } };
	struct world w;

	(void)state;
	world_init(&w, disk_real());
	assert_int_equal(send(&w, 1, small, 0), STORE_OK);
	assert_int_equal(settle(&w, 1, one, 2), STORE_OK);
	assert_int_equal(send(&w, 2, small, t0 + 90000), STORE_OK);
	assert_int_equal(settle(&w, 2, two, 1), STORE_OK);
	assert_states(&w);
	world_reopen(&w);
	assert_states(&w);
	assert_rebuilds(&w);
	assert_states(&w);
	fill(&w, 100);
	compact(&w, true);
	assert_states(&w);
	assert_rebuilds(&w);
	assert_states(&w);
	world_deinit(&w);
}

/* What is still to be done keeps a message; when all is done its room is given back. */
static void compaction_keeps_what_waits(void **state)
{
	struct store_target t = { .recipient = STR("a@there.example") };
	struct store_out_rcpt r = {
		.number = 0, .state = STORE_OUT_FAILED, .flags = STORE_OUT_OWED
	};
	struct msgid ids[4];
	struct world w;
	struct store_out o;
	size_t n = 4;

	(void)state;
	world_init(&w, disk_real());
	w.config.expunged_keep_ms = -1;
	world_reopen(&w);
	assert_int_equal(help_deliver_to(w.store, help_id(1), small, &t, 1), STORE_OK);
	assert_int_equal(settle(&w, 1, &r, 1), STORE_OK);
	fill(&w, 100);
	compact(&w, true);
	assert_int_equal(store_out_open(w.store, help_id(1), &o), STORE_OK);
	assert_int_equal(o.rcpts[0].flags, STORE_OUT_OWED);
	read_all(&w, &o, 100);
	assert_true(str_eq(buf_str(&w.out), small));
	/* read on while its segment goes */
	fill(&w, 200);
	compact(&w, true);
	read_all(&w, &o, 100);
	assert_true(str_eq(buf_str(&w.out), small));
	store_out_close(w.store, &o);
	assert_int_equal(
		store_out_list(w.store, (struct msgid){ { 0 } }, false, ids, &n), STORE_OK);
	assert_int_equal(n, 1);
	r.flags = 0;
	assert_int_equal(settle(&w, 1, &r, 1), STORE_OK);
	n = 4;
	assert_int_equal(
		store_out_list(w.store, (struct msgid){ { 0 } }, false, ids, &n), STORE_OK);
	assert_int_equal(n, 0);
	n = 4;
	assert_int_equal(store_out_list(w.store, (struct msgid){ { 0 } }, true, ids, &n), STORE_OK);
	assert_int_equal(n, 1);
	fill(&w, 300);
	compact(&w, true);
	assert_int_equal(store_out_open(w.store, help_id(1), &o), STORE_NOT_FOUND);
	assert_rebuilds(&w);
	assert_int_equal(store_out_open(w.store, help_id(1), &o), STORE_NOT_FOUND);
	world_deinit(&w);
}

/* The copy of a message must not stand behind a result that it does not know. */
static void compaction_waits_for_results(void **state)
{
	struct store_target t = { .recipient = STR("a@there.example") };
	struct store_out_rcpt r = { .number = 0, .state = STORE_OUT_DELIVERED };
	struct store_settle settling = {
		.op.done = help_note, .id = help_id(1), .rcpts = &r, .count = 1
	};
	struct store_out o;
	struct world w;

	(void)state;
	world_init(&w, disk_real());
	assert_int_equal(help_deliver_to(w.store, help_id(1), small, &t, 1), STORE_OK);
	fill(&w, 100);
	help_done = false;
	store_settle(w.store, &settling); /* not flushed: it is not in the journal yet */
	for (int i = 0; i < 50; i++)
		assert_true(store_local_compact(w.store, true));
	assert_int_equal(help_wait(w.store), STORE_OK);
	compact(&w, true);
	assert_int_equal(store_out_open(w.store, help_id(1), &o), STORE_NOT_FOUND);
	assert_rebuilds(&w);
	assert_int_equal(store_out_open(w.store, help_id(1), &o), STORE_NOT_FOUND);
	world_deinit(&w);
}

static void unsound_targets(void **state)
{
	struct store_target nobody = { .recipient = STR("") };
	struct world w;

	(void)state;
	world_init(&w, disk_real());
	assert_int_equal(help_deliver_to(w.store, help_id(1), small, &nobody, 1), STORE_CONFLICT);
	world_deinit(&w);
}

/* Many recipients, each once, numbered for ever. */
static void many_recipients(void **state)
{
	enum { MANY = 1000 };
	static char names[MANY][24];
	static struct store_target t[MANY + 1];
	struct store_out o;
	struct world w;

	(void)state;
	world_init(&w, disk_real());
	for (int i = 0; i < MANY; i++) {
		int n = snprintf(names[i], sizeof names[i], "r%d@there.example", i);

		t[i].recipient = str_of(names[i], (size_t)n);
	}
	t[MANY] = t[3];
	assert_int_equal(help_deliver_to(w.store, help_id(1), small, t, MANY + 1), STORE_OK);
	for (int again = 0; again < 3; again++) {
		assert_int_equal(store_out_open(w.store, help_id(1), &o), STORE_OK);
		assert_int_equal(o.count, MANY);
		for (size_t i = 0; i < MANY; i++)
			assert_int_equal(o.rcpts[i].number, i);
		assert_int_equal(o.rcpts[MANY - 1].state, STORE_OUT_WAITING);
		store_out_close(w.store, &o);
		world_reopen(&w);
	}
	world_deinit(&w);
}

static void note_settled(struct store_op *op, enum store_result result)
{
	(void)op;
	settled_as = result;
}

/* What nobody waits for begins no sync of its own, and goes with the next that somebody does wait for. */
static void settled_at_leisure(void **state)
{
	struct store_out_rcpt r = { .number = 1, .state = STORE_OUT_DELIVERED, .due_ms = t0 };
	struct store_settle t = { .op.done = note_settled,
		.id = help_id(1),
		.rcpts = &r,
		.count = 1,
		.at_leisure = true };
	struct world w;
	struct store_out o;

	(void)state;
	world_init(&w, disk_real());
	assert_int_equal(send(&w, 1, small, 0), STORE_OK);
	assert_false(store_flush_waited(w.store));
	settled_as = STORE_UNKNOWN;
	store_settle(w.store, &t);
	assert_true(store_flush_waited(w.store));
	assert_true(store_flush_waited(w.store));
	usleep(20000);
	store_poll(w.store);
	assert_int_equal(settled_as, STORE_UNKNOWN);
	assert_int_equal(send(&w, 2, small, 0), STORE_OK);
	assert_int_equal(settled_as, STORE_OK);
	assert_false(store_flush_waited(w.store));
	world_reopen(&w);
	assert_int_equal(store_out_open(w.store, help_id(1), &o), STORE_OK);
	assert_int_equal(o.rcpts[0].state, STORE_OUT_DELIVERED);
	store_out_close(w.store, &o);
	world_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_with_all_facts),
		cmocka_unit_test(delivered_here),
		cmocka_unit_test(large_ones),
		cmocka_unit_test(read_once_from_memory),
		cmocka_unit_test(states_last),
		cmocka_unit_test(settled_at_leisure),
		cmocka_unit_test(compaction_keeps_what_waits),
		cmocka_unit_test(compaction_waits_for_results),
		cmocka_unit_test(unsound_targets),
		cmocka_unit_test(many_recipients),
	};

	log_init(2, LOG_L_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
