/* carrier_dns.h -- what the DNS server in front of a carrier is good for.
 *
 * A server that strips the signatures of DNSSEC makes every answer look forged, and all mail would wait
 * (many a home router does).  So the first question asks for what a trust anchor covers.  When that cannot be
 * validated although the server answers, the carrier asks without validation from then on, unless
 * dnssec_required forbids it: DANE protects nothing then, as where a zone is not signed (RFC 7672 2.1.1), and
 * MTA-STS and TLS where it is offered remain.  Once validation worked it stays required: then an answer that does
 * not fit is a forgery. */
#ifndef RESTANTE_DAEMON_CARRIER_DNS_H
#define RESTANTE_DAEMON_CARRIER_DNS_H

#include "daemon/dns_state.h"
#include "net/resolve.h"

struct carrier;

struct carrier_dns {
	struct carrier *carrier;
	struct resolver *valid, *plain; /* plain: without validation */
	struct str anchor;              /* the name that the first trust anchor is of */
	struct dns_query query;
	struct loop_timer again;
	enum dns_state state;
};

/* Before the sandbox closes: makes c->resolver. */
bool carrier_dns_prepare(struct carrier *c, struct err *err);
/* Asks, now and again. */
void carrier_dns_start(struct carrier *c);
/* To the store, for restante status: also when it is another one. */
void carrier_dns_tell(struct carrier *c);

#endif
