/* nexthop.h -- where mail for a domain goes: MX, A and AAAA records to a list of addresses in the
 * order in which they are tried (RFC 5321 5.1, RFC 7505).  No I/O.
 *
 * The owner asks what nexthop_ask() wants to know, in any order and all at once, and gives the answers
 * back, until nexthop_result() is no longer ST_MORE.
 *
 *   while (nexthop_ask(n, &q)) resolve_start(...q.name, q.type...);
 *   on an answer: nexthop_answer(n, q.number, a); */
#ifndef RESTANTE_NET_NEXTHOP_H
#define RESTANTE_NET_NEXTHOP_H

#include "base/dns.h"
#include "base/err.h"
#include "net/cidr.h"

enum { NEXTHOP_HOSTS_MAX = 20, NEXTHOP_TARGETS_MAX = 100, NEXTHOP_ANSWERS_MAX = 64 };

enum nexthop_kind {
	NEXTHOP_MX,   /* a mail domain or an address literal: MX, else its own addresses */
	NEXTHOP_HOST, /* what the administrator named: addresses only, and any of them */
};

struct nexthop_config {
	size_t hosts_max;   /* so many of the MX hosts are looked up; 0: 5 */
	size_t targets_max; /* so many addresses in all; 0: 10 */
	/* What is ourselves: an MX host of such a name or address, and all that are not better than
	 * it, are left out (RFC 5321 5.1). */
	const struct str *own_names;
	size_t own_name_count;
	const struct cidr_set *own_addresses; /* may be NULL */
	/* Addresses that DNS cannot send mail to: loopback and so on. */
	const struct cidr_set *never; /* may be NULL */
};

struct nexthop_host {
	char *name; /* as the MX record has it; "192.0.2.1" for a literal */
	char *base; /* after its CNAMEs, when all of them are secure; else NULL */
	uint16_t preference;
	bool literal; /* no name: DANE and MTA-STS do not apply */
	/* Its zone is signed, so TLSA records are worth a look (RFC 7672 2.2.2); whether they count
	 * for the domain is nexthop_facts.mx_secure. */
	bool is_signed;
};

struct nexthop_target {
	const struct nexthop_host *host;
	unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d, see cidr.h */
	uint16_t port;
};

struct nexthop_facts {
	const char *domain;   /* ASCII, lower case */
	const char *expanded; /* after the CNAMEs of the MX question; the same without any */
	bool has_mx;          /* else the domain is its own host */
	bool mx_secure;       /* the MX answer, or that there is none, was validated */
};

struct nexthop_question {
	size_t number;
	const char *name;
	enum dns_type type;
};

/* Why there is no target: for the reply of the queue and for the log. */
struct nexthop_failure {
	int code;           /* 451, 550, 556 */
	const char *status; /* "4.4.3" (RFC 3463) */
	char text[160];     /* printable */
};

struct nexthop;

/* name: a domain in ASCII or UTF-8, or an address literal in brackets; NEXTHOP_HOST also takes a bare
 * address.  seed: random, mixes what is equal.  config's lists must live as long. */
struct nexthop *nexthop_new(const struct nexthop_config *config, enum nexthop_kind kind,
	struct str name, uint16_t port, uint64_t seed);
void nexthop_free(struct nexthop *n);

bool nexthop_ask(struct nexthop *n, struct nexthop_question *q);
void nexthop_answer(struct nexthop *n, size_t number, const struct dns_answer *a);

/* ST_MORE: answers are missing.  ST_OK: there are targets.  ST_TEMP and ST_PERM: see the failure. */
enum status nexthop_result(const struct nexthop *n);
const struct nexthop_failure *nexthop_failure(const struct nexthop *n);
const struct nexthop_target *nexthop_targets(const struct nexthop *n, size_t *count);
const struct nexthop_facts *nexthop_facts(const struct nexthop *n);

#endif
