/* What becomes of expunged messages: they come back, or their room does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "store/disk_sim.h"
#include "store/local/impl.h"
#include "store_world.h"

static void expunge(struct world *w, uint64_t maildrop, const struct msgid *ids, size_t n)
{
	struct store_open o;
	struct store_expunge e;

	assert_int_equal(help_open(w->store, &o, maildrop), STORE_OK);
	assert_int_equal(help_expunge(w->store, &e, &o, ids, n), STORE_OK);
	assert_int_equal(e.expunged, n);
	store_close(w->store, maildrop, o.token);
}

static uint64_t restore(struct world *w, uint64_t maildrop, const struct msgid *ids, size_t n)
{
	struct store_restore r;
	struct store_open o;

	assert_int_equal(help_open(w->store, &o, maildrop), STORE_OK);
	assert_int_equal(help_restore(w->store, &r, &o, ids, n), STORE_OK);
	store_close(w->store, maildrop, o.token);
	return r.restored;
}

static void assert_list(struct world *w, uint64_t maildrop, const uint32_t *ids, size_t n)
{
	struct store_listing l;
	uint64_t count, octets, sum = 0;

	assert_int_equal(help_list(w->store, &l, maildrop, 0), STORE_OK);
	assert_int_equal(l.count, n);
	for (size_t i = 0; i < n; i++) {
		assert_true(msgid_eq(l.rows[i].id, help_id(ids[i])));
		sum += l.rows[i].octets;
	}
	store_listing_free(&l);
	assert_int_equal(store_usage(w->store, maildrop, &count, &octets), STORE_OK);
	assert_int_equal(count, n);
	assert_int_equal(octets, sum);
}

#define ASSERT_LIST(w, maildrop, ...)                                                              \
	do {                                                                                       \
		const uint32_t ids_[] = { __VA_ARGS__ };                                           \
		assert_list(w, maildrop, ids_, sizeof ids_ / sizeof *ids_);                        \
	} while (0)

/* ---- undelete ---- */

static void restores(void **state)
{
	struct store_target imported = { 1, STR("b@example.net"), STR("uid-7") };
	struct msgid two[] = { help_id(2), help_id(3) }, odd[] = { help_id(2), help_id(99) };
	struct store_expunged_row *rows;
	size_t count;
	struct world w;

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	assert_int_equal(help_deliver(w.store, 1, 1, STR("one\r\n")), STORE_OK);
	assert_int_equal(
		help_deliver_to(w.store, help_id(2), STR("two\r\n"), &imported, 1), STORE_OK);
	assert_int_equal(help_deliver(w.store, 3, 1, STR("three\r\n")), STORE_OK);
	expunge(&w, 1, two, 2);
	ASSERT_LIST(&w, 1, 1);
	world_reopen(&w);
	assert_int_equal(store_expunged(w.store, 1, &rows, &count), STORE_OK);
	assert_int_equal(count, 2);
	assert_true(msgid_eq(rows[0].id, help_id(2)));
	assert_true(str_eq(str_of(rows[0].uidl, rows[0].uidl_len), STR("uid-7")));
	assert_int_equal(rows[1].uidl_len, 0);
	assert_true(rows[1].expunged_ms > 0);
	free(rows);
	assert_int_equal(restore(&w, 1, odd, 2), 1);
	ASSERT_LIST(&w, 1, 1, 2);
	assert_int_equal(restore(&w, 1, odd, 2), 0); /* again: nothing, also not counted */
	ASSERT_LIST(&w, 1, 1, 2);
	assert_int_equal(restore(&w, 2, two, 2), 0); /* of another maildrop */
	assert_int_equal(restore(&w, 1, two, 2), 1);
	ASSERT_LIST(&w, 1, 1, 2, 3); /* in the old order */
	assert_int_equal(help_read(w.store, &w.out, 1, 0, help_id(3), 100), STORE_OK);
	assert_true(str_eq(buf_str(&w.out), STR("three\r\n")));
	assert_int_equal(store_expunged(w.store, 1, &rows, &count), STORE_OK);
	assert_int_equal(count, 0);
	free(rows);
	expunge(&w, 1, two, 1); /* and it can be deleted again */
	ASSERT_LIST(&w, 1, 1, 3);
	assert_rebuilds(&w);
	ASSERT_LIST(&w, 1, 1, 3);
	world_deinit(&w);
}

