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
		int before, own;
		bool waited_twice, rests;
	} rows[] = {
		{ "the first never rests", false, -1, 0, false, false },
		{ "the one before is gone", true, -1, 0, false, false },
		{ "nothing to do", false, 0, 0, false, true },
		{ "both together are no work for two", false, 30, 29, false, true },
		{ "half each", false, 50, 50, false, false },
		{ "a little less each stays so", false, 30, 30, false, false },
		{ "not yet", true, 74, 0, false, true },
		{ "too much for one", true, 75, 0, false, false },
		{ "the one before is stuck", true, 0, 0, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (relief_rests(rows[i].resting, rows[i].before, rows[i].own,
			    rows[i].waited_twice) != rows[i].rests)
			fail_msg("%s", rows[i].name);
}

/* Seats of edges that drain or died are passed over. */
static void seats(void **state)
{
	struct shared *s = shared_new();

	(void)state;
	assert_int_equal(shared_before(s, 3), -1);
	shared_in(s, 0, 7);
	shared_in(s, 2, 0);
	assert_int_equal(shared_before(s, 0), -1);
	assert_int_equal(shared_before(s, 1), 7);
	assert_int_equal(shared_before(s, 3), 0);
	shared_in(s, 2, -1);
	assert_int_equal(shared_before(s, 3), 7);
	shared_clear_seat(s, 0);
	assert_int_equal(shared_before(s, 3), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule),
		cmocka_unit_test(seats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
