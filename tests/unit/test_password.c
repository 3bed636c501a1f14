#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "account/password.h"
#include "base/codec.h"

#define LEN(a) (sizeof(a) / sizeof *(a))

static bool verify(const char *hash, struct str password)
{
	struct buf b;
	bool ok;

	buf_init(&b, 0);
	ok = password_prepare(password, false, &b) && password_verify(hash, buf_str(&b));
	buf_wipe(&b);
	return ok;
}

static void own_hash(void **state)
{
	struct credentials a, b;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(password_make(STR("correct horse"), &a, &err), ST_OK);
	assert_int_equal(password_make(STR("correct horse"), &b, &err), ST_OK);
	assert_true(str_starts(str_c(a.hash), STR("$argon2id$v=19$m=32768,t=2,p=1$")));
	assert_true(verify(a.hash, STR("correct horse")));
	assert_false(verify(a.hash, STR("correct horsE")));
	assert_false(verify(a.hash, STR("correct horse ")));
	assert_int_equal(a.scram_iterations, SCRAM_ITERATIONS);
	assert_string_not_equal(a.hash, b.hash);
	assert_memory_not_equal(a.scram_salt, b.scram_salt, sizeof a.scram_salt);
	assert_memory_not_equal(a.scram_stored_key, b.scram_stored_key, SCRAM_KEY);
}

/* The same person at two keyboards (RFC 8265 4.2.2). */
static void normal_forms(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str set, typed;
		bool same;
	} rows[] = {
		{ "decomposed typed",   STR_INIT("caf\xc3\xa9"),        STR_INIT("cafe\xcc\x81"),       true  },
		{ "decomposed set",     STR_INIT("cafe\xcc\x81"),       STR_INIT("caf\xc3\xa9"),        true  },
		{ "no-break space",     STR_INIT("a b"),                STR_INIT("a\302\240b"), true  },
		{ "ideographic space",  STR_INIT("a\343\200\200b"),  STR_INIT("a b"),                true  },
		{ "case stays",         STR_INIT("Caf\xc3\xa9"),        STR_INIT("caf\xc3\xa9"),        false },
		{ "width stays",        STR_INIT("\357\274\241bc"),  STR_INIT("Abc"),                false },
		{ "long s is no s",     STR_INIT("\305\277alt"),     STR_INIT("salt"),               false },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct credentials c;

		assert_int_equal(password_make(rows[i].set, &c, NULL), ST_OK);
		if (verify(c.hash, rows[i].typed) != rows[i].same)
			fail_msg("row: %s", rows[i].name);
	}
}

static void refused_to_set(void **state)
{
	static char long_one[PASSWORD_MAX + 1];
	/* clang-format off */
	const struct {
		const char *name;
		struct str password;
	} rows[] = {
		{ "empty", STR("") },
		{ "NUL", STR("a\0b") },
		{ "line end", STR("secret\r\n") },
		{ "not UTF-8", STR("\xff\xfe") },
		{ "too long", str_of(long_one, sizeof long_one) },
	};
	/* clang-format on */

	(void)state;
	memset(long_one, 'x', sizeof long_one);
	for (size_t i = 0; i < LEN(rows); i++) {
		struct credentials c;
		struct err err = { 0 };

		if (password_make(rows[i].password, &c, &err) != ST_USAGE || err.text[0] == '\0')
			fail_msg("row: %s", rows[i].name);
		assert_int_equal(c.hash[0], '\0');
	}
	assert_int_equal(
		password_make(str_of(long_one, PASSWORD_MAX), &(struct credentials){ 0 }, NULL),
		ST_OK);
}

