#include <ctype.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "net/spki.h"

static bool digest(unsigned char *der, int n, unsigned char out[SPKI_DIGEST])
{
	if (n > 0)
		SHA256(der, (size_t)n, out);
	OPENSSL_free(der);
	return n > 0;
}

bool spki_digest(const X509 *cert, unsigned char out[SPKI_DIGEST])
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	return digest(der, n, out);
}

static bool of_key(BIO *bio, unsigned char out[SPKI_DIGEST])
{
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	unsigned char *der = NULL;
	int n = key != NULL ? i2d_PUBKEY(key, &der) : 0;
	bool ok = digest(der, n, out);

	EVP_PKEY_free(key);
	return ok;
}

static void put_subject(struct buf *to, const X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;

	if (bio == NULL)
		abort();
	X509_NAME_print_ex(
		bio, X509_get_subject_name(cert), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
	n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		buf_put(to, str_of(text, (size_t)n));
	BIO_free(bio);
}

enum status spki_of_pem(
	struct str pem, unsigned char out[SPKI_DIGEST], struct buf *subject, struct err *err)
{
	BIO *bio = pem.n > INT_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	bool ok = cert != NULL && spki_digest(cert, out);

	if (ok)
		put_subject(subject, cert);
	else if (bio != NULL && BIO_reset(bio) == 1)
		ok = of_key(bio, out);
	X509_free(cert);
	BIO_free(bio);
	ERR_clear_error();
	return ok ? ST_OK : err_set(err, ST_USAGE, "neither a certificate nor a public key in PEM");
}

bool spki_self_signed(struct str pem)
{
	BIO *bio = pem.n > INT_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
	bool self = cert != NULL &&
		    X509_NAME_cmp(X509_get_subject_name(cert), X509_get_issuer_name(cert)) == 0;

	X509_free(cert);
	BIO_free(bio);
	ERR_clear_error();
	return self;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	size_t at = str_find(STR("0123456789abcdef"), (char)tolower((unsigned char)c));

	return at < sizeof digits - 1 ? (int)at : -1;
}

bool spki_of_text(struct str text, unsigned char out[SPKI_DIGEST])
{
	size_t n = 0;

	if (str_istarts(text, STR("sha256:")))
		text = str_from(text, 7);
	while (text.n >= 2 && n < SPKI_DIGEST) {
		int high = hex_digit(text.p[0]), low = hex_digit(text.p[1]);

		if (high < 0 || low < 0)
			return false;
		out[n++] = (unsigned char)(high * 16 + low);
		text = str_from(text, 2);
		if (text.n > 2 && text.p[0] == ':')
			text = str_from(text, 1);
	}
	return n == SPKI_DIGEST && text.n == 0;
}
