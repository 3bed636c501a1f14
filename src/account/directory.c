#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account/directory.h"
#include "base/clock.h"
#include "base/mem.h"

enum {
	SCHEMA_VERSION = 8,
	APPLICATION_ID = 0x52455354, /* "REST" in the file's header, see file(1) */
	BUSY_MS = 2000,
};

/* AUTOINCREMENT: an id names a maildrop and must never come back for somebody else. */
static const char schema[] =
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE domain(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE account(id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL UNIQUE,"
	" disabled INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL,"
	" password_changed_ms INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 1,"
	" hash TEXT NOT NULL, scram_iterations INTEGER NOT NULL, scram_salt BLOB NOT NULL,"
	" scram_stored_key BLOB NOT NULL, scram_server_key BLOB NOT NULL);"
	"CREATE TABLE alias(address TEXT NOT NULL, target TEXT NOT NULL,"
	" PRIMARY KEY(address, target)) WITHOUT ROWID;"
	"CREATE INDEX alias_target ON alias(target);"
	"INSERT INTO meta VALUES('login-secret', randomblob(32));";

/* From version n to n + 1.  A new file is made of version 1 and goes the same way. */
static const char *const upgrades[SCHEMA_VERSION] = {
	[1] = "ALTER TABLE domain ADD COLUMN alias_of TEXT NOT NULL DEFAULT '';"
	      "ALTER TABLE account ADD COLUMN quota_bytes INTEGER NOT NULL DEFAULT -1;"
	      "ALTER TABLE account ADD COLUMN quota_messages INTEGER NOT NULL DEFAULT -1;"
	      "CREATE INDEX account_quota ON account(id)"
	      " WHERE quota_bytes <> -1 OR quota_messages <> -1;"
	      "CREATE TABLE app_password(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	      " account INTEGER NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL,"
	      " scope INTEGER NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
	      " used_ms INTEGER NOT NULL DEFAULT 0, UNIQUE(account, name));"
	      "CREATE UNIQUE INDEX app_password_digest ON app_password(account, digest);"
	      "CREATE TABLE last_login(account INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL,"
	      " ip TEXT NOT NULL, tls TEXT NOT NULL, mechanism TEXT NOT NULL,"
	      " protocol TEXT NOT NULL, app TEXT NOT NULL);"
	      "CREATE TRIGGER account_gone AFTER DELETE ON account BEGIN"
	      " DELETE FROM app_password WHERE account = old.id;"
	      " DELETE FROM last_login WHERE account = old.id; END;",
	[2] = "CREATE TABLE certificate(account INTEGER NOT NULL, key BLOB NOT NULL,"
	      " name TEXT NOT NULL, added_ms INTEGER NOT NULL, PRIMARY KEY(account, key))"
	      " WITHOUT ROWID;"
	      "CREATE INDEX certificate_key ON certificate(key);"
	      "CREATE TRIGGER account_gone_certificates AFTER DELETE ON account BEGIN"
	      " DELETE FROM certificate WHERE account = old.id; END;"
	      /* -2: as the domain says, as restante.conf says */
	      "ALTER TABLE account ADD COLUMN retention_days INTEGER NOT NULL DEFAULT -2;"
	      "ALTER TABLE account ADD COLUMN pop3_folders TEXT NOT NULL DEFAULT '';"
	      "ALTER TABLE domain ADD COLUMN retention_days INTEGER NOT NULL DEFAULT -2;"
	      "CREATE TABLE ban(network TEXT PRIMARY KEY, why INTEGER NOT NULL,"
	      " since_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL) WITHOUT ROWID;"
	      "CREATE INDEX account_retention ON account(retention_days)"
	      " WHERE retention_days <> -2;",
	[3] = "CREATE TABLE dkim_key(domain TEXT NOT NULL, selector TEXT NOT NULL,"
	      " algorithm INTEGER NOT NULL, private BLOB NOT NULL, record TEXT NOT NULL,"
	      " created_ms INTEGER NOT NULL, active_ms INTEGER NOT NULL,"
	      " retired_ms INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(domain, selector))"
	      " WITHOUT ROWID;"
	      "CREATE TRIGGER domain_gone AFTER DELETE ON domain BEGIN"
	      " DELETE FROM dkim_key WHERE domain = old.name; END;"
	      "INSERT INTO meta VALUES('srs-secret', randomblob(32));",
	[4] = "CREATE TABLE suppression(account INTEGER NOT NULL, address TEXT NOT NULL,"
	      " at_ms INTEGER NOT NULL, PRIMARY KEY(account, address)) WITHOUT ROWID;"
	      "CREATE TRIGGER account_gone_suppression AFTER DELETE ON account BEGIN"
	      " DELETE FROM suppression WHERE account = old.id; END;",
	[5] = "CREATE TABLE sent(account INTEGER PRIMARY KEY, hour REAL NOT NULL,"
	      " day REAL NOT NULL, at_ms INTEGER NOT NULL);",
	[6] = "CREATE TABLE correspondent(account INTEGER NOT NULL, address INTEGER NOT NULL,"
	      " at_ms INTEGER NOT NULL, PRIMARY KEY(account, address)) WITHOUT ROWID;"
	      "CREATE INDEX correspondent_time ON correspondent(account, at_ms);"
	      "CREATE TRIGGER account_gone_correspondent AFTER DELETE ON account BEGIN"
	      " DELETE FROM correspondent WHERE account = old.id; END;",
	[7] = "CREATE TABLE quota_told(account INTEGER PRIMARY KEY);"
	      "CREATE TRIGGER account_gone_quota_told AFTER DELETE ON account BEGIN"
	      " DELETE FROM quota_told WHERE account = old.id; END;",
};

#define ACCOUNT_COLUMNS                                                                            \
	"id, address, disabled, created_ms, password_changed_ms, quota_bytes, quota_messages,"     \
	" iif(retention_days <> -2, retention_days, coalesce((SELECT d.retention_days"             \
	" FROM domain d WHERE d.name = substr(address, instr(address, '@') + 1)), -2)), "          \
	"pop3_folders"

static const char *const statements[SQL_COUNT] = {
	[SQL_LOOK] = "BEGIN",
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SAVEPOINT] = "SAVEPOINT one",
	[SQL_RELEASE] = "RELEASE one",
	[SQL_ROLLBACK_TO] = "ROLLBACK TO one",
	[SQL_DOMAIN_ADD] = "INSERT INTO domain(name, alias_of) VALUES(?1, ?2)",
	[SQL_DOMAIN_DEL] = "DELETE FROM domain WHERE name = ?1",
	[SQL_DOMAIN_GET] = "SELECT alias_of FROM domain WHERE name = ?1",
	[SQL_DOMAIN_EACH] = "SELECT name, alias_of, retention_days FROM domain ORDER BY number",
	[SQL_DOMAIN_USED] =
		"SELECT address, 'account' FROM account WHERE substr(address, -length(?1) - 1) = "
		"'@' || ?1"
		" UNION ALL SELECT address, 'alias' FROM alias"
		" WHERE substr(address, -length(?1) - 1) = '@' || ?1"
		" UNION ALL SELECT name, 'domain' FROM domain WHERE alias_of = ?1 LIMIT 1",
	[SQL_ACCOUNT_ADD] = "INSERT INTO account(address, created_ms, password_changed_ms, hash, "
			    "scram_iterations,"
			    " scram_salt, scram_stored_key, scram_server_key) VALUES(?1, ?2, ?2, "
			    "?3, ?4, ?5, ?6, ?7)",
	[SQL_ACCOUNT_DEL] = "DELETE FROM account WHERE address = ?1",
	[SQL_ACCOUNT_PASSWORD] =
		"UPDATE account SET password_changed_ms = ?2, version = version + 1, hash = ?3,"
		" scram_iterations = ?4, scram_salt = ?5, scram_stored_key = ?6, scram_server_key "
		"= ?7"
		" WHERE address = ?1",
	[SQL_ACCOUNT_UPGRADE] =
		"UPDATE account SET hash = ?3, scram_iterations = ?4, scram_salt = ?5,"
		" scram_stored_key = ?6, scram_server_key = ?7 WHERE id = ?1 AND version = ?2",
	[SQL_ACCOUNT_DISABLED] = "UPDATE account SET disabled = ?2, version = version + (disabled "
				 "<> ?2) WHERE address = ?1",
	[SQL_ACCOUNT_QUOTA_SET] =
		"UPDATE account SET quota_bytes = iif(?2 = -2, quota_bytes, ?2),"
		" quota_messages = iif(?3 = -2, quota_messages, ?3) WHERE address = ?1",
	[SQL_ACCOUNT_QUOTA] = "SELECT quota_bytes, quota_messages FROM account WHERE id = ?1",
	[SQL_ACCOUNT_QUOTAS] =
		"SELECT 1 FROM account WHERE quota_bytes <> -1 OR quota_messages <> -1"
		" LIMIT 1",
	[SQL_ACCOUNT_RETENTION] = "UPDATE account SET retention_days = ?2 WHERE address = ?1",
	[SQL_ACCOUNT_FOLDERS] = "UPDATE account SET pop3_folders = ?2 WHERE address = ?1",
	[SQL_DOMAIN_RETENTION] =
		"UPDATE domain SET retention_days = ?2 WHERE name = ?1 AND alias_of = ''",
	[SQL_RETENTION_LEAST] =
		"SELECT min(iif(days > 0, days, NULL)) FROM (SELECT retention_days AS days"
		" FROM account WHERE retention_days <> -2 UNION ALL SELECT retention_days"
		" FROM domain WHERE retention_days <> -2) HAVING count(*) > 0",
	[SQL_APP_ADD] = "INSERT INTO app_password(account, name, digest, scope, created_ms,"
			" expires_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[SQL_APP_DEL] = "DELETE FROM app_password WHERE account = ?1 AND name = ?2",
	[SQL_APP_EACH] = "SELECT id, name, scope, created_ms, expires_ms, used_ms FROM app_password"
			 " WHERE account = ?1 ORDER BY name",
	[SQL_APP_FIND] = "SELECT id, name, scope, expires_ms FROM app_password"
			 " WHERE account = ?1 AND digest = ?2",
	[SQL_APP_USED] = "UPDATE app_password SET used_ms = ?2 WHERE id = ?1",
	[SQL_CERT_ADD] = "INSERT INTO certificate(account, key, name, added_ms)"
			 " VALUES(?1, ?2, ?3, ?4)",
	[SQL_CERT_DEL] = "DELETE FROM certificate WHERE account = ?1 AND key = ?2",
	[SQL_CERT_EACH] = "SELECT key, name, added_ms FROM certificate WHERE account = ?1"
			  " ORDER BY added_ms, key",
	[SQL_CERT_OPENS] = "SELECT 1 FROM certificate WHERE account = ?1 AND key = ?2",
	[SQL_CERT_ACCOUNTS] = "SELECT account FROM certificate WHERE key = ?1 LIMIT 2",
	[SQL_SENT_DEL] = "DELETE FROM sent",
	[SQL_SENT_ADD] = "INSERT OR REPLACE INTO sent(account, hour, day, at_ms)"
			 " VALUES(?1, ?2, ?3, ?4)",
	[SQL_SENT_EACH] = "SELECT account, hour, day, at_ms FROM sent",
	[SQL_BANS_DEL] = "DELETE FROM ban",
	[SQL_BAN_ADD] = "INSERT OR REPLACE INTO ban(network, why, since_ms, until_ms)"
			" VALUES(?1, ?2, ?3, ?4)",
	[SQL_BAN_EACH] = "SELECT network, why, since_ms, until_ms FROM ban",
	[SQL_LAST_LOGIN_SET] =
		"INSERT OR REPLACE INTO last_login(account, at_ms, ip, tls, mechanism,"
		" protocol, app) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7"
		" WHERE EXISTS(SELECT 1 FROM account WHERE id = ?1)",
	[SQL_LAST_LOGIN_GET] = "SELECT at_ms, ip, tls, mechanism, protocol, app FROM last_login"
			       " WHERE account = ?1",
	[SQL_ACCOUNT_GET] = "SELECT " ACCOUNT_COLUMNS " FROM account WHERE address = ?1",
	[SQL_ACCOUNT_BY_ID] = "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id = ?1",
	[SQL_ACCOUNT_EACH] =
		"SELECT " ACCOUNT_COLUMNS " FROM account WHERE address>?1 ORDER BY address",
	[SQL_ACCOUNT_FIRST] = "SELECT id FROM account WHERE disabled = 0 ORDER BY id LIMIT 1",
	[SQL_LOGIN_GET] = "SELECT id, disabled, version, hash, scram_iterations, scram_salt,"
			  " scram_stored_key, scram_server_key FROM account WHERE address = ?1",
	[SQL_LOGIN_VERSION] = "SELECT version FROM account WHERE id = ?1 AND disabled = 0",
	[SQL_ALIAS_ADD] = "INSERT OR IGNORE INTO alias(address, target) VALUES(?1, ?2)",
	[SQL_ALIAS_DEL] = "DELETE FROM alias WHERE address = ?1 AND target = ?2",
	[SQL_ALIAS_DEL_ALL] = "DELETE FROM alias WHERE address = ?1",
	[SQL_ALIAS_GET] = "SELECT 1 FROM alias WHERE address = ?1 LIMIT 1",
	[SQL_ALIAS_EACH] = "SELECT address, target FROM alias ORDER BY address, target",
	[SQL_ALIAS_POINTING_AT] =
		"SELECT address FROM alias WHERE target = ?1 ORDER BY address LIMIT 1",
	/* Levels under ?1, and whether ?1 is met again.  UNION drops what a level holds twice, ?2 bounds the
	 * levels: a loop ends too. */
	[SQL_ALIAS_DOWN] =
		"WITH RECURSIVE down(name, depth) AS (VALUES(?1, 0) UNION SELECT target, depth + 1"
		" FROM down JOIN alias ON address = name WHERE depth < ?2)"
		" SELECT max(depth), max(depth > 0 AND name = ?1) FROM down",
	[SQL_ALIAS_UP] =
		"WITH RECURSIVE up(name, depth) AS (VALUES(?1, 0) UNION SELECT address, depth + 1"
		" FROM up JOIN alias ON target = name WHERE depth < ?2) SELECT max(depth) FROM up",
	[SQL_ALIAS_ACCOUNTS] =
		"WITH RECURSIVE down(name, depth) AS (VALUES(?1, 0) UNION SELECT target, depth + 1"
		" FROM down JOIN alias ON address = name WHERE depth < ?2)"
		" SELECT DISTINCT id, disabled FROM down JOIN account ON account.address = name "
		"ORDER BY id",
	[SQL_ACCOUNT_STATE] = "SELECT id, disabled FROM account WHERE address = ?1",
	/* Ends that are no address of ours: aliases point at nothing else that does not exist. */
	[SQL_ALIAS_ONWARD] =
		"WITH RECURSIVE down(name, depth) AS (VALUES(?1, 0) UNION SELECT target, depth + 1"
		" FROM down JOIN alias ON address = name WHERE depth < ?2)"
		" SELECT DISTINCT name FROM down WHERE depth > 0"
		" AND NOT EXISTS (SELECT 1 FROM account WHERE account.address = name)"
		" AND NOT EXISTS (SELECT 1 FROM alias WHERE alias.address = name) ORDER BY name",
	[SQL_SUPPRESSION_ADD] = "INSERT INTO suppression VALUES(?1, ?2, ?3)"
				" ON CONFLICT(account, address) DO UPDATE SET at_ms = ?3",
	[SQL_SUPPRESSION_GET] = "SELECT 1 FROM suppression WHERE account = ?1 AND address = ?2",
	[SQL_SUPPRESSION_DEL] = "DELETE FROM suppression WHERE address = ?2"
				" AND account = (SELECT id FROM account a WHERE a.address = ?1)",
	[SQL_SUPPRESSION_EACH] =
		"SELECT a.address, s.address, s.at_ms FROM suppression s"
		" JOIN account a ON a.id = s.account ORDER BY a.address, s.address",
	[SQL_CORRESPONDENT_GET] =
		"SELECT at_ms FROM correspondent WHERE account = ?1 AND address = ?2",
	[SQL_CORRESPONDENT_NEW] =
		"SELECT count(*) FROM correspondent WHERE account = ?1 AND at_ms > ?2",
	[SQL_CORRESPONDENT_ADD] = "INSERT OR REPLACE INTO correspondent VALUES(?1, ?2, ?3)",
	[SQL_CORRESPONDENT_TRIM] =
		"DELETE FROM correspondent WHERE account = ?1 AND at_ms <= (SELECT at_ms"
		" FROM correspondent WHERE account = ?1 ORDER BY at_ms DESC LIMIT 1 OFFSET ?2)",
	[SQL_DKIM_ADD] = "INSERT INTO dkim_key(domain, selector, algorithm, private, record,"
			 " created_ms, active_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_DKIM_DEL] = "DELETE FROM dkim_key WHERE domain = ?1 AND ?2 IN (selector, '')",
	[SQL_DKIM_EACH] = "SELECT domain, selector, algorithm, private, record, created_ms,"
			  " active_ms, retired_ms FROM dkim_key WHERE ?1 IN (domain, '')"
			  " ORDER BY domain, algorithm DESC, created_ms, selector",
	[SQL_DKIM_RETIRE] = "UPDATE dkim_key SET retired_ms = ?3 WHERE domain = ?1"
			    " AND active_ms <= ?2 AND (retired_ms = 0 OR retired_ms > ?2)",
	[SQL_DKIM_RETIRE_NOW] = "UPDATE dkim_key SET retired_ms = ?2 WHERE domain = ?1"
				" AND retired_ms > ?2",
	[SQL_DKIM_ACTIVATE] = "UPDATE dkim_key SET active_ms = ?2 WHERE domain = ?1"
			      " AND active_ms > ?2",
	[SQL_QUOTA_TOLD] = "SELECT 1 FROM quota_told WHERE account = ?1",
	[SQL_QUOTA_TOLD_ADD] = "INSERT OR IGNORE INTO quota_told(account) SELECT id"
			       " FROM account WHERE id = ?1",
	[SQL_QUOTA_TOLD_DEL] = "DELETE FROM quota_told WHERE account = ?1",
	[SQL_SRS_SECRET] = "SELECT value FROM meta WHERE key = 'srs-secret'",
};

static enum status sql_err(sqlite3 *db, const char *what, struct err *err)
{
	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(
			err, ST_TEMP, "directory: %s: another process holds it; try again", what);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(err, ST_CORRUPT, "directory: %s: %s; restore the file from a backup",
			what, sqlite3_errmsg(db));
	case SQLITE_CONSTRAINT:
		return err_set(err, ST_EXISTS, "directory: %s: %s", what, sqlite3_errmsg(db));
	}
	return err_set(err, ST_IO, "directory: %s: %s; check the disk and the file's permissions",
		what, sqlite3_errmsg(db));
}

