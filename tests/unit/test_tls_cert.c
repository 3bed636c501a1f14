/* Which certificate a client gets, and tickets under keys that change, against OpenSSL's own client
 * over memory BIOs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <malloc.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/tls.h"

enum { CERTS = 6 };

static const struct {
	const char *cn; /* what the rows below call it */
	const char *alt;
	bool rsa;
} kinds[CERTS] = {
	{ "default-ec", "DNS:mail.example.test,DNS:localhost", false },
	{ "default-rsa", "DNS:localhost,DNS:mail.example.test,DNS:more.test", true },
	{ "other-ec", "DNS:other.test", false },
	{ "other-rsa", "DNS:other.test", true },
	{ "wild", "DNS:*.wild.test", false },
	{ "own", "DNS:own.wild.test", false },
};

static char *cert_text[CERTS], *key_text[CERTS];
static struct tls_pair pairs[CERTS];

static char *text_of(BIO *bio)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);
	char *text = str_dup_c(str_of(p, (size_t)n));

	BIO_free(bio);
	return text;
}

static void make_certificate(size_t i)
{
	EVP_PKEY *key = kinds[i].rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *alt = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, kinds[i].alt);
	BIO *cert = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), (long)i + 1);
	X509_NAME_add_entry_by_NID(
		name, NID_commonName, MBSTRING_ASC, (const unsigned char *)kinds[i].cn, -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_add_ext(x, alt, -1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	PEM_write_bio_X509(cert, x);
	PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL);
	cert_text[i] = text_of(cert);
	key_text[i] = text_of(secret);
	pairs[i] = (struct tls_pair){ str_c(cert_text[i]), str_c(key_text[i]) };
	X509_EXTENSION_free(alt);
	X509_free(x);
	EVP_PKEY_free(key);
}

struct ends {
	SSL *client, *server;
};

static struct tls_server *server(size_t count, struct str tickets)
{
	struct err err = { 0 };
	struct tls_server *t = tls_server_new(pairs, count, STR("1.2"), tickets, &err);

	assert_string_equal(err.text, "");
	return t;
}

static struct ends connect_ends(struct tls_server *t, SSL_CTX *client_ctx)
{
	struct ends e = { SSL_new(client_ctx), SSL_new(tls_server_ctx(t)) };
	BIO *a, *b;

	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(e.client, a, a);
	SSL_set_bio(e.server, b, b);
	SSL_set_connect_state(e.client);
	SSL_set_accept_state(e.server);
	return e;
}

static bool shake(struct ends *e)
{
	char c;
	int client = 0, serving = 0;

	for (int i = 0; i < 20 && (client != 1 || serving != 1); i++) {
		client = SSL_do_handshake(e->client);
		serving = SSL_do_handshake(e->server);
	}
	if (client == 1)
		(void)SSL_read(e->client, &c, 1); /* tickets come after the handshake in 1.3 */
	ERR_clear_error();
	return client == 1 && serving == 1;
}

static void free_ends(struct ends *e)
{
	SSL_free(e->client);
	SSL_free(e->server);
}

static void got_name(const struct ends *e, char cn[64])
{
	X509 *x = SSL_get1_peer_certificate(e->client);

	assert_non_null(x);
	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn, 64);
	X509_free(x);
}

#define EC  "ECDSA+SHA256"
#define RSA "RSA-PSS+SHA256:RSA+SHA256"

static void chosen_by_name_and_algorithms(void **state)
{
	static const struct {
		const char *name, *sni, *sigalgs, *got; /* got NULL: no handshake */
	} rows[] = {
		{ "no name", NULL, EC ":" RSA, "default-ec" },
		{ "no name, RSA only", NULL, RSA, "default-rsa" },
		{ "no name, ECDSA only", NULL, EC, "default-ec" },
		{ "default's name", "mail.example.test", EC ":" RSA, "default-ec" },
		{ "default's name, RSA only", "mail.example.test", RSA, "default-rsa" },
		{ "a name of the RSA one only", "more.test", EC ":" RSA, "default-rsa" },
		{ "a name of the RSA one, ECDSA", "more.test", EC, NULL },
		{ "another name", "other.test", EC ":" RSA, "other-ec" },
		{ "another name, RSA only", "other.test", RSA, "other-rsa" },
		{ "another name in capitals", "OTHER.Test", RSA, "other-rsa" },
		{ "unknown name", "nobody.test", EC ":" RSA, "default-ec" },
		{ "unknown name, RSA only", "nobody.test", RSA, "default-rsa" },
		{ "wildcard", "a.wild.test", EC ":" RSA, "wild" },
		{ "wildcard covers one label", "a.b.wild.test", EC ":" RSA, "default-ec" },
		{ "wildcard covers no label", "wild.test", EC ":" RSA, "default-ec" },
		{ "own name before a wildcard", "own.wild.test", EC ":" RSA, "own" },
		{ "common names are no names", "default-rsa", EC ":" RSA, "default-ec" },
	};
	struct tls_server *t = server(CERTS, STR(""));

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int max = TLS1_2_VERSION; max <= TLS1_3_VERSION; max++) {
			SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
			struct ends e = connect_ends(t, ctx);
			char cn[64] = "";
			bool up;

			SSL_set_max_proto_version(e.client, max);
			assert_int_equal(SSL_set1_sigalgs_list(e.client, rows[i].sigalgs), 1);
			if (rows[i].sni != NULL)
				SSL_set_tlsext_host_name(e.client, rows[i].sni);
			up = shake(&e);
			if (up)
				got_name(&e, cn);
			if (up != (rows[i].got != NULL) || (up && strcmp(cn, rows[i].got) != 0))
				fail_msg("%s, TLS %x: got '%s'", rows[i].name, (unsigned)max, cn);
			free_ends(&e);
			SSL_CTX_free(ctx);
		}
	tls_server_unref(t);
}

