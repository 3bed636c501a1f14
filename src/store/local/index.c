#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/local.h"
#include "store/local/index_impl.h"

/* delivery is all that a login and a listing read: short rows, in the order of message numbers. */
static const char schema[] =
	"CREATE TABLE message(id BLOB PRIMARY KEY, pos INTEGER, body_at INTEGER, octets INTEGER,"
	" header_octets INTEGER, crc INTEGER, flags INTEGER, received_ms INTEGER, sender BLOB,"
	" client BLOB, message_id BLOB, recipients BLOB, at INTEGER) WITHOUT ROWID;"
	"CREATE TABLE delivery(maildrop INTEGER, pos INTEGER, id BLOB, octets INTEGER, flags "
	"INTEGER,"
	" uidl BLOB, PRIMARY KEY(maildrop, pos)) WITHOUT ROWID;"
	"CREATE TABLE expunged(maildrop INTEGER, pos INTEGER, id BLOB, octets INTEGER, flags "
	"INTEGER,"
	" uidl BLOB, expunged_ms INTEGER, PRIMARY KEY(maildrop, pos)) WITHOUT ROWID;"
	"CREATE TABLE maildrop(id INTEGER PRIMARY KEY, count INTEGER, octets INTEGER);"
	"CREATE TABLE onward(id BLOB, number INTEGER, state INTEGER, flags INTEGER, due INTEGER,"
	" attempts INTEGER, last_ms INTEGER, reply BLOB, host BLOB, tls BLOB, via BLOB,"
	" since_ms INTEGER, recipient BLOB, PRIMARY KEY(id, number)) WITHOUT ROWID;"
	"CREATE INDEX due ON onward(due, id, number) WHERE due IS NOT NULL;"
	"CREATE TABLE applied(one INTEGER PRIMARY KEY, format INTEGER, pos INTEGER, salt INTEGER);"
	"INSERT INTO applied VALUES(1, 3, 0, 0);";

/* NORMAL loses the newest transactions when power fails and keeps what is left consistent: right
 * for a view that is replayed. */
static const char settings[] =
	"PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA "
	"wal_autocheckpoint=8000;"
	"PRAGMA cache_size=-16384; PRAGMA temp_store=FILE; PRAGMA trusted_schema=OFF;";

