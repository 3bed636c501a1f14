/* A segment at a time, record by record; a large message's file when its record comes by. */
#include "store/check.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/local/impl.h"

enum { PIECE = 256 << 10 };

struct large {
	struct msgid id;
	uint64_t octets, at;
	uint32_t crc, sum;
	int file; /* -1: none is being read */
};

struct check {
	struct check_source source;
	char *journal_dir, *blob_dir, *piece;
	struct map map;
	size_t at;
	struct scan scan;
	int file;
	bool scanning;
	struct large large;
	uint64_t retired;
	struct msgid *doubtful; /* files of these are not whole; owned */
	size_t ndoubtful;
	struct check_report report;
};

static void found(struct check *c, const struct check_finding *f)
{
	c->report.damaged++;
	c->source.found(c->source.arg, f);
}

struct check *check_open(const struct check_source *source, struct err *err)
{
	struct check *c = NEW(struct check);
	uint64_t segment = 0, end = 0;

	c->source = *source;
	c->large.file = -1;
	c->journal_dir = store_journal_path(source->dir);
	c->blob_dir = store_blob_path(source->dir);
	if (map_load(&c->map, source->disk, c->journal_dir, err) != ST_OK) {
		check_close(c);
		return NULL;
	}
	if (source->store != NULL) {
		store_local_end(source->store, &segment, &end);
		while (c->map.count > 0 && c->map.segments[c->map.count - 1].number > segment)
			c->map.count--;
	}
	for (size_t i = 0; i < c->map.count; i++) {
		struct map_segment *ms = &c->map.segments[i];

		/* all before the durable end was promised; a copy was cut there */
		if (source->store != NULL && ms->number == segment)
			ms->limit = end;
		else if (source->store == NULL && i + 1 == c->map.count)
			ms->limit = ms->size;
		if (ms->number < source->from)
			c->at = i + 1;
		else
			c->report.total += ms->limit < ms->size ? ms->limit : ms->size;
	}
	c->piece = mem_alloc(PIECE);
	return c;
}

void check_close(struct check *c)
{
	if (c == NULL)
		return;
	if (c->scanning) {
		scan_deinit(&c->scan);
		(void)c->source.disk->ops->close(c->source.disk, c->file);
	}
	if (c->large.file >= 0)
		(void)c->source.disk->ops->close(c->source.disk, c->large.file);
	map_free(&c->map);
	free(c->doubtful);
	free(c->journal_dir);
	free(c->blob_dir);
	free(c->piece);
	free(c);
}

const struct check_report *check_report(const struct check *c)
{
	return &c->report;
}

/* ---- large files ---- */

static bool is_wanted(struct check *c, struct msgid id)
{
	struct index_message m;

	return c->source.store == NULL ||
	       (store_apply(c->source.store) &&
		       index_message(c->source.store->index, id, &m) != STORE_NOT_FOUND);
}

/* Without an index it may be forgotten by a later record. */
static void doubt(struct check *c, struct msgid id)
{
	const struct check_finding f = { .what = CHECK_FILE, .has_id = true, .id = id };

	if (c->source.store != NULL) {
		if (is_wanted(c, id))
			found(c, &f);
		return;
	}
	c->doubtful = mem_array(c->doubtful, c->ndoubtful + 1, sizeof *c->doubtful);
	c->doubtful[c->ndoubtful++] = id;
}

static void large_begin(struct check *c, const struct message_meta *m, uint32_t crc)
{
	char *path;

	if (!is_wanted(c, m->id))
		return;
	path = blob_path(c->blob_dir, m->id);
	c->large = (struct large){ .id = m->id,
		.octets = m->octets,
		.crc = crc,
		.file = c->source.disk->ops->open(c->source.disk, path, false) };
	free(path);
	if (c->large.file < 0) {
		c->large.file = -1;
		doubt(c, m->id);
	} else {
		c->report.total += m->octets;
	}
}

