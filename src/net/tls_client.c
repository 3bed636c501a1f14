#include "net/tls_client.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "net/cidr.h"
#include "net/spki.h"
#include "net/tls_cert.h"
#include "net/tls_roots.h"

enum { SESSIONS_MAX = 1000, DEPTH_MAX = 10, KEY = 32, PINS_MAX = 8, USAGE_DANE_EE = 3 };

struct saved { /* a session that can be resumed, and what its first handshake found */
	struct link link;
	unsigned char key[KEY];
	SSL_SESSION *session;
	enum tls_verified verified;
};

struct tls_client {
	SSL_CTX *ctx;
	size_t root_count;
	struct link saved; /* the longest unused first */
	size_t saved_count;
};

struct facts { /* of one SSL, in its extra data */
	struct tls_client *client;
	enum tls_check check;
	bool keep; /* its sessions */
	unsigned char key[KEY];
	enum tls_verified resumed_as;
	unsigned char pins[PINS_MAX][TLS_PIN];
	size_t pin_count;
};

static void free_facts(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long n, void *arg)
{
	(void)parent, (void)ad, (void)index, (void)n, (void)arg;
	free(ptr);
}

static int facts_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_facts);
	return index;
}

static struct facts *facts_of(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, facts_index());
}

static enum tls_verified verified_how(SSL *ssl)
{
	const struct facts *f = facts_of(ssl);
	uint8_t usage = 0;

	if (SSL_session_reused(ssl))
		return f->resumed_as;
	switch (f->check) {
	case TLS_CHECK_NONE: break;
	case TLS_CHECK_NAMES: return TLS_BY_NAME;
	case TLS_CHECK_PINS: return TLS_BY_PIN;
	case TLS_CHECK_DANE:
		if (SSL_get0_dane_tlsa(ssl, &usage, NULL, NULL, NULL, NULL) < 0)
			return TLS_UNVERIFIED;
		return usage == USAGE_DANE_EE ? TLS_BY_DANE_EE : TLS_BY_DANE_TA;
	}
	return TLS_UNVERIFIED;
}

static void drop(struct tls_client *t, struct saved *s)
{
	list_del(&s->link);
	t->saved_count--;
	SSL_SESSION_free(s->session);
	free(s);
}

static struct saved *find_saved(struct tls_client *t, const unsigned char key[KEY])
{
	for (struct link *l = t->saved.next; l != &t->saved; l = l->next)
		if (memcmp(LIST_OF(l, struct saved, link)->key, key, KEY) == 0)
			return LIST_OF(l, struct saved, link);
	return NULL;
}

/* A ticket has come; 1: the reference is ours. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
	const struct facts *f = facts_of(ssl);
	struct tls_client *t = f->client;
	struct saved *s;

	if (!f->keep)
		return 0;
	s = find_saved(t, f->key);
	if (s != NULL)
		drop(t, s);
	if (t->saved_count == SESSIONS_MAX)
		drop(t, LIST_OF(t->saved.next, struct saved, link));
	s = NEW(struct saved);
	memcpy(s->key, f->key, KEY);
	s->session = session;
	s->verified = verified_how(ssl);
	list_append(&t->saved, &s->link);
	t->saved_count++;
	return 1;
}

/* A ticket of 1.3 is used once (RFC 8446 C.4): OpenSSL makes it unresumable then, the server sends
 * another.  A session of 1.2 is good until it ends. */
static void resume(struct tls_client *t, SSL *ssl, struct facts *f)
{
	struct saved *s = find_saved(t, f->key);
	int64_t now = clock_wall_ms() / 1000;

	if (s == NULL)
		return;
	if (!SSL_SESSION_is_resumable(s->session) ||
		now >= SSL_SESSION_get_time(s->session) + SSL_SESSION_get_timeout(s->session) ||
		SSL_set_session(ssl, s->session) != 1) {
		drop(t, s);
		return;
	}
	f->resumed_as = s->verified;
	list_del(&s->link);
	list_append(&t->saved, &s->link);
}

static bool is_pinned(const struct facts *f, X509 *cert)
{
	unsigned char spki[SPKI_DIGEST], whole[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (cert == NULL || !spki_digest(cert, spki) ||
		X509_digest(cert, EVP_sha256(), whole, &n) != 1 || n != TLS_PIN)
		return false;
	for (size_t i = 0; i < f->pin_count; i++)
		if (memcmp(f->pins[i], spki, TLS_PIN) == 0 ||
			memcmp(f->pins[i], whole, TLS_PIN) == 0)
			return true;
	return false;
}

/* In place of X509_verify_cert(), which does the rest. */
static int verify(X509_STORE_CTX *ctx, void *arg)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct facts *f = facts_of(ssl);

	(void)arg;
	/* Any certificate: time spent on its chain would change nothing. */
	if (f->check == TLS_CHECK_NONE)
		return 1;
	if (f->check != TLS_CHECK_PINS)
		return X509_verify_cert(ctx);
	if (is_pinned(f, X509_STORE_CTX_get0_cert(ctx)))
		return 1;
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_UNTRUSTED);
	return 0;
}

