/* What of each segment counts: a look at the index from outside, that holds up nobody. */
#include <sqlite3.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/local/impl.h"

/* Octets of messages in the journal, by segment: somebody has them or they still go on, or they were
 * deleted and can be brought back. */
static const char query[] =
	"WITH has AS (SELECT DISTINCT pos FROM delivery), back AS (SELECT DISTINCT pos FROM "
	"expunged) "
	"SELECT m.at>>32, CASE WHEN m.flags&?1 THEN 0 ELSE m.octets END, has.pos IS NOT NULL OR "
	"EXISTS(SELECT 1 FROM onward o WHERE o.id=m.id AND o.due IS NOT NULL), back.pos IS NOT "
	"NULL "
	"FROM message m LEFT JOIN has ON has.pos=m.pos LEFT JOIN back ON back.pos=m.pos";

static sqlite3 *open_index(const char *dir, sqlite3_stmt **st)
{
	char *path = store_index_path(dir);
	sqlite3 *db = NULL;
	bool good = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) ==
			    SQLITE_OK &&
		    sqlite3_exec(db, "PRAGMA busy_timeout=5000; BEGIN", NULL, NULL, NULL) ==
			    SQLITE_OK &&
		    sqlite3_prepare_v2(db, query, -1, st, NULL) == SQLITE_OK;

	free(path);
	if (good)
		return db;
	sqlite3_close(db);
	return NULL;
}

/* Up to where the index knows the journal: behind it the last segment is only room. */
static uint64_t applied(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	uint64_t pos = 0;

	if (sqlite3_prepare_v2(db, "SELECT pos FROM applied", -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		pos = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return pos;
}

static size_t find_row(const struct store_segment_row *rows, size_t n, uint64_t number)
{
	for (size_t from = 0; n > 0;) {
		size_t middle = from + n / 2;

		if (rows[middle].number == number)
			return middle;
		if (rows[middle].number < number) {
			n -= n / 2 + 1;
			from = middle + 1;
		} else {
			n /= 2;
		}
	}
	return SIZE_MAX;
}

enum status store_local_segments(const char *dir, struct disk *disk,
	struct store_segment_row **rows, size_t *count, struct err *err)
{
	char *journal_dir = store_journal_path(dir);
	sqlite3_stmt *st = NULL;
	sqlite3 *db = open_index(dir, &st);
	struct map map = { 0 };
	enum status status = map_load(&map, disk, journal_dir, err);
	uint64_t end = db == NULL ? 0 : applied(db);

	*rows = mem_array(NULL, map.count + 1, sizeof **rows);
	*count = map.count;
	for (size_t i = 0; i < map.count; i++) {
		const struct map_segment *ms = &map.segments[i];
		uint64_t octets = ms->limit < ms->size ? ms->limit : ms->size;

		if (ms->number == pos_segment(end) && pos_offset(end) < octets)
			octets = pos_offset(end);
		(*rows)[i] = (struct store_segment_row){ .number = ms->number, .octets = octets };
	}
	sqlite3_bind_int(st, 1, MESSAGE_BLOB);
	while (db != NULL && sqlite3_step(st) == SQLITE_ROW) {
		size_t i = find_row(*rows, *count, (uint64_t)sqlite3_column_int64(st, 0));
		uint64_t octets = (uint64_t)sqlite3_column_int64(st, 1);

		if (i == SIZE_MAX)
			continue;
		(*rows)[i].messages++;
		if (sqlite3_column_int(st, 2) != 0)
			(*rows)[i].live += octets;
		else if (sqlite3_column_int(st, 3) != 0)
			(*rows)[i].kept += octets;
	}
	if (status == ST_OK && db == NULL)
		status = err_set(
			err, ST_IO, "the index in %s cannot be read: run restante fsck", dir);
	sqlite3_finalize(st);
	sqlite3_close(db);
	map_free(&map);
	free(journal_dir);
	return status;
}
