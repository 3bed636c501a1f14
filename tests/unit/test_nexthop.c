/* MX and address records to targets, from a zone of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "net/nexthop.h"

/* data: rows separated by spaces; of MX "preference:host".  alias: what a CNAME led to. */
struct zone_row {
	const char *name;
	enum dns_type type;
	enum dns_outcome outcome;
	bool secure;
	const char *data, *alias;
};

/* clang-format off */
static const struct zone_row zone[] = {
	{ "two.test",      DNS_MX,    DNS_FOUND,    true,  "20:b.test 10:a.test", NULL },
	{ "null.test",     DNS_MX,    DNS_FOUND,    false, "0:", NULL },
	{ "nullish.test",  DNS_MX,    DNS_FOUND,    false, "0: 10:a.test", NULL },
	{ "bare.test",     DNS_A,     DNS_FOUND,    false, "192.0.2.9", NULL },
	{ "bare.test",     DNS_MX,    DNS_NODATA,   true,  "", NULL },
	{ "mail.test",     DNS_MX,    DNS_NODATA,   true,  "", NULL },
	{ "equal.test",    DNS_MX,    DNS_FOUND,    true,  "10:a.test 10:b.test 10:c.test 20:a4.test", NULL },
	{ "a.test",        DNS_A,     DNS_FOUND,    true,  "192.0.2.1", NULL },
	{ "a.test",        DNS_AAAA,  DNS_FOUND,    true,  "2001:db8::1", NULL },
	{ "b.test",        DNS_A,     DNS_FOUND,    false, "192.0.2.2", NULL },
	{ "c.test",        DNS_A,     DNS_FOUND,    false, "192.0.2.3", NULL },
	{ "empty.test",    DNS_MX,    DNS_FOUND,    false, "10:nowhere.test", NULL },
	{ "literal.test",  DNS_MX,    DNS_FOUND,    false, "10:192\\.0 20:a..b 30:-x", NULL },
	{ "slow.test",     DNS_MX,    DNS_FAILED,   false, "", NULL },
	{ "forged.test",   DNS_MX,    DNS_BOGUS,    false, "", NULL },
	{ "half.test",     DNS_MX,    DNS_FOUND,    true,  "10:slowhost.test 20:b.test", NULL },
	{ "slowhost.test", DNS_A,     DNS_FAILED,   false, "", NULL },
	{ "slowest.test",  DNS_MX,    DNS_FOUND,    true,  "10:slowhost.test 20:nowhere.test", NULL },
	{ "forgedhost.test", DNS_A,   DNS_BOGUS,    false, "", NULL },
	{ "forgedmx.test", DNS_MX,    DNS_FOUND,    true,  "10:forgedhost.test", NULL },
	{ "a4.test",       DNS_A,     DNS_FOUND,    false, "192.0.2.4", NULL },
	{ "a4.test",       DNS_AAAA,  DNS_FAILED,   false, "", NULL },
	{ "backup.test",   DNS_MX,    DNS_FOUND,    false, "10:a.test 20:Us.test 20:b.test 30:c.test", NULL },
	{ "ours.test",     DNS_MX,    DNS_FOUND,    false, "10:us.test 20:b.test", NULL },
	{ "byaddr.test",   DNS_MX,    DNS_FOUND,    false, "10:a.test 20:other.test 30:c.test", NULL },
	{ "other.test",    DNS_A,     DNS_FOUND,    false, "192.0.2.77", NULL },
	{ "all.test",      DNS_MX,    DNS_FOUND,    false, "10:other.test", NULL },
	{ "slowus.test",   DNS_MX,    DNS_FOUND,    false, "10:slowhost.test 20:us.test", NULL },
	{ "lo.test",       DNS_MX,    DNS_FOUND,    false, "10:localhost.test", NULL },
	{ "lob.test",      DNS_MX,    DNS_FOUND,    false, "10:localhost.test 20:b.test", NULL },
	{ "localhost.test", DNS_A,    DNS_FOUND,    false, "127.0.0.1 0.0.0.0", NULL },
	{ "localhost.test", DNS_AAAA, DNS_FOUND,    false, "::1 ::ffff:127.0.0.1", NULL },
	{ "twice.test",    DNS_MX,    DNS_FOUND,    false, "10:b.test 20:b.test", NULL },
	{ "alias.test",    DNS_MX,    DNS_FOUND,    true,  "10:a.test", "two.test" },
	{ "salias.test",   DNS_A,     DNS_FOUND,    true,  "192.0.2.5", "a.test" },
	{ "ialias.test",   DNS_A,     DNS_FOUND,    false, "192.0.2.6", "b.test" },
	{ "ialias.test",   DNS_CNAME, DNS_FOUND,    true,  "b.test", NULL },
	{ "ualias.test",   DNS_A,     DNS_FOUND,    false, "192.0.2.7", "b.test" },
	{ "ualias.test",   DNS_CNAME, DNS_FOUND,    false, "b.test", NULL },
	{ "aliases.test",  DNS_MX,    DNS_FOUND,    true,  "1:salias.test 2:ialias.test 3:ualias.test", NULL },
	{ "xn--bcher-kva.test", DNS_MX, DNS_FOUND,  false, "10:b.test", NULL },
	{ "many.test",     DNS_MX,    DNS_FOUND,    false, "1:full.test 2:c.test", NULL },
	{ "full.test",     DNS_A,     DNS_FOUND,    false, "192.0.2.11 192.0.2.12 192.0.2.13 192.0.2.14 "
							   "192.0.2.15 192.0.2.16 192.0.2.17 192.0.2.18 192.0.2.19 "
							   "192.0.2.20 192.0.2.21 192.0.2.22", NULL },
	{ "full.test",     DNS_AAAA,  DNS_FOUND,    false, "2001:db8::11", NULL },
	{ "six.test",      DNS_MX,    DNS_FOUND,    false, "1:h1.test 2:h2.test 3:h3.test 4:h4.test 5:h5.test 6:c.test", NULL },
};
/* clang-format on */

