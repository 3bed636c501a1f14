/* index.h -- the SQLite view of the journal: what answers questions.
 *
 * Never the truth.  Each transaction that applies records also keeps the position up to which the
 * journal is in the view, so that after a crash the rest is applied from there; and the salt of that
 * segment, so that a view of another journal is never taken for ours. */
#ifndef RESTANTE_STORE_LOCAL_INDEX_H
#define RESTANTE_STORE_LOCAL_INDEX_H

#include "base/err.h"
#include "store/local/record.h"
#include "store/store.h"

struct sqlite3;
enum { INDEX_FORMAT = 3 }; /* an index of another one is made anew */

struct index;

struct index_place {
	uint64_t pos;  /* segment and offset behind the last applied record; 0: nothing yet */
	uint64_t salt; /* of that segment */
};

/* path: the database file, made 0600 when missing; "" is a private one in a temporary file.
 * ST_CORRUPT: not usable, make it anew. */
enum status index_open(struct index **x, const char *path, struct index_place *at, struct err *err);
void index_close(struct index *x);   /* NULL is fine */
void index_remove(const char *path); /* the file and its companions */
struct sqlite3 *index_db(struct index *x);

/* One transaction over index_apply() calls, the only place for changes: outside, a transaction that
 * only reads may be open; index_commit() rolls back when one of them failed. */
void index_begin(struct index *x);
void index_apply(struct index *x, const struct record *r);
bool index_commit(struct index *x, const struct index_place *at);

struct index_message {
	uint64_t pos;     /* of its first record: its place in every maildrop that has it */
	uint64_t at;      /* position of its record now */
	uint64_t body_at; /* segment and offset behind the meta of its record now */
	uint64_t octets, header_octets;
	uint32_t crc;
	uint16_t flags; /* MESSAGE_* */
	int64_t received_ms;
};

/* STORE_OK, STORE_NOT_FOUND, or STORE_UNAVAILABLE when the index cannot be read. */
enum store_result index_message(struct index *x, struct msgid id, struct index_message *m);
/* Those in a maildrop behind the place `pos`, in order, as many as there is room for: how many.  Less when the index cannot
 * be read. */
struct index_ahead {
	struct msgid id;
	struct index_message m;
};
size_t index_ahead(
	struct index *x, uint64_t maildrop, uint64_t pos, struct index_ahead *rows, size_t room);
enum store_result index_facts(struct index *x, struct msgid id, struct store_facts *f);
/* The state of a recipient that goes on; its texts are put into *texts. */
enum store_result index_onward(struct index *x, struct msgid id, uint32_t number,
	struct store_out_rcpt *o, struct buf *texts);
enum store_result index_onward_has(struct index *x, struct msgid id, struct str recipient);
enum store_result index_due(struct index *x, const struct store_due *after, int64_t before_ms,
	struct store_due *rows, size_t *count);
enum store_result index_due_next(struct index *x, int64_t *due_ms);
enum store_result index_onward_list(
	struct index *x, struct msgid after, bool all, struct msgid *ids, size_t *count);
enum store_result index_onward_count(struct index *x, uint64_t *waiting, uint64_t *held);
/* Messages of a maildrop below `before` that stand one behind the other, as many of the ids' first ones as do: who
 * deletes names all or most in their order, and looking for each alone is what that costs.  NOT_FOUND: the first does
 * not stand there. */
struct index_run {
	uint64_t first, last; /* places */
	size_t count;
	uint64_t octets;
};
enum store_result index_run(struct index *x, uint64_t maildrop, uint64_t before,
	const struct msgid *ids, size_t count, struct index_run *run);
/* In that maildrop now; with `ever`, also when it was expunged since. */
enum store_result index_has(struct index *x, uint64_t maildrop, uint64_t pos, bool ever);
enum store_result index_usage(
	struct index *x, uint64_t maildrop, uint64_t *count, uint64_t *octets);
enum store_result index_older(struct index *x, uint64_t maildrop, int64_t before_ms, uint64_t *from,
	struct msgid *ids, size_t *count);
/* When it was expunged from that maildrop; NOT_FOUND: it was not, or is forgotten. */
enum store_result index_expunged_at(
	struct index *x, uint64_t maildrop, uint64_t pos, int64_t *expunged_ms);
enum store_result index_expunged(
	struct index *x, uint64_t maildrop, struct store_expunged_row **rows, size_t *count);
/* Fills rows, count, uidls, uidls_len: what has a position below `before`. */
enum store_result index_list(
	struct index *x, struct store_listing *l, uint64_t before, uint64_t expect);

#endif
