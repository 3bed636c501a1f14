#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account/directory.h"
#include "account/suppression.h"
#include "base/clock.h"

#define LEN(a) (sizeof(a) / sizeof *(a))

static char folder[64], path[96];
static const struct credentials nothing = { .hash = "!" };

/* A directory with the domains example.org, muenchen.example in its U-label form, and second.example. */
static int open_office(void **state)
{
	struct err err = { 0 };
	struct directory *d;

	snprintf(folder, sizeof folder, "/tmp/restante-account-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/directory.db", folder);
	d = directory_open(path, &err);
	assert_non_null(d);
	assert_int_equal(directory_domain_add(d, STR("Example.ORG."), NULL), ST_OK);
	assert_int_equal(directory_domain_add(d, STR("m\303\274nchen.example"), NULL), ST_OK);
	assert_int_equal(directory_domain_add(d, STR("second.example"), NULL), ST_OK);
	*state = d;
	return 0;
}

static int close_office(void **state)
{
	static const char *const endings[] = { "", "-wal", "-shm", "-journal" };
	char name[128];

	directory_close(*state);
	for (size_t i = 0; i < LEN(endings); i++) {
		snprintf(name, sizeof name, "%s%s", path, endings[i]);
		unlink(name);
	}
	return rmdir(folder);
}

static uint64_t add(struct directory *d, const char *address)
{
	struct err err = { 0 };
	uint64_t id = 0;

	if (account_add(d, str_c(address), &nothing, &id, &err) != ST_OK)
		fail_msg("%s: %s", address, err.text);
	return id;
}

static enum status alias1(struct directory *d, const char *alias, const char *target)
{
	struct str t = str_c(target);

	return alias_add(d, str_c(alias), &t, 1, NULL);
}

/* The only maildrop of address, or 0. */
static uint64_t one(struct directory *d, const char *address)
{
	struct maildrops m = { 0 };
	enum resolved r = directory_resolve(d, str_c(address), &m);
	uint64_t id = r == RESOLVED && m.count == 1 ? m.ids[0] : 0;

	maildrops_free(&m);
	return id;
}

static enum resolved how(struct directory *d, struct str address)
{
	struct maildrops m = { 0 };
	enum resolved r = directory_resolve(d, address, &m);

	assert_true((r == RESOLVED) == (m.count > 0));
	maildrops_free(&m);
	return r;
}