static void answer_of(const struct zone_row *row, struct dns_answer *a, struct dns_row *rows,
	unsigned char addresses[16][16])
{
	struct str rest = str_c(row->data);

	*a = (struct dns_answer){ .outcome = row->outcome,
		.secure = row->secure,
		.aliases = row->alias != NULL,
		.name = str_c(row->alias != NULL ? row->alias : row->name),
		.rows = rows };
	while (rest.n > 0) {
		struct str word = str_cut(&rest, ' ');
		struct dns_row *r = &rows[a->count];
		uint64_t preference = 0;

		*r = (struct dns_row){ .data = word };
		if (row->type == DNS_MX) {
			assert_true(str_u64(str_cut(&word, ':'), &preference));
			r->preference = (uint16_t)preference;
			r->data = word;
		} else if (row->type != DNS_CNAME) {
			assert_true(cidr_address(word, addresses[a->count]));
			r->data = row->type == DNS_AAAA ? str_of(addresses[a->count], 16)
							: str_of(addresses[a->count] + 12, 4);
		}
		a->count++;
	}
}

static size_t questions;

static void answer(struct nexthop *n, const struct nexthop_question *q)
{
	static const struct zone_row none = { "", DNS_A, DNS_NXDOMAIN, true, "", NULL };
	const struct zone_row *row = &none;
	unsigned char addresses[16][16];
	struct dns_row rows[16];
	struct dns_answer a;

	questions++;
	for (size_t i = 0; i < sizeof zone / sizeof *zone; i++)
		if (str_eq(str_c(zone[i].name), str_c(q->name)) && zone[i].type == q->type)
			row = &zone[i];
	answer_of(row, &a, rows, addresses);
	nexthop_answer(n, q->number, &a);
}

/* backwards: the last question is answered first. */
static void resolve(struct nexthop *n, bool backwards)
{
	struct nexthop_question open[NEXTHOP_ANSWERS_MAX];
	size_t count = 0;

	while (nexthop_result(n) == ST_MORE) {
		while (nexthop_ask(n, &open[count]))
			count++;
		assert_true(count > 0);
		answer(n, &open[backwards ? count - 1 : 0]);
		count--;
		if (!backwards)
			memmove(open, open + 1, count * sizeof *open);
	}
	assert_false(nexthop_ask(n, &open[0]));
}

