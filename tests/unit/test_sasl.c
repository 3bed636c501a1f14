#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <gsasl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "account/authenticator.h"
#include "account/password.h"
#include "account/sasl.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"

#define LEN(a) (sizeof(a) / sizeof *(a))

enum { NEVER = -1 };

static char folder[64], path[96];
static struct directory *d;
static struct authenticator *a;
static struct credentials bob_credentials, eve_credentials, rfc_credentials;
static uint64_t bob, eve;

/* What the last step was answered. */
static struct {
	int result, count;
	char output[512], address[400], user[400];
	size_t output_n;
	bool has_output;
	uint64_t account;
} last;

static void copy(char *to, size_t size, struct str s)
{
	s = str_head(s, size - 1);
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

static void answered(void *owner, const struct sasl_reply *r)
{
	(void)owner;
	last.count++;
	last.result = (int)r->result;
	last.has_output = r->has_output;
	last.account = r->account;
	last.output_n = r->output.n;
	copy(last.output, sizeof last.output, r->output);
	copy(last.address, sizeof last.address, r->address);
	copy(last.user, sizeof last.user, r->user);
	if (r->result != SASL_OK)
		assert_int_equal(r->account, 0);
}

static int step(struct sasl *x, struct str input, bool has_input)
{
	int before = last.count;

	last.result = NEVER;
	sasl_step(x, input, has_input);
	while (last.count == before)
		authenticator_wait(a);
	assert_int_equal(last.count, before + 1);
	return last.result;
}

static struct sasl *start(struct str mechanism)
{
	const struct sasl_start s = { .mechanism = mechanism,
		.tls = true,
		.exporter = STR_INIT("0123456789abcdef0123456789abcdef"),
		.plus_offered = true };

	return sasl_new(a, &s, answered, NULL);
}

static int plain(struct str message)
{
	struct sasl *x = start(STR("PLAIN"));
	int r = step(x, message, true);

	sasl_free(x);
	return r;
}

static int open_office(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/restante-sasl-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/directory.db", folder);
	d = directory_open(path, NULL);
	assert_non_null(d);
	assert_int_equal(directory_domain_add(d, STR("example.org"), NULL), ST_OK);
	assert_int_equal(
		account_add(d, STR("bob@example.org"), &bob_credentials, &bob, NULL), ST_OK);
	assert_int_equal(
		account_add(d, STR("eve@example.org"), &eve_credentials, &eve, NULL), ST_OK);
	assert_int_equal(
		account_add(d, STR("user@example.org"), &rfc_credentials, NULL, NULL), ST_OK);
	a = authenticator_new(d, 2, 8);
	return 0;
}

static int close_office(void **state)
{
	static const char *const endings[] = { "", "-wal", "-shm" };
	char name[128];

	(void)state;
	clock_replace(NULL);
	authenticator_free(a);
	directory_close(d);
	a = NULL;
	d = NULL;
	for (size_t i = 0; i < LEN(endings); i++) {
		snprintf(name, sizeof name, "%s%s", path, endings[i]);
		unlink(name);
	}
	return rmdir(folder);
}

static int make_credentials(void **state)
{
	struct buf salt;

	(void)state;
	assert_int_equal(password_make(STR("bobs secret"), &bob_credentials, NULL), ST_OK);
	assert_int_equal(password_make(STR("eves secret"), &eve_credentials, NULL), ST_OK);
	/* the user of RFC 7677 3, who cannot use PLAIN */
	rfc_credentials = (struct credentials){ .hash = "!", .scram_iterations = 4096 };
	buf_init(&salt, 0);
	assert_true(base64_get(STR("W22ZaJ0SNY7soEsUEjb6gQ=="), &salt));
	memcpy(rfc_credentials.scram_salt, buf_str(&salt).p, sizeof rfc_credentials.scram_salt);
	buf_deinit(&salt);
	assert_true(password_scram_keys(STR("pencil"), &rfc_credentials));
	return 0;
}

static void plain_table(void **state)
{
	static char long_name[300], long_password[5000];
	/* clang-format off */
	const struct {
		const char *name;
		struct str message;
		int result;
	} rows[] = {
		{ "right", STR("\0bob@example.org\0bobs secret"), SASL_OK },
		{ "short name, only one domain", STR("\0bob\0bobs secret"), SASL_OK },
		{ "other case", STR("\0BOB@Example.Org.\0bobs secret"), SASL_OK },
		{ "authzid the same", STR("bob@example.org\0bob\0bobs secret"), SASL_OK },
		{ "authzid of another", STR("eve@example.org\0bob@example.org\0bobs secret"), SASL_FAILED },
		{ "authzid of nobody", STR("x\0bob@example.org\0bobs secret"), SASL_FAILED },
		{ "wrong", STR("\0bob@example.org\0bobs Secret"), SASL_FAILED },
		{ "password of another", STR("\0bob@example.org\0eves secret"), SASL_FAILED },
		{ "a NUL more", STR("\0bob@example.org\0bobs secret\0"), SASL_MALFORMED },
		{ "password goes on", STR("\0bob@example.org\0bobs\0secret"), SASL_MALFORMED },
		{ "one NUL", STR("bob@example.org\0bobs secret"), SASL_MALFORMED },
		{ "no NUL", STR("bob@example.org"), SASL_MALFORMED },
		{ "only NULs", STR("\0\0"), SASL_MALFORMED },
		{ "three NULs", STR("\0\0\0"), SASL_MALFORMED },
		{ "empty", STR(""), SASL_MALFORMED },
		{ "empty authcid", STR("bob@example.org\0\0bobs secret"), SASL_MALFORMED },
		{ "empty password", STR("\0bob@example.org\0"), SASL_MALFORMED },
		{ "invalid UTF-8 name", STR("\0b\xff\0x"), SASL_MALFORMED },
		{ "invalid UTF-8 authzid", STR("\xff\0bob\0bobs secret"), SASL_MALFORMED },
		{ "8-bit password", STR("\0bob\0\xff\xfe"), SASL_FAILED },
		{ "unknown", STR("\0nobody@example.org\0x"), SASL_FAILED },
		{ "unknown domain", STR("\0bob@example.com\0bobs secret"), SASL_FAILED },
		{ "tag", STR("\0bob+x@example.org\0bobs secret"), SASL_FAILED },
		{ "locked hash", STR("\0user@example.org\0pencil"), SASL_FAILED },
		{ "locked hash itself", STR("\0user@example.org\0!"), SASL_FAILED },
		{ "300 octets", str_of(long_name, sizeof long_name), SASL_FAILED },
		{ "long password", str_of(long_password, sizeof long_password), SASL_FAILED },
		{ "path", STR("\0../bob\0bobs secret"), SASL_FAILED },
		{ "quote", STR("\0bob' OR 1=1 --\0x"), SASL_FAILED },
		{ "double quote", STR("\0bob\" OR \"1\"=\"1\0x"), SASL_FAILED },
		{ "LDAP", STR("\0*)(uid=*\0x"), SASL_FAILED },
		{ "variable", STR("\0%u${x}\\\0x"), SASL_FAILED },
	};
	/* clang-format on */

	(void)state;
	memset(long_name, 'x', sizeof long_name);
	long_name[0] = long_name[290] = '\0';
	memset(long_password, 'x', sizeof long_password);
	long_password[0] = long_password[4] = '\0';
	for (size_t i = 0; i < LEN(rows); i++) {
		int r = plain(rows[i].message);

		if (r != rows[i].result)
			fail_msg("row: %s: %d", rows[i].name, r);
		assert_false(last.has_output);
		if (r == SASL_OK) {
			assert_int_equal(last.account, bob);
			assert_string_equal(last.address, "bob@example.org");
		}
	}
	assert_int_equal(plain(STR("\0Bob\0bobs secret")), SASL_OK);
	assert_string_equal(last.user, "Bob"); /* for the log: as the client wrote it */
	assert_int_equal(plain(STR("\0Nobody\0x")), SASL_FAILED);
	assert_string_equal(last.user, "Nobody");
}

static void two_domains_need_the_full_name(void **state)
{
	(void)state;
	assert_int_equal(plain(STR("\0bob\0bobs secret")), SASL_OK);
	assert_int_equal(directory_domain_add(d, STR("example.net"), NULL), ST_OK);
	assert_int_equal(plain(STR("\0bob\0bobs secret")), SASL_FAILED);
	assert_int_equal(plain(STR("\0bob@example.org\0bobs secret")), SASL_OK);
	assert_int_equal(plain(STR("\0bob@example.net\0bobs secret")), SASL_FAILED);
}

static void plain_by_challenge(void **state)
{
	struct sasl *x = start(STR("plain"));

	(void)state;
	assert_int_equal(step(x, STR(""), false), SASL_CHALLENGE);
	assert_true(last.has_output);
	assert_int_equal(last.output_n, 0);
	assert_int_equal(step(x, STR("\0bob\0bobs secret"), true), SASL_OK);
	assert_int_equal(
		step(x, STR("\0bob\0bobs secret"), true), SASL_MALFORMED); /* over is over */
	sasl_free(x);
}

static void login(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str user, password;
		int first, second;
	} rows[] = {
		{ "right", STR_INIT("bob@example.org"), STR_INIT("bobs secret"), SASL_CHALLENGE, SASL_OK },
		{ "wrong", STR_INIT("bob@example.org"), STR_INIT("x"), SASL_CHALLENGE, SASL_FAILED },
		{ "unknown", STR_INIT("nobody"), STR_INIT("x"), SASL_CHALLENGE, SASL_FAILED },
		{ "empty name", STR_INIT(""), STR_INIT(""), SASL_MALFORMED, NEVER },
		{ "NUL in the name", STR_INIT("b\0b"), STR_INIT(""), SASL_MALFORMED, NEVER },
		{ "8-bit name", STR_INIT("b\xff"), STR_INIT(""), SASL_MALFORMED, NEVER },
		{ "empty password", STR_INIT("bob"), STR_INIT(""), SASL_CHALLENGE, SASL_MALFORMED },
		{ "NUL in the password", STR_INIT("bob"), STR_INIT("bobs secret\0"), SASL_CHALLENGE, SASL_MALFORMED },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < 2 * LEN(rows); i++) {
		struct sasl *x = start(STR("LOGIN"));
		size_t row = i / 2;

		if (i % 2 == 0) { /* else the name comes as initial response */
			assert_int_equal(step(x, STR(""), false), SASL_CHALLENGE);
			assert_string_equal(last.output, "Username:");
		}
		if (step(x, rows[row].user, true) != rows[row].first)
			fail_msg("row: %s, name: %d", rows[row].name, last.result);
		if (rows[row].second != NEVER) {
			assert_string_equal(last.output, "Password:");
			if (step(x, rows[row].password, true) != rows[row].second)
				fail_msg("row: %s, password: %d", rows[row].name, last.result);
		}
		sasl_free(x);
	}
}