static void restore_wants_the_lease(void **state)
{
	struct msgid id = help_id(1);
	struct store_restore r;
	struct store_open o;
	struct world w;

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	assert_int_equal(help_deliver(w.store, 1, 1, STR("one\r\n")), STORE_OK);
	expunge(&w, 1, &id, 1);
	o = (struct store_open){ .maildrop = 1, .token = 4711 };
	assert_int_equal(help_restore(w.store, &r, &o, &id, 1), STORE_CONFLICT);
	assert_list(&w, 1, NULL, 0);
	world_deinit(&w);
}

/* ---- compaction ---- */

static struct store_space compact(struct world *w, bool all)
{
	struct store_space space;
	struct err err = { 0 };

	for (int i = 0; store_local_compact(w->store, all); i++) {
		assert_true(i < 10000);
		store_flush(w->store);
		if (store_local_busy(w->store))
			store_wait(w->store);
	}
	assert_int_equal(store_local_space(w->store, &space, &err), ST_OK);
	return space;
}

enum { MANY = 3000 };

static struct str body_of(struct buf *b, uint32_t id, size_t n)
{
	buf_clear(b);
	buf_printf(b, "Message-ID: <%u@x>\r\n\r\n", id);
	while (b->len < n)
		buf_putc(b, (char)('a' + (b->len * 7 + id) % 26));
	return buf_str(b);
}

/* Messages of 2000 octets, every 100th in a file of its own; 4 of 5 expunged. */
static void fill(struct world *w, uint32_t *left)
{
	struct msgid *gone = mem_array(NULL, MANY, sizeof *gone);
	struct buf b;
	size_t n = 0;

	buf_init(&b, 0);
	for (uint32_t id = 1; id <= MANY; id++) {
		size_t octets = id % 100 < 2 ? 70000 : 2000;

		assert_int_equal(help_deliver(w->store, id, 1, body_of(&b, id, octets)), STORE_OK);
		if (id % 5 == 0)
			*left++ = id;
		else
			gone[n++] = help_id(id);
	}
	expunge(w, 1, gone, n);
	buf_deinit(&b);
	free(gone);
}

static size_t files_under(const char *dir)
{
	struct buf b;
	char line[64];
	unsigned long n = 0;
	FILE *p;
	char *command;

	buf_init(&b, 0);
	buf_printf(&b, "find %s/blob -type f | wc -l", dir);
	command = buf_steal_c(&b);
	p = popen(command, "r");
	assert_non_null(p);
	if (fgets(line, sizeof line, p) != NULL)
		n = strtoul(line, NULL, 10);
	pclose(p);
	free(command);
	return n;
}

static void assert_all_read(struct world *w, const uint32_t *left, size_t n)
{
	struct buf b;

	buf_init(&b, 0);
	for (size_t i = 0; i < n; i++) {
		struct str want = body_of(&b, left[i], left[i] % 100 < 2 ? 70000 : 2000);

		assert_int_equal(
			help_read(w->store, &w->out, 1, 0, help_id(left[i]), 8000), STORE_OK);
		assert_true(str_eq(buf_str(&w->out), want));
	}
	buf_deinit(&b);
}

static void gives_room_back(void **state)
{
	uint32_t left[MANY / 5];
	struct store_space before, after;
	struct store_envelope envelope;
	struct err err = { 0 };
	struct world w;

	(void)state;
	world_init(&w, disk_real());
	fill(&w, left);
	before = compact(&w, false);
	assert_int_equal(before.given_back, 0); /* they may still be restored */
	assert_int_equal(files_under(w.dir), MANY / 50);
	w.config.expunged_keep_ms = -1;
	world_reopen(&w);
	assert_int_equal(store_local_space(w.store, &before, &err), ST_OK);
	after = compact(&w, false);
	assert_true(after.given_back > 3 << 20);
	assert_true(after.journal_octets < before.journal_octets / 2 + (2 << 20));
	assert_int_equal(files_under(w.dir), MANY / 100);
	assert_list(&w, 1, left, MANY / 5); /* the old order, the old octets */
	assert_all_read(&w, left, MANY / 5);
	assert_int_equal(store_envelope(w.store, help_id(5), 1, &envelope), STORE_OK);
	assert_true(str_eq(envelope.recipient, STR("b@example.net")));
	store_envelope_free(&envelope);
	assert_sound(&w);
	assert_rebuilds(&w);
	assert_list(&w, 1, left, MANY / 5);
	assert_all_read(&w, left, MANY / 5);
	world_deinit(&w);
}

