#include "daemon/remote_state.h"

#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "base/uidl.h"

enum { VERSION = 2 };

enum statement { GET, BY_HEADER, COUNT_ALL, PUT, FORGET, LISTING, SET_LISTING, STATEMENTS };

struct remote_state {
	sqlite3 *db;
	sqlite3_stmt *stmt[STATEMENTS];
	bool walking; /* GET stands on the row that was found last */
};

static const char settings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;";

/* Version 1 had no listing. */
static const char schema[] =
	"CREATE TABLE IF NOT EXISTS seen(remote TEXT NOT NULL, uidl TEXT NOT NULL, id BLOB NOT "
	"NULL,"
	" octets INTEGER NOT NULL, header BLOB NOT NULL, first_ms INTEGER NOT NULL,"
	" state INTEGER NOT NULL, PRIMARY KEY(remote, uidl)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS seen_header ON seen(remote, header);"
	"CREATE TABLE IF NOT EXISTS listing(remote TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT "
	"ROWID;"
	"PRAGMA user_version = 2;";

#define COLUMNS "uidl, id, octets, header, first_ms, state"

static const char *const statements[STATEMENTS] = {
	[GET] = "SELECT " COLUMNS " FROM seen WHERE remote = ?1 AND uidl >= ?2 ORDER BY uidl",
	[BY_HEADER] =
		"SELECT " COLUMNS " FROM seen WHERE remote = ?1 AND header = ?2 AND octets = ?3"
		" LIMIT 2",
	[COUNT_ALL] = "SELECT count(*) FROM seen WHERE remote = ?1",
	[PUT] = ("INSERT OR REPLACE INTO seen(remote, uidl, id, octets, header, first_ms, state)"
		 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
	[FORGET] = "DELETE FROM seen WHERE remote = ?1 AND uidl = ?2",
	[LISTING] = "SELECT digest FROM listing WHERE remote = ?1",
	[SET_LISTING] = "INSERT OR REPLACE INTO listing(remote, digest) VALUES(?1, ?2)",
};

static enum status fail(struct remote_state *s, const char *what, struct err *err)
{
	return err_set(err, ST_IO, "%s in remote.db: %s", what, sqlite3_errmsg(s->db));
}

static int version_of(struct remote_state *s)
{
	sqlite3_stmt *q = NULL;
	int version = 0;

	if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &q, NULL) != SQLITE_OK)
		return 0;
	if (sqlite3_step(q) == SQLITE_ROW)
		version = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return version;
}

static bool run(struct remote_state *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

struct remote_state *remote_state_open(const char *path, struct err *err)
{
	struct remote_state *s = NEW(struct remote_state);
	bool good = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			    NULL) == SQLITE_OK;
	int version = good ? version_of(s) : 0;

	if (version > VERSION) {
		err_set(err, ST_VERSION, "remote.db is of a newer version: use that one");
		remote_state_close(s);
		return NULL;
	}
	good = good && sqlite3_busy_timeout(s->db, 5000) == SQLITE_OK && run(s, settings) &&
	       (version == VERSION || run(s, schema));
	for (size_t i = 0; i < STATEMENTS && good; i++)
		good = sqlite3_prepare_v3(s->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
			       &s->stmt[i], NULL) == SQLITE_OK;
	if (good)
		return s;
	fail(s, "open", err);
	remote_state_close(s);
	return NULL;
}

void remote_state_close(struct remote_state *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->stmt[i]);
	sqlite3_close(s->db);
	free(s);
}

enum status remote_state_begin(struct remote_state *s, struct err *err)
{
	return sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK
		       ? ST_OK
		       : fail(s, "begin", err);
}

