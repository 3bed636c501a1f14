/* tls_client.h -- TLS as a client: whom we accept, and what came of it (RFC 7435, 7672, 8461, 9325).
 * OpenSSL 3 behind it; no files: the trusted roots come as text.
 *
 *   struct tls_want want = { .check = TLS_CHECK_NAMES, .sni = ..., .names = &host, .name_count = 1 };
 *   conn_start_tls_client(&c, client, &want);      ... CONN_TLS_UP or CONN_FAILED
 *   tls_client_result(c.ssl, &result);
 *
 * TLS 1.2 is the least.  A client that has to check anything takes only suites with forward secrecy;
 * an opportunistic one takes what OpenSSL has by default.  Sessions are resumed only towards the
 * same peer under the same demands. */
#ifndef RESTANTE_NET_TLS_CLIENT_H
#define RESTANTE_NET_TLS_CLIENT_H

#include <openssl/ssl.h>

#include "base/dns.h"
#include "base/err.h"
#include "net/tls.h"

enum { TLS_PIN = 32, TLS_NAMES_MAX = 8 };

struct tls_client;

enum tls_check {
	TLS_CHECK_NONE,  /* any certificate: keeps out who only listens */
	TLS_CHECK_NAMES, /* a chain to a trusted root and one of the names */
	TLS_CHECK_DANE, /* one of the TLSA rows; for DANE-TA also one of the names (RFC 7672 3.2) */
	TLS_CHECK_PINS, /* SHA-256 of the certificate or of its public key is one of the pins */
};

struct tls_want {
	enum tls_check check;
	struct str sni;          /* for DANE the TLSA base domain; empty: none is sent */
	const struct str *names; /* ASCII; for DANE the first is the TLSA base domain */
	size_t name_count;
	const struct dns_row *tlsa; /* usable ones, see trust/dane.h */
	size_t tlsa_count;
	const unsigned char (*pins)[TLS_PIN];
	size_t pin_count;
	const char *alpn; /* "pop3"; NULL: none */
	struct str peer;  /* "host:port", for resuming; empty: never */
	bool only_13;     /* TLS 1.3 or nothing */
};

enum tls_verified {
	TLS_UNVERIFIED,
	TLS_BY_NAME,
	TLS_BY_DANE_TA,
	TLS_BY_DANE_EE,
	TLS_BY_PIN,
};

struct tls_result {
	const char *version, *cipher, *group; /* "TLSv1.3"; static text */
	enum tls_verified verified;
	bool resumed;
	char name[256];    /* which name the certificate had, TLS_BY_NAME and TLS_BY_DANE_TA */
	char subject[256]; /* of the certificate, for people; printable */
	unsigned char pin[TLS_PIN]; /* SHA-256 of the public key (SPKI) */
};

/* roots: PEM text of the trusted certificates, which stays the caller's and must outlive the client (see
 * tls_roots.h); empty: none, TLS_CHECK_NAMES fails then. */
struct tls_client *tls_client_new(struct str roots, struct err *err);
void tls_client_free(struct tls_client *t); /* after all its sessions */
/* What servers are shown that ask who we are (RFC 8446 4.3.2), for EXTERNAL. */
enum status tls_client_present(struct tls_client *t, const struct tls_pair *pair, struct err *err);
size_t tls_client_root_count(const struct tls_client *t);

/* NULL and err when the wish cannot be met: no usable TLSA row, more than TLS_NAMES_MAX names. */
SSL *tls_client_session(struct tls_client *t, const struct tls_want *want, struct err *err);
/* After the handshake. */
void tls_client_result(SSL *ssl, struct tls_result *to);
/* Why the peer was not accepted, NULL when that was not the cause of the failure: "certificate has
 * expired".  Tells a failed check from a failed handshake. */
const char *tls_client_refusal(SSL *ssl);
const char *tls_verified_name(enum tls_verified v); /* "no", "name", "dane-ta", "dane-ee", "pin" */

#endif