/* Hashes of other programs, all of "secret" except where the row says else. */
static void imported_hashes(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *hash;
		bool matches;
	} rows[] = {
		{ "sha512-crypt", "$6$restante$WMfh3BnAgncBhakBXr0Eav0R5NNaB5MS5jTNveV.MTmuou0aEo6py7PVJQfPoxsbik9.rlARSVSwNHLlGuiTE1", true },
		{ "sha256-crypt", "$5$restante$RYkshnm//Y.vQ60yBO8ks.0i4dMrBoW8OhNFEQZs9l8", true },
		{ "md5-crypt", "$1$restante$RMX80BuYdFiG1nChiDj2X1", true },
		{ "yescrypt", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$GmcwIgvdUC9qLWcKCi6gklUa1dM3ziD43YxYNURLKy0", true },
		{ "bcrypt", "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", true },
		{ "DES crypt", "abNANd1rDfiNc", true },
		{ "locked", "!", false },
		{ "locked with a hash", "!$6$restante$x", false },
		{ "no login", "*", false },
		{ "empty", "", false },
		{ "unknown method", "$99$salt$hash", false },
		{ "crypt's own error", "*0", false },
		{ "cut off", "$argon2id$v=19$m=32768,t=2,p=1$", false },
		{ "argon2 by name only", "$argon2id$", false },
		{ "plain text", "secret", false },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		if (verify(rows[i].hash, STR("secret")) != rows[i].matches)
			fail_msg("row: %s", rows[i].name);
		if (verify(rows[i].hash, STR("Secret")))
			fail_msg("row, wrong password: %s", rows[i].name);
	}
}

static void not_utf8_still_logs_in(void **state)
{
	(void)state;
	/* "s\xe4nger" in Latin-1, hashed by a program that did not ask. */
	assert_true(verify(
		"$5$restante$LSCyBAdkTp0.0FlQfdBdekUREMHTyUs19aTRJ9ekOx/", STR("s\xe4nger")));
	assert_false(verify(
		"$5$restante$LSCyBAdkTp0.0FlQfdBdekUREMHTyUs19aTRJ9ekOx/", STR("s\xc3\xa4nger")));
}

/* RFC 7677 3: the keys behind that exchange, for "pencil". */
static void scram_vector(void **state)
{
	struct credentials c = { .scram_iterations = 4096 };
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_true(base64_get(STR("W22ZaJ0SNY7soEsUEjb6gQ=="), &b));
	memcpy(c.scram_salt, b.data, sizeof c.scram_salt);
	assert_true(password_scram_keys(STR("pencil"), &c));
	buf_clear(&b);
	base64_put(&b, str_of(c.scram_stored_key, SCRAM_KEY));
	assert_true(str_eq(buf_str(&b), STR("WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=")));
	buf_clear(&b);
	base64_put(&b, str_of(c.scram_server_key, SCRAM_KEY));
	assert_true(str_eq(buf_str(&b), STR("wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")));
	buf_deinit(&b);
}

static void dummy_costs_the_same(void **state)
{
	struct credentials c;
	char dummy[256];
	struct str a, b;

	(void)state;
	password_dummy_hash(dummy);
	assert_int_equal(password_make(STR("x"), &c, NULL), ST_OK);
	a = str_c(dummy);
	b = str_c(c.hash);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, STR("$argon2id$v=19$m=32768,t=2,p=1$").n);
	assert_false(verify(dummy, STR("x")));
}

static void generated(void **state)
{
	char a[32], b[32];

	(void)state;
	password_generate(a);
	password_generate(b);
	assert_string_not_equal(a, b);
	assert_int_equal(str_c(a).n, 19);
	for (size_t i = 0; a[i] != '\0'; i++)
		assert_true(a[i] == '-'
				    ? i % 5 == 4
				    : str_find(STR("0123456789abcdefghjkmnpqrstvwxyz"), a[i]) < 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_hash),
		cmocka_unit_test(normal_forms),
		cmocka_unit_test(refused_to_set),
		cmocka_unit_test(imported_hashes),
		cmocka_unit_test(not_utf8_still_logs_in),
		cmocka_unit_test(scram_vector),
		cmocka_unit_test(dummy_costs_the_same),
		cmocka_unit_test(generated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
