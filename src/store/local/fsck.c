/* fsck: reads the journal as a rebuild would, into a private index, and compares.  Changes nothing.
 * Beside a server: the real index is read as of one moment, and the journal is applied up to where
 * that moment says. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/local/impl.h"
#include "store/local/index_impl.h"
#include "store/local/replay.h"

struct fsck {
	struct walker w;
	struct disk *disk;
	char *blob_dir;
	struct fsck_report *report;
	struct fsck_watch watch;
	uint64_t read, total; /* octets of the journal and of large files; total grows */
	struct index *mine;
	uint64_t until; /* apply records before this position; the rest is only judged */
	struct index_place at;
	size_t in_batch;
	bool failed;            /* `mine` lacks something: nothing can be compared with it */
	uint64_t retired;       /* segments up to this one may be gone */
	struct msgid *doubtful; /* their files are not whole; owned */
	size_t ndoubtful;
};

__attribute__((format(printf, 2, 3))) static void tell(struct fsck *f, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (f->watch.say == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	f->watch.say(f->watch.arg, line);
}

/* True when the file is there and holds what was delivered. */
static bool blob_is_whole(struct fsck *f, const struct message_meta *m, uint32_t crc)
{
	enum { PIECE = 256 << 10 };
	char *path = blob_path(f->blob_dir, m->id), *piece;
	int file = f->disk->ops->open(f->disk, path, false);
	uint64_t at = 0;
	uint32_t sum = 0;

	free(path);
	if (file < 0)
		return false;
	piece = mem_alloc(PIECE);
	while (at <= m->octets) {
		int64_t n = f->disk->ops->read(f->disk, file, piece, PIECE, at);

		if (n <= 0)
			break;
		sum = crc32c(sum, piece, (size_t)n);
		at += (uint64_t)n;
	}
	free(piece);
	(void)f->disk->ops->close(f->disk, file);
	return at == m->octets && sum == crc;
}

static void count_message(struct fsck *f, const struct record *r)
{
	struct message_target t;
	struct message_meta m;
	struct moved state;
	struct str meta = r->type == RECORD_MOVED ? str_from(r->meta, 8) : r->meta;

	if (!message_get(meta, &m))
		return;
	f->report->messages++;
	f->report->octets += m.octets;
	if (m.flags & MESSAGE_BLOB) {
		f->read += m.octets;
		f->total += m.octets;
	}
	if ((m.flags & MESSAGE_BLOB) && !blob_is_whole(f, &m, r->body_crc)) {
		f->doubtful = mem_array(f->doubtful, f->ndoubtful + 1, sizeof *f->doubtful);
		f->doubtful[f->ndoubtful++] = m.id;
	}
	while (moved_target(r->type, &m, &t, &state))
		f->report->deliveries++;
}

static void end_batch(struct fsck *f)
{
	if (f->in_batch > 0 && !index_commit(f->mine, &f->at))
		f->failed = true;
	f->in_batch = 0;
}

static void fsck_record(struct walker *w, const struct record *r, const struct segment *seg)
{
	struct fsck *f = (struct fsck *)w;

	f->report->records++;
	f->read += r->size;
	if (f->watch.progress != NULL)
		f->watch.progress(f->watch.arg, f->read, f->total, f->report->messages);
	if (r->type == RECORD_MESSAGE || r->type == RECORD_MOVED)
		count_message(f, r);
	if (r->type == RECORD_RETIRE)
		f->retired = get_u64(&(struct reader){ .rest = r->meta });
	if (r->pos >= f->until || f->failed)
		return;
	if (f->in_batch++ == 0)
		index_begin(f->mine);
	index_apply(f->mine, r);
	f->at = (struct index_place){ r->pos + r->size, seg->salt };
	if (f->in_batch == 4096)
		end_batch(f);
}

static void fsck_finding(
	struct walker *w, enum scan_event event, uint64_t segment, uint64_t from, uint64_t to)
{
	struct fsck *f = (struct fsck *)w;
	unsigned long long n = segment, a = from, b = to;

	switch (event) {
	case SCAN_TORN:
		f->report->torn++;
		tell(f, "journal %08llx: octets from %llu were never promised (harmless)", n, a);
		break;
	case SCAN_BODY_BAD:
		f->report->corrupt++;
		tell(f, "journal %08llx: the message at %llu is damaged", n, a);
		break;
	case SCAN_DAMAGE:
		f->report->corrupt++;
		tell(f,
			to == 0 ? "journal %08llx: no header can be read; nothing in it counts"
				: "journal %08llx: octets %llu to %llu were promised and are "
				  "damaged",
			n, a, b);
		break;
	case SCAN_RECORD:
	case SCAN_END: break;
	}
}

/* ---- comparing ---- */

static const struct table {
	const char *name, *query;
	int keys; /* so many leading columns */
} tables[] = {
	{ "onward", "SELECT * FROM onward ORDER BY id, number", 2 },
	{ "message", "SELECT * FROM message ORDER BY id", 1 },
	{ "delivery", "SELECT * FROM delivery ORDER BY maildrop, pos", 2 },
	{ "expunged", "SELECT * FROM expunged ORDER BY maildrop, pos", 2 },
	{ "maildrop", "SELECT * FROM maildrop WHERE count<>0 OR octets<>0 ORDER BY id", 1 },
};

static int compare_column(sqlite3_stmt *a, sqlite3_stmt *b, int i)
{
	int ta = sqlite3_column_type(a, i), tb = sqlite3_column_type(b, i);
	sqlite3_int64 x, y;
	struct str s, t;

	if (ta != tb)
		return ta < tb ? -1 : 1;
	if (ta == SQLITE_INTEGER) {
		x = sqlite3_column_int64(a, i);
		y = sqlite3_column_int64(b, i);
		return x < y ? -1 : x > y;
	}
	s.p = sqlite3_column_blob(a, i);
	s.n = (size_t)sqlite3_column_bytes(a, i);
	t.p = sqlite3_column_blob(b, i);
	t.n = (size_t)sqlite3_column_bytes(b, i);
	return str_cmp(s, t);
}

static int compare_columns(sqlite3_stmt *a, sqlite3_stmt *b, int from, int to)
{
	int c = 0;

	for (int i = from; c == 0 && i < to; i++)
		c = compare_column(a, b, i);
	return c;
}

/* Both in the order of the key: a merge. */
static void compare_rows(struct fsck *f, const struct table *t, sqlite3_stmt *a, sqlite3_stmt *b)
{
	int ra = sqlite3_step(a), rb = sqlite3_step(b);
	uint64_t differs = 0;

	while (ra == SQLITE_ROW || rb == SQLITE_ROW) {
		int c = ra != SQLITE_ROW   ? 1
			: rb != SQLITE_ROW ? -1
					   : compare_columns(a, b, 0, t->keys);

		differs += c != 0 || compare_columns(a, b, t->keys, sqlite3_column_count(a)) != 0;
		if (c <= 0)
			ra = sqlite3_step(a);
		if (c >= 0)
			rb = sqlite3_step(b);
	}
	f->failed |= ra != SQLITE_DONE;
	differs += rb != SQLITE_DONE;
	f->report->index_differs += differs;
	if (differs > 0)
		tell(f, "index: %llu rows of table %s are not what the journal says",
			(unsigned long long)differs, t->name);
}

static void compare_index(struct fsck *f, sqlite3 *theirs)
{
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		sqlite3_stmt *a = NULL, *b = NULL;

		if (sqlite3_prepare_v2(index_db(f->mine), tables[i].query, -1, &a, NULL) ==
				SQLITE_OK &&
			sqlite3_prepare_v2(theirs, tables[i].query, -1, &b, NULL) == SQLITE_OK) {
			compare_rows(f, &tables[i], a, b);
		} else {
			f->report->index_differs++;
			tell(f, "index: table %s cannot be read", tables[i].name);
		}
		sqlite3_finalize(a);
		sqlite3_finalize(b);
	}
}