static void canonical_forms(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str in, out; /* out empty: refused */
	} rows[] = {
		{ "plain",              STR_INIT("bob@example.org"),             STR_INIT("bob@example.org") },
		{ "case",               STR_INIT("Bob@EXAMPLE.Org"),             STR_INIT("bob@example.org") },
		{ "trailing dot",       STR_INIT("bob@example.org."),            STR_INIT("bob@example.org") },
		{ "quoted",             STR_INIT("\"Bob\"@example.org"),         STR_INIT("bob@example.org") },
		{ "quoted pair",        STR_INIT("\"b\\ob\"@example.org"),       STR_INIT("bob@example.org") },
		{ "quoted at",          STR_INIT("\"a@b\"@example.org"),         STR_INIT("a@b@example.org") },
		{ "quoted quote",       STR_INIT("\"a\\\"b\"@example.org"),      STR_INIT("a\"b@example.org") },
		{ "u-label",            STR_INIT("bob@M\303\234nchen.example"),  STR_INIT("bob@xn--mnchen-3ya.example") },
		{ "a-label",            STR_INIT("bob@XN--MNCHEN-3YA.example"),  STR_INIT("bob@xn--mnchen-3ya.example") },
		{ "u-label in NFD",     STR_INIT("bob@mu\314\210nchen.example"), STR_INIT("bob@xn--mnchen-3ya.example") },
		{ "ideographic dot",    STR_INIT("bob@example\343\200\202org"),  STR_INIT("bob@example.org") },
		{ "sharp s stays",      STR_INIT("bob@stra\303\237e.example"),   STR_INIT("bob@xn--strae-oqa.example") },
		{ "local part in NFD",  STR_INIT("Jose\314\201@example.org"),    STR_INIT("jos\303\251@example.org") },
		{ "local part upper",   STR_INIT("JOS\303\211@example.org"),     STR_INIT("jos\303\251@example.org") },
		{ "literal",            STR_INIT("bob@[127.0.0.1]"),             STR_INIT("bob@[127.0.0.1]") },
		{ "literal IPv6",       STR_INIT("bob@[IPv6:::1]"),              STR_INIT("bob@[ipv6:::1]") },
		{ "empty",              STR_INIT(""),                            STR_INIT("") },
		{ "no domain",          STR_INIT("bob"),                         STR_INIT("") },
		{ "empty domain",       STR_INIT("bob@"),                        STR_INIT("") },
		{ "empty local part",   STR_INIT("@example.org"),                STR_INIT("") },
		{ "empty quotes",       STR_INIT("\"\"@example.org"),            STR_INIT("") },
		{ "only a dot",         STR_INIT("bob@."),                       STR_INIT("") },
		{ "two dots",           STR_INIT("bob@example..org"),            STR_INIT("") },
		{ "two dots at end",    STR_INIT("bob@example.org.."),           STR_INIT("") },
		{ "leading dot",        STR_INIT("bob@.example.org"),            STR_INIT("") },
		{ "hyphen first",       STR_INIT("bob@-example.org"),            STR_INIT("") },
		{ "underscore",         STR_INIT("bob@exam_ple.org"),            STR_INIT("") },
		{ "space in domain",    STR_INIT("bob@example.org "),            STR_INIT("") },
		{ "NUL in domain",      STR_INIT("bob@example.org\0.evil"),      STR_INIT("") },
		{ "NUL in local part",  STR_INIT("bob\0@example.org"),           STR_INIT("") },
		{ "CR LF",              STR_INIT("bob\r\n@example.org"),         STR_INIT("") },
		{ "two ats",            STR_INIT("a@b@example.org"),             STR_INIT("") },
		{ "source route",       STR_INIT("@a,@b:bob@example.org"),       STR_INIT("") },
		{ "quote open",         STR_INIT("\"bob@example.org"),           STR_INIT("") },
		{ "quote in between",   STR_INIT("b\"o\"b@example.org"),         STR_INIT("") },
		{ "text after quote",   STR_INIT("\"b\"ob@example.org"),         STR_INIT("") },
		{ "backslash at end",   STR_INIT("\"bob\\"),                     STR_INIT("") },
		{ "full-width at",      STR_INIT("bob@evil\357\274\240us.org"),  STR_INIT("") },
		{ "full-width percent", STR_INIT("bob@a\357\274\205b.org"),      STR_INIT("") },
		{ "invalid UTF-8",      STR_INIT("b\377b@example.org"),          STR_INIT("") },
		{ "overlong UTF-8",     STR_INIT("b\300\257b@example.org"),      STR_INIT("") },
		{ "surrogate",          STR_INIT("b\355\240\200@example.org"),   STR_INIT("") },
		{ "invalid in domain",  STR_INIT("bob@ex\377mple.org"),          STR_INIT("") },
		{ "open literal",       STR_INIT("bob@[127.0.0.1"),              STR_INIT("") },
		{ "strange literal",    STR_INIT("bob@[a@b]"),                   STR_INIT("") },
	};
	/* clang-format on */
	struct canonical c;

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		bool ok = canonical_address(rows[i].in, &c);

		if (ok != (rows[i].out.n > 0) || (ok && !str_eq(canonical_str(&c), rows[i].out)))
			fail_msg("row: %s", rows[i].name);
		/* The canonical form of a canonical form is itself, where it needs no quotes. */
		if (ok && str_find(canonical_local(&c), '@') == c.local_n &&
			str_find(canonical_local(&c), '"') == c.local_n) {
			assert_true(canonical_address(rows[i].out, &c));
			assert_true(str_eq(canonical_str(&c), rows[i].out));
		}
	}
}

static void lengths(void **state)
{
	char text[1000];
	struct canonical c;

	(void)state;
	memset(text, 'a', sizeof text);
	for (size_t local = 0; local < 700; local++) {
		memcpy(text + local, "@example.org", 12);
		assert_int_equal(canonical_address(str_of(text, local + 12), &c),
			local > 0 && local + 12 <= ADDRESS_MAX);
		text[local] = 'a';
		memset(text + local, 'a', 12);
	}
	/* 63 octets a label, 253 together */
	for (size_t label = 1; label < 80; label++) {
		memcpy(text, "a@", 2);
		memset(text + 2, 'a', label);
		memcpy(text + 2 + label, ".example", 8);
		assert_int_equal(canonical_address(str_of(text, 2 + label + 8), &c), label <= 63);
	}
}

