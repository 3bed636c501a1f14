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
/* The whole of it is ADDRESS, ADDRESS@PORT, [ADDRESS]:PORT or, of IPv4, ADDRESS:PORT; without a port it is
 * `fallback`.  The address is a view. */
bool cidr_server(struct str text, uint16_t fallback, struct str *address, uint16_t *port);
/* One network; without "/" a single address.  Bits behind the prefix must be zero: 10.0.0.1/8 is
 * somebody's mistake. */
bool cidr_parse(struct str text, struct cidr *to);

bool cidr_has(const struct cidr *net, const unsigned char address[16]);
/* The network that `address` is in, of so many bits. */
struct cidr cidr_of(const unsigned char address[16], unsigned bits);
bool cidr_is_v4(const unsigned char address[16]);
enum { CIDR_TEXT = 52 };
void cidr_text(const struct cidr *net,
	char to[CIDR_TEXT]); /* "192.0.2.0/24"; a single address without "/" */

/* Networks separated by spaces; none is fine.  False: *bad is the one that is not a network, or all of
 * it when they are too many; set is then empty. */
bool cidr_set_parse(struct cidr_set *set, struct str text, struct str *bad);
void cidr_set_free(struct cidr_set *set);
/* address: text, as in conn.peer; "local" and other words are in no network. */
bool cidr_set_has(const struct cidr_set *set, struct str address);

#endif
