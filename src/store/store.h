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

/* ---- taking a message in ---- */

struct store_draft; /* a message being written; owns memory up to 256 KiB, then an unnamed file */

struct store_draft *store_draft_new(struct store *s, struct msgid id);
/* STORE_OK, or STORE_FULL / STORE_UNAVAILABLE, which is sticky and what deliver will say. */
enum store_result store_draft_append(struct store_draft *d, struct str octets);
uint64_t store_draft_size(const struct store_draft *d);
void store_draft_free(struct store_draft *d); /* drops it; NULL is fine */

struct store_target {
	uint64_t maildrop;    /* the account's id: never 0, never used again */
	struct str recipient; /* as in the envelope, for the history */
	struct str uidl;      /* "" for the id's text; else 1-70 octets (imports) */
	uint8_t notify;       /* RFC 3461 4.1, a set the caller knows; 0: not asked */
	struct str orcpt;     /* RFC 3461 4.2, or "" */
};

/* One body for all targets, all or none.  The draft is taken over, also on failure.  Targets with
 * the same maildrop are delivered once. */
struct store_deliver {
	struct store_op op;
	struct store_draft *draft;
	struct str sender;   /* reverse-path */
	uint8_t ret;         /* RFC 3461 4.3, a number the caller knows; 0: not asked */
	struct str envid;    /* RFC 3461 4.4, or "" */
	struct str client;   /* who handed it in: "192.0.2.1" or "user@dom via 192.0.2.1" */
	int64_t received_ms; /* wall clock */
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