enum status remote_state_commit(struct remote_state *s, struct err *err)
{
	if (sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return ST_OK;
	fail(s, "commit", err);
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return ST_IO;
}

static void bind(sqlite3_stmt *q, int at, struct str text)
{
	sqlite3_bind_text(q, at, text.p == NULL ? "" : text.p, (int)text.n, SQLITE_STATIC);
}

static sqlite3_stmt *take(struct remote_state *s, enum statement which, struct str remote)
{
	sqlite3_stmt *q = s->stmt[which];

	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	bind(q, 1, remote);
	return q;
}

static void fill(sqlite3_stmt *q, struct remote_seen *seen)
{
	const void *text = sqlite3_column_text(q, 0);

	*seen = (struct remote_seen){ .uidl = str_of(text, (size_t)sqlite3_column_bytes(q, 0)),
		.octets = sqlite3_column_int64(q, 2),
		.first_ms = sqlite3_column_int64(q, 4),
		.state = (enum remote_seen_state)sqlite3_column_int(q, 5) };
	if (sqlite3_column_bytes(q, 1) == (int)sizeof seen->id.b)
		memcpy(seen->id.b, sqlite3_column_blob(q, 1), sizeof seen->id.b);
	if (sqlite3_column_bytes(q, 3) == REMOTE_DIGEST)
		memcpy(seen->header, sqlite3_column_blob(q, 3), REMOTE_DIGEST);
}

static bool walk_step(sqlite3_stmt *q, struct str uidl, struct remote_seen *seen)
{
	if (sqlite3_step(q) != SQLITE_ROW)
		return false;
	fill(q, seen);
	return str_eq(seen->uidl, uidl);
}

bool remote_state_get(
	struct remote_state *s, struct str remote, struct str uidl, struct remote_seen *seen)
{
	if (s->walking && walk_step(s->stmt[GET], uidl, seen))
		return true;
	bind(take(s, GET, remote), 2, uidl);
	s->walking = walk_step(s->stmt[GET], uidl, seen);
	return s->walking;
}

void remote_state_rest(struct remote_state *s)
{
	sqlite3_reset(s->stmt[GET]);
	s->walking = false;
}

bool remote_state_by_header(struct remote_state *s, struct str remote,
	const unsigned char header[REMOTE_DIGEST], int64_t octets, struct remote_seen *seen)
{
	sqlite3_stmt *q = take(s, BY_HEADER, remote);

	sqlite3_bind_blob(q, 2, header, REMOTE_DIGEST, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, octets);
	if (sqlite3_step(q) != SQLITE_ROW || sqlite3_step(q) == SQLITE_ROW)
		return false;
	sqlite3_reset(q);
	if (sqlite3_step(q) != SQLITE_ROW)
		return false;
	fill(q, seen);
	return true;
}

uint64_t remote_state_count(struct remote_state *s, struct str remote)
{
	sqlite3_stmt *q = take(s, COUNT_ALL, remote);
	uint64_t count = sqlite3_step(q) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(q, 0) : 0;

	sqlite3_reset(q);
	return count;
}

enum status remote_state_put(
	struct remote_state *s, struct str remote, const struct remote_seen *seen, struct err *err)
{
	sqlite3_stmt *q = take(s, PUT, remote);
	bool done;

	bind(q, 2, seen->uidl);
	sqlite3_bind_blob(q, 3, seen->id.b, sizeof seen->id.b, SQLITE_STATIC);
	sqlite3_bind_int64(q, 4, seen->octets);
	sqlite3_bind_blob(q, 5, seen->header, REMOTE_DIGEST, SQLITE_STATIC);
	sqlite3_bind_int64(q, 6, seen->first_ms);
	sqlite3_bind_int(q, 7, (int)seen->state);
	done = sqlite3_step(q) == SQLITE_DONE;
	sqlite3_reset(q);
	return done ? ST_OK : fail(s, "write", err);
}

void remote_state_listing(struct remote_state *s, struct str remote, struct buf *digest)
{
	sqlite3_stmt *q = take(s, LISTING, remote);

	if (sqlite3_step(q) == SQLITE_ROW)
		buf_put(digest, str_c((const char *)sqlite3_column_text(q, 0)));
	sqlite3_reset(q);
}

static enum status change(struct remote_state *s, enum statement which, struct str remote,
	struct str value, struct err *err)
{
	sqlite3_stmt *q = take(s, which, remote);
	bool done;

	bind(q, 2, value);
	done = sqlite3_step(q) == SQLITE_DONE;
	sqlite3_reset(q);
	return done ? ST_OK : fail(s, "write", err);
}

enum status remote_state_set_listing(
	struct remote_state *s, struct str remote, struct str digest, struct err *err)
{
	return change(s, SET_LISTING, remote, digest, err);
}

enum status remote_state_forget(
	struct remote_state *s, struct str remote, struct str uidl, struct err *err)
{
	return change(s, FORGET, remote, uidl, err);
}

struct str remote_uidl(struct str said, char room[REMOTE_UIDL_MAX + 1])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct buf text;

	if (uidl_valid(said))
		return said;
	EVP_Digest(said.p, said.n, hash, NULL, EVP_sha256(), NULL);
	buf_init(&text, 0);
	buf_put(&text, STR("x-"));
	hex_put(&text, str_of(hash, 16));
	memcpy(room, buf_str(&text).p, text.len);
	said = str_of(room, text.len);
	buf_deinit(&text);
	return said;
}

struct msgid remote_id(uint64_t maildrop, struct str uidl, bool stub)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct msgid id;
	struct buf text = { 0 };

	put_u64(&text, maildrop);
	put_u8(&text, stub);
	put_str(&text, uidl);
	EVP_Digest(buf_str(&text).p, text.len, hash, NULL, EVP_sha256(), NULL);
	buf_deinit(&text);
	memcpy(id.b, hash, sizeof id.b);
	return id;
}

void remote_message_id(struct str text, unsigned char to[REMOTE_DIGEST])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct buf plain = { 0 };

	memset(to, 0, REMOTE_DIGEST);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r' && text.p[i] != '\n')
			buf_putc(&plain, text.p[i]);
	text = str_trim(buf_str(&plain));
	if (text.n > 0) {
		EVP_Digest(text.p, text.n, hash, NULL, EVP_sha256(), NULL);
		memcpy(to, hash, REMOTE_DIGEST);
	}
	buf_deinit(&plain);
}
