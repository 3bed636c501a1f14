#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/path.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16

/* want: local|domain|rest; NULL: refused. */
static const struct {
	const char *name;
	enum path_kind kind;
	struct str in;
	const char *want;
} paths[] = {
	{ "plain", PATH_FORWARD, STR_INIT("<a@b.example>"), "a|b.example|" },
	{ "rest is left", PATH_FORWARD, STR_INIT("<a@b> SIZE=1"), "a|b| SIZE=1" },
	{ "null sender", PATH_REVERSE, STR_INIT("<> BODY=7BIT"), "|| BODY=7BIT" },
	{ "null recipient", PATH_FORWARD, STR_INIT("<>"), NULL },
	{ "postmaster", PATH_FORWARD, STR_INIT("<PostMaster>"), "PostMaster||" },
	{ "postmaster sends", PATH_REVERSE, STR_INIT("<postmaster>"), NULL },
	{ "postmasters", PATH_FORWARD, STR_INIT("<postmasters>"), NULL },
	{ "postmaster open", PATH_FORWARD, STR_INIT("<postmaster"), NULL },
	{ "no brackets", PATH_FORWARD, STR_INIT("a@b"), NULL },
	{ "open bracket", PATH_FORWARD, STR_INIT("<a@b"), NULL },
	{ "two brackets", PATH_FORWARD, STR_INIT("<<a@b>>"), NULL },
	{ "no domain", PATH_FORWARD, STR_INIT("<a@>"), NULL },
	{ "no local part", PATH_FORWARD, STR_INIT("<@b>"), NULL },
	{ "neither", PATH_FORWARD, STR_INIT("<@>"), NULL },
	{ "no at", PATH_FORWARD, STR_INIT("<abc>"), NULL },
	{ "two ats", PATH_FORWARD, STR_INIT("<u@evil@us>"), NULL },
	{ "percent is local", PATH_FORWARD, STR_INIT("<u%evil@us>"), "u%evil|us|" },
	{ "bang is local", PATH_FORWARD, STR_INIT("<us!evil!u@us>"), "us!evil!u|us|" },
	{ "bang path", PATH_FORWARD, STR_INIT("<us!evil!u>"), NULL },
	{ "dots", PATH_FORWARD, STR_INIT("<a.b.c@d>"), "a.b.c|d|" },
	{ "dot first", PATH_FORWARD, STR_INIT("<.a@d>"), NULL },
	{ "dot last", PATH_FORWARD, STR_INIT("<a.@d>"), NULL },
	{ "dot dot", PATH_FORWARD, STR_INIT("<a..b@d>"), NULL },
	{ "space", PATH_FORWARD, STR_INIT("<a b@d>"), NULL },
	{ "space at the end", PATH_FORWARD, STR_INIT("<a@d >"), NULL },
	{ "semicolon", PATH_REVERSE, STR_INIT("<;cmd;>"), NULL },
	{ "semicolon local", PATH_REVERSE, STR_INIT("<;cmd;@d>"), NULL },
	{ "run is text", PATH_FORWARD, STR_INIT("<${run{x}}@d>"), "${run{x}}|d|" },
	{ "quoted", PATH_FORWARD, STR_INIT("<\"a b\"@d>"), "\"a b\"|d|" },
	{ "quoted at", PATH_FORWARD, STR_INIT("<\"u@evil\"@us>"), "\"u@evil\"|us|" },
	{ "quoted bracket", PATH_FORWARD, STR_INIT("<\"a>b\"@d>"), "\"a>b\"|d|" },
	{ "quoted pair", PATH_FORWARD, STR_INIT("<\"a\\\"b\"@d>"), "\"a\\\"b\"|d|" },
	{ "quoted empty", PATH_FORWARD, STR_INIT("<\"\"@d>"), "\"\"|d|" },
	{ "quote open", PATH_FORWARD, STR_INIT("<\"a@d>"), NULL },
	{ "lone quoted quote", PATH_FORWARD, STR_INIT("<\"\\\">"), NULL },
	{ "pair at the end", PATH_FORWARD, STR_INIT("<\"\\"), NULL },
	{ "quoted and more", PATH_FORWARD, STR_INIT("<\"a\"b@d>"), NULL },
	{ "quoted control", PATH_FORWARD, STR_INIT("<\"a\x01\"@d>"), NULL },
	{ "quoted control pair", PATH_FORWARD, STR_INIT("<\"a\\\n\"@d>"), NULL },
	{ "NUL in local", PATH_FORWARD, STR_INIT("<a\0b@d>"), NULL },
	{ "NUL in domain", PATH_FORWARD, STR_INIT("<a@d\0e>"), NULL },
	{ "DEL", PATH_FORWARD, STR_INIT("<a\x7f@d>"), NULL },
	{ "source route", PATH_FORWARD, STR_INIT("<@us,@b:u@evil>"), "u|evil|" },
	{ "route, one hop", PATH_REVERSE, STR_INIT("<@us:u@evil>"), "u|evil|" },
	{ "route, no mailbox", PATH_FORWARD, STR_INIT("<@us:>"), NULL },
	{ "route, bad hop", PATH_FORWARD, STR_INIT("<@us,b:u@evil>"), NULL },
	{ "route, empty hop", PATH_FORWARD, STR_INIT("<@:u@evil>"), NULL },
	{ "domain dot last", PATH_FORWARD, STR_INIT("<a@d.>"), NULL },
	{ "domain dot first", PATH_FORWARD, STR_INIT("<a@.d>"), NULL },
	{ "domain dot dot", PATH_FORWARD, STR_INIT("<a@d..e>"), NULL },
	{ "domain hyphen first", PATH_FORWARD, STR_INIT("<a@-d>"), NULL },
	{ "domain hyphen last", PATH_FORWARD, STR_INIT("<a@d-.e>"), NULL },
	{ "domain hyphens", PATH_FORWARD, STR_INIT("<a@x--1.e>"), "a|x--1.e|" },
	{ "domain underscore", PATH_FORWARD, STR_INIT("<a@d_e>"), NULL },
	{ "label of 63", PATH_FORWARD, STR_INIT("<a@" A16 A16 A16 "aaaaaaaaaaaaaaa>"),
		"a|" A16 A16 A16 "aaaaaaaaaaaaaaa|" },
	{ "label of 64", PATH_FORWARD, STR_INIT("<a@" A64 ">"), NULL },
	{ "local of 64", PATH_FORWARD, STR_INIT("<" A64 "@d>"), A64 "|d|" },
	{ "local of 129", PATH_FORWARD, STR_INIT("<" A64 A64 "a@d>"), NULL },
	{ "IPv4 literal", PATH_FORWARD, STR_INIT("<a@[192.0.2.1]>"), "a|[192.0.2.1]|" },
	{ "IPv4 of 256", PATH_FORWARD, STR_INIT("<a@[192.0.2.256]>"), NULL },
	{ "IPv4 of 3", PATH_FORWARD, STR_INIT("<a@[192.0.2]>"), NULL },
	{ "IPv4 of 3 and a dot", PATH_FORWARD, STR_INIT("<a@[192.0.2.]>"), NULL },
	{ "IPv4 of 5", PATH_FORWARD, STR_INIT("<a@[192.0.2.1.1]>"), NULL },
	{ "IPv6 literal", PATH_FORWARD, STR_INIT("<a@[IPv6:2001:db8::1]>"),
		"a|[IPv6:2001:db8::1]|" },
	{ "IPv6 full", PATH_FORWARD, STR_INIT("<a@[IPv6:1:2:3:4:5:6:7:8]>"),
		"a|[IPv6:1:2:3:4:5:6:7:8]|" },
	{ "IPv6 with IPv4", PATH_FORWARD, STR_INIT("<a@[ipv6:::ffff:1.2.3.4]>"),
		"a|[ipv6:::ffff:1.2.3.4]|" },
	{ "IPv6 any", PATH_FORWARD, STR_INIT("<a@[IPv6:::]>"), "a|[IPv6:::]|" },
	{ "IPv6 two gaps", PATH_FORWARD, STR_INIT("<a@[IPv6:1::2::3]>"), NULL },
	{ "IPv6 of 9", PATH_FORWARD, STR_INIT("<a@[IPv6:1:2:3:4:5:6:7:8:9]>"), NULL },
	{ "IPv6 colon last", PATH_FORWARD, STR_INIT("<a@[IPv6:1:2:3:4:5:6:7:]>"), NULL },
	{ "IPv6 empty", PATH_FORWARD, STR_INIT("<a@[IPv6:]>"), NULL },
	{ "unknown literal", PATH_FORWARD, STR_INIT("<a@[x400:abc]>"), NULL },
	{ "UTF-8", PATH_FORWARD, STR_INIT("<\xc3\xa4@\xc3\xb6.de>"), "\xc3\xa4|\xc3\xb6.de|" },
	{ "UTF-8 cut short", PATH_FORWARD, STR_INIT("<a\xc3@d>"), NULL },
	{ "UTF-8 cut short, domain", PATH_FORWARD, STR_INIT("<a@d\xe2\x82>"), NULL },
	{ "UTF-8 overlong", PATH_FORWARD, STR_INIT("<\xc0\xaf@d>"), NULL },
	{ "C1 control", PATH_FORWARD, STR_INIT("<a\xc2\x9b@d>"), NULL },
	{ "empty", PATH_REVERSE, STR_INIT(""), NULL },
};

