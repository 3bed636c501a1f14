/* store.h -- where mail is kept.  The interface that the embedded store and RADOS both fit.
 *
 * Every change is an operation with a completion: a struct that the caller owns, begins with a
 * struct store_op and must live until op.done() was called, exactly once, from store_poll() or from
 * inside the call that started it.  Nothing but done(STORE_OK) is a promise; STORE_OK means durable.
 * STORE_UNKNOWN means it may have happened: every write is idempotent under the name its caller
 * chose (a msgid), so it can simply be asked again.  No operation lists all mailboxes; changes touch
 * the mailboxes they name only.  A maildrop's lease carries a token: an operation with an old one
 * gets STORE_CONFLICT.
 *
 * Messages are octets with CRLF line ends, not dot-stuffed.  Threads: the owner's only. */
#ifndef RESTANTE_STORE_STORE_H
#define RESTANTE_STORE_STORE_H

#include "base/err.h"
#include "base/maildrop.h"
#include "base/msgid.h"

enum store_result {
	STORE_OK,
	STORE_BUSY, /* the maildrop is leased to somebody else */
	STORE_NOT_FOUND,
	STORE_CONFLICT,    /* stale token */
	STORE_FULL,        /* no space: reading and deleting go on */
	STORE_UNAVAILABLE, /* did not happen, may work later */
	STORE_UNKNOWN,     /* may have happened */
	STORE_CORRUPT,     /* the octets on disk are not what was written */
};

struct store;

struct store_op {
	void (*done)(struct store_op *op, enum store_result result);
};

/* fd to watch for readability; then store_poll().  store_wait() blocks until something completed;
 * for tools. */
int store_fd(const struct store *s);
void store_poll(struct store *s);
void store_wait(struct store *s);
/* Call once at the end of each loop turn: starts the group commit of all that was submitted. */
void store_flush(struct store *s);
/* The same, but what nobody waits for (store_settle.at_leisure, store_retrieved) goes with what somebody
 * does.  Not 0: some of it is left, and store_flush() is due within so many milliseconds. */
int64_t store_flush_waited(struct store *s);
enum { STORE_LEISURE_MS = 5, STORE_NOTE_MS = 1000 };

/* ---- taking a message in ---- */

struct store_draft; /* a message being written; owns memory up to 256 KiB, then an unnamed file */

struct store_draft *store_draft_new(struct store *s, struct msgid id);
/* STORE_OK, or STORE_FULL / STORE_UNAVAILABLE, which is sticky and what deliver will say. */
enum store_result store_draft_append(struct store_draft *d, struct str octets);
/* Of a new draft: its first octets, so many, are known only when the others are there. */
enum { STORE_TOP_MAX = 4096 };
void store_draft_leave_top(struct store_draft *d, size_t octets);
/* They are these, exactly as many; at most once, after the last append.  Lines, none of which begins with a
 * dot, and fields nobody here looks into. */
enum store_result store_draft_put_top(struct store_draft *d, struct str octets);
uint64_t store_draft_size(const struct store_draft *d);
void store_draft_free(struct store_draft *d); /* drops it; NULL is fine */

struct store_target {
	uint64_t maildrop; /* the account's id, never used again; 0: it goes on, see below */
	struct str
		recipient; /* as in the envelope, for the history; of mail that goes on: to whom */
	struct str uidl;   /* "" for the id's text; else 1-70 octets (imports) */
	uint8_t notify;    /* RFC 3461 4.1, a set the caller knows; 0: not asked */
	struct str orcpt;  /* RFC 3461 4.2, or "" */
	struct str sender; /* of mail that goes on: another reverse-path, when .p is not NULL */
	/* STORE_OUT_HERE, STORE_OUT_EXPANDED: nothing goes on to this recipient, which other targets stand
	 * for; its sender is told so, as of mail that went on.  0: none of that. */
	uint8_t settled;
};

/* What whoever carries a message on must know of it. */
enum store_flags {
	STORE_8BIT = 1,        /* an octet over 127 in the body */
	STORE_8BIT_HEADER = 2, /* in the header */
	STORE_SMTPUTF8 = 4,    /* the caller's: RFC 6531 was asked for */
	STORE_REQUIRETLS = 8,  /* the caller's: RFC 8689 */
	STORE_REPORT = 16,     /* the caller's: a notice of our own */
	STORE_VERP =
		128, /* the caller's: recipients have senders of their own, who are told each */
	STORE_TLS_OPTIONAL = 64, /* "TLS-Required: No" in the header, and not STORE_REQUIRETLS */
};

/* One body for all targets, all or none.  The draft is taken over, also on failure.  Targets with
 * the same maildrop are delivered once, and so are those that go on to the same recipient. */