static void names_for_accounts(void **state)
{
	static char long_name[300];
	struct directory *d = *state;
	/* clang-format off */
	const struct {
		const char *name;
		struct str address;
		enum status status;
	} rows[] = {
		{ "plain",             STR("bob@example.org"),                ST_OK       },
		{ "again",             STR("BOB@example.org."),               ST_EXISTS   },
		{ "quoted twin",       STR("\"bob\"@example.org"),            ST_EXISTS   },
		{ "dots and dashes",   STR("b.o-b_1@example.org"),            ST_OK       },
		{ "apostrophe",        STR("o'brien@example.org"),            ST_OK       },
		{ "64 octets",         STR("a123456789012345678901234567890123456789012345678901234567890123@example.org"), ST_OK },
		{ "65 octets",         STR("a1234567890123456789012345678901234567890123456789012345678901234@example.org"), ST_USAGE },
		{ "other script",      STR("\316\261\316\262\316\263@example.org"), ST_OK },
		{ "upper twin",        STR("\316\221\316\222\316\223@example.org"), ST_EXISTS },
		{ "U-label domain",    STR("bob@M\303\274nchen.example"),     ST_OK       },
		{ "A-label twin",      STR("bob@xn--mnchen-3ya.example"),     ST_EXISTS   },
		{ "con",               STR("con@example.org"),                ST_OK       },
		{ "foreign domain",    STR("bob@elsewhere.example"),          ST_NOTFOUND },
		{ "literal",           STR("bob@[127.0.0.1]"),                ST_NOTFOUND },
		{ "subdomain",         STR("bob@mx.example.org"),             ST_NOTFOUND },
		{ "path",              STR("../x@example.org"),               ST_USAGE    },
		{ "slash",             STR("a/b@example.org"),                ST_USAGE    },
		{ "dot",               STR(".@example.org"),                  ST_USAGE    },
		{ "two dots",          STR("a..b@example.org"),               ST_USAGE    },
		{ "dot first",         STR(".bob@example.org"),               ST_USAGE    },
		{ "dot last",          STR("bob.@example.org"),               ST_USAGE    },
		{ "option",            STR("-rf@example.org"),                ST_USAGE    },
		{ "empty",             STR(""),                               ST_USAGE    },
		{ "no local part",     STR("@example.org"),                   ST_USAGE    },
		{ "no domain",         STR("bob"),                            ST_USAGE    },
		{ "tag",               STR("bob+tag@example.org"),            ST_USAGE    },
		{ "300 octets",        str_of(long_name, sizeof long_name),   ST_USAGE    },
		{ "NUL",               STR("b\0b@example.org"),               ST_USAGE    },
		{ "NUL at the end",    STR("alice@example.org\0"),            ST_USAGE    },
		{ "tick",              STR("o`b@example.org"),                ST_USAGE    },
		{ "SQL",               STR("x'; DROP TABLE account; --@example.org"), ST_USAGE },
		{ "double quote",      STR("\"o\\\"b\"@example.org"),         ST_USAGE    },
		{ "space in quotes",   STR("\"o b\"@example.org"),            ST_USAGE    },
		{ "parenthesis",       STR("b(o)b@example.org"),              ST_USAGE    },
		{ "percent",           STR("a%b@example.org"),                ST_USAGE    },
		{ "bang",              STR("a!b@example.org"),                ST_USAGE    },
		{ "at in quotes",      STR("\"a@b\"@example.org"),            ST_USAGE    },
		{ "variable",          STR("${x}@example.org"),               ST_USAGE    },
		{ "glob",              STR("*@example.org"),                  ST_USAGE    },
		{ "line end",          STR("bob2@example.org\n"),             ST_USAGE    },
		{ "full-width twin",   STR("\357\275\202ob@example.org"),     ST_USAGE    },
		{ "ligature",          STR("\357\254\201n@example.org"),      ST_USAGE    },
		{ "full-width at",     STR("a\357\274\240b@example.org"),     ST_USAGE    },
		{ "emoji",             STR("\360\237\230\200@example.org"),   ST_USAGE    },
		{ "right-to-left mark", STR("b\342\200\217b@example.org"),    ST_USAGE    },
		{ "zero-width joiner", STR("b\342\200\215b@example.org"),     ST_USAGE    },
		{ "invalid UTF-8",     STR("b\377b@example.org"),             ST_USAGE    },
	};
	/* clang-format on */

	memset(long_name, 'x', sizeof long_name);
	memcpy(long_name + sizeof long_name - 12, "@example.org", 12);
	for (size_t i = 0; i < LEN(rows); i++) {
		struct err err = { 0 };
		enum status s = account_add(d, rows[i].address, &nothing, NULL, &err);

		if (s != rows[i].status)
			fail_msg("row: %s: %d %s", rows[i].name, s, err.text);
		assert_int_equal(err.text[0] != '\0', s != ST_OK);
		assert_int_equal(str_find(str_c(err.text), '\n'), str_c(err.text).n);
		/* An alias obeys the same rule: nothing gets in by the other door. */
		if (s == ST_USAGE &&
			!str_eq(rows[i].address, STR("@example.org"))) /* a catch-all */
			assert_int_equal(alias_add(d, rows[i].address,
						 &(struct str){ "bob@example.org", 15 }, 1, NULL),
				s);
	}
	struct err err = { 0 };
	account_add(d, STR("bob@elsewhere.example"), &nothing, NULL, &err);
	assert_non_null(strstr(err.text, "elsewhere.example"));
}

static bool count_account(void *arg, const struct account *a)
{
	size_t *n = arg;

	assert_true(str_find(str_c(a->address), '@') > 0);
	return ++*n < 3;
}