static void path_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct str rest = paths[i].in;
		struct path path;
		bool good = path_cut(&rest, paths[i].kind, &path);
		struct buf got;

		if (good != (paths[i].want != NULL))
			fail_msg("%s: %s", paths[i].name, good ? "taken" : "refused");
		if (!good)
			continue;
		buf_init(&got, 0);
		buf_put(&got, path.local);
		buf_putc(&got, '|');
		buf_put(&got, path.domain);
		buf_putc(&got, '|');
		buf_put(&got, rest);
		if (!str_eq(buf_str(&got), str_c(paths[i].want)))
			fail_msg("%s: %.*s", paths[i].name, STR_ARG(buf_str(&got)));
		assert_int_equal(path.utf8, !str_ascii(path.mailbox));
		buf_deinit(&got);
	}
}

static void mailbox_is_the_whole(void **state)
{
	struct path path;

	(void)state;
	assert_true(path_mailbox(STR("a@b.c"), &path));
	assert_true(str_eq(path.mailbox, STR("a@b.c")));
	assert_false(path_mailbox(STR("a@b.c\0"), &path));
	assert_false(path_mailbox(STR("a@b.c>"), &path));
	assert_false(path_mailbox(STR("a@b.c\n"), &path));
	assert_false(path_mailbox(STR(""), &path));
	assert_true(path_mailbox(STR("\"a b\"@[1.2.3.4]"), &path));
}