/* Questions are asked in one transaction that stays open until the next change: each of its own would ask the
 * kernel for the size of the file. */
static void look(struct directory *d)
{
	if (d->looking || sqlite3_get_autocommit(d->db) == 0)
		return;
	d->looking = sqlite3_step(d->stmt[SQL_LOOK]) == SQLITE_DONE;
	sqlite3_reset(d->stmt[SQL_LOOK]);
}

static void look_end(struct directory *d)
{
	if (!d->looking)
		return;
	(void)sqlite3_step(d->stmt[SQL_COMMIT]);
	sqlite3_reset(d->stmt[SQL_COMMIT]);
	d->looking = sqlite3_get_autocommit(d->db) == 0;
}

static bool prepare(struct directory *d, enum statement which)
{
	return d->stmt[which] != NULL ||
	       sqlite3_prepare_v3(d->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT,
		       &d->stmt[which], NULL) == SQLITE_OK;
}

/* Of one that cannot be prepared, to step says so: SQLite takes NULL for a misuse, and its message stays. */
sqlite3_stmt *sql_take(struct directory *d, enum statement which)
{
	if (!prepare(d, which))
		return NULL;
	if (sqlite3_stmt_readonly(d->stmt[which]))
		look(d);
	else
		look_end(d);
	return d->stmt[which];
}