static void account_life(void **state)
{
	struct directory *d = *state;
	uint64_t a = add(d, "a@example.org"), b = add(d, "b@example.org"), gone = 0;
	struct account x;
	struct err err = { 0 };
	size_t n = 0;

	assert_int_not_equal(a, 0);
	assert_int_not_equal(a, b);
	assert_int_equal(account_get(d, STR("A@Example.Org"), &x, NULL), ST_OK);
	assert_int_equal(x.id, a);
	assert_string_equal(x.address, "a@example.org");
	assert_false(x.disabled);
	assert_true(x.created_ms > 0 && x.created_ms <= clock_wall_ms());
	assert_int_equal(account_by_id(d, b, &x, NULL), ST_OK);
	assert_string_equal(x.address, "b@example.org");

	assert_int_equal(account_set_disabled(d, STR("a@example.org"), true, NULL), ST_OK);
	assert_int_equal(account_get(d, STR("a@example.org"), &x, NULL), ST_OK);
	assert_true(x.disabled);
	assert_int_equal(how(d, STR("a@example.org")), RESOLVED_DISABLED);
	assert_int_equal(account_set_disabled(d, STR("a@example.org"), false, NULL), ST_OK);
	assert_int_equal(one(d, "a@example.org"), a);

	assert_int_equal(account_del(d, STR("b@example.org"), &gone, NULL), ST_OK);
	assert_int_equal(gone, b);
	assert_int_equal(how(d, STR("b@example.org")), RESOLVED_NOWHERE);
	assert_true(add(d, "b@example.org") > b); /* a new person gets a new maildrop */
	assert_int_equal(account_by_id(d, b, &x, NULL), ST_NOTFOUND);

	assert_int_equal(account_del(d, STR("nobody@example.org"), &gone, &err), ST_NOTFOUND);
	assert_non_null(strstr(err.text, "nobody@example.org"));
	assert_int_equal(
		account_set_disabled(d, STR("nobody@example.org"), true, NULL), ST_NOTFOUND);
	assert_int_equal(
		account_set_password(d, STR("nobody@example.org"), &nothing, NULL), ST_NOTFOUND);
	assert_int_equal(account_get(d, STR("nobody@example.org"), &x, NULL), ST_NOTFOUND);

	add(d, "c@example.org");
	add(d, "d@example.org");
	assert_int_equal(account_each(d, STR(""), count_account, &n, NULL), ST_OK);
	assert_int_equal(n, 3); /* stopped by the callback */
}

static void alias_rules(void **state)
{
	struct directory *d = *state;
	struct str both[] = { STR("bob@example.org"), STR("eve@example.org") };
	uint64_t bob = add(d, "bob@example.org"), eve = add(d, "eve@example.org"), id;
	struct maildrops m = { 0 };
	struct err err = { 0 };

	assert_int_equal(alias_add(d, STR("Sales@Example.org"), both, 2, NULL), ST_OK);
	assert_int_equal(directory_resolve(d, STR("sales@example.org"), &m), RESOLVED);
	assert_int_equal(m.count, 2);
	/* The same people again, by other ways: no duplicates. */
	assert_int_equal(alias1(d, "all@example.org", "sales@example.org"), ST_OK);
	assert_int_equal(alias1(d, "all@example.org", "bob@example.org"), ST_OK);
	assert_int_equal(directory_resolve(d, STR("all@example.org"), &m), RESOLVED);
	assert_int_equal(directory_resolve(d, STR("bob@example.org"), &m), RESOLVED);
	assert_int_equal(m.count, 2);
	assert_true(m.ids[0] == bob && m.ids[1] == eve);
	maildrops_free(&m);

	/* names exclude each other */
	assert_int_equal(account_add(d, STR("sales@example.org"), &nothing, NULL, NULL), ST_EXISTS);
	assert_int_equal(alias1(d, "bob@example.org", "eve@example.org"), ST_EXISTS);
	/* targets exist, or are elsewhere */
	assert_int_equal(alias1(d, "x@example.org", "nobody@example.org"), ST_NOTFOUND);
	assert_int_equal(alias1(d, "out@example.org", "Bob@Elsewhere.example"), ST_OK);
	assert_int_equal(alias1(d, "mixed@example.org", "out@example.org"), ST_OK);
	assert_int_equal(alias1(d, "mixed@example.org", "bob@example.org"), ST_OK);
	for (int again = 0; again < 2; again++) {
		assert_int_equal(directory_resolve(d, STR("mixed@example.org"), &m), RESOLVED);
		assert_int_equal(m.count, 1);
		assert_int_equal(m.onward_count, 1);
		assert_true(str_eq(get_str(&(struct reader){ .rest = buf_str(&m.onward) }),
			STR("bob@elsewhere.example")));
		maildrops_free(&m);
	}
	assert_int_equal(directory_resolve(d, STR("out+tag@example.org"), &m), RESOLVED);
	assert_int_equal(m.count, 0);
	assert_int_equal(m.onward_count, 1);
	maildrops_free(&m);
	assert_int_equal(alias_del(d, STR("mixed@example.org"), NULL, 0, NULL), ST_OK);
	assert_int_equal(alias_del(d, STR("out@example.org"), NULL, 0, NULL), ST_OK);
	assert_int_equal(alias1(d, "x@example.org", "bob"), ST_USAGE);
	assert_int_equal(alias_add(d, STR("x@example.org"), both, 0, NULL), ST_USAGE);
	assert_int_equal(how(d, STR("x@example.org")), RESOLVED_NOWHERE); /* all of it or nothing */
	/* who is pointed at stays */
	assert_int_equal(account_del(d, STR("eve@example.org"), &id, &err), ST_PERM);
	assert_non_null(strstr(err.text, "sales@example.org"));
	err = (struct err){ 0 };
	assert_int_equal(alias_del(d, STR("sales@example.org"), NULL, 0, &err), ST_PERM);
	assert_non_null(strstr(err.text, "all@example.org"));
	assert_int_equal(alias_del(d, STR("sales@example.org"), both, 2, NULL), ST_PERM);
	/* a disabled member is passed over; only disabled ones: say so */
	assert_int_equal(account_set_disabled(d, STR("eve@example.org"), true, NULL), ST_OK);
	assert_int_equal(one(d, "sales@example.org"), bob);
	assert_int_equal(account_set_disabled(d, STR("bob@example.org"), true, NULL), ST_OK);
	assert_int_equal(how(d, STR("sales@example.org")), RESOLVED_DISABLED);
	assert_int_equal(account_set_disabled(d, STR("bob@example.org"), false, NULL), ST_OK);
	/* one target goes, then the alias */
	assert_int_equal(alias_del(d, STR("sales@example.org"), &both[1], 1, NULL), ST_OK);
	assert_int_equal(alias_del(d, STR("sales@example.org"), &both[1], 1, NULL), ST_NOTFOUND);
	assert_int_equal(account_del(d, STR("eve@example.org"), &id, NULL), ST_OK);
	assert_int_equal(alias_del(d, STR("all@example.org"), NULL, 0, NULL), ST_OK);
	assert_int_equal(alias_del(d, STR("all@example.org"), NULL, 0, NULL), ST_NOTFOUND);
	assert_int_equal(how(d, STR("all@example.org")), RESOLVED_NOWHERE);
	/* without its last target the alias is gone */
	assert_int_equal(alias_del(d, STR("sales@example.org"), &both[0], 1, NULL), ST_OK);
	assert_int_equal(how(d, STR("sales@example.org")), RESOLVED_NOWHERE);
	assert_int_not_equal(add(d, "sales@example.org"), 0);
}

