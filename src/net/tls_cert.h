/* tls_cert.h -- the certificates of a TLS server, and which of them a client gets.  For tls.c. */
#ifndef RESTANTE_NET_TLS_CERT_H
#define RESTANTE_NET_TLS_CERT_H

#include "net/tls.h"

struct tls_cert {
	X509 *own;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

/* Both in PEM; nothing to free on failure. */
enum status tls_cert_load(struct tls_cert *c, const struct tls_pair *pair, struct err *err);
void tls_cert_free(struct tls_cert *c);

/* What clients get whose name nobody has: rows[0], and whatever of another key type is valid for
 * all of its names. */
enum status tls_cert_default(
	SSL_CTX *ctx, const struct tls_cert *rows, size_t count, struct err *err);
/* Called with the ClientHello: the rows for the name in it replace the default.  1, or 0 when the
 * handshake cannot go on. */
int tls_cert_choose(SSL *ssl, const struct tls_cert *rows, size_t count);

/* The library's own reason when it has one. */
enum status tls_err(struct err *err, enum status code, const char *what);

#endif
