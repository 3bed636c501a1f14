/* What is looked at in blocks is what is found octet by octet: bodies and facts of messages, cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/block.h"
#include "proto/smtpd_int.h"
#include "store/local/facts.h"

enum { TEXT = 700, ROUNDS = 4000 };

static uint64_t seed = 20261122;

static unsigned pick(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

/* Mostly sound lines; the sixth kind of text is rubbish. */
static size_t make_text(char *to)
{
	static const struct str ends[] = { STR_INIT("\r\n"), STR_INIT("\r\n."), STR_INIT("\r\n.."),
		STR_INIT("\n"), STR_INIT("\r"), STR_INIT("\n."), STR_INIT("\r\r\n") };
	unsigned kind = pick(6),
		 lines = kind < 4 ? 1 + kind / 2 : (unsigned)(sizeof ends / sizeof *ends);
	size_t n = 0;

	while (n < TEXT - 100) {
		struct str end = ends[pick(4) == 0 ? pick(lines) : 0];

		for (unsigned i = pick(kind % 2 == 0 ? 90 : 6); i > 0; i--)
			to[n++] = (char)(pick(200) == 0 ? 0x80 + pick(128) : 'a' + pick(26));
		memcpy(to + n, end.p, end.n);
		n += end.n;
	}
	return n - pick(3);
}

struct seen {
	struct buf take;
	struct body body;
	bool end;
	size_t used;
};

/* As the engine calls it: what was not used comes again, with more behind it. */
static void scan(struct seen *seen, struct str text, size_t most, bool stuffed)
{
	size_t have = 0;

	*seen = (struct seen){ 0 };
	while (!seen->end && (have < text.n || seen->used < have)) {
		struct body_run run;

		if (have < text.n)
			have += 1 + (most > 1 ? pick((unsigned)most) : 0);
		have = have < text.n ? have : text.n;
		run = body_scan(
			&seen->body, str_of(text.p + seen->used, have - seen->used), stuffed);
		buf_put(&seen->take, run.take);
		seen->used += run.used;
		seen->end = run.end;
		if (run.used == 0 && have == text.n)
			break;
	}
}

static void bodies(void **state)
{
	char text[TEXT];
	unsigned ends = 0, bare = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct str s = str_of(text, make_text(text));
		bool stuffed = pick(4) > 0;
		struct seen slow, fast;

		scan(&slow, s, 1, stuffed);
		scan(&fast, s, pick(3) == 0 ? 80 : TEXT, stuffed);
		assert_true(str_eq(buf_str(&fast.take), buf_str(&slow.take)));
		assert_int_equal(fast.end, slow.end);
		assert_int_equal(fast.used, slow.used);
		assert_int_equal(fast.body.bare, slow.body.bare);
		assert_int_equal(fast.body.at, slow.body.at);
		assert_int_equal(fast.body.header_octets, slow.body.header_octets);
		ends += slow.end;
		bare += slow.body.bare;
		buf_deinit(&slow.take);
		buf_deinit(&fast.take);
	}
	assert_in_range(ends, 100, ROUNDS - 100);
	assert_in_range(bare, 100, ROUNDS - 100);
}

static void feed(struct facts *f, struct str s, size_t most)
{
	facts_init(f);
	while (s.n > 0) {
		size_t n = 1 + (most > 1 ? pick((unsigned)most) : 0);

		facts_feed(f, str_head(s, n));
		s = str_from(s, n);
	}
}

static void facts(void **state)
{
	char text[TEXT + 4] = "a:b\r\n\r\n";
	unsigned dots = 0, eight = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct str s = str_of(text, 7);
		struct facts slow, fast;

		s.n += make_text(text + 7) - 7 * (size_t)pick(2);
		feed(&slow, s, 1);
		feed(&fast, s, pick(3) == 0 ? 80 : TEXT);
		assert_int_equal(fast.dots, slow.dots);
		assert_int_equal(fast.eight_body, slow.eight_body);
		assert_int_equal(fast.header_octets, slow.header_octets);
		assert_int_equal(fast.last, slow.last);
		dots += slow.dots;
		eight += slow.eight_body;
		facts_deinit(&slow);
		facts_deinit(&fast);
	}
	assert_in_range(dots, 100, ROUNDS - 100);
	assert_in_range(eight, 100, ROUNDS - 100);
}

/* RFC 8689 3 */
static void tls_required(void **state)
{
	static const struct {
		struct str text;
		bool no;
	} rows[] = {
		{ STR_INIT("A: b\r\nTLS-Required: No\r\n\r\nx"), true },
		{ STR_INIT("tls-required:NO\r\n\r\n"), true },
		{ STR_INIT("TLS-Required:\r\n\tNo\r\nA: b\r\n c\r\n\r\n"), true },
		{ STR_INIT("A: b\r\n\r\nTLS-Required: No\r\n"), false },
		{ STR_INIT("A: b\r\n TLS-Required: No\r\n\r\n"), false },
		{ STR_INIT("TLS-Required: Not\r\n\r\n"), false },
		{ STR_INIT("TLS-Required: Yes\r\n\r\n"), false },
		{ STR_INIT("TLS-Required:\r\n\r\n"), false },
		{ STR_INIT("TLS-Required: No\r\n way\r\n\r\n"), false },
		{ STR_INIT("TLS-Required: No\r\nA: b\r\nTLS-Required: No\r\n\r\n"), false },
		{ STR_INIT("X-TLS-Required: No\r\n\r\n"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t most = 1; most < 100; most *= 3) {
			struct facts f;

			feed(&f, rows[i].text, most);
			if ((f.tls_required == TLS_NO) != rows[i].no)
				fail_msg("%.*s", STR_ARG(rows[i].text));
			facts_deinit(&f);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bodies), cmocka_unit_test(facts),
		cmocka_unit_test(tls_required) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