static void alias_loops_and_depth(void **state)
{
	struct directory *d = *state;
	uint64_t bob = add(d, "bob@example.org");
	char name[32], target[32] = "bob@example.org";

	assert_int_equal(alias1(d, "a@example.org", "bob@example.org"), ST_OK);
	assert_int_equal(alias1(d, "a@example.org", "A@example.org."), ST_PERM);
	assert_int_equal(alias1(d, "b@example.org", "a@example.org"), ST_OK);
	assert_int_equal(alias1(d, "c@example.org", "b@example.org"), ST_OK);
	assert_int_equal(alias1(d, "a@example.org", "c@example.org"), ST_PERM);
	assert_int_equal(alias1(d, "a@example.org", "b@example.org"), ST_PERM);
	assert_int_equal(one(d, "c@example.org"), bob);

	for (int i = 1; i <= 17; i++) {
		snprintf(name, sizeof name, "l%d@example.org", i);
		assert_int_equal(alias1(d, name, target), i <= 16 ? ST_OK : ST_LIMIT);
		if (i <= 16)
			assert_int_equal(one(d, name), bob);
		memcpy(target, name, sizeof target);
	}
	/* From the lower end: l16 leads to l1, which must not get a longer tail. */
	assert_int_equal(alias1(d, "tail@example.org", "bob@example.org"), ST_OK);
	assert_int_equal(alias1(d, "l1@example.org", "tail@example.org"), ST_LIMIT);
	assert_int_equal(alias1(d, "l2@example.org", "tail@example.org"), ST_OK);
}

/* A ladder of 15 pairs has 2^15 ways down; it must cost no more than its rows. */
static void alias_ladder(void **state)
{
	struct directory *d = *state;
	struct str two[2];
	char names[2][32] = { "bob@example.org", "eve@example.org" }, alias[32];
	struct maildrops m = { 0 };

	add(d, names[0]);
	add(d, names[1]);
	for (int i = 1; i <= 15; i++) {
		two[0] = str_c(names[0]);
		two[1] = str_c(names[1]);
		for (int side = 0; side < 2; side++) {
			snprintf(alias, sizeof alias, "%c%d@example.org", 'p' + side, i);
			assert_int_equal(alias_add(d, str_c(alias), two, 2, NULL), ST_OK);
		}
		snprintf(names[0], sizeof names[0], "p%d@example.org", i);
		snprintf(names[1], sizeof names[1], "q%d@example.org", i);
	}
	assert_int_equal(directory_resolve(d, STR("p15@example.org"), &m), RESOLVED);
	assert_int_equal(m.count, 2);
	maildrops_free(&m);
}

/* Spellings that made open relays of others (Sendmail, Postfix, Exim, qmail, every decade again).  u and
 * postmaster live at example.org.  FOREIGN is refused to strangers by the session: 550 5.7.1. */
