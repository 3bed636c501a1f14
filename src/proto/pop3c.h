/* pop3c.h -- POP3 client engine (RFC 1939, 2449, 2595, 3206, 5034, 6856).  No I/O: no fd, no clock, no random
 * source.
 *
 *   after connect: pop3c_new(); put what the server sent into pop3c_in(); while (pop3c_next(p, now,
 *   &ev)) serve the event; send what is in pop3c_out(); pop3c_closed() at its end; pop3c_timeout() when
 *   pop3c_deadline() has passed.
 *
 * After POP3C_EV_LOGGED_IN requests may be made, several at a time; each gets its rows or octets, in
 * the order of the requests, and then exactly one POP3C_EV_DONE, whatever the server does.  Where the
 * server announces PIPELINING up to config.window of them are sent at once; a session that breaks
 * after that says so (result.pipelined), for servers whose announcement is wrong.
 *
 * Constant memory: rows and octets of messages are streamed; who calls pop3c_next() no more stops
 * reading.  Only CRLF.CRLF ends a message: what else a message holds is passed on as it is.  Texts of
 * responses come out as printable ASCII, at most 1000 octets.  Secrets: output is wiped. */
#ifndef RESTANTE_PROTO_POP3C_H
#define RESTANTE_PROTO_POP3C_H

#include "base/buf.h"

struct pop3c;

enum { POP3C_REQUESTS_MAX = 64, POP3C_UIDL_MAX = 255 }; /* RFC 1939 7 allows 70 */

struct pop3c_config { /* borrowed, shared, outlives the sessions */
	int64_t greeting_timeout_ms;
	int64_t command_timeout_ms; /* for a response, and between two pieces of one */
	int64_t request_max_ms;     /* one request from its turn to its end; 0: no limit */
	uint64_t rows_max;          /* of one LIST or UIDL; 0: no limit */
	size_t window;              /* requests in flight where PIPELINING is offered */
};

/* What CAPA offered. */
enum pop3c_capability {
	POP3C_C_TOP = 1,
	POP3C_C_USER = 2,
	POP3C_C_SASL = 4,
	POP3C_C_RESP_CODES = 8,
	POP3C_C_AUTH_RESP_CODE = 16,
	POP3C_C_LOGIN_DELAY = 32,
	POP3C_C_PIPELINING = 64,
	POP3C_C_EXPIRE = 128,
	POP3C_C_UIDL = 256,
	POP3C_C_STLS = 512,
	POP3C_C_UTF8 = 1024,
};

enum pop3c_stls {
	POP3C_TLS_NEVER,
	POP3C_TLS_MAY,  /* when it is offered; a refusal is ignored */
	POP3C_TLS_MUST, /* or the session ends; tried even where there is no CAPA */
};

struct pop3c_peer {      /* copied */
	bool tls_active; /* implicit TLS */
	enum pop3c_stls stls;
	bool utf8;       /* say UTF8 when it is offered */
	unsigned ignore; /* enum pop3c_capability: not used even when offered */
};

struct pop3c_server { /* what the server said; all of it is forgotten at STLS */
	bool known;   /* CAPA was answered; else absence from `offers` means nothing */
	bool tls_active, utf8;
	unsigned offers; /* enum pop3c_capability, without peer.ignore */
	uint64_t login_delay_s;
	uint64_t expire_days;  /* UINT64_MAX: NEVER, or not told */
	struct str mechanisms; /* "PLAIN SCRAM-SHA-256" */
	struct str timestamp;  /* for APOP, with its <>; "" when there is none */
	struct str implementation;
};

enum pop3c_outcome {
	POP3C_OK,
	POP3C_REFUSED, /* -ERR: code and text */
	/* The session is over.  A QUIT that was sent may have deleted messages. */
	POP3C_BROKEN,
};

enum pop3c_why {
	POP3C_WHY_REPLY, /* the server said so */
	POP3C_WHY_CLOSED,
	POP3C_WHY_TIMEOUT,
	POP3C_WHY_GARBAGE,
	POP3C_WHY_OWNER,
	POP3C_WHY_NO_TLS,
	POP3C_WHY_INJECTED, /* octets behind the response to STLS */
};

