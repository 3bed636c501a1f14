#include "reader/library.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "reader/library_internal.h"

static const char schema[] =
	"CREATE TABLE message(key INTEGER PRIMARY KEY, account TEXT NOT NULL, id TEXT NOT NULL,"
	" uidl TEXT NOT NULL, octets INTEGER NOT NULL, date_ms INTEGER NOT NULL,"
	" sender TEXT NOT NULL, recipients TEXT NOT NULL, subject TEXT NOT NULL,"
	" message_id TEXT NOT NULL, parent TEXT NOT NULL, thread INTEGER NOT NULL,"
	" attachments TEXT NOT NULL, round INTEGER NOT NULL, UNIQUE(account, id));"
	"CREATE INDEX message_date ON message(date_ms);"
	"CREATE INDEX message_message_id ON message(message_id);"
	"CREATE INDEX message_parent ON message(parent);"
	"CREATE INDEX message_thread ON message(thread);"
	"CREATE INDEX message_id ON message(id);"
	"CREATE TABLE mark(id TEXT PRIMARY KEY, seen INTEGER NOT NULL, marked INTEGER NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE account(account TEXT PRIMARY KEY, digest INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE VIRTUAL TABLE words USING fts5(sender, recipients, subject, body,"
	" tokenize = 'unicode61 remove_diacritics 2');"
	"CREATE TRIGGER message_gone AFTER DELETE ON message BEGIN"
	" DELETE FROM words WHERE rowid = old.key; END;";

#define ROW_COLUMNS                                                                                \
	"m.account, m.id, m.uidl, m.sender, m.recipients, m.subject, m.message_id, m.attachments," \
	" m.octets, m.date_ms, m.thread, coalesce(k.seen, 0), coalesce(k.marked, 0)"

/* In characters. */
#define ROW_TEXT                                                                                   \
	", CASE WHEN ?9 THEN substr((SELECT body FROM words WHERE rowid = m.key), 1, 400) END"

static const char *const statements[LIBRARY_STATEMENTS] = {
	[LIBRARY_TOUCH] = "UPDATE message SET round = ?3 WHERE account = ?1 AND id = ?2",
	[LIBRARY_ADD] =
		"INSERT INTO message(account, id, uidl, octets, date_ms, sender, recipients,"
		" subject, message_id, parent, thread, attachments, round)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
	[LIBRARY_ADD_WORDS] = "INSERT INTO words(rowid, sender, recipients, subject, body)"
			      " VALUES(?1, ?2, ?3, ?4, ?5)",
	[LIBRARY_THREAD_OF] = "SELECT thread FROM message WHERE message_id = ?1 LIMIT 1",
	[LIBRARY_OWN_THREAD] = "UPDATE message SET thread = key WHERE key = ?1",
	[LIBRARY_JOIN] = "UPDATE message SET thread = ?2 WHERE thread IN"
			 " (SELECT thread FROM message WHERE parent = ?1 AND thread <> ?2)",
	[LIBRARY_SWEEP] = "DELETE FROM message WHERE account = ?1 AND round <> ?2",
	[LIBRARY_ROUND] = "SELECT coalesce(max(round), 0) + 1 FROM message WHERE account = ?1",
	[LIBRARY_DIGEST] = "SELECT digest FROM account WHERE account = ?1",
	[LIBRARY_DIGEST_SET] = "INSERT INTO account(account, digest) VALUES(?1, ?2)"
			       " ON CONFLICT(account) DO UPDATE SET digest = ?2",
	[LIBRARY_PREFIX] = "SELECT " ROW_COLUMNS
			   " FROM message m LEFT JOIN mark k ON k.id = m.id WHERE m.id >= ?1 AND"
			   " m.id < ?1 || 'a' AND instr(char(10) || ?2 || char(10),"
			   " char(10) || m.account || char(10)) > 0 LIMIT 2",
	[LIBRARY_MARK] = "INSERT INTO mark(id, seen, marked) VALUES(?1, ?2, ?3)"
			 " ON CONFLICT(id) DO UPDATE SET seen = ?2, marked = ?3",
};