static void relay_table(void **state)
{
	struct directory *d = *state;
	/* clang-format off */
	static const struct {
		struct str recipient;
		enum resolved resolved;
	} rows[] = {
		{ STR_INIT("u@example.org"), RESOLVED },
		{ STR_INIT("U@EXAMPLE.ORG"), RESOLVED },
		{ STR_INIT("u@example.org."), RESOLVED },
		{ STR_INIT("\"u\"@example.org"), RESOLVED },
		{ STR_INIT("\"\\u\"@example.org"), RESOLVED },
		{ STR_INIT("u+tag@example.org"), RESOLVED },
		{ STR_INIT("u+@example.org"), RESOLVED },
		{ STR_INIT("u+a%evil.example@example.org"), RESOLVED },
		{ STR_INIT("\"u+a@evil.example\"@example.org"), RESOLVED },
		{ STR_INIT("u@m\303\274nchen.example"), RESOLVED },
		{ STR_INIT("u@xn--mnchen-3ya.example"), RESOLVED },
		{ STR_INIT("u@XN--Mnchen-3YA.Example."), RESOLVED },
		{ STR_INIT("u@example\357\274\216org"), RESOLVED },
		{ STR_INIT("u@\357\275\205xample.org"), RESOLVED },
		{ STR_INIT("postmaster"), RESOLVED },
		{ STR_INIT("PostMaster"), RESOLVED },
		{ STR_INIT("u@evil.example"), RESOLVED_FOREIGN },
		{ STR_INIT("u@evil.example."), RESOLVED_FOREIGN },
		{ STR_INIT("u@EVIL.EXAMPLE"), RESOLVED_FOREIGN },
		{ STR_INIT("u@mx.example.org"), RESOLVED_FOREIGN },
		{ STR_INIT("u@xexample.org"), RESOLVED_FOREIGN },
		{ STR_INIT("u@org"), RESOLVED_FOREIGN },
		{ STR_INIT("u@localhost"), RESOLVED_FOREIGN },
		{ STR_INIT("u@[127.0.0.1]"), RESOLVED_FOREIGN },
		{ STR_INIT("u@[IPv6:::1]"), RESOLVED_FOREIGN },
		{ STR_INIT("u@127.0.0.1"), RESOLVED_FOREIGN },
		{ STR_INIT("postmaster@evil.example"), RESOLVED_FOREIGN },
		{ STR_INIT("\"u@example.org\"@evil.example"), RESOLVED_FOREIGN },
		{ STR_INIT("u%example.org@evil.example"), RESOLVED_FOREIGN },
		{ STR_INIT("u@munchen.example"), RESOLVED_FOREIGN },
		{ STR_INIT("u@xn--example-.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u%evil.example@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u%evil.example"), RESOLVED_NOWHERE },
		{ STR_INIT("\"u%evil.example\"@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u@evil.example@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u@example.org@evil.example"), RESOLVED_NOWHERE },
		{ STR_INIT("u@evil.example%example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("\"u@evil.example\"@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("\"u@evil.example\""), RESOLVED_NOWHERE },
		{ STR_INIT("\"u\"@evil.example@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("@example.org:u@evil.example"), RESOLVED_NOWHERE },
		{ STR_INIT("@example.org,@b.example:u@evil.example"), RESOLVED_NOWHERE },
		{ STR_INIT("@evil.example:u@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("evil.example!u"), RESOLVED_NOWHERE },
		{ STR_INIT("evil.example!u@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("example.org!evil.example!u"), RESOLVED_NOWHERE },
		{ STR_INIT("\"evil.example!u\"@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u@evil.example!example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u:evil.example@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u@[127.0.0.1"), RESOLVED_NOWHERE },
		{ STR_INIT("u@[example.org]@evil.example"), RESOLVED_NOWHERE },
		{ STR_INIT("u@example.org.."), RESOLVED_NOWHERE },
		{ STR_INIT("u@.example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u@example.org\0"), RESOLVED_NOWHERE },
		{ STR_INIT("u\0@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u@example.org\0@evil.example"), RESOLVED_NOWHERE },
		{ STR_INIT("u@evil.example\0.example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u@example.org "), RESOLVED_NOWHERE },
		{ STR_INIT(" u@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u @example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u@example.org\r\n"), RESOLVED_NOWHERE },
		{ STR_INIT("u@example.org>,<u@evil.example"), RESOLVED_NOWHERE },
		{ STR_INIT("<u@example.org>"), RESOLVED_NOWHERE },
		{ STR_INIT("u@evil\357\274\240example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u\357\274\240evil.example@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("u\357\274\205evil.example@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("\357\275\225@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("+u@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("+@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("|/bin/sh@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("\"|/bin/sh\"@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("/etc/passwd@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT(":include:/etc/passwd@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("../u@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("%@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("_@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("\377@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("\"\"@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("@example.org"), RESOLVED_NOWHERE },
		{ STR_INIT("@"), RESOLVED_NOWHERE },
		{ STR_INIT("u@"), RESOLVED_NOWHERE },
		{ STR_INIT("u"), RESOLVED_NOWHERE },
		{ STR_INIT("\""), RESOLVED_NOWHERE },
		{ STR_INIT("\"\\"), RESOLVED_NOWHERE },
		{ STR_INIT(""), RESOLVED_NOWHERE },
		{ STR_INIT("postmaster@"), RESOLVED_NOWHERE },
		{ STR_INIT("postmaster%evil.example@example.org"), RESOLVED_NOWHERE },
	};
	/* clang-format on */

	add(d, "u@example.org");
	add(d, "u@m\303\274nchen.example");
	for (int pass = 0; pass < 2; pass++) /* again, from the cache */
		for (size_t i = 0; i < LEN(rows); i++) {
			enum resolved r = how(d, rows[i].recipient);

			if (r != rows[i].resolved)
				fail_msg("pass %d: %.*s: %d", pass, STR_ARG(rows[i].recipient), r);
		}
}

static void tags(void **state)
{
	struct directory *d = *state;
	uint64_t bob = add(d, "bob@example.org");

	assert_int_equal(alias1(d, "sales@example.org", "bob@example.org"), ST_OK);
	assert_int_equal(one(d, "Bob+News@example.org"), bob);
	assert_int_equal(one(d, "bob+a+b@example.org"), bob);
	assert_int_equal(one(d, "sales+x@example.org"), bob);
	assert_int_equal(one(d, "\"bob+x y\"@example.org"), bob);
	assert_int_equal(one(d, "bob+x@second.example"), 0);
	assert_int_equal(account_set_disabled(d, STR("bob@example.org"), true, NULL), ST_OK);
	assert_int_equal(how(d, STR("bob+x@example.org")), RESOLVED_DISABLED);
}

static void postmaster(void **state)
{
	struct directory *d = *state;
	uint64_t first, second, own;

	assert_int_equal(how(d, STR("postmaster")), RESOLVED_NOWHERE); /* nobody lives here yet */
	first = add(d, "first@example.org");
	second = add(d, "second@example.org");
	assert_int_equal(one(d, "postmaster"), first);
	assert_int_equal(one(d, "POSTMASTER@second.example"), first);
	assert_int_equal(account_set_disabled(d, STR("first@example.org"), true, NULL), ST_OK);
	assert_int_equal(one(d, "postmaster@example.org"), second);
	own = add(d, "postmaster@second.example");
	assert_int_equal(one(d, "postmaster@second.example"), own);
	assert_int_equal(one(d, "postmaster"), own);
	assert_int_equal(one(d, "postmaster@example.org"), second);
	assert_int_equal(alias1(d, "postmaster@example.org", "postmaster@second.example"), ST_OK);
	assert_int_equal(one(d, "postmaster@example.org"), own);
	assert_int_equal(one(d, "postmaster+x@example.org"), own);
	assert_int_equal(
		account_set_disabled(d, STR("postmaster@second.example"), true, NULL), ST_OK);
	assert_int_equal(one(d, "postmaster@second.example"), second);
}

static void sender_names(void **state)
{
	struct directory *d = *state;
	uint64_t bob = add(d, "bob@example.org"), eve = add(d, "eve@example.org");
	struct str both[] = { STR("bob@example.org"), STR("eve@example.org") };
	/* clang-format off */
	const struct {
		struct str address;
		bool bob, eve;
	} rows[] = {
		{ STR("bob@example.org"),       true,  false },
		{ STR("BOB+tag@example.org."),  true,  false },
		{ STR("\"bob\"@example.org"),   true,  false },
		{ STR("sales@example.org"),     true,  true  },
		{ STR("deep+x@example.org"),    true,  true  },
		{ STR("eve@example.org"),       false, true  },
		{ STR("nobody@example.org"),    false, false },
		{ STR("postmaster@example.org"), false, false },
		{ STR("bob@evil.example"),      false, false },
		{ STR("bob"),                   false, false },
		{ STR(""),                      false, false },
		{ STR("bob@example.org\0"),     false, false },
		{ STR("bob%x@example.org"),     false, false },
	};
	/* clang-format on */

	assert_int_equal(alias_add(d, STR("sales@example.org"), both, 2, NULL), ST_OK);
	assert_int_equal(alias1(d, "deep@example.org", "sales@example.org"), ST_OK);
	for (size_t i = 0; i < LEN(rows); i++)
		if (directory_may_send_as(d, bob, rows[i].address) != (enum said)rows[i].bob ||
			directory_may_send_as(d, eve, rows[i].address) != (enum said)rows[i].eve)
			fail_msg("row %zu", i);
}

static void domains(void **state)
{
	struct directory *d = *state;
	struct err err = { 0 };

	assert_int_equal(directory_is_local_domain(d, STR("EXAMPLE.org")), SAID_YES);
	assert_int_equal(directory_is_local_domain(d, STR("example.org.")), SAID_YES);
	assert_int_equal(directory_is_local_domain(d, STR("M\303\234NCHEN.example")), SAID_YES);
	assert_int_equal(directory_is_local_domain(d, STR("example.com")), SAID_NO);
	assert_int_equal(directory_is_local_domain(d, STR("a.example.org")), SAID_NO);
	assert_int_equal(directory_is_local_domain(d, STR("")), SAID_NO);
	assert_int_equal(directory_is_local_domain(d, STR("example.org\0")), SAID_NO);
	assert_int_equal(directory_domain_add(d, STR("EXAMPLE.org."), &err), ST_EXISTS);
	assert_int_equal(directory_domain_add(d, STR("not a domain"), NULL), ST_USAGE);
	assert_int_equal(directory_domain_add(d, STR("[127.0.0.1]"), NULL), ST_USAGE);
	assert_int_equal(directory_domain_add(d, STR("../etc"), NULL), ST_USAGE);
	assert_int_equal(directory_domain_add(d, STR(""), NULL), ST_USAGE);
}

/* Cached answers are right because there is only one who can change the file. */
static void two_handles(void **state)
{
	struct directory *d = *state;
	struct err err = { 0 };

	assert_null(directory_open(path, &err));
	assert_int_not_equal(err.code, ST_OK);
	assert_int_equal(how(d, STR("late@example.org")), RESOLVED_NOWHERE);
}

static void opened_again(void **state)
{
	struct directory *d = *state;
	uint64_t id = add(d, "bob@example.org");
	struct stat st;

	assert_int_equal(alias1(d, "sales@example.org", "bob@example.org"), ST_OK);
	directory_close(d);
	*state = d = directory_open(path, NULL);
	assert_non_null(d);
	assert_int_equal(one(d, "sales@example.org"), id);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void tamper(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Who asks once is told what cannot be answered; who stays does not begin. */
static void a_table_is_gone(void **state)
{
	struct directory *d;
	struct err err = { 0 };

	directory_close(*state);
	*state = NULL;
	tamper("DROP TABLE suppression");
	*state = d = directory_open(path, NULL);
	assert_non_null(d);
	for (int i = 0; i < 2; i++) {
		err = (struct err){ 0 };
		assert_int_equal(suppression_add(d, 1, STR("x@y.test"), 1, &err), ST_IO);
		assert_non_null(strstr(err.text, "no such table: suppression"));
	}
	assert_int_equal(suppression_has(d, 1, STR("x@y.test")), SAID_NOTHING);
	add(d, "bob@example.org");
	err = (struct err){ 0 };
	assert_int_equal(directory_prepare(d, &err), ST_IO);
	assert_non_null(strstr(err.text, "suppression"));
}

static void refused_files(void **state)
{
	static const char garbage[8192] = "this is no database";
	struct err err = { 0 };
	FILE *f;

	directory_close(*state);
	*state = NULL;
	tamper("PRAGMA user_version = 99");
	assert_null(directory_open(path, &err));
	assert_int_equal(err.code, ST_VERSION);
	assert_non_null(strstr(err.text, "newer"));
	tamper("PRAGMA user_version = 2; PRAGMA application_id = 7");
	err = (struct err){ 0 };
	assert_null(directory_open(path, &err));
	assert_int_equal(err.code, ST_CORRUPT);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(garbage, sizeof garbage, 1, f), 1);
	fclose(f);
	err = (struct err){ 0 };
	assert_null(directory_open(path, &err));
	assert_int_equal(err.code, ST_CORRUPT);
	err = (struct err){ 0 };
	assert_null(directory_open("/nonexistent/directory.db", &err));
	assert_int_equal(err.code, ST_IO);
}

/* Lost under our feet, the file is a temporary failure, never "no such user". */
static void unreadable_is_temporary(void **state)
{
	struct directory *d = *state;

	add(d, "bob@example.org");
	assert_int_equal(sqlite3_exec(d->db, "DROP TABLE account", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(how(d, STR("bob@example.org")), RESOLVED_TEMP);
	assert_int_equal(how(d, STR("nobody@example.org")), RESOLVED_TEMP);
	assert_int_equal(how(d, STR("postmaster")), RESOLVED_TEMP);
}

static void many_accounts(void **state)
{
	enum { MANY = 100000, LOOKUPS = 20000 };
	struct directory *d = *state;
	char sql[512], name[64];
	int64_t before, us;

	snprintf(sql, sizeof sql,
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
		" INSERT INTO account(address, created_ms, password_changed_ms, hash, "
		"scram_iterations,"
		" scram_salt, scram_stored_key, scram_server_key)"
		" SELECT 'user' || i || '@example.org', 0, 0, '!', 0, x'', x'', x'' FROM n",
		MANY);
	assert_int_equal(sqlite3_exec(d->db, sql, NULL, NULL, NULL), SQLITE_OK);
	before = clock_mono_ms();
	for (int i = 1; i <= LOOKUPS; i++) {
		snprintf(name, sizeof name, "user%d@example.org", i * (MANY / LOOKUPS));
		assert_int_not_equal(one(d, name), 0);
	}
	us = (clock_mono_ms() - before) * 1000 / LOOKUPS;
	print_message("%d lookups in %d accounts: %d us each\n", LOOKUPS, MANY, (int)us);
	assert_true(us < 2000); /* an index is used; bench/ measures */
	assert_int_equal(how(d, STR("user0@example.org")), RESOLVED_NOWHERE);
	assert_int_not_equal(add(d, "user0@example.org"), 0);
}

#define OFFICE_TEST(f) cmocka_unit_test_setup_teardown(f, open_office, close_office)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_forms),
		cmocka_unit_test(lengths),
		OFFICE_TEST(names_for_accounts),
		OFFICE_TEST(account_life),
		OFFICE_TEST(alias_rules),
		OFFICE_TEST(alias_loops_and_depth),
		OFFICE_TEST(alias_ladder),
		OFFICE_TEST(relay_table),
		OFFICE_TEST(tags),
		OFFICE_TEST(postmaster),
		OFFICE_TEST(sender_names),
		OFFICE_TEST(domains),
		OFFICE_TEST(two_handles),
		OFFICE_TEST(opened_again),
		OFFICE_TEST(refused_files),
		OFFICE_TEST(a_table_is_gone),
		OFFICE_TEST(unreadable_is_temporary),
		OFFICE_TEST(many_accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