/* The real index, held at one moment; NULL when it cannot be read. */
static sqlite3 *open_theirs(const char *path, uint64_t *pos, int *format)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	bool ok = false;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) ==
			SQLITE_OK &&
		sqlite3_exec(db, "PRAGMA busy_timeout=5000; BEGIN", NULL, NULL, NULL) ==
			SQLITE_OK &&
		sqlite3_prepare_v2(db, "SELECT pos, format FROM applied", -1, &st, NULL) ==
			SQLITE_OK)
		ok = sqlite3_step(st) == SQLITE_ROW;
	if (ok) {
		*pos = (uint64_t)sqlite3_column_int64(st, 0);
		*format = sqlite3_column_int(st, 1);
	}
	sqlite3_finalize(st);
	if (!ok) {
		sqlite3_close(db);
		db = NULL;
	}
	return db;
}

static void report_missing_segments(struct fsck *f, struct map *m)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct map_segment *ms = &m->segments[i];

		if (ms->state != SEGMENT_GOOD || ms->seg.prev == 0 ||
			map_find(m, ms->seg.prev) != NULL || ms->seg.prev <= f->retired)
			continue;
		f->report->corrupt++;
		tell(f, "journal %08llx: the file is missing", (unsigned long long)ms->seg.prev);
	}
}

