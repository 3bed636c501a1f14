#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/shared.h"

#define LEN(a) (sizeof(a) / sizeof *(a))

static struct ban ban(const char *net, int64_t until_ms)
{
	struct ban b = { .why = until_ms == 0 ? BAN_BY_HAND : BAN_LOGINS, .until_ms = until_ms };

	assert_true(cidr_parse(str_c(net), &b.net));
	return b;
}

static void who_is_banned(void **state)
{
	static const struct {
		const char *net, *inside, *outside;
	} rows[] = {
		{ "192.0.2.7", "192.0.2.7", "192.0.2.6" },
		{ "192.0.2.0/24", "::ffff:192.0.2.255", "192.0.3.0" },
		{ "10.0.0.0/8", "10.255.0.1", "11.0.0.0" },
		{ "2001:db8::/48", "2001:db8:0:ffff::1", "2001:db8:1::1" },
		{ "2001:db8::1", "2001:db8::1", "2001:db8::2" },
		{ "0.0.0.0/0", "203.0.113.1", "2001:db8::1" },
	};
	struct bans *b = shared_bans(shared_new());

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct ban x = ban(rows[i].net, 1000), y;
		char text[CIDR_TEXT];

		assert_false(bans_has(b, str_c(rows[i].inside), 0));
		assert_true(bans_add(b, &x, 0));
		assert_true(bans_has(b, str_c(rows[i].inside), 999));
		assert_false(bans_has(b, str_c(rows[i].inside), 1000));
		assert_false(bans_has(b, str_c(rows[i].outside), 0));
		assert_true(bans_get(b, 0, 0, &y));
		cidr_text(&y.net, text);
		assert_string_equal(text, rows[i].net);
		assert_true(bans_del(b, &x.net, 0));
		assert_false(bans_del(b, &x.net, 0));
		assert_false(bans_has(b, str_c(rows[i].inside), 0));
	}
	assert_false(bans_has(b, STR("local"), 0));
}

static void same_network_once(void **state)
{
	struct bans *b = shared_bans(shared_new());
	struct ban x = ban("192.0.2.1", 100), y;
	size_t n = 0;

	(void)state;
	assert_true(bans_add(b, &x, 0));
	x.until_ms = 200;
	assert_true(bans_add(b, &x, 0));
	for (size_t i = 0; i < BANS_MAX; i++)
		n += bans_get(b, i, 0, &y);
	assert_int_equal(n, 1);
	assert_true(bans_has(b, STR("192.0.2.1"), 150));
}

/* A flood of bans must not undo those by hand. */
static void full_table(void **state)
{
	struct bans *b = shared_bans(shared_new());
	struct ban hand = ban("198.51.100.1", 0), x;
	char text[32];

	(void)state;
	assert_true(bans_add(b, &hand, 0));
	for (int i = 0; i < BANS_MAX + 100; i++) {
		snprintf(text, sizeof text, "10.0.%d.%d", i / 256, i % 256);
		x = ban(text, 1000 + i);
		assert_true(bans_add(b, &x, 0));
	}
	assert_true(bans_has(b, STR("198.51.100.1"), 0));
	assert_false(bans_has(b, STR("10.0.0.0"), 0)); /* ended first */
	assert_true(bans_has(b, str_c(text), 0));
	for (int i = 0; i < BANS_MAX + 1; i++) {
		snprintf(text, sizeof text, "172.16.%d.%d", i / 256, i % 256);
		x = ban(text, 0);
		if (!bans_add(b, &x, 0)) {
			assert_int_equal(i, BANS_MAX - 1);
			return;
		}
	}
	fail();
}

/* Many processes write at once: no row is torn. */
static void many_writers(void **state)
{
	struct bans *b = shared_bans(shared_new());
	pid_t pids[4];
	struct ban x;

	(void)state;
	for (int p = 0; p < 4; p++) {
		pids[p] = fork();
		if (pids[p] == 0) {
			for (int i = 0; i < 20000; i++) {
				char text[32];

				snprintf(text, sizeof text, "10.%d.%d.%d", i % 7, i % 7, i % 7);
				cidr_parse(str_c(text), &x.net);
				x.why = BAN_LOGINS;
				x.since_ms = x.until_ms = 1000 + i % 7;
				if (i % 3 == 0)
					bans_del(b, &x.net, 0);
				else
					bans_add(b, &x, 0);
				for (size_t k = 0; k < 8; k++)
					if (bans_get(b, k, 0, &x) &&
						(x.since_ms != x.until_ms ||
							x.net.address[13] != x.until_ms - 1000 ||
							x.net.address[15] != x.until_ms - 1000))
						_exit(1);
			}
			_exit(0);
		}
	}
	for (int p = 0; p < 4; p++) {
		int status = -1;

		assert_int_equal(waitpid(pids[p], &status, 0), pids[p]);
		assert_int_equal(status, 0);
	}
}

