#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "account/directory.h"
#include "account/sasl.h"

#define LEN(a) (sizeof(a) / sizeof *(a))

static char folder[64];
static struct directory *d;
static struct authenticator *a;
static uint64_t ann;
static struct sasl_reply last;
static char output[200], asked_token[200], asked_user[200];
static struct token_check *held; /* the checker answers later */
static bool hold, abandoned;

static void answer(struct token_check *c)
{
	struct str token = str_c(asked_token);

	if (str_eq(token, STR("down")))
		c->done(c, TOKEN_UNREACHABLE, STR(""));
	else if (str_starts(token, STR("bad")))
		c->done(c, TOKEN_BAD, STR(""));
	else if (str_eq(token, STR("nobody")))
		c->done(c, TOKEN_GOOD, STR("nobody@example.org"));
	else
		c->done(c, TOKEN_GOOD, STR("Ann@Example.org"));
}

static void check(struct token_checker *t, struct token_check *c, struct str token, struct str user)
{
	(void)t;
	snprintf(asked_token, sizeof asked_token, "%.*s", STR_ARG(token));
	snprintf(asked_user, sizeof asked_user, "%.*s", STR_ARG(user));
	if (hold)
		held = c;
	else
		answer(c);
}

static void abandon(struct token_checker *t, struct token_check *c)
{
	(void)t;
	assert_ptr_equal(c, held);
	abandoned = true;
}

static struct token_checker checker = { check, abandon };

static int open_office(void **state)
{
	static const struct credentials nothing = { .hash = "!" };
	char path[96];

	(void)state;
	snprintf(folder, sizeof folder, "/tmp/restante-oauth-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/d", folder);
	d = directory_open(path, NULL);
	assert_non_null(d);
	assert_int_equal(directory_domain_add(d, STR("example.org"), NULL), ST_OK);
	assert_int_equal(account_add(d, STR("ann@example.org"), &nothing, &ann, NULL), ST_OK);
	a = authenticator_new(d, 1, 8);
	authenticator_tokens(a, &checker);
	hold = abandoned = false;
	asked_token[0] = '\0';
	return 0;
}

static int close_office(void **state)
{
	char command[96];

	(void)state;
	authenticator_free(a);
	directory_close(d);
	snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

static void done(void *owner, const struct sasl_reply *r)
{
	(void)owner;
	last = *r;
	snprintf(output, sizeof output, "%.*s", STR_ARG(r->output));
}

static struct sasl *start(struct str mechanism)
{
	const struct sasl_start s = { .mechanism = mechanism, .tls = true };

	return sasl_new(a, &s, done, NULL);
}

static int one(struct str mechanism, struct str message)
{
	struct sasl *x = start(mechanism);

	sasl_step(x, message, true);
	if (last.result == SASL_CHALLENGE) {
		assert_non_null(strstr(output, "\"status\""));
		sasl_step(x, STR("\001"), true);
		assert_int_equal(last.result, SASL_FAILED);
	}
	sasl_free(x);
	return (int)last.result;
}

static void grammar(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str message;
		int result;
		const char *user;
	} rows[] = {
		{ "RFC 7628 4.1", STR_INIT("n,a=ann@example.org,\001host=server.example.com\001port=143\001"
			"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\001\001"), SASL_OK, "ann@example.org" },
		{ "no authzid",         STR_INIT("n,,\001auth=Bearer x\001\001"),                SASL_OK, "" },
		{ "flag y",             STR_INIT("y,,\001auth=Bearer x\001\001"),                SASL_OK, "" },
		{ "scheme in any case", STR_INIT("n,,\001AUTH=bearer x\001\001"),                SASL_OK, "" },
		{ "unknown keys",       STR_INIT("n,,\001foo=bar\r\n\001auth=Bearer x\001q=\001\001"), SASL_OK, "" },
		{ "other user",         STR_INIT("n,a=bob@example.org,\001auth=Bearer x\001\001"), SASL_FAILED, "bob@example.org" },
		{ "escaped authzid",    STR_INIT("n,a=a=2Cb=3D,\001auth=Bearer x\001\001"),      SASL_FAILED, "a,b=" },
		{ "owner is not here",  STR_INIT("n,,\001auth=Bearer nobody\001\001"),           SASL_FAILED, "" },
		{ "bad token",          STR_INIT("n,,\001auth=Bearer bad\001\001"),              SASL_FAILED, "" },
		{ "no judge",           STR_INIT("n,,\001auth=Bearer down\001\001"),             SASL_TEMP, "" },
		{ "channel binding",    STR_INIT("p=tls-exporter,,\001auth=Bearer x\001\001"),   SASL_MALFORMED, NULL },
		{ "no last kvsep",      STR_INIT("n,,\001auth=Bearer x\001"),                    SASL_MALFORMED, NULL },
		{ "no kvsep at all",    STR_INIT("n,,\001auth=Bearer x"),                        SASL_MALFORMED, NULL },
		{ "octets after",       STR_INIT("n,,\001auth=Bearer x\001\001x"),               SASL_MALFORMED, NULL },
		{ "two tokens",         STR_INIT("n,,\001auth=Bearer x\001auth=Bearer y\001\001"), SASL_MALFORMED, NULL },
		{ "no token",           STR_INIT("n,,\001auth=Bearer \001\001"),                 SASL_MALFORMED, NULL },
		{ "two words",          STR_INIT("n,,\001auth=Bearer x y\001\001"),              SASL_MALFORMED, NULL },
		{ "basic",              STR_INIT("n,,\001auth=Basic eDp5\001\001"),              SASL_MALFORMED, NULL },
		{ "quote in the token", STR_INIT("n,,\001auth=Bearer x\"\001\001"),              SASL_MALFORMED, NULL },
		{ "equals inside",      STR_INIT("n,,\001auth=Bearer =x\001\001"),               SASL_MALFORMED, NULL },
		{ "NUL",                STR_INIT("n,,\001auth=Bearer x\0\001\001"),              SASL_MALFORMED, NULL },
		{ "no auth",            STR_INIT("n,,\001host=x\001\001"),                       SASL_MALFORMED, NULL },
		{ "no pairs",           STR_INIT("n,,\001\001"),                                 SASL_MALFORMED, NULL },
		{ "a dummy first",      STR_INIT("\001"),                                        SASL_MALFORMED, NULL },
		{ "empty",              STR_INIT(""),                                            SASL_MALFORMED, NULL },
		{ "one comma",          STR_INIT("n,\001auth=Bearer x\001\001"),                 SASL_MALFORMED, NULL },
		{ "three commas",       STR_INIT("n,,,\001auth=Bearer x\001\001"),               SASL_MALFORMED, NULL },
		{ "authzid without a=", STR_INIT("n,ann,\001auth=Bearer x\001\001"),             SASL_MALFORMED, NULL },
		{ "empty authzid",      STR_INIT("n,a=,\001auth=Bearer x\001\001"),              SASL_MALFORMED, NULL },
		{ "bare equals",        STR_INIT("n,a=a=b,\001auth=Bearer x\001\001"),           SASL_MALFORMED, NULL },
		{ "digit in a key",     STR_INIT("n,,\001a1=x\001auth=Bearer x\001\001"),        SASL_MALFORMED, NULL },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		asked_token[0] = '\0';
		assert_int_equal(one(STR("OAUTHBEARER"), rows[i].message), rows[i].result);
		assert_int_equal(asked_token[0] != '\0', rows[i].user != NULL);
		if (rows[i].user != NULL)
			assert_string_equal(asked_user, rows[i].user);
		if (rows[i].result == SASL_OK)
			assert_int_equal(last.account, ann);
	}
}

