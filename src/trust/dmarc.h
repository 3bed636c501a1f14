/* dmarc.h -- whether a domain in From stands behind a message, and what its owner asks for when it does
 * not: DMARC (RFC 9989).  Pure: the owner asks DNS.
 *
 * There is no list of public suffixes: the organizational domain is found by walking up the DNS tree
 * (4.10), at most DMARC_WALK_MAX questions from each name, and no name is asked for twice.
 *
 * Made for one author domain, it asks for the policy at once; what SPF and DKIM found is told later, with
 * dmarc_identity() for each and then dmarc_judge(), after which it may ask more.  So the policy can be
 * looked up while the message still comes in. */
#ifndef RESTANTE_TRUST_DMARC_H
#define RESTANTE_TRUST_DMARC_H

#include "base/dns.h"

enum {
	DMARC_WALK_MAX = 8,        /* questions of one walk (4.10) */
	DMARC_LABELS_KEPT = 7,     /* of a longer name, after the first question (4.10) */
	DMARC_RECORD_MAX = 4096,   /* octets; longer ones are no records */
	DMARC_IDENTITIES_MAX = 17, /* one of SPF and those of 16 signatures; more do not count */
	/* A walk from the author domain and each identity; whether the author domain exists. */
	DMARC_QUESTIONS_MAX = (1 + DMARC_IDENTITIES_MAX) * DMARC_WALK_MAX + 1,
};

enum dmarc_result {    /* RFC 8601 2.7.5, RFC 7489 11.2 */
	DMARC_PENDING, /* there is a question, or dmarc_judge() is to come */
	DMARC_NONE,    /* no record: nobody asks for anything */
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR,
	DMARC_PERMERROR,
};

/* What the owner asks for, in the order of strictness. */
enum dmarc_policy { DMARC_ACCEPT, DMARC_QUARANTINE, DMARC_REJECT };

enum dmarc_method { DMARC_SPF, DMARC_DKIM };

struct dmarc_question {
	struct str name; /* as base/dns.h writes names; good until the answer */
	enum dns_type type;
};

struct dmarc;

/* author: the domain of an address in From, in A-labels. */
struct dmarc *dmarc_new(struct str author);
void dmarc_free(struct dmarc *d);

/* False: none now; there may be more after dmarc_judge(). */
bool dmarc_asks(const struct dmarc *d, struct dmarc_question *q);
/* a: of the question that dmarc_asks() named; its memory may go after.  DNS_FAILED also when the time is
 * over. */
void dmarc_answer(struct dmarc *d, const struct dns_answer *a);

/* A domain that SPF or a signature speaks for.  unsure: it could not be found out whether it does (a
 * temperror); then the message does not fail for want of it. */
void dmarc_identity(struct dmarc *d, enum dmarc_method method, struct str domain, bool unsure);
/* No identity follows. */
void dmarc_judge(struct dmarc *d);

enum dmarc_result dmarc_result(const struct dmarc *d);
/* Of DMARC_FAIL: what is asked for, t=y counted in; else DMARC_ACCEPT. */
enum dmarc_policy dmarc_disposition(const struct dmarc *d);
/* The policy that applies to the author domain, t=y not counted in; of DMARC_PASS and DMARC_FAIL. */
enum dmarc_policy dmarc_policy(const struct dmarc *d);
struct str dmarc_author(const struct dmarc *d);
struct str dmarc_policy_domain(const struct dmarc *d); /* whose record it is; "" without one */
struct str dmarc_result_name(enum dmarc_result r);     /* "temperror" */
struct str dmarc_policy_name(enum dmarc_policy p);     /* "quarantine" */

/* ---- whose it is ---- */

enum { DMARC_FROM_MAX = 4096 };

/* Puts the domains of all addresses in all fields From, as they stand there, one a line, also of those behind lines
 * that are no fields.  Of a field that cannot be read, whatever stands behind an "@".  False: they are more than
 * DMARC_FROM_MAX octets, and some are missing.  header: the header section of a message. */
bool dmarc_from(struct str header, struct buf *domains);

/* ---- a record ---- */

enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

struct dmarc_record {
	enum dmarc_policy p, sp, np; /* sp, np: as the tags before them when not there */
	bool strict_dkim, strict_spf;
	bool testing; /* t=y */
	enum dmarc_psd psd;
	bool bad; /* a policy cannot be read, and nobody is named to be told: none is applied */
};

/* False: the text is no DMARC record (4.7). */
bool dmarc_record_parse(struct str text, struct dmarc_record *r);

#endif
