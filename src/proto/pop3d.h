/* pop3d.h -- POP3 server engine (RFC 1939, 2449, 2595, 3206, 5034, 6856).  No I/O: no fd, no clock.
 *
 *   put what the client sent into pop3d_in(); while (pop3d_next(p, now, &ev)) serve the event;
 *   send what is in pop3d_out(); call pop3d_timeout() when pop3d_deadline() has passed.
 *
 * One question at a time, as in smtpd.h.  Command lines are at most 255 octets with CRLF
 * (RFC 2449 4), responses of AUTH 12288.  Long replies are generated piecewise: when out holds
 * more than its mark, pop3d_next() returns false until it was drained.  Message numbers are fixed
 * for the session; deleted ones vanish from STAT, LIST and UIDL and are -ERR elsewhere.
 * Only QUIT in the TRANSACTION state deletes anything. */
#ifndef RESTANTE_PROTO_POP3D_H
#define RESTANTE_PROTO_POP3D_H

#include "base/buf.h"
#include "base/maildrop.h"

struct pop3d;

struct pop3d_config {               /* borrowed, shared, outlives the sessions */
	struct str hostname;        /* for the greeting */
	struct str implementation;  /* "" hides IMPLEMENTATION */
	int64_t login_timeout_ms;   /* whole time before login; 3 min */
	int64_t autologout_ms;      /* at least 10 min (RFC 1939 3) */
	size_t errors_before_login; /* bad commands until the session is closed: 3 / 20 */
	size_t errors_after_login;
	size_t auth_failures;              /* failed logins until the session is closed */
	struct str mechanisms;             /* SASL under TLS: "PLAIN LOGIN SCRAM-SHA-256" */
	struct str mechanisms_plus;        /* with a channel binding */
	struct str mechanisms_certificate; /* with a client certificate */
	bool cleartext_auth;               /* USER, PASS and SASL without TLS too */
	uint64_t login_delay_s;            /* announced with LOGIN-DELAY when it is not 0 */
	struct str language;               /* what LANG * chooses: "de" */
	bool nul_to_80;                    /* some clients end a message at a NUL */
	bool end_header; /* some clients need an empty line even when no body follows */
};

struct pop3d_peer {
	bool tls_available; /* STLS is offered */
	bool tls_active;
	bool channel_binding;
	int64_t expire_days; /* announced with EXPIRE; 0 and less: NEVER */
	bool expire_differs; /* it is the least of all users': pop3d_expire() tells more */
	bool certificate;    /* the handshake proved its key (pop3d_certificate_shown) */
	bool xclient;        /* a proxy that may say XCLIENT */
};

enum pop3d_event_type {
	/* +OK is in out: send it, handshake, then pop3d_tls_started(); in was emptied. */
	POP3D_EV_STLS,
	/* Send out, then close; no UPDATE happened unless ASK_UPDATE was answered. */
	POP3D_EV_CLOSE,
	/* A proxy told who its client is: address, port ("": not told); pop3d_client_taken(). */
	POP3D_ASK_XCLIENT,
	/* USER + PASS: user, password. */
	POP3D_ASK_LOGIN,
	/* mechanism, data (decoded), has_data. */
	POP3D_ASK_AUTH,
	/* data. */
	POP3D_ASK_AUTH_MORE,
	POP3D_EV_AUTH_CANCEL,
	/* The rows are needed: pop3d_listing(). */
	POP3D_ASK_LISTING,
	/* index (from 0), offset: octets of the message from there: pop3d_body(). */
	POP3D_ASK_BODY,
	/* QUIT: delete what pop3d_is_deleted() says (perhaps nothing), give the lock back, then
	 * pop3d_updated() or pop3d_update_unknown(). */
	POP3D_ASK_UPDATE,
};

struct pop3d_event {
	enum pop3d_event_type type;
	struct str user, password;
	struct str mechanism, data;
	struct str address, port;
	bool has_data;
	size_t index;
	uint64_t offset;
	uint64_t want; /* ASK_BODY: octets still needed at most (TOP knows no better than all) */
	bool direct;   /* ASK_BODY: no dots to stuff, pop3d_body_direct() may be the answer */
};