static void xoauth2(void **state)
{
	(void)state;
	assert_int_equal(
		one(STR("XOAUTH2"), STR("user=ann@example.org\001auth=Bearer x\001\001")), SASL_OK);
	assert_true(str_eq(last.mechanism, STR("XOAUTH2")));
	assert_int_equal(one(STR("XOAUTH2"), STR("user=bob@example.org\001auth=Bearer x\001\001")),
		SASL_FAILED);
	assert_int_equal(
		one(STR("XOAUTH2"), STR("user=ann@example.org\001auth=Bearer bad\001\001")),
		SASL_FAILED);
	assert_int_equal(
		one(STR("XOAUTH2"), STR("user=\001auth=Bearer x\001\001")), SASL_MALFORMED);
	assert_int_equal(one(STR("XOAUTH2"), STR("n,,\001auth=Bearer x\001\001")), SASL_MALFORMED);
}

static void without_initial_response(void **state)
{
	struct sasl *x = start(STR("OAUTHBEARER"));

	(void)state;
	sasl_step(x, STR(""), false);
	assert_int_equal(last.result, SASL_CHALLENGE);
	assert_string_equal(output, "");
	sasl_step(x, STR("n,,\001auth=Bearer x\001\001"), true);
	assert_int_equal(last.result, SASL_OK);
	sasl_free(x);
}

static void disabled_account(void **state)
{
	(void)state;
	assert_int_equal(account_set_disabled(d, STR("ann@example.org"), true, NULL), ST_OK);
	assert_int_equal(one(STR("OAUTHBEARER"), STR("n,,\001auth=Bearer x\001\001")), SASL_FAILED);
}

static void nobody_to_ask(void **state)
{
	(void)state;
	authenticator_tokens(a, NULL);
	assert_int_equal(one(STR("OAUTHBEARER"), STR("n,,\001auth=Bearer x\001\001")),
		SASL_UNKNOWN_MECHANISM);
	assert_int_equal(one(STR("XOAUTH2"), STR("user=a\001auth=Bearer x\001\001")),
		SASL_UNKNOWN_MECHANISM);
}

static void freed_while_asking(void **state)
{
	struct sasl *x = start(STR("OAUTHBEARER"));

	(void)state;
	hold = true;
	sasl_step(x, STR("n,,\001auth=Bearer x\001\001"), true);
	assert_false(abandoned);
	sasl_free(x);
	assert_true(abandoned);
	/* a step too many ends it, too */
	abandoned = false;
	x = start(STR("OAUTHBEARER"));
	sasl_step(x, STR("n,,\001auth=Bearer x\001\001"), true);
	sasl_step(x, STR("more"), true);
	assert_int_equal(last.result, SASL_MALFORMED);
	assert_true(abandoned);
	abandoned = false;
	sasl_free(x);
	assert_false(abandoned);
	/* and the answer that comes later is the right one */
	x = start(STR("OAUTHBEARER"));
	sasl_step(x, STR("n,,\001auth=Bearer x\001\001"), true);
	answer(held);
	assert_int_equal(last.result, SASL_OK);
	sasl_free(x);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_office, close_office)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(grammar),
		TEST(xoauth2),
		TEST(without_initial_response),
		TEST(disabled_account),
		TEST(nobody_to_ask),
		TEST(freed_while_asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