static const struct str own_names[] = { STR_INIT("us.test"), STR_INIT("mail.test") };
static struct cidr_set own, never;

static struct nexthop *next(enum nexthop_kind kind, struct str name, uint64_t seed)
{
	const struct nexthop_config config = {
		.own_names = own_names, .own_name_count = 2, .own_addresses = &own, .never = &never
	};

	return nexthop_new(&config, kind, name, 25, seed);
}

/* "a.test 192.0.2.1, b.test 192.0.2.2" or "550 5.1.2". */
static void describe(const struct nexthop *n, struct buf *to)
{
	size_t count;
	const struct nexthop_target *t = nexthop_targets(n, &count);

	if (nexthop_result(n) != ST_OK) {
		const struct nexthop_failure *f = nexthop_failure(n);

		assert_int_equal(count, 0);
		assert_true(nexthop_result(n) == (f->code < 500 ? ST_TEMP : ST_PERM));
		assert_true(f->text[0] != '\0');
		buf_printf(to, "%d %s", f->code, f->status);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct cidr one = cidr_of(t[i].address, 128);
		char text[CIDR_TEXT];

		cidr_text(&one, text);
		assert_int_equal(t[i].port, 25);
		buf_printf(to, "%s%s %s", i > 0 ? ", " : "", t[i].host->name, text);
	}
}

static void ways(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		enum nexthop_kind kind;
		const char *domain, *way;
	} rows[] = {
		{ "by preference, both families",    NEXTHOP_MX, "Two.Test.", "a.test 2001:db8::1, a.test 192.0.2.1, b.test 192.0.2.2" },
		{ "no MX: the domain itself",        NEXTHOP_MX, "bare.test", "bare.test 192.0.2.9" },
		{ "null MX",                         NEXTHOP_MX, "null.test", "556 5.1.10" },
		{ "a root among others is no host",  NEXTHOP_MX, "nullish.test", "a.test 2001:db8::1, a.test 192.0.2.1" },
		{ "no such domain",                  NEXTHOP_MX, "gone.test", "550 5.1.2" },
		{ "MX whose host is not there",      NEXTHOP_MX, "empty.test", "550 5.4.4" },
		{ "MX whose hosts are no names",     NEXTHOP_MX, "literal.test", "550 5.4.4" },
		{ "MX cannot be had",                NEXTHOP_MX, "slow.test", "451 4.4.3" },
		{ "MX bogus",                        NEXTHOP_MX, "forged.test", "451 4.7.5" },
		{ "one host cannot be had",          NEXTHOP_MX, "half.test", "b.test 192.0.2.2" },
		{ "the only host cannot be had",     NEXTHOP_MX, "slowest.test", "451 4.4.3" },
		{ "the only host is bogus",          NEXTHOP_MX, "forgedmx.test", "451 4.7.5" },
		{ "AAAA cannot be had, A can",       NEXTHOP_HOST, "a4.test", "a4.test 192.0.2.4" },
		{ "we are the backup",               NEXTHOP_MX, "backup.test", "a.test 2001:db8::1, a.test 192.0.2.1" },
		{ "we are the best",                 NEXTHOP_MX, "ours.test", "550 5.4.6" },
		{ "we are the domain",               NEXTHOP_MX, "mail.test", "550 5.4.6" },
		{ "we by address",                   NEXTHOP_MX, "byaddr.test", "a.test 2001:db8::1, a.test 192.0.2.1" },
		{ "we by address, nobody better",    NEXTHOP_MX, "all.test", "550 5.4.6" },
		{ "who is better is away now",       NEXTHOP_MX, "slowus.test", "451 4.4.3" },
		{ "loopback is nobody's mail host",  NEXTHOP_MX, "lo.test", "550 5.4.4" },
		{ "loopback beside another",         NEXTHOP_MX, "lob.test", "b.test 192.0.2.2" },
		{ "a host twice",                    NEXTHOP_MX, "twice.test", "b.test 192.0.2.2" },
		{ "U-label",                         NEXTHOP_MX, "B\xc3\xbc" "cher.test", "b.test 192.0.2.2" },
		{ "bad UTF-8",                       NEXTHOP_MX, "b\xc3.test", "550 5.1.2" },
		{ "no domain",                       NEXTHOP_MX, "a..test", "550 5.1.2" },
		{ "nothing",                         NEXTHOP_MX, "", "550 5.1.2" },
		{ "only a dot",                      NEXTHOP_MX, ".", "550 5.1.2" },
		{ "a line end in it",                NEXTHOP_MX, "a.test\r\n", "550 5.1.2" },
		{ "literal",                         NEXTHOP_MX, "[192.0.2.50]", "192.0.2.50 192.0.2.50" },
		{ "IPv6 literal",                    NEXTHOP_MX, "[IPv6:2001:db8::5]", "2001:db8::5 2001:db8::5" },
		{ "literal that is us",              NEXTHOP_MX, "[192.0.2.77]", "550 5.4.6" },
		{ "literal of the loopback",         NEXTHOP_MX, "[127.0.0.1]", "550 5.4.4" },
		{ "mapped literal of the loopback",  NEXTHOP_MX, "[IPv6:::ffff:127.0.0.1]", "550 5.4.4" },
		{ "no literal",                      NEXTHOP_MX, "[192.0.2]", "550 5.1.2" },
		{ "a bare address is no domain",     NEXTHOP_MX, "192.0.2.50", "550 5.1.2" },
		{ "relay: a host",                   NEXTHOP_HOST, "two.test", "451 4.4.4" },
		{ "relay: an address",               NEXTHOP_HOST, "127.0.0.1", "127.0.0.1 127.0.0.1" },
		{ "relay: an IPv6 address",          NEXTHOP_HOST, "::1", "::1 ::1" },
		{ "relay: in brackets",              NEXTHOP_HOST, "[::1]", "::1 ::1" },
		{ "relay: cannot be had",            NEXTHOP_HOST, "slowhost.test", "451 4.4.3" },
		{ "relay: no name",                  NEXTHOP_HOST, "no name", "451 4.4.4" },
		{ "hosts after the fifth",           NEXTHOP_MX, "six.test", "451 4.4.4" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		size_t at = i / 2;
		struct nexthop *n = next(rows[at].kind, str_c(rows[at].domain), i);
		struct buf way = { 0 };

		resolve(n, i % 2 != 0);
		describe(n, &way);
		if (!str_eq(buf_str(&way), str_c(rows[at].way)))
			fail_msg("%s: %.*s", rows[at].name, STR_ARG(buf_str(&way)));
		buf_deinit(&way);
		nexthop_free(n);
	}
}

