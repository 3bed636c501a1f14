/* session_smtp.h -- inside of the SMTP sessions of an edge: session_smtp.c has the session and its recipients,
 * session_smtp_message.c the message, from its trace lines to COMMIT and its answer, session_smtp_check.c what is
 * found out about mail of strangers. */
#ifndef RESTANTE_DAEMON_SESSION_SMTP_H
#define RESTANTE_DAEMON_SESSION_SMTP_H

#include "daemon/admit.h"
#include "daemon/check.h"
#include "daemon/session.h"
#include "mime/field.h"
#include "store/store.h"

struct session_smtp {
	struct session s;
	struct smtpd *engine;
	enum ipc_type asked;
	bool submission, lmtp;
	bool local, greeted; /* local: greeted when the store knows who it is */
	bool first_rcpt;     /* the next RCPT begins the store's list anew */
	bool store_has_tx;   /* recipients or a draft are there: RESET them */
	bool header_done; /* submission: the header section is complete and mended; of a stranger: looked at */
	bool committing;      /* what is left in body goes with COMMIT */
	struct str recipient; /* the last accepted one; heap */
	struct buf promised;  /* to whom we said yes by ourselves, as in IPC_RCPT */
	bool settling;        /* the open IPC_RCPT is about them alone */
	struct msgid id;
	uint64_t offset;   /* octets of the message that the store has */
	struct buf header; /* submission, or checked: the header section so far */
	struct header_search search;
	struct check *check; /* of a stranger's message; NULL: it is not checked, or was */
	size_t header_seen;  /* octets of header without a blank line */
	struct buf
		top; /* what goes to top_room octets at the beginning that the store has left free */
	size_t top_room;
	bool checking_from; /* the open IPC_SENDER is about the header, not the envelope */
	size_t from_count; /* the first so many addresses of it are of From, the others of Sender */
	struct buf body;   /* octets the store does not have yet */
	bool ask_next; /* the next large piece is a question: whoever is fast waits for the store */
};

static inline struct session_smtp *smtp_of(const struct session *s)
{
	return (struct session_smtp *)(uintptr_t)s;
}

static const struct str no_store = STR_INIT("4.3.0 the mail store is restarting, try again later");

/* ---- session_smtp.c ---- */

bool smtp_ask(struct session_smtp *p, enum ipc_type type, struct str fields, struct str octets);
/* What belongs to the transaction. */
void smtp_forget(struct session_smtp *p);
/* The promised ones, then `more`: as IPC_RCPT has them. */
void smtp_put_recipients(struct buf *b, const struct session_smtp *p, struct str more);
bool smtp_ask_recipients(struct session_smtp *p, struct str more);

/* ---- session_smtp_message.c ---- */

void smtp_begin(struct session_smtp *p);
void smtp_take_body(struct session_smtp *p, struct str data);
void smtp_commit(struct session_smtp *p);
/* Answers of the store, about the senders in the header, those we promised to take, a piece, the whole. */
void smtp_authors_answered(struct session_smtp *p, struct ipc_packet *packet);
void smtp_settled(struct session_smtp *p, enum resolved resolved);
void smtp_draft_answered(struct session_smtp *p, enum store_result result);
void smtp_stored(struct session_smtp *p, unsigned result, struct str full);
/* What is more than one packet goes to the store, after the last octet all, with COMMIT. */
void smtp_hand_over(struct session_smtp *p);
/* Gives up the message while its body or commit is the open question. */
void smtp_refuse_message(struct session_smtp *p, unsigned code, struct str text, const char *why);

/* ---- session_smtp_check.c ---- */

void smtp_check_begin(struct session_smtp *p);
/* While there is p->check: octets of the body; true: they are taken, or the message was answered. */
bool smtp_check_body(struct session_smtp *p, struct str data);
/* Nothing follows; smtp_checked() when it is known. */
void smtp_check_end(struct session_smtp *p);
void smtp_checked(struct session_smtp *p);
/* Before the first octets go to the store while more of the message is to come. */
void smtp_leave_top(struct session_smtp *p);

#endif