static void failures(void **state)
{
	struct shared *s = shared_new();
	struct cidr_set exempt;
	struct str bad;
	struct shared_rule rule = { .ban_after = 4, .ban_ms = 60000, .exempt = &exempt };
	static const int64_t delays[] = { 1000, 2000, 4000, 8000, 15000, 15000 };
	char text[CIDR_TEXT];

	(void)state;
	assert_true(cidr_set_parse(&exempt, STR("127.0.0.0/8"), &bad));
	for (size_t i = 0; i < LEN(delays); i++) {
		struct shared_failure f = shared_login_failed(s, STR("192.0.2.1"), &rule, 0, 5);

		assert_int_equal(f.delay_ms, delays[i]);
		assert_int_equal(f.banned, i == 3);
	}
	assert_true(bans_has(shared_bans(s), STR("192.0.2.1"), 60004));
	assert_false(bans_has(shared_bans(s), STR("192.0.2.1"), 60005));
	assert_false(bans_has(shared_bans(s), STR("192.0.2.2"), 5));
	/* A login that works takes the delay away, not the count. */
	for (int i = 0; i < 4; i++) {
		struct shared_failure f = shared_login_failed(s, STR("198.51.100.1"), &rule, 0, 5);

		assert_int_equal(f.delay_ms, 1000);
		assert_int_equal(f.banned, i == 3);
		shared_login_ok(s, STR("198.51.100.1"));
	}
	/* Exempt: delayed, never banned; ten minutes later all is forgotten. */
	for (int i = 0; i < 50; i++)
		assert_false(shared_login_failed(s, STR("127.0.0.1"), &rule, 0, 5).banned);
	assert_int_equal(shared_login_failed(s, STR("127.0.0.1"), &rule, 600001, 5).delay_ms, 1000);
	/* A client that has a whole /48, or a /24, and uses each address once. */
	for (int i = 0; i < 20; i++) {
		struct shared_failure f;

		snprintf(text, sizeof text, "2001:db8:5:%x::1", i);
		f = shared_login_failed(s, str_c(text), &rule, 0, 5);
		assert_int_equal(f.banned, i == 19);
		if (i == 19)
			cidr_text(&f.net, text);
		if (i == 15)
			assert_int_equal(f.delay_ms, 8000);
	}
	assert_string_equal(text, "2001:db8:5::/48");
	rule.ban_after = 0;
	for (int i = 0; i < 50; i++)
		assert_false(shared_login_failed(s, STR("203.0.113.9"), &rule, 0, 5).banned);
	cidr_set_free(&exempt);
}

/* An edge that was taken over writes what it likes; who else reads the mapping stays inside of it. */
static void hostile_mapping(void **state)
{
	static const int octets[] = { 0xff, 0xfe, 0x7e };

	(void)state;
	for (size_t i = 0; i < LEN(octets); i++) {
		struct shared *s = shared_new();
		struct bans *b = shared_bans(s);
		const struct shared_limits limits = { 10, 10, 1000 };
		struct ban x = ban("192.0.2.1", 0), y;

		/* All that stands before the bans, too. */
		memset((void *)s, octets[i], (size_t)((char *)(b + 1) - (char *)s));
		(void)bans_has(b, STR("192.0.2.1"), 0);
		for (size_t j = 0; j < BANS_MAX; j++)
			assert_false(bans_get(b, j, 0, &y));
		(void)bans_del(b, &x.net, 0);
		(void)bans_add(b, &x, 0);
		(void)shared_connect(s, 0, STR("192.0.2.1"), &limits);
		(void)shared_total(s);
		assert_true(b->used > BANS_MAX); /* nobody trusted it, nobody mended it */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_banned),
		cmocka_unit_test(same_network_once),
		cmocka_unit_test(full_table),
		cmocka_unit_test(many_writers),
		cmocka_unit_test(failures),
		cmocka_unit_test(hostile_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