static void mechanisms(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str mechanism, exporter;
		bool tls;
		int result;
	} rows[] = {
		{ "PLUS", STR_INIT("SCRAM-SHA-256-PLUS"), STR_INIT("x"), true, SASL_CHALLENGE },
		{ "PLUS in small letters", STR_INIT("scram-sha-256-plus"), STR_INIT("x"), true, SASL_CHALLENGE },
		{ "PLUS without exporter", STR_INIT("SCRAM-SHA-256-PLUS"), STR_INIT(""), true, SASL_UNKNOWN_MECHANISM },
		{ "PLUS without TLS", STR_INIT("SCRAM-SHA-256-PLUS"), STR_INIT("x"), false, SASL_UNKNOWN_MECHANISM },
		{ "SCRAM", STR_INIT("SCRAM-SHA-256"), STR_INIT(""), false, SASL_CHALLENGE },
		{ "CRAM-MD5", STR_INIT("CRAM-MD5"), STR_INIT("x"), true, SASL_UNKNOWN_MECHANISM },
		{ "ANONYMOUS", STR_INIT("ANONYMOUS"), STR_INIT("x"), true, SASL_UNKNOWN_MECHANISM },
		{ "EXTERNAL", STR_INIT("EXTERNAL"), STR_INIT("x"), true, SASL_UNKNOWN_MECHANISM },
		{ "PLAI", STR_INIT("PLAI"), STR_INIT("x"), true, SASL_UNKNOWN_MECHANISM },
		{ "PLAINX", STR_INIT("PLAINX"), STR_INIT("x"), true, SASL_UNKNOWN_MECHANISM },
		{ "PLAIN with NUL", STR_INIT("PLAIN\0"), STR_INIT("x"), true, SASL_UNKNOWN_MECHANISM },
		{ "empty", STR_INIT(""), STR_INIT("x"), true, SASL_UNKNOWN_MECHANISM },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct sasl *x = sasl_new(a,
			&(struct sasl_start){ .mechanism = rows[i].mechanism,
				.tls = rows[i].tls,
				.exporter = rows[i].exporter },
			answered, NULL);

		if (step(x, STR(""), false) != rows[i].result)
			fail_msg("row: %s: %d", rows[i].name, last.result);
		sasl_free(x);
	}
}