/* Extended response codes (RFC 2449 8, 3206, 6856 5). */
enum pop3c_code {
	POP3C_NO_CODE,
	POP3C_IN_USE,
	POP3C_LOGIN_DELAY,
	POP3C_SYS_TEMP,
	POP3C_SYS_PERM,
	POP3C_AUTH,
	POP3C_UTF8,
};

struct pop3c_result {
	enum pop3c_outcome outcome;
	enum pop3c_why why;
	enum pop3c_code code;
	struct str text;
	bool pipelined; /* more than one request was in flight on this session */
};

enum pop3c_request {
	POP3C_STAT,
	POP3C_LIST,
	POP3C_UIDL,
	POP3C_RETR,
	POP3C_TOP,
	POP3C_DELE,
	POP3C_NOOP,
	POP3C_RSET,
	POP3C_QUIT,
};

enum pop3c_event_type {
	POP3C_EV_STLS, /* do the handshake, then pop3c_tls_started(); pop3c_in() was emptied */
	/* What pop3c_server() offers is to be chosen from: pop3c_user(), pop3c_apop(), pop3c_auth() or
	 * pop3c_quit().  result.outcome is POP3C_REFUSED when an attempt failed before. */
	POP3C_ASK_LOGIN,
	POP3C_ASK_AUTH_MORE, /* data: decoded challenge; pop3c_auth_respond() or _cancel() */
	POP3C_EV_LOGGED_IN,  /* believe it only when the mechanism is through, else pop3c_quit() */
	POP3C_EV_ROW,        /* number, and octets (LIST) or data (UIDL) */
	POP3C_EV_BODY,       /* number, data: octets of the message, dots unstuffed */
	/* request, number, result; STAT: count, octets; RETR, TOP: octets; LIST, UIDL: count of rows,
	 * bad_rows that were none and were left out. */
	POP3C_EV_DONE,
	POP3C_EV_CLOSE, /* send out, then close; result; no further events */
};

struct pop3c_event {
	enum pop3c_event_type type;
	enum pop3c_request request;
	uint64_t number, octets, count, bad_rows;
	struct str data;
	struct pop3c_result result;
};

struct pop3c *pop3c_new(
	const struct pop3c_config *config, const struct pop3c_peer *peer, int64_t now_ms);
void pop3c_free(struct pop3c *p);

struct buf *pop3c_in(struct pop3c *p);
struct buf *pop3c_out(struct pop3c *p);
bool pop3c_next(struct pop3c *p, int64_t now_ms, struct pop3c_event *ev);
bool pop3c_wants_input(const struct pop3c *p);

/* Answers of ASK_LOGIN.  False: a name or password that no command line can hold (CR, LF, NUL). */
bool pop3c_user(struct pop3c *p, struct str user, struct str password);
bool pop3c_apop(struct pop3c *p, struct str user, struct str digest); /* 32 hexadecimal digits */
void pop3c_auth(struct pop3c *p, struct str mechanism, struct str initial, bool has_initial);
void pop3c_auth_respond(struct pop3c *p, struct str response);
void pop3c_auth_cancel(struct pop3c *p);

/* How many more requests may be made. */
size_t pop3c_room(const struct pop3c *p);
/* number: of the message; lines: of TOP.  False: there is no room, or no session to ask in. */
bool pop3c_request(struct pop3c *p, enum pop3c_request request, uint64_t number, uint64_t lines);
/* As the request in a session; at ASK_LOGIN too.  Elsewhere the session is cut. */
void pop3c_quit(struct pop3c *p);

void pop3c_tls_started(struct pop3c *p, int64_t now_ms);
void pop3c_closed(struct pop3c *p);

const struct pop3c_server *pop3c_server(const struct pop3c *p);

/* INT64_MAX while it is the owner's turn. */
int64_t pop3c_deadline(const struct pop3c *p);
void pop3c_timeout(struct pop3c *p);

#endif
