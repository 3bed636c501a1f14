#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/dns.h"

/* Octets 12 and on: the question for "a.b" of any type, so \300\014 is that name. */
#define ASKED   "\1a\1b\0\0\1\0\1"
#define A_B     "\300\014"
#define TTL_60  "\0\0\0\74"
#define TTL_7   "\0\0\0\7"
#define IN_A    "\0\1\0\1"
#define IN_NAME "\0\5\0\1"
#define IN_SOA  "\0\6\0\1"
#define IN_MX   "\0\17\0\1"
#define IN_TXT  "\0\20\0\1"
#define IN_TLSA "\0\64\0\1"
#define IN_SRV  "\0\41\0\1"

struct row {
	const char *name;
	unsigned rcode, answers, authorities;
	struct str records;
	enum dns_type type;
	enum dns_outcome outcome;
	uint32_t ttl;
	size_t count;
	struct str data; /* of the first row */
};

static void parse(struct dns_answer *a, const struct row *row)
{
	struct buf m = { 0 };

	buf_put(&m, STR("\1\2\200"));
	buf_putc(&m, (char)row->rcode);
	buf_put(&m, STR("\0\1\0"));
	buf_putc(&m, (char)row->answers);
	buf_putc(&m, '\0');
	buf_putc(&m, (char)row->authorities);
	buf_put(&m, STR("\0\0" ASKED));
	buf_put(&m, row->records);
	dns_parse(a, buf_str(&m), STR("A.b."), row->type);
	/* The answer does not need the message. */
	memset(m.data, 0xee, m.len);
	buf_deinit(&m);
}

