/* smtpd_int.h -- what the files of the SMTP server engine share.  Included by smtpd*.c only. */
#ifndef RESTANTE_PROTO_SMTPD_INT_H
#define RESTANTE_PROTO_SMTPD_INT_H

#include "proto/line.h"
#include "proto/smtpd.h"

enum {
	SMTPD_IN_MAX = 128 * 1024,
	SMTPD_OUT_MARK =
		16 * 1024, /* over this, no further command is served until out was drained */
	SMTPD_AUTH_LINE_MAX = 12288, /* RFC 4954 4 */
	SMTPD_HELO_MAX = 255,
	SMTPD_JUNK_MAX = 100, /* commands without progress between two messages */
	SMTPD_TARPIT_MS = 1000,
};

/* Where a command may come; a set of these is a row's `in`. */
enum smtpd_state {
	S_FRESH = 1,   /* no HELO or EHLO yet */
	S_READY = 2,   /* no transaction */
	S_MAIL = 4,    /* a transaction without recipients */
	S_RCPT = 8,    /* at least one recipient was accepted */
	S_CHUNKS = 16, /* BDAT has begun */
};

/* What the next octets of the input are. */
enum smtpd_input {
	IN_COMMANDS,
	IN_AUTH, /* the client's next SASL response */
	IN_DATA, /* dot-stuffed, up to CRLF.CRLF */
	IN_BDAT, /* chunk_left octets */
	IN_TLS,  /* none: smtpd_tls_started() comes first */
	IN_NONE, /* closed */
};

/* What smtpd_next() still has to tell, in this order. */
enum smtpd_owed {
	OWED_AUTH_CANCEL = 1,
	OWED_ABORT = 2,
	OWED_TARPIT = 4,
	OWED_STARTTLS = 8,
	OWED_CLOSE = 16,
};

enum body_at { AT_BOL, AT_MID, AT_CR };

enum header_at { HDR_BOL, HDR_NAME, HDR_SPACE, HDR_REST, HDR_CR, HDR_DONE };

struct body { /* what is known about the message so far; zeroed at its start */
	enum body_at at;
	bool bare; /* a bare CR or LF was seen */
	enum header_at header;
	size_t name_len;    /* octets of the field name so far */
	bool name_received; /* which all match "Received" */
	uint64_t header_octets;
	size_t received;
};

/* The transaction is one object: RSET, EHLO, STARTTLS, the end of data and every error give it to
 * smtpd_tx_end(), and there is nothing else to forget. */
struct smtpd_transaction {
	struct smtpd_tx pub;
	struct buf text; /* the octets of pub.reverse_path, pub.auth and pub.envid */
	struct body body;
	bool data_allowed; /* ASK_DATA was answered */
	bool chunks;       /* BDAT has begun */
	size_t told;       /* LMTP: recipients that have their final reply */
	bool failed;       /* the rest of the message is read and dropped; fail is the reply */
	unsigned fail_code;
	struct buf fail_text;
};

struct smtpd {
	const struct smtpd_config *config;
	struct smtpd_peer peer;
	struct buf address; /* owns peer.address */
	struct buf in, out;
	struct line_cutter cutter;
	struct buf helo, user, origin;
	struct buf proxied_helo, xclient_text; /* what XCLIENT said */
	struct buf auth;                       /* decoded SASL data, wiped */
	struct smtpd_transaction *tx;          /* NULL outside a transaction */

	enum smtpd_input input;
	unsigned owed;   /* enum smtpd_owed */
	bool asking;     /* event.type is the question the owner has not answered */
	bool asked_told; /* smtpd_next() has told it */
	struct smtpd_event event;

	bool greeted, esmtp, authenticated, stopping, kicked;
	bool chunk_last;
	bool chunk_silent; /* LMTP: a last chunk for nobody gets no reply */
	uint64_t chunk_size, chunk_left;
	size_t errors, junk, transactions;
	int64_t tarpit_ms;

	int64_t now_ms, started_ms, fresh_ms,
		active_ms; /* whole session, since connect or TLS, last progress */
};

/* smtpd.c */
void smtpd_reply(struct smtpd *s, unsigned code, struct str text);
void smtpd_put_reply(struct smtpd *s, unsigned code, struct str text); /* no error is counted */
void smtpd_ask(struct smtpd *s, enum smtpd_event_type type);
void smtpd_dismiss(struct smtpd *s, unsigned code, struct str text); /* the last reply */
void smtpd_close(struct smtpd *s);
void smtpd_tx_begin(struct smtpd *s);
void smtpd_tx_end(struct smtpd *s);  /* tells ABORT */
void smtpd_tx_drop(struct smtpd *s); /* after ASK_COMMIT: tells nothing */
enum smtpd_state smtpd_state(const struct smtpd *s);
void smtpd_put_greeting(struct smtpd *s);

/* smtpd_verbs.c */
void smtpd_command(struct smtpd *s, struct line line);

/* smtpd_ehlo.c */
bool smtpd_offers(const struct smtpd *s, enum smtpd_extension x);
void smtpd_ehlo_reply(struct smtpd *s);

/* smtpd_xclient.c */
void smtpd_verb_xclient(struct smtpd *s, struct str args);
void smtpd_answered_etrn(struct smtpd *s, unsigned code, struct str text);
void smtpd_answered_xclient(struct smtpd *s, unsigned code, struct str text);

/* smtpd_mail.c: MAIL and RCPT */
void smtpd_verb_mail(struct smtpd *s, struct str args);
void smtpd_verb_rcpt(struct smtpd *s, struct str args);
void smtpd_answered_mail(struct smtpd *s, unsigned code, struct str text);
void smtpd_answered_rcpt(struct smtpd *s, unsigned code, struct str text);

/* smtpd_auth.c */
void smtpd_verb_auth(struct smtpd *s, struct str args);
void smtpd_auth_line(struct smtpd *s, struct line line);
void smtpd_auth_reset(struct smtpd *s);
/* What AUTH offers now: lists of names, some of them empty. */
enum { SMTPD_LISTS = 3 };
void smtpd_mechanisms(const struct smtpd *s, struct str lists[SMTPD_LISTS]);

/* smtpd_body.c: DATA and BDAT */
void smtpd_verb_data(struct smtpd *s, struct str args);
void smtpd_verb_bdat(struct smtpd *s, struct str args);
bool smtpd_body_step(struct smtpd *s); /* false: needs input */
void smtpd_answered_data(struct smtpd *s, unsigned code, struct str text);
void smtpd_answered_body(struct smtpd *s, unsigned code, struct str text);
void smtpd_answered_commit(struct smtpd *s, unsigned code, struct str text);
void smtpd_answered_recipient(struct smtpd *s, unsigned code, struct str text);

/* smtpd_scan.c: the octets of a body */
struct body_run {
	struct str take; /* message octets, a view of the input */
	size_t used;     /* octets of the input that are done with; 0: needs more */
	bool end;        /* CRLF.CRLF was reached */
};

struct body_run body_scan(struct body *b, struct str in, bool stuffed);

#endif
