#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "account/directory.h"
#include "account/password.h"
#include "account/sasl.h"
#include "account/scheme.h"

#define LEN(a) (sizeof(a) / sizeof *(a))
#define RIGHT  "correct horse"

/* Of "correct horse", by `doveadm -O pw -s SCHEME` of Dovecot 2.3.19.1 (Debian 12). */
static const struct vector {
	const char *name, *hash;
	bool scram; /* SCRAM works before the first login */
	bool kept;  /* without "{SCHEME}" */
} vectors[] = {
	{ "PLAIN", "{PLAIN}correct horse", true, false },
	{ "SSHA", "{SSHA}49c8d032WZyuVWEgY+iFPz7fcSGRt3vr", false, false },
	{ "SSHA256", "{SSHA256}uPZbXB4O0yEAdT8vKiweZcMcbkuF+i8fjZCx5avVHh1J+t3O", false, false },
	{ "SSHA512",
		"{SSHA512}MYP2gzBeMrLSP6jzx4YG4mBdOudUryHC/"
		"UV+cLj6zdNWNEU44WW5d6jzdmDkEwOkJPzDwSt0m+"
		"vs2b8/RLnduaUjVEU=",
		false, false },
	{ "SHA256", "{SHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7VjE=", false, false },
	{ "SHA512-CRYPT",
		"{SHA512-CRYPT}$6$l2/dSZ/"
		"vklfbhTJA$TVUaf.PI60mkfO1whIZt4JHCcQTO.VhZt6R9dKsr3XY45zGnJi."
		"Z2pigibqh5UA8os/bPXr9Hcw2HzIylQo7Q.",
		false, true },
	{ "SHA256-CRYPT",
		"{SHA256-CRYPT}$5$cxpJAiIFKO42qSub$VBWu7zTV8JAZKzKkYYUnHoS/GHL04yvUA9ukb/deWS8",
		false, true },
	{ "BLF-CRYPT", "{BLF-CRYPT}$2y$05$vnhrdegZEZvMOwOPIVSXBOWShfsSplrq3tpjIzuOMmaJVmZeWzYEe",
		false, true },
	{ "MD5-CRYPT", "{MD5-CRYPT}$1$jA6bh2CD$E9auoUu3pC5EBCfyrtR.q1", false, true },
	{ "ARGON2ID",
		"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$hK1o4ENQTx6c6C+p6cldHA$"
		"csbeBt9mNeL8WP/aUbTiNpMc7pCSb0NONV6t/lenbys",
		false, true },
	{ "ARGON2I",
		"{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$mYm15xZzdkBdcCKd4yWX7g$"
		"r9Eqb38tYxIlwHLhFM57r+gwZ4rDC+Qqpx2l4cc75qo",
		false, true },
	{ "SCRAM-SHA-256",
		"{SCRAM-SHA-256}4096,TaK05eNKTuOsNg4Ec98TNw==,"
		"RmEp4C/sLcyZ7SR2LkgVwd1G/HnsSrDe5r77W3Ypxq0=,"
		"z6VGXT8sHDlXrey1frrj7ooBXeeIZVG0yM0B4n8vBtM=",
		true, false },
	{ "CRYPT", "{CRYPT}$2y$05$eq.l4UiqOVUy6lWGY56E/uCBTAJzF/j.4D0/JwLtqEETSeKTKj1T.", false,
		true },
};

static void made_by_dovecot(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct err err = { 0 };
		struct credentials c;

		print_message("%s\n", v->name);
		assert_int_equal(scheme_import(str_c(v->hash), &c, &err), ST_OK);
		assert_int_equal(c.hash[0] != '{', v->kept);
		assert_int_equal(c.scram_iterations != 0, v->scram);
		assert_true(password_verify(c.hash, STR(RIGHT)));
		assert_false(password_verify(c.hash, STR("correct horsf")));
		assert_false(password_verify(c.hash, STR("")));
		assert_true(scheme_outdated(&c));
	}
}

/* The keys that came are the keys of that password. */
static void scram_keys_come_along(void **state)
{
	struct credentials c, made;

	(void)state;
	assert_int_equal(scheme_import(str_c(vectors[11].hash), &c, NULL), ST_OK);
	made = c;
	memset(made.scram_server_key, 0, sizeof made.scram_server_key);
	assert_true(password_scram_keys(STR(RIGHT), &made));
	assert_memory_equal(made.scram_server_key, c.scram_server_key, SCRAM_KEY);
	assert_memory_equal(made.scram_stored_key, c.scram_stored_key, SCRAM_KEY);
}

static void made_here(void **state)
{
	static const char *const names[] = { "PLAIN", "SHA", "SHA256", "SHA512", "SSHA", "ssha256",
		"{SSHA512}", "CRYPT", "MD5-CRYPT", "SHA256-CRYPT", "{SHA512-CRYPT}", "BLF-CRYPT",
		"ARGON2ID", "SCRAM-SHA-256" };

	(void)state;
	for (size_t i = 0; i < LEN(names); i++) {
		struct err err = { 0 };
		struct credentials c;

		print_message("%s\n", names[i]);
		assert_int_equal(scheme_make(str_c(names[i]), STR(RIGHT), &c, &err), ST_OK);
		assert_true(password_verify(c.hash, STR(RIGHT)));
		assert_false(password_verify(c.hash, STR("Correct horse")));
		assert_int_not_equal(c.scram_iterations, 0);
		assert_int_equal(scheme_outdated(&c), !str_eq(str_c(names[i]), STR("ARGON2ID")));
	}
}