/* The words of a query come first where there are any; else the dates. */
static const char find_words[] =
	"SELECT " ROW_COLUMNS ROW_TEXT " FROM words w JOIN message m ON m.key = w.rowid"
	" LEFT JOIN mark k ON k.id = m.id WHERE words MATCH ?1 AND";
static const char find_all[] =
	"SELECT " ROW_COLUMNS ROW_TEXT " FROM message m LEFT JOIN mark k ON k.id = m.id WHERE";
static const char find_rest[] =
	" m.date_ms >= ?2 AND m.date_ms < ?3"
	" AND instr(char(10) || ?4 || char(10), char(10) || m.account || char(10)) > 0"
	" AND (?5 = '' OR m.account = ?5) AND (?6 = 0 OR m.attachments <> '[]')"
	" AND (?7 = 0 OR coalesce(k.marked, 0) = 1) AND (?8 = 0 OR coalesce(k.seen, 0) = 0)"
	" ORDER BY m.date_ms DESC, m.key DESC";

static void bind(sqlite3_stmt *s, int at, struct str text)
{
	sqlite3_bind_text(s, at, text.p == NULL ? "" : text.p, (int)text.n, SQLITE_TRANSIENT);
}

static struct str column(sqlite3_stmt *s, int at)
{
	const void *p = sqlite3_column_text(s, at);

	return str_of(p == NULL ? "" : p, (size_t)sqlite3_column_bytes(s, at));
}

enum status library_error(struct library *l, const char *what, struct err *err)
{
	return err_set(err, ST_IO, "%s in %s: %s", what, l->path, sqlite3_errmsg(l->db));
}

sqlite3_stmt *library_take(struct library *l, enum library_statement which)
{
	sqlite3_reset(l->stmt[which]);
	sqlite3_clear_bindings(l->stmt[which]);
	return l->stmt[which];
}

static bool usable(struct library *l)
{
	sqlite3_stmt *s = NULL;
	bool good;

	if (sqlite3_prepare_v2(l->db, "PRAGMA user_version", -1, &s, NULL) != SQLITE_OK)
		return false;
	good = sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int(s, 0) == LIBRARY_VERSION;
	sqlite3_finalize(s);
	return good;
}

