/* Trusted certificates that are read when they are asked for: as a store of OpenSSL sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/buf.h"
#include "net/tls_roots.h"

enum { ROOT, OTHER, RENEWED, EXPIRED, WIDE, CROSS, ISSUER, MADE };

struct made {
	const char *name;
	int type; /* of the string */
	int by;   /* whose name and key sign it */
	int key;  /* the same as of that one, unless it is itself */
	long ends;
	EVP_PKEY *pair;
	X509 *x;
	char *pem;
};

/* One name in three forms (RFC 5280 7.1), two keys under it. */
static struct made made[MADE] = {
	[ROOT] = { "Test Authority", MBSTRING_ASC, ROOT, ROOT, 3600 },
	[OTHER] = { "Another", MBSTRING_ASC, OTHER, OTHER, 3600 },
	[RENEWED] = { "test  authority ", V_ASN1_UTF8STRING, RENEWED, RENEWED, 3600 },
	[EXPIRED] = { "TEST AUTHORITY", MBSTRING_ASC, EXPIRED, ROOT, -60 },
	[WIDE] = { "\0T\0e\0s\0t\0 \0a\0u\0t\0h\0o\0r\0i\0t\0y", V_ASN1_BMPSTRING, WIDE, ROOT,
		7200 },
	[CROSS] = { "Test Authority", MBSTRING_ASC, OTHER, ROOT, 3600 },
	[ISSUER] = { "Intermediate", MBSTRING_ASC, ROOT, ISSUER, 3600 },
};

static X509 *certificate(const struct made *m, const char *name, EVP_PKEY *key, bool authority)
{
	const struct made *by = &made[m->by];
	int n = m->type == V_ASN1_BMPSTRING ? 28 : -1;
	X509 *x = X509_new();
	X509_EXTENSION *e;
	X509V3_CTX ctx;

	assert_non_null(x);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1 + (m - made) + (authority ? 0 : 100));
	X509_gmtime_adj(X509_getm_notBefore(x), -86400);
	X509_gmtime_adj(X509_getm_notAfter(x), m->ends);
	X509_set_pubkey(x, key);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", m->type,
				 (const unsigned char *)name, n, -1, 0),
		1);
	X509_set_issuer_name(x, X509_get_subject_name(by->x == NULL ? x : by->x));
	X509V3_set_ctx(&ctx, by->x == NULL ? x : by->x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_key_identifier, "hash");
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid");
	if (e != NULL)
		X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints,
		authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, made[m->by].pair, EVP_sha256()) > 0);
	return x;
}

static char *pem_of(X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p, *text;
	long n;

	PEM_write_bio_X509(bio, x);
	n = BIO_get_mem_data(bio, &p);
	text = str_dup_c(str_of(p, (size_t)n));
	BIO_free(bio);
	return text;
}

static int set_up(void **state)
{
	(void)state;
	for (int i = 0; i < MADE; i++) {
		struct made *m = &made[i];

		if (m->key == i)
			m->pair = EVP_EC_gen("P-256");
		else
			EVP_PKEY_up_ref(m->pair = made[m->key].pair);
		m->x = certificate(m, m->name, m->pair, true);
		m->pem = pem_of(m->x);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < MADE; i++) {
		X509_free(made[i].x);
		EVP_PKEY_free(made[i].pair);
		free(made[i].pem);
	}
	return 0;
}

static X509_STORE *store_of(struct str pem, size_t count)
{
	X509_STORE *store = X509_STORE_new();
	struct err err = { 0 };
	size_t found;

	if (tls_roots_add(store, pem, &found, &err) != ST_OK)
		fail_msg("%s", err.text);
	assert_int_equal(found, count);
	return store;
}

static int kept(X509_STORE *store)
{
	return sk_X509_OBJECT_num(X509_STORE_get0_objects(store));
}

/* What OpenSSL says of a server's certificate that `by` has signed. */
static int verdict(X509_STORE *store, int by, STACK_OF(X509) * sent)
{
	struct made leaf = { .type = MBSTRING_ASC, .by = by, .ends = 600 };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = certificate(&leaf, "server", key, false);
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	int result;

	assert_int_equal(X509_STORE_CTX_init(check, store, x, sent), 1);
	(void)X509_verify_cert(check);
	result = X509_STORE_CTX_get_error(check);
	X509_STORE_CTX_free(check);
	X509_free(x);
	EVP_PKEY_free(key);
	return result;
}

