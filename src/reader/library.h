/* library.h -- what a reader knows of the mail it has: SQLite, a view that can be made anew at any time.
 *
 * Messages lie in the store; here stand their subjects, people, dates, threads and a full-text index.  What
 * cannot be made anew, marks and what was seen, is here as well, by the message's id.  Mail is taken apart in
 * the reader's process, never in the one that keeps it.  Threads: the owner's only. */
#ifndef RESTANTE_READER_LIBRARY_H
#define RESTANTE_READER_LIBRARY_H

#include "base/buf.h"
#include "base/err.h"

struct library;

/* Makes it when it is missing, or anew when it is of another version or damaged. */
struct library *library_open(const char *path, struct err *err);
void library_close(struct library *l); /* NULL is fine */

/* Where messages come from. */
struct library_source {
	/* All of an account: each(arg, id, uidl), in their order. */
	enum status (*index)(struct library_source *s, struct str account,
		void (*each)(void *arg, struct str id, struct str uidl), void *arg,
		struct err *err);
	/* At most max octets of one; ST_NOTFOUND: it is gone meanwhile. */
	enum status (*read)(struct library_source *s, struct str account, struct str id,
		uint64_t max, struct buf *octets, uint64_t *total, int64_t *received_ms,
		struct err *err);
	/* So many of so many are taken in; NULL: nobody wants to know. */
	void (*progress)(struct library_source *s, uint64_t done, uint64_t of);
};

/* Brings an account up to date: reads what is new, forgets what is gone. */
enum status library_update(
	struct library *l, struct library_source *s, struct str account, struct err *err);

struct library_row { /* views until the next call */
	struct str account, id, uidl, from, to, subject, message_id, attachments; /* a JSON array */
	struct str text; /* its beginning, when the query asked for it */
	int64_t octets, date_ms, thread;
	bool seen, marked;
};

/* What is looked for, made by query.h; an empty one finds everything. */
struct library_query {
	struct buf match;            /* FTS5's language; "" for all */
	struct buf account;          /* "" for all that `accounts` allows */
	int64_t after_ms, before_ms; /* 0: no bound */
	bool attachment, marked, unseen;
	bool text; /* what is found comes with the beginning of its text */
};
void library_query_deinit(struct library_query *q);

/* The newest first.  accounts: separated by LF.  False from each() stops. */
enum status library_find(struct library *l, struct str accounts, const struct library_query *q,
	bool (*each)(void *arg, const struct library_row *row), void *arg, struct err *err);

/* The message whose id begins so, in one of the accounts.  ST_NOTFOUND, or ST_USAGE when there are several. */
enum status library_get(struct library *l, struct str accounts, struct str id_prefix,
	struct library_row *row, struct err *err);

enum status library_set(struct library *l, struct str id, bool seen, bool marked, struct err *err);

#endif
