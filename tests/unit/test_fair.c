#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fair.h"

enum { ROOM = 64 };

static struct fair f;
static struct fair_item items[1000];

static struct fair_item *put(size_t i, unsigned flow)
{
	items[i].flow = flow;
	return fair_put(&f, &items[i]);
}

static size_t take(void)
{
	struct fair_item *i = fair_take(&f);

	return i == NULL ? SIZE_MAX : (size_t)(i - items);
}

static void flows_take_turns(void **state)
{
	static const struct {
		unsigned flow;
	} rows[] = { { 1 }, { 1 }, { 1 }, { 2 }, { 2 }, { 3 } };
	static const size_t order[] = { 0, 3, 5, 1, 4, 2 };

	(void)state;
	fair_init(&f, ROOM);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_null(put(i, rows[i].flow));
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		assert_int_equal(take(), order[i]);
	assert_int_equal(take(), SIZE_MAX);
}

/* However long the crowd's line is: who comes from elsewhere finds room, and is next. */
static void a_crowd_holds_up_itself(void **state)
{
	(void)state;
	fair_init(&f, ROOM);
	for (size_t i = 0; i < ROOM; i++)
		assert_null(put(i, (unsigned)(i % 2)));
	take();
	take();
	assert_null(put(200, 0));
	assert_null(put(201, 1));
	assert_ptr_equal(put(202, 0), &items[202]); /* theirs is the longest */
	for (size_t i = 300; i < 310; i++) {
		struct fair_item *loser = put(i, 7);

		assert_true(loser != NULL && loser->flow < 2);
	}
	assert_int_equal(take(), 300);
	assert_true(items[take()].flow < 2);
	assert_true(items[take()].flow < 2);
	assert_int_equal(take(), 301); /* one turn in three now */
	assert_int_equal(f.count, ROOM - 4);
}

/* A crowd whose place is the one that a newcomer's hash names does not take him in. */
static void neighbours_have_flows_of_their_own(void **state)
{
	unsigned crowd, other;

	(void)state;
	fair_init(&f, ROOM);
	for (size_t i = 0; i < ROOM; i++) {
		crowd = fair_flow(&f, 5);
		assert_int_equal(crowd, 5);
		assert_null(put(i, crowd));
	}
	other = fair_flow(&f, 5 + FAIR_FLOWS);
	assert_int_not_equal(other, crowd);
	assert_ptr_equal(put(200, other), &items[ROOM - 1]);
	assert_int_equal(fair_flow(&f, 5 + FAIR_FLOWS), other);
	assert_int_equal(take(), 0);
	assert_int_equal(take(), 200);
	/* he was here a moment ago: it is still his */
	assert_int_equal(fair_flow(&f, 5 + FAIR_FLOWS), other);
	/* more neighbours than places: then they share */
	for (unsigned n = 2; n < 8; n++)
		assert_ptr_not_equal(
			put(200 + n, fair_flow(&f, 5 + n * FAIR_FLOWS)), &items[200 + n]);
	assert_int_equal(fair_flow(&f, 5 + 8 * FAIR_FLOWS), crowd);
}

/* One at a time is not a way to be always first. */
static void one_at_a_time(void **state)
{
	(void)state;
	fair_init(&f, ROOM);
	for (size_t i = 0; i < 10; i++)
		assert_null(put(i, 1));
	assert_int_equal(take(), 0);
	assert_null(put(20, 2));
	assert_int_equal(take(), 20); /* it was quiet */
	assert_null(put(21, 2));
	assert_int_equal(take(), 1);
	assert_int_equal(take(), 21);
}

/* When every flow has one, who waits is not sent away for who comes. */
static void all_alike(void **state)
{
	(void)state;
	fair_init(&f, ROOM);
	for (size_t i = 0; i < ROOM; i++)
		assert_null(put(i, (unsigned)i));
	assert_ptr_equal(put(100, ROOM), &items[100]);
	fair_del(&f, &items[3]);
	assert_null(put(100, ROOM));
	for (size_t i = 0; i < ROOM; i++)
		assert_int_not_equal(take(), 3);
	assert_int_equal(take(), SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_take_turns),
		cmocka_unit_test(a_crowd_holds_up_itself),
		cmocka_unit_test(neighbours_have_flows_of_their_own),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(all_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
