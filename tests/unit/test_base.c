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

/* RFC 3720 B.4 */
static void crc32c_vectors(void **state)
{
	char octets[32] = { 0 };

	(void)state;
	assert_int_equal(crc32c(0, octets, sizeof octets), 0x8a9136aa);
	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (char)i;
	assert_int_equal(crc32c(0, octets, sizeof octets), 0x46dd794e);
}

/* Long stretches go three at a time: the same must come out in whatever pieces. */
static void crc32c_in_pieces(void **state)
{
	static char octets[20000];
	uint32_t one_by_one = 0;

	(void)state;
	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (char)(i * 2654435761u >> 13);
	for (size_t n = 0; n < sizeof octets; n++) {
		one_by_one = crc32c(one_by_one, octets + n, 1);
		if (n % 61 == 0 || n % 3072 < 2) {
			assert_int_equal(crc32c(0, octets, n + 1), one_by_one);
			assert_int_equal(
				crc32c(crc32c(0, octets, n / 3), octets + n / 3, n + 1 - n / 3),
				one_by_one);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_rows),
		cmocka_unit_test(crc32c_vectors),
		cmocka_unit_test(crc32c_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