/* Extended response codes (RFC 2449 8, 3206). */
enum pop3d_code {
	POP3D_NO_CODE,
	POP3D_IN_USE,
	POP3D_LOGIN_DELAY,
	POP3D_SYS_TEMP,
	POP3D_SYS_PERM,
	POP3D_AUTH,
	POP3D_UTF8, /* RFC 6856 5 */
};

struct pop3d_stats {      /* for the one log line of a session (A26) */
	size_t retr_last; /* index of the last message that RETR gave whole */
	uint64_t retr, retr_octets, top, top_octets, deleted, deleted_octets;
};

struct pop3d *pop3d_new(
	const struct pop3d_config *config, const struct pop3d_peer *peer, int64_t now_ms);
void pop3d_free(struct pop3d *p);
void pop3d_greet(struct pop3d *p);

struct buf *pop3d_in(struct pop3d *p);
struct buf *pop3d_out(struct pop3d *p);
bool pop3d_next(struct pop3d *p, int64_t now_ms, struct pop3d_event *ev);
bool pop3d_wants_input(const struct pop3d *p);

void pop3d_tls_started(struct pop3d *p, bool channel_binding, int64_t now_ms);
void pop3d_certificate_shown(struct pop3d *p);

/* The three answers of ASK_LOGIN, ASK_AUTH and ASK_AUTH_MORE.  A mechanism with data to send at its
 * success (SCRAM) sends it as one more challenge (RFC 5034 4): the client's response is empty
 * and raises ASK_AUTH_MORE.  Before pop3d_login_ok the owner has locked the maildrop. */
void pop3d_auth_challenge(struct pop3d *p, struct str challenge);
void pop3d_login_ok(struct pop3d *p, struct str user, uint64_t count, uint64_t octets);
/* What EXPIRE says from now on: that of this user (RFC 2449 6.7). */
void pop3d_expire(struct pop3d *p, int64_t days);
void pop3d_login_failed(struct pop3d *p, enum pop3d_code code, struct str text);

/* The answer of ASK_XCLIENT; not ok: that client has too many connections, and the session ends. */
void pop3d_client_taken(struct pop3d *p, bool ok);

/* view must stay valid until pop3d_free(); its count must be the one of pop3d_login_ok. */
void pop3d_listing(struct pop3d *p, const struct maildrop_view *view);
/* -ERR for the command that asked: listing or body could not be read. */
void pop3d_failed(struct pop3d *p, enum pop3d_code code, struct str text);
/* The next octets of the message, at least one (none: it could not be read).  The engine stuffs
 * dots and ends the reply; beyond `want` nothing is taken. */
void pop3d_body(struct pop3d *p, struct str octets);
/* The same, but `octets` (perhaps none) stand for the next `consumed` octets of the message: a surrogate
 * (RFC 6858), or nothing more to come when they are the last. */
void pop3d_body_as(struct pop3d *p, struct str octets, uint64_t consumed);
/* For ev.direct, without a copy: the owner sends out, then `octets` (1 .. want) of the message by
 * itself, and calls pop3d_next() only after that.  last: their final two octets (of one:
 * last[1]). */
void pop3d_body_direct(struct pop3d *p, uint64_t octets, const char last[2]);

bool pop3d_is_deleted(const struct pop3d *p, size_t index);
uint64_t pop3d_deleted_count(const struct pop3d *p);
/* ok: +OK after everything is durable; else -ERR [SYS/TEMP], nothing deleted. */
void pop3d_updated(struct pop3d *p, bool ok);
/* It may have happened: closes without an answer, which claims neither. */
void pop3d_update_unknown(struct pop3d *p);

bool pop3d_in_transaction(const struct pop3d *p);
/* UTF8 was said: messages go out as they are, whatever their header holds (RFC 6856 2.1). */
bool pop3d_utf8(const struct pop3d *p);
struct str pop3d_user(const struct pop3d *p);
const struct pop3d_stats *pop3d_stats(const struct pop3d *p);

/* INT64_MAX while a question is open.  In TRANSACTION it moves with each command and whenever
 * pop3d_next() finds less in out than it left there: call it after every write. */
int64_t pop3d_deadline(const struct pop3d *p);
void pop3d_timeout(struct pop3d *p); /* drops out, closes without UPDATE and without a word */
/* The server stops, or (kicked) this session shall end: -ERR [SYS/TEMP] and close between commands, no UPDATE. */
void pop3d_shutdown(struct pop3d *p, bool kicked);

#endif
