/* dns.h -- a DNS answer as rows, and the parser that makes it from a message (RFC 1035 4).  Pure.
 *
 * Names are text, lower case, without the last dot, the root is "": octets that no host name has are
 * written \DDD (RFC 1035 5.1), so a name is always printable.  Rows that are shorter than their
 * type are left out; so are rows above DNS_ROWS_MAX. */
#ifndef RESTANTE_BASE_DNS_H
#define RESTANTE_BASE_DNS_H

#include "base/buf.h"

enum { DNS_ROWS_MAX = 100, DNS_NAME_MAX = 1024, DNS_ALIASES_MAX = 16 };

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52
};

enum dns_outcome {
	DNS_FOUND,
	DNS_NODATA,   /* the name is there, no row of this type */
	DNS_NXDOMAIN, /* no such name */
	DNS_FAILED,   /* nobody could say: time-out, SERVFAIL, refused */
	DNS_BOGUS,    /* DNSSEC says the answer is forged, or the zone is broken */
};

struct dns_row {
	uint16_t preference;               /* MX; the priority of SRV */
	uint16_t weight, port;             /* SRV */
	uint8_t usage, selector, matching; /* TLSA (RFC 6698 2.1) */
	/* A, AAAA: 4 or 16 octets; CNAME, PTR, MX, SRV: a name; TXT: its strings joined; TLSA: the
	 * association data. */
	struct str data;
};

struct dns_answer {
	enum dns_outcome outcome;
	bool secure;      /* validated by DNSSEC all the way, also that there is nothing */
	unsigned aliases; /* how many CNAMEs were followed */
	uint32_t ttl;     /* seconds; 0 when the answer may not be kept */
	struct str name;  /* the name the rows stand at, after the CNAMEs */
	struct dns_row *rows;
	size_t count;
	struct str why; /* of DNS_FAILED and DNS_BOGUS, for the log */
	void *memory;   /* what all of it stands in */
};

/* The answer to the question for `name` and `type` in a whole message.  What it says stays good until
 * dns_answer_free(), the message may go before.  A message that cannot be read is DNS_FAILED. */
void dns_parse(struct dns_answer *a, struct str message, struct str name, enum dns_type type);
void dns_answer_free(struct dns_answer *a);

enum {
	DNS_LABEL_MAX = 63,
	DNS_HOST_MAX = 253
}; /* as text, without the last dot (RFC 1035 2.3.4) */

/* Is it the name of a host, in ASCII and without a last dot?  Letters, digits and inner hyphens (RFC 1123 2.1,
 * RFC 5321 4.1.2); of hosts that others name, underscores and a hyphen at a label's end are borne. */
bool dns_host_name(struct str s);
bool dns_host_name_of_others(struct str s);

/* Where the name of an address stands, which has 4 or 16 octets (RFC 1035 3.5, RFC 3596 2.5). */
void dns_reverse(struct buf *out, struct str address);

/* "MX" and so on. */
const char *dns_type_name(enum dns_type type);
const char *dns_outcome_name(enum dns_outcome outcome); /* a word for the log: "nxdomain" */

#endif
