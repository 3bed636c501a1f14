/* A database beside the store that its server keeps open, but not to itself. */
#include <sqlite3.h>
#include <unistd.h>

#include "cmd/backup_dest.h"
#include "daemon/control.h"

/* What is opened here may make companions of the file: they must be the server's. */
static sqlite3 *open_source(const char *from, const char *store, struct err *err)
{
	struct borrowed_rights rights = { false };
	sqlite3 *db = NULL;
	bool good = rights_borrow(&rights, store, err) == ST_OK &&
		    sqlite3_open_v2(from, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) ==
			    SQLITE_OK &&
		    sqlite3_exec(db,
			    "PRAGMA busy_timeout=5000; BEGIN; SELECT count(*) FROM sqlite_schema",
			    NULL, NULL, NULL) == SQLITE_OK;

	rights_return(&rights);
	if (good)
		return db;
	(void)err_set(err, ST_IO, "read %s: %s", from, sqlite3_errmsg(db));
	sqlite3_close(db);
	return NULL;
}

enum status backup_copy_sqlite(const char *from, const char *to, const char *store, struct err *err)
{
	sqlite3 *in = open_source(from, store, err), *out = NULL;
	sqlite3_backup *backup = NULL;
	enum status status = in == NULL ? ST_IO : ST_OK;

	if (in != NULL &&
		sqlite3_open_v2(to, &out,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			NULL) == SQLITE_OK &&
		sqlite3_exec(out, "PRAGMA journal_mode=OFF; PRAGMA synchronous=FULL", NULL, NULL,
			NULL) == SQLITE_OK)
		backup = sqlite3_backup_init(out, "main", in, "main");
	if (backup != NULL)
		(void)sqlite3_backup_step(backup, -1);
	/* Only the end of a backup leaves its error in the database. */
	if (in != NULL && (sqlite3_backup_finish(backup) != SQLITE_OK || backup == NULL))
		status = err_set(err, ST_IO, "copy %s: %s", from, sqlite3_errmsg(out));
	sqlite3_close(out);
	sqlite3_close(in);
	return status;
}