static const struct {
	const char *name;
	struct str in;
	const char *want; /* keyword(value) ..., "!" for bad */
} params[] = {
	{ "none", STR_INIT(""), "" },
	{ "two", STR_INIT(" SIZE=12 SMTPUTF8"), "SIZE(12)SMTPUTF8-" },
	{ "many spaces", STR_INIT("  A=1   B"), "A(1)B-" },
	{ "no space first", STR_INIT("SIZE=1"), "!" },
	{ "empty value", STR_INIT(" SIZE="), "!" },
	{ "two equal signs", STR_INIT(" A=1=2"), "!" },
	{ "hyphen first", STR_INIT(" -A=1"), "!" },
	{ "no keyword", STR_INIT(" =1"), "!" },
	{ "NUL", STR_INIT(" A=1\0"), "!" },
	{ "control", STR_INIT(" A=\x01"), "!" },
	{ "tab", STR_INIT(" A=1\tB=2"), "!" },
	{ "broken UTF-8", STR_INIT(" A=\xc3"), "!" },
	{ "space at the end", STR_INIT(" A=1 "), "A(1)" },
};

static void param_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
		struct str rest = params[i].in;
		enum param_result r;
		struct param p;
		struct buf got;

		buf_init(&got, 0);
		while ((r = param_cut(&rest, &p)) == PARAM_CUT) {
			buf_put(&got, p.keyword);
			buf_putc(&got, p.has_value ? '(' : '-');
			buf_put(&got, p.value);
			if (p.has_value)
				buf_putc(&got, ')');
		}
		if (r == PARAM_BAD) {
			buf_clear(&got);
			buf_putc(&got, '!');
		}
		if (!str_eq(buf_str(&got), str_c(params[i].want)))
			fail_msg("%s: %.*s", params[i].name, STR_ARG(buf_str(&got)));
		buf_deinit(&got);
	}
}

static void xtext_rows(void **state)
{
	static const struct {
		struct str in, out;
		bool good;
	} rows[] = {
		{ STR_INIT("a+2Bb"), STR_INIT("a+b"), true },
		{ STR_INIT("<>"), STR_INIT("<>"), true },
		{ STR_INIT("+0A"), STR_INIT("\n"), true },
		{ STR_INIT("+2b"), STR_INIT(""), false },
		{ STR_INIT("+2"), STR_INIT(""), false },
		{ STR_INIT("+"), STR_INIT(""), false },
		{ STR_INIT("a=b"), STR_INIT(""), false },
		{ STR_INIT("a b"), STR_INIT(""), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out;

		buf_init(&out, 0);
		assert_int_equal(xtext_get(rows[i].in, &out), rows[i].good);
		if (rows[i].good)
			assert_true(str_eq(buf_str(&out), rows[i].out));
		buf_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_rows),
		cmocka_unit_test(mailbox_is_the_whole),
		cmocka_unit_test(param_rows),
		cmocka_unit_test(xtext_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
