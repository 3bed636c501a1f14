/* ipc.h -- the wall between edge and store: packets over one SOCK_SEQPACKET pair per edge.
 *
 * A packet is a fixed head, then fields by base/codec.h.  The edge asks, the store answers with the
 * same type, session and seq; a session has at most one question open.  Message octets cross as
 * octets in the packet, at most IPC_CHUNK at a time; a listing too long for one packet crosses as
 * one sealed mapping.  Never an fd of a file.  Either side treats what it reads as hostile: a packet that
 * does not parse ends the channel. */
#ifndef RESTANTE_DAEMON_IPC_H
#define RESTANTE_DAEMON_IPC_H

#include "base/codec.h"
#include "base/list.h"
#include "net/loop.h"

enum {
	IPC_CHUNK = 60 * 1024, /* message octets, or listing, in one packet */
	IPC_PACKET_MAX = 96 * 1024,
};

enum ipc_type {
	/* Start of an exchange -> enum sasl_result, output, address, user.  For POP3 the maildrop of who has
	 * authenticated is opened too -> enum store_result, count, octets, seconds to wait, capture, days it
	 * keeps mail */
	IPC_AUTH = 1,
	IPC_AUTH_STEP,
	IPC_SENDER, /* addresses: may this account send as each? -> enum said, and which of them it may not */
	/* IPC_RCPT_*, then of each recipient: itself, announced size, notify, orcpt.  To all but the last the edge
	 * has said yes already, as it was told for another message.  -> enum resolved of the last, and the
	 * changes of accounts up to which that may be said again, 0: not at all */
	IPC_RCPT,
	/* id, top, offset, octets; seq 0: the next one that is asked tells how it went.  top: so many octets at the
	 * beginning come with COMMIT; the first offset is behind them */
	IPC_DRAFT,
	/* recipients as in RCPT that the edge said yes to, id, top, offset, octets of the top, received, each recipient for itself?,
	 * sender, client, ret, envid, flags, not before, octets -> enum store_result and a bit for each
	 * recipient that is full, or one of enum ipc_refusal */
	IPC_COMMIT,
	IPC_LIST, /* of the open maildrop -> rows in the packet, or a mapping */
	/* id, offset, want, WINDOW_NONE -> octets.  With a slot of the window instead, and then ids of
	 * messages to be read ahead whole as far as there is room: -> how many octets of each are there */
	IPC_READ,
	IPC_EXPUNGE, /* last, ids: collected until last -> enum store_result */
	IPC_RESET,   /* no answer: the transaction is over, drop recipients and draft */
	IPC_END,     /* no answer: the session is over, drop everything of it */
	IPC_ETRN,    /* domain, and those below it? -> how many messages are tried now */
	IPC_LOCAL, /* with the client's socket: it came by submit.sock -> yes, the name that mail is sent under */
};

enum ipc_refusal {           /* beside enum store_result */
	IPC_OVER_QUOTA = 64, /* nobody has room for it */
	IPC_MISTAKEN,        /* a recipient is refused that the edge said yes to */
};

/* Packets that nobody answers, besides RESET and END. */
enum ipc_note {
	IPC_HELLO = 64, /* edge, before a session's first question: protocol, sid, address, since */
	IPC_CAPTURE,    /* edge: from the client?, octets of a session that is captured */
	IPC_KICK,       /* store: end this session, if it still has this sid */
	IPC_WINDOW,     /* edge: wants one; store: here it is, see window.h */
	IPC_RETRIEVED,  /* edge: when, client, ids that the client has got whole */
};

enum { IPC_MANY = 99 }; /* a packet that holds others: the length of each, then itself */

struct ipc_head {
	uint16_t type;
	uint16_t result; /* in answers */
	uint32_t session;
	uint32_t seq; /* 0: no answer wanted */
};

/* The first octet of RCPT: of its transaction; its reverse-path is <>; FUTURERELEASE was asked for. */
enum ipc_rcpt { IPC_RCPT_FIRST = 1, IPC_RCPT_NOTICE = 2, IPC_RCPT_HELD = 4 };

struct ipc;

struct ipc_packet { /* what came; views die after the call */
	struct ipc_head head;
	struct reader body;
	int fd; /* -1, or an fd that is now the receiver's */
};

/* fd is taken over.  Both calls come from the loop only, never from inside ipc_send().  received() for
 * each packet; lost() once, when the peer went away or broke the
 * format; the owner calls ipc_free() later, not from inside received(). */
struct ipc *ipc_new(struct loop *l, int fd, void (*received)(void *owner, struct ipc_packet *p),
	void (*lost)(void *owner), void *owner);
void ipc_free(struct ipc *i);

/* Sends head, a and b as one packet, and fd with it (not taken over) when it is not -1.  What the socket
 * does not take now is copied and sent later, in order. */
void ipc_send(struct ipc *i, const struct ipc_head *head, struct str a, struct str b, int fd);

/* From now on small packets wait for ipc_flush(), at the end of the loop's turn, and cross together. */
void ipc_gather(struct ipc *i);
void ipc_flush(struct ipc *i);
/* For a small packet that nobody waits for: it goes with the next one that ipc_send() takes, or with
 * ipc_flush_all(), which the caller promises to call some time while ipc_has_later(). */
void ipc_send_later(struct ipc *i, const struct ipc_head *head);
bool ipc_has_later(const struct ipc *i);
void ipc_flush_all(struct ipc *i);

/* For what is too long for a packet: a memory file of a, then b, which nobody can change any more, so that who reads it may
 * trust that it stays what it was when it was checked.  -1: there is none. */
int ipc_sealed(const char *name, struct str a, struct str b);
/* The first n octets of a memory file that came with a packet, to be read; NULL when it is shorter, or its sender could
 * still cut it: that would end us.  munmap() them. */
const void *ipc_map(int fd, size_t n);

/* A pair of connected sockets, non-blocking, close-on-exec. */
int ipc_pair(int fds[2]);

#endif