static uint64_t large_step(struct check *c)
{
	struct large *l = &c->large;
	int64_t n = c->source.disk->ops->read(c->source.disk, l->file, c->piece, PIECE, l->at);

	if (n > 0) {
		l->sum = crc32c(l->sum, c->piece, (size_t)n);
		l->at += (uint64_t)n;
		c->report.octets += (uint64_t)n;
		if (l->at <= l->octets)
			return (uint64_t)n;
	}
	(void)c->source.disk->ops->close(c->source.disk, l->file);
	l->file = -1;
	if (n < 0 || l->at != l->octets || l->sum != l->crc)
		doubt(c, l->id);
	return n > 0 ? (uint64_t)n : 1;
}

/* ---- records ---- */

static bool message_of(const struct record *r, struct message_meta *m)
{
	if (r->type != RECORD_MESSAGE && r->type != RECORD_MOVED)
		return false;
	return message_get(str_from(r->meta, r->type == RECORD_MOVED ? 8 : 0), m);
}

static void forget(struct check *c, struct str meta)
{
	struct reader in = { .rest = meta };

	while (c->ndoubtful > 0 && in.rest.n > 0 && !in.bad) {
		struct msgid id = get_msgid(&in);

		(void)get_bytes(&in, 8 * (size_t)get_u16(&in));
		for (size_t i = 0; i < c->ndoubtful; i++)
			if (msgid_eq(c->doubtful[i], id))
				c->doubtful[i--] = c->doubtful[--c->ndoubtful];
	}
}

static void on_record(struct check *c, const struct record *r)
{
	struct message_meta m;

	c->report.records++;
	if (r->type == RECORD_FORGET)
		forget(c, r->meta);
	if (r->type == RECORD_RETIRE)
		c->retired = get_u64(&(struct reader){ .rest = r->meta });
	if (!message_of(r, &m))
		return;
	c->report.messages++;
	if (m.flags & MESSAGE_BLOB)
		large_begin(c, &m, r->body_crc);
}

/* What the index still knows of the damaged octets; the records themselves tell nothing. */
static void name_messages(struct check *c, struct check_finding *f)
{
	struct index *x = c->source.store == NULL ? NULL : c->source.store->index;
	sqlite3_stmt *st = NULL;

	if (x != NULL && store_apply(c->source.store) &&
		sqlite3_prepare_v2(index_db(x), "SELECT id FROM message WHERE at>=?1 AND at<?2", -1,
			&st, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, (sqlite3_int64)pos_of(f->segment, f->from));
		sqlite3_bind_int64(st, 2, (sqlite3_int64)pos_of(f->segment, f->to));
		while (sqlite3_step(st) == SQLITE_ROW)
			if (sqlite3_column_bytes(st, 0) == (int)sizeof f->id.b) {
				f->has_id = true;
				memcpy(f->id.b, sqlite3_column_blob(st, 0), sizeof f->id.b);
				found(c, f);
			}
	}
	sqlite3_finalize(st);
	if (!f->has_id)
		found(c, f);
}

static void on_damage(struct check *c, enum check_what what, const struct record *r)
{
	struct check_finding f = {
		.what = what, .segment = c->scan.seg.number, .from = c->scan.from, .to = c->scan.to
	};
	struct message_meta m;

	if (r == NULL) {
		name_messages(c, &f);
		return;
	}
	f.has_id = message_of(r, &m);
	if (f.has_id)
		f.id = m.id;
	found(c, &f);
}