void sql_bind(sqlite3_stmt *s, int at, struct str text)
{
	sqlite3_bind_text64(s, at, text.p, text.n, SQLITE_STATIC, SQLITE_UTF8);
}

void sql_bind_blob(sqlite3_stmt *s, int at, const void *p, size_t n)
{
	sqlite3_bind_blob64(s, at, p, n, SQLITE_STATIC);
}

struct str sql_text(sqlite3_stmt *s, int column)
{
	const void *p = sqlite3_column_blob(s, column);

	return str_of(p == NULL ? "" : p, (size_t)sqlite3_column_bytes(s, column));
}

enum status sql_step(
	struct directory *d, sqlite3_stmt *s, bool *row, const char *what, struct err *err)
{
	int rc = sqlite3_step(s);

	if (row != NULL)
		*row = rc == SQLITE_ROW;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ST_OK : sql_err(d->db, what, err);
}

void sql_done(sqlite3_stmt *s)
{
	if (s == NULL)
		return;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

enum status sql_run(struct directory *d, enum statement which, const char *what, struct err *err)
{
	sqlite3_stmt *s = sql_take(d, which);
	enum status status = sql_step(d, s, NULL, what, err);

	sql_done(s);
	return status;
}

/* An error of the disk makes SQLite roll the whole transaction back by itself (lang_transaction.html): what comes after
 * it would be committed alone, and the end would be that of a look() that has begun since. */
static enum status still_there(const struct directory *d, struct err *err)
{
	if (!d->looking && sqlite3_get_autocommit(d->db) == 0)
		return ST_OK;
	return err_set(err, ST_IO, "directory: nothing of it was kept; check the disk");
}

enum status directory_begin(struct directory *d, struct err *err)
{
	if (d->batch && still_there(d, err) != ST_OK)
		return ST_IO;
	return sql_run(d, d->batch ? SQL_SAVEPOINT : SQL_BEGIN, "begin", err);
}

enum status directory_end_unseen(struct directory *d, enum status status, struct err *err)
{
	if (status == ST_OK)
		status = still_there(d, err);
	if (d->batch && status != ST_OK)
		sql_run(d, SQL_ROLLBACK_TO, "rollback", NULL);
	if (d->batch)
		status = sql_run(d, SQL_RELEASE, "commit", err) == ST_OK ? status : ST_IO;
	else if (status == ST_OK)
		status = sql_run(d, SQL_COMMIT, "commit", err);
	if (!d->batch && status != ST_OK && !sqlite3_get_autocommit(d->db))
		sql_run(d, SQL_ROLLBACK, "rollback", NULL);
	return status;
}

enum status directory_end(struct directory *d, enum status status, struct err *err)
{
	status = directory_end_unseen(d, status, err);
	resolve_cache_flush(d->cache);
	d->generation++;
	if (d->changes != NULL)
		++*d->changes;
	d->quotas_known = d->retention_known = false;
	return status;
}

enum status directory_batch_begin(struct directory *d, struct err *err)
{
	enum status status = directory_begin(d, err);

	d->batch = status == ST_OK;
	return status;
}

enum status directory_batch_end(struct directory *d, struct err *err)
{
	d->batch = false;
	return directory_end(d, ST_OK, err);
}

static enum status exec(sqlite3 *db, const char *sql, const char *what, struct err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ST_OK
								    : sql_err(db, what, err);
}

static int64_t pragma_int(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s;
	int64_t v = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		v = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return v;
}

static enum status create(sqlite3 *db, struct err *err)
{
	char sql[sizeof schema + 128];

	snprintf(sql, sizeof sql, "%sPRAGMA application_id = %d;", schema, APPLICATION_ID);
	return exec(db, sql, "create", err);
}

static enum status upgrade(sqlite3 *db, int64_t version, struct err *err)
{
	char sql[64];
	enum status status = ST_OK;

	for (int64_t v = version; v < SCHEMA_VERSION && status == ST_OK; v++)
		status = exec(db, upgrades[v], "upgrade", err);
	snprintf(sql, sizeof sql, "PRAGMA user_version = %d", SCHEMA_VERSION);
	return status == ST_OK ? exec(db, sql, "upgrade", err) : status;
}

/* Another process may be making the file at this very moment: the question is asked again
 * under the write lock. */
static enum status check_version(sqlite3 *db, const char *path, struct err *err)
{
	enum status status = exec(db, "BEGIN IMMEDIATE", "open", err);
	int64_t version, application, objects;

	if (status != ST_OK)
		return status;
	version = pragma_int(db, "PRAGMA user_version");
	application = pragma_int(db, "PRAGMA application_id");
	objects = pragma_int(db, "SELECT count(*) FROM sqlite_schema");
	if (version == 0 && application == 0 && objects == 0) {
		status = create(db, err);
		if (status == ST_OK)
			status = upgrade(db, 1, err);
	} else if (application != APPLICATION_ID) {
		status = err_set(
			err, ST_CORRUPT, "%s is no directory of restante: move it away", path);
	} else if (version > SCHEMA_VERSION) {
		status = err_set(err, ST_VERSION,
			"%s has version %" PRId64 ", this program knows %d: use a newer restante",
			path, version, SCHEMA_VERSION);
	} else if (version >= 1 && version < SCHEMA_VERSION) {
		status = upgrade(db, version, err);
	} else if (version != SCHEMA_VERSION) {
		status = err_set(
			err, ST_CORRUPT, "%s has no version that ever was: restore a backup", path);
	}
	if (status == ST_OK)
		return exec(db, "COMMIT", "create", err);
	exec(db, "ROLLBACK", "rollback", NULL);
	return status;
}

/* EXCLUSIVE: whoever opens the directory holds the state's lock, and a lookup then costs no system call.
 * FULL: a change is synced before it is answered. */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
			       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			       "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
			       "PRAGMA temp_store = MEMORY;";

static enum status prepare_first(struct directory *d, enum statement count, struct err *err)
{
	for (enum statement i = 0; i < count; i++)
		if (!prepare(d, i))
			return sql_err(d->db, "prepare", err);
	return ST_OK;
}

enum status directory_prepare(struct directory *d, struct err *err)
{
	return prepare_first(d, SQL_COUNT, err);
}

static enum status read_secret(struct directory *d, struct err *err)
{
	bool row;
	enum status status;
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(d->db, "SELECT value FROM meta WHERE key = 'login-secret'", -1, &s,
		    NULL) != SQLITE_OK)
		return sql_err(d->db, "prepare", err);
	status = sql_step(d, s, &row, "read the login secret", err);
	if (status == ST_OK && (!row || sql_text(s, 0).n != sizeof d->secret))
		status = err_set(err, ST_CORRUPT,
			"directory: the login secret is missing: restore a backup");
	if (status == ST_OK)
		memcpy(d->secret, sql_text(s, 0).p, sizeof d->secret);
	sqlite3_finalize(s);
	return status;
}

