/* server.h -- a connection to somebody else's server, for tools: blocking, in a loop of its own.
 *
 * SIGINT and SIGTERM do not end the process while a connection is open: they are told, so that what is under way can
 * be ended in order.  The second one closes it. */
#ifndef RESTANTE_REMOTE_SERVER_H
#define RESTANTE_REMOTE_SERVER_H

#include <signal.h>

#include "net/conn.h"
#include "net/dial.h"
#include "net/tls_client.h"
#include "proto/socks.h"

enum server_tls { SERVER_TLS_IMPLICIT, SERVER_TLS_STARTTLS, SERVER_TLS_NONE };

struct server_want {
	struct str host; /* a name or an address */
	uint16_t port;
	enum server_tls tls;
	struct str roots; /* PEM: who may vouch for it */
	struct str
		fingerprint; /* 64 hex digits, ":" between them or not: then only this counts; "" */
	bool unchecked;      /* any certificate is taken: the owner looks at it */
	struct str resolvers; /* as dns_resolver; "": the system's way, with /etc/hosts */
	struct str source;    /* the address to connect from; "": the system's choice */
	struct str proxy;    /* socks5://[USER:PASSWORD@]HOST[:PORT], which looks the host up; "" */
	struct tls_pair own; /* PEM: what a server is shown that asks; "" */
	const char *alpn;    /* "pop3"; NULL: none */
	int64_t timeout_ms;  /* of each step */
	struct server
		*beside; /* its loop and signals are this one's too, which closes first; or NULL */
};

enum server_turn {
	SERVER_MOVED,  /* octets came or went */
	SERVER_LATE,   /* the deadline has passed */
	SERVER_CLOSED, /* by the server, or broken: conn.error */
};

struct server {
	struct loop *loop;
	struct conn conn;
	struct dial dial;
	struct loop_signal interrupt, terminate;
	sigset_t mask; /* as it was: who blocks the two signals gets them here all the same */
	struct loop_timer timer;
	struct tls_client *tls;
	struct server_want want; /* borrowed texts */
	struct str host;         /* what is dialed: the server, or the proxy before it */
	uint16_t port;
	struct nexthop_target targets[16];
	size_t target_count;
	unsigned interrupts;
	bool open, ready, late, tls_up, failed;
};

/* Connects, and with implicit TLS does the handshake.  ST_TEMP: nobody answers; ST_PERM: what answers is not
 * believed.  server_close() in any case. */
enum status server_connect(struct server *s, const struct server_want *want, struct err *err);
/* The handshake after STLS or STARTTLS. */
enum status server_start_tls(struct server *s, struct err *err);
/* Sends from out, and reads into in when `read`; waits until something moved, or the deadline (monotonic ms). */
enum server_turn server_turn(
	struct server *s, struct buf *in, struct buf *out, bool read, int64_t deadline_ms);
bool server_interrupted(const struct server *s);
void server_close(struct server *s);

/* server_proxy.c: asks the proxy that is connected for the host. */
enum status server_pass_proxy(struct server *s, const struct socks *to, struct err *err);

#endif
