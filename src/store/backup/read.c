/* Messages of a backup: its journal replayed into an index of its own, which nobody else sees. */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/backup.h"
#include "store/local/impl.h"
#include "store/local/index_impl.h"

struct backup_reader {
	struct disk *disk;
	char *journal_dir, *blob_dir;
	struct index *index;
};

struct backup_reader *backup_reader_open(struct disk *disk, const char *store_dir, struct err *err)
{
	struct backup_reader *r = NEW(struct backup_reader);
	struct index_place at = { 0 };
	struct map map = { 0 };
	enum status status;

	r->disk = disk;
	r->journal_dir = store_journal_path(store_dir);
	r->blob_dir = store_blob_path(store_dir);
	status = index_open(&r->index, "", &at, err);
	if (status == ST_OK)
		status = map_load(&map, disk, r->journal_dir, err);
	if (map.count > 0) /* it was cut where the journal was durable */
		map.segments[map.count - 1].limit = map.segments[map.count - 1].size;
	if (status == ST_OK)
		status = replay(&map, r->index, &at, NULL, err);
	map_free(&map);
	if (status == ST_OK)
		return r;
	backup_reader_close(r);
	return NULL;
}

void backup_reader_close(struct backup_reader *r)
{
	if (r == NULL)
		return;
	index_close(r->index);
	free(r->journal_dir);
	free(r->blob_dir);
	free(r);
}

enum store_result backup_reader_list(
	struct backup_reader *r, uint64_t maildrop, struct store_listing *l)
{
	uint64_t count, octets;
	enum store_result result = index_usage(r->index, maildrop, &count, &octets);

	*l = (struct store_listing){ .maildrop = maildrop };
	return result == STORE_OK ? index_list(r->index, l, INT64_MAX, count) : result;
}

enum store_result backup_reader_facts(
	struct backup_reader *r, struct msgid id, struct store_facts *f)
{
	*f = (struct store_facts){ 0 };
	return index_facts(r->index, id, f);
}

bool backup_reader_uidl(
	struct backup_reader *r, struct msgid id, uint64_t maildrop, struct buf *uidl)
{
	static const char query[] =
		"SELECT uidl, maildrop=?2 AS here FROM delivery WHERE id=?1 UNION ALL "
		"SELECT uidl, maildrop=?2 FROM expunged WHERE id=?1 ORDER BY here DESC LIMIT 1";
	sqlite3_stmt *st = NULL;
	bool found = false;

	if (sqlite3_prepare_v2(index_db(r->index), query, -1, &st, NULL) == SQLITE_OK) {
		bind_id(st, 1, &id);
		bind_u64(st, 2, maildrop);
		found = sqlite3_step(st) == SQLITE_ROW;
	}
	if (found && sqlite3_column_bytes(st, 0) > 0)
		buf_put(uidl,
			str_of(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0)));
	sqlite3_finalize(st);
	return found;
}

static int open_octets(struct backup_reader *r, struct msgid id, const struct index_message *m)
{
	char *path = (m->flags & MESSAGE_BLOB)
			     ? blob_path(r->blob_dir, id)
			     : segment_path(r->journal_dir, pos_segment(m->body_at));
	int file = r->disk->ops->open(r->disk, path, false);

	free(path);
	return file;
}

enum store_result backup_reader_octets(struct backup_reader *r, struct msgid id,
	bool (*each)(void *arg, struct str octets), void *arg)
{
	enum { PIECE = 64 << 10 };
	struct index_message m;
	enum store_result result = index_message(r->index, id, &m);
	char piece[PIECE];
	uint32_t crc = 0;
	uint64_t from;
	int file;

	if (result != STORE_OK)
		return result;
	from = (m.flags & MESSAGE_BLOB) ? 0 : pos_offset(m.body_at);
	file = open_octets(r, id, &m);
	if (file < 0)
		return file == -ENOENT ? STORE_CORRUPT : STORE_UNAVAILABLE;
	/* twice: nothing is given out that is not what was delivered */
	for (int pass = 0; pass < 2 && result == STORE_OK; pass++) {
		for (uint64_t at = 0; result == STORE_OK && at < m.octets;) {
			size_t n = m.octets - at < PIECE ? (size_t)(m.octets - at) : PIECE;

			if (r->disk->ops->read(r->disk, file, piece, n, from + at) != (int64_t)n)
				result = STORE_CORRUPT;
			else if (pass == 0)
				crc = crc32c(crc, piece, n);
			else if (!each(arg, str_of(piece, n)))
				result = STORE_UNAVAILABLE;
			at += n;
		}
		if (pass == 0 && result == STORE_OK && crc != m.crc)
			result = STORE_CORRUPT;
	}
	(void)r->disk->ops->close(r->disk, file);
	return result;
}
