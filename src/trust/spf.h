/* spf.h -- whether a domain lets a client send its mail: check_host() of SPF (RFC 7208).  Pure: the
 * owner asks DNS.
 *
 * Ask what spf_asks() names, hand in the answer, until it is false.  At most SPF_QUESTIONS_MAX are
 * asked, one at a time, so the owner sets the time for all of them.  exp= is checked and never
 * fetched: nobody is told the text of a stranger (6.2 leaves that open), so %{c}, %{r} and %{t}, which
 * only stand there, need no input. */
#ifndef RESTANTE_TRUST_SPF_H
#define RESTANTE_TRUST_SPF_H

#include "base/dns.h"

enum {
	SPF_TERMS_MAX = 10,      /* that ask DNS (4.6.4) */
	SPF_VOIDS_MAX = 2,       /* whose names have nothing (4.6.4) */
	SPF_HOSTS_MAX = 10,      /* of one MX or PTR answer (4.6.4) */
	SPF_NAME_MAX = 253,      /* octets of a name that is asked for (7.3) */
	SPF_RECORD_MAX = 16384,  /* octets; longer ones are wrong */
	SPF_IDENTITY_MAX = 1024, /* octets of sender and HELO; longer ones have no policy */
	/* The first record; of each term, and once for the names of the client, one and its hosts. */
	SPF_QUESTIONS_MAX = 1 + (SPF_TERMS_MAX + 1) * (1 + SPF_HOSTS_MAX),
};

enum spf_result {    /* 2.6 */
	SPF_PENDING, /* there is a question */
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR,
};

struct spf_client {           /* spf_new() copies it */
	unsigned char ip[16]; /* IPv4: the first four */
	bool ipv6;            /* an IPv4-mapped address counts as IPv4 */
	struct str helo;      /* as the client said it */
	/* "local@domain", "domain" (postmaster@ it), or "": postmaster at HELO's (2.4).  Domains in
	 * A-labels; others are malformed, so SPF_NONE (4.3). */
	struct str sender;
};

struct spf_question {
	struct str name; /* as base/dns.h writes names; good until the answer */
	enum dns_type type;
};

struct spf;

struct spf *spf_new(const struct spf_client *client);
void spf_free(struct spf *s);

bool spf_asks(const struct spf *s, struct spf_question *q); /* false: the result is there */
/* a: of the question that spf_asks() named; its memory may go after.  DNS_FAILED also when the time
 * is over: SPF_TEMPERROR, unless the question was one for the client's name. */
void spf_answer(struct spf *s, const struct dns_answer *a);

enum spf_result spf_result(const struct spf *s);
const char *spf_why(const struct spf *s);   /* a constant for the log: of both errors; else NULL */
struct str spf_domain(const struct spf *s); /* which was checked: the sender's, or HELO's */
/* "softfail", as RFC 8601 2.7.2 writes it. */
struct str spf_result_name(enum spf_result r);

#endif
