#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/line.h"

enum { MAX = 12 };

/* What a buffer is cut into, one letter and the text a line: C cut, O cut and odd, L over-long. */
static const struct {
	const char *name;
	struct str in, out;
} rows[] = {
	{ "one line", STR_INIT("QUIT\r\n"), STR_INIT("C[QUIT]") },
	{ "two lines", STR_INIT("a\r\nb\r\n"), STR_INIT("C[a]C[b]") },
	{ "empty line", STR_INIT("\r\n"), STR_INIT("C[]") },
	{ "no end yet", STR_INIT("QUIT\r"), STR_INIT("") },
	{ "bare LF ends nothing", STR_INIT("a\nb\r\n"), STR_INIT("O[a\nb]") },
	{ "bare LF first", STR_INIT("\n\r\n"), STR_INIT("O[\n]") },
	{ "bare CR", STR_INIT("a\r\r\n"), STR_INIT("O[a\r]") },
	{ "NUL", STR_INIT("a\0b\r\n"), STR_INIT("O[a\0b]") },
	{ "limit reached", STR_INIT("0123456789\r\n"), STR_INIT("C[0123456789]") },
	{ "limit passed by one", STR_INIT("0123456789a\r\nb\r\n"), STR_INIT("L[]C[b]") },
	{ "long with CRs", STR_INIT("01234567890123\r\r4\r\r\nb\r\n"), STR_INIT("L[]C[b]") },
	{ "long with LF", STR_INIT("01234567890123\n45\r\nb\r\n"), STR_INIT("L[]C[b]") },
	{ "two long", STR_INIT("0123456789abcdef\r\n0123456789abcdef\r\n"), STR_INIT("L[]L[]") },
};

static void cut_all(struct line_cutter *c, struct buf *in, struct buf *out)
{
	enum line_result r;
	struct line line;

	while ((r = line_cut(c, in, MAX, &line)) != LINE_MORE) {
		buf_putc(out, r == LINE_LONG ? 'L' : line.odd ? 'O' : 'C');
		buf_putc(out, '[');
		buf_put(out, line.text);
		buf_putc(out, ']');
	}
}

/* Every cut into two or three pieces gives the same lines. */
static void line_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t a = 0; a <= rows[i].in.n; a++)
			for (size_t b = a; b <= rows[i].in.n; b++) {
				struct line_cutter c = { 0 };
				struct buf in, out;

				buf_init(&in, 0);
				buf_init(&out, 0);
				buf_put(&in, str_head(rows[i].in, a));
				cut_all(&c, &in, &out);
				buf_put(&in, str_head(str_from(rows[i].in, a), b - a));
				cut_all(&c, &in, &out);
				buf_put(&in, str_from(rows[i].in, b));
				cut_all(&c, &in, &out);
				if (!str_eq(buf_str(&out), rows[i].out))
					fail_msg("%s, cut at %zu and %zu: %.*s", rows[i].name, a, b,
						STR_ARG(buf_str(&out)));
				buf_deinit(&in);
				buf_deinit(&out);
			}
}

static void long_line_needs_no_memory(void **state)
{
	struct line_cutter c = { 0 };
	struct line line;
	struct buf in;

	(void)state;
	buf_init(&in, 64);
	for (size_t i = 0; i < 100000; i++) {
		buf_putc(&in, 'x');
		assert_int_equal(line_cut(&c, &in, MAX, &line), LINE_MORE);
	}
	assert_false(in.full);
	buf_put(&in, STR("\r\n"));
	assert_int_equal(line_cut(&c, &in, MAX, &line), LINE_LONG);
	assert_int_equal(in.len, 0);
	buf_deinit(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_rows),
		cmocka_unit_test(long_line_needs_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
