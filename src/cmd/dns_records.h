/* dns_records.h -- what a domain of this office should publish. */
#ifndef RESTANTE_CMD_DNS_RECORDS_H
#define RESTANTE_CMD_DNS_RECORDS_H

#include <jansson.h>

#include "base/dns.h"
#include "base/err.h"
#include "daemon/config.h"

enum record_kind {
	RECORD_MX,
	RECORD_ADDRESS, /* value "": the administrator knows it */
	RECORD_SPF,
	RECORD_SPF_HOST, /* what the name in HELO is judged by (RFC 7208 2.3) */
	RECORD_DKIM,
	RECORD_DMARC,
	RECORD_STS,
	RECORD_TLSRPT,
	RECORD_TLSA,
	RECORD_SRV,
	RECORD_SOURCE, /* of what EHLO says where the configuration has a source */
	RECORD_PTR,    /* the name of such an address */
	RECORD_PTR_V4, /* the same of the address that `name` turns out to have: only to be checked */
	RECORD_PTR_V6,
	RECORD_WEB, /* a name that leads to listen https */
};

struct record {
	enum record_kind kind;
	enum dns_type type;
	bool needed;        /* else mail goes without it too */
	char *name, *value; /* heap; names without the last dot, TXT as one text */
	const char *purpose;
	const char *not_yet; /* why it would do harm to publish it now; NULL: it would not */
};

static inline bool record_is_checked_only(const struct record *r)
{
	return r->kind == RECORD_PTR_V4 || r->kind == RECORD_PTR_V6;
}

struct records {
	struct record *rows; /* heap */
	size_t count;
	bool has_web; /* listen https is there */
	char *policy; /* of MTA-STS: for https://mta-sts.DOMAIN/.well-known/mta-sts.txt; heap */
};

/* keys: rows of dkim.list.  certificate: PEM, or "" when it cannot be read: then there is no TLSA. */
enum status records_make(struct records *r, struct str domain, const struct config *config,
	const json_t *keys, struct str certificate, struct err *err);
void records_free(struct records *r);

#endif
