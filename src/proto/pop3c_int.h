/* pop3c_int.h -- what the files of the POP3 client engine share.  Included by pop3c*.c only. */
#ifndef RESTANTE_PROTO_POP3C_INT_H
#define RESTANTE_PROTO_POP3C_INT_H

#include "proto/pop3c.h"

enum {
	POP3C_IN_MAX = 64 * 1024,
	POP3C_LINE_KEEP = 16 * 1024,      /* of a longer line the rest is dropped */
	POP3C_LINE_MAX = 4 * 1024 * 1024, /* and over this the session ends */
	POP3C_TEXT_MAX = 1000,
	POP3C_NAMES_MAX = 1000, /* mechanisms, IMPLEMENTATION */
	POP3C_CAPA_ROWS = 200,
	POP3C_LINE_LEAST = 255, /* what a server has to take (RFC 2449 4) */
};

enum pop3c_state {
	P_GREETING,
	P_CAPA,
	P_CAPA_ROWS,
	P_STLS,
	P_TLS,
	P_UTF8,
	P_LOGIN, /* ASK_LOGIN is open */
	P_USER,
	P_PASS, /* PASS or APOP */
	P_AUTH,
	P_SESSION, /* requests */
	P_CLOSED,
};

enum pop3c_step { STEP_IDLE, STEP_AGAIN, STEP_EVENT };

enum line_got { LINE_NONE, LINE_WHOLE, LINE_ENDLESS };

struct pop3c_line {
	struct str text; /* without its end */
	bool shortened;
};

enum undot_at { UNDOT_BOL, UNDOT_MID, UNDOT_CR, UNDOT_DOT, UNDOT_DOT_CR };

struct undot_run {
	struct str take; /* octets of the message, a view */
	size_t used;     /* octets of the input that are done with */
	bool end;
};

struct pop3c_asked { /* one request */
	enum pop3c_request request;
	uint64_t number, lines;
};

struct pop3c {
	const struct pop3c_config *config;
	struct pop3c_peer peer;
	struct pop3c_server server;
	struct buf mechanisms, implementation, timestamp;
	struct buf in, out;
	struct buf
		secret; /* password until PASS, or a decoded challenge, or an initial response kept */
	bool initial_kept, cancelled;

	size_t searched; /* octets of the input known to hold no LF */
	struct buf line; /* the head of a long line */
	size_t line_octets;
	struct buf text; /* of the last response */
	struct pop3c_result result;

	enum pop3c_state state;
	bool asking, asked_told;
	struct pop3c_event event;
	bool owe_stls, owe_login, owe_close;
	bool ending; /* the connection is gone or too slow: what came before still counts */
	enum pop3c_why end_why;
	bool pipelined;

	struct pop3c_asked queue[POP3C_REQUESTS_MAX];
	size_t first, queued, sent;
	bool streaming;             /* the rows or the octets of the first request are coming */
	bool quitting;              /* QUIT is in the queue */
	struct pop3c_event current; /* what is known of the first request */
	enum undot_at at;

	int64_t now_ms, active_ms, request_ms;
};

/* pop3c.c */
void pop3c_put(struct pop3c *p, struct str text);
void pop3c_ask(struct pop3c *p, enum pop3c_event_type type);
void pop3c_hang_up(struct pop3c *p); /* p->result says why */
void pop3c_leave(struct pop3c *p);   /* the same after a QUIT */
void pop3c_break(struct pop3c *p, enum pop3c_why why);

/* pop3c_line.c */
enum line_got pop3c_line(struct pop3c *p, struct pop3c_line *line);
/* p->result from a status line; false: it is none. */
bool pop3c_response(struct pop3c *p, const struct pop3c_line *line);
struct undot_run pop3c_undot(enum undot_at *at, struct str in);

/* pop3c_login.c */
void pop3c_login_line(struct pop3c *p, const struct pop3c_line *line);
void pop3c_capa(struct pop3c *p);

/* pop3c_request.c */
enum pop3c_step pop3c_session_step(struct pop3c *p, struct pop3c_event *ev);
bool pop3c_send_step(struct pop3c *p);
bool pop3c_tell_broken(struct pop3c *p, struct pop3c_event *ev);

#endif
