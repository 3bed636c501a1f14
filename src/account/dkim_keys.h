/* dkim_keys.h -- the keys that domains sign their mail with, in the directory.  What a key is, and how it
 * signs, is trust/dkim.h's: here it is octets with a name and three times.
 *
 * A key is prepared (to be published, does not sign yet), signing, or retired (does not sign, but what
 * it signed may still be on its way).  Which, is a matter of the clock alone: no timer has to run. */
#ifndef RESTANTE_ACCOUNT_DKIM_KEYS_H
#define RESTANTE_ACCOUNT_DKIM_KEYS_H

#include "account/account.h"

enum { DKIM_DOMAIN_MAX = 253, DKIM_SELECTOR_MAX = 63, DKIM_KEYS_MAX = 16 /* of a domain */ };

struct dkim_row {
	struct str domain, selector; /* canonical */
	int algorithm;               /* enum dkim_algorithm */
	struct str private_key;      /* PKCS#8 DER */
	struct str record;           /* its TXT record */
	int64_t created_ms, active_ms;
	int64_t retired_ms; /* 0: not yet */
};

enum dkim_state { DKIM_PREPARED, DKIM_SIGNING, DKIM_RETIRED };

static inline enum dkim_state dkim_row_state(const struct dkim_row *r, int64_t wall_ms)
{
	if (r->retired_ms != 0 && r->retired_ms <= wall_ms)
		return DKIM_RETIRED;
	return r->active_ms <= wall_ms ? DKIM_SIGNING : DKIM_PREPARED;
}

/* Adds keys of one domain, all or none.  Those that sign now are retired when the new ones begin to. */
enum status dkim_keys_add(
	struct directory *d, const struct dkim_row *rows, size_t n, struct err *err);
/* Of one domain, or of all when it is "": in the order of domain and age.  false from each() stops. */
enum status dkim_keys_each(struct directory *d, struct str domain,
	bool (*each)(void *arg, const struct dkim_row *row), void *arg, struct err *err);
/* What is prepared signs from now on, what it replaces is retired now. */
enum status dkim_keys_activate(struct directory *d, struct str domain, struct err *err);
/* One, or all of the domain when selector is "". */
enum status dkim_keys_del(
	struct directory *d, struct str domain, struct str selector, struct err *err);

/* The domain of an address as keys are listed under it, NUL-terminated; false when it has none. */
bool dkim_domain_of(struct str address, char domain[DKIM_DOMAIN_MAX + 1]);

/* Changes with every change of the directory: for those who keep what they read. */
uint64_t directory_generation(const struct directory *d);

/* Made with the directory, never told to anybody (trust/srs.h). */
enum status directory_srs_secret(struct directory *d, unsigned char secret[32], struct err *err);

#endif
