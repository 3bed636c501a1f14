#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trust/mtasts.h"

static void records(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str rows[2];
		size_t count;
		const char *id; /* NULL: none */
	} rows[] = {
		{ "as in the RFC",            { STR_INIT("v=STSv1; id=20160831085700Z;") }, 1, "20160831085700Z" },
		{ "without the last one",     { STR_INIT("v=STSv1;id=a1") }, 1, "a1" },
		{ "spaces around",            { STR_INIT("v=STSv1 ;  id=a1 ; ") }, 1, "a1" },
		{ "an unknown field",         { STR_INIT("v=STSv1; x-y=z/1; id=a1") }, 1, "a1" },
		{ "the first of two ids",     { STR_INIT("v=STSv1; id=a1; id=b2") }, 1, "a1" },
		{ "others are skipped",       { STR_INIT("v=spf1 -all"), STR_INIT("v=STSv1; id=a1") }, 2, "a1" },
		{ "two are none",             { STR_INIT("v=STSv1; id=a1"), STR_INIT("v=STSv1; id=a1") }, 2, NULL },
		{ "no id",                    { STR_INIT("v=STSv1; x=y") }, 1, NULL },
		{ "an empty id",              { STR_INIT("v=STSv1; id=") }, 1, NULL },
		{ "only the version",         { STR_INIT("v=STSv1;") }, 1, NULL },
		{ "case counts",              { STR_INIT("v=stsv1; id=a1") }, 1, NULL },
		{ "another version",          { STR_INIT("v=STSv12; id=a1") }, 1, NULL },
		{ "version is not the first", { STR_INIT("id=a1; v=STSv1") }, 1, NULL },
		{ "an id with a dash",        { STR_INIT("v=STSv1; id=a-1") }, 1, NULL },
		{ "an id of 33",              { STR_INIT("v=STSv1; id=012345678901234567890123456789012") }, 1, NULL },
		{ "an id of 32",              { STR_INIT("v=STSv1; id=01234567890123456789012345678901") }, 1, "01234567890123456789012345678901" },
		{ "no field",                 { STR_INIT("v=STSv1; id=a1; what") }, 1, NULL },
		{ "an empty one",             { STR_INIT("v=STSv1;; id=a1") }, 1, NULL },
		{ "a NUL",                    { STR_INIT("v=STSv1; id=a1; x=\0") }, 1, NULL },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dns_row mine[2] = { { .data = rows[i].rows[0] },
			{ .data = rows[i].rows[1] } };
		struct dns_answer a = {
			.outcome = DNS_FOUND, .rows = mine, .count = rows[i].count
		};
		struct str id = { 0 };
		bool found = mtasts_record(&a, &id);

		if (found != (rows[i].id != NULL) || (found && !str_eq(id, str_c(rows[i].id))))
			fail_msg("%s: %d '%.*s'", rows[i].name, found, STR_ARG(id));
		a.outcome = DNS_NODATA;
		assert_false(mtasts_record(&a, &id));
	}
}

#define HEAD "version: STSv1\r\nmode: enforce\r\n"