static const char *const statements[INDEX_STATEMENTS] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_LOOK] = "BEGIN",
	[Q_COMMIT] = "COMMIT",
	[Q_ROLLBACK] = "ROLLBACK",
	[Q_MESSAGE] = "SELECT pos, body_at, octets, header_octets, crc, flags, received_ms, at,"
		      " sender, message_id FROM message WHERE id=?1",
	[Q_ADD_MESSAGE] =
		"INSERT OR IGNORE INTO message VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
	[Q_ADD_DELIVERY] = "INSERT OR IGNORE INTO delivery VALUES(?1,?2,?3,?4,?5,?6)",
	[Q_ADD_USAGE] = "INSERT INTO maildrop VALUES(?1,1,?2) ON CONFLICT(id) DO UPDATE SET"
			" count=count+1, octets=octets+?2",
	[Q_RUN] = "SELECT pos, id, octets FROM delivery WHERE maildrop=?1 AND pos>=?2 AND pos<?3"
		  " ORDER BY pos",
	[Q_EXPUNGE_COPY] = "INSERT OR IGNORE INTO expunged SELECT *, ?4 FROM delivery"
			   " WHERE maildrop=?1 AND pos BETWEEN ?2 AND ?3",
	[Q_EXPUNGE] = "DELETE FROM delivery WHERE maildrop=?1 AND pos BETWEEN ?2 AND ?3",
	[Q_SUB_USAGE] = "UPDATE maildrop SET count=count-?2, octets=octets-?3 WHERE id=?1",
	[Q_RESTORE_COPY] = "INSERT OR IGNORE INTO delivery SELECT maildrop, pos, id, octets, flags,"
			   " uidl FROM expunged WHERE maildrop=?1 AND pos=?2",
	[Q_RESTORE] = "DELETE FROM expunged WHERE maildrop=?1 AND pos=?2",
	[Q_DROP_COPY] =
		"INSERT OR IGNORE INTO expunged SELECT *, ?2 FROM delivery WHERE maildrop=?1",
	[Q_DROP] = "DELETE FROM delivery WHERE maildrop=?1",
	[Q_DROP_USAGE] = "DELETE FROM maildrop WHERE id=?1",
	[Q_APPLIED] = "UPDATE applied SET pos=?1, salt=?2",
	[Q_USAGE] = "SELECT count, octets FROM maildrop WHERE id=?1",
	[Q_LIST] = "SELECT id, octets, flags, uidl FROM delivery WHERE maildrop=?1 AND pos<?2"
		   " ORDER BY pos",
	[Q_ROOT] = "SELECT rootpage FROM sqlite_schema WHERE name='delivery'",
	[Q_HAS] = "SELECT 1 FROM delivery WHERE maildrop=?1 AND pos=?2",
	[Q_LIST_EXPUNGED] = "SELECT id, octets, flags, uidl, expunged_ms FROM expunged"
			    " WHERE maildrop=?1 ORDER BY pos",
	[Q_OLDER] = "SELECT d.pos, d.id, m.received_ms FROM delivery d JOIN message m ON m.id=d.id"
		    " WHERE d.maildrop=?1 AND d.pos>=?2 ORDER BY d.pos LIMIT 1000",
	[Q_AHEAD] = "SELECT m.pos, body_at, m.octets, header_octets, crc, m.flags, received_ms, at,"
		    " m.id FROM delivery d JOIN message m ON m.id=d.id AND m.pos=d.pos"
		    " WHERE d.maildrop=?1 AND d.pos>?2 ORDER BY d.pos LIMIT ?3",
	[Q_PUT_MESSAGE] =
		"INSERT OR REPLACE INTO message VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
	[Q_ADD_EXPUNGED] = "INSERT OR IGNORE INTO expunged VALUES(?1,?2,?3,?4,?5,?6,?7)",
	[Q_FORGET] = "DELETE FROM message WHERE id=?1",
	[Q_EXPUNGED_AT] = "SELECT expunged_ms FROM expunged WHERE maildrop=?1 AND pos=?2",
	[Q_PUT_ONWARD] =
		"INSERT OR REPLACE INTO onward VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
	[Q_SET_ONWARD] = "UPDATE onward SET state=?3, flags=?4, due=?5, attempts=?6, last_ms=?7,"
			 " reply=?8, host=?9, tls=?10, via=?11 WHERE id=?1 AND number=?2",
	[Q_FORGET_ONWARD] = "DELETE FROM onward WHERE id=?1",
	[Q_ONWARD] = "SELECT number, state, flags, due, attempts, last_ms, reply, host, tls, via"
		     " FROM onward WHERE id=?1 AND number=?2",
	[Q_ONWARD_HAS] = "SELECT 1 FROM onward WHERE id=?1 AND recipient=?2",
	[Q_DUE] = "SELECT due, id, number, since_ms, attempts, flags, recipient FROM onward"
		  " WHERE due IS NOT NULL AND (due, id, number) > (?1, ?2, ?3) AND due < ?4"
		  " ORDER BY due, id, number LIMIT ?5",
	[Q_DUE_NEXT] = "SELECT due FROM onward WHERE due IS NOT NULL ORDER BY due LIMIT 1",
	[Q_ONWARD_OPEN] = "SELECT DISTINCT id FROM onward WHERE id > ?1 AND due IS NOT NULL"
			  " ORDER BY id LIMIT ?2",
	[Q_ONWARD_ALL] = "SELECT DISTINCT id FROM onward WHERE id > ?1 ORDER BY id LIMIT ?2",
	[Q_ONWARD_COUNT] =
		"SELECT count(*), coalesce(sum(due = 9223372036854775807), 0) FROM onward"
		" WHERE due IS NOT NULL",
	[Q_HAD] = "SELECT 1 FROM expunged WHERE maildrop=?1 AND pos=?2",
};

sqlite3_stmt *index_query(struct index *x, enum index_statement q)
{
	sqlite3_reset(x->st[q]);
	return x->st[q];
}

void index_look_end(struct index *x)
{
	if (x->looking && !sqlite3_get_autocommit(x->db)) {
		(void)sqlite3_step(index_query(x, Q_ROLLBACK));
		sqlite3_reset(x->st[Q_ROLLBACK]);
	}
	x->looking = false;
}

void index_failed(struct index *x, const char *what)
{
	x->stuck |= sqlite3_errcode(x->db) == SQLITE_PROTOCOL;
	log_error("store.index", F_C("while", what), F_C("err", sqlite3_errmsg(x->db)),
		F_C("do", "free disk space if it is full; if not, stop and run restante fsck "
			  "--rebuild"));
}

