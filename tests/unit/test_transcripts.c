/* One binary an engine: TRANSCRIPT_ENGINE names it.  With a directory as argument instead of the
 * build's, for a session file in the making. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/transcript.h"

static const char *dir = TRANSCRIPT_DIR;

static void transcripts(void **state)
{
	(void)state;
	assert_int_equal(transcript_run_all(dir, &TRANSCRIPT_ENGINE), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(transcripts) };

	if (argc > 1)
		dir = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
