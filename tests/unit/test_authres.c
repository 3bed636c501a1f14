#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "trust/authres.h"

static void check(struct str want, struct buf *got)
{
	if (!str_eq(want, buf_str(got)))
		fail_msg("%.*s", STR_ARG(buf_str(got)));
	buf_deinit(got);
}

/* RFC 8601 2.2 */
static void written(void **state)
{
	struct buf out = { 0 };
	struct authres a;

	(void)state;
	authres_begin(&a, &out, STR("mx.example.org"));
	authres_end(&a);
	check(STR("Authentication-Results: mx.example.org; none\r\n"), &out);

	authres_begin(&a, &out, STR("mx.example.org"));
	authres_result(&a, STR("spf"), STR("pass"));
	authres_property(&a, STR("smtp.mailfrom"), STR("example.com"));
	authres_result(&a, STR("dkim"), STR("fail"));
	authres_property(&a, STR("header.d"), STR("a b\"c\\d"));
	authres_property(&a, STR("header.s"), STR("x\r\nX: y"));
	authres_property(&a, STR("header.b"), STR("a+b/c="));
	authres_property(&a, STR("header.i"), STR(""));
	authres_result(&a, STR("dmarc"), STR("fail"));
	authres_comment(&a, STR("p=reject t=y) ;-\n"));
	authres_property(&a, STR("header.from"), STR("example.com"));
	authres_end(&a);
	check(STR("Authentication-Results: mx.example.org;\r\n"
		  "\tspf=pass smtp.mailfrom=example.com;\r\n"
		  "\tdkim=fail header.d=\"a b\\\"c\\\\d\" header.b=\"a+b/c=\";\r\n"
		  "\tdmarc=fail (p=reject t=y? ?-?) header.from=example.com\r\n"),
		&out);
}

/* RFC 8601 B, and what else may stand there.  NULL: it cannot be read. */
static void ids(void **state)
{
	static const struct {
		struct str body;
		const char *id;
	} rows[] = {
		{ STR_INIT(" example.org 1; none"), "example.org" },
		{ STR_INIT(" example.com;\r\n spf=pass smtp.mailfrom=example.net"), "example.com" },
		{ STR_INIT("example.com"), "example.com" },
		{ STR_INIT("\r\n\texample.com ; x=y"), "example.com" },
		{ STR_INIT(
			  " foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1"),
			"foo.example.net" },
		{ STR_INIT(" (a (nested \\) one) ) (b)\r\n example.com(c);"), "example.com" },
		{ STR_INIT(" \"example.com\";"), "example.com" },
		{ STR_INIT(" \"ex\\ample\r\n .com\" ;"), "example .com" },
		{ STR_INIT(" example.com 2; none"), NULL },
		{ STR_INIT(" example.com 1 1; none"), NULL },
		{ STR_INIT(" example.com 01; none"), NULL },
		{ STR_INIT(" spf=pass smtp.mailfrom=a"), NULL },
		{ STR_INIT(" (example.com;"), NULL },
		{ STR_INIT(" \"example.com;"), NULL },
		{ STR_INIT(" \"example.com\\"), NULL },
		{ STR_INIT(" (\\"), NULL },
		{ STR_INIT(""), NULL },
		{ STR_INIT(" ;"), NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf id = { 0 };
		bool read = authres_id(rows[i].body, &id);

		if (read != (rows[i].id != NULL) ||
			(read && !str_eq(buf_str(&id), str_c(rows[i].id))))
			fail_msg("%.*s: %.*s", STR_ARG(rows[i].body), STR_ARG(buf_str(&id)));
		buf_deinit(&id);
	}
}

static void sayings(void **state)
{
	static const struct {
		struct str body;
		bool says;
	} rows[] = {
		{ STR_INIT(" a.test; spf=pass; dmarc=pass header.from=b"), true },
		{ STR_INIT(" a.test; (x;y) DMARC (z) = (w) Pass"), true },
		{ STR_INIT(" a.test; dmarc=\r\n\tpass"), true },
		{ STR_INIT(" a.test; dkim=pass reason=\"x; dmarc=pass\""), false },
		{ STR_INIT(" a.test; dkim=pass (x; dmarc=pass)"), false },
		{ STR_INIT(" a.test; dkim=pass dmarc=pass"), false },
		{ STR_INIT(" a.test; dmarc=passed"), false },
		{ STR_INIT(" a.test; dmarc=fail; xdmarc=pass"), false },
		{ STR_INIT(" dmarc=pass"), false },
		{ STR_INIT(" a.test; dmarc"), false },
		{ STR_INIT(" a.test; (dmarc=pass"), false },
		{ STR_INIT(""), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (authres_says(rows[i].body, STR("dmarc"), STR("pass")) != rows[i].says)
			fail_msg("%.*s", STR_ARG(rows[i].body));
}

/* RFC 8601 5.  "-": it goes. */
static void stripped(void **state)
{
	static const struct {
		const char *field;
		bool stays;
	} rows[] = {
		{ "Authentication-Results: mx.example.org; spf=pass\r\n", false },
		{ "authentication-RESULTS:MX.Example.ORG; spf=pass\r\n", false },
		{ "Authentication-Results : mx.example.org; spf=pass\r\n", false },
		{ "Authentication-Results:\r\n mx.example.org\r\n\t; spf=pass\r\n", false },
		{ "Authentication-Results: (c;) mx.example.org; spf=pass\r\n", false },
		{ "Authentication-Results: \"mx.example.org\"; spf=pass\r\n", false },
		{ "Authentication-Results: \"mx.\\example.org\" 1; spf=pass\r\n", false },
		{ "Authentication-Results: \" mx.example.org\"; spf=pass\r\n", false },
		{ "Authentication-Results: mx.example.org.; spf=pass\r\n", false },
		{ "Authentication-Results: mx.example.org 1; spf=pass\r\n", false },
		{ "Authentication-Results: other.example 2; spf=pass\r\n", false },
		{ "Authentication-Results: m\xc3\xbcx.example.org; spf=pass\r\n", false },
		{ "Authentication-Results: \r\n", false },
		{ "Authentication-Results: mx.example.org:25; spf=pass\r\n", false },
		{ "Authentication-Results: other.example; spf=pass mx.example.org\r\n", true },
		{ "Authentication-Results: xmx.example.org; none\r\n", true },
		{ "ARC-Authentication-Results: i=1; mx.example.org; none\r\n", true },
		{ "X-Authentication-Results: mx.example.org; none\r\n", true },
		{ "no field at all\r\n", true },
		{ "From: x\r\n y\r\n", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf header = { 0 }, want = { 0 }, out = { 0 };
		size_t n;

		/* Also behind what ends a header section for whoever reads the letter of the RFC. */
		for (int k = 0; k < 2; k++) {
			buf_put(&header, str_c(rows[i].field));
			buf_put(&header, STR("this is no field\r\nSubject: s\r\n"));
			if (rows[i].stays)
				buf_put(&want, str_c(rows[i].field));
			buf_put(&want, STR("this is no field\r\nSubject: s\r\n"));
		}
		buf_put(&header, STR("\r\n"));
		buf_put(&want, STR("\r\n"));
		n = authres_strip(&out, buf_str(&header), STR("mx.example.org"));
		assert_int_equal(n, rows[i].stays ? 0 : 2);
		check(buf_str(&want), &out);
		buf_deinit(&want);
		buf_deinit(&header);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written),
		cmocka_unit_test(ids),
		cmocka_unit_test(sayings),
		cmocka_unit_test(stripped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
