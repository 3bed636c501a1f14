/* smtpc.h -- SMTP and LMTP client engine (RFC 5321, 1870, 2033, 2034, 2920, 3030, 3207, 3461, 4954, 6152,
 * 6531, 8689, 9422).  No I/O: no fd, no clock, no random source.
 *
 *   after connect: smtpc_new(); put what the server sent into smtpc_in(); while (smtpc_next(c, now,
 *   &ev)) serve the event; send what is in smtpc_out(), and buf_consume() only what the connection
 *   took; smtpc_closed() at its end; smtpc_timeout() when smtpc_deadline() has passed.
 *
 * One session, many messages, one at a time: at SMTPC_EV_READY call smtpc_send() or smtpc_quit().  While one is
 * under way smtpc_follow() names the next, whose envelope then goes with the end of this one.
 * Each recipient of a message gets exactly one SMTPC_EV_RCPT, then comes SMTPC_EV_DONE, whatever the
 * server does.  One question at a time: after an ASK event smtpc_next() returns false until it is
 * answered.  Views in events live until the next call on the engine.
 *
 * Replies are bounded (64 KiB, 500 lines); what is no reply ends the session.  Texts of replies come out
 * as printable ASCII.  Threads: one engine, one thread.  Secrets: AUTH output is wiped. */
#ifndef RESTANTE_PROTO_SMTPC_H
#define RESTANTE_PROTO_SMTPC_H

#include "base/buf.h"
#include "proto/dsn.h"

struct smtpc;

struct smtpc_config { /* borrowed, shared by all sessions, outlives them.  RFC 5321 4.5.3.2: */
	int64_t greeting_timeout_ms; /* 5 min */
	int64_t command_timeout_ms;  /* 5 min: each command but those below */
	int64_t data_timeout_ms;     /* 2 min: 354 */
	int64_t block_timeout_ms;    /* 3 min: output that does not move */
	int64_t end_timeout_ms;      /* 10 min: the reply to the final dot */
	int64_t quit_timeout_ms;
	int64_t message_max_ms; /* one message from smtpc_send() to its result; 0: no limit */
};

/* What EHLO offered. */
enum smtpc_extension {
	SMTPC_X_PIPELINING = 1,
	SMTPC_X_SIZE = 2,
	SMTPC_X_8BITMIME = 4,
	SMTPC_X_SMTPUTF8 = 8,
	SMTPC_X_CHUNKING = 16,
	SMTPC_X_STARTTLS = 32,
	SMTPC_X_AUTH = 64,
	SMTPC_X_DSN = 128,
	SMTPC_X_LIMITS = 256,
	SMTPC_X_ENHANCEDSTATUSCODES = 512,
	SMTPC_X_REQUIRETLS = 1024,
};

enum smtpc_starttls {
	SMTPC_TLS_NEVER,
	SMTPC_TLS_MAY,  /* when it is offered; a refusal is ignored */
	SMTPC_TLS_MUST, /* or the session ends */
};

struct smtpc_peer {          /* facts about this connection, copied */
	bool lmtp;           /* LHLO, one reply for each recipient (RFC 2033) */
	struct str hostname; /* what EHLO says */
	bool tls_active;     /* implicit TLS */
	enum smtpc_starttls starttls;
	bool authenticate; /* ask SMTPC_ASK_AUTH before the first message */
	unsigned ignore;   /* enum smtpc_extension: not used even when offered */
};

struct smtpc_server {      /* what the server said; all of it is forgotten at STARTTLS */
	unsigned offers;   /* enum smtpc_extension, without peer.ignore */
	uint64_t size_max; /* SIZE, 0: not told */
	uint64_t rcpt_max; /* LIMITS RCPTMAX (RFC 9422), 0: not told */
	uint64_t mail_max; /* LIMITS MAILMAX: messages a session, 0: not told */
	bool tls_active;
};

/* Where in the dialogue something happened. */
enum smtpc_stage {
	SMTPC_AT_GREETING,
	SMTPC_AT_EHLO,
	SMTPC_AT_STARTTLS,
	SMTPC_AT_AUTH,
	SMTPC_AT_IDLE, /* between messages */
	SMTPC_AT_RSET,
	SMTPC_AT_MAIL,
	SMTPC_AT_RCPT,
	SMTPC_AT_DATA,
	SMTPC_AT_BODY,
	SMTPC_AT_END, /* the message was sent as a whole */
	SMTPC_AT_QUIT,
};

enum smtpc_outcome {
	SMTPC_NOTHING, /* only EV_CLOSE: the session ended as asked for */
	SMTPC_DELIVERED,
	SMTPC_DEFERRED,
	SMTPC_FAILED,
	/* The session broke after the last octet of the message was sent and before its reply: perhaps
	 * delivered, to be tried again (RFC 1047). */
	SMTPC_UNKNOWN,
};

