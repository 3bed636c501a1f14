/* dkim_verify.h -- verifying the DKIM signatures of a message (RFC 6376 6).  Pure: the owner looks up the
 * keys.
 *
 * Feed the message once; then, for each signature that wants a key, ask DNS and hand in the answer.
 * Signatures over a part of the body (l=) prove nothing about the rest and are never a pass;
 * rsa-sha1 and RSA keys under 1024 bits are none (RFC 8301 3). */
#ifndef RESTANTE_TRUST_DKIM_VERIFY_H
#define RESTANTE_TRUST_DKIM_VERIFY_H

#include "base/dns.h"
#include "trust/dkim.h"

enum { DKIM_SIGNATURES_MAX = 16 }; /* from the top; more are not looked at */

enum dkim_result {    /* RFC 8601 2.7.1 */
	DKIM_PENDING, /* wants a key */
	DKIM_PASS,
	DKIM_FAIL,
	DKIM_POLICY,
	DKIM_NEUTRAL,
	DKIM_TEMPERROR,
	DKIM_PERMERROR,
};

struct dkim_verdict {
	enum dkim_result result;
	const char *why;             /* a constant; NULL when it passed */
	struct str domain, selector; /* d=, s=: views, as the peer wrote them */
	bool testing;                /* t=y in the key */
};

struct dkim_verifier;

struct dkim_verifier *dkim_verifier_new(int64_t wall_ms);
void dkim_verifier_free(struct dkim_verifier *v);
void dkim_verifier_feed(struct dkim_verifier *v, struct str octets);
/* How many signatures there are, as soon as the header section was fed; before that 0. */
size_t dkim_verifier_count(const struct dkim_verifier *v);
/* Nothing follows: how many signatures there are. */
size_t dkim_verifier_end(struct dkim_verifier *v);

const struct dkim_verdict *dkim_verdict(const struct dkim_verifier *v, size_t i);
struct str dkim_result_name(enum dkim_result r); /* "permerror"; DKIM_PENDING is "temperror" */
/* The name whose TXT record a DKIM_PENDING signature wants. */
void dkim_verifier_name(const struct dkim_verifier *v, size_t i, struct buf *out);

enum dkim_lookup { DKIM_KEY_FOUND, DKIM_KEY_NONE, DKIM_KEY_UNKNOWN };
/* Of an answer to that question, and its record, a view of it. */
enum dkim_lookup dkim_lookup_of(const struct dns_answer *a, struct str *record);
/* record: the strings of one TXT record, joined; "" when there is none. */
void dkim_verifier_key(
	struct dkim_verifier *v, size_t i, enum dkim_lookup found, struct str record);

#endif
