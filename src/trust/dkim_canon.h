/* dkim_canon.h -- canonicalization of header fields and bodies, streaming (RFC 6376 3.4); private to
 * the files of dkim. */
#ifndef RESTANTE_TRUST_DKIM_CANON_H
#define RESTANTE_TRUST_DKIM_CANON_H

#include <openssl/evp.h>

#include "base/buf.h"

enum { DKIM_DIGEST = 32 };

struct dkim_body { /* dkim_body_init() */
	EVP_MD_CTX *digest;
	bool relaxed;
	bool blanks;    /* relaxed: blanks came that are one space, or nothing at a line's end */
	bool cr;        /* the last octet was a CR */
	uint64_t lines; /* line ends that came and are nothing at the end of the body */
	uint64_t put;   /* octets of the canonical body */
	size_t staged;
	char stage[2048];
};

void dkim_body_init(struct dkim_body *b, bool relaxed);
void dkim_body_feed(struct dkim_body *b, struct str octets);
/* Also gives the context back.  No more is fed. */
void dkim_body_end(struct dkim_body *b, unsigned char digest[DKIM_DIGEST]);
void dkim_body_deinit(struct dkim_body *b);

/* One field: its octets with the last CRLF, canonical. */
void dkim_canon_field(struct buf *out, struct str whole, bool relaxed);

#endif
