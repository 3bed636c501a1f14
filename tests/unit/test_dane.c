#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "trust/dane.h"

#define D32 STR_INIT("0123456789abcdef0123456789abcdef")
#define D64 STR_INIT("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
#define TLSA(u, s, m, d)                                                                           \
	{                                                                                          \
		.usage = u, .selector = s, .matching = m, .data = d                                \
	}

static void decisions(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		enum dns_outcome outcome;
		bool secure;
		struct dns_row rows[3];
		size_t count;
		enum dane_decision decision;
		size_t usable;
		uint8_t first_usage, first_matching;
	} rows[] = {
		{ "a key",                   DNS_FOUND, true,  { TLSA(3, 1, 1, D32) }, 1, DANE_AUTHENTICATE, 1, 3, 1 },
		{ "insecure counts nothing", DNS_FOUND, false, { TLSA(3, 1, 1, D32) }, 1, DANE_NONE, 0, 0, 0 },
		{ "none, and proved",        DNS_NODATA, true, { { 0 } }, 0, DANE_NONE, 0, 0, 0 },
		{ "no such name",            DNS_NXDOMAIN, true, { { 0 } }, 0, DANE_NONE, 0, 0, 0 },
		{ "none, insecure",          DNS_NODATA, false, { { 0 } }, 0, DANE_NONE, 0, 0, 0 },
		{ "nobody knows",            DNS_FAILED, false, { { 0 } }, 0, DANE_UNREACHABLE, 0, 0, 0 },
		{ "forged",                  DNS_BOGUS, false, { { 0 } }, 0, DANE_UNREACHABLE, 0, 0, 0 },
		{ "PKIX-EE only",            DNS_FOUND, true,  { TLSA(1, 1, 1, D32) }, 1, DANE_ENCRYPT, 0, 0, 0 },
		{ "PKIX-TA, then DANE-TA",   DNS_FOUND, true,  { TLSA(0, 0, 1, D32), TLSA(2, 0, 1, D32) }, 2, DANE_AUTHENTICATE, 1, 2, 1 },
		{ "a new usage",             DNS_FOUND, true,  { TLSA(4, 1, 1, D32) }, 1, DANE_ENCRYPT, 0, 0, 0 },
		{ "a new selector",          DNS_FOUND, true,  { TLSA(3, 2, 1, D32) }, 1, DANE_ENCRYPT, 0, 0, 0 },
		{ "a new digest",            DNS_FOUND, true,  { TLSA(3, 1, 3, D32) }, 1, DANE_ENCRYPT, 0, 0, 0 },
		{ "a digest of other length", DNS_FOUND, true, { TLSA(3, 1, 2, D32) }, 1, DANE_ENCRYPT, 0, 0, 0 },
		{ "the whole certificate",   DNS_FOUND, true,  { TLSA(3, 0, 0, D32) }, 1, DANE_AUTHENTICATE, 1, 3, 0 },
		{ "the stronger of two",     DNS_FOUND, true,  { TLSA(3, 1, 1, D32), TLSA(3, 1, 2, D64) }, 2, DANE_AUTHENTICATE, 1, 3, 2 },
		{ "of another usage both",   DNS_FOUND, true,  { TLSA(3, 1, 1, D32), TLSA(2, 1, 2, D64) }, 2, DANE_AUTHENTICATE, 2, 3, 1 },
		{ "of another selector both", DNS_FOUND, true, { TLSA(3, 0, 1, D32), TLSA(3, 1, 2, D64) }, 2, DANE_AUTHENTICATE, 2, 3, 1 },
		{ "a whole one is no digest", DNS_FOUND, true, { TLSA(3, 1, 0, D32), TLSA(3, 1, 1, D32), TLSA(3, 1, 2, D64) }, 3, DANE_AUTHENTICATE, 2, 3, 0 },
		{ "a bad strong one does not count", DNS_FOUND, true, { TLSA(3, 1, 1, D32), TLSA(3, 1, 2, D32) }, 2, DANE_AUTHENTICATE, 1, 3, 1 },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dns_row mine[3];
		struct dns_answer a = { .outcome = rows[i].outcome,
			.secure = rows[i].secure,
			.rows = mine,
			.count = rows[i].count };
		enum dane_decision d;
		size_t usable = 9;

		memcpy(mine, rows[i].rows, sizeof mine);
		d = dane_decide(&a, &usable);
		if (d != rows[i].decision || usable != rows[i].usable)
			fail_msg("%s: decision %d, %zu usable", rows[i].name, (int)d, usable);
		if (usable > 0 && (mine[0].usage != rows[i].first_usage ||
					  mine[0].matching != rows[i].first_matching))
			fail_msg("%s: first %u %u", rows[i].name, mine[0].usage, mine[0].matching);
	}
}

static void names(void **state)
{
	struct buf name = { 0 };

	(void)state;
	dane_query_name(&name, STR("mx.example.org"), 25);
	assert_true(str_eq(buf_str(&name), STR("_25._tcp.mx.example.org")));
	buf_deinit(&name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