/* False: there is nothing to read in it, or no more. */
static bool segment_begin(struct check *c)
{
	const struct map_segment *ms = &c->map.segments[c->at];
	char *path;

	c->report.segment = ms->number;
	if (ms->state == SEGMENT_DAMAGED || ms->state == SEGMENT_UNREADABLE)
		found(c, &(struct check_finding){ .what = CHECK_HEADER, .segment = ms->number });
	if (ms->state != SEGMENT_GOOD)
		return false;
	path = segment_path(c->journal_dir, ms->number);
	c->file = c->source.disk->ops->open(c->source.disk, path, false);
	free(path);
	if (c->file < 0) {
		/* beside a store: its room was given back meanwhile */
		if (c->source.store == NULL || c->file != -ENOENT)
			found(c, &(struct check_finding){
					 .what = CHECK_SEGMENT, .segment = ms->number });
		return false;
	}
	scan_init(&c->scan, c->source.disk, c->file, &ms->seg, SEGMENT_DATA, ms->limit);
	c->scanning = true;
	return true;
}

static void segment_end(struct check *c)
{
	if (c->scanning) {
		scan_deinit(&c->scan);
		(void)c->source.disk->ops->close(c->source.disk, c->file);
		c->scanning = false;
		c->report.segments++;
	}
	c->at++;
}

/* One record; false: the segment is over. */
static bool record_step(struct check *c)
{
	struct record r;

	switch (scan_next(&c->scan, &r)) {
	case SCAN_RECORD: on_record(c, &r); return true;
	case SCAN_BODY_BAD: on_damage(c, CHECK_MESSAGE, &r); return true;
	case SCAN_DAMAGE: on_damage(c, CHECK_RECORDS, NULL); return true;
	case SCAN_TORN:
	case SCAN_END: break;
	}
	return false;
}

static void missing_segments(struct check *c)
{
	for (size_t i = 0; c->source.from == 0 && i < c->map.count; i++) {
		const struct map_segment *ms = &c->map.segments[i];

		if (ms->state == SEGMENT_GOOD && ms->seg.prev > c->retired &&
			map_find(&c->map, ms->seg.prev) == NULL)
			found(c, &(struct check_finding){
					 .what = CHECK_SEGMENT, .segment = ms->seg.prev });
	}
}

static void finish(struct check *c)
{
	missing_segments(c);
	for (size_t i = 0; i < c->ndoubtful; i++)
		found(c, &(struct check_finding){
				 .what = CHECK_FILE, .has_id = true, .id = c->doubtful[i] });
	c->ndoubtful = 0;
	c->report.total = c->report.octets;
	c->map.count = 0;
}

bool check_step(struct check *c, uint64_t octets)
{
	uint64_t done = 0;

	while (done < octets && c->at < c->map.count) {
		if (c->large.file >= 0) {
			done += large_step(c);
		} else if (!c->scanning && !segment_begin(c)) {
			c->at++;
		} else {
			uint64_t before = c->scan.off;
			bool more = record_step(c);

			c->report.octets += c->scan.off - before;
			done += c->scan.off - before;
			if (!more)
				segment_end(c);
		}
	}
	if (c->at < c->map.count)
		return true;
	if (c->map.count > 0)
		finish(c);
	return false;
}

void check_text(const struct check_finding *f, struct buf *to)
{
	unsigned long long segment = f->segment, from = f->from, end = f->to;
	char id[MSGID_TEXT + 1] = "";

	if (f->has_id)
		msgid_text(f->id, id);
	switch (f->what) {
	case CHECK_HEADER:
		buf_printf(
			to, "journal %08llx: no header can be read; nothing in it counts", segment);
		return;
	case CHECK_RECORDS:
		buf_printf(
			to, "journal %08llx: octets %llu to %llu are damaged", segment, from, end);
		if (f->has_id)
			buf_printf(to, ", in them message %s", id);
		return;
	case CHECK_MESSAGE:
		buf_printf(to, "message %s is damaged (journal %08llx, octet %llu)", id, segment,
			from);
		return;
	case CHECK_FILE:
		buf_printf(to, "message %s: its file under blob/%02x is missing or damaged", id,
			f->id.b[15]);
		return;
	case CHECK_SEGMENT: buf_printf(to, "journal %08llx: the file is missing", segment); return;
	}
}