/* CVE-2017-15130: a server that keeps something for each name it is asked for. */
static void names_cost_no_memory(void **state)
{
	enum {
		WARM = 4000,
		MORE = 2000
	}; /* allocators and OpenSSL have what they need after 3000 */
	struct tls_server *t = server(CERTS, STR(""));
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	size_t before = 0;

	(void)state;
	for (int i = 0; i < WARM + MORE; i++) {
		struct ends e = connect_ends(t, ctx);
		char name[64];

		snprintf(name, sizeof name, "n%d.%s.test", i, i % 2 ? "wild" : "else");
		SSL_set_tlsext_host_name(e.client, name);
		assert_true(shake(&e));
		free_ends(&e);
		if (i == WARM)
			before = mallinfo2().uordblks;
	}
	/* An octet a name would show; sanitizers' allocators report nothing here and check leaks. */
	assert_true(mallinfo2().uordblks <= before + MORE);
	SSL_CTX_free(ctx);
	tls_server_unref(t);
}

#define HALF_KEY(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define KEY(c)      HALF_KEY(c) HALF_KEY(c)

static SSL_SESSION *ticket_of(SSL_CTX *ctx, struct tls_server *t, int max)
{
	struct ends e = connect_ends(t, ctx);
	SSL_SESSION *s;

	SSL_set_max_proto_version(e.client, max);
	assert_true(shake(&e));
	SSL_shutdown(e.client);
	s = SSL_get1_session(e.client);
	free_ends(&e);
	return s;
}

static bool resumes(SSL_CTX *ctx, struct tls_server *t, SSL_SESSION *s, int max)
{
	struct ends e = connect_ends(t, ctx);
	bool reused;

	SSL_set_max_proto_version(e.client, max);
	SSL_set_session(e.client, s);
	assert_true(shake(&e));
	reused = SSL_session_reused(e.client) == 1;
	SSL_shutdown(e.client); /* or the library thinks its session spoilt */
	free_ends(&e);
	return reused;
}

static void tickets_outlive_one_change_of_keys(void **state)
{
	(void)state;
	for (int max = TLS1_2_VERSION; max <= TLS1_3_VERSION; max++) {
		struct tls_server *t = server(1, STR(KEY("a")));
		SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
		SSL_SESSION *old = ticket_of(ctx, t, max), *fresh;
		struct err err = { 0 };

		assert_true(resumes(ctx, t, old, max));
		assert_int_equal(tls_server_tickets(t, STR(KEY("b") KEY("a")), &err), ST_OK);
		assert_true(resumes(ctx, t, old, max));
		fresh = ticket_of(ctx, t, max);
		assert_int_equal(tls_server_tickets(t, STR(KEY("c") KEY("b")), &err), ST_OK);
		assert_false(resumes(ctx, t, old, max));
		assert_true(resumes(ctx, t, fresh, max));
		assert_int_equal(tls_server_tickets(t, STR(""), &err), ST_OK);
		assert_false(resumes(ctx, t, fresh, max));
		assert_int_equal(tls_server_tickets(t, STR("short"), &err), ST_USAGE);
		SSL_SESSION_free(old);
		SSL_SESSION_free(fresh);
		SSL_CTX_free(ctx);
		tls_server_unref(t);
	}
}

static void too_many(void **state)
{
	static struct tls_pair many[TLS_PAIRS_MAX + 1];
	struct err err = { 0 };
	struct tls_server *t;

	(void)state;
	for (size_t i = 0; i <= TLS_PAIRS_MAX; i++)
		many[i] = pairs[0];
	assert_null(tls_server_new(many, TLS_PAIRS_MAX + 1, STR("1.2"), STR(""), &err));
	assert_int_equal(err.code, ST_USAGE);
	err = (struct err){ 0 };
	t = tls_server_new(many, TLS_PAIRS_MAX, STR("1.2"), STR(""), &err);
	assert_string_equal(err.text, "");
	tls_server_unref(t);
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < CERTS; i++)
		make_certificate(i);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < CERTS; i++) {
		free(cert_text[i]);
		free(key_text[i]);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen_by_name_and_algorithms),
		cmocka_unit_test(names_cost_no_memory),
		cmocka_unit_test(tickets_outlive_one_change_of_keys),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
