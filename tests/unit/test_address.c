#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mime/address.h"

/* want: the addresses with a space behind each; "!" at the end: BAD. */
static const struct {
	const char *name;
	struct str in, want;
} rows[] = {
	{ "nothing", STR_INIT(""), STR_INIT("") },
	{ "bare", STR_INIT(" ann@example.test"), STR_INIT("ann@example.test ") },
	{ "angle", STR_INIT("<ann@example.test>"), STR_INIT("ann@example.test ") },
	{ "name", STR_INIT("Ann Lee <ann@example.test>"), STR_INIT("ann@example.test ") },
	{ "name with dots", STR_INIT("A. B. Lee Jr. <ann@example.test>"),
		STR_INIT("ann@example.test ") },
	{ "quoted name", STR_INIT("\"x@y.z, <q>\" <ann@example.test>"),
		STR_INIT("ann@example.test ") },
	{ "escaped quote", STR_INIT("\"a\\\" <b@c>\" <ann@example.test>"),
		STR_INIT("ann@example.test ") },
	{ "encoded name", STR_INIT("=?utf-8?q?A=40b?= <ann@example.test>"),
		STR_INIT("ann@example.test ") },
	{ "UTF-8", STR_INIT("J\xc3\xbcrgen <j\xc3\xbc@ex\xc3\xa4mple.test>"),
		STR_INIT("j\xc3\xbc@ex\xc3\xa4mple.test ") },
	{ "bad UTF-8", STR_INIT("<j\xfc@example.test>"), STR_INIT("!") },
	{ "two", STR_INIT("a@b.c, D <d@e.f>"), STR_INIT("a@b.c d@e.f ") },
	{ "empty elements", STR_INIT(",, a@b.c ,,d@e.f,"), STR_INIT("a@b.c d@e.f ") },
	{ "no comma", STR_INIT("a@b.c d@e.f"), STR_INIT("a@b.c !") },
	{ "no comma after angle", STR_INIT("<a@b.c> <d@e.f>"), STR_INIT("a@b.c !") },
	{ "address as name", STR_INIT("a@b.c <d@e.f>"), STR_INIT("a@b.c !") },
	{ "comments", STR_INIT("(x <q@r>) a(1)@(2(3\\)))b.c(,d@e.f)"), STR_INIT("a@b.c ") },
	{ "open comment", STR_INIT("a@b.c (x"), STR_INIT("!") },
	{ "folded", STR_INIT("Ann\r\n <ann@\r\n\texample.test>"), STR_INIT("ann@example.test ") },
	{ "blanks around dots", STR_INIT("<a . b @ c . d>"), STR_INIT("a.b@c.d ") },
	{ "quoted local part", STR_INIT("<\"a b\"@c.d>"), STR_INIT("\"a b\"@c.d ") },
	{ "quoted part of it", STR_INIT("a.\"b\".c@d.e"), STR_INIT("a.\"b\".c@d.e ") },
	{ "literal", STR_INIT("a@[192.0.2.1]"), STR_INIT("a@[192.0.2.1] ") },
	{ "literal in literal", STR_INIT("a@[[1]"), STR_INIT("!") },
	{ "route", STR_INIT("<@x.y,@z:a@b.c>"), STR_INIT("a@b.c ") },
	{ "route without comma", STR_INIT("<@x.y@z:a@b.c>"), STR_INIT("!") },
	{ "route, empty places", STR_INIT("<@x.y,,@z,:a@b.c>"), STR_INIT("a@b.c ") },
	{ "route without colon", STR_INIT("<@x.y a@b.c>"), STR_INIT("!") },
	{ "group", STR_INIT("We: a@b.c, D <d@e.f>; , g@h.i"), STR_INIT("a@b.c d@e.f g@h.i ") },
	{ "empty group", STR_INIT("undisclosed recipients:;"), STR_INIT("") },
	{ "two groups", STR_INIT("A: a@b.c;, B: d@e.f;"), STR_INIT("a@b.c d@e.f ") },
	{ "group in group", STR_INIT("A: B: a@b.c;;"), STR_INIT("!") },
	{ "open group", STR_INIT("A: a@b.c"), STR_INIT("a@b.c !") },
	{ "group, no comma", STR_INIT("A:; a@b.c"), STR_INIT("!") },
	{ "semicolon alone", STR_INIT("a@b.c; d@e.f"), STR_INIT("a@b.c !") },
	{ "only a word", STR_INIT("ann"), STR_INIT("!") },
	{ "only a name", STR_INIT("Ann Lee"), STR_INIT("!") },
	{ "empty angle", STR_INIT("<>"), STR_INIT("!") },
	{ "no domain", STR_INIT("<a@>"), STR_INIT("!") },
	{ "no local part", STR_INIT("@b.c"), STR_INIT("!") },
	{ "two at", STR_INIT("a@b@c"), STR_INIT("a@b !") },
	{ "dots together", STR_INIT("a..b@c.d"), STR_INIT("!") },
	{ "dot at the end", STR_INIT("<a.@c.d>"), STR_INIT("!") },
	{ "domain ends in a dot", STR_INIT("<a@c.>"), STR_INIT("!") },
	{ "open angle", STR_INIT("<a@b.c"), STR_INIT("!") },
	{ "open quote", STR_INIT("\"a <b@c.d>"), STR_INIT("!") },
	{ "NUL", STR_INIT("a\0@b.c"), STR_INIT("!") },
	{ "control in quotes", STR_INIT("\"\x01\" <a@b.c>"), STR_INIT("!") },
	{ "backslash outside", STR_INIT("a\\b@c.d"), STR_INIT("!") },
	{ "bracket outside", STR_INIT("a) <b@c.d>"), STR_INIT("!") },
};

static void list_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct address_list l = { .rest = rows[i].in };
		struct buf one = { 0 }, got = { 0 };
		enum address_result result;

		while ((result = address_cut(&l, &one)) == ADDRESS_CUT) {
			buf_put(&got, buf_str(&one));
			buf_putc(&got, ' ');
		}
		if (result == ADDRESS_BAD)
			buf_putc(&got, '!');
		if (!str_eq(buf_str(&got), rows[i].want))
			fail_msg("%s: %.*s", rows[i].name, STR_ARG(buf_str(&got)));
		buf_deinit(&one);
		buf_deinit(&got);
	}
}

static void deep_and_long(void **state)
{
	struct buf in = { 0 }, one = { 0 };
	struct address_list l = { 0 };

	(void)state;
	buf_fill(&in, '(', 1000000);
	buf_fill(&in, ')', 1000000);
	buf_put(&in, STR("a@b.c"));
	l.rest = buf_str(&in);
	assert_int_equal(address_cut(&l, &one), ADDRESS_CUT);
	assert_int_equal(address_cut(&l, &one), ADDRESS_END);
	buf_clear(&in);
	buf_fill(&in, 'a', ADDRESS_MAX - 4);
	buf_put(&in, STR("@b.c"));
	l = (struct address_list){ .rest = buf_str(&in) };
	assert_int_equal(address_cut(&l, &one), ADDRESS_CUT);
	buf_putc(&in, 'c');
	l = (struct address_list){ .rest = buf_str(&in) };
	assert_int_equal(address_cut(&l, &one), ADDRESS_BAD);
	buf_deinit(&in);
	buf_deinit(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_rows),
		cmocka_unit_test(deep_and_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
