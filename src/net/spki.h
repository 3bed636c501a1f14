/* spki.h -- the public key of a certificate, by its digest (as RFC 7469 2.4 takes it, in hexadecimal).
 *
 * A key outlives the certificates that are made for it, and who makes its own certificate can be
 * told by nothing else. */
#ifndef RESTANTE_NET_SPKI_H
#define RESTANTE_NET_SPKI_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum { SPKI_DIGEST = 32 };

/* SHA-256 of the DER of SubjectPublicKeyInfo. */
bool spki_digest(const X509 *cert, unsigned char out[SPKI_DIGEST]);
/* The same of PEM text: a certificate, or a public key alone.  subject: of the certificate. */
enum status spki_of_pem(
	struct str pem, unsigned char out[SPKI_DIGEST], struct buf *subject, struct err *err);
/* The first certificate of PEM text names itself as its issuer: no authority vouches for it. */
bool spki_self_signed(struct str pem);
/* 64 hexadecimal digits, colons between them or not, after "sha256:" or not. */
bool spki_of_text(struct str text, unsigned char out[SPKI_DIGEST]);

#endif
