/* cidr.h -- lists of networks: "127.0.0.0/8 ::1 2001:db8::/32".  No I/O.
 *
 * Parsed once, then matched by comparing whole octets; IPv4 and what RFC 4291 2.5.5.2 maps into IPv6
 * are the same address. */
#ifndef RESTANTE_NET_CIDR_H
#define RESTANTE_NET_CIDR_H

#include "base/str.h"

enum { CIDR_ROWS_MAX = 256 };

struct cidr {
	unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;             /* 0 to 128 */
};

struct cidr_set {
	struct cidr *rows; /* owned: cidr_set_free() */
	size_t count;
};

/* A whole IPv4 or IPv6 address as text. */
bool cidr_address(struct str text, unsigned char to[16]);
/* One network; without "/" a single address.  Bits behind the prefix must be zero: 10.0.0.1/8 is
 * somebody's mistake. */
bool cidr_parse(struct str text, struct cidr *to);

/* Networks separated by spaces; none is fine.  False: *bad is the one that is not a network, or all of
 * it when they are too many; set is then empty. */
bool cidr_set_parse(struct cidr_set *set, struct str text, struct str *bad);
void cidr_set_free(struct cidr_set *set);
/* address: text, as in conn.peer; "local" and other words are in no network. */
bool cidr_set_has(const struct cidr_set *set, struct str address);

#endif
