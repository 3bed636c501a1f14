#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "trust/srs.h"

#define DAY ((int64_t)24 * 60 * 60 * 1000)

static struct srs office(const char *domain, char secret)
{
	struct srs s = { .domain = str_c(domain), .wall_ms = 20000 * DAY };

	memset(s.secret, secret, sizeof s.secret);
	return s;
}

static void check(struct str want, struct buf *got)
{
	assert_int_equal(got->len, want.n);
	assert_memory_equal(got->data, want.p, want.n);
}

/* Each line of a chain of forwarders, and back again. */
static void there_and_back(void **state)
{
	static const char *const senders[] = { "bob@example.org", "a=b=c@example.org",
		"srs0@example.org", "SRS0@x.test", "bob+tag@xn--bcher-kva.example", "-@a.b" };

	(void)state;
	for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
		struct srs one = office("one.test", 1), two = office("two.test", 2),
			   three = office("three.test", 3);
		struct buf a = { 0 }, b = { 0 }, c = { 0 }, back = { 0 };

		assert_true(srs_forward(&one, str_c(senders[i]), &a));
		assert_true(str_starts(buf_str(&a), STR("SRS0=")));
		assert_true(str_ends(buf_str(&a), STR("@one.test")));
		assert_true(srs_forward(&two, buf_str(&a), &b));
		assert_true(str_starts(buf_str(&b), STR("SRS1=")));
		assert_true(srs_forward(&three, buf_str(&b), &c));
		assert_true(str_ends(buf_str(&c), STR("@three.test")));
		/* No hop but the first is kept: it does not grow. */
		assert_true(c.len <= b.len + 2);

		assert_int_equal(srs_reverse(&three, buf_str(&c), &back), SRS_BACK);
		check(buf_str(&a), &back);
		buf_clear(&back);
		assert_int_equal(srs_reverse(&two, buf_str(&b), &back), SRS_BACK);
		check(buf_str(&a), &back);
		buf_clear(&back);
		assert_int_equal(srs_reverse(&one, buf_str(&a), &back), SRS_BACK);
		check(str_c(senders[i]), &back);
		buf_deinit(&a);
		buf_deinit(&b);
		buf_deinit(&c);
		buf_deinit(&back);
	}
}

static void what_stays(void **state)
{
	struct srs s = office("one.test", 1);
	struct buf out = { 0 };
	char lengthy[300];

	(void)state;
	assert_true(srs_forward(&s, STR(""), &out));
	assert_int_equal(out.len, 0);
	assert_true(srs_forward(&s, STR("me@ONE.test"), &out));
	check(STR("me@ONE.test"), &out);
	buf_clear(&out);
	assert_false(srs_forward(&s, STR("nobody"), &out));
	assert_false(srs_forward(&s, STR("\"a b\"@x.test"), &out));
	assert_false(srs_forward(&s, STR("SRS1=abc@x.test"), &out));
	memset(lengthy, 'x', sizeof lengthy);
	memcpy(lengthy + 250 - 7, "@x.test", 7);
	assert_false(srs_forward(&s, str_of(lengthy, 250), &out));
	memcpy(lengthy + 100, "@x.test", 7); /* "SRS0=HHHHHH=TT=x.test=" before it */
	assert_true(srs_forward(&s, str_of(lengthy, 107), &out));
	buf_clear(&out);
	memcpy(lengthy + 107, "@x.test", 7);
	memcpy(lengthy + 100, "aaaaaaa", 7);
	assert_false(srs_forward(&s, str_of(lengthy, 114), &out));
	assert_int_equal(out.len, 0);
	buf_deinit(&out);
}

static void forged(void **state)
{
	static const char *const rows[] = { "SRS0=@one.test", "SRS0=AAAAAA=AA=x.test=bob@one.test",
		"SRS0==@one.test", "SRS1=AAAAAA=x.test==y@one.test", "SRS0-@one.test",
		"srs1+a@one.test" };
	struct srs s = office("one.test", 1), other = office("one.test", 2);
	struct buf good = { 0 }, out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(srs_reverse(&s, str_c(rows[i]), &out), SRS_FORGED);
	assert_int_equal(srs_reverse(&s, STR("bob@one.test"), &out), SRS_NOT);
	assert_int_equal(srs_reverse(&s, STR("SRS0@one.test"), &out), SRS_NOT);
	assert_true(srs_forward(&s, STR("bob@example.org"), &good));
	assert_int_equal(srs_reverse(&other, buf_str(&good), &out), SRS_FORGED);
	/* Each single octet counts, but not its case. */
	for (size_t i = 5; i < str_find(buf_str(&good), '@'); i++) {
		char was = good.data[i];

		good.data[i] = was == '7' ? '6' : '7';
		assert_int_equal(srs_reverse(&s, buf_str(&good), &out), SRS_FORGED);
		good.data[i] = ascii_lower(was);
		assert_int_equal(srs_reverse(&s, buf_str(&good), &out), SRS_BACK);
	}
	buf_deinit(&good);
	buf_deinit(&out);
}

static void expiry(void **state)
{
	struct srs s = office("one.test", 1);

	(void)state;
	/* Around the end of the stamp's period too. */
	for (int64_t day = 1020; day < 1030; day++) {
		struct buf made = { 0 }, out = { 0 };

		s.wall_ms = day * DAY;
		assert_true(srs_forward(&s, STR("bob@example.org"), &made));
		s.wall_ms = (day + SRS_VALID_DAYS) * DAY;
		assert_int_equal(srs_reverse(&s, buf_str(&made), &out), SRS_BACK);
		s.wall_ms += DAY;
		assert_int_equal(srs_reverse(&s, buf_str(&made), &out), SRS_EXPIRED);
		buf_deinit(&made);
		buf_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(what_stays),
		cmocka_unit_test(forged),
		cmocka_unit_test(expiry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
