/* spf_internal.h -- the parts of an SPF record: terms and macros (RFC 7208 4.6.1, 5, 6, 7).  Pure. */
#ifndef RESTANTE_TRUST_SPF_INTERNAL_H
#define RESTANTE_TRUST_SPF_INTERNAL_H

#include "trust/spf.h"

enum spf_kind {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT,
	SPF_EXP,
	SPF_UNKNOWN_MODIFIER,
};

struct spf_term {
	enum spf_kind kind;
	enum spf_result match;     /* what a match means */
	struct str domain;         /* domain-spec, a view; empty: there is none */
	unsigned char network[16]; /* of ip4 and ip6 */
	unsigned bits4, bits6;
};

/* *rest: what stands behind the version.  False: it is empty now, or begins with what is no term. */
bool spf_term_cut(struct str *rest, struct spf_term *t);
/* The first `bits` bits are equal. */
bool spf_same_network(const unsigned char *a, const unsigned char *b, unsigned bits);

struct spf_macros {
	struct str sender, local, sender_domain, helo;
	struct str domain; /* <domain>, which changes with include and redirect */
	struct str client; /* what %{p} is */
	const unsigned char *ip;
	bool ipv6;
};

bool spf_macro_string_valid(struct str s);
bool spf_domain_spec_valid(struct str s);
/* One of the lower case `letters` stands in s, in either case. */
bool spf_macro_uses(struct str s, struct str letters);
/* s is valid.  Of a long expansion its end is left, more than SPF_NAME_MAX octets. */
void spf_macro_expand(struct str s, const struct spf_macros *m, struct buf *out);

/* An expansion as a name: *s is cut to what is used of it (7.3), out is its form in base/dns.h.
 * False: it is none. */
bool spf_name(struct str *s, struct buf *out);

#endif
