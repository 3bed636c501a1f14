/* smtpd.h -- SMTP server engine: MX, submission and LMTP (RFC 5321, 6409, 2033, 1870, 2034, 2920,
 * 3030, 3207, 3461, 3463, 4954, 6152, 6531, 8689, 4865,
 * 9422).  No I/O: no fd, no clock, no random source.
 *
 *   put what the client sent into smtpd_in(); while (smtpd_next(s, now, &ev)) serve the event;
 *   send what is in smtpd_out(); call smtpd_timeout() when smtpd_deadline() has passed.
 *
 * One question at a time: after an ASK event smtpd_next() returns false until it is answered, so
 * pipelined input waits in smtpd_in().  Views in events live until the next call on the engine.
 * Threads: one engine, one thread.  Secrets: AUTH input is wiped after its answer.
 *
 * Only CRLF ends a line and only CRLF.CRLF ends DATA (RFC 5321 2.3.8); a message with a bare CR or
 * LF is read to its end and refused with 550 5.6.0 (BDAT likewise: BINARYMIME is not offered). */
#ifndef RESTANTE_PROTO_SMTPD_H
#define RESTANTE_PROTO_SMTPD_H

#include "base/buf.h"
#include "proto/dsn.h"

struct smtpd;

enum smtpd_role { SMTPD_MX, SMTPD_SUBMISSION, SMTPD_LMTP };

struct smtpd_config { /* borrowed, shared by all sessions, outlives them */
	struct str hostname;
	uint64_t message_size_limit; /* octets of the message as received; announced as SIZE */
	size_t recipients_max;       /* a transaction; at least 100 (RFC 5321 4.5.3.1.8) */
	size_t transactions_max;     /* a session, announced as MAILMAX (RFC 9422); 0: no limit */
	size_t command_line_max; /* octets with CRLF; at least 512; AUTH lines get 12288 (RFC 4954 4) */
	size_t errors_soft;      /* from here on each error reply is delayed (EV_TARPIT) */
	size_t errors_hard;      /* here the session ends with 421 */
	size_t received_max;     /* Received: lines in a header before 554 5.4.6 (RFC 5321 6.3) */
	size_t header_max;       /* octets of the header section */
	int64_t greet_timeout_ms;   /* whole time before EHLO, and before TLS is up */
	int64_t command_timeout_ms; /* 5 min (RFC 5321 4.5.3.2.7) */
	int64_t data_timeout_ms;    /* between two reads of a body */
	int64_t session_max_ms;     /* whole session */
	bool smtputf8;              /* all five extensions are offered by default */
	bool chunking;
	bool requiretls;       /* offered under TLS (RFC 8689) */
	bool xverp;            /* offered: see verp.h */
	struct str mechanisms; /* offered in AUTH once TLS is up: "PLAIN LOGIN SCRAM-SHA-256" */
	struct str mechanisms_plus; /* added under TLS when the owner has a channel binding */
	struct str mechanisms_certificate; /* and when the client has shown a certificate */
	bool cleartext_auth;               /* offer and take AUTH without TLS too */
};

/* What EHLO may offer. */
enum smtpd_extension {
	SMTPD_X_PIPELINING = 1,
	SMTPD_X_SIZE = 2,
	SMTPD_X_8BITMIME = 4,
	SMTPD_X_SMTPUTF8 = 8,
	SMTPD_X_CHUNKING = 16,
	SMTPD_X_STARTTLS = 32,
	SMTPD_X_AUTH = 64,
	SMTPD_X_DSN = 128,
	SMTPD_X_LIMITS = 256,
	SMTPD_X_ENHANCEDSTATUSCODES = 512,
	SMTPD_X_XCLIENT = 1024,
	SMTPD_X_REQUIRETLS = 2048,
	SMTPD_X_FUTURERELEASE = 4096,
	SMTPD_X_ETRN = 8192,
	SMTPD_X_XVERP = 16384,
};
/* By its keyword in EHLO; 0: none of these. */
unsigned smtpd_extension_named(struct str keyword);

struct smtpd_peer { /* facts about this connection, copied */
	enum smtpd_role role;
	struct str address; /* text of the client's IP address, for the greeting of HELO and logs */
	bool tls_available; /* STARTTLS is offered */
	bool tls_active;    /* implicit TLS */
	bool xclient;       /* a proxy that may say XCLIENT */
	unsigned discard;   /* enum smtpd_extension: neither offered nor taken */
	int64_t wall_ms;    /* since 1970, now: for FUTURERELEASE */
	int64_t hold_max_ms;  /* how long mail may be held back (RFC 4865); 0: not offered */
	bool channel_binding; /* mechanisms_plus may be offered (set again by smtpd_tls_started) */
	bool etrn;            /* may start the queue for a domain (RFC 1985) */
	bool local;           /* a user of this machine: smtpd_local() comes before the greeting */
	bool certificate;     /* the handshake proved the key of one (smtpd_certificate_shown) */
};