struct store_deliver {
	struct store_op op;
	struct store_draft *draft;
	struct str sender;   /* reverse-path */
	uint8_t ret;         /* RFC 3461 4.3, a number the caller knows; 0: not asked */
	struct str envid;    /* RFC 3461 4.4, or "" */
	struct str client;   /* who handed it in: "192.0.2.1" or "user@dom via 192.0.2.1" */
	int64_t received_ms; /* wall clock */
	struct str prefix;   /* header fields in front of what goes on (DKIM); not in maildrops */
	uint8_t flags;       /* STORE_SMTPUTF8, STORE_REQUIRETLS, STORE_REPORT, STORE_VERP */
	int64_t hold_ms;     /* does not go on before (RFC 4865); 0: at once */
	uint64_t account;    /* who submitted it; 0: nobody who logged in */
	const struct store_target *targets;
	size_t count;
};
void store_deliver(struct store *s, struct store_deliver *d);

/* ---- a maildrop session ---- */

struct store_open {
	struct store_op op;
	uint64_t maildrop;
	uint64_t token; /* out: the lease */
	uint64_t count, octets;
};
void store_open(
	struct store *s, struct store_open *o); /* OK (an unknown maildrop is empty) or BUSY */
void store_close(struct store *s, uint64_t maildrop, uint64_t token);

struct store_listing {
	struct store_op op;
	uint64_t maildrop;
	uint64_t token;            /* 0: a look without a lease, of what is there now */
	struct maildrop_row *rows; /* out, heap: store_listing_free() */
	size_t count;
	char *uidls;
	size_t uidls_len;
};
/* With a token: exactly the messages that store_open() counted, in the same order, also when more
 * have come since. */
void store_list(struct store *s, struct store_listing *l);
void store_listing_free(struct store_listing *l);

struct store_read {
	struct store_op op;
	uint64_t maildrop;
	uint64_t token; /* 0: a look without a lease */
	struct msgid id;
	uint64_t offset, want; /* want: at most so many octets, from offset on */
	char *to;              /* caller's room for `want` octets */
	uint64_t got;          /* out: 0 at the end of the message */
};
void store_read(
	struct store *s, struct store_read *r); /* OK, NOT_FOUND (not in that maildrop), CORRUPT */

/* All or none; ids that are not there (any more) are not an error. */
struct store_expunge {
	struct store_op op;
	uint64_t maildrop, token;
	const struct msgid *ids;
	size_t count;
	uint64_t expunged; /* out */
};
void store_expunge(struct store *s, struct store_expunge *e);

/* Messages that were handed out whole, for the history of each: a note, not a promise.  It is durable with
 * the next change, or STORE_NOTE_MS later; nobody is told, and a crash or a full disk takes it. */
struct store_retrieved {
	const uint64_t *maildrops; /* each message is in one of them */
	size_t nmaildrops;         /* at most 255 */
	struct str client;         /* "user@dom via 192.0.2.1" */
	int64_t at_ms;             /* wall clock */
	const struct msgid *ids;
	size_t count;
};
void store_retrieved(struct store *s, const struct store_retrieved *r);

/* Messages that were expunged, as long as the store still has them: they come back at their old
 * places under their old UIDLs, so a lease is needed, and it must not be used for anything else:
 * what was restored under it is seen by the next one.  All or none; ids that are not expunged are
 * not an error. */
struct store_restore {
	struct store_op op;
	uint64_t maildrop, token;
	const struct msgid *ids;
	size_t count;
	uint64_t restored; /* out */
};
void store_restore(struct store *s, struct store_restore *r);

struct store_expunged_row {
	struct msgid id;
	uint64_t octets;
	int64_t expunged_ms;
	uint8_t uidl_len; /* 0: the id's text */
	char uidl[70];
};
/* What store_restore() could bring back, in the order of the maildrop.  *rows: heap, free(). */
enum store_result store_expunged(
	struct store *s, uint64_t maildrop, struct store_expunged_row **rows, size_t *count);

/* Of the maildrop's next messages from place *from on (0: the first), those received before a time:
 * at most *count ids, which then says how many.  *from: where to go on; 0 at the end. */
enum store_result store_older(struct store *s, uint64_t maildrop, int64_t before_ms, uint64_t *from,
	struct msgid *ids, size_t *count);

/* Drops everything of a maildrop: its account was deleted. */
struct store_drop {
	struct store_op op;
	uint64_t maildrop;
};
void store_drop(struct store *s, struct store_drop *d);

/* Facts without a scan: messages and octets of a maildrop now. */
enum store_result store_usage(
	struct store *s, uint64_t maildrop, uint64_t *count, uint64_t *octets);

/* Facts kept with a message, for listings by people. */
struct store_facts {
	struct msgid id;
	uint64_t octets, header_octets;
	int64_t received_ms;
	struct str sender;     /* heap: free((char *)p) */
	struct str message_id; /* the Message-ID header's content, "" when there is none; heap */
};
enum store_result store_facts(struct store *s, struct msgid id, struct store_facts *f);
void store_facts_free(struct store_facts *f);

