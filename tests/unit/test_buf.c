/* Secret buffers: what is given back to the heap holds no octet of the content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void spy_free(void *p);

/* The buffer itself is compiled here, with a free() that looks at what it is given. */
#define free spy_free
#include "../../src/base/buf.c"
#undef free

static const struct str secret = STR_INIT("AGpvZQBzZWNyZXQ=");
static size_t freed, leaked;
static size_t last_cap;

static void spy_free(void *p)
{
	if (p != NULL) {
		freed++;
		leaked += memmem(p, last_cap, secret.p, secret.n) != NULL;
	}
	free(p);
}

static void reset(void)
{
	freed = leaked = 0;
}

/* Reserves step by step, so that last_cap is the size of what the next growth frees. */
static void grow(struct buf *b, size_t octets)
{
	for (size_t i = 0; i < octets; i++) {
		last_cap = b->cap;
		buf_putc(b, 'x');
	}
	last_cap = b->cap;
}

static void use(bool is_secret, void (*end)(struct buf *))
{
	struct buf b;

	reset();
	buf_init(&b, 0);
	b.secret = is_secret;
	buf_put(&b, secret);
	grow(&b, 1000);
	assert_true(freed >= 4);
	buf_put(&b, secret);
	buf_consume(&b, b.len); /* the octets are still there */
	last_cap = b.cap;
	end(&b);
	assert_null(b.data);
	if (end == buf_release)
		assert_int_equal(b.secret, is_secret);
}

static void secrets_are_wiped(void **state)
{
	(void)state;
	use(true, buf_release);
	assert_int_equal(leaked, 0);
	use(true, buf_deinit);
	assert_int_equal(leaked, 0);
}

/* The spy does see what an ordinary buffer leaves behind. */
static void others_are_not(void **state)
{
	(void)state;
	use(false, buf_deinit);
	assert_true(leaked >= 2);
	use(false, buf_wipe);
	assert_true(leaked >= 1);
}

/* Wherever the text happens to stand: with room behind it, with too little, at its limit. */
static void printf_anywhere(void **state)
{
	(void)state;
	last_cap = 0;
	for (size_t n = 0; n < 300; n++) {
		struct buf b = { 0 }, narrow = { .max = n + 4 };

		buf_fill(&b, 'x', n);
		buf_printf(&b, "%d", 12345);
		assert_int_equal(b.len, n + 5);
		assert_memory_equal(buf_str(&b).p + n, "12345", 5);
		buf_fill(&narrow, 'x', n);
		buf_printf(&narrow, "%d", 1234);
		assert_int_equal(narrow.len, n + 4);
		assert_memory_equal(buf_str(&narrow).p + n, "1234", 4);
		buf_truncate(&narrow, n);
		buf_printf(&narrow, "%d", 12345);
		assert_true(narrow.full);
		assert_int_equal(narrow.len, n);
		buf_deinit(&b);
		buf_deinit(&narrow);
	}
}

/* At the limit, and one octet past it. */
static void safe_text(void **state)
{
	struct str wild = STR("a\r\n\0\x1f \x7f\x80~");
	struct buf b = { .max = wild.n }, narrow = { .max = wild.n - 1 };

	(void)state;
	last_cap = 0;
	buf_put_safe(&b, wild);
	assert_int_equal(b.len, 9);
	assert_memory_equal(buf_str(&b).p, "a???? ?\x80~", 9);
	assert_false(b.full);
	buf_put_safe(&b, STR(""));
	assert_false(b.full);
	buf_put_safe(&narrow, wild);
	assert_true(narrow.full);
	assert_int_equal(narrow.len, 0);
	buf_deinit(&b);
	buf_deinit(&narrow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_wiped),
		cmocka_unit_test(others_are_not),
		cmocka_unit_test(printf_anywhere),
		cmocka_unit_test(safe_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
