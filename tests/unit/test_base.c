#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/codec.h"
#include "base/msgid.h"

static void cut_rows(void **state)
{
	static const struct {
		const char *name;
		struct str in, before, after;
	} rows[] = {
		{"no separator",    STR_INIT("QUIT"),   STR_INIT("QUIT"), STR_INIT("") },
		{ "NUL is a byte",  STR_INIT("a\0b c"), STR_INIT("a\0b"), STR_INIT("c")},
		{ "empty",          STR_INIT(""),       STR_INIT(""),     STR_INIT("") },
		{ "separator last", STR_INIT("a "),     STR_INIT("a"),    STR_INIT("") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str rest = rows[i].in, before = str_cut(&rest, ' ');

		assert_true(str_eq(before, rows[i].before));
		assert_true(str_eq(rest, rows[i].after));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(cut_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
