/* tls_roots.h -- trusted certificates that are read when a chain asks for them.
 *
 * A bundle of 140 authorities is 220 KiB of text, and 1 MiB as OpenSSL keeps certificates, of which
 * most processes meet a few.  So the text is walked once, where each certificate begins and a hash
 * of its subject are kept, and only those that the store is asked for by subject (X509_LOOKUP) are
 * decoded; the store keeps these.  What is no certificate in PEM is refused at once; what is wrong
 * inside one behind its outline (RFC 5280 4.1) shows when it is asked for: nobody is trusted by it. */
#ifndef RESTANTE_NET_TLS_ROOTS_H
#define RESTANTE_NET_TLS_ROOTS_H

#include <openssl/x509.h>

#include "base/err.h"
#include "base/str.h"

/* pem is the caller's and outlives the store; count: how many certificates it has. */
enum status tls_roots_add(X509_STORE *store, struct str pem, size_t *count, struct err *err);

#endif
