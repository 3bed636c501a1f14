/* tls.h -- server certificates and policy (RFC 8314, 8446, 8996).  OpenSSL 3 behind it.
 *
 * TLS 1.2 is the least; renegotiation and compression are off; cipher suites are AEAD with forward
 * secrecy.  ALPN: only the protocol of the listener ("pop3"; SMTP has none registered) or none
 * is taken: a client that offers only others is refused (ALPACA). */
#ifndef RESTANTE_NET_TLS_H
#define RESTANTE_NET_TLS_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "base/str.h"

struct tls_server; /* counted: sessions keep the one they began with over a reload */

/* cert, key: PEM text (chain, first the server's own).  min: "1.2" or "1.3".
 * ticket_keys: 80 octets shared by all edges so that any edge resumes any session; empty: tickets off. */
struct tls_server *tls_server_new(
	struct str cert, struct str key, struct str min, struct str ticket_keys, struct err *err);
struct tls_server *tls_server_ref(struct tls_server *t);
void tls_server_unref(struct tls_server *t);
SSL_CTX *tls_server_ctx(struct tls_server *t);

/* P-256, valid for the names given (comma separated), ten years; for `init`. */
enum status tls_self_signed(struct str names, char **cert_pem, char **key_pem, struct err *err);

#endif
