/* SQLite's online backup: a change made between two slices is in the copy too, so the copy is what the
 * directory is at the moment of the last slice. */
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "account/copy.h"
#include "account/directory.h"
#include "base/mem.h"

enum { SLICE_PAGES = 256 };

struct directory_copy {
	sqlite3 *to;
	sqlite3_backup *backup;
	char *path;
};

struct directory_copy *directory_copy_begin(struct directory *d, const char *path, struct err *err)
{
	struct directory_copy *c = NEW(struct directory_copy);

	c->path = str_dup_c(str_c(path));
	(void)unlink(path);
	/* it is read once and removed: whoever keeps it syncs what was read */
	if (sqlite3_open_v2(path, &c->to,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		    NULL) == SQLITE_OK &&
		sqlite3_exec(c->to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL,
			NULL) == SQLITE_OK)
		c->backup = sqlite3_backup_init(c->to, "main", d->db, "main");
	if (c->backup == NULL) {
		err_set(err, ST_IO, "copy the accounts to %s: %s", path, sqlite3_errmsg(c->to));
		directory_copy_end(c);
		return NULL;
	}
	return c;
}

enum status directory_copy_step(struct directory_copy *c, struct err *err)
{
	int rc;

	if (c->backup == NULL)
		return err_set(err, ST_TEMP, "another backup was made meanwhile: try again");
	rc = sqlite3_backup_step(c->backup, SLICE_PAGES);
	switch (rc) {
	case SQLITE_DONE:
		rc = sqlite3_backup_finish(c->backup);
		c->backup = NULL;
		if (rc == SQLITE_OK)
			return ST_OK;
		break;
	case SQLITE_OK:
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return ST_MORE;
	}
	return err_set(err, rc == SQLITE_FULL ? ST_TEMP : ST_IO, "copy the accounts: %s",
		sqlite3_errstr(rc));
}

void directory_copy_end(struct directory_copy *c)
{
	if (c == NULL)
		return;
	sqlite3_backup_finish(c->backup);
	sqlite3_close(c->to);
	(void)unlink(c->path);
	free(c->path);
	free(c);
}