void directory_count_changes(struct directory *d, _Atomic uint64_t *changes)
{
	d->changes = changes;
	++*changes;
}

struct directory *directory_open(const char *path, struct err *err)
{
	struct directory *d = NEW(struct directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* SQLite would follow the umask */

	d->cache = resolve_cache_new();
	if (fd < 0) {
		err_set(err, ST_IO, "open %s: %s", path, strerror(errno));
		goto out;
	}
	close(fd);
	if (sqlite3_open_v2(path, &d->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
		SQLITE_OK) {
		err_set(err, ST_IO, "open %s: %s", path, sqlite3_errmsg(d->db));
		goto out;
	}
	sqlite3_extended_result_codes(d->db, 1);
	sqlite3_busy_timeout(d->db, BUSY_MS);
	/* What begins and ends changes is there whatever memory is left then; the rest when it is first asked. */
	if (exec(d->db, settings, "open", err) != ST_OK ||
		check_version(d->db, path, err) != ST_OK || read_secret(d, err) != ST_OK ||
		prepare_first(d, SQL_ROLLBACK_TO + 1, err) != ST_OK)
		goto out;
	return d;
out:
	directory_close(d);
	return NULL;
}

void directory_close(struct directory *d)
{
	if (d == NULL)
		return;
	directory_flush_logins(d);
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(d->stmt[i]);
	sqlite3_close(d->db);
	resolve_cache_free(d->cache);
	free(d->logins);
	free(d->login_at);
	mem_wipe(d->secret, sizeof d->secret);
	free(d);
}
