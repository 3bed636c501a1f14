#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "account/sasl_client.h"

#define LEN(a) (sizeof(a) / sizeof *(a))

static struct sasl_client_facts facts(struct str offered)
{
	return (struct sasl_client_facts){
		.offered = offered,
		.only = STR(""),
		.tried = STR(""),
		.user = STR("user"),
		.authzid = STR(""),
		.password = STR("pencil"),
		.token = STR(""),
		.host = STR("server.example.com"),
		.port = 143,
		.exporter = STR(""),
		.nonce = STR(""),
		.tls = true,
	};
}

static void assert_str(struct str got, struct str want)
{
	if (!str_eq(got, want))
		fail_msg("\"%.*s\" is not \"%.*s\"", STR_ARG(got), STR_ARG(want));
}

static void choice(void **state)
{
	static const struct {
		const char *offered;
		bool external, token, password, exporter, cram;
		const char *want; /* NULL: none */
	} rows[] = {
		{ "PLAIN LOGIN", false, false, true, false, false, "PLAIN" },
		{ "LOGIN", false, false, true, false, false, "LOGIN" },
		{ "login plain", false, false, true, false, false, "PLAIN" },
		{ "PLAIN SCRAM-SHA-1 SCRAM-SHA-256", false, false, true, false, false,
			"SCRAM-SHA-256" },
		{ "PLAIN SCRAM-SHA-1", false, false, true, false, false, "SCRAM-SHA-1" },
		{ "SCRAM-SHA-256 SCRAM-SHA-1-PLUS", false, false, true, true, false,
			"SCRAM-SHA-1-PLUS" },
		{ "SCRAM-SHA-256 SCRAM-SHA-256-PLUS", false, false, true, false, false,
			"SCRAM-SHA-256" },
		{ "SCRAM-SHA-256-PLUS", false, false, true, false, false, NULL },
		{ "PLAIN XOAUTH2", false, true, false, false, false, "XOAUTH2" },
		{ "XOAUTH2 OAUTHBEARER", false, true, false, false, false, "OAUTHBEARER" },
		{ "XOAUTH2 OAUTHBEARER", false, false, true, false, false, NULL },
		{ "PLAIN", false, true, false, false, false, NULL },
		{ "CRAM-MD5", false, false, true, false, false, NULL },
		{ "CRAM-MD5", false, false, true, false, true, "CRAM-MD5" },
		{ "CRAM-MD5 PLAIN", false, false, true, false, true, "PLAIN" },
		{ "EXTERNAL PLAIN", true, false, true, false, false, "EXTERNAL" },
		{ "EXTERNAL PLAIN", false, false, true, false, false, "PLAIN" },
		{ "NTLM GSSAPI", false, false, true, false, false, NULL },
		{ "", false, false, true, false, false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct sasl_client_facts f = facts(str_c(rows[i].offered));
		struct err err = { 0 };
		struct sasl_client *c;

		f.external = rows[i].external;
		f.token = rows[i].token ? STR("t") : STR("");
		f.password = rows[i].password ? STR("pencil") : STR("");
		f.exporter = rows[i].exporter ? STR("binding") : STR("");
		f.cram_md5 = rows[i].cram;
		c = sasl_client_new(&f, &err);
		if (rows[i].want == NULL) {
			assert_null(c);
			assert_int_not_equal(err.code, ST_OK);
		} else {
			assert_non_null(c);
			assert_str(sasl_client_mechanism(c), str_c(rows[i].want));
		}
		sasl_client_free(c);
	}
}

static void refusals(void **state)
{
	struct sasl_client_facts f = facts(STR("PLAIN SCRAM-SHA-256"));
	struct sasl_client *c;
	struct err err = { 0 };

	(void)state;
	f.tls = false;
	assert_null(sasl_client_new(&f, &err));
	assert_string_equal(err.text, "no login without TLS");
	f.cleartext = true;
	c = sasl_client_new(&f, NULL);
	assert_non_null(c);
	sasl_client_free(c);
	f.password = STR("pen\0cil");
	assert_null(sasl_client_new(&f, NULL));
	f = facts(STR("PLAIN SCRAM-SHA-256"));
	f.tried = STR("SCRAM-SHA-256");
	c = sasl_client_new(&f, NULL);
	assert_str(sasl_client_mechanism(c), STR("PLAIN"));
	sasl_client_free(c);
	f.only = STR("scram-sha-256");
	assert_null(sasl_client_new(&f, NULL));
}

/* What we say and hear; a challenge of NULL: the client begins. */
struct turn {
	const char *challenge;
	struct str response;
	bool fails;
};

static void exchange(
	const struct sasl_client_facts *f, const struct turn *turns, size_t n, bool through)
{
	struct sasl_client *c = sasl_client_new(f, NULL);
	struct str out = STR("");

	assert_non_null(c);
	for (size_t i = 0; i < n; i++) {
		bool ok = turns[i].challenge == NULL
				  ? sasl_client_initial(c, &out)
				  : sasl_client_step(c, str_c(turns[i].challenge), &out, NULL);

		assert_int_equal(ok, !turns[i].fails);
		if (ok)
			assert_str(out, turns[i].response);
	}
	assert_int_equal(sasl_client_through(c), through);
	sasl_client_free(c);
}

/* RFC 5802 5, RFC 7677 3 */
static void scram_vectors(void **state)
{
	static const struct turn sha1[] = {
		{ NULL, STR_INIT("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"), false },
		{ "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
			STR_INIT("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
				 "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="),
			false },
		{ "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", STR_INIT(""), false },
	};
	static const struct turn sha256[] = {
		{ NULL, STR_INIT("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), false },
		{ "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		  "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			STR_INIT("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
				 "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
			false },
		{ "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", STR_INIT(""), false },
	};
	static const struct turn wrong_signature[] = {
		{ NULL, STR_INIT("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), false },
		{ "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		  "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			STR_INIT("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
				 "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
			false },
		{ "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", STR_INIT(""), true },
	};
	struct sasl_client_facts f = facts(STR("SCRAM-SHA-1"));

	(void)state;
	f.nonce = STR("fyko+d2lbbFgONRv9qkxdawL");
	exchange(&f, sha1, 3, true);
	f = facts(STR("SCRAM-SHA-256"));
	f.nonce = STR("rOprNGfwEbeRWgbNEkqO");
	exchange(&f, sha256, 3, true);
	exchange(&f, sha256, 2, false); /* success without the server's signature is none */
	exchange(&f, wrong_signature, 3, false);
}

static void scram_refuses(void **state)
{
	static const char *const rows[] = {
		"r=abcX,s=QSXCR+Q6sek8bf92,i=4095",
		"r=abcX,s=QSXCR+Q6sek8bf92,i=600001",
		"r=abcX,s=QSXCR+Q6sek8bf92,i=99999999999999999999",
		"r=abcX,s=QSXCR+Q6sek8bf92,i=-1",
		"r=abcX,s=QSXCR+Q6sek8bf92",
		"r=abcX,s=,i=4096",
		"r=abcX,s=!,i=4096",
		"r=abc,s=QSXCR+Q6sek8bf92,i=4096",
		"r=abdX,s=QSXCR+Q6sek8bf92,i=4096",
		"m=x,r=abcX,s=QSXCR+Q6sek8bf92,i=4096",
		"e=other-error",
		"v=AAAA",
		"",
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct sasl_client_facts f = facts(STR("SCRAM-SHA-256"));
		struct turn turns[] = { { NULL, STR("n,,n=user,r=abc"), false },
			{ rows[i], STR(""), true } };

		f.nonce = STR("abc");
		exchange(&f, turns, 2, false);
	}
}

/* What the header says of channel binding (RFC 5802 6), names with "," and "=", SASLprep. */
static void scram_headers(void **state)
{
	static const struct {
		const char *offered, *exporter, *tried, *user, *authzid, *want;
	} rows[] = {
		{ "SCRAM-SHA-256", "b", "", "user", "", "y,,n=user,r=abc" },
		{ "SCRAM-SHA-256", "", "", "user", "", "n,,n=user,r=abc" },
		{ "SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "b", "", "user", "",
			"p=tls-exporter,,n=user,r=abc" },
		{ "SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "b", "SCRAM-SHA-256-PLUS", "user", "",
			"n,,n=user,r=abc" },
		{ "SCRAM-SHA-256", "", "", "a,b=c", "x=y", "n,a=x=3Dy,n=a=2Cb=3Dc,r=abc" },
		{ "SCRAM-SHA-256", "", "", "I\xc2\xadX", "", "n,,n=IX,r=abc" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		struct sasl_client_facts f = facts(str_c(rows[i].offered));
		struct turn turn = { NULL, str_c(rows[i].want), false };

		f.nonce = STR("abc");
		f.exporter = str_c(rows[i].exporter);
		f.tried = str_c(rows[i].tried);
		f.user = str_c(rows[i].user);
		f.authzid = str_c(rows[i].authzid);
		exchange(&f, &turn, 1, false);
	}
}

static void random_nonces_differ(void **state)
{
	struct sasl_client_facts f = facts(STR("SCRAM-SHA-256"));
	struct sasl_client *a = sasl_client_new(&f, NULL), *b = sasl_client_new(&f, NULL);
	struct str one, two;

	(void)state;
	assert_true(sasl_client_initial(a, &one));
	assert_true(sasl_client_initial(b, &two));
	assert_int_equal(one.n, 12 + 24);
	assert_false(str_eq(one, two));
	sasl_client_free(a);
	sasl_client_free(b);
}

static void simple_mechanisms(void **state)
{
	static const struct turn plain[] = { { NULL, STR_INIT("\0user\0pencil"), false },
		{ "more?", STR_INIT(""), true } };
	static const struct turn plain_asked[] = { { "", STR_INIT("\0user\0pencil"), false } };
	static const struct turn login[] = { { "Username:", STR_INIT("user"), false },
		{ "Password:", STR_INIT("pencil"), false }, { "Again:", STR_INIT(""), true } };
	/* RFC 2195 2 */
	static const struct turn cram[] = { { "<1896.697170952@postoffice.reston.mci.net>",
		STR_INIT("tim b913a602c7eda7a495b4e6e7334d3890"), false } };
	static const struct turn external[] = { { NULL, STR_INIT(""), false } };
	struct sasl_client_facts f = facts(STR("PLAIN"));

	(void)state;
	exchange(&f, plain, 1, true);
	exchange(&f, plain, 2, false);
	exchange(&f, plain_asked, 1, true);
	f = facts(STR("LOGIN"));
	exchange(&f, login, 1, false);
	exchange(&f, login, 2, true);
	exchange(&f, login, 3, false);
	f = facts(STR("CRAM-MD5"));
	f.cram_md5 = true;
	f.user = STR("tim");
	f.password = STR("tanstaaftanstaaf");
	exchange(&f, cram, 1, true);
	f = facts(STR("EXTERNAL"));
	f.external = true;
	exchange(&f, external, 1, true);
}

/* RFC 7628 4.1 and 4.3; XOAUTH2 with and without an initial response. */
static void tokens(void **state)
{
	static const struct turn bearer[] = {
		{ NULL,
			STR_INIT("n,a=user@example.com,\1host=server.example.com\1port=143\1"
				 "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"),
			false },
		{ "{\"status\":\"invalid_token\"}", STR_INIT("\1"), false },
		{ "{}", STR_INIT(""), true },
	};
	static const struct turn xoauth[] = {
		{ NULL,
			STR_INIT("user=user@example.com\1"
				 "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"),
			false },
		{ "{\"status\":\"401\"}", STR_INIT(""), false },
	};
	struct turn two_steps = xoauth[0];
	struct sasl_client_facts f = facts(STR("OAUTHBEARER"));

	(void)state;
	two_steps.challenge = "";
	f.user = STR("user@example.com");
	f.password = STR("");
	f.token = STR("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
	exchange(&f, bearer, 1, true);
	exchange(&f, bearer, 2, false);
	exchange(&f, bearer, 3, false);
	f.offered = STR("XOAUTH2");
	exchange(&f, xoauth, 1, true);
	exchange(&f, xoauth, 2, false);
	exchange(&f, &two_steps, 1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choice),
		cmocka_unit_test(refusals),
		cmocka_unit_test(scram_vectors),
		cmocka_unit_test(scram_refuses),
		cmocka_unit_test(scram_headers),
		cmocka_unit_test(random_nonces_differ),
		cmocka_unit_test(simple_mechanisms),
		cmocka_unit_test(tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