/* ---- mail that goes on ----
 *
 * Each target without a maildrop has a number in its message, and a state that store_settle() changes.
 * What waits for an attempt is found by its time; nothing here knows where it goes. */

enum store_out_state {
	STORE_OUT_WAITING = 1,
	STORE_OUT_DELIVERED,
	STORE_OUT_FAILED,
	STORE_OUT_DROPPED, /* by an administrator */
};
enum store_out_flags {
	STORE_OUT_OWED = 1,       /* its sender is to be told yet: due is when */
	STORE_OUT_HELD = 2,       /* waits for an administrator */
	STORE_OUT_DELAY_TOLD = 4, /* the sender knows that it is late */
	STORE_OUT_RELAYED = 8,    /* the next hop tells the sender (RFC 3461 5.2.1) */
	STORE_OUT_BAD = 16,       /* cannot be handled: held until an administrator looks */
	STORE_OUT_VIA = 32,       /* via is not "" */
	STORE_OUT_HERE = 64,      /* DELIVERED: in a mailbox of this office (RFC 3461 5.2.3) */
	STORE_OUT_EXPANDED = 128, /* DELIVERED: an alias, to several others (RFC 3461 5.2.7.3) */
	STORE_OUT_SEALED = 256,   /* DELIVERED: with an ARC seal of ours */
};

struct store_out_rcpt {
	uint32_t number;
	enum store_out_state state;
	uint16_t flags; /* STORE_OUT_* */
	int64_t due_ms; /* WAITING or OWED: not before */
	uint32_t attempts;
	int64_t last_ms;      /* of the last attempt; 0: none yet */
	struct str reply;     /* "4.4.1 " and the text of the last attempt */
	struct str host, tls; /* of the last attempt */
	struct str via;       /* "", or the way an administrator chose */

	/* as it was taken in; store_settle() does not read them */
	struct str recipient, orcpt, sender;
	uint8_t notify;
};

/* A message and all of its recipients that go on. */
struct store_out {
	struct msgid id;
	uint64_t octets; /* prefix and message */
	uint32_t prefix_octets, header_octets;
	uint8_t flags; /* STORE_8BIT .. */
	struct str sender, client, envid;
	uint8_t ret;
	int64_t received_ms;
	int64_t since_ms; /* from when on it may go: received, or held until then */
	uint64_t account;
	struct store_out_rcpt *rcpts;
	size_t count;
	struct store_out_body *body; /* the store's */
	char *texts, *states;        /* owned */
};
/* OK, NOT_FOUND (nothing of it goes on, or nobody knows it any more), CORRUPT, UNAVAILABLE. */
enum store_result store_out_open(struct store *s, struct msgid id, struct store_out *o);
void store_out_close(struct store *s, struct store_out *o);
/* At most `want` octets of prefix and message from offset on; *got 0: the end. */
enum store_result store_out_read(struct store *s, struct store_out *o, uint64_t offset, char *to,
	uint64_t want, uint64_t *got);

/* What became of some recipients: the whole new state of each.  Durable when done. */
struct store_settle {
	struct store_op op;
	struct msgid id;
	const struct store_out_rcpt *rcpts;
	size_t count;
	bool at_leisure;
};
void store_settle(struct store *s, struct store_settle *r);

/* Recipients that are WAITING and not HELD, or OWED, in the order of their time. */
struct store_due {
	int64_t due_ms;
	struct msgid id;
	uint32_t number;
	int64_t since_ms; /* as in struct store_out */
	uint32_t attempts;
	uint16_t flags; /* STORE_OUT_* */
	uint8_t recipient_len;
	char recipient[255]; /* cut off when longer */
};
/* Those behind *after (by due_ms, id and number; zeros: from the beginning) and due before a time: at
 * most *count rows, which then says how many. */
enum store_result store_due_list(struct store *s, const struct store_due *after, int64_t before_ms,
	struct store_due *rows, size_t *count);
/* Of the earliest; INT64_MAX: nothing waits. */
enum store_result store_due_next(struct store *s, int64_t *due_ms);

/* All messages of which something goes on, by id: those behind *after, at most *count ids.  all: also what is
 * settled and still known. */
enum store_result store_out_list(
	struct store *s, struct msgid after, bool all, struct msgid *ids, size_t *count);
/* How many recipients wait, and how many of them are held. */
enum store_result store_out_count(struct store *s, uint64_t *waiting, uint64_t *held);

/* What is known of how a message came to a maildrop. */
struct store_envelope {
	struct str sender, client, envid, recipient, orcpt; /* views of octets */
	int64_t received_ms;
	uint8_t ret, notify;
	char *octets; /* heap: store_envelope_free() */
};
enum store_result store_envelope(
	struct store *s, struct msgid id, uint64_t maildrop, struct store_envelope *e);
void store_envelope_free(struct store_envelope *e);

void store_close_all(struct store *s); /* completes what is under way, then closes and frees */

#endif
