#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/overload.h"

static void thresholds(void **state)
{
	static const struct {
		const char *name;
		bool before;
		int64_t connections, most;
		bool now;
	} rows[] = {
		{ "quiet", false, 0, 100, false },
		{ "just below", false, 79, 100, false },
		{ "at 80 %", false, 80, 100, true },
		{ "stays at 70 %", true, 70, 100, true },
		{ "over below 70 %", true, 69, 100, false },
		{ "a small office enters", false, 8, 10, true },
		{ "large numbers", false, 800000, 1000000, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (overload_now(rows[i].before, rows[i].connections, rows[i].most) != rows[i].now)
			fail_msg("%s", rows[i].name);
}

/* Limits shrink, never grow, and what is not in the table stays. */
static void limits(void **state)
{
	struct smtpd_config smtp = { .greet_timeout_ms = 60000,
		.command_timeout_ms = 5000,
		.data_timeout_ms = 600000,
		.session_max_ms = 14400000,
		.errors_soft = 10,
		.errors_hard = 20,
		.recipients_max = 1000 };
	struct pop3d_config pop3 = { .login_timeout_ms = 180000,
		.autologout_ms = 600000,
		.errors_before_login = 5,
		.errors_after_login = 50 };

	(void)state;
	overload_smtp(&smtp);
	overload_pop3(&pop3);
	assert_int_equal(smtp.greet_timeout_ms, 10000);
	assert_int_equal(smtp.command_timeout_ms, 5000);
	assert_int_equal(smtp.data_timeout_ms, 60000);
	assert_int_equal(smtp.session_max_ms, 600000);
	assert_int_equal(smtp.errors_soft, 1);
	assert_int_equal(smtp.errors_hard, 3);
	assert_int_equal(smtp.recipients_max, 1000);
	assert_int_equal(pop3.login_timeout_ms, 15000);
	assert_int_equal(pop3.autologout_ms, 600000); /* RFC 1939 3 */
	assert_int_equal(pop3.errors_before_login, 2);
	assert_int_equal(pop3.errors_after_login, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thresholds),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