/* Octets that make the nonce of RFC 7677 3, again and again. */
static void rfc_random(void *to, size_t n)
{
	static const char nonce[] = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
	unsigned char *p = to;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)nonce[i % (sizeof nonce - 1)];

		p[i] = (unsigned char)(c - 0x21 - (c > ',' ? 1 : 0));
	}
}

static int64_t now_ms = 1000;
static int64_t fixed_ms(void)
{
	return now_ms;
}

#define RFC_FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define RFC_NONCE "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define RFC_FINAL "c=biws,r=" RFC_NONCE
#define RFC_PROOF ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static void rfc7677_exchange(void **state)
{
	struct sasl *x;

	(void)state;
	clock_replace(&(const struct clock_source){ fixed_ms, fixed_ms, rfc_random });
	x = start(STR("SCRAM-SHA-256"));
	assert_int_equal(step(x, STR(RFC_FIRST), true), SASL_CHALLENGE);
	assert_string_equal(last.output, "r=" RFC_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
	assert_int_equal(step(x, STR(RFC_FINAL RFC_PROOF), true), SASL_CHALLENGE);
	assert_string_equal(last.output, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
	assert_int_equal(step(x, STR(""), true), SASL_OK);
	assert_string_equal(last.address, "user@example.org");
	assert_int_equal(step(x, STR(""), true), SASL_MALFORMED);
	sasl_free(x);

	x = start(STR("SCRAM-SHA-256")); /* by way of an empty challenge */
	assert_int_equal(step(x, STR(""), false), SASL_CHALLENGE);
	assert_int_equal(last.output_n, 0);
	assert_int_equal(step(x, STR(RFC_FIRST), true), SASL_CHALLENGE);
	assert_int_equal(step(x, STR(RFC_FINAL RFC_PROOF), true), SASL_CHALLENGE);
	assert_int_equal(step(x, STR("x"), true), SASL_MALFORMED); /* nothing may follow */
	sasl_free(x);
}

static void scram_first_messages(void **state)
{
	/* clang-format off */
	static const struct {
		struct str mechanism, message;
		bool plus_offered;
		int result;
	} rows[] = {
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=bob,r=abc"), true, SASL_CHALLENGE },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=bob,r=abc,x=later"), true, SASL_CHALLENGE },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=b=2Cb=3D,r=abc"), true, SASL_CHALLENGE },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,a=bob@example.org,n=bob,r=abc"), true, SASL_CHALLENGE },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,a=eve@example.org,n=bob,r=abc"), true, SASL_FAILED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("y,,n=bob,r=abc"), false, SASL_CHALLENGE },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("y,,n=bob,r=abc"), true, SASL_FAILED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("p=tls-exporter,,n=bob,r=abc"), true, SASL_FAILED },
		{ STR_INIT("SCRAM-SHA-256-PLUS"), STR_INIT("p=tls-exporter,,n=bob,r=abc"), true, SASL_CHALLENGE },
		{ STR_INIT("SCRAM-SHA-256-PLUS"), STR_INIT("p=tls-unique,,n=bob,r=abc"), true, SASL_FAILED },
		{ STR_INIT("SCRAM-SHA-256-PLUS"), STR_INIT("n,,n=bob,r=abc"), true, SASL_FAILED },
		{ STR_INIT("SCRAM-SHA-256-PLUS"), STR_INIT("y,,n=bob,r=abc"), true, SASL_FAILED },
		{ STR_INIT("SCRAM-SHA-256-PLUS"), STR_INIT("p=,,n=bob,r=abc"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT(""), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT(","), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("N,,n=bob,r=abc"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("q,,n=bob,r=abc"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,b=x,n=bob,r=abc"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,a=,n=bob,r=abc"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,m=x,n=bob,r=abc"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=,r=abc"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=bob,r="), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=bob"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,r=abc,n=bob"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=b=2c,r=abc"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=b=,r=abc"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=b=2,r=abc"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=bob,r=a c"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=bob,r=abc,"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=bob,r=abc,x"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=bob,r=abc,x="), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=b\0b,r=abc"), true, SASL_MALFORMED },
		{ STR_INIT("SCRAM-SHA-256"), STR_INIT("n,,n=b\xff,r=abc"), true, SASL_MALFORMED },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct sasl *x = sasl_new(a,
			&(struct sasl_start){ .mechanism = rows[i].mechanism,
				.tls = true,
				.exporter = STR_INIT("x"),
				.plus_offered = rows[i].plus_offered },
			answered, NULL);

		if (step(x, rows[i].message, true) != rows[i].result)
			fail_msg("row %zu: %s: %d", i, rows[i].message.p, last.result);
		sasl_free(x);
	}
}

static void scram_final_messages(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str message;
		int result;
	} rows[] = {
		{ "right", STR_INIT(RFC_FINAL RFC_PROOF), SASL_CHALLENGE },
		{ "extension not in the proof", STR_INIT(RFC_FINAL ",x=y" RFC_PROOF), SASL_FAILED },
		{ "nonce shortened", STR_INIT("c=biws,r=rOprNGfwEbeRWgbNEkqO" RFC_PROOF), SASL_FAILED },
		{ "nonce longer", STR_INIT(RFC_FINAL "x" RFC_PROOF), SASL_FAILED },
		{ "other header: y,,", STR_INIT("c=eSws,r=" RFC_NONCE RFC_PROOF), SASL_FAILED },
		{ "header and data", STR_INIT("c=biwsYWJj,r=" RFC_NONCE RFC_PROOF), SASL_FAILED },
		{ "header cut", STR_INIT("c=biw=,r=" RFC_NONCE RFC_PROOF), SASL_FAILED },
		{ "no header", STR_INIT("c=,r=" RFC_NONCE RFC_PROOF), SASL_FAILED },
		{ "proof of zeros", STR_INIT(RFC_FINAL ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), SASL_FAILED },
		{ "proof short", STR_INIT(RFC_FINAL ",p=AAAA"), SASL_MALFORMED },
		{ "proof empty", STR_INIT(RFC_FINAL ",p="), SASL_MALFORMED },
		{ "no proof", STR_INIT(RFC_FINAL), SASL_MALFORMED },
		{ "proof no base64", STR_INIT(RFC_FINAL ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ"), SASL_MALFORMED },
		{ "header no base64", STR_INIT("c=b*ws,r=" RFC_NONCE RFC_PROOF), SASL_MALFORMED },
		{ "order", STR_INIT("r=" RFC_NONCE ",c=biws" RFC_PROOF), SASL_MALFORMED },
		{ "empty", STR_INIT(""), SASL_MALFORMED },
		{ "first again", STR_INIT(RFC_FIRST), SASL_MALFORMED },
	};
	/* clang-format on */

	(void)state;
	clock_replace(&(const struct clock_source){ fixed_ms, fixed_ms, rfc_random });
	for (size_t i = 0; i < LEN(rows); i++) {
		struct sasl *x = start(STR("SCRAM-SHA-256"));

		assert_int_equal(step(x, STR(RFC_FIRST), true), SASL_CHALLENGE);
		if (step(x, rows[i].message, true) != rows[i].result)
			fail_msg("row: %s: %d", rows[i].name, last.result);
		sasl_free(x);
	}
}

/* libgsasl's client against us, to the end or to our refusal. */
static int foreign_client(
	const char *mechanism, const char *user, const char *password, const char *exporter)
{
	Gsasl *g;
	Gsasl_session *s;
	struct sasl *x = start(str_c(mechanism));
	int r = SASL_CHALLENGE, rc;
	bool has = false;

	assert_int_equal(gsasl_init(&g), GSASL_OK);
	assert_int_equal(gsasl_client_start(g, mechanism, &s), GSASL_OK);
	gsasl_property_set(s, GSASL_AUTHID, user);
	gsasl_property_set(s, GSASL_PASSWORD, password);
	if (exporter != NULL)
		gsasl_property_set(s, GSASL_CB_TLS_EXPORTER, exporter);
	last.output_n = 0;
	do {
		char *out = NULL;
		size_t n = 0;

		rc = gsasl_step(s, has ? last.output : NULL, has ? last.output_n : 0, &out, &n);
		if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
			fail_msg("gsasl: %s", gsasl_strerror(rc));
		r = step(x, str_of(out, n), true);
		gsasl_free(out);
		has = true;
	} while (r == SASL_CHALLENGE);
	if (r == SASL_OK)
		assert_int_equal(rc, GSASL_OK); /* the client has seen our signature */
	sasl_free(x);
	gsasl_finish(s);
	gsasl_done(g);
	return r;
}

static void libgsasl_client(void **state)
{
	/* base64 of what start() gives as exporter, and of something else */
	static const char same[] = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", other[] = "YWJj";

	(void)state;
	assert_int_equal(
		foreign_client("SCRAM-SHA-256", "bob@example.org", "bobs secret", NULL), SASL_OK);
	assert_int_equal(last.account, bob);
	assert_int_equal(foreign_client("SCRAM-SHA-256", "EVE", "eves secret", NULL), SASL_OK);
	assert_int_equal(last.account, eve);
	assert_int_equal(foreign_client("SCRAM-SHA-256", "bob", "wrong", NULL), SASL_FAILED);
	assert_int_equal(foreign_client("SCRAM-SHA-256", "nobody", "x", NULL), SASL_FAILED);
	assert_int_equal(foreign_client("SCRAM-SHA-256-PLUS", "bob", "bobs secret", same), SASL_OK);
	assert_int_equal(last.account, bob);
	assert_int_equal(
		foreign_client("SCRAM-SHA-256-PLUS", "bob", "bobs secret", other), SASL_FAILED);
	assert_int_equal(foreign_client("SCRAM-SHA-256-PLUS", "bob", "wrong", same), SASL_FAILED);
	assert_int_equal(foreign_client("PLAIN", "bob", "bobs secret", NULL), SASL_OK);
	assert_int_equal(foreign_client("PLAIN", "bob", "wrong", NULL), SASL_FAILED);
}

/* SASLprep at the client, OpaqueString in our hash: both must let the same person in (RFC 5802 5.1). */
static void libgsasl_prepares(void **state)
{
	struct credentials c;

	(void)state;
	assert_int_equal(
		password_make(STR("\305\277alt \342\205\243 caf\303\251"), &c, NULL), ST_OK);
	assert_int_equal(account_set_password(d, STR("bob@example.org"), &c, NULL), ST_OK);
	assert_int_equal(foreign_client("SCRAM-SHA-256", "bob",
				 "\305\277alt \342\205\243 cafe\314\201", NULL),
		SASL_OK);
	assert_int_equal(plain(STR("\0bob\0\305\277alt \342\205\243 cafe\314\201")), SASL_OK);
	assert_int_equal(plain(STR("\0bob\0salt IV caf\303\251")), SASL_FAILED);
}

static void first_reply(const char *user, char out[512])
{
	char message[128];
	struct sasl *x = start(STR("SCRAM-SHA-256"));

	snprintf(message, sizeof message, "n,,n=%s,r=abc", user);
	assert_int_equal(step(x, str_c(message), true), SASL_CHALLENGE);
	memcpy(out, last.output, 512);
	sasl_free(x);
}

/* From ",s=" on; the nonce differs every time. */
static const char *salt_of(const char *reply)
{
	return strstr(reply, ",s=");
}

static void scram_unknown_users_look_known(void **state)
{
	char one[512], again[512], other[512], known[512];

	(void)state;
	first_reply("nobody@example.org", one);
	first_reply("NoBody", again);
	first_reply("nobody2@example.org", other);
	first_reply("bob@example.org", known);
	assert_string_equal(salt_of(one), salt_of(again)); /* the same one asked twice */
	assert_string_not_equal(salt_of(one), salt_of(other));
	assert_int_equal(str_c(one).n, str_c(known).n);
	assert_string_equal(strstr(one, ",i="), strstr(known, ",i="));
	assert_memory_not_equal(one, again, 30);
	/* and after a restart */
	authenticator_free(a);
	a = NULL;
	directory_close(d);
	d = directory_open(path, NULL);
	assert_non_null(d);
	a = authenticator_new(d, 2, 8);
	first_reply("nobody@example.org", again);
	assert_string_equal(salt_of(one), salt_of(again));
	/* a disabled account answers like one that is not there */
	assert_int_equal(account_set_disabled(d, STR("bob@example.org"), true, NULL), ST_OK);
	first_reply("bob@example.org", again);
	assert_int_equal(str_c(again).n, str_c(known).n);
	assert_int_equal(foreign_client("SCRAM-SHA-256", "bob", "bobs secret", NULL), SASL_FAILED);
}

static void unknown_users_cost_a_hash(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str message;
		uint64_t hashes;
	} rows[] = {
		{ "wrong password", STR_INIT("\0bob\0wrong"), 1 },
		{ "unknown user", STR_INIT("\0nobody\0wrong"), 1 },
		{ "unknown domain", STR_INIT("\0bob@elsewhere.example\0wrong"), 1 },
		{ "no address at all", STR_INIT("\0@@@\0wrong"), 1 },
		{ "locked", STR_INIT("\0user\0wrong"), 1 },
		{ "disabled, right password", STR_INIT("\0eve\0eves secret"), 1 },
		{ "wrong again", STR_INIT("\0bob\0wrong"), 1 },
		{ "right", STR_INIT("\0bob\0bobs secret"), 1 },
		{ "right again", STR_INIT("\0bob\0bobs secret"), 0 },
		{ "wrong after right", STR_INIT("\0bob\0wrong"), 1 },
	};
	/* clang-format on */

	(void)state;
	assert_int_equal(account_set_disabled(d, STR("eve@example.org"), true, NULL), ST_OK);
	for (size_t i = 0; i < LEN(rows); i++) {
		uint64_t before = authenticator_hashes(a);

		plain(rows[i].message);
		if (authenticator_hashes(a) - before != rows[i].hashes)
			fail_msg("row: %s", rows[i].name);
	}
}

/* Everybody who polls, not as many as happen to find a place. */
static void memory_of_many(void **state)
{
	enum { USERS = 4000 };
	const struct credentials c = { .hash = "{PLAIN}secret" };
	uint64_t before;
	char text[64];

	(void)state;
	assert_int_equal(directory_batch_begin(d, NULL), ST_OK);
	for (int i = 0; i < USERS; i++) {
		int n = snprintf(text, sizeof text, "u%d@example.org", i);

		assert_int_equal(account_add(d, str_of(text, (size_t)n), &c, NULL, NULL), ST_OK);
	}
	assert_int_equal(directory_batch_end(d, NULL), ST_OK);
	before = authenticator_hashes(a);
	for (int i = 0; i < 2 * USERS; i++) {
		int n = snprintf(text, sizeof text, "%cu%d%csecret", 0, i % USERS, 0);

		assert_int_equal(plain(str_of(text, (size_t)n)), SASL_OK);
	}
	assert_true(authenticator_hashes(a) - before < USERS + USERS / 100);
}

static void memory_of_successes(void **state)
{
	uint64_t before;

	(void)state;
	clock_replace(&(const struct clock_source){ fixed_ms, fixed_ms, rfc_random });
	assert_int_equal(plain(STR("\0bob\0bobs secret")), SASL_OK);
	before = authenticator_hashes(a);
	now_ms += 5 * 60 * 1000 - 1;
	assert_int_equal(plain(STR("\0bob\0bobs secret")), SASL_OK);
	assert_int_equal(authenticator_hashes(a), before);
	now_ms += 1;
	assert_int_equal(plain(STR("\0bob\0bobs secret")), SASL_OK);
	assert_int_equal(authenticator_hashes(a), before + 1);
	/* another user with the same password is not helped by it */
	assert_int_equal(plain(STR("\0eve\0bobs secret")), SASL_FAILED);
	/* a new password takes effect at once, and so does disabling */
	assert_int_equal(
		account_set_password(d, STR("bob@example.org"), &eve_credentials, NULL), ST_OK);
	assert_int_equal(plain(STR("\0bob\0bobs secret")), SASL_FAILED);
	assert_int_equal(plain(STR("\0bob\0eves secret")), SASL_OK);
	assert_int_equal(account_set_disabled(d, STR("bob@example.org"), true, NULL), ST_OK);
	assert_int_equal(plain(STR("\0bob\0eves secret")), SASL_FAILED);
	assert_int_equal(account_set_disabled(d, STR("bob@example.org"), false, NULL), ST_OK);
	assert_int_equal(plain(STR("\0bob\0eves secret")), SASL_OK);
	assert_int_equal(account_del(d, STR("bob@example.org"), NULL, NULL), ST_OK);
	assert_int_equal(plain(STR("\0bob\0eves secret")), SASL_FAILED);
}

/* Never one's mailbox for the other's password (Dovecot CVE-2026-27860). */
static void two_users_alternating(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		assert_int_equal(plain(STR("\0bob\0bobs secret")), SASL_OK);
		assert_int_equal(last.account, bob);
		assert_int_equal(plain(STR("\0eve\0eves secret")), SASL_OK);
		assert_int_equal(last.account, eve);
		assert_int_equal(plain(STR("\0eve\0bobs secret")), SASL_FAILED);
	}
}

