/* dkim.h -- DomainKeys Identified Mail: keys and signing (RFC 6376, 8301, 8463).  Pure but for the
 * arithmetic of libcrypto.
 *
 * Streaming: the octets of a message are fed once, in pieces of any size; the header section is kept
 * (at most DKIM_HEADER_MAX), the body is only hashed.  Signatures are relaxed/relaxed: servers on the
 * way fold fields and trim blanks.  Threads: one hash or signer, one thread; keys may be shared. */
#ifndef RESTANTE_TRUST_DKIM_H
#define RESTANTE_TRUST_DKIM_H

#include "base/buf.h"
#include "base/err.h"

enum { DKIM_HEADER_MAX = 1024 * 1024, DKIM_FIELDS_MAX = 10000 };

enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256, DKIM_ALGORITHMS };

/* "rsa-sha256"; "unknown" for a number that is none, as a damaged directory may have. */
struct str dkim_algorithm_name(enum dkim_algorithm a);

/* ---- private keys ---- */

struct dkim_key;

/* Makes a pair (RSA of 2048 bits) and puts its private half as PKCS#8 DER; der: a secret buffer. */
enum status dkim_key_make(enum dkim_algorithm a, struct buf *der, struct err *err);
/* NULL: no key of that algorithm, or weaker than RFC 8301 3.2 wants (1024 bits). */
struct dkim_key *dkim_key_new(enum dkim_algorithm a, struct str der);
void dkim_key_free(struct dkim_key *k);
/* "v=DKIM1; k=rsa; p=..." for SELECTOR._domainkey.DOMAIN (RFC 6376 3.6.1). */
void dkim_key_record(const struct dkim_key *k, struct buf *out);

/* ---- signing ---- */

struct dkim_hash;

struct dkim_hash *dkim_hash_new(void);
void dkim_hash_free(struct dkim_hash *h);
void dkim_hash_feed(struct dkim_hash *h, struct str octets);
/* The body of the first From; valid until the hash is freed.  After the last feed. */
struct str dkim_hash_from(struct dkim_hash *h);

struct dkim_signer {
	const struct dkim_key *key;
	struct str domain, selector; /* A-labels */
	int64_t wall_ms;
	int64_t valid_ms; /* x= is so much later; 0: no x= */
};
/* Puts one DKIM-Signature field, folded, with its CRLF.  After the last feed; any number of signers.
 * ST_PERM: no From, or too much of a header: nobody could verify it. */
enum status dkim_sign(
	struct dkim_hash *h, const struct dkim_signer *s, struct buf *out, struct err *err);

#endif
