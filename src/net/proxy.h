/* proxy.h -- the header of the PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt).  No I/O.
 *
 * Octets are looked at before they are taken, so that nothing behind the header is touched: it may be a
 * TLS handshake.  Bounded: 107 octets of version 1, 16 + PROXY_V2_MAX of version 2, whose TLVs are
 * skipped.  Anything that is not exactly such a header is bad. */
#ifndef RESTANTE_NET_PROXY_H
#define RESTANTE_NET_PROXY_H

#include <sys/socket.h>

#include "base/str.h"

enum { PROXY_V1_MAX = 107, PROXY_V2_MAX = 4096 };

enum proxy_result { PROXY_MORE, PROXY_DONE, PROXY_BAD };

struct proxy { /* zeroed at the start */
	char head[PROXY_V1_MAX];
	size_t n, want; /* octets so far; version 2: of the whole header, once it is known */
	/* PROXY_DONE: the client, or not told (LOCAL, UNKNOWN): the proxy speaks for itself. */
	bool told;
	struct sockaddr_storage client;
};

/* s: the next octets of the connection.  *used of them belong to the header. */
enum proxy_result proxy_feed(struct proxy *p, struct str s, size_t *used);

#endif