static void moves_what_is_read_in_order(void **state)
{
	uint32_t left[MANY / 5];
	struct store_open o;
	struct world w;

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	fill(&w, left);
	assert_int_equal(help_open(w.store, &o, 1), STORE_OK);
	for (size_t i = 0; i < 40; i++) {
		if (i == 20)
			assert_true(compact(&w, true).given_back > 0);
		assert_int_equal(
			help_read(w.store, &w.out, 1, o.token, help_id(left[i]), 100000), STORE_OK);
	}
	store_close(w.store, 1, o.token);
	world_deinit(&w);
}

static void keeps_what_may_come_back(void **state)
{
	struct msgid ids[] = { help_id(1), help_id(4) };
	uint32_t left[MANY / 5];
	struct store_space space;
	struct world w;

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	fill(&w, left);
	space = compact(&w, true); /* everything is copied, with what was expunged */
	assert_true(space.given_back > 3 << 20);
	assert_sound(&w);
	assert_rebuilds(&w);
	assert_list(&w, 1, left, MANY / 5);
	assert_int_equal(restore(&w, 1, ids, 2), 2);
	assert_int_equal(help_read(w.store, &w.out, 1, 0, ids[0], 8000), STORE_OK);
	assert_int_equal(w.out.len, 70000);
	assert_int_equal(help_read(w.store, &w.out, 1, 0, ids[1], 8000), STORE_OK);
	assert_int_equal(w.out.len, 2000);
	assert_rebuilds(&w);
	assert_int_equal(help_read(w.store, &w.out, 1, 0, ids[1], 8000), STORE_OK);
	world_deinit(&w);
}

/* What is damaged stays while somebody may ask for it, and its segment with it; then it goes like any
 * other. */
static void damage_holds_no_room_for_ever(void **state)
{
	uint32_t left[MANY / 5];
	struct index_message m;
	struct store_space space;
	struct world w;
	char *path;

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	fill(&w, left);
	assert_true(store_apply(w.store));
	assert_int_equal(index_message(w.store->index, help_id(4), &m), STORE_OK);
	path = segment_path(w.store->journal_dir, pos_segment(m.body_at));
	disk_sim_damage(w.disk, path, pos_offset(m.body_at) + 50, 2);
	free(path);
	space = compact(&w, true);
	assert_int_equal(space.given_back, 0); /* it can be restored: damaged as it is */
	w.config.expunged_keep_ms = -1;
	world_reopen(&w);
	space = compact(&w, false);
	assert_true(space.given_back > 3 << 20);
	assert_list(&w, 1, left, MANY / 5);
	assert_sound(&w);
	assert_rebuilds(&w);
	assert_all_read(&w, left, MANY / 5);
	world_deinit(&w);
}

/* A session that is in the middle of a message reads on. */
static void a_reader_reads_on(void **state)
{
	uint32_t left[MANY / 5];
	char room[2000];
	struct store_read r;
	struct store_open o;
	struct world w;

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	w.config.expunged_keep_ms = -1;
	world_reopen(&w);
	fill(&w, left);
	assert_int_equal(help_open(w.store, &o, 1), STORE_OK);
	r = (struct store_read){ .op.done = help_note,
		.maildrop = 1,
		.token = o.token,
		.id = help_id(5),
		.want = 1000,
		.to = room };
	store_read(w.store, &r);
	assert_int_equal(help_result, STORE_OK);
	assert_true(compact(&w, false).given_back > 0);
	r.offset = 1000;
	r.to = room + 1000;
	store_read(w.store, &r); /* checks the whole message's checksum, too */
	assert_int_equal(help_result, STORE_OK);
	assert_int_equal(r.got, 1000);
	assert_list(&w, 1, left, MANY / 5);
	store_close(w.store, 1, o.token);
	world_deinit(&w);
}

/* ---- what was retrieved ---- */

struct told {
	struct store_trace trace;
	size_t retrieved, events;
};