static void policies(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str body;
		const char *why; /* NULL: taken */
		enum mtasts_mode mode;
		uint32_t max_age;
		const char *mx;
	} rows[] = {
		{ "as in the RFC", STR_INIT(HEAD "mx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"), NULL,
			MTASTS_ENFORCE, 604800, "mail.example.com\n*.example.net\n" },
		{ "LF, no last one, no spaces", STR_INIT("version:STSv1\nmode:testing\nmx:A.example\nmax_age:1"), NULL,
			MTASTS_TESTING, 1, "a.example\n" },
		{ "none needs no mx", STR_INIT("version: STSv1\nmode: none\nmax_age: 86400\n"), NULL, MTASTS_OFF, 86400, "" },
		{ "blank lines at the end", STR_INIT(HEAD "mx: a.example\nmax_age: 9\n\r\n\n"), NULL, MTASTS_ENFORCE, 9, "a.example\n" },
		{ "unknown fields", STR_INIT(HEAD "mx: a.example\nmax_age: 9\nx-y.z: b\xc3\xa4h:\n"), NULL, MTASTS_ENFORCE, 9, "a.example\n" },
		{ "the first of two counts", STR_INIT(HEAD "mode: none\nmx: a.example\nmax_age: 9\nmax_age: 8\n"), NULL,
			MTASTS_ENFORCE, 9, "a.example\n" },
		{ "a long age is cut", STR_INIT(HEAD "mx: a.example\nmax_age: 9999999999\n"), NULL, MTASTS_ENFORCE, MTASTS_AGE_MAX,
			"a.example\n" },
		{ "an age of eleven digits", STR_INIT(HEAD "mx: a.example\nmax_age: 00000000009\n"), "max_age is no number" },
		{ "a negative age", STR_INIT(HEAD "mx: a.example\nmax_age: -1\n"), "max_age is no number" },
		{ "no age", STR_INIT(HEAD "mx: a.example\n"), "version, mode or max_age is missing" },
		{ "no version", STR_INIT("mode: enforce\nmx: a.example\nmax_age: 9\n"), "version, mode or max_age is missing" },
		{ "another version", STR_INIT("version: STSv2\nmode: enforce\nmx: a.example\nmax_age: 9\n"), "another version" },
		{ "another mode", STR_INIT("version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 9\n"), "unknown mode" },
		{ "no mx", STR_INIT(HEAD "max_age: 9\n"), "no mx" },
		{ "an empty mx", STR_INIT(HEAD "mx: \nmax_age: 9\n"), "an mx is no host name" },
		{ "a star within", STR_INIT(HEAD "mx: a.*.example\nmax_age: 9\n"), "an mx is no host name" },
		{ "a star alone", STR_INIT(HEAD "mx: *\nmax_age: 9\n"), "an mx is no host name" },
		{ "a page", STR_INIT("<!DOCTYPE html>\n<html>\n"), "a line is no \"key: value\"" },
		{ "nothing", STR_INIT(""), "version, mode or max_age is missing" },
		{ "not UTF-8", STR_INIT(HEAD "mx: a.example\nmax_age: 9\nx: \xff\n"), "not UTF-8" },
		{ "a NUL in an mx", STR_INIT(HEAD "mx: a.example\0.b\nmax_age: 9\n"), "an mx is no host name" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mtasts_policy p;
		struct err err = { 0 };
		enum status st = mtasts_parse(&p, rows[i].body, &err);

		if (rows[i].why != NULL) {
			if (st != ST_PROTO || !str_eq(str_c(err.text), str_c(rows[i].why)))
				fail_msg("%s: %d %s", rows[i].name, (int)st, err.text);
			continue;
		}
		if (st != ST_OK || p.mode != rows[i].mode || p.max_age != rows[i].max_age ||
			!str_eq(buf_str(&p.mx), str_c(rows[i].mx)))
			fail_msg(
				"%s: %d %s, mode %d", rows[i].name, (int)st, err.text, (int)p.mode);
		mtasts_policy_deinit(&p);
	}
}

static void too_much(void **state)
{
	struct mtasts_policy p;
	struct buf body = { 0 };

	(void)state;
	buf_put(&body, STR(HEAD "max_age: 9\n"));
	for (int i = 0; i < MTASTS_MX_MAX; i++)
		buf_put(&body, STR("mx: a.example\n"));
	assert_int_equal(mtasts_parse(&p, buf_str(&body), NULL), ST_OK);
	mtasts_policy_deinit(&p);
	buf_put(&body, STR("mx: a.example\n"));
	assert_int_equal(mtasts_parse(&p, buf_str(&body), NULL), ST_PROTO);
	buf_clear(&body);
	buf_put(&body, STR(HEAD "mx: a.example\nmax_age: 9\nx: "));
	buf_fill(&body, 'x', MTASTS_POLICY_MAX - body.len);
	assert_int_equal(mtasts_parse(&p, buf_str(&body), NULL), ST_OK);
	mtasts_policy_deinit(&p);
	buf_putc(&body, 'x');
	assert_int_equal(mtasts_parse(&p, buf_str(&body), NULL), ST_PROTO);
	buf_deinit(&body);
}