static void refused(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str text;
	} rows[] = {
		{ "no such scheme",         STR_INIT("{ROT13}abc") },
		{ "no scheme",              STR_INIT("{}abc") },
		{ "brace not closed",       STR_INIT("{PLAIN") },
		{ "no password",            STR_INIT("{PLAIN}") },
		{ "other scheme's data",    STR_INIT("{SHA512-CRYPT}$5$cxpJAiIFKO42qSub$VBWu7zTV8JAZ") },
		{ "locked",                 STR_INIT("{CRYPT}*") },
		{ "locked, shadow",         STR_INIT("{CRYPT}!$6$l2/dSZ/vklfbhTJA$TVUaf") },
		{ "not base64",             STR_INIT("{SHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7Vj??") },
		{ "too short a digest",     STR_INIT("{SHA256}QQTTbw==") },
		{ "digest without salt",    STR_INIT("{SSHA256}QQTTb42iwlQ0n4WDZ5Pr4CngyVcGOjTJHC6SAxh7VjE=") },
		{ "salt where none belongs", STR_INIT("{SHA256}uPZbXB4O0yEAdT8vKiweZcMcbkuF+i8fjZCx5avVHh1J+t3O") },
		{ "too few iterations",     STR_INIT("{SCRAM-SHA-256}1,TaK05eNKTuOsNg4Ec98TNw==,"
			"RmEp4C/sLcyZ7SR2LkgVwd1G/HnsSrDe5r77W3Ypxq0=,z6VGXT8sHDlXrey1frrj7ooBXeeIZVG0yM0B4n8vBtM=") },
		{ "a key is missing",       STR_INIT("{SCRAM-SHA-256}4096,TaK05eNKTuOsNg4Ec98TNw==,"
			"RmEp4C/sLcyZ7SR2LkgVwd1G/HnsSrDe5r77W3Ypxq0=") },
		{ "bcrypt cut off",         STR_INIT("{BLF-CRYPT}$2y$05$1qc6Q.ujGYT2G9EJQ.Y0ROi9wVBxYRdqaqWRTZo2qb5V8hBl5A2") },
		{ "SHA512-CRYPT cut off",   STR_INIT("{SHA512-CRYPT}$6$cxpJAiIFKO42qSub$VBWu7zTV8JAZ") },
		{ "argon2 cut off",         STR_INIT("{ARGON2ID}$argon2id$v=19") },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct err err = { 0 };
		struct credentials c;

		print_message("%s\n", rows[i].name);
		assert_int_equal(scheme_import(rows[i].text, &c, &err), ST_USAGE);
		assert_int_not_equal(str_c(err.text).n, 0);
		assert_int_equal(c.hash[0], '\0');
	}
}

static int logged_in;

static void answered(void *owner, const struct sasl_reply *r)
{
	(void)owner;
	logged_in = (int)r->result;
}

static int login(struct authenticator *a, struct str message)
{
	const struct sasl_start start = { .mechanism = STR_INIT("PLAIN"), .tls = true };
	struct sasl *x = sasl_new(a, &start, answered, NULL);

	logged_in = -1;
	sasl_step(x, message, true);
	while (logged_in < 0)
		authenticator_wait(a);
	sasl_free(x);
	return logged_in;
}

/* A wrong password changes nothing, the right one brings argon2id and keys; a hash that is argon2id
 * already stays, and so does everything when the setting says no. */
static void upgraded_at_login(void **state)
{
	char folder[] = "/tmp/restante-scheme-XXXXXX", path[64], command[96];
	struct directory *d;
	struct authenticator *a;
	struct credentials c;
	struct login l;
	uint64_t version;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/d", folder);
	d = directory_open(path, NULL);
	assert_non_null(d);
	assert_int_equal(directory_domain_add(d, STR("example.org"), NULL), ST_OK);
	a = authenticator_new(d, 1, 8);
	for (size_t i = 0; i < LEN(vectors); i++) {
		struct str user = STR("u@example.org");

		assert_int_equal(scheme_import(str_c(vectors[i].hash), &c, NULL), ST_OK);
		assert_int_equal(account_add(d, user, &c, NULL, NULL), ST_OK);
		authenticator_upgrade(a, false);
		assert_int_equal(login(a, STR("\0u@example.org\0" RIGHT)), SASL_OK);
		authenticator_upgrade(a, true);
		assert_int_equal(login(a, STR("\0u@example.org\0wrong")), SASL_FAILED);
		assert_int_equal(directory_login(d, user, &l, NULL), ST_OK);
		assert_string_equal(l.credentials.hash, c.hash);
		version = l.version;
		/* Remembered successes need no hash, so they upgrade nothing: a new memory. */
		authenticator_free(a);
		a = authenticator_new(d, 1, 8);
		authenticator_upgrade(a, true);
		assert_int_equal(login(a, STR("\0u@example.org\0" RIGHT)), SASL_OK);
		assert_int_equal(directory_login(d, user, &l, NULL), ST_OK);
		assert_int_equal(l.version, version);
		assert_false(scheme_outdated(&l.credentials));
		assert_true(password_verify(l.credentials.hash, STR(RIGHT)));
		assert_int_equal(str_eq(str_c(l.credentials.hash), str_c(c.hash)),
			str_eq(str_c(vectors[i].name), STR("ARGON2ID")));
		assert_int_equal(login(a, STR("\0u@example.org\0" RIGHT)), SASL_OK);
		assert_int_equal(account_del(d, user, NULL, NULL), ST_OK);
	}
	authenticator_free(a);
	directory_close(d);
	snprintf(command, sizeof command, "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_by_dovecot),
		cmocka_unit_test(scram_keys_come_along),
		cmocka_unit_test(made_here),
		cmocka_unit_test(refused),
		cmocka_unit_test(upgraded_at_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
