/* tls.h -- server certificates and policy (RFC 8314, 8446, 8996).  OpenSSL 3 behind it.
 *
 * TLS 1.2 is the least; renegotiation and compression are off; cipher suites are AEAD with forward
 * secrecy.  ALPN: only the protocol of the listener ("pop3"; SMTP has none registered) or none
 * is taken: a client that offers only others is refused (ALPACA).
 *
 * Several certificates: the name a client asks for (RFC 6066 3) chooses among them, its signature
 * algorithms (RFC 8446 4.2.3) choose between an RSA and an ECDSA one of that name.  A name nobody has
 * gets the first certificate.  All are loaded at the start, so a name costs no memory. */
#ifndef RESTANTE_NET_TLS_H
#define RESTANTE_NET_TLS_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "base/str.h"

enum { TLS_TICKET_KEY = 80, TLS_PAIRS_MAX = 64 };

struct tls_server; /* counted: sessions keep the one they began with over a reload */

struct tls_pair {
	struct str cert, key; /* PEM text (chain, first the server's own) */
};

/* Of count pairs the first is the default.  min: "1.2" or "1.3".  ticket_keys: as for
 * tls_server_tickets(). */
struct tls_server *tls_server_new(const struct tls_pair *pairs, size_t count, struct str min,
	struct str ticket_keys, struct err *err);
/* One or two keys of TLS_TICKET_KEY octets, shared by all edges so that any edge resumes any session;
 * the first seals, both open.  Empty: tickets off. */
enum status tls_server_tickets(struct tls_server *t, struct str keys, struct err *err);
/* PEM; whose certificates clients must have to be believed (conn_client_key()).  Without it a certificate
 * is only the envelope of a key. */
enum status tls_server_authorities(struct tls_server *t, struct str pem, struct err *err);
struct tls_server *tls_server_ref(struct tls_server *t);
void tls_server_unref(struct tls_server *t);
SSL_CTX *tls_server_ctx(struct tls_server *t);

/* P-256, valid for the names given (comma separated), ten years; for `init`. */
enum status tls_self_signed(struct str names, char **cert_pem, char **key_pem, struct err *err);

#endif
