/* dkim_internal.h -- what signing and verifying share, and ARC with them; private to the files of dkim and
 * arc. */
#ifndef RESTANTE_TRUST_DKIM_INTERNAL_H
#define RESTANTE_TRUST_DKIM_INTERNAL_H

#include "trust/dkim_canon.h"
#include "trust/dkim_message.h"
#include "trust/dkim_verify.h"

enum { DKIM_RSA_MIN_BITS = 1024, DKIM_RSA_MADE_BITS = 2048, DKIM_NAMED_MAX = 500 };

struct dkim_key {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
};

/* pkey fits the algorithm and is not too weak (RFC 8301 3.2). */
bool dkim_key_usable(EVP_PKEY *pkey, enum dkim_algorithm a);

/* ---- reading a signature field ---- */

struct dkim_signature { /* zeroed at the start; views of the field, as the peer wrote them */
	const struct field *field;
	struct str domain, selector;    /* d=, s= */
	struct str names, hash, octets; /* h=, bh=, b= */
	enum dkim_algorithm algorithm;
	bool relaxed_header, relaxed_body;
	bool expired;
	bool limited;
	uint64_t limit; /* l= */
};

bool dkim_signature_is_list(const struct field *field); /* of tags, and not too long */
/* Of such a field these return NULL when nothing is wrong (RFC 6376 6.1.1).
 * Who signed: d=, s=, a=; and b=, empty when there is none. */
const char *dkim_signature_signer(struct dkim_signature *s, const struct field *field);
/* Then over what: c=, q=, h=, bh=, l=, t=, x=. */
const char *dkim_signature_scope(struct dkim_signature *s, int64_t wall_ms);
/* RFC 6376 6.1.3 step 4, before a key is asked for: most of what is broken is broken here. */
const char *dkim_signature_body(const struct dkim_signature *s,
	const unsigned char digest[DKIM_DIGEST], uint64_t octets, enum dkim_result *result);

/* The fields that h= names and the signature field itself.  RFC 6376 5.4.2: from the bottom up; names
 * without a field are signed as nothing.  False: too many names. */
bool dkim_signature_octets(const struct dkim_signature *s, struct dkim_message *m, struct buf *out);
/* The name of the record with its key. */
void dkim_signature_key(const struct dkim_signature *s, struct buf *out);

/* A field under canonicalization without the value of its b= (RFC 6376 3.5), and without the last CRLF: what
 * a signature covers last. */
void dkim_canon_signature(struct buf *out, struct str field, bool relaxed);

/* NULL, and *why, when the record is no key for signatures of that algorithm.  same_domain: i= is at d=
 * itself. */
EVP_PKEY *dkim_record_key(
	struct str record, enum dkim_algorithm a, bool same_domain, const char **why);
bool dkim_octets_verify(
	EVP_PKEY *pkey, enum dkim_algorithm a, struct str octets, struct str signature);

/* ---- composing one ---- */

enum { DKIM_COVERED = 21 };

/* What is signed where it is there, and if always, once more than that. */
extern const struct dkim_covered {
	struct str name;
	bool always;
} dkim_covered[DKIM_COVERED];

/* s on this line; or, without its first blank, on the next where it would not fit. */
void dkim_put_folded(struct buf *out, size_t *column, struct str s);
void dkim_put_tag(struct buf *out, size_t *column, struct str tag, struct str value);
void dkim_put_time(struct buf *out, size_t *column, struct str tag, int64_t wall_ms);
void dkim_put_name(struct buf *out, size_t *column, bool first, struct str name); /* of h= */
void dkim_put_hash(struct buf *out, size_t *column, const unsigned char digest[DKIM_DIGEST]);
/* Ends a field that ends with "b=" with its signature and CRLF; octets: what it covers before itself. */
bool dkim_put_signature(
	const struct dkim_key *k, struct buf *octets, struct buf *field, size_t column);

#endif