/* What changes while the hash runs counts. */
static void changed_meanwhile(void **state)
{
	struct sasl *x = start(STR("PLAIN"));
	int before = last.count;

	(void)state;
	sasl_step(x, STR("\0bob\0bobs secret"), true);
	assert_int_equal(account_set_disabled(d, STR("bob@example.org"), true, NULL), ST_OK);
	while (last.count == before)
		authenticator_wait(a);
	assert_int_equal(last.result, SASL_FAILED);
	sasl_free(x);
	/* SCRAM: between challenge and proof, and before the end */
	clock_replace(&(const struct clock_source){ fixed_ms, fixed_ms, rfc_random });
	for (int when = 0; when < 2; when++) {
		x = start(STR("SCRAM-SHA-256"));
		assert_int_equal(step(x, STR(RFC_FIRST), true), SASL_CHALLENGE);
		if (when == 0)
			assert_int_equal(
				account_set_disabled(d, STR("user"), true, NULL), ST_USAGE);
		if (when == 0)
			assert_int_equal(account_set_password(d, STR("user@example.org"),
						 &rfc_credentials, NULL),
				ST_OK);
		assert_int_equal(step(x, STR(RFC_FINAL RFC_PROOF), true),
			when == 0 ? SASL_FAILED : SASL_CHALLENGE);
		if (when == 1) {
			assert_int_equal(
				account_set_disabled(d, STR("user@example.org"), true, NULL),
				ST_OK);
			assert_int_equal(step(x, STR(""), true), SASL_FAILED);
		}
		sasl_free(x);
	}
}