/* clang-format off */
static const struct row rows[] = {
	{"an address",			  0, 1, 0, STR_INIT(A_B IN_A TTL_60 "\0\4\300\0\2\1"),             DNS_A,     DNS_FOUND,    60,
         1,																      STR_INIT("\300\0\2\1")           },
	{ "an address of three octets is none", 0, 1, 0, STR_INIT(A_B IN_A TTL_60 "\0\3\300\0\2"),
         DNS_A,													     DNS_NODATA,   0,  0, STR_INIT("")                     },
	{ "the least TTL of two",               0, 2, 0,
         STR_INIT(A_B IN_A TTL_60 "\0\4\1\1\1\1" A_B IN_A TTL_7 "\0\4\2\2\2\2"),                                 DNS_A,
         DNS_FOUND,														       7,  2, STR_INIT("\1\1\1\1")             },
	{ "another name's row is not ours",     0, 1, 0, STR_INIT("\1x\0" IN_A TTL_60 "\0\4\1\1\1\1"),
         DNS_A,													     DNS_NODATA,   0,  0, STR_INIT("")                     },
	{ "another class",                      0, 1, 0, STR_INIT(A_B "\0\1\0\3" TTL_60 "\0\4\1\1\1\1"),         DNS_A,
         DNS_NODATA,														      0,  0, STR_INIT("")                     },
	{ "an alias and its row",               0, 2, 0,
         STR_INIT(A_B IN_NAME TTL_7 "\0\3\1C\0"
					   "\1c\0" IN_A TTL_60 "\0\4\1\1\1\1"),
         DNS_A,													     DNS_FOUND,    7,  1, STR_INIT("\1\1\1\1")             },
	{ "the alias itself",                   0, 1, 0, STR_INIT(A_B IN_NAME TTL_7 "\0\3\1C\0"),                DNS_CNAME,
         DNS_FOUND,														       7,  1, STR_INIT("c")                    },
	{ "aliases in a circle",                0, 1, 0, STR_INIT(A_B IN_NAME TTL_7 "\0\2" A_B),                 DNS_A,     DNS_FAILED,
         0,																   0, STR_INIT("")                     },
	{ "a mail host, compressed",            0, 1, 0, STR_INIT(A_B IN_MX TTL_60 "\0\6\0\12\1M" A_B),          DNS_MX,
         DNS_FOUND,														       60, 1, STR_INIT("m.a.b")                },
	{ "two mail hosts", 0, 2, 0,
	  STR_INIT(A_B IN_MX TTL_60 "\0\6\0\12\1M" A_B A_B IN_MX TTL_60 "\0\6\0\24\1N" A_B), DNS_MX,
	  DNS_FOUND, 60, 2, STR_INIT("m.a.b") },
	{ "null MX",			    0, 1, 0, STR_INIT(A_B IN_MX TTL_60 "\0\3\0\0\0"),                DNS_MX,    DNS_FOUND,    60, 1,
         STR_INIT("")																			     },
	{ "MX without a host",                  0, 1, 0, STR_INIT(A_B IN_MX TTL_60 "\0\2\0\12"),                 DNS_MX,    DNS_NODATA,
         0,																   0, STR_INIT("")                     },
	{ "MX whose host ends behind its data", 0, 1, 0,
         STR_INIT(A_B IN_MX TTL_60 "\0\4\0\12\1M\0\0\0"),                                                        DNS_MX,    DNS_NODATA,   0,  0,
         STR_INIT("")																			     },
	{ "octets no host has",                 0, 1, 0, STR_INIT(A_B IN_MX TTL_60 "\0\11\0\12\5x.\r\n\0\0"),
         DNS_MX,													    DNS_FOUND,    60, 1, STR_INIT("x\\046\\013\\010\\000")},
	{ "a pointer forward",                  0, 1, 0, STR_INIT(A_B IN_MX TTL_60 "\0\4\0\12\300\100"),         DNS_MX,
         DNS_NODATA,														      0,  0, STR_INIT("")                     },
	{ "a pointer to itself",                0, 1, 0, STR_INIT(A_B IN_MX TTL_60 "\0\4\0\12\300\43"),          DNS_MX,
         DNS_NODATA,														      0,  0, STR_INIT("")                     },
	{ "strings are joined",                 0, 1, 0, STR_INIT(A_B IN_TXT TTL_60 "\0\5\1x\0\1y"),             DNS_TXT,
         DNS_FOUND,														       60, 1, STR_INIT("xy")                   },
	{ "a string that is too long",          0, 1, 0, STR_INIT(A_B IN_TXT TTL_60 "\0\3\3xy"),                 DNS_TXT,
         DNS_NODATA,														      0,  0, STR_INIT("")                     },
	{ "TLSA",			       0, 1, 0, STR_INIT(A_B IN_TLSA TTL_60 "\0\5\3\1\1zz"),            DNS_TLSA,  DNS_FOUND,    60, 1,
         STR_INIT("zz")																			   },
	{ "TLSA without data",                  0, 1, 0, STR_INIT(A_B IN_TLSA TTL_60 "\0\3\3\1\1"),              DNS_TLSA,
         DNS_NODATA,														      0,  0, STR_INIT("")                     },
	{ "TLSA of one octet",                  0, 1, 0, STR_INIT(A_B IN_TLSA TTL_60 "\0\1\3"),                  DNS_TLSA,  DNS_NODATA,
         0,																   0, STR_INIT("")                     },
	{ "TLSA of nothing",                    0, 1, 0, STR_INIT(A_B IN_TLSA TTL_60 "\0\0"),                    DNS_TLSA,  DNS_NODATA,   0,
         0,																      STR_INIT("")                     },
	{ "SRV",				0, 1, 0, STR_INIT(A_B IN_SRV TTL_60 "\0\11\0\1\0\2\3\343\1m\0"), DNS_SRV,
         DNS_FOUND,														       60, 1, STR_INIT("m")                    },
	{ "no such name, its SOA's last field", 3, 0, 1,
         STR_INIT("\0" IN_SOA TTL_60 "\0\26\0\0"
			 "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1" TTL_7),
         DNS_A,													     DNS_NXDOMAIN, 7,  0, STR_INIT("")                     },
	{ "nothing of that type",               0, 0, 0, STR_INIT(""),                                           DNS_A,     DNS_NODATA,   0,  0, STR_INIT("")                     },
	{ "refused",			    5, 1, 0, STR_INIT(A_B IN_A TTL_60 "\0\4\300\0\2\1"),             DNS_A,     DNS_FAILED,   0,  0,
         STR_INIT("")																			     },
	{ "fewer records than it says",         0, 2, 0, STR_INIT(A_B IN_A TTL_60 "\0\4\1\1\1\1"),               DNS_A,
         DNS_FAILED,														      0,  0, STR_INIT("")                     },
	{ "data past the end",                  0, 1, 0, STR_INIT(A_B IN_A TTL_60 "\0\5\1\1\1\1"),               DNS_A,     DNS_FAILED,
         0,																   0, STR_INIT("")                     },
};
/* clang-format on */

static void parse_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *row = &rows[i];
		struct dns_answer a;

		parse(&a, row);
		if (a.outcome != row->outcome || a.ttl != row->ttl || a.count != row->count ||
			(a.count > 0 && !str_eq(a.rows[0].data, row->data)))
			fail_msg("%s: %s, ttl %u, %zu rows, first '%.*s'", row->name,
				dns_outcome_name(a.outcome), a.ttl, a.count,
				a.count > 0 ? (int)a.rows[0].data.n : 0,
				a.count > 0 ? a.rows[0].data.p : "");
		dns_answer_free(&a);
	}
}

