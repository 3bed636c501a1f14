#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <time.h>

#include "base/mem.h"
#include "base/uidl.h"
#include "collide.h"

static void formats(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str format, out; /* out "": not made */
		bool ok;
	} rows[] = {
		{ "the id",                STR_INIT("%i"),          STR_INIT("00000000000000000000000001"), true },
		{ "Dovecot's default",     STR_INIT("%08Xu%08Xv"),  STR_INIT("0000002a4fd5a07c"), true },
		{ "Dovecot before 2",      STR_INIT("%v.%u"),       STR_INIT("1339400316.42"), true },
		{ "Courier 2",             STR_INIT("%v-%u"),       STR_INIT("1339400316-42"), true },
		{ "Courier 0",             STR_INIT("%f"),          STR_INIT("1339400316.M1P2.host"), true },
		{ "Cyrus",                 STR_INIT("%u"),          STR_INIT("42"), true },
		{ "without zeros: hex",    STR_INIT("%Xu"),         STR_INIT("2a"), true },
		{ "a literal percent",     STR_INIT("%%%u"),        STR_INIT("%42"), true },
		{ "a prefix",              STR_INIT("old-%04u"),    STR_INIT("old-0042"), true },
		{ "padded with blanks",    STR_INIT("%4u"),         STR_INIT(""), true },
		{ "longer than 70",        STR_INIT("%i%i%i"),      STR_INIT(""), true },
		{ "exactly 70",            STR_INIT("%070u"),
			STR_INIT("0000000000000000000000000000000000000000000000000000000000000000000042"), true },
		{ "the same for all",      STR_INIT("%v"),          STR_INIT("1339400316"), false },
		{ "empty",                 STR_INIT(""),            STR_INIT(""), false },
		{ "unknown variable",      STR_INIT("%u%z"),        STR_INIT(""), false },
		{ "percent at the end",    STR_INIT("%u%"),         STR_INIT(""), false },
		{ "width 71",              STR_INIT("%071u"),       STR_INIT(""), false },
		{ "width over everything", STR_INIT("%99999999999999999999u"), STR_INIT(""), false },
		{ "a blank",               STR_INIT("%u %v"),       STR_INIT(""), false },
		{ "a letter over 0x7e",    STR_INIT("%u\xc3\xbc"),  STR_INIT(""), false },
		{ "hex of an id",          STR_INIT("%Xi"),         STR_INIT(""), false },
	};
	/* clang-format on */
	static const struct uidl_facts facts = { .id.b[15] = 1,
		.uid = 42,
		.uidvalidity = 1339400316,
		.file = STR_INIT("1339400316.M1P2.host") };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = { 0 };
		bool made;

		buf_put(&out, STR("before"));
		made = uidl_make(rows[i].format, &facts, &out);
		if (uidl_format_ok(rows[i].format) != rows[i].ok || made != (rows[i].out.n > 0) ||
			!str_eq(str_from(buf_str(&out), 6), rows[i].out))
			fail_msg("%s: <%.*s>", rows[i].name, STR_ARG(buf_str(&out)));
		buf_deinit(&out);
	}
}

static void what_is_not_known_is_not_made_up(void **state)
{
	static const struct uidl_facts new_mail = { .id.b[15] = 1 };
	static const struct str formats[] = { STR_INIT("%u"), STR_INIT("%i-%v"), STR_INIT("%f") };
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_false(uidl_make(formats[i], &new_mail, &out));
	assert_int_equal(out.len, 0);
	buf_deinit(&out);
}

static void duplicates_go_by_their_ids(void **state)
{
	static const struct str uidls = STR_INIT("aabb00000000000000000000000006");
	struct maildrop_row rows[8] = { 0 };
	/* a stored one; its double; none; another; its double's double; the same text elsewhere; the id of
	 * the last row, which has none stored */
	static const struct {
		uint32_t at;
		uint16_t len, left;
	} spec[] = { { 0, 1, 1 }, { 1, 1, 0 }, { 0, 0, 0 }, { 2, 2, 2 }, { 2, 2, 0 }, { 2, 1, 1 },
		{ 0, 0, 0 }, { 4, 26, 0 } };

	(void)state;
	for (size_t i = 0; i < 8; i++)
		rows[i] = (struct maildrop_row){
			.id.b[15] = (unsigned char)i, .uidl_at = spec[i].at, .uidl_len = spec[i].len
		};
	uidl_unique(rows, 8, uidls);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(rows[i].uidl_len, spec[i].left);
}

static void a_million_rows(void **state)
{
	enum { COUNT = 1000000 };
	struct maildrop_row *rows = mem_zalloc(COUNT * sizeof *rows);
	size_t kept = 0;

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		memcpy(rows[i].id.b, &i, sizeof i);
		rows[i].uidl_len = i % 2 ? 3 : 0;
	}
	uidl_unique(rows, COUNT, STR("abc"));
	for (size_t i = 0; i < COUNT; i++)
		kept += rows[i].uidl_len > 0;
	assert_int_equal(kept, 1);
	free(rows);
}

/* UIDLs as a server would choose them whose mail is taken over. */
static void chosen_uidls(void **state)
{
	enum { COUNT = 1 << COLLIDE_STAGES };
	struct maildrop_row *rows = mem_zalloc(COUNT * sizeof *rows);
	char *uidls = mem_alloc((size_t)COUNT * COLLIDE_TEXT);
	struct collide c;
	clock_t before;

	(void)state;
	collide_make(&c, 14695981039346656037u, 1099511628211u);
	for (uint32_t i = 0; i < COUNT; i++) {
		collide_text(&c, i, uidls + (size_t)i * COLLIDE_TEXT);
		rows[i].uidl_at = i * COLLIDE_TEXT;
		rows[i].uidl_len = COLLIDE_TEXT;
	}
	before = clock();
	uidl_unique(rows, COUNT, str_of(uidls, (size_t)COUNT * COLLIDE_TEXT));
	/* Half a thousand million comparisons when they all fall together. */
	assert_true(clock() - before < 2 * CLOCKS_PER_SEC);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(rows[i].uidl_len, COLLIDE_TEXT);
	free(rows);
	free(uidls);
}

static int by_octets(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct msgid));
}

static void ids_when_the_clock_stands_still(void **state)
{
	enum { COUNT = 1000000 };
	struct msgid *ids = mem_array(NULL, COUNT, sizeof *ids);

	(void)state;
	for (size_t i = 0; i < COUNT; i++)
		ids[i] = msgid_new(1795000000000);
	qsort(ids, COUNT, sizeof *ids, by_octets);
	for (size_t i = 1; i < COUNT; i++)
		assert_int_not_equal(memcmp(&ids[i - 1], &ids[i], sizeof *ids), 0);
	free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(what_is_not_known_is_not_made_up),
		cmocka_unit_test(duplicates_go_by_their_ids),
		cmocka_unit_test(a_million_rows),
		cmocka_unit_test(chosen_uidls),
		cmocka_unit_test(ids_when_the_clock_stands_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
