#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/tls_cert.h"

enum {
	/* RFC 6125 6.4.4: the subject's common name is no host name. */
	CHECK = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
};

enum status tls_err(struct err *err, enum status code, const char *what)
{
	unsigned long e = ERR_get_error();
	const char *why = e != 0 ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	return err_set(err, code, "%s: %s", what, why != NULL ? why : "refused by OpenSSL");
}

/* Keys with a password cannot be asked for in a server: an empty answer fails at once. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static enum status load_chain(struct tls_cert *c, struct str pem, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x;

	c->chain = sk_X509_new_null();
	if (bio == NULL || c->chain == NULL)
		abort();
	while ((x = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
		if (c->own == NULL)
			c->own = x;
		else if (sk_X509_push(c->chain, x) == 0)
			abort();
	}
	BIO_free(bio);
	if (c->own == NULL)
		return tls_err(err, ST_USAGE, "TLS certificate");
	/* What ended the loop is "no start line": the end of the file, unless something else came. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return tls_err(err, ST_USAGE, "TLS certificate chain");
	ERR_clear_error();
	return ST_OK;
}

enum status tls_cert_load(struct tls_cert *c, const struct tls_pair *pair, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pair->key.p, (int)pair->key.n);
	enum status st;

	*c = (struct tls_cert){ 0 };
	st = load_chain(c, pair->cert, err);
	if (st == ST_OK) {
		c->key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
		if (c->key == NULL)
			st = tls_err(err, ST_USAGE, "TLS key");
		else if (X509_check_private_key(c->own, c->key) != 1)
			st = tls_err(err, ST_USAGE, "TLS key and certificate");
	}
	BIO_free(bio);
	if (st != ST_OK)
		tls_cert_free(c);
	return st;
}

void tls_cert_free(struct tls_cert *c)
{
	X509_free(c->own);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	*c = (struct tls_cert){ 0 };
}

static bool valid_for(const struct tls_cert *c, const char *name, size_t n, bool wildcards)
{
	unsigned flags = CHECK | (wildcards ? 0 : X509_CHECK_FLAG_NO_WILDCARDS);

	return X509_check_host(c->own, name, n, flags, NULL) == 1;
}

/* Every DNS name of a is one of b's; false when a has none. */
static bool covers(const struct tls_cert *b, const struct tls_cert *a)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(a->own, NID_subject_alt_name, NULL, NULL);
	int count = names == NULL ? 0 : sk_GENERAL_NAME_num(names), found = 0;
	bool all = true;

	for (int i = 0; i < count; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type != GEN_DNS)
			continue;
		found++;
		all &= valid_for(b, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
			(size_t)ASN1_STRING_length(name->d.dNSName), true);
	}
	GENERAL_NAMES_free(names);
	return all && found > 0;
}

enum status tls_cert_default(
	SSL_CTX *ctx, const struct tls_cert *rows, size_t count, struct err *err)
{
	/* From the last to the first: of two of one type the first stays. */
	for (size_t i = count; i-- > 0;) {
		const struct tls_cert *c = &rows[i];

		if (i > 0 && (EVP_PKEY_get_base_id(c->key) == EVP_PKEY_get_base_id(rows->key) ||
				     !covers(c, rows)))
			continue;
		if (SSL_CTX_use_cert_and_key(ctx, c->own, c->key, c->chain, 1) != 1)
			return tls_err(err, ST_USAGE, "TLS certificate");
	}
	return ST_OK;
}

/* OpenSSL keeps one certificate a key type and chooses by the client's algorithms. */
static bool use_matching(SSL *ssl, const struct tls_cert *rows, size_t count, struct str name,
	bool wildcards, bool *cleared)
{
	for (size_t i = count; i-- > 0;) {
		const struct tls_cert *c = &rows[i];

		if (!valid_for(c, name.p, name.n, wildcards))
			continue;
		if (!*cleared)
			SSL_certs_clear(ssl);
		*cleared = true;
		if (SSL_use_cert_and_key(ssl, c->own, c->key, c->chain, 1) != 1)
			return false;
	}
	return true;
}

int tls_cert_choose(SSL *ssl, const struct tls_cert *rows, size_t count)
{
	struct str name = str_c(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	bool cleared = false;

	if (count < 2 || name.n == 0)
		return 1;
	/* A name of its own comes before one that a wildcard covers. */
	return use_matching(ssl, rows, count, name, true, &cleared) &&
	       use_matching(ssl, rows, count, name, false, &cleared);
}
