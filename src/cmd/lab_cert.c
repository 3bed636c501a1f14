#include "cmd/lab_cert.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/codec.h"
#include "net/cidr.h"
#include "net/spki.h"

/* What a BIO took, as JSON text; the BIO is freed.  Certificates hold what strangers wrote: the printers of OpenSSL
 * escape control characters, and what is no UTF-8 is told by its absence. */
static json_t *text_of(BIO *bio)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);
	json_t *text = n > 0 ? json_stringn(p, (size_t)n) : NULL;

	BIO_free(bio);
	return text != NULL ? text : json_string("");
}

static BIO *memory(void)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio == NULL)
		abort();
	return bio;
}

static json_t *name_text(const X509_NAME *name)
{
	BIO *bio = memory();

	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	return text_of(bio);
}

/* RFC 3339, whatever form the certificate has. */
static json_t *time_text(const ASN1_TIME *t)
{
	BIO *bio = memory();

	ASN1_TIME_print_ex(bio, t, ASN1_DTFLGS_ISO8601);
	return text_of(bio);
}

static json_t *names_of(const X509 *cert)
{
	json_t *names = json_array();
	GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		BIO *bio = memory();

		GENERAL_NAME_print(bio, sk_GENERAL_NAME_value(all, i));
		json_array_append_new(names, text_of(bio));
	}
	GENERAL_NAMES_free(all);
	return names;
}

static json_t *hex_text(const unsigned char *octets, size_t n)
{
	struct buf hex = { 0 };
	json_t *text;

	hex_put(&hex, str_of(octets, n));
	text = json_stringn(buf_str(&hex).p, hex.len);
	buf_deinit(&hex);
	return text;
}

static json_t *chain_of(SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	json_t *rows = json_array();

	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *cert = sk_X509_value(chain, i);

		json_array_append_new(
			rows, json_pack("{s:o,s:o,s:o}", "subject",
				      name_text(X509_get_subject_name(cert)), "issuer",
				      name_text(X509_get_issuer_name(cert)), "not_after",
				      time_text(X509_get0_notAfter(cert))));
	}
	return rows;
}

static X509_STORE *store_of(struct str roots)
{
	X509_STORE *store = X509_STORE_new();
	BIO *bio = BIO_new_mem_buf(roots.p, (int)roots.n);
	X509 *root;

	if (store == NULL || bio == NULL)
		abort();
	while ((root = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		X509_STORE_add_cert(store, root);
		X509_free(root);
	}
	BIO_free(bio);
	return store;
}

/* As a client of ours checks it that is told nothing: a chain to a root, and the name (RFC 9525). */
static const char *verdict(SSL *ssl, X509 *cert, struct str roots, struct str host)
{
	X509_STORE *store = store_of(roots);
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	char *name = str_dup_c(host);
	unsigned char address[16];
	const char *why = NULL;
	X509_VERIFY_PARAM *param;

	if (check == NULL ||
		X509_STORE_CTX_init(check, store, cert, SSL_get_peer_cert_chain(ssl)) != 1)
		abort();
	param = X509_STORE_CTX_get0_param(check);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_hostflags(
		param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (name == NULL ||
		(cidr_address(host, address) ? X509_VERIFY_PARAM_set1_ip_asc(param, name)
					     : X509_VERIFY_PARAM_set1_host(param, name, 0)) != 1)
		why = "the host has no name that a certificate can have";
	else if (X509_verify_cert(check) != 1)
		why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check));
	X509_STORE_CTX_free(check);
	X509_STORE_free(store);
	free(name);
	ERR_clear_error();
	return why;
}

json_t *lab_cert(struct conn *conn, struct str roots, struct str host)
{
	SSL *ssl = conn->ssl;
	X509 *cert = SSL_get0_peer_certificate(ssl);
	json_t *facts = json_pack("{s:s,s:s,s:s?}", "version", conn_tls_version(conn), "cipher",
		conn_tls_cipher(conn), "group", conn_tls_group(conn));
	unsigned char digest[EVP_MAX_MD_SIZE], key[SPKI_DIGEST];
	const char *why;
	unsigned n = 0;

	if (cert == NULL || X509_digest(cert, EVP_sha256(), digest, &n) != 1 ||
		!spki_digest(cert, key))
		return facts;
	why = verdict(ssl, cert, roots, host);
	json_object_update_new(facts,
		json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:s}", "subject",
			name_text(X509_get_subject_name(cert)), "issuer",
			name_text(X509_get_issuer_name(cert)), "names", names_of(cert),
			"not_before", time_text(X509_get0_notBefore(cert)), "not_after",
			time_text(X509_get0_notAfter(cert)), "fingerprint", hex_text(digest, n),
			"key_fingerprint", hex_text(key, sizeof key), "chain", chain_of(ssl),
			"verified", why == NULL, "why", why == NULL ? "" : why));
	return facts;
}
