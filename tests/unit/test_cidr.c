#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "net/cidr.h"

static void match_rows(void **state)
{
	static const struct {
		const char *name;
		struct str networks, address;
		bool in;
	} rows[] = {
		{ "nothing holds nothing", STR_INIT(""), STR_INIT("127.0.0.1"), false },
		{ "the address itself", STR_INIT("192.0.2.7"), STR_INIT("192.0.2.7"), true },
		{ "its neighbour", STR_INIT("192.0.2.7"), STR_INIT("192.0.2.6"), false },
		{ "first of a /8", STR_INIT("127.0.0.0/8"), STR_INIT("127.0.0.0"), true },
		{ "last of a /8", STR_INIT("127.0.0.0/8"), STR_INIT("127.255.255.255"), true },
		{ "one past a /8", STR_INIT("127.0.0.0/8"), STR_INIT("128.0.0.0"), false },
		{ "last of a /30", STR_INIT("192.0.2.4/30"), STR_INIT("192.0.2.7"), true },
		{ "one past a /30", STR_INIT("192.0.2.4/30"), STR_INIT("192.0.2.8"), false },
		{ "all of IPv4", STR_INIT("0.0.0.0/0"), STR_INIT("255.1.2.3"), true },
		{ "all of IPv4 is not IPv6", STR_INIT("0.0.0.0/0"), STR_INIT("2001:db8::1"),
			false },
		{ "all of IPv6 holds the mapped", STR_INIT("::/0"), STR_INIT("192.0.2.1"), true },
		{ "mapped is IPv4", STR_INIT("192.0.2.0/24"), STR_INIT("::ffff:192.0.2.1"), true },
		{ "/65 in", STR_INIT("2001:db8:0:0:8000::/65"), STR_INIT("2001:db8::8000:0:0:1"),
			true },
		{ "/65 out", STR_INIT("2001:db8:0:0:8000::/65"), STR_INIT("2001:db8::7fff:0:0:1"),
			false },
		{ "second of two", STR_INIT("10.0.0.0/8  ::1"), STR_INIT("::1"), true },
		{ "a word is nowhere", STR_INIT("0.0.0.0/0 ::/0"), STR_INIT("local"), false },
		{ "nothing is nowhere", STR_INIT("0.0.0.0/0 ::/0"), STR_INIT(""), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cidr_set set;
		struct str bad;

		if (!cidr_set_parse(&set, rows[i].networks, &bad) ||
			cidr_set_has(&set, rows[i].address) != rows[i].in)
			fail_msg("%s", rows[i].name);
		cidr_set_free(&set);
	}
}

static void server_rows(void **state)
{
	static const struct {
		struct str text, address;
		unsigned port; /* 0: it is none */
	} rows[] = {
		{ STR_INIT("192.0.2.1"), STR_INIT("192.0.2.1"), 53 },
		{ STR_INIT("192.0.2.1@5353"), STR_INIT("192.0.2.1"), 5353 },
		{ STR_INIT("192.0.2.1:5353"), STR_INIT("192.0.2.1"), 5353 },
		{ STR_INIT("2001:db8::1"), STR_INIT("2001:db8::1"), 53 },
		{ STR_INIT("2001:db8::1@65535"), STR_INIT("2001:db8::1"), 65535 },
		{ STR_INIT("[2001:db8::1]:65535"), STR_INIT("2001:db8::1"), 65535 },
		{ STR_INIT("[2001:db8::1]"), STR_INIT("2001:db8::1"), 53 },
		{ STR_INIT("[2001:db8::1]@53"), STR_INIT(""), 0 },
		{ STR_INIT("[2001:db8::1"), STR_INIT(""), 0 },
		{ STR_INIT("[2001:db8::1]:"), STR_INIT(""), 0 },
		{ STR_INIT("192.0.2.1@65536"), STR_INIT(""), 0 },
		{ STR_INIT("192.0.2.1@0"), STR_INIT(""), 0 },
		{ STR_INIT("192.0.2.1@"), STR_INIT(""), 0 },
		{ STR_INIT("192.0.2.1:"), STR_INIT(""), 0 },
		{ STR_INIT("dns.example.org"), STR_INIT(""), 0 },
		{ STR_INIT("dns.example.org:53"), STR_INIT(""), 0 },
		{ STR_INIT("@53"), STR_INIT(""), 0 },
		{ STR_INIT(""), STR_INIT(""), 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct str address;
		uint16_t port = 0;
		bool good = cidr_server(rows[i].text, 53, &address, &port);

		if (good != (rows[i].port != 0) ||
			(good && (port != rows[i].port || !str_eq(address, rows[i].address))))
			fail_msg("%.*s", STR_ARG(rows[i].text));
	}
}

static void bad_rows(void **state)
{
	static const struct str rows[] = {
		STR_INIT("10.0.0.1/8"),
		STR_INIT("10.0.0.0/33"),
		STR_INIT("10.0.0.0/"),
		STR_INIT("10.0.0.0/-1"),
		STR_INIT("10.0.0.0/008x"),
		STR_INIT("10.0.0"),
		STR_INIT("::/129"),
		STR_INIT("::1/127"),
		STR_INIT("/8"),
		STR_INIT("localhost"),
		STR_INIT("10.0.0.0/8/8"),
		STR_INIT("1.2.3.4\0"),
		STR_INIT("[::1]"),
		STR_INIT("2001:db8::1111:2222:3333:4444:5555:6666:7777:8888"),
	};
	static const struct str good = STR_INIT("::1 ");

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf text = { 0 };
		struct cidr_set set;
		struct str bad;

		buf_put(&text, good);
		buf_put(&text, rows[i]);
		if (cidr_set_parse(&set, buf_str(&text), &bad) || !str_eq(bad, rows[i]))
			fail_msg("%.*s", STR_ARG(rows[i]));
		assert_int_equal(set.count, 0);
		buf_deinit(&text);
	}
}

static void too_many(void **state)
{
	struct buf text = { 0 };
	struct cidr_set set;
	struct str bad;

	(void)state;
	for (int i = 0; i < CIDR_ROWS_MAX; i++)
		buf_put(&text, STR("::1 "));
	assert_true(cidr_set_parse(&set, buf_str(&text), &bad));
	assert_int_equal(set.count, CIDR_ROWS_MAX);
	cidr_set_free(&set);
	buf_put(&text, STR("::1"));
	assert_false(cidr_set_parse(&set, buf_str(&text), &bad));
	buf_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(match_rows),
		cmocka_unit_test(server_rows),
		cmocka_unit_test(bad_rows),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
