/* Whom an account wrote to for the first time, in a day, and who is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "account/correspondent.h"

enum { HOUR = 60 * 60 * 1000, T0 = 1000 };

static struct directory *d;

static void take(uint64_t account, const char *address, int64_t now_ms, enum said want)
{
	struct correspondent c = { .account = account,
		.address = str_c(address),
		.now_ms = now_ms,
		.most = 2,
		.kept = 3 };
	enum said said = correspondent_take(d, &c, NULL);

	if (said != want)
		fail_msg("%s: %d", address, (int)said);
}

static void first_times(void **state)
{
	(void)state;
	take(1, "a@x.test", T0, SAID_YES);
	take(1, "A@X.test", T0 + 1, SAID_YES); /* the same */
	take(1, "b@x.test", T0 + 2, SAID_YES);
	take(1, "c@x.test", T0 + 3, SAID_NO);
	take(1, "a@x.test", T0 + 4, SAID_YES);
	take(2, "c@x.test", T0 + 5, SAID_YES); /* another's */
	take(1, "c@x.test", T0 + 24 * HOUR - 1, SAID_NO);
	take(1, "c@x.test", T0 + 24 * HOUR, SAID_YES);    /* in place of a */
	take(1, "d@x.test", T0 + 24 * HOUR + 1, SAID_NO); /* b and c */
}

static void the_oldest_is_forgotten(void **state)
{
	static const char *const to[] = { "a@x.test", "b@x.test", "c@x.test", "d@x.test" };

	(void)state;
	for (int i = 0; i < 4; i++)
		take(1, to[i], T0 + i * 48 * HOUR, SAID_YES);
	/* As many new ones as a day has: then whoever is new is told from whoever is known. */
	take(1, "e@x.test", T0 + 144 * HOUR + 1, SAID_YES); /* and b is forgotten too */
	take(1, "a@x.test", T0 + 144 * HOUR + 2, SAID_NO);
	take(1, "b@x.test", T0 + 144 * HOUR + 2, SAID_NO);
	take(1, "c@x.test", T0 + 144 * HOUR + 2, SAID_YES);
}

static void what_is_imported_is_not_new(void **state)
{
	struct correspondent c = {
		.account = 1, .address = STR("a@x.test"), .now_ms = 72 * HOUR, .most = 2, .kept = 3
	};
	int64_t room = 1, n;

	(void)state;
	assert_int_equal(correspondent_since(d, &c, &n, NULL), ST_OK);
	assert_int_equal(n, 0);
	assert_int_equal(correspondent_import(d, &c, &room, NULL), ST_OK);
	assert_int_equal(room, 0);
	assert_int_equal(correspondent_import(d, &c, &room, NULL), ST_OK); /* known */
	c.address = STR("A@X.TEST");
	assert_int_equal(correspondent_since(d, &c, &n, NULL), ST_OK);
	assert_int_equal(n, 48 * HOUR);
	c.address = STR("b@x.test");
	assert_int_equal(correspondent_import(d, &c, &room, NULL), ST_LIMIT);
	c.address = STR("nobody");
	room = 1;
	assert_int_equal(correspondent_import(d, &c, &room, NULL), ST_USAGE);
	assert_int_equal(correspondent_since(d, &c, &n, NULL), ST_USAGE);
	take(1, "b@x.test", 72 * HOUR, SAID_YES);
	take(1, "c@x.test", 72 * HOUR, SAID_YES);
	take(1, "d@x.test", 72 * HOUR, SAID_NO);
	assert_int_equal(correspondent_count(d, 1, 0, &n, NULL), ST_OK);
	assert_int_equal(n, 3);
	assert_int_equal(correspondent_count(d, 1, 48 * HOUR, &n, NULL), ST_OK);
	assert_int_equal(n, 2);
	assert_int_equal(correspondent_count(d, 2, 0, &n, NULL), ST_OK);
	assert_int_equal(n, 0);
}

static void a_deleted_account_leaves_nothing(void **state)
{
	static const struct credentials nothing = { .hash = "!" };
	uint64_t ann, gone;

	(void)state;
	assert_int_equal(directory_domain_add(d, STR("example.org"), NULL), ST_OK);
	assert_int_equal(account_add(d, STR("ann@example.org"), &nothing, &ann, NULL), ST_OK);
	take(ann, "a@x.test", T0, SAID_YES);
	take(ann, "b@x.test", T0, SAID_YES);
	take(ann, "c@x.test", T0, SAID_NO);
	assert_int_equal(account_del(d, STR("ann@example.org"), &gone, NULL), ST_OK);
	take(ann, "c@x.test", T0, SAID_YES); /* nothing counts any more */
}

static int open_directory(void **state)
{
	(void)state;
	d = directory_open(":memory:", NULL);
	return d == NULL;
}

static int close_directory(void **state)
{
	(void)state;
	directory_close(d);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_directory, close_directory)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(first_times), TEST(the_oldest_is_forgotten),
		TEST(what_is_imported_is_not_new), TEST(a_deleted_account_leaves_nothing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
