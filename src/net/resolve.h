/* resolve.h -- asynchronous DNS with validation (libunbound in our loop, one thread, no files).
 *
 * resolver_new() prepares everything that needs files, so that it can be called before the sandbox
 * closes and queries can be asked after it.  Afterwards the system calls are those of UDP and TCP sockets
 * (socket, connect, bind, sendto, recvfrom ...) and of the loop.
 *
 * Answers are kept by the library as long as their TTL allows, in bounded memory. */
#ifndef RESTANTE_NET_RESOLVE_H
#define RESTANTE_NET_RESOLVE_H

#include "base/buf.h"
#include "base/dns.h"
#include "base/err.h"
#include "base/list.h"
#include "net/loop.h"

struct resolver;

struct resolver_config {
	/* Where to ask: "address" or "address@port", separated by spaces; empty: the root servers and
	 * those they name. */
	struct str servers;
	/* DNSKEY or DS rows as a zone file has them, one a line; empty: nothing is validated, every
	 * answer is insecure. */
	struct str anchors;
	size_t queries_max;   /* under way at once, others wait; 0: 256 */
	int64_t timeout_ms;   /* of one query, also while it waits; 0: 30 s */
	int64_t cache_octets; /* 0: 16 MiB */
};

struct dns_query {
	struct link link; /* the resolver's, as all but `done` */
	struct resolver *resolver;
	char *name;
	enum dns_type type;
	int id;
	int64_t deadline_ms;
	enum { DNS_IDLE, DNS_WAITS, DNS_ASKED, DNS_ANSWERED } state;
	struct dns_answer answer;
	/* a is gone after it; q is idle and may be started again or freed. */
	void (*done)(struct dns_query *q, const struct dns_answer *a);
};

/* The root's trust anchor (IANA, 20326 and 38696), as text for `anchors`. */
extern const char resolver_root_anchors[];
/* The nameserver lines of a resolv.conf(5), as text for `servers`; at most three, as there. */
void resolver_from_resolv_conf(struct str text, struct buf *servers);

struct resolver *resolver_new(
	struct loop *l, const struct resolver_config *config, struct err *err);
/* Queries under way are not answered any more. */
void resolver_free(struct resolver *r);

/* done() comes later, never from inside.  A zeroed query is idle; q must not be under way.  name: ASCII,
 * with or without the last dot; one that no domain can have is answered DNS_NXDOMAIN. */
void resolve_start(struct resolver *r, struct dns_query *q, struct str name, enum dns_type type,
	void (*done)(struct dns_query *q, const struct dns_answer *a));
void resolve_cancel(struct dns_query *q); /* idempotent; done() will not come */

#endif