/* -1 when the file holds no index of ours yet. */
static int64_t index_format(struct index *x, struct index_place *at)
{
	sqlite3_stmt *st;
	int64_t format = -1;

	if (sqlite3_prepare_v2(x->db, "SELECT format, pos, salt FROM applied", -1, &st, NULL) !=
		SQLITE_OK)
		return -1;
	if (sqlite3_step(st) == SQLITE_ROW) {
		format = sqlite3_column_int64(st, 0);
		at->pos = (uint64_t)sqlite3_column_int64(st, 1);
		at->salt = (uint64_t)sqlite3_column_int64(st, 2);
	}
	sqlite3_finalize(st);
	return format;
}

static bool is_empty(struct index *x)
{
	sqlite3_stmt *st;
	bool empty = false;

	if (sqlite3_prepare_v2(x->db, "SELECT count(*) FROM sqlite_master", -1, &st, NULL) ==
		SQLITE_OK)
		empty = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int(st, 0) == 0;
	sqlite3_finalize(st);
	return empty;
}

static enum status index_prepare(struct index *x, struct index_place *at, struct err *err)
{
	*at = (struct index_place){ 0 };
	if (sqlite3_exec(x->db, settings, NULL, NULL, NULL) != SQLITE_OK)
		return err_set(err, ST_CORRUPT, "index: %s", sqlite3_errmsg(x->db));
	if (is_empty(x) && sqlite3_exec(x->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return err_set(err, ST_IO, "index: %s; is the disk full?", sqlite3_errmsg(x->db));
	if (index_format(x, at) != INDEX_FORMAT)
		return err_set(err, ST_CORRUPT, "index: not of format %d", (int)INDEX_FORMAT);
	for (int i = 0; i < INDEX_STATEMENTS; i++)
		if (sqlite3_prepare_v3(x->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &x->st[i], NULL) != SQLITE_OK)
			return err_set(err, ST_CORRUPT, "index: %s", sqlite3_errmsg(x->db));
	return ST_OK;
}

static enum status index_connect(struct index *x, struct index_place *at, struct err *err)
{
	const char *path = x->path;
	enum status st = ST_OK;

	if (*path != '\0') { /* its companions take over its mode */
		x->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (x->file < 0)
			st = err_set(err, ST_IO, "open %s: %s", path, strerror(errno));
	}
	if (st == ST_OK && sqlite3_open_v2(path, &x->db,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
				   NULL) != SQLITE_OK)
		st = err_set(err, ST_IO, "open %s: %s", path, sqlite3_errmsg(x->db));
	return st == ST_OK ? index_prepare(x, at, err) : st;
}

static void index_disconnect(struct index *x)
{
	for (int i = 0; i < INDEX_STATEMENTS; i++) {
		sqlite3_finalize(x->st[i]);
		x->st[i] = NULL;
	}
	sqlite3_close(x->db);
	x->db = NULL;
	if (x->file >= 0)
		close(x->file); /* not before: SQLite's locks on the file would go with it (fcntl(2)) */
	x->file = -1;
}

/* A lock that could not be given back (fcntl failed) stays SQLite's for ever, and each question after it
 * waits ten seconds for nothing.  To close the file gives back all. */
void index_unstick(struct index *x)
{
	struct index_place at;
	struct err err = { 0 };

	if (!x->stuck)
		return;
	x->stuck = x->looking = false;
	index_disconnect(x);
	if (index_connect(x, &at, &err) != ST_OK) {
		log_error("store.index-lost", F_C("err", err.text));
		log_flush();
		abort(); /* the next process replays what this one cannot know */
	}
	log_warn("store.index-again", F_INT("segment", at.pos >> 32));
}

enum status index_open(
	struct index **out, const char *path, struct index_place *at, struct err *err)
{
	struct index *x = NEW(struct index);
	enum status st;

	x->path = str_dup_c(str_c(path));
	x->file = -1;
	st = index_connect(x, at, err);
	if (st != ST_OK) {
		index_close(x);
		x = NULL;
	}
	*out = x;
	return st;
}

void index_close(struct index *x)
{
	if (x == NULL)
		return;
	index_disconnect(x);
	buf_deinit(&x->recipients);
	free(x->path);
	free(x);
}

void index_remove(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		struct buf b;
		char *name;

		buf_init(&b, 0);
		buf_printf(&b, "%s%s", path, suffixes[i]);
		name = buf_steal_c(&b);
		(void)unlink(name);
		free(name);
	}
}

struct sqlite3 *index_db(struct index *x)
{
	return x->db;
}