/* Messages that were forgotten later have no file any more. */
static void report_missing_files(struct fsck *f)
{
	for (size_t i = 0; i < f->ndoubtful; i++) {
		struct index_message m;
		char text[MSGID_TEXT + 1];

		if (index_message(f->mine, f->doubtful[i], &m) == STORE_NOT_FOUND)
			continue;
		msgid_text(f->doubtful[i], text);
		f->report->missing++;
		tell(f, "message %s: its file under blob/%02x is missing or damaged", text,
			f->doubtful[i].b[15]);
	}
	free(f->doubtful);
	f->doubtful = NULL;
	f->ndoubtful = 0;
}

static enum status check(struct fsck *f, const char *journal_dir, sqlite3 *theirs, struct err *err)
{
	struct index_place nothing;
	struct map map;
	enum status st = index_open(&f->mine, "", &nothing, err);

	if (st != ST_OK)
		return st;
	st = map_load(&map, f->disk, journal_dir, err);
	if (st == ST_OK) {
		f->report->segments = map.count;
		for (size_t i = 0; i < map.count; i++)
			f->total += map.segments[i].limit < map.segments[i].size
					    ? map.segments[i].limit
					    : map.segments[i].size;
		st = map_walk(&map, 0, &f->w, NULL, err);
		end_batch(f);
		report_missing_segments(f, &map);
		report_missing_files(f);
	}
	map_free(&map);
	if (st == ST_OK && theirs != NULL && !f->failed) {
		if (f->at.pos < f->until && f->until != 0) {
			f->report->corrupt++;
			tell(f, "the index knows more of the journal than there is");
		}
		compare_index(f, theirs);
	}
	index_close(f->mine);
	/* What of the journal was said already stays true. */
	if (st == ST_OK && f->failed)
		st = err_set(err, ST_IO,
			"the index was not compared: the temporary file for it cannot be written; "
			"set SQLITE_TMPDIR to a directory with room");
	return st;
}

enum status store_local_fsck(const char *dir, struct disk *disk, struct fsck_report *report,
	const struct fsck_watch *watch, struct err *err)
{
	char *index_path = store_index_path(dir), *journal_dir = store_journal_path(dir);
	struct fsck f = {
		.w = { fsck_record, fsck_finding },
		.disk = disk,
		.blob_dir = store_blob_path(dir),
		.report = report,
	};
	int lock = open(journal_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int format = INDEX_FORMAT;
	sqlite3 *theirs;
	enum status st;

	if (watch != NULL)
		f.watch = *watch;
	/* a running server removes nothing while this is held */
	if (lock >= 0)
		(void)flock(lock, LOCK_SH);
	theirs = open_theirs(index_path, &f.until, &format);

	*report = (struct fsck_report){ 0 };
	/* After a restore: a view that nobody has made yet. */
	if (theirs == NULL && access(index_path, F_OK) != 0 && errno == ENOENT) {
		tell(&f, "index: there is none yet; the next serve makes it");
	} else if (theirs == NULL) {
		report->index_differs++;
		tell(&f, "the index cannot be read: restante fsck --rebuild makes it anew");
	}
	/* After an upgrade: no damage, and nothing that could be compared. */
	if (format != INDEX_FORMAT) {
		tell(&f, "index: of another version of restante; the next serve makes it anew");
		sqlite3_close(theirs);
		theirs = NULL;
	}
	st = check(&f, journal_dir, theirs, err);
	sqlite3_close(theirs);
	if (lock >= 0)
		close(lock);
	free(f.blob_dir);
	free(index_path);
	free(journal_dir);
	return st;
}

/* ---- rebuilding ---- */

static enum status rebuild_into(const char *path, struct map *m, struct err *err)
{
	struct journal_tail tail; /* asked for, so that what is replayed is synced first */
	struct index_place at;
	struct index *x;
	enum status st;

	index_remove(path);
	st = index_open(&x, path, &at, err);
	if (st != ST_OK)
		return st;
	st = replay(m, x, &at, &tail, err);
	index_close(x); /* folds the log into the file */
	return st;
}

enum status store_local_rebuild(const char *dir, struct disk *disk, struct err *err)
{
	char *index_path = store_index_path(dir), *journal_dir = store_journal_path(dir);
	char *fresh = path_join(dir, "index.sqlite.new");
	struct map map = { 0 };
	int lock = store_lock(dir, err);
	enum status st = ST_TEMP;

	if (lock >= 0)
		st = map_load(&map, disk, journal_dir, err);
	map.guess = true;
	if (st == ST_OK)
		st = rebuild_into(fresh, &map, err);
	if (st == ST_OK) {
		index_remove(index_path);
		if (rename(fresh, index_path) != 0)
			st = err_set(err, ST_IO, "rename %s: %s", fresh, strerror(errno));
	}
	map_free(&map);
	if (lock >= 0)
		close(lock);
	free(fresh);
	free(index_path);
	free(journal_dir);
	return st;
}