static void fields(void **state)
{
	struct dns_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		parse(&a, &rows[i]);
		if (str_eq(str_c(rows[i].name), STR("SRV"))) {
			assert_int_equal(a.rows[0].preference, 1);
			assert_int_equal(a.rows[0].weight, 2);
			assert_int_equal(a.rows[0].port, 995);
		} else if (str_eq(str_c(rows[i].name), STR("TLSA"))) {
			assert_int_equal(a.rows[0].usage, 3);
			assert_int_equal(a.rows[0].selector, 1);
			assert_int_equal(a.rows[0].matching, 1);
		} else if (str_eq(str_c(rows[i].name), STR("an alias and its row"))) {
			assert_int_equal(a.aliases, 1);
			assert_true(str_eq(a.name, STR("c")));
		} else if (str_eq(str_c(rows[i].name), STR("two mail hosts"))) {
			assert_true(str_eq(a.rows[1].data, STR("n.a.b")));
		} else {
			assert_true(a.count == 0 || str_eq(a.name, STR("a.b")));
		}
		dns_answer_free(&a);
	}
}

/* Every cut of every message: no octet behind the end is looked at (the sanitizer's part), and none
 * is taken for whole. */
static void cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct row row = rows[i];

		while (row.records.n > 0) {
			struct dns_answer a;

			row.records.n--;
			parse(&a, &row);
			assert_int_equal(a.count, 0);
			dns_answer_free(&a);
		}
	}
}

/* Octets that come after a row's type and before its data, changed one by one. */
static void every_octet(void **state)
{
	char octets[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t at = 0; at < rows[i].records.n; at++)
			for (int v = 0; v < 256; v++) {
				struct row row = rows[i];
				struct dns_answer a;

				assert_true(row.records.n <= sizeof octets);
				memcpy(octets, row.records.p, row.records.n);
				octets[at] = (char)v;
				row.records.p = octets;
				parse(&a, &row);
				assert_true(a.count <= row.answers);
				dns_answer_free(&a);
			}
}

static void many_rows(void **state)
{
	struct buf m = { 0 };
	struct dns_answer a;

	(void)state;
	buf_put(&m, STR("\1\2\200\0\0\1\1\0\0\0\0\0" ASKED));
	for (int i = 0; i < 256; i++)
		buf_put(&m, STR(A_B IN_A TTL_60 "\0\4\1\1\1\1"));
	dns_parse(&a, buf_str(&m), STR("a.b"), DNS_A);
	assert_int_equal(a.outcome, DNS_FOUND);
	assert_int_equal(a.count, DNS_ROWS_MAX);
	dns_answer_free(&a);
	buf_deinit(&m);
}

/* A label of 63 octets and one of 64; a name of 253 (three labels of 63 and one of 61) and one of 254. */
#define L10  "abcdefghij"
#define L63  L10 L10 L10 L10 L10 L10 "abc"
#define N192 L63 "." L63 "." L63 "."

static void host_names(void **state)
{
	static const struct {
		const char *text;
		bool own, others;
	} names[] = {
		{ "example.net", true, true },
		{ "LOCALHOST", true, true },
		{ "3.x-y.0", true, true },
		{ L63 ".net", true, true },
		{ L63 "d.net", false, false },
		{ N192 L10 L10 L10 L10 L10 L10 "a", true, true },
		{ N192 L10 L10 L10 L10 L10 L10 "ab", false, false },
		{ "", false, false },
		{ ".", false, false },
		{ "a.", false, false },
		{ "a..b", false, false },
		{ ".a", false, false },
		{ "-a.net", false, false },
		{ "a-.net", false, true },
		{ "a_b.net", false, true },
		{ "_x.net", false, true },
		{ "a b", false, false },
		{ "a\303\244.net", false, false },
		{ "a:b", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct str s = str_c(names[i].text);

		if (dns_host_name(s) != names[i].own ||
			dns_host_name_of_others(s) != names[i].others)
			fail_msg("%s", names[i].text);
	}
}

static void reverse_names(void **state)
{
	static const struct {
		struct str address, name;
	} t[] = {
		{ STR_INIT("\xc0\0\2\x7b"), STR_INIT("123.2.0.192.in-addr.arpa") },
		/* RFC 3596 2.5 */
		{ STR_INIT("\x43\x21\0\0\0\1\0\2\0\3\0\4\x05\x67\x89\xab"),
			STR_INIT("b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4."
				 "ip6.arpa") },
	};
	struct buf name = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		buf_clear(&name);
		dns_reverse(&name, t[i].address);
		assert_true(str_eq(buf_str(&name), t[i].name));
	}
	buf_deinit(&name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reverse_names),
		cmocka_unit_test(host_names),
		cmocka_unit_test(parse_rows),
		cmocka_unit_test(fields),
		cmocka_unit_test(cut),
		cmocka_unit_test(every_octet),
		cmocka_unit_test(many_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
