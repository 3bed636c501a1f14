/* Deletions of many messages: whatever the order of the ids, what is named goes, and nothing between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/disk_sim.h"
#include "store_world.h"

enum {
	MESSAGES = 12, /* of maildrop 1: 0 .. 11; those that three divides are in maildrop 2 too */
	LATER = 20,    /* came when the session had begun */
	OTHERS = 30,   /* in maildrop 2 alone, one behind each of maildrop 1 */
	NEVER = 99,
	NAMED_MAX = 14,
};

static const struct {
	const char *name;
	size_t count, gone, told; /* told: an id that is named twice counts twice */
	uint32_t ids[NAMED_MAX];
} rows[] = {
	{ "all in order", 12, 12, 12, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 } },
	{ "all backwards", 12, 12, 12, { 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 } },
	{ "all but the newest", 10, 10, 10, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 } },
	{ "all but the oldest", 11, 11, 11, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 } },
	{ "every other", 6, 6, 6, { 0, 2, 4, 6, 8, 10 } },
	{ "two runs", 7, 7, 7, { 1, 2, 3, 4, 8, 9, 10 } },
	{ "the second run first", 6, 6, 6, { 8, 9, 10, 1, 2, 3 } },
	{ "twice in a run", 5, 4, 5, { 4, 5, 5, 6, 7 } },
	{ "the run twice", 6, 3, 6, { 4, 5, 6, 4, 5, 6 } },
	{ "one that never was", 5, 4, 4, { 4, 5, NEVER, 6, 7 } },
	{ "of another maildrop", 6, 4, 4, { 4, OTHERS + 4, 5, OTHERS + 5, 6, 7 } },
	{ "not seen by the session", 4, 3, 3, { 9, 10, 11, LATER } },
	{ "none", 3, 0, 0, { NEVER, LATER, OTHERS } },
};

static void fill(struct world *w)
{
	static const char octets[] = "\r\n.234567890123456789012345678901234567890";

	for (uint32_t i = 0; i < MESSAGES; i++) {
		struct store_target both[] = {
			{ .maildrop = 1, .recipient = STR("a@example.net"), .uidl = STR("own") },
			{ .maildrop = 2, .recipient = STR("b@example.net") }
		};

		if (i != 7)
			both[0].uidl = STR("");
		assert_int_equal(help_deliver_to(w->store, help_id(i), str_of(octets, 10 + i), both,
					 i % 3 == 0 ? 2 : 1),
			STORE_OK);
		assert_int_equal(
			help_deliver(w->store, OTHERS + i, 2, str_of(octets, 3)), STORE_OK);
	}
}

static bool is_named(size_t row, uint32_t id)
{
	for (size_t i = 0; i < rows[row].count; i++)
		if (rows[row].ids[i] == id)
			return true;
	return false;
}

/* Usage is what the index counted, the listing what it has. */
static void assert_left(struct world *w, size_t row)
{
	struct store_listing l;
	uint64_t count, octets, sum = 0;
	size_t at = 0;

	assert_int_equal(help_list(w->store, &l, 1, 0), STORE_OK);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		if (is_named(row, i))
			continue;
		assert_true(at < l.count && msgid_eq(l.rows[at].id, help_id(i)));
		assert_int_equal(l.rows[at].octets, 10 + i);
		sum += l.rows[at++].octets;
	}
	assert_int_equal(l.count, at + 1); /* and the later one */
	sum += l.rows[at].octets;
	store_listing_free(&l);
	assert_int_equal(store_usage(w->store, 1, &count, &octets), STORE_OK);
	assert_int_equal(count, at + 1);
	assert_int_equal(octets, sum);
	assert_int_equal(store_usage(w->store, 2, &count, &octets), STORE_OK);
	assert_int_equal(count, MESSAGES + MESSAGES / 3);
}

static void assert_can_come_back(struct world *w, size_t row)
{
	struct store_expunged_row *back;
	size_t count;

	assert_int_equal(store_expunged(w->store, 1, &back, &count), STORE_OK);
	assert_int_equal(count, rows[row].gone);
	for (size_t i = 0; i < count; i++) {
		uint32_t id = back[i].id.b[15];

		assert_true(is_named(row, id));
		assert_int_equal(back[i].octets, 10 + id);
		assert_int_equal(back[i].uidl_len, id == 7 ? 3 : 0);
	}
	free(back);
	assert_int_equal(store_expunged(w->store, 2, &back, &count), STORE_OK);
	assert_int_equal(count, 0);
	free(back);
}

static void deletions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct msgid ids[NAMED_MAX];
		struct world w;
		struct store_open o;
		struct store_expunge e;

		print_message("%s\n", rows[i].name);
		for (size_t k = 0; k < rows[i].count; k++)
			ids[k] = help_id(rows[i].ids[k]);
		world_init(&w, disk_sim_new("/tmp"));
		fill(&w);
		assert_int_equal(help_open(w.store, &o, 1), STORE_OK);
		assert_int_equal(help_deliver(w.store, LATER, 1, STR("\r\nlater")), STORE_OK);
		assert_int_equal(help_expunge(w.store, &e, &o, ids, rows[i].count), STORE_OK);
		assert_int_equal(e.expunged, rows[i].told);
		store_close(w.store, 1, o.token);
		assert_left(&w, i);
		assert_can_come_back(&w, i);
		assert_rebuilds(&w);
		assert_left(&w, i);
		assert_can_come_back(&w, i);
		world_deinit(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(deletions) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