static void hear(struct store_trace *t, const struct store_trace_event *e)
{
	struct told *told = (struct told *)t;

	told->events++;
	if (e->what != STORE_TRACE_RETRIEVED)
		return;
	told->retrieved++;
	assert_true(str_eq(e->client, STR("b via 192.0.2.7")));
	assert_true(str_eq(e->recipient, STR("b@example.net")));
	assert_int_equal(e->at_ms, 1700000001000);
}

/* How often the journal tells that it was retrieved. */
static size_t times_retrieved(struct world *w, uint32_t id)
{
	struct told told = { .trace = {
				     .by_id = true, .id = help_id(id), .most = 10, .say = hear } };
	struct err err = { 0 };

	assert_int_equal(store_local_trace(w->dir, w->disk, &told.trace, &err), ST_OK);
	assert_true(told.events > told.retrieved);
	return told.retrieved;
}

static void retrieve(struct world *w, uint64_t maildrop, const struct msgid *ids, size_t n)
{
	const uint64_t maildrops[] = { 7, maildrop };

	store_retrieved(w->store, &(struct store_retrieved){ .maildrops = maildrops,
					  .nmaildrops = 2,
					  .client = STR("b via 192.0.2.7"),
					  .at_ms = 1700000001000,
					  .ids = ids,
					  .count = n });
}

static void retrievals_are_history(void **state)
{
	struct msgid ids[] = { help_id(1), help_id(3), help_id(99) };
	struct world w;

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	assert_int_equal(help_deliver(w.store, 1, 1, STR("one\r\n")), STORE_OK);
	assert_int_equal(help_deliver(w.store, 2, 1, STR("two\r\n")), STORE_OK);
	assert_int_equal(help_deliver(w.store, 3, 2, STR("three\r\n")), STORE_OK);
	retrieve(&w, 1, ids, 3);
	assert_int_equal(store_flush_waited(w.store), STORE_NOTE_MS);
	assert_int_equal(times_retrieved(&w, 1), 0); /* nobody waits for it */
	assert_int_equal(help_deliver(w.store, 4, 1, STR("four\r\n")), STORE_OK);
	assert_int_equal(store_flush_waited(w.store), 0); /* so it went with what was waited for */
	assert_int_equal(times_retrieved(&w, 1), 1);
	assert_int_equal(times_retrieved(&w, 2), 0);
	assert_int_equal(times_retrieved(&w, 3), 0); /* in another maildrop */
	ASSERT_LIST(&w, 1, 1, 2, 4);
	retrieve(&w, 1, ids, 1);
	assert_rebuilds(&w); /* an orderly end takes it along */
	assert_int_equal(times_retrieved(&w, 1), 2);
	ASSERT_LIST(&w, 1, 1, 2, 4);
	world_deinit(&w);
}

/* Its message was copied behind it: it is found again; what stood in the old segment is gone. */
static void retrieved_before_it_was_copied(void **state)
{
	struct msgid ids[] = { help_id(5), help_id(10000) };
	uint32_t left[MANY / 5];
	struct buf big = { 0 };
	struct world w;

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	w.config.expunged_keep_ms = -1;
	world_reopen(&w);
	retrieve(&w, 1, ids, 1);
	fill(&w, left);
	assert_int_equal(times_retrieved(&w, 5), 0); /* it was not there yet */
	retrieve(&w, 1, ids, 1);
	for (uint32_t i = 0; i < 40; i++)
		assert_int_equal(
			help_deliver(w.store, 10000 + i, 1, body_of(&big, i, 60000)), STORE_OK);
	retrieve(&w, 1, ids, 2);
	assert_true(compact(&w, false).given_back > 0);
	assert_int_equal(times_retrieved(&w, 10000), 1);
	assert_in_range(times_retrieved(&w, 5), 1, 2);
	assert_sound(&w);
	buf_deinit(&big);
	world_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restores),
		cmocka_unit_test(restore_wants_the_lease),
		cmocka_unit_test(gives_room_back),
		cmocka_unit_test(moves_what_is_read_in_order),
		cmocka_unit_test(keeps_what_may_come_back),
		cmocka_unit_test(damage_holds_no_room_for_ever),
		cmocka_unit_test(a_reader_reads_on),
		cmocka_unit_test(retrievals_are_history),
		cmocka_unit_test(retrieved_before_it_was_copied),
	};

	log_init(2, LOG_L_ERROR + 1, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