static void facts(void **state)
{
	struct nexthop *n = next(NEXTHOP_MX, STR("Alias.test"), 1);
	const struct nexthop_target *t;
	size_t count;

	(void)state;
	resolve(n, false);
	assert_string_equal(nexthop_facts(n)->domain, "alias.test");
	assert_string_equal(nexthop_facts(n)->expanded, "two.test");
	assert_true(nexthop_facts(n)->has_mx && nexthop_facts(n)->mx_secure);
	nexthop_free(n);

	n = next(NEXTHOP_MX, STR("bare.test"), 1);
	resolve(n, false);
	assert_string_equal(nexthop_facts(n)->expanded, "bare.test");
	assert_false(nexthop_facts(n)->has_mx);
	assert_true(nexthop_facts(n)->mx_secure);
	nexthop_free(n);

	n = next(NEXTHOP_MX, STR("backup.test"), 1);
	resolve(n, false);
	assert_false(nexthop_facts(n)->mx_secure);
	nexthop_free(n);

	n = next(NEXTHOP_MX, STR("[192.0.2.1]"), 1);
	t = nexthop_targets(n, &count);
	assert_true(t->host->literal && !t->host->is_signed);
	nexthop_free(n);
}

/* RFC 7672 2.2.2: where TLSA records may be, and at which names. */
static void signed_hosts(void **state)
{
	struct nexthop *n = next(NEXTHOP_MX, STR("aliases.test"), 1);
	const struct nexthop_target *t;
	size_t count;

	(void)state;
	resolve(n, true);
	t = nexthop_targets(n, &count);
	assert_int_equal(count, 3);
	/* The whole chain is secure: the expanded name first. */
	assert_true(t[0].host->is_signed);
	assert_string_equal(t[0].host->base, "a.test");
	/* Only the alias itself is: its own name. */
	assert_true(t[1].host->is_signed);
	assert_null(t[1].host->base);
	assert_false(t[2].host->is_signed);
	assert_null(t[2].host->base);
	nexthop_free(n);

	n = next(NEXTHOP_MX, STR("two.test"), 1);
	resolve(n, false);
	t = nexthop_targets(n, &count);
	assert_true(t[0].host->is_signed);
	assert_null(t[0].host->base);
	assert_false(t[2].host->is_signed);
	nexthop_free(n);
}

