/* index_impl.h -- inside of the index: index.c opens it, apply.c changes it, query.c asks it. */
#ifndef RESTANTE_STORE_LOCAL_INDEX_IMPL_H
#define RESTANTE_STORE_LOCAL_INDEX_IMPL_H

#include <sqlite3.h>

#include "store/local/index.h"

enum index_statement {
	Q_BEGIN,
	Q_LOOK,
	Q_COMMIT,
	Q_ROLLBACK,
	Q_MESSAGE,
	Q_ADD_MESSAGE,
	Q_ADD_DELIVERY,
	Q_ADD_USAGE,
	Q_RUN,
	Q_EXPUNGE_COPY,
	Q_EXPUNGE,
	Q_SUB_USAGE,
	Q_RESTORE_COPY,
	Q_RESTORE,
	Q_DROP_COPY,
	Q_DROP,
	Q_DROP_USAGE,
	Q_APPLIED,
	Q_USAGE,
	Q_LIST,
	Q_ROOT,
	Q_HAS,
	Q_HAD,
	Q_LIST_EXPUNGED,
	Q_PUT_MESSAGE,
	Q_ADD_EXPUNGED,
	Q_FORGET,
	Q_EXPUNGED_AT,
	Q_OLDER,
	Q_AHEAD,
	Q_PUT_ONWARD,
	Q_SET_ONWARD,
	Q_FORGET_ONWARD,
	Q_ONWARD,
	Q_ONWARD_HAS,
	Q_DUE,
	Q_DUE_NEXT,
	Q_ONWARD_OPEN,
	Q_ONWARD_ALL,
	Q_ONWARD_COUNT,
	INDEX_STATEMENTS,
};

struct index {
	sqlite3 *db;
	char *path;
	int file; /* SQLite's file once more, to be read ahead; -1: in memory */
	sqlite3_stmt *st[INDEX_STATEMENTS];
	bool failed;           /* something in this transaction */
	bool stuck;            /* its locks are in disorder: index_unstick() */
	bool looking;          /* a transaction is open that only reads */
	struct buf recipients; /* of the message that is applied */
};

/* Reset and ready to be bound. */
sqlite3_stmt *index_query(struct index *x, enum index_statement q);
void index_look_end(struct index *x);
/* Outside a transaction: opens the database anew when it is stuck. */
void index_unstick(struct index *x);
void index_failed(struct index *x, const char *what);

/* For questions, where index_query() is for changes. */
sqlite3_stmt *index_ask(struct index *x, enum index_statement q);
/* OK: a row; NOT_FOUND: no more. */
enum store_result index_step(struct index *x, sqlite3_stmt *st);

/* Of a listing of so many rows: asks the kernel for the pages that it will read. */
void index_read_ahead(struct index *x, uint64_t maildrop, uint64_t expect);
/* The pages at the bottom of the tree at `root` that may have rows of the maildrop, as far as there is room. */
struct index_pages {
	uint32_t *numbers; /* not owned */
	size_t count, room;
};
void index_pages(int file, uint32_t root, uint64_t maildrop, struct index_pages *p);

static inline uint64_t column_u64(sqlite3_stmt *st, int at)
{
	return (uint64_t)sqlite3_column_int64(st, at);
}

static inline struct str column_str(sqlite3_stmt *st, int at)
{
	const void *p = sqlite3_column_blob(st, at);

	return str_of(p == NULL ? "" : p, (size_t)sqlite3_column_bytes(st, at));
}

static inline void bind_u64(sqlite3_stmt *st, int at, uint64_t v)
{
	sqlite3_bind_int64(st, at, (sqlite3_int64)v);
}

static inline void bind_octets(sqlite3_stmt *st, int at, const void *p, size_t n)
{
	sqlite3_bind_blob64(st, at, n == 0 ? "" : p, n, SQLITE_STATIC);
}

static inline void bind_id(sqlite3_stmt *st, int at, const struct msgid *id)
{
	bind_octets(st, at, id->b, sizeof id->b);
}

#endif