static void full_pool(void **state)
{
	struct authenticator *small = authenticator_new(d, 1, 1);
	struct sasl *x[16];
	int before = last.count, busy = 0;

	(void)state;
	for (size_t i = 0; i < LEN(x); i++) {
		x[i] = sasl_new(small, &(struct sasl_start){ .mechanism = STR_INIT("PLAIN") },
			answered, NULL);
		last.result = NEVER;
		sasl_step(x[i], STR("\0bob\0wrong"), true);
		busy += last.result == SASL_TEMP;
	}
	/* one runs, one is next, one waits in line; the worker may have finished some meanwhile */
	assert_true(busy > 0);
	while (last.count - before < (int)LEN(x))
		authenticator_wait(small);
	assert_int_equal(last.count - before, LEN(x));
	for (size_t i = 0; i < LEN(x); i++)
		sasl_free(x[i]);
	authenticator_free(small);
	/* another login is none the worse for it */
	assert_int_equal(plain(STR("\0bob\0bobs secret")), SASL_OK);
}

static void unreadable_directory_is_temporary(void **state)
{
	(void)state;
	assert_int_equal(sqlite3_exec(d->db, "DROP TABLE account", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(plain(STR("\0bob\0bobs secret")), SASL_TEMP);
	struct sasl *x = start(STR("SCRAM-SHA-256"));
	assert_int_equal(step(x, STR("n,,n=bob,r=abc"), true), SASL_TEMP);
	sasl_free(x);
}

static void freed_while_hashing(void **state)
{
	int before = last.count;

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct sasl *x = start(STR("PLAIN"));

		sasl_step(x, STR("\0bob\0wrong"), true);
		sasl_free(x);
	}
	for (int i = 0; i < 8; i++)
		authenticator_wait(a);
	assert_int_equal(last.count, before);
	/* and when everything ends while one runs */
	struct sasl *x = start(STR("PLAIN"));
	sasl_step(x, STR("\0bob\0wrong"), true);
	sasl_free(x);
	authenticator_free(a);
	a = authenticator_new(d, 2, 8);
	assert_int_equal(last.count, before);
}

struct self {
	struct sasl *x;
	int count;
};

static void free_in_done(void *owner, const struct sasl_reply *r)
{
	struct self *s = owner;

	s->count++;
	if (r->result == SASL_CHALLENGE && s->count < 3) {
		sasl_step(s->x, STR("bob"), true); /* answers from inside the answer */
		return;
	}
	sasl_free(s->x);
	s->x = NULL;
	assert_true(r->user.n == 3 && r->user.p[0] == 'b'); /* views live until we return */
}

static void freed_in_done(void **state)
{
	struct self s = { 0 };

	(void)state;
	s.x = sasl_new(a, &(struct sasl_start){ .mechanism = STR_INIT("LOGIN") }, free_in_done, &s);
	sasl_step(s.x, STR(""), false);
	while (s.x != NULL)
		authenticator_wait(a);
	assert_int_equal(s.count, 3);
}

/* One exchange after the other in one session (Postfix CVE-2011-1720). */
static void mechanism_after_mechanism(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct sasl *x;

		assert_int_equal(plain(STR("\0bob\0wrong")), SASL_FAILED);
		assert_int_equal(
			foreign_client("SCRAM-SHA-256", "bob", "wrong", NULL), SASL_FAILED);
		x = start(STR("LOGIN"));
		assert_int_equal(step(x, STR("bob"), true), SASL_CHALLENGE);
		assert_int_equal(step(x, STR("bobs secret"), true), SASL_OK);
		sasl_free(x);
	}
}