static void limits(void **state)
{
	const struct nexthop_config six = { .hosts_max = 6 },
				    most = { .hosts_max = 1000, .targets_max = 1000 };
	struct nexthop *n = next(NEXTHOP_MX, STR("many.test"), 1);
	const struct nexthop_target *t;
	size_t count;

	(void)state;
	resolve(n, false);
	t = nexthop_targets(n, &count);
	/* Half of the ten, then the next host; the one IPv6 address is among the first. */
	assert_int_equal(count, 6);
	assert_false(cidr_is_v4(t[0].address));
	assert_true(cidr_is_v4(t[1].address));
	assert_string_equal(t[5].host->name, "c.test");
	nexthop_free(n);

	questions = 0;
	n = next(NEXTHOP_MX, STR("six.test"), 1);
	resolve(n, false);
	assert_int_equal(questions, 1 + 5 * 2);
	nexthop_free(n);

	n = nexthop_new(&six, NEXTHOP_MX, STR("six.test"), 25, 1);
	resolve(n, false);
	assert_int_equal(nexthop_result(n), ST_OK);
	nexthop_free(n);

	n = nexthop_new(&most, NEXTHOP_MX, STR("many.test"), 25, 1);
	resolve(n, false);
	(void)nexthop_targets(n, &count);
	assert_int_equal(count, 14);
	nexthop_free(n);
}

/* RFC 5321 5.1: equal preference, any order, each in turn the first. */
static void mixes_equals(void **state)
{
	size_t first[3] = { 0 };

	(void)state;
	for (uint64_t seed = 0; seed < 3000; seed++) {
		struct nexthop *n = next(NEXTHOP_MX, STR("equal.test"), seed << 32);
		const struct nexthop_target *t;
		size_t count;

		resolve(n, false);
		t = nexthop_targets(n, &count);
		assert_int_equal(count, 5);
		assert_string_equal(t[4].host->name, "a4.test");
		first[t[0].host->name[0] - 'a']++;
		nexthop_free(n);
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(first[i], 850, 1150);
}

/* Answers nobody asked for change nothing. */
static void stray_answers(void **state)
{
	struct nexthop *n = next(NEXTHOP_MX, STR("two.test"), 1);
	const struct dns_answer none = { .outcome = DNS_NXDOMAIN };

	(void)state;
	nexthop_answer(n, 0, &none);
	nexthop_answer(n, 1, &none);
	nexthop_answer(n, NEXTHOP_ANSWERS_MAX, &none);
	assert_int_equal(nexthop_result(n), ST_MORE);
	resolve(n, false);
	nexthop_answer(n, 0, &none);
	assert_int_equal(nexthop_result(n), ST_OK);
	nexthop_free(n);
}

static int set_up(void **state)
{
	struct str bad;

	(void)state;
	return cidr_set_parse(&own, STR("192.0.2.77 2001:db8::77"), &bad) &&
			       cidr_set_parse(&never, STR("0.0.0.0/8 127.0.0.0/8 ::1"), &bad)
		       ? 0
		       : 1;
}

static int tear_down(void **state)
{
	(void)state;
	cidr_set_free(&own);
	cidr_set_free(&never);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ways),
		cmocka_unit_test(facts),
		cmocka_unit_test(signed_hosts),
		cmocka_unit_test(limits),
		cmocka_unit_test(mixes_equals),
		cmocka_unit_test(stray_answers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
