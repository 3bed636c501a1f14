/* conn.h -- one TCP connection, accepted or dialed, plain or TLS, non-blocking.
 *
 * The owner drives: conn_read() and conn_write() move octets between the socket and the engine's
 * buffers; conn_want() says what to wait for; conn->event() is called when it is there.  TLS
 * needs no other code in the owner than conn_start_tls() and CONN_TLS_UP. */
#ifndef RESTANTE_NET_CONN_H
#define RESTANTE_NET_CONN_H

#include <sys/socket.h>

#include "base/buf.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/tls_client.h"

enum conn_event {
	CONN_READY,    /* something conn_want() asked for */
	CONN_TLS_UP,   /* the handshake is done */
	CONN_DEADLINE, /* conn_deadline() has passed */
	CONN_FAILED,   /* handshake failed; close it */
};

enum { CONN_EOF = -1, CONN_ERROR = -2 };

struct conn {
	struct loop *loop;
	struct loop_io io;
	struct loop_timer timer;
	int fd;                 /* -1 after conn_close() */
	SSL *ssl;               /* NULL: plain */
	struct tls_server *tls; /* a reference */
	bool handshaking;
	bool last;                               /* conn_last() */
	int wanted;                              /* LOOP_READ | LOOP_WRITE, as the owner sees it */
	bool read_needs_write, write_needs_read; /* TLS only */
	bool starved; /* and that: what was read ahead is less than a record */
	bool broken;  /* no more octets either way */
	bool drained; /* nothing to read until the loop says so, a read would be in vain */
	/* The ALPN name of the listener's protocol, "pop3" or "smtp"; set it between conn_init() and
	 * conn_start_tls().  NULL takes either, so say which. */
	const char *alpn;
	bool no_tickets; /* set it then too: this session gets no ticket to resume it by */
	/* And that: asks for a certificate (RFC 8446 4.3.2), which the client need not have. */
	bool ask_certificate;
	void (*event)(struct conn *c, enum conn_event e);
	char peer[64]; /* text of the peer's IP address; "uid-1000": a user of this machine */
	uint16_t peer_port;
	char error[120]; /* why CONN_FAILED or CONN_ERROR; for the log */
};

/* Takes fd over. */
void conn_init(struct conn *c, struct loop *l, int fd, const struct sockaddr *peer,
	void (*event)(struct conn *, enum conn_event));
/* The socket of `from`, of which nothing was read or awaited yet, and what is known of its peer. */
void conn_take(
	struct conn *c, const struct conn *from, void (*event)(struct conn *, enum conn_event));
/* close_notify when possible, then close; idempotent, and may be called from event(), after which
 * the struct may be freed. */
void conn_close(struct conn *c);

/* The socket is somebody else's from now on: no event comes any more. */
void conn_let_go(struct conn *c);

/* Call it when the octets that asked for TLS have been consumed and the reply has been written;
 * whatever else the engine holds was sent in the clear and is the engine's to drop (RFC 3207 4.2,
 * RFC 2595 4).  CONN_TLS_UP or CONN_FAILED comes later, never from inside. */
void conn_start_tls(struct conn *c, struct tls_server *tls);
/* The same as the client (RFC 3207 4): what the server sent behind its reply is the engine's to refuse.
 * Not ST_OK: `want` cannot be met, nothing was started.  c->alpn is not looked at, want->alpn is. */
enum status conn_start_tls_client(
	struct conn *c, struct tls_client *tls, const struct tls_want *want, struct err *err);
/* Appends at most `most` octets to `into`, and no more than its limit allows.  Octets read,
 * 0: nothing now, CONN_EOF, CONN_ERROR.  The end of the TCP stream without close_notify is CONN_EOF as
 * well: SMTP and POP3 mark the end of everything that counts themselves. */
int64_t conn_read(struct conn *c, struct buf *into, size_t most);
/* Consumes from `from` what the socket takes.  Octets written (0: nothing now) or CONN_ERROR.  What
 * was not taken must be offered again as it was, more may follow it (TLS has begun a record of it). */
int64_t conn_write(struct conn *c, struct buf *from);
/* The same of octets that are somebody else's; what was not taken stays in *from. */
int64_t conn_write_str(struct conn *c, struct str *from);
/* Nothing is written after what conn_write() takes next: it waits for conn_close(), to cross the network in one
 * packet with the end of the stream. */
void conn_last(struct conn *c);
/* Replaces what is waited for; heeded once the handshake is over.  Wanting LOOP_READ while
 * conn_pending() brings CONN_READY without the socket. */
void conn_want(struct conn *c, int events);
/* Absolute; 0 for none.  Comes once. */
void conn_deadline(struct conn *c, int64_t mono_ms);
/* Octets already decrypted wait inside TLS, so the socket will not become readable for them. */
bool conn_pending(const struct conn *c);

/* Nothing of what was written is still under way to the peer's system, or that cannot be known. */
bool conn_arrived(const struct conn *c);

/* tls-exporter channel binding (RFC 9266); false without TLS or when TLS 1.2 lacks extended master
 * secret. */
bool conn_channel_binding(struct conn *c, unsigned char out[32]);
/* SHA-256 of the key in the client's certificate; the handshake has proved that the client holds it.
 * False without a certificate.  *why: NULL, or why no authority of tls_server_authorities() vouches. */
bool conn_client_key(const struct conn *c, unsigned char out[32], const char **why);
const char *conn_tls_version(const struct conn *c); /* "TLSv1.3", or NULL */
const char *conn_tls_cipher(const struct conn *c);
const char *conn_tls_group(const struct conn *c); /* of the key exchange: "X25519" */

/* A listening TCP socket, non-blocking, close-on-exec; -1 and err on failure.  address: IPv4 or
 * IPv6 literal, without brackets. */
int listen_tcp(const char *address, uint16_t port, int backlog, struct err *err);

struct listener {
	struct loop_io io;
	struct loop_timer pause; /* after EMFILE and friends: accept again in 100 ms */
	int fd;
	bool paused, resting;
	bool *gone; /* while accepting: tells that it was stopped */
	void (*accepted)(struct listener *l, int fd, const struct sockaddr *peer);
	void (*woken)(struct listener *l); /* or NULL: somebody came, whoever will take him */
};
/* accepted() owns the fd, which is non-blocking, close-on-exec and without Nagle's delay. */
void listener_init(struct listener *l, struct loop *loop, int fd,
	void (*accepted)(struct listener *, int fd, const struct sockaddr *peer));
/* While it rests it waits for nobody. */
void listener_rest(struct listener *l, bool rest);
/* Accepts who waits now, as if one of them had just come; true when there was somebody. */
bool listener_take(struct listener *l);
/* Stops accepting, from accepted() too; does not close fd. */
void listener_stop(struct listener *l);

#endif
