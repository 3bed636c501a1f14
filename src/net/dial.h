/* dial.h -- connects to the first of several addresses that takes it.
 *
 * Addresses are tried in their order.  One that keeps silent is joined after `stagger_ms` by the next
 * one of the same host (RFC 8305 5), never by another host: the order of MX records is the
 * receiver's wish.  The first connection wins. */
#ifndef RESTANTE_NET_DIAL_H
#define RESTANTE_NET_DIAL_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/loop.h"
#include "net/nexthop.h"

struct dial_config {
	int64_t timeout_ms;          /* of one address; 0: 30 s */
	int64_t stagger_ms;          /* 0: 2 s */
	struct str source4, source6; /* our address; empty: the system's choice */
};

union dial_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

enum { DIAL_SLOTS = 2 };

struct dial_slot {
	struct dial *dial;
	struct loop_io io;
	struct loop_timer timer;
	int fd;
	size_t at;
	bool busy;
};

/* Embedded in its owner; zeroed it is idle. */
struct dial {
	struct loop *loop;
	struct dial_config config;
	const struct nexthop_target *targets;
	size_t count, next;
	struct dial_slot slots[DIAL_SLOTS];
	struct loop_timer stagger;
	struct loop_timer later; /* done() never comes from inside */
	/* The result: */
	int fd;                  /* non-blocking, the owner's; -1: none took it */
	size_t at;               /* which target connected, or failed last */
	union dial_address peer; /* of fd */
	char error[120];         /* of the last failure, printable */
	void (*done)(struct dial *d);
};

/* targets must stay until done().  To go on after a target that connected and then failed, start again
 * with those behind d->at. */
void dial_start(struct dial *d, struct loop *l, const struct dial_config *config,
	const struct nexthop_target *targets, size_t count, void (*done)(struct dial *d));
void dial_cancel(struct dial *d); /* idempotent; done() will not come; a result's fd stays */

/* "192.0.2.1", "2001:db8::1". */
const char *dial_text(const unsigned char address[16], char to[64]);

#endif
