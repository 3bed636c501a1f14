/* smtpc_int.h -- what the files of the SMTP client engine share.  Included by smtpc*.c only. */
#ifndef RESTANTE_PROTO_SMTPC_INT_H
#define RESTANTE_PROTO_SMTPC_INT_H

#include "proto/smtpc.h"

enum {
	SMTPC_REPLY_MAX = 64 * 1024, /* octets of one reply */
	SMTPC_REPLY_LINES = 500,
	SMTPC_TEXT_MAX = 1000, /* what is kept of a reply's text */
	SMTPC_STATUS_MAX = 10, /* "5.999.999" */
	SMTPC_MECHANISMS_MAX = 1000,
	SMTPC_OUT_MARK = 64 * 1024, /* over this nothing is added until out was drained */
	SMTPC_BODY_WANT = 64 * 1024,
	SMTPC_BURST = 32 * 1024, /* messages up to this go with their envelope (RFC 3030 4.2) */
	SMTPC_CHUNK = 1024 * 1024,
	SMTPC_LINE_LEAST = 512, /* of a command a server has to take (RFC 5321 4.5.3.1.4) */
};

enum smtpc_state {
	C_GREETING,
	C_EHLO,
	C_HELO,
	C_STARTTLS,
	C_TLS,       /* the owner does the handshake */
	C_AUTH_IDLE, /* ASK_AUTH is open */
	C_AUTH,
	C_READY,
	C_MESSAGE,
	C_QUIT,
	C_CLOSED,
};

/* What smtpc_next() still has to tell, in this order, after the recipients. */
enum smtpc_owed {
	OWED_STARTTLS = 1,
	OWED_AUTH_OK = 2,
	OWED_DONE = 4,
	OWED_READY = 8,
	OWED_CLOSE = 16,
};

enum reply_got { REPLY_MORE, REPLY_LINE, REPLY_WHOLE, REPLY_BAD };

struct smtpc_reply { /* the one that is coming in, and after it the last one */
	unsigned code;
	size_t lines, octets;
	size_t searched; /* octets of the input known to hold no LF */
	bool whole;      /* the next line begins a new one */
	struct str line; /* the text of the line that came last, a view of the input */
	struct buf text; /* joined and printable */
	char status[SMTPC_STATUS_MAX];
	size_t status_len;
};

enum rcpt_state {
	RCPT_OPEN,
	RCPT_ACCEPTED,
	RCPT_TOLD,
	RCPT_SKIPPED, /* told, and no command was sent for it */
};

enum body_at { BODY_BOL, BODY_MID, BODY_CR };

/* The message under way is one object: its end, an error and a lost connection all give it to
 * smtpc_tx_end(), and there is nothing else to forget.  The next message is another such object.
 *
 * Replies come in the order of the commands, so two positions (what is sent next, whose reply comes
 * next) are all there is to keep, however many commands are in flight. */
struct smtpc_tx {
	const struct smtpc_message *m;
	unsigned char *rcpt; /* enum rcpt_state, m->rcpt_count of them */
	bool utf8;
	int64_t started_ms;
	enum smtpc_stage send, reply;
	size_t send_rcpt, reply_rcpt;
	size_t outstanding; /* commands without their reply */
	size_t accepted;    /* recipients in RCPT_ACCEPTED */
	size_t named;       /* in RCPT commands */
	bool dead;          /* nobody can get it any more: no further command */
	bool burst;         /* BDAT goes before the replies to RCPT are here */

	bool body_open; /* DATA or a chunk was begun and not ended */
	bool chunked;
	bool end_sent;
	uint64_t offset;     /* of the message's next octet */
	uint64_t chunk_left; /* octets of the chunk that are still owed */
	enum body_at at;

	size_t tell; /* recipients from here on are told c->result when they are not TOLD yet */
	bool tell_all, tell_one;
};

struct smtpc {
	const struct smtpc_config *config;
	struct smtpc_peer peer;
	struct buf hostname; /* owns peer.hostname */
	struct smtpc_server server;
	struct buf mechanisms;
	struct buf in, out;
	struct buf auth;   /* decoded challenge, wiped */
	bool cancelled;    /* "*" was sent */
	bool initial_kept; /* auth holds an initial response too long for the AUTH line */
	struct smtpc_reply reply;
	struct smtpc_result result;
	struct smtpc_tx *tx;
	struct smtpc_tx *next; /* begins when tx is over; its envelope may be out before */
	size_t behind;         /* octets that were put behind the end of tx */

	enum smtpc_state state;
	unsigned owed;
	bool asking, asked_told;
	struct smtpc_event event;
	bool ending; /* the connection is gone or too slow: what came before still counts */
	enum smtpc_why end_why;
	enum smtpc_stage at;   /* what the last reply answered */
	bool transaction_open; /* on the server's side: RSET before the next MAIL */
	size_t out_left;       /* octets in out when smtpc_next() returned last */
	int64_t now_ms, active_ms;
};

/* smtpc.c */
void smtpc_put(struct smtpc *c, struct str text);
void smtpc_ask(struct smtpc *c, enum smtpc_event_type type);
void smtpc_ready(struct smtpc *c);
/* The session is over and c->result says why: open recipients are told it. */
void smtpc_hang_up(struct smtpc *c);
/* The same after a QUIT: the server is in order, but we have no use for it. */
void smtpc_leave(struct smtpc *c);
void smtpc_break(struct smtpc *c, enum smtpc_why why);
enum smtpc_stage smtpc_stage(const struct smtpc *c);
/* The next one takes its place. */
void smtpc_tx_end(struct smtpc *c);

/* smtpc_reply.c */
enum reply_got smtpc_reply_cut(struct smtpc *c);
void smtpc_result_reply(struct smtpc *c); /* c->result from c->reply */
struct smtpc_result smtpc_own_result(const struct smtpc *c, enum smtpc_why why);

/* smtpc_hello.c: greeting, EHLO, STARTTLS */
void smtpc_hello(struct smtpc *c);
void smtpc_ehlo_line(struct smtpc *c);
void smtpc_hello_reply(struct smtpc *c);

/* smtpc_auth.c */
void smtpc_auth_begin(struct smtpc *c);
void smtpc_auth_reply(struct smtpc *c);

/* smtpc_message.c: the envelope */
/* Its first command: what went before may have left something open at the server. */
void smtpc_tx_begin(struct smtpc *c);
bool smtpc_message_end(struct smtpc *c);  /* false: it is not over */
bool smtpc_message_step(struct smtpc *c); /* false: nothing to send now */
void smtpc_message_reply(struct smtpc *c);
enum smtpc_stage smtpc_message_stage(const struct smtpc_tx *tx);
void smtpc_tell_all(struct smtpc *c);

/* smtpc_body.c: DATA and BDAT */
void smtpc_begin_chunk(struct smtpc *c);
bool smtpc_body_step(struct smtpc *c);

#endif
