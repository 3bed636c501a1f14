/* remote_state.h -- what was fetched from the remotes: SQLite, beside the store.
 *
 * A message that was fetched has an id made of its maildrop and its UIDL on the server, so that the store itself
 * knows what it has.  This file knows it longer than the store, and more: when it was first seen, its header's digest
 * (for the day a server changes its UIDLs), whether it is whole.  Rows that a crash takes away do no harm: the ids
 * are still in the store. */
#ifndef RESTANTE_DAEMON_REMOTE_STATE_H
#define RESTANTE_DAEMON_REMOTE_STATE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/msgid.h"

struct remote_state;

enum remote_seen_state {
	REMOTE_SEEN_WHOLE,
	REMOTE_SEEN_STUB,     /* its beginning only */
	REMOTE_SEEN_SKIPPED,  /* left there unfetched, by a rule */
	REMOTE_SEEN_UNWANTED, /* deleted here, and its owner wants it deleted there */
};

enum { REMOTE_DIGEST = 16, REMOTE_UIDL_MAX = 70 };

struct remote_seen {
	struct str uidl; /* as remote_uidl() made it */
	struct msgid id;
	int64_t octets, first_ms;            /* octets: as LIST said; 0: not known */
	unsigned char header[REMOTE_DIGEST]; /* zeros: not known */
	enum remote_seen_state state;
};

struct remote_state *remote_state_open(const char *path, struct err *err);
void remote_state_close(struct remote_state *s); /* NULL is fine */

/* Between these, changes are one transaction. */
enum status remote_state_begin(struct remote_state *s, struct err *err);
enum status remote_state_commit(struct remote_state *s, struct err *err);

/* False: it was never seen.  Views live until the next call.  Many are found quickest in the order of their
 * UIDLs; then remote_state_rest(), or what others write is not seen. */
bool remote_state_get(
	struct remote_state *s, struct str remote, struct str uidl, struct remote_seen *seen);
void remote_state_rest(struct remote_state *s);
/* A message with this header and size; false: none, or several. */
bool remote_state_by_header(struct remote_state *s, struct str remote,
	const unsigned char header[REMOTE_DIGEST], int64_t octets, struct remote_seen *seen);
uint64_t remote_state_count(struct remote_state *s, struct str remote);
enum status remote_state_put(
	struct remote_state *s, struct str remote, const struct remote_seen *seen, struct err *err);
/* The digest of a listing of which nothing is to be fetched, nor deleted because it is unwanted; appends nothing when no such
 * is known.  Whoever changes rows sets it too: "" in the same transaction. */
void remote_state_listing(struct remote_state *s, struct str remote, struct buf *digest);
enum status remote_state_set_listing(
	struct remote_state *s, struct str remote, struct str digest, struct err *err);
/* The server has it no more. */
enum status remote_state_forget(
	struct remote_state *s, struct str remote, struct str uidl, struct err *err);

/* The UIDL as it is kept: itself when RFC 1939 7 allows it, else a digest. */
struct str remote_uidl(struct str said, char room[REMOTE_UIDL_MAX + 1]);
/* The id of the message that has this UIDL on the server of this maildrop; also for its stub. */
struct msgid remote_id(uint64_t maildrop, struct str uidl, bool stub);
/* The digest of a Message-ID, folded or not; zeros: there is none. */
void remote_message_id(struct str text, unsigned char to[REMOTE_DIGEST]);

#endif
