/* web.h -- the process that speaks HTTPS: fetches MTA-STS policies (RFC 8461 3.3) for the carriers and keeps
 * them over restarts.  It sees names of domains, no mail and no accounts; it resolves no names: the
 * carriers send addresses.
 *
 * Packets of ipc.h over one channel a carrier, which the parent hands over on the leash (LEASH_CARRIER);
 * session is the asker's number, it comes back.  See web_client.h for the other end. */
#ifndef RESTANTE_DAEMON_WEB_H
#define RESTANTE_DAEMON_WEB_H

#include "daemon/ipc.h"
#include "daemon/sandbox.h"

enum web_packet {
	/* domain, id, port, count, [address of 16 octets] -> error text ("": none), body */
	WEB_FETCH = 1,
	/* domain -> id, ms of the fetch, body; "" and 0 when nothing is kept */
	WEB_RECALL,
};

enum {
	WEB_AT_ONCE = 20,  /* transfers */
	WEB_WAITING = 500, /* more are refused */
	WEB_ADDRESSES = 8,
	WEB_TIMEOUT_MS = 60 * 1000, /* RFC 8461 3.3 suggests it */
	WEB_CONNECT_MS = 20 * 1000,
};

struct web_start {
	const char *state;
	struct child_identity identity;
	int leash;
	int kept_fd;      /* STATE/mtasts, open for reading and writing; -1: nothing is kept */
	struct str roots; /* PEM: the authorities a server's certificate is checked by */
};

_Noreturn void web_process(const struct web_start *start);

#endif
