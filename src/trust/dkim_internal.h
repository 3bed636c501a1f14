/* dkim_internal.h -- what signing and verifying share; private to the files of dkim. */
#ifndef RESTANTE_TRUST_DKIM_INTERNAL_H
#define RESTANTE_TRUST_DKIM_INTERNAL_H

#include "trust/dkim_canon.h"
#include "trust/dkim_message.h"

enum { DKIM_RSA_MIN_BITS = 1024, DKIM_RSA_MADE_BITS = 2048 };

struct dkim_key {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
};

/* pkey fits the algorithm and is not too weak (RFC 8301 3.2). */
bool dkim_key_usable(EVP_PKEY *pkey, enum dkim_algorithm a);

/* A field under canonicalization without the value of its b= (RFC 6376 3.5), and without the last CRLF: what
 * a signature covers last. */
void dkim_canon_signature(struct buf *out, struct str field, bool relaxed);

#endif