static void waits_readable(void **state)
{
	struct sasl *x = start(STR("PLAIN"));
	struct pollfd p = { .fd = authenticator_fd(a), .events = POLLIN };
	int before = last.count;

	(void)state;
	sasl_step(x, STR("\0bob\0wrong"), true);
	assert_int_equal(poll(&p, 1, 10000), 1);
	authenticator_poll(a);
	assert_int_equal(last.count, before + 1);
	sasl_free(x);
}

static struct str mechanism_number(size_t i)
{
	static const struct str names[] = { STR_INIT("PLAIN"), STR_INIT("LOGIN"),
		STR_INIT("SCRAM-SHA-256"), STR_INIT("SCRAM-SHA-256-PLUS") };

	return names[i % LEN(names)];
}

/* Dovecot CVE-2020-12673 and -12674: short and empty tokens.  Nobody gets in, nothing is read past the
 * end: every token is a heap block of exactly its size. */
static void short_random_tokens(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		struct sasl *x = start(mechanism_number((size_t)i));

		for (int s = 0; s < 3; s++) {
			size_t n = (size_t)rand_r(&seed) % 17;
			char *token = mem_alloc(n == 0 ? 1 : n);
			static const char likely[] = "\0\0\0n,y=p,a=r=bob\xff";

			for (size_t k = 0; k < n; k++)
				token[k] =
					i % 2 ? likely[(size_t)rand_r(&seed) % (sizeof likely - 1)]
					      : (char)rand_r(&seed);
			/* a hash for each would take minutes: whoever gets that far is let go */
			uint64_t before = authenticator_hashes(a);
			int count = last.count;
			sasl_step(x, str_of(token, n), n > 0 || i % 3 > 0);
			bool hashing = authenticator_hashes(a) != before;
			free(token);
			assert_int_equal(last.count, count + (hashing ? 0 : 1));
			assert_int_not_equal(last.result, SASL_OK);
			if (hashing || last.result != SASL_CHALLENGE)
				break;
		}
		sasl_free(x);
		if (i % 64 == 0)
			authenticator_poll(a);
	}
}

