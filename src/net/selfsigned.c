#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/tls.h"

enum { DAYS = 3650, SERIAL = 16, CN_MAX = 64 /* RFC 5280 appendix A, ub-common-name */ };

/* "DNS:a.test,IP:127.0.0.1", as the extension's text form wants it.  Names are checked, because
 * that form has a syntax of its own. */
static enum status alt_names(struct buf *out, struct str names, struct err *err)
{
	while (names.n > 0) {
		struct str name = str_trim(str_cut(&names, ','));
		unsigned char ip[16];
		char text[256];
		bool is_ip;

		if (name.n == 0 || name.n >= sizeof text)
			return err_set(err, ST_USAGE, "certificate: a name is empty or too long");
		memcpy(text, name.p, name.n);
		text[name.n] = '\0';
		is_ip = inet_pton(AF_INET, text, ip) == 1 || inet_pton(AF_INET6, text, ip) == 1;
		for (size_t i = 0; !is_ip && i < name.n; i++) {
			char c = ascii_lower(text[i]);

			if (!(c >= 'a' && c <= 'z') && !ascii_digit(c) && c != '-' && c != '.' &&
				c != '*')
				return err_set(err, ST_USAGE,
					"certificate: '%s' is not a host name", text);
		}
		if (out->len > 0)
			buf_putc(out, ',');
		buf_put(out, is_ip ? STR("IP:") : STR("DNS:"));
		buf_put(out, name);
	}
	return out->len > 0 ? ST_OK : err_set(err, ST_USAGE, "certificate: no name");
}

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext != NULL && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

static bool set_serial(X509 *x)
{
	unsigned char random[SERIAL];
	BIGNUM *n;
	bool ok;

	/* RFC 5280 4.1.2.2: positive, at most 20 octets; random, so that a certificate made anew is not
	 * taken for the old one. */
	random_bytes(random, sizeof random);
	random[0] = (unsigned char)((random[0] & 0x7f) | 0x40);
	n = BN_bin2bn(random, sizeof random, NULL);
	ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

static bool set_subject(X509 *x, struct str names)
{
	X509_NAME *name = X509_get_subject_name(x);
	struct str first = str_trim(str_cut(&names, ','));

	if (first.n <= CN_MAX && X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
					 (const unsigned char *)first.p, (int)first.n, -1, 0) != 1)
		return false;
	return X509_set_issuer_name(x, name) == 1;
}

/* A leaf, not an authority: whoever trusts it for this server trusts it for nothing else.  OpenSSL
 * and GnuTLS accept a trusted certificate that is its own issuer.  RFC 5280 4.2.1.1 lets a self-signed
 * one leave out whose key signed it. */
static bool fill(X509 *x, EVP_PKEY *key, struct str names, const char *alt)
{
	static const struct {
		int nid;
		const char *value;
	} extensions[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature" },
		{ NID_ext_key_usage, "serverAuth" },
		{ NID_subject_key_identifier, "hash" },
	};

	/* An hour of grace for a client whose clock is behind. */
	if (X509_set_version(x, X509_VERSION_3) != 1 || !set_serial(x) || !set_subject(x, names) ||
		X509_gmtime_adj(X509_getm_notBefore(x), -3600) == NULL ||
		X509_time_adj_ex(X509_getm_notAfter(x), DAYS, 0, NULL) == NULL ||
		X509_set_pubkey(x, key) != 1)
		return false;
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (!add_extension(x, extensions[i].nid, extensions[i].value))
			return false;
	return add_extension(x, NID_subject_alt_name, alt) && X509_sign(x, key, EVP_sha256()) > 0;
}

static char *pem_text(BIO *bio)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	return str_dup_c(str_of(p, n > 0 ? (size_t)n : 0));
}

enum status tls_self_signed(struct str names, char **cert_pem, char **key_pem, struct err *err)
{
	enum status st;
	struct buf alt = { 0 };
	char *alt_c = NULL;
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	BIO *cert_bio = NULL, *key_bio = NULL;

	st = alt_names(&alt, names, err);
	if (st != ST_OK)
		goto out;
	alt_c = buf_steal_c(&alt);
	st = ST_PERM;
	key = EVP_EC_gen("P-256");
	x = X509_new();
	cert_bio = BIO_new(BIO_s_mem());
	key_bio = BIO_new(BIO_s_secmem());
	if (key == NULL || x == NULL || cert_bio == NULL || key_bio == NULL ||
		!fill(x, key, names, alt_c) || PEM_write_bio_X509(cert_bio, x) != 1 ||
		PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
		err_set(err, st, "certificate: %s", ERR_reason_error_string(ERR_peek_error()));
		goto out;
	}
	*cert_pem = pem_text(cert_bio);
	*key_pem = pem_text(key_bio);
	st = ST_OK;
out:
	ERR_clear_error();
	BIO_free(key_bio);
	BIO_free(cert_bio);
	X509_free(x);
	EVP_PKEY_free(key);
	free(alt_c);
	buf_deinit(&alt);
	return st;
}
