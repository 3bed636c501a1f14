/* canonical.h -- addresses in the one form in which they are kept and compared.  Pure.
 *
 * Local part: unquoted, lower-cased (Unicode, locale-free), NFC.  Domain: A-labels, lower-cased, without
 * trailing dot, or an address literal as it is.  Nothing is ever taken out of a local part and
 * used as a route: what is left of the last unquoted "@" is a name. */
#ifndef RESTANTE_ACCOUNT_CANONICAL_H
#define RESTANTE_ACCOUNT_CANONICAL_H

#include "base/err.h"
#include "base/str.h"

enum {
	LOCAL_MAX = 64,   /* RFC 5321 4.5.3.1.1, in octets of UTF-8 (RFC 6531 3.3) */
	DOMAIN_MAX = 253, /* RFC 5321 4.5.3.1.2 says 255, RFC 1035 leaves 253 of them as text */
	ADDRESS_MAX = 320,
};

struct canonical {
	char text[ADDRESS_MAX + 1]; /* NUL-terminated, no NUL inside */
	size_t local_n, n; /* text is local_n octets, "@", the domain; no "@": n == local_n */
};

static inline struct str canonical_str(const struct canonical *c)
{
	return str_of(c->text, c->n);
}

static inline struct str canonical_local(const struct canonical *c)
{
	return str_of(c->text, c->local_n);
}

static inline struct str canonical_domain(const struct canonical *c)
{
	return str_from(str_of(c->text, c->n), c->local_n + 1);
}

/* False for everything that is not local@domain: malformed, over-long, with NUL or invalid UTF-8. */
bool canonical_address(struct str s, struct canonical *c);

/* A name without domain, such as a login name; false when it holds "@" or is malformed. */
bool canonical_name(struct str s, struct canonical *c);

/* c = local@domain, both canonical already; false when that is too long. */
bool canonical_join(struct canonical *c, struct str local, struct str domain);

/* "@domain": the empty local part, of a catch-all. */
bool canonical_catch_all(struct str s, struct canonical *c);

/* Host name as lower-case A-labels into to[ADDRESS_MAX + 1]; false when it is none.  An address literal
 * is no domain here. */
bool canonical_domain_name(struct str s, char *to, size_t *n);

/* May this canonical local part be given to a mailbox or an alias?  ST_USAGE says why not. */
enum status canonical_check_local(struct str local, struct err *err);

#endif