/* Dovecot CVE-2017-15132: left at every point of every mechanism; the memory stays flat. */
static void abandoned_everywhere(void **state)
{
	size_t used = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct sasl *x = start(mechanism_number((size_t)i));
		int depth = i / 4 % 3;

		last.result = SASL_CHALLENGE;
		if (depth > 0)
			sasl_step(x, STR(""), false);
		if (depth > 1)
			sasl_step(x,
				i % 4 == 3   ? STR("p=tls-exporter,,n=bob,r=abc")
				: i % 4 == 2 ? STR("n,,n=bob,r=abc")
					     : STR("bob"),
				true);
		sasl_free(x);
		if (i == 20000)
			used = mallinfo2().uordblks;
	}
	assert_true(mallinfo2().uordblks < used + 65536);
}

#define OFFICE_TEST(f) cmocka_unit_test_setup_teardown(f, open_office, close_office)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OFFICE_TEST(plain_table),
		OFFICE_TEST(two_domains_need_the_full_name),
		OFFICE_TEST(plain_by_challenge),
		OFFICE_TEST(login),
		OFFICE_TEST(mechanisms),
		OFFICE_TEST(rfc7677_exchange),
		OFFICE_TEST(scram_first_messages),
		OFFICE_TEST(scram_final_messages),
		OFFICE_TEST(libgsasl_client),
		OFFICE_TEST(libgsasl_prepares),
		OFFICE_TEST(scram_unknown_users_look_known),
		OFFICE_TEST(unknown_users_cost_a_hash),
		OFFICE_TEST(memory_of_successes),
		OFFICE_TEST(memory_of_many),
		OFFICE_TEST(two_users_alternating),
		OFFICE_TEST(changed_meanwhile),
		OFFICE_TEST(full_pool),
		OFFICE_TEST(unreadable_directory_is_temporary),
		OFFICE_TEST(freed_while_hashing),
		OFFICE_TEST(freed_in_done),
		OFFICE_TEST(mechanism_after_mechanism),
		OFFICE_TEST(waits_readable),
		OFFICE_TEST(short_random_tokens),
		OFFICE_TEST(abandoned_everywhere),
	};

	return cmocka_run_group_tests(tests, make_credentials, NULL);
}
