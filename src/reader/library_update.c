/* Bringing the library up to date: a round over an account touches what is there, adds what is new, and sweeps
 * what was not touched. */
#include <stdlib.h>

#include "reader/entry.h"
#include "reader/library_internal.h"

enum { MESSAGE_MAX = 64 * 1024 * 1024, COMMIT_EACH = 200 };

struct update {
	struct library *library;
	struct library_source *source;
	struct str account;
	int64_t round;
	struct buf all, wanted; /* "ID UIDL" LF; of what is new */
	uint64_t new_count;
};

static void bind(sqlite3_stmt *s, int at, struct str text)
{
	sqlite3_bind_text(s, at, text.p == NULL ? "" : text.p, (int)text.n, SQLITE_STATIC);
}

static bool run(struct library *l, const char *sql)
{
	return sqlite3_exec(l->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static void on_message(void *arg, struct str id, struct str uidl)
{
	struct update *u = arg;

	buf_put(&u->all, id);
	buf_putc(&u->all, ' ');
	buf_put(&u->all, uidl);
	buf_putc(&u->all, '\n');
}

/* FNV-1a.  When it is that of the last time, there is nothing to do. */
static int64_t digest_of(struct str s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return (int64_t)h;
}

static bool is_known(struct update *u, int64_t digest)
{
	sqlite3_stmt *s = library_take(u->library, LIBRARY_DIGEST);

	bind(s, 1, u->account);
	return sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int64(s, 0) == digest;
}

static bool remember(struct update *u, int64_t digest)
{
	sqlite3_stmt *s = library_take(u->library, LIBRARY_DIGEST_SET);

	bind(s, 1, u->account);
	sqlite3_bind_int64(s, 2, digest);
	return sqlite3_step(s) == SQLITE_DONE;
}

/* Touches what is there; the rest is wanted. */
static enum status touch_all(struct update *u, struct err *err)
{
	struct str rest = buf_str(&u->all);

	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n'), uidl = line, id = str_cut(&uidl, ' ');
		sqlite3_stmt *s = library_take(u->library, LIBRARY_TOUCH);

		bind(s, 1, u->account);
		bind(s, 2, id);
		sqlite3_bind_int64(s, 3, u->round);
		if (sqlite3_step(s) != SQLITE_DONE)
			return library_error(u->library, "update", err);
		if (sqlite3_changes(u->library->db) > 0)
			continue;
		buf_put(&u->wanted, line);
		buf_putc(&u->wanted, '\n');
		u->new_count++;
	}
	return ST_OK;
}

/* That of the nearest older message that is known; 0: none is. */
static int64_t thread_of(struct update *u, struct str references)
{
	while (references.n > 0) {
		sqlite3_stmt *s = library_take(u->library, LIBRARY_THREAD_OF);

		bind(s, 1, str_cut(&references, '\n'));
		if (sqlite3_step(s) == SQLITE_ROW)
			return sqlite3_column_int64(s, 0);
	}
	return 0;
}

static bool add_words(struct update *u, const struct entry *e, int64_t key)
{
	const struct buf *from[] = { &e->from, &e->to, &e->subject, &e->text };
	sqlite3_stmt *s = library_take(u->library, LIBRARY_ADD_WORDS);
	struct buf words[4] = { { 0 } };
	bool good;

	sqlite3_bind_int64(s, 1, key);
	for (int i = 0; i < 4; i++) {
		entry_index_text(&words[i], buf_str(from[i]));
		bind(s, 2 + i, buf_str(&words[i]));
	}
	good = sqlite3_step(s) == SQLITE_DONE;
	sqlite3_clear_bindings(s);
	for (int i = 0; i < 4; i++)
		buf_deinit(&words[i]);
	return good;
}

/* Answers that came before what they answer are joined to it now. */
static bool settle_thread(struct update *u, const struct entry *e, int64_t key, int64_t thread)
{
	sqlite3_stmt *own = library_take(u->library, LIBRARY_OWN_THREAD);
	sqlite3_stmt *join = library_take(u->library, LIBRARY_JOIN);

	sqlite3_bind_int64(own, 1, key);
	if (thread == 0 && sqlite3_step(own) != SQLITE_DONE)
		return false;
	if (e->message_id.len == 0)
		return true;
	bind(join, 1, buf_str(&e->message_id));
	sqlite3_bind_int64(join, 2, thread != 0 ? thread : key);
	return sqlite3_step(join) == SQLITE_DONE;
}

static bool add(
	struct update *u, const struct entry *e, struct str id, struct str uidl, uint64_t octets)
{
	struct str references = buf_str(&e->references), rest = references,
		   parent = str_cut(&rest, '\n');
	int64_t thread = thread_of(u, references), key;
	sqlite3_stmt *s = library_take(u->library, LIBRARY_ADD);

	bind(s, 1, u->account);
	bind(s, 2, id);
	bind(s, 3, uidl);
	sqlite3_bind_int64(s, 4, (int64_t)octets);
	sqlite3_bind_int64(s, 5, e->date_ms);
	bind(s, 6, buf_str(&e->from));
	bind(s, 7, buf_str(&e->to));
	bind(s, 8, buf_str(&e->subject));
	bind(s, 9, buf_str(&e->message_id));
	bind(s, 10, parent);
	sqlite3_bind_int64(s, 11, thread);
	bind(s, 12, buf_str(&e->attachments));
	sqlite3_bind_int64(s, 13, u->round);
	if (sqlite3_step(s) != SQLITE_DONE)
		return false;
	key = sqlite3_last_insert_rowid(u->library->db);
	return add_words(u, e, key) && settle_thread(u, e, key, thread);
}

static enum status add_one(struct update *u, struct str id, struct str uidl, struct err *err)
{
	struct err why = { ST_OK, "" };
	struct buf octets = { 0 };
	uint64_t total = 0;
	int64_t received_ms = 0;
	struct entry e;
	enum status status = u->source->read(
		u->source, u->account, id, MESSAGE_MAX, &octets, &total, &received_ms, &why);

	if (status == ST_OK) {
		entry_make(&e, buf_str(&octets), received_ms);
		if (!add(u, &e, id, uidl, total))
			status = library_error(u->library, "add a message", err);
		entry_deinit(&e);
	} else if (status == ST_NOTFOUND) {
		status = ST_OK;
	} else {
		err_set(err, status, "%s", why.text);
	}
	buf_deinit(&octets);
	return status;
}

static enum status add_new(struct update *u, struct err *err)
{
	struct str rest = buf_str(&u->wanted);
	enum status status = ST_OK;
	uint64_t done = 0;

	while (status == ST_OK && rest.n > 0) {
		struct str uidl = str_cut(&rest, '\n'), id = str_cut(&uidl, ' ');

		status = add_one(u, id, uidl, err);
		if (++done % COMMIT_EACH == 0 && !run(u->library, "COMMIT; BEGIN IMMEDIATE"))
			status = library_error(u->library, "commit", err);
		if (u->source->progress != NULL)
			u->source->progress(u->source, done, u->new_count);
	}
	return status;
}

static enum status sweep(struct update *u, struct err *err)
{
	sqlite3_stmt *s = library_take(u->library, LIBRARY_SWEEP);

	bind(s, 1, u->account);
	sqlite3_bind_int64(s, 2, u->round);
	return sqlite3_step(s) == SQLITE_DONE ? ST_OK
					      : library_error(u->library, "forget messages", err);
}

static int64_t next_round(struct update *u)
{
	sqlite3_stmt *s = library_take(u->library, LIBRARY_ROUND);
	int64_t round = 0;

	bind(s, 1, u->account);
	if (sqlite3_step(s) == SQLITE_ROW)
		round = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return round;
}

/* The digest comes last: after an interruption the next update goes on. */
static enum status apply(struct update *u, int64_t digest, struct err *err)
{
	enum status status;

	if (!run(u->library, "BEGIN IMMEDIATE"))
		return library_error(u->library, "begin", err);
	u->round = next_round(u);
	status = touch_all(u, err);
	if (status == ST_OK)
		status = add_new(u, err);
	if (status == ST_OK)
		status = sweep(u, err);
	if (status == ST_OK && !remember(u, digest))
		status = library_error(u->library, "update", err);
	if (!run(u->library, status == ST_OK ? "COMMIT" : "ROLLBACK") && status == ST_OK)
		status = library_error(u->library, "commit", err);
	return status;
}

enum status library_update(
	struct library *l, struct library_source *source, struct str account, struct err *err)
{
	struct update u = { .library = l, .source = source, .account = account };
	enum status status = source->index(source, account, on_message, &u, err);
	int64_t digest = digest_of(buf_str(&u.all));

	if (status == ST_OK && !is_known(&u, digest))
		status = apply(&u, digest, err);
	buf_deinit(&u.all);
	buf_deinit(&u.wanted);
	return status;
}
