#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/relief.h"
#include "daemon/shared.h"

static void rule(void **state)
{
	static const struct {
		const char *name;
		bool resting;
		struct relief_loads loads;
		bool waited_twice, rests;
	} rows[] = {
		{ "the first never rests", false, { 90, -1, 90 }, false, false },
		{ "the one before is gone", true, { 50, -1, 0 }, false, false },
		{ "nothing to do", true, { 2, 1, 1 }, false, false },
		{ "little to do", false, { 3, 3, 0 }, false, true },
		{ "the one before rests too", false, { 70, 0, 0 }, false, true },
		{ "both together are no work for two", false, { 59, 30, 29 }, false, true },
		{ "half each", false, { 100, 50, 50 }, false, false },
		{ "a little less each stays so", false, { 60, 30, 30 }, false, false },
		{ "not yet", true, { 74, 74, 0 }, false, true },
		{ "too much for one", true, { 75, 75, 0 }, false, false },
		{ "the one before is stuck", true, { 40, 40, 0 }, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (relief_rests(rows[i].resting, rows[i].loads, rows[i].waited_twice) !=
			rows[i].rests)
			fail_msg("%s", rows[i].name);
}

/* Seats of edges that drain or died are passed over. */
static void seats(void **state)
{
	struct shared *s = shared_new();

	(void)state;
	assert_int_equal(shared_loads(s, 3, 1).before, -1);
	assert_int_equal(shared_loads(s, 0, 7).before, -1);
	assert_int_equal(shared_loads(s, 2, 0).before, 7);
	assert_int_equal(shared_loads(s, 1, 2).before, 7);
	assert_int_equal(shared_loads(s, 3, 20).before, 0);
	assert_int_equal(shared_loads(s, 3, 20).all, 29);
	shared_leave(s, 2);
	assert_int_equal(shared_loads(s, 3, 1).before, 2);
	shared_clear_seat(s, 1);
	assert_int_equal(shared_loads(s, 3, 1).before, 7);
	assert_int_equal(shared_loads(s, 3, 1).all, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule),
		cmocka_unit_test(seats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