static bool begin(struct library *l, bool fresh)
{
	char version[64];

	if (sqlite3_open_v2(l->path, &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
		SQLITE_OK)
		return false;
	sqlite3_busy_timeout(l->db, 5000);
	sqlite3_exec(
		l->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	if (!fresh)
		return usable(l);
	snprintf(version, sizeof version, "PRAGMA user_version = %d", LIBRARY_VERSION);
	return sqlite3_exec(l->db, schema, NULL, NULL, NULL) == SQLITE_OK &&
	       sqlite3_exec(l->db, version, NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare_all(struct library *l)
{
	for (size_t i = 0; i < LIBRARY_STATEMENTS; i++)
		if (sqlite3_prepare_v3(l->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &l->stmt[i], NULL) != SQLITE_OK)
			return false;
	return true;
}

static void remove_files(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	struct buf name = { 0 };

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		char *c;

		buf_put(&name, str_c(path));
		buf_put(&name, str_c(ends[i]));
		c = buf_steal_c(&name);
		unlink(c);
		free(c);
	}
}

struct library *library_open(const char *path, struct err *err)
{
	struct library *l = NEW(struct library);
	bool there = access(path, F_OK) == 0;

	l->path = str_dup_c(str_c(path));
	if (there && begin(l, false) && prepare_all(l))
		return l;
	if (there) { /* of another version, or damaged: it is only a view */
		for (size_t i = 0; i < LIBRARY_STATEMENTS; i++)
			sqlite3_finalize(l->stmt[i]);
		memset((void *)l->stmt, 0, sizeof l->stmt);
		sqlite3_close(l->db);
		l->db = NULL;
		remove_files(path);
	}
	if (begin(l, true) && prepare_all(l))
		return l;
	err_set(err, ST_IO, "make %s: %s", path,
		l->db == NULL ? "no memory" : sqlite3_errmsg(l->db));
	library_close(l);
	return NULL;
}

void library_close(struct library *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < LIBRARY_STATEMENTS; i++)
		sqlite3_finalize(l->stmt[i]);
	sqlite3_close(l->db);
	free(l->path);
	free(l);
}

static void fill(sqlite3_stmt *s, struct library_row *row)
{
	*row = (struct library_row){ .account = column(s, 0),
		.id = column(s, 1),
		.uidl = column(s, 2),
		.from = column(s, 3),
		.to = column(s, 4),
		.subject = column(s, 5),
		.message_id = column(s, 6),
		.attachments = column(s, 7),
		.octets = sqlite3_column_int64(s, 8),
		.date_ms = sqlite3_column_int64(s, 9),
		.thread = sqlite3_column_int64(s, 10),
		.seen = sqlite3_column_int(s, 11) != 0,
		.marked = sqlite3_column_int(s, 12) != 0,
		.text = sqlite3_column_count(s) > 13 ? column(s, 13) : STR("") };
}

static sqlite3_stmt *prepare_find(
	struct library *l, struct str accounts, const struct library_query *q, struct err *err)
{
	struct buf sql = { 0 };
	sqlite3_stmt *s = NULL;
	int code;

	buf_put(&sql, str_c(q->match.len > 0 ? find_words : find_all));
	buf_put(&sql, str_c(find_rest));
	code = sqlite3_prepare_v2(l->db, buf_str(&sql).p, (int)sql.len, &s, NULL);
	buf_deinit(&sql);
	if (code != SQLITE_OK) {
		library_error(l, "look for mail", err);
		return NULL;
	}
	if (q->match.len > 0)
		bind(s, 1, buf_str(&q->match));
	sqlite3_bind_int64(s, 2, q->after_ms);
	sqlite3_bind_int64(s, 3, q->before_ms != 0 ? q->before_ms : INT64_MAX);
	bind(s, 4, accounts);
	bind(s, 5, buf_str(&q->account));
	sqlite3_bind_int(s, 6, q->attachment);
	sqlite3_bind_int(s, 7, q->marked);
	sqlite3_bind_int(s, 8, q->unseen);
	sqlite3_bind_int(s, 9, q->text);
	return s;
}

enum status library_find(struct library *l, struct str accounts, const struct library_query *q,
	bool (*each)(void *arg, const struct library_row *row), void *arg, struct err *err)
{
	sqlite3_stmt *s = prepare_find(l, accounts, q, err);
	struct library_row row;
	int code;

	if (s == NULL)
		return ST_IO;
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		fill(s, &row);
		if (!each(arg, &row)) {
			code = SQLITE_DONE;
			break;
		}
	}
	if (code != SQLITE_DONE)
		library_error(l, "look for mail", err);
	sqlite3_finalize(s);
	return code == SQLITE_DONE ? ST_OK : ST_IO;
}

enum status library_get(struct library *l, struct str accounts, struct str id_prefix,
	struct library_row *row, struct err *err)
{
	sqlite3_stmt *s = library_take(l, LIBRARY_PREFIX);

	bind(s, 1, id_prefix);
	bind(s, 2, accounts);
	if (id_prefix.n == 0 || sqlite3_step(s) != SQLITE_ROW)
		return err_set(err, ST_NOTFOUND, "no message %.*s: see restante list",
			STR_ARG(str_head(id_prefix, 40)));
	if (sqlite3_step(s) == SQLITE_ROW)
		return err_set(err, ST_USAGE,
			"several messages begin with %.*s: write more of the id",
			STR_ARG(str_head(id_prefix, 40)));
	sqlite3_reset(s);
	if (sqlite3_step(s) != SQLITE_ROW)
		return library_error(l, "read", err);
	fill(s, row);
	return ST_OK;
}

enum status library_set(struct library *l, struct str id, bool seen, bool marked, struct err *err)
{
	sqlite3_stmt *s = library_take(l, LIBRARY_MARK);

	bind(s, 1, id);
	sqlite3_bind_int(s, 2, seen);
	sqlite3_bind_int(s, 3, marked);
	return sqlite3_step(s) == SQLITE_DONE ? ST_OK : library_error(l, "mark a message", err);
}