enum smtpd_event_type {
	SMTPD_EV_STARTTLS, /* 220 is in out: send it, then do the handshake, then smtpd_tls_started().
			    * smtpd_in() has been emptied; nothing may be put there until then. */
	SMTPD_EV_TARPIT, /* wait arg_ms before sending out and calling on; then just call smtpd_next */
	SMTPD_EV_ABORT, /* the transaction ended without ASK_COMMIT: drop draft and recipients */
	SMTPD_EV_CLOSE, /* send out, then close; no further events */
	SMTPD_ASK_AUTH, /* mechanism, data (decoded initial response), has_data */
	SMTPD_ASK_AUTH_MORE,  /* data: decoded response; the client's "*" never gets here */
	SMTPD_EV_AUTH_CANCEL, /* the client sent "*" or broke base64: forget the exchange */
	SMTPD_ASK_XCLIENT,    /* xclient: from here on this is the client; 0, or a refusal */
	SMTPD_ASK_ETRN, /* path: a domain; below: and those below it.  0, or another answer of RFC 1985 */
	SMTPD_ASK_MAIL, /* tx is new: sender in smtpd_tx() and path */
	SMTPD_ASK_RCPT, /* path, notify, orcpt */
	SMTPD_ASK_DATA, /* first DATA or BDAT of the transaction: may be refused (default 354/250) */
	SMTPD_ASK_BODY, /* data: canonical message octets (dots unstuffed); answer with smtpd_answer(s, 0, ...)
			    * once taken, or a 4xx/5xx code: the rest is read, dropped, and that is the final reply */
	SMTPD_ASK_COMMIT, /* the message is whole and within limits; the answer is the final reply */
};

struct smtpd_xclient { /* "": not told, or not known */
	struct str address, port, name, helo;
};

struct smtpd_event {
	enum smtpd_event_type type;
	struct str mechanism;
	struct str data;
	bool has_data;
	struct str
		path; /* MAIL and RCPT: the mailbox without <> and source route, or `postmaster` */
	unsigned notify;  /* RCPT: enum dsn_notify */
	struct str orcpt; /* RCPT: addr-type;xtext as sent, or "" */
	struct smtpd_xclient xclient;
	bool below;
	int64_t arg_ms;
};

struct smtpd_tx { /* the transaction: read-only for the owner, valid from ASK_MAIL to its end */
	struct str reverse_path; /* "" for <> ; else local@domain as sent */
	uint64_t size;           /* SIZE= or 0 */
	bool eightbit;           /* BODY=8BITMIME */
	bool smtputf8;
	bool requiretls;
	char verp[2];        /* XVERP: its delimiters (verp.h); NULs: not asked for */
	uint32_t hold_for_s; /* FUTURERELEASE: so long, from now on */
	int64_t hold_ms;     /* or until then, since 1970; 0: neither */
	struct str auth;     /* AUTH= xtext-decoded, "" when absent (RFC 4954 5) */
	struct str envid;    /* ENVID= as sent, or "" */
	enum dsn_ret ret;
	size_t accepted; /* recipients answered with 2xx */
	uint64_t octets; /* body octets so far */
	bool early_lf;   /* a bare CR or LF was seen: will be refused */
};

struct smtpd *smtpd_new(
	const struct smtpd_config *config, const struct smtpd_peer *peer, int64_t now_ms);
void smtpd_free(struct smtpd *s);

/* Puts the 220 greeting into out.  Input that came before is an early talker: 554 and close
 * (RFC 5321 4.3.1). */
void smtpd_greet(struct smtpd *s);

/* Who it is, as the kernel says; then smtpd_greet().  EHLO tells it the domain of addresses without one. */
void smtpd_local(struct smtpd *s, struct str user, struct str origin);

struct buf *smtpd_in(struct smtpd *s);
struct buf *smtpd_out(struct smtpd *s);
bool smtpd_next(struct smtpd *s, int64_t now_ms, struct smtpd_event *ev);

/* True while more input is useful: false when a question is open or out is over its mark, so the
 * owner stops reading (back-pressure). */
bool smtpd_wants_input(const struct smtpd *s);

/* Answers the open ASK_MAIL, _RCPT, _DATA, _BODY or _COMMIT.  code 0: the engine's own success
 * reply.  text has the enhanced status code in front: "5.1.1 no such mailbox" (RFC 2034, 3463);
 * CR, LF and control octets in it are replaced by "?". */
void smtpd_answer(struct smtpd *s, unsigned code, struct str text);

/* LMTP, ASK_COMMIT: the answer for one recipient (RFC 2033 4.2); call it once for each that was
 * accepted, in their order.  smtpd_answer() is the same for all that are left. */
void smtpd_answer_recipient(struct smtpd *s, unsigned code, struct str text);

/* The three answers of ASK_AUTH and ASK_AUTH_MORE.  challenge: raw octets; data that goes with success (SCRAM's
 * server signature) is one more challenge (RFC 4954 4), which an empty response answers.  ok: `user` is
 * what smtpd_user() tells from now on (copied).  failed: 535 5.7.8, 454 4.7.0, ... */
void smtpd_auth_challenge(struct smtpd *s, struct str challenge);
void smtpd_auth_ok(struct smtpd *s, struct str user);
void smtpd_auth_failed(struct smtpd *s, unsigned code, struct str text);

void smtpd_tls_started(struct smtpd *s, bool channel_binding, int64_t now_ms);
void smtpd_certificate_shown(struct smtpd *s);

const struct smtpd_tx *smtpd_tx(const struct smtpd *s); /* NULL outside a transaction */
struct str smtpd_helo(const struct smtpd *s);           /* what HELO/EHLO said */
struct str smtpd_user(const struct smtpd *s);           /* "" when not authenticated */
/* "SMTP", "ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA", "UTF8SMTP...", "LMTP..." for Received (RFC 3848,
 * 6531 4.3) */
struct str smtpd_with(const struct smtpd *s);

int64_t smtpd_deadline(const struct smtpd *s); /* monotonic ms */
void smtpd_timeout(struct smtpd *s);           /* 421 4.4.2, then EV_CLOSE (and EV_ABORT) */
/* The server stops, or (kicked) this session shall end: 421 4.3.2 as soon as no reply is owed, then EV_CLOSE. */
void smtpd_shutdown(struct smtpd *s, bool kicked);

#endif
