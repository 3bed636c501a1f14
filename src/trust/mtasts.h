/* mtasts.h -- MTA-STS: what a domain says about TLS of its mail hosts (RFC 8461).  Pure: the
 * owner asks DNS for the record, fetches the policy and keeps it. */
#ifndef RESTANTE_TRUST_MTASTS_H
#define RESTANTE_TRUST_MTASTS_H

#include "base/buf.h"
#include "base/dns.h"
#include "base/err.h"

enum {
	MTASTS_ID_MAX = 32,
	MTASTS_POLICY_MAX = 65536, /* octets of a policy (3.3) */
	MTASTS_MX_MAX = 256,
	MTASTS_AGE_MAX = 31557600,       /* seconds (3.2) */
	MTASTS_RETRY_MS = 5 * 60 * 1000, /* between two fetches that fail (3.3) */
	MTASTS_REFRESH_MS = 86400000,    /* a kept policy is asked for again (3.3) */
};

enum mtasts_mode { MTASTS_OFF, MTASTS_TESTING, MTASTS_ENFORCE };

struct mtasts_policy {
	enum mtasts_mode mode;
	uint32_t max_age; /* seconds */
	struct buf mx;    /* patterns, lower case, one a line */
};

/* The id in the answer to "_mta-sts.DOMAIN" TXT; false: the domain announces no policy. */
bool mtasts_record(const struct dns_answer *txt, struct str *id);

/* ST_PROTO and err when it is no policy. */
enum status mtasts_parse(struct mtasts_policy *p, struct str body, struct err *err);
/* The one that we publish for a domain whose mail comes to this host. */
void mtasts_policy_put(struct buf *out, struct str host);
void mtasts_policy_deinit(struct mtasts_policy *p);
/* 4.1; host: ASCII, any case. */
bool mtasts_mx_allowed(const struct mtasts_policy *p, struct str host);

/* What is kept of a domain; times are wall clock ms. */
struct mtasts_entry {
	struct mtasts_policy policy;
	bool has_policy;
	char id[MTASTS_ID_MAX + 1]; /* of the policy */
	char failed_id[MTASTS_ID_MAX + 1];
	int64_t fetched_ms; /* when the policy came */
	int64_t tried_ms;   /* when one was last asked for in vain; 0: not since */
};

enum mtasts_step {
	MTASTS_USE,        /* what mtasts_active() says, nothing to do */
	MTASTS_FETCH,      /* fetch first, then mtasts_active() */
	MTASTS_FETCH_ALSO, /* use what is kept, and fetch beside it */
};

/* id: of the record now, empty when there is none or it could not be had. */
enum mtasts_step mtasts_next(const struct mtasts_entry *e, struct str id, int64_t now_ms);
/* The policy that counts now, NULL: as if there were none. */
const struct mtasts_policy *mtasts_active(const struct mtasts_entry *e, int64_t now_ms);
/* A fetch for `id` has ended; policy: taken over, NULL when it failed. */
void mtasts_fetched(
	struct mtasts_entry *e, struct str id, struct mtasts_policy *policy, int64_t now_ms);
void mtasts_entry_deinit(struct mtasts_entry *e);

#endif