enum smtpc_why {
	SMTPC_WHY_REPLY,  /* the server said so: code, status and text are its own */
	SMTPC_WHY_CLOSED, /* the connection ended */
	SMTPC_WHY_TIMEOUT,
	SMTPC_WHY_GARBAGE,  /* no SMTP reply, or one that cannot be here */
	SMTPC_WHY_OWNER,    /* the owner stopped, or had no octets of the message */
	SMTPC_WHY_NO_TLS,   /* SMTPC_TLS_MUST, and STARTTLS is not offered */
	SMTPC_WHY_INJECTED, /* octets behind the reply to STARTTLS */
	SMTPC_WHY_BARE,    /* the message holds a bare CR or LF: nothing a server may see (5.6.0) */
	SMTPC_WHY_ADDRESS, /* not an address that can be said in SMTP */
	SMTPC_WHY_RCPTMAX, /* not said: the server takes no more at one time (4.5.3) */
	/* Told by smtpc_send(): the server lacks what the message needs. */
	SMTPC_WHY_SIZE,       /* 5.3.4 */
	SMTPC_WHY_8BITMIME,   /* 5.6.3 */
	SMTPC_WHY_SMTPUTF8,   /* 5.6.7 */
	SMTPC_WHY_REQUIRETLS, /* 5.7.30 */
};

struct smtpc_result {
	enum smtpc_outcome outcome;
	enum smtpc_stage at;
	enum smtpc_why why;
	unsigned code;     /* 0: there was no reply */
	struct str status; /* RFC 3463, never empty: "5.1.1" */
	struct str text;   /* without code and status; several lines are joined with a space */
	struct str said;   /* the status as the server wrote it; "": it wrote none */
};

struct smtpc_rcpt {
	struct str address;
	unsigned notify;  /* enum dsn_notify */
	struct str orcpt; /* addr-type;xtext, or "" */
};

struct smtpc_message {           /* borrowed with all it points at, until SMTPC_EV_DONE */
	struct str reverse_path; /* "" for <> */
	const struct smtpc_rcpt *rcpts;
	size_t rcpt_count; /* at least 1 */
	uint64_t octets;   /* lines end in CRLF, dots are not stuffed */
	bool eightbit;     /* the body has octets over 0x7F */
	bool smtputf8;     /* the header needs it; addresses are looked at here */
	bool requiretls;
	struct str envid; /* xtext, or "" */
	enum dsn_ret ret;
};

enum smtpc_event_type {
	SMTPC_EV_STARTTLS, /* do the handshake, then smtpc_tls_started(); smtpc_in() was emptied */
	/* data: the mechanisms that are offered, "" for none.  result.code is not 0 when an attempt
	 * failed before.  smtpc_auth(), or smtpc_auth_skip(), or smtpc_quit(). */
	SMTPC_ASK_AUTH,
	SMTPC_ASK_AUTH_MORE, /* data: decoded challenge; smtpc_auth_respond() or _cancel() */
	SMTPC_EV_AUTH_OK,    /* believe it only when the mechanism is through, else smtpc_quit() */
	SMTPC_EV_READY,      /* for smtpc_send() or smtpc_quit() */
	SMTPC_ASK_BODY,      /* offset, want: smtpc_body() or smtpc_body_failed() */
	SMTPC_EV_RCPT,       /* index, result */
	/* The message is over; SMTPC_EV_READY or SMTPC_EV_CLOSE follows, or what comes is of the message that
	 * smtpc_follow() named. */
	SMTPC_EV_DONE,
	SMTPC_EV_CLOSE, /* send out, then close; result tells why; no further events */
};

struct smtpc_event {
	enum smtpc_event_type type;
	struct str data;
	uint64_t offset;
	size_t want;
	size_t index;
	struct smtpc_result result;
};

struct smtpc *smtpc_new(
	const struct smtpc_config *config, const struct smtpc_peer *peer, int64_t now_ms);
void smtpc_free(struct smtpc *c); /* at any time; what is open gets no result */

struct buf *smtpc_in(struct smtpc *c);
struct buf *smtpc_out(struct smtpc *c);
bool smtpc_next(struct smtpc *c, int64_t now_ms, struct smtpc_event *ev);
bool smtpc_wants_input(const struct smtpc *c);

/* False: the server lacks something, result says what; nothing was sent and the session is ready for
 * another message (or for this one, made smaller or 7-bit). */
bool smtpc_send(struct smtpc *c, const struct smtpc_message *m, struct smtpc_result *result);
/* The message after the one under way, borrowed as that one.  False: not here or not now; smtpc_send() tells more. */
bool smtpc_follow(struct smtpc *c, const struct smtpc_message *m);
void smtpc_body(struct smtpc *c, struct str octets); /* 1 .. want of them, copied */
void smtpc_body_failed(struct smtpc *c);             /* closes without an end of the message */
/* Between messages and at ASK_AUTH: QUIT, then SMTPC_EV_CLOSE.  Within a message the session is cut. */
void smtpc_quit(struct smtpc *c);

void smtpc_auth(struct smtpc *c, struct str mechanism, struct str initial, bool has_initial);
void smtpc_auth_respond(struct smtpc *c, struct str response);
void smtpc_auth_cancel(struct smtpc *c); /* the server's refusal raises ASK_AUTH again */
void smtpc_auth_skip(struct smtpc *c);
/* A reply to AUTH says that the server will not have the mechanism as such (RFC 4954 4 and 6): another one may be tried.
 * After any other refusal a second try with the same password is a second failed login. */
bool smtpc_mechanism_refused(unsigned code);

void smtpc_tls_started(struct smtpc *c, int64_t now_ms);
void smtpc_closed(struct smtpc *c); /* the server closed, or the connection broke */

const struct smtpc_server *smtpc_server(const struct smtpc *c);
struct str smtpc_stage_name(enum smtpc_stage at); /* "MAIL", "end of data": for people */

/* INT64_MAX while it is the owner's turn, also between messages and in the handshake. */
int64_t smtpc_deadline(const struct smtpc *c);
void smtpc_timeout(struct smtpc *c);

#endif
