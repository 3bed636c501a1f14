/* What was fetched, kept beside the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/remote_state.h"

static char dir[] = "/tmp/restante-remote-XXXXXX";

static struct remote_state *open_state(void)
{
	char path[100];
	struct err err = { 0 };
	struct remote_state *s;

	snprintf(path, sizeof path, "%s/remote.db", dir);
	s = remote_state_open(path, &err);
	assert_string_equal(err.text, "");
	assert_non_null(s);
	return s;
}

static struct remote_seen seen_of(const char *uidl, unsigned char header, int64_t octets)
{
	struct remote_seen seen = { .uidl = str_c(uidl),
		.id = remote_id(7, str_c(uidl), false),
		.octets = octets,
		.first_ms = 1000,
		.state = REMOTE_SEEN_STUB };

	memset(seen.header, header, sizeof seen.header);
	return seen;
}

static void rows_outlive_the_process(void **state)
{
	struct remote_state *s = open_state();
	struct remote_seen a = seen_of("a", 1, 10), b = seen_of("b", 2, 10), got;
	struct str home = STR("home");

	(void)state;
	assert_int_equal(remote_state_begin(s, NULL), ST_OK);
	assert_int_equal(remote_state_put(s, home, &a, NULL), ST_OK);
	assert_int_equal(remote_state_put(s, home, &b, NULL), ST_OK);
	assert_int_equal(remote_state_commit(s, NULL), ST_OK);
	remote_state_close(s);
	s = open_state();
	assert_int_equal(remote_state_count(s, home), 2);
	assert_int_equal(remote_state_count(s, STR("other")), 0);
	assert_false(remote_state_get(s, STR("other"), STR("a"), &got));
	assert_true(remote_state_get(s, home, STR("b"), &got));
	assert_true(msgid_eq(got.id, b.id) && got.octets == 10 && got.first_ms == 1000);
	assert_int_equal(got.state, REMOTE_SEEN_STUB);
	assert_true(remote_state_by_header(s, home, a.header, 10, &got));
	assert_true(str_eq(got.uidl, STR("a")));
	assert_false(remote_state_by_header(s, home, a.header, 11, &got));
	/* two that look the same are not told apart */
	b = seen_of("c", 1, 10);
	assert_int_equal(remote_state_put(s, home, &b, NULL), ST_OK);
	assert_false(remote_state_by_header(s, home, a.header, 10, &got));
	assert_int_equal(remote_state_forget(s, home, STR("a"), NULL), ST_OK);
	assert_false(remote_state_get(s, home, STR("a"), &got));
	remote_state_close(s);
}

static void a_listing_goes_with_a_change(void **state)
{
	struct remote_state *s = open_state();
	struct buf digest = { 0 };

	(void)state;
	remote_state_listing(s, STR("home"), &digest);
	assert_int_equal(digest.len, 0);
	assert_int_equal(remote_state_set_listing(s, STR("home"), STR("abc"), NULL), ST_OK);
	remote_state_listing(s, STR("other"), &digest);
	assert_int_equal(digest.len, 0);
	remote_state_listing(s, STR("home"), &digest);
	assert_true(str_eq(buf_str(&digest), STR("abc")));
	buf_clear(&digest);
	assert_int_equal(remote_state_set_listing(s, STR("home"), STR(""), NULL), ST_OK);
	remote_state_listing(s, STR("home"), &digest);
	assert_int_equal(digest.len, 0);
	buf_deinit(&digest);
	remote_state_close(s);
}

static void names(void **state)
{
	static const char good[] =
		"0123456789012345678901234567890123456789012345678901234567890123456789";
	char room[REMOTE_UIDL_MAX + 1], other[REMOTE_UIDL_MAX + 1];
	struct str uidl;

	(void)state;
	uidl = remote_uidl(str_of(good, sizeof good - 1), room);
	assert_true(uidl.p == good);
	uidl = remote_uidl(
		STR("too long: 0123456789012345678901234567890123456789012345678901234567890"),
		room);
	assert_true(str_starts(uidl, STR("x-")) && uidl.n == 34);
	assert_false(str_eq(uidl, remote_uidl(STR("bl ank"), other)));
	assert_false(msgid_eq(remote_id(7, uidl, false), remote_id(8, uidl, false)));
	assert_false(msgid_eq(remote_id(7, uidl, false), remote_id(7, uidl, true)));
	assert_true(msgid_eq(remote_id(7, uidl, false), remote_id(7, uidl, false)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_outlive_the_process),
		cmocka_unit_test(a_listing_goes_with_a_change),
		cmocka_unit_test(names),
	};
	char command[100];
	int failed;

	if (mkdtemp(dir) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command) == 0 ? failed : 1;
}
