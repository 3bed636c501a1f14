#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tls.h"

enum { KEY_NAME = 16, KEY_MAC = 32, KEY_CIPHER = 32 };

struct tls_server {
	unsigned refs;
	SSL_CTX *ctx;
	struct {
		unsigned char name[KEY_NAME], mac[KEY_MAC], cipher[KEY_CIPHER];
	} ticket;
};

/* The library's own reason when it has one. */
static enum status tls_err(struct err *err, enum status code, const char *what)
{
	unsigned long e = ERR_get_error();
	const char *why = e != 0 ? ERR_reason_error_string(e) : NULL;

	ERR_clear_error();
	return err_set(err, code, "%s: %s", what, why != NULL ? why : "refused by OpenSSL");
}

/* Called by OpenSSL for every ticket, sealing (enc = 1) or opening (RFC 5077 4, RFC 8446 4.6.1):
 * AES-256-CBC, then HMAC-SHA-256.  Returns 0 for "not one of ours": a full handshake follows. */
static int ticket_key(SSL *ssl, unsigned char name[KEY_NAME], unsigned char iv[EVP_MAX_IV_LENGTH],
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
	struct tls_server *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, t->ticket.mac, KEY_MAC),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};

	if (enc == 1) {
		if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
			return -1;
		memcpy(name, t->ticket.name, KEY_NAME);
	} else if (memcmp(name, t->ticket.name, KEY_NAME) != 0) {
		return 0;
	}
	if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, t->ticket.cipher, iv, enc) != 1 ||
		EVP_MAC_CTX_set_params(mac, params) != 1)
		return -1;
	return 1;
}

/* ALPN (RFC 7301 3.2): the listener's protocol, or a fatal no_application_protocol, so that a
 * browser that was led here does not talk to us (ALPACA).  The owner's name is in the SSL; without
 * one either mail protocol will do. */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
	const unsigned char *offer, unsigned offer_n, void *arg)
{
	const char *own = SSL_get_app_data(ssl);
	struct str rest = str_of(offer, offer_n);

	(void)arg;
	while (rest.n > 0) {
		struct str name = str_head(str_from(rest, 1), (unsigned char)rest.p[0]);
		bool ours = own != NULL ? str_eq(name, str_c(own))
					: str_eq(name, STR("pop3")) || str_eq(name, STR("smtp"));

		if (ours) {
			*out = (const unsigned char *)name.p;
			*out_n = (unsigned char)name.n;
			return SSL_TLSEXT_ERR_OK;
		}
		rest = str_from(rest, 1 + name.n);
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Keys with a password cannot be asked for in a server: an empty answer fails at once. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static enum status use_certificates(SSL_CTX *ctx, struct str pem, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x;
	size_t count = 0;
	bool ok = bio != NULL;

	while (ok && (x = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
		ok = count++ == 0 ? SSL_CTX_use_certificate(ctx, x) == 1
				  : SSL_CTX_add1_chain_cert(ctx, x) == 1;
		X509_free(x);
	}
	BIO_free(bio);
	if (!ok || count == 0)
		return tls_err(err, ST_USAGE, "TLS certificate");
	/* What ended the loop is "no start line": the end of the file, unless something else came. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return tls_err(err, ST_USAGE, "TLS certificate chain");
	ERR_clear_error();
	return ST_OK;
}

static enum status use_key(SSL_CTX *ctx, struct str pem, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	enum status st = ST_OK;

	if (key == NULL || SSL_CTX_use_PrivateKey(ctx, key) != 1)
		st = tls_err(err, ST_USAGE, "TLS key");
	else if (SSL_CTX_check_private_key(ctx) != 1)
		st = tls_err(err, ST_USAGE, "TLS key and certificate");
	EVP_PKEY_free(key);
	BIO_free(bio);
	return st;
}

static enum status set_policy(SSL_CTX *ctx, struct str min, struct err *err)
{
	int version = str_eq(min, STR("1.2"))   ? TLS1_2_VERSION
		      : str_eq(min, STR("1.3")) ? TLS1_3_VERSION
						: 0;

	if (version == 0)
		return err_set(err, ST_USAGE, "TLS version '%.*s': 1.2 or 1.3",
			STR_ARG(str_head(min, 20)));
	/* RFC 8996; RFC 9325 4.2 for the suites of 1.2, those of 1.3 and the groups are OpenSSL's. */
	if (SSL_CTX_set_min_proto_version(ctx, version) != 1 ||
		SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
		return tls_err(err, ST_USAGE, "TLS policy");
	/* The order of suites is the client's: it knows whether it has AES in hardware. */
	SSL_CTX_set_options(ctx,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* An idle session keeps no record buffers; a write is retried from wherever the buffer is. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
	return ST_OK;
}

static enum status set_tickets(struct tls_server *t, struct str keys, struct err *err)
{
	/* Nothing is remembered here: an edge must be able to resume what another one began. */
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	if (keys.n == 0) {
		SSL_CTX_set_options(t->ctx, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(t->ctx, 0);
		return ST_OK;
	}
	if (keys.n != sizeof t->ticket)
		return err_set(err, ST_USAGE, "TLS ticket keys: %zu octets, not %zu", keys.n,
			sizeof t->ticket);
	memcpy(&t->ticket, keys.p, keys.n);
	/* One ticket is enough for a client that comes back with one connection. */
	if (SSL_CTX_set_num_tickets(t->ctx, 1) != 1 || SSL_CTX_set_app_data(t->ctx, t) != 1 ||
		SSL_CTX_set_tlsext_ticket_key_evp_cb(t->ctx, ticket_key) != 1)
		return tls_err(err, ST_PERM, "TLS tickets");
	return ST_OK;
}

struct tls_server *tls_server_new(
	struct str cert, struct str key, struct str min, struct str ticket_keys, struct err *err)
{
	struct tls_server *t = NEW(struct tls_server);

	t->refs = 1;
	ERR_clear_error();
	t->ctx = SSL_CTX_new(TLS_server_method());
	if (t->ctx == NULL)
		abort();
	if (set_policy(t->ctx, min, err) == ST_OK && use_certificates(t->ctx, cert, err) == ST_OK &&
		use_key(t->ctx, key, err) == ST_OK && set_tickets(t, ticket_keys, err) == ST_OK)
		return t;
	ERR_clear_error();
	tls_server_unref(t);
	return NULL;
}

struct tls_server *tls_server_ref(struct tls_server *t)
{
	t->refs++;
	return t;
}

void tls_server_unref(struct tls_server *t)
{
	if (t == NULL || --t->refs > 0)
		return;
	SSL_CTX_free(t->ctx);
	mem_wipe(&t->ticket, sizeof t->ticket);
	free(t);
}

SSL_CTX *tls_server_ctx(struct tls_server *t)
{
	return t->ctx;
}
