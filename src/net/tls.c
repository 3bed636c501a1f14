#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tls_cert.h"

enum { KEY_NAME = 16, KEY_MAC = 32, KEY_CIPHER = 32, TICKET_KEYS = 2 };

struct ticket_key {
	unsigned char name[KEY_NAME], mac[KEY_MAC], cipher[KEY_CIPHER];
};
_Static_assert(sizeof(struct ticket_key) == TLS_TICKET_KEY, "as tls.h says");

struct tls_server {
	unsigned refs;
	SSL_CTX *ctx;
	struct tls_cert *certs;
	size_t cert_count;
	bool authorities;
	struct ticket_key tickets[TICKET_KEYS]; /* the first seals */
	size_t ticket_count;
};

static const struct ticket_key *find_ticket_key(
	const struct tls_server *t, const unsigned char name[KEY_NAME])
{
	for (size_t i = 0; i < t->ticket_count; i++)
		if (memcmp(name, t->tickets[i].name, KEY_NAME) == 0)
			return &t->tickets[i];
	return NULL;
}

/* Called by OpenSSL for every ticket, sealing (enc = 1) or opening (RFC 5077 4, RFC 8446 4.6.1):
 * AES-256-CBC, then HMAC-SHA-256.  0: not one of ours, a full handshake follows.  2: opened, and
 * another takes its place: under the newer key, and in 1.3 each time, where clients use a ticket only
 * once (RFC 8446 C.4). */
static int ticket_key(SSL *ssl, unsigned char name[KEY_NAME], unsigned char iv[EVP_MAX_IV_LENGTH],
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
	const struct tls_server *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	const struct ticket_key *key = enc == 1 ? &t->tickets[0] : find_ticket_key(t, name);
	OSSL_PARAM params[3];

	if (key == NULL || t->ticket_count == 0)
		return 0;
	if (enc == 1) {
		if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1)
			return -1;
		memcpy(name, key->name, KEY_NAME);
	}
	params[0] = OSSL_PARAM_construct_octet_string(
		OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac, KEY_MAC);
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0);
	params[2] = OSSL_PARAM_construct_end();
	if (EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, enc) != 1 ||
		EVP_MAC_CTX_set_params(mac, params) != 1)
		return -1;
	return key == &t->tickets[0] && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
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

/* The ClientHello is there, its name and algorithms are known. */
static int choose_certificate(SSL *ssl, void *arg)
{
	const struct tls_server *t = arg;

	return tls_cert_choose(ssl, t->certs, t->cert_count);
}

static enum status set_certificates(
	struct tls_server *t, const struct tls_pair *pairs, size_t count, struct err *err)
{
	if (count == 0 || count > TLS_PAIRS_MAX)
		return err_set(
			err, ST_USAGE, "%zu TLS certificates, at most %d", count, TLS_PAIRS_MAX);
	t->certs = mem_array(NULL, count, sizeof *t->certs);
	for (; t->cert_count < count; t->cert_count++) {
		enum status st =
			tls_cert_load(&t->certs[t->cert_count], &pairs[t->cert_count], err);

		if (st != ST_OK)
			return st;
	}
	SSL_CTX_set_cert_cb(t->ctx, choose_certificate, t);
	return tls_cert_default(t->ctx, t->certs, t->cert_count, err);
}

/* Of the client.  A certificate that nobody vouches for does not end the handshake: a mail client may
 * show whatever it has, and log in by password.  What is proved in any case is that it holds the
 * key (RFC 8446 4.4.3). */
static int judge_client(X509_STORE_CTX *x, void *arg)
{
	const struct tls_server *t = arg;

	if (t->authorities)
		(void)X509_verify_cert(x);
	return 1;
}

