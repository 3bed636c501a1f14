/* dane.h -- what TLSA records ask of an SMTP client (RFC 7672, 7671 9).  Pure. */
#ifndef RESTANTE_TRUST_DANE_H
#define RESTANTE_TRUST_DANE_H

#include "base/buf.h"
#include "base/dns.h"

enum dane_decision {
	DANE_NONE,         /* no DANE: whatever the policy is otherwise */
	DANE_ENCRYPT,      /* records, but none we can use: TLS without authentication */
	DANE_AUTHENTICATE, /* TLS, and the certificate must match one of the rows */
	DANE_UNREACHABLE,  /* nobody knows: this server is not used now (2.1.2) */
};

/* The name of the TLSA question, "_25._tcp.mx.example.org" (RFC 6698 3). */
void dane_query_name(struct buf *to, struct str base, uint16_t port);

/* answer: to the TLSA question at a base domain whose zone is signed.  The usable rows are moved to the
 * front of answer->rows, *usable says how many.  When DANE_NONE comes for a base domain that a
 * CNAME led to, the name before the CNAME is asked next (2.2.2). */
enum dane_decision dane_decide(struct dns_answer *answer, size_t *usable);

#endif