struct tls_client *tls_client_new(struct str roots, struct err *err)
{
	struct tls_client *t = NEW(struct tls_client);

	list_init(&t->saved);
	ERR_clear_error();
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (t->ctx == NULL || SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1 ||
		SSL_CTX_dane_enable(t->ctx) != 1)
		abort();
	SSL_CTX_set_options(t->ctx,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Else each record is two reads: its header, then the rest. */
	SSL_CTX_set_read_ahead(t->ctx, 1);
	SSL_CTX_set_verify_depth(t->ctx, DEPTH_MAX);
	SSL_CTX_set_cert_verify_callback(t->ctx, verify, NULL);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(t->ctx, on_new_session);
	if (tls_roots_add(SSL_CTX_get_cert_store(t->ctx), roots, &t->root_count, err) == ST_OK)
		return t;
	ERR_clear_error();
	tls_client_free(t);
	return NULL;
}

void tls_client_free(struct tls_client *t)
{
	if (t == NULL)
		return;
	while (!list_empty(&t->saved))
		drop(t, LIST_OF(t->saved.next, struct saved, link));
	SSL_CTX_free(t->ctx);
	free(t);
}

enum status tls_client_present(struct tls_client *t, const struct tls_pair *pair, struct err *err)
{
	struct tls_cert c;
	enum status status = tls_cert_load(&c, pair, err);

	if (status == ST_OK && SSL_CTX_use_cert_and_key(t->ctx, c.own, c.key, c.chain, 1) != 1)
		status = tls_err(err, ST_USAGE, "certificate to log in with");
	tls_cert_free(&c);
	return status;
}

size_t tls_client_root_count(const struct tls_client *t)
{
	return t->root_count;
}

static void hash(EVP_MD_CTX *md, struct str s)
{
	uint64_t n = s.n;

	EVP_DigestUpdate(md, &n, sizeof n);
	EVP_DigestUpdate(md, s.p, s.n);
}

/* All that decides whom we would accept is in the key: a session that was made under weaker demands
 * is another one. */
static void session_key(const struct tls_want *w, unsigned char key[KEY])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char first[] = { (unsigned char)w->check, w->only_13 };

	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		abort();
	hash(md, str_of(first, sizeof first));
	hash(md, w->peer);
	hash(md, w->sni);
	hash(md, str_c(w->alpn));
	for (size_t i = 0; i < w->name_count; i++)
		hash(md, w->names[i]);
	hash(md, STR("tlsa"));
	for (size_t i = 0; i < w->tlsa_count; i++) {
		const struct dns_row *r = &w->tlsa[i];
		unsigned char head[] = { r->usage, r->selector, r->matching };

		hash(md, str_of(head, sizeof head));
		hash(md, r->data);
	}
	hash(md, STR("pins"));
	for (size_t i = 0; i < w->pin_count; i++)
		hash(md, str_of(w->pins[i], TLS_PIN));
	if (EVP_DigestFinal_ex(md, key, NULL) != 1)
		abort();
	EVP_MD_CTX_free(md);
}

static bool set_names(SSL *ssl, const struct tls_want *w, size_t from)
{
	bool good = true;

	for (size_t i = from; i < w->name_count && good; i++) {
		unsigned char address[16];
		char *name = str_dup_c(w->names[i]);

		if (name != NULL && cidr_address(w->names[i], address))
			good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
		else
			good = name != NULL && name[0] != '\0' && SSL_add1_host(ssl, name) == 1;
		free(name);
	}
	return good;
}

static bool set_dane(SSL *ssl, const struct tls_want *w)
{
	char *base = w->name_count > 0 ? str_dup_c(w->names[0]) : NULL;
	bool good = base != NULL && SSL_dane_enable(ssl, base) == 1;
	size_t usable = 0;

	free(base);
	for (size_t i = 0; good && i < w->tlsa_count; i++) {
		const struct dns_row *r = &w->tlsa[i];

		if (SSL_dane_tlsa_add(ssl, r->usage, r->selector, r->matching,
			    (const unsigned char *)r->data.p, r->data.n) == 1)
			usable++;
	}
	/* RFC 7672 3.1.1: the key is the name. */
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return good && usable > 0 && set_names(ssl, w, 1);
}