enum status tls_server_authorities(struct tls_server *t, struct str pem, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
	X509 *cert;
	size_t count = 0;

	if (bio == NULL || names == NULL)
		abort();
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		X509_NAME *name = X509_NAME_dup(X509_get_subject_name(cert));

		if (X509_STORE_add_cert(SSL_CTX_get_cert_store(t->ctx), cert) != 1 ||
			name == NULL || sk_X509_NAME_push(names, name) == 0)
			abort();
		X509_free(cert);
		count++;
	}
	BIO_free(bio);
	ERR_clear_error();
	SSL_CTX_set_client_CA_list(t->ctx, names); /* a client with several chooses by it */
	t->authorities = true;
	return count > 0 ? ST_OK : err_set(err, ST_USAGE, "no certificate in PEM");
}

static enum status set_policy(SSL_CTX *ctx, struct str min, struct err *err)
{
	int version = str_eq(min, STR("1.2"))   ? TLS1_2_VERSION
		      : str_eq(min, STR("1.3")) ? TLS1_3_VERSION
						: 0;

	if (version == 0)
		return err_set(err, ST_USAGE, "TLS version '%.*s': 1.2 or 1.3",
			STR_ARG(str_head(min, 20)));
	/* RFC 8996; RFC 9325 4.2 for the suites of 1.2.  Those with 128 bits are enough (RFC 9325 4.1), and with
	 * SHA-256 instead of SHA-384 a handshake costs a twelfth less. */
	if (SSL_CTX_set_min_proto_version(ctx, version) != 1 ||
		SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20") !=
			1 ||
		SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
					      "TLS_CHACHA20_POLY1305_SHA256") != 1)
		return tls_err(err, ST_USAGE, "TLS policy");
	/* Which is first is ours to say, but a client that would rather have ChaCha20 has no AES in hardware. */
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
					 SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* An idle session keeps no record buffers; a write is retried from wherever the buffer is. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
	/* Else each record is two reads: its header, then the rest. */
	SSL_CTX_set_read_ahead(ctx, 1);
	return ST_OK;
}

enum status tls_server_tickets(struct tls_server *t, struct str keys, struct err *err)
{
	if (keys.n % TLS_TICKET_KEY != 0 || keys.n > sizeof t->tickets)
		return err_set(err, ST_USAGE, "TLS ticket keys: %zu octets, not %d or %zu", keys.n,
			TLS_TICKET_KEY, sizeof t->tickets);
	t->ticket_count = keys.n / TLS_TICKET_KEY;
	if (t->ticket_count == 0) {
		SSL_CTX_set_options(t->ctx, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(t->ctx, 0);
		return ST_OK;
	}
	memcpy(t->tickets, keys.p, keys.n);
	SSL_CTX_clear_options(t->ctx, SSL_OP_NO_TICKET);
	/* One ticket is enough for a client that comes back with one connection. */
	if (SSL_CTX_set_num_tickets(t->ctx, 1) != 1 || SSL_CTX_set_app_data(t->ctx, t) != 1 ||
		SSL_CTX_set_tlsext_ticket_key_evp_cb(t->ctx, ticket_key) != 1)
		return tls_err(err, ST_PERM, "TLS tickets");
	return ST_OK;
}

struct tls_server *tls_server_new(const struct tls_pair *pairs, size_t count, struct str min,
	struct str ticket_keys, struct err *err)
{
	struct tls_server *t = NEW(struct tls_server);

	t->refs = 1;
	ERR_clear_error();
	t->ctx = SSL_CTX_new(TLS_server_method());
	if (t->ctx == NULL)
		abort();
	SSL_CTX_set_cert_verify_callback(t->ctx, judge_client, t);
	/* Nothing is remembered here: an edge must be able to resume what another one began. */
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	if (set_policy(t->ctx, min, err) == ST_OK &&
		set_certificates(t, pairs, count, err) == ST_OK &&
		tls_server_tickets(t, ticket_keys, err) == ST_OK)
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
	for (size_t i = 0; i < t->cert_count; i++)
		tls_cert_free(&t->certs[i]);
	free(t->certs);
	mem_wipe(t->tickets, sizeof t->tickets);
	free(t);
}

SSL_CTX *tls_server_ctx(struct tls_server *t)
{
	return t->ctx;
}
