/* A sender of its own for each recipient, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/verp.h"

#define LONG "1234567890123456789012345678901234567890123456789012345678901234"

static void addresses(void **state)
{
	static const struct {
		struct str owner, recipient, want; /* want "": none */
	} rows[] = {
		{ STR_INIT("owner@lists.test"), STR_INIT("bob@example.org"),
			STR_INIT("owner+bob=example.org@lists.test") },
		{ STR_INIT("owner@lists.test"), STR_INIT("bob+tag@example.org"),
			STR_INIT("owner+bob+tag=example.org@lists.test") },
		{ STR_INIT("owner+one@lists.test"), STR_INIT("b=c@example.org"),
			STR_INIT("owner+one+b=c=example.org@lists.test") },
		{ STR_INIT("owner@lists.test"), STR_INIT("\"b b\"@example.org"), STR_INIT("") },
		{ STR_INIT("\"o o\"@lists.test"), STR_INIT("bob@example.org"), STR_INIT("") },
		{ STR_INIT("owner@lists.test"), STR_INIT("bob@[192.0.2.1]"), STR_INIT("") },
		{ STR_INIT("owner@lists.test"), STR_INIT("b\xc3\xb6@example.org"), STR_INIT("") },
		{ STR_INIT("owner@lists.test"), STR_INIT("postmaster"), STR_INIT("") },
		{ STR_INIT("owner@lists.test"), STR_INIT(LONG "@" LONG ".example.org"),
			STR_INIT("") },
		{ STR_INIT(""), STR_INIT("bob@example.org"), STR_INIT("") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = { 0 };
		bool made;

		buf_put(&out, STR("x"));
		made = verp_put(&out, rows[i].owner, rows[i].recipient, "+=");
		if (made != (rows[i].want.n > 0) ||
			!str_eq(str_from(buf_str(&out), 1), rows[i].want))
			fail_msg("%.*s: %.*s", STR_ARG(rows[i].recipient), STR_ARG(buf_str(&out)));
		buf_deinit(&out);
	}
}

/* As Postfix's verp_delimiter_filter is by default. */
static void delimiters(void **state)
{
	static const struct {
		struct str given;
		const char *want; /* "": refused */
	} rows[] = {
		{ STR_INIT("+="), "owner+bob=x.test@y.test" },
		{ STR_INIT("-="), "owner-bob=x.test@y.test" },
		{ STR_INIT("=-"), "owner=bob-x.test@y.test" },
		{ STR_INIT("++"), "owner+bob+x.test@y.test" },
		{ STR_INIT(""), "" },
		{ STR_INIT("+"), "" },
		{ STR_INIT("+=-"), "" },
		{ STR_INIT("+#"), "" },
		{ STR_INIT("@="), "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char two[VERP_DELIMITERS];
		struct buf out = { 0 };

		if (verp_delimiters(rows[i].given, two))
			assert_true(verp_put(&out, STR("owner@y.test"), STR("bob@x.test"), two));
		if (!str_eq(buf_str(&out), str_c(rows[i].want)))
			fail_msg("%.*s", STR_ARG(rows[i].given));
		buf_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(delimiters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