static void chains(void **state)
{
	enum { END = -1 };
	static const struct {
		const char *name;
		int roots[4]; /* in the text, in this order */
		int by, sent, verdict, kept;
	} rows[] = {
		{ "the one of two", { OTHER, ROOT, END }, ROOT, END, X509_V_OK, 1 },
		{ "nobody's", { OTHER, ROOT, END }, RENEWED, END,
			X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 1 },
		{ "none of that name", { ROOT, END }, OTHER, END,
			X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0 },
		{ "the second key of a name", { ROOT, RENEWED, END }, RENEWED, END, X509_V_OK, 2 },
		{ "the first key of a name", { ROOT, RENEWED, END }, ROOT, END, X509_V_OK, 2 },
		{ "an expired one first", { EXPIRED, ROOT, END }, ROOT, END, X509_V_OK, 2 },
		{ "an expired one last", { ROOT, EXPIRED, END }, EXPIRED, END, X509_V_OK, 2 },
		{ "only an expired one", { OTHER, EXPIRED, END }, ROOT, END,
			X509_V_ERR_CERT_HAS_EXPIRED, 1 },
		{ "the name in other letters", { EXPIRED, WIDE, OTHER, END }, ROOT, END, X509_V_OK,
			2 },
		{ "other letters ask", { OTHER, ROOT, END }, WIDE, END, X509_V_OK, 1 },
		{ "cross-signed, both there", { OTHER, ROOT, END }, ROOT, CROSS, X509_V_OK, 1 },
		{ "cross-signed, the signer there", { OTHER, END }, ROOT, CROSS, X509_V_OK, 1 },
		{ "by way of what was sent", { OTHER, ROOT, END }, ISSUER, ISSUER, X509_V_OK, 1 },
		{ "by way of what the text has", { ISSUER, OTHER, ROOT, END }, ISSUER, END,
			X509_V_OK, 2 },
		{ "the way ends in the text", { ISSUER, OTHER, END }, ISSUER, END,
			X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		STACK_OF(X509) *sent = sk_X509_new_null();
		struct buf text = { 0 };
		X509_STORE *store;
		size_t n = 0;

		while (rows[i].roots[n] != END)
			buf_put(&text, str_c(made[rows[i].roots[n++]].pem));
		if (rows[i].sent != END)
			sk_X509_push(sent, made[rows[i].sent].x);
		store = store_of(buf_str(&text), n);
		assert_int_equal(kept(store), 0);
		for (int again = 0; again < 2; again++) {
			int found = verdict(store, rows[i].by, sent);

			if (found != rows[i].verdict || kept(store) != rows[i].kept)
				fail_msg("%s: %s, %d kept", rows[i].name,
					X509_verify_cert_error_string(found), kept(store));
		}
		X509_STORE_free(store);
		sk_X509_free(sent);
		buf_deinit(&text);
	}
}

/* What stands in PEM, however it is written, as PEM_read_bio_X509() had it. */
static void texts(void **state)
{
	static const char key[] = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
	struct buf text = { 0 };
	struct str rest = str_c(made[ROOT].pem);
	X509_STORE *store;

	(void)state;
	buf_put(&text, STR("# a bundle\r\n\r\n"));
	while (rest.n > 0) {
		buf_put(&text, str_cut(&rest, '\n'));
		buf_put(&text, STR(" \r\n"));
	}
	buf_put(&text, str_c(key));
	buf_put(&text, STR("another\n-----BEGIN X509 CERTIFICATE-----\n"));
	buf_put(&text, str_from(str_c(made[OTHER].pem), sizeof "-----BEGIN CERTIFICATE-----"));
	buf_put(&text, STR("-----BEGIN CERTIFICATE-----\n")); /* in lines of 7 */
	rest = str_from(str_c(made[RENEWED].pem), sizeof "-----BEGIN CERTIFICATE-----");
	while (rest.n > sizeof "-----END CERTIFICATE-----") {
		if (rest.p[0] != '\n')
			buf_putc(&text, rest.p[0]);
		if (rest.n % 7 == 0)
			buf_putc(&text, '\n');
		rest = str_from(rest, 1);
	}
	buf_put(&text, STR("\n-----END CERTIFICATE-----"));
	store = store_of(buf_str(&text), 3);
	assert_int_equal(verdict(store, RENEWED, NULL), X509_V_OK);
	assert_int_equal(verdict(store, ROOT, NULL), X509_V_OK);
	assert_int_equal(verdict(store, OTHER, NULL), X509_V_OK);
	X509_STORE_free(store);
	X509_STORE_free(store_of(STR(" "), 0));
	buf_deinit(&text);
}

static enum status status_of(struct str text)
{
	X509_STORE *store = X509_STORE_new();
	struct err err = { 0 };
	size_t count;
	enum status st = tls_roots_add(store, text, &count, &err);

	assert_int_equal(st != ST_OK, err.text[0] != '\0');
	X509_STORE_free(store);
	return st;
}

/* A text that is cut or changed anywhere in what the walk must read is refused; none does harm. */
static void damaged(void **state)
{
	struct buf text = { 0 };
	size_t whole, refused = 0;
	int n = i2d_X509(made[ROOT].x, NULL);

	(void)state;
	buf_put(&text, str_c(made[OTHER].pem));
	whole = text.len;
	buf_put(&text, str_c(made[ROOT].pem));
	/* 40: the first line of the second one is there */
	for (size_t cut = whole + 40; cut < text.len - 30; cut++)
		assert_int_equal(status_of(str_head(buf_str(&text), cut)), ST_USAGE);
	assert_int_equal(status_of(STR("not PEM")), ST_USAGE);
	assert_int_equal(status_of(STR("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")),
		ST_USAGE);
	for (size_t i = whole + 30; i < whole + 200; i += 13) {
		static const char wrong[] = { '-', '=', '\0', '!' };
		char right = text.data[i];

		text.data[i] = wrong[i % sizeof wrong];
		assert_int_equal(status_of(buf_str(&text)), ST_USAGE);
		text.data[i] = right;
	}
	for (int i = 0; i < n; i++) {
		unsigned char *p = NULL;
		BIO *bio = BIO_new(BIO_s_mem());
		char *pem;
		long length;

		assert_int_equal(i2d_X509(made[ROOT].x, &p), n);
		p[i] ^= 0x81;
		PEM_write_bio(bio, "CERTIFICATE", "", p, n);
		length = BIO_get_mem_data(bio, &pem);
		refused += status_of(str_of(pem, (size_t)length)) != ST_OK;
		/* cut short, the lengths inside say more than there is */
		BIO_reset(bio);
		PEM_write_bio(bio, "CERTIFICATE", "", p, i);
		length = BIO_get_mem_data(bio, &pem);
		assert_int_equal(status_of(str_of(pem, (size_t)length)), ST_USAGE);
		BIO_free(bio);
		OPENSSL_free(p);
	}
	assert_in_range(refused, 20, n);
	buf_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains),
		cmocka_unit_test(texts),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