static bool set_check(SSL *ssl, const struct tls_want *w, struct facts *f)
{
	/* RFC 9325 4.2: forward secrecy and AEAD for whom we must know; whom we need not know may have
	 * what we would rather send in than in the clear (RFC 7435 3). */
	static const char strong[] = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20";

	if (w->check == TLS_CHECK_NONE) {
		SSL_set_security_level(ssl, 1);
		SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
		return true;
	}
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	if (SSL_set_cipher_list(ssl, strong) != 1)
		return false;
	if (w->check == TLS_CHECK_DANE)
		return set_dane(ssl, w);
	if (w->check == TLS_CHECK_PINS) {
		if (w->pin_count == 0 || w->pin_count > PINS_MAX)
			return false;
		memcpy(f->pins, w->pins, w->pin_count * TLS_PIN);
		f->pin_count = w->pin_count;
		return true;
	}
	/* RFC 9525 6.3: the common name is no host name. */
	SSL_set_hostflags(
		ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return w->name_count > 0 && set_names(ssl, w, 0);
}

static bool set_extensions(SSL *ssl, const struct tls_want *w)
{
	unsigned char alpn[32];
	struct str protocol = str_c(w->alpn);
	bool good = true;

	if (w->sni.n > 0) {
		char *name = str_dup_c(w->sni);

		good = name != NULL && SSL_set_tlsext_host_name(ssl, name) == 1;
		free(name);
	}
	if (protocol.n > 0 && protocol.n < sizeof alpn) {
		alpn[0] = (unsigned char)protocol.n;
		memcpy(alpn + 1, protocol.p, protocol.n);
		good = good && SSL_set_alpn_protos(ssl, alpn, (unsigned)protocol.n + 1) == 0;
	}
	if (w->only_13)
		good = good && SSL_set_min_proto_version(ssl, TLS1_3_VERSION) == 1;
	return good;
}

SSL *tls_client_session(struct tls_client *t, const struct tls_want *want, struct err *err)
{
	struct facts *f = NEW(struct facts);
	SSL *ssl = SSL_new(t->ctx);

	f->client = t;
	f->check = want->check;
	f->keep = want->peer.n > 0;
	if (ssl == NULL || SSL_set_ex_data(ssl, facts_index(), f) != 1)
		abort();
	ERR_clear_error();
	/* The check comes last: SSL_dane_enable() sends a name unless there is one. */
	if (want->name_count > TLS_NAMES_MAX || !set_extensions(ssl, want) ||
		!set_check(ssl, want, f)) {
		err_set(err, ST_USAGE, "TLS: nothing to check the peer of '%.*s' by",
			STR_ARG(str_head(want->sni, 100)));
		ERR_clear_error();
		SSL_free(ssl);
		return NULL;
	}
	session_key(want, f->key);
	if (f->keep)
		resume(t, ssl, f);
	SSL_set_connect_state(ssl);
	return ssl;
}

void tls_client_result(SSL *ssl, struct tls_result *to)
{
	const char *group = SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
	const char *name = SSL_get0_peername(ssl);
	X509 *cert = SSL_get0_peer_certificate(ssl);

	*to = (struct tls_result){ .version = SSL_get_version(ssl),
		.cipher = SSL_get_cipher_name(ssl),
		.group = group != NULL ? group : "unknown",
		.verified = verified_how(ssl),
		.resumed = SSL_session_reused(ssl) == 1 };
	if (name != NULL)
		snprintf(to->name, sizeof to->name, "%s", name);
	if (cert == NULL)
		return;
	/* Anything but printable ASCII is \xNN there. */
	X509_NAME_oneline(X509_get_subject_name(cert), to->subject, sizeof to->subject);
	spki_digest(cert, to->pin);
}

const char *tls_client_refusal(SSL *ssl)
{
	long verdict = ssl == NULL ? X509_V_OK : SSL_get_verify_result(ssl);

	if (verdict == X509_V_OK || facts_of(ssl)->check == TLS_CHECK_NONE)
		return NULL;
	return X509_verify_cert_error_string(verdict);
}

const char *tls_verified_name(enum tls_verified v)
{
	switch (v) {
	case TLS_UNVERIFIED: return "no";
	case TLS_BY_NAME: return "name";
	case TLS_BY_DANE_TA: return "dane-ta";
	case TLS_BY_DANE_EE: return "dane-ee";
	case TLS_BY_PIN: return "pin";
	}
	return "?";
}