static void hosts(void **state)
{
	static const struct {
		const char *host;
		bool allowed;
	} rows[] = {
		{ "mail.example.com", true },
		{ "MAIL.Example.com", true },
		{ "example.com", false },
		{ "a.mail.example.com", false },
		{ "mx.example.net", true },
		{ "example.net", false },
		{ ".example.net", false },
		{ "a.b.example.net", false },
		{ "mx.example.network", false },
		{ "", false },
		{ "com", false },
	};
	struct mtasts_policy p;

	(void)state;
	assert_int_equal(
		mtasts_parse(&p, STR(HEAD "mx: mail.example.com\nmx: *.Example.net\nmax_age: 9\n"),
			NULL),
		ST_OK);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (mtasts_mx_allowed(&p, str_c(rows[i].host)) != rows[i].allowed)
			fail_msg("%s", rows[i].host);
	mtasts_policy_deinit(&p);
}

static struct mtasts_policy policy(struct str mode, struct str age)
{
	struct mtasts_policy p;
	struct buf body = { 0 };

	buf_put(&body, STR("version: STSv1\nmx: a.example\nmode: "));
	buf_put(&body, mode);
	buf_put(&body, STR("\nmax_age: "));
	buf_put(&body, age);
	assert_int_equal(mtasts_parse(&p, buf_str(&body), NULL), ST_OK);
	buf_deinit(&body);
	return p;
}

/* The life of one domain's policy, hour by hour. */
static void a_life(void **state)
{
	enum { S = 1000, DAY = 86400 * S };
	struct mtasts_entry e = { 0 };
	struct mtasts_policy p;
	int64_t now = (int64_t)1790000000 * S;

	(void)state;
	/* No record: nothing to fetch.  A record: fetch first. */
	assert_int_equal(mtasts_next(&e, STR(""), now), MTASTS_USE);
	assert_int_equal(mtasts_next(&e, STR("1"), now), MTASTS_FETCH);
	/* It fails: not again within five minutes, unless the id changes. */
	mtasts_fetched(&e, STR("1"), NULL, now);
	assert_null(mtasts_active(&e, now));
	assert_int_equal(mtasts_next(&e, STR("1"), now + 299 * S), MTASTS_USE);
	assert_int_equal(mtasts_next(&e, STR("2"), now + 299 * S), MTASTS_FETCH);
	assert_int_equal(mtasts_next(&e, STR("1"), now + 300 * S), MTASTS_FETCH);
	p = policy(STR("enforce"), STR("604800"));
	mtasts_fetched(&e, STR("1"), &p, now);
	assert_non_null(mtasts_active(&e, now));
	assert_int_equal(mtasts_next(&e, STR("1"), now + DAY - 1), MTASTS_USE);
	/* A day later it is asked for again, beside the mail. */
	assert_int_equal(mtasts_next(&e, STR("1"), now + DAY), MTASTS_FETCH_ALSO);
	mtasts_fetched(&e, STR("1"), NULL, now + DAY);
	assert_int_equal(mtasts_next(&e, STR("1"), now + DAY + 60 * S), MTASTS_USE);
	assert_non_null(mtasts_active(&e, now + DAY + 60 * S));
	/* The record is gone, forged or withheld: what is kept counts until its end (3.3). */
	assert_int_equal(mtasts_next(&e, STR(""), now + (int64_t)6 * DAY), MTASTS_USE);
	assert_non_null(mtasts_active(&e, now + (int64_t)7 * DAY - 1));
	assert_null(mtasts_active(&e, now + (int64_t)7 * DAY));
	assert_int_equal(mtasts_next(&e, STR("1"), now + (int64_t)7 * DAY), MTASTS_FETCH);
	/* Another id: the new policy first. */
	assert_int_equal(mtasts_next(&e, STR("2"), now + 3600 * S), MTASTS_FETCH);
	p = policy(STR("none"), STR("86400"));
	mtasts_fetched(&e, STR("2"), &p, now + 3600 * S);
	assert_null(mtasts_active(&e, now + 3600 * S));
	assert_int_equal(mtasts_next(&e, STR("2"), now + 3601 * S), MTASTS_USE);
	p = policy(STR("testing"), STR("86400"));
	mtasts_fetched(&e, STR("3"), &p, now);
	assert_int_equal(mtasts_active(&e, now)->mode, MTASTS_TESTING);
	/* The clock went back a year: a policy of the future is none. */
	assert_null(mtasts_active(&e, now - (int64_t)365 * DAY));
	mtasts_entry_deinit(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(policies),
		cmocka_unit_test(too_much),
		cmocka_unit_test(hosts),
		cmocka_unit_test(a_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
