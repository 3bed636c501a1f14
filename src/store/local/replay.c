#include <errno.h>
#ifdef MUTANT_REPLAY_MISCOUNTS
#include <sqlite3.h>
#endif
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/local/replay.h"

enum { REPLAY_BATCH = 2048 };

static void map_add(void *arg, const char *name)
{
	struct map *m = arg;
	uint64_t number;

	if (!segment_number(name, &number))
		return;
	m->segments = mem_array(m->segments, m->count + 1, sizeof *m->segments);
	m->segments[m->count++] = (struct map_segment){ .number = number, .limit = UINT64_MAX };
}

static int by_number(const void *a, const void *b)
{
	const struct map_segment *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

struct map_segment *map_find(struct map *m, uint64_t number)
{
	struct map_segment key = { .number = number };

	if (m->count == 0)
		return NULL;
	return bsearch(&key, m->segments, m->count, sizeof key, by_number);
}

static int segment_file_open(struct map *m, uint64_t number)
{
	char *path = segment_path(m->dir, number);
	int file = m->disk->ops->open(m->disk, path, false);

	free(path);
	return file;
}

static enum status load_one(struct map *m, struct map_segment *ms, struct err *err)
{
	int file = segment_file_open(m, ms->number);

	if (file < 0)
		return err_set(err, ST_IO, "journal segment %08llx: %s",
			(unsigned long long)ms->number, strerror(-file));
	ms->size = (uint64_t)m->disk->ops->size(m->disk, file);
	ms->state = segment_load(m->disk, file, &ms->seg);
	(void)m->disk->ops->close(m->disk, file);
	if (ms->state == SEGMENT_NEWER)
		return err_set(err, ST_PERM,
			"journal segment %08llx was made by a newer version: install that version",
			(unsigned long long)ms->number);
	if (ms->state == SEGMENT_GOOD && ms->seg.number != ms->number)
		ms->state = SEGMENT_DAMAGED; /* a file that was renamed or copied */
	return ST_OK;
}

/* Two segments may speak of the same end, when the first of them could not be used: they agree. */
static void set_limits(struct map *m)
{
	for (size_t i = 0; i < m->count; i++) {
		struct map_segment *prev = NULL;

		if (m->segments[i].state == SEGMENT_GOOD)
			prev = map_find(m, m->segments[i].seg.prev);
		if (prev != NULL && prev->number < m->segments[i].number &&
			m->segments[i].seg.prev_end < prev->limit)
			prev->limit = m->segments[i].seg.prev_end;
	}
}

/* The last segment ends in a seal, which proves all before it to be durable, names and directories too: whoever wrote it
 * began that segment, and synced these first. */
static void find_seal(struct map *m)
{
	const struct map_segment *ms = m->count > 0 ? &m->segments[m->count - 1] : NULL;
	char head[RECORD_HEADER];
	struct record r;
	uint64_t at;
	int file;

	if (ms == NULL || ms->state != SEGMENT_GOOD || ms->size < SEGMENT_DATA + RECORD_HEADER)
		return;
	file = segment_file_open(m, ms->number);
	if (file < 0)
		return;
	at = ms->size - RECORD_HEADER;
	m->sealed = m->disk->ops->read(m->disk, file, head, sizeof head, at) == sizeof head &&
		    record_claims(head) == sizeof head &&
		    record_open(head, ms->seg.salt, pos_of(ms->number, at), &r) == RECORD_GOOD &&
		    r.type == RECORD_SEAL && r.durable == at;
	if (m->sealed)
		m->sealed_ms = r.time_ms;
	(void)m->disk->ops->close(m->disk, file);
}

enum status map_load(struct map *m, struct disk *d, const char *dir, struct err *err)
{
	enum status st = ST_OK;
	int rc;

	*m = (struct map){ .disk = d, .dir = dir };
	rc = d->ops->list(d, dir, map_add, m);
	if (rc < 0)
		return err_set(err, ST_IO, "list %s: %s", dir, strerror(-rc));
	if (m->count > 0)
		qsort(m->segments, m->count, sizeof *m->segments, by_number);
	for (size_t i = 0; st == ST_OK && i < m->count; i++)
		st = load_one(m, &m->segments[i], err);
	if (st == ST_OK) {
		set_limits(m);
		find_seal(m);
	}
	return st;
}

void map_free(struct map *m)
{
	free(m->segments);
	m->segments = NULL;
	m->count = 0;
}

bool map_has(struct map *m, const struct index_place *at)
{
	const struct map_segment *ms = map_find(m, pos_segment(at->pos));

	if (at->pos == 0)
		return true;
	return ms != NULL && ms->state == SEGMENT_GOOD && ms->seg.salt == at->salt &&
	       pos_offset(at->pos) <= ms->limit && pos_offset(at->pos) <= ms->size;
}

/* strict: not beyond what cannot be read, as nobody can say what it is: a torn tail or a promise. */
static void walk_records(struct walker *w, struct scan *scan, bool strict, bool *torn)
{
	struct record r;

	for (;;) {
		enum scan_event event = scan_next(scan, &r);

		if (strict && scan->unreadable)
			return;
		switch (event) {
		case SCAN_RECORD: w->record(w, &r, &scan->seg); continue;
		case SCAN_BODY_BAD:
			w->record(w, &r, &scan->seg);
			w->finding(w, event, scan->seg.number, scan->from, scan->to);
			continue;
		case SCAN_DAMAGE:
			w->finding(w, event, scan->seg.number, scan->from, scan->to);
			continue;
		case SCAN_TORN:
			*torn = true;
			w->finding(w, event, scan->seg.number, scan->from, scan->to);
			return;
		case SCAN_END: return;
		}
	}
}

/* Walks to the end: how far the records from `scan->off` on prove the segment to have been synced. */
static uint64_t proven_by(struct scan *scan, struct journal_tail *tail, int *rc)
{
	uint64_t proven = SEGMENT_DATA;
	enum scan_event event;
	struct record r;

	while ((event = scan_next(scan, &r)) != SCAN_END && event != SCAN_TORN) {
		if (event == SCAN_RECORD && r.durable > proven)
			proven = r.durable;
		if (event == SCAN_RECORD && r.time_ms > tail->last_ms)
			tail->last_ms = r.time_ms;
	}
	*rc = event == SCAN_TORN && scan->unreadable ? -EIO : 0;
	return proven;
}

/* What is replayed now is shown, so it must be there after the next crash too.  To sync is not
 * enough: when the sync failed in an earlier life, the kernel has what it could not write as clean
 * in its cache, says yes, and writes nothing.  So the header and all that is not proven to have been
 * synced is written once more, octet for octet, and then synced.  What the index has, up to `from`,
 * is read only when nothing from there on proves it. */
static int make_durable(struct map *m, const struct map_segment *ms, int file, uint64_t from,
	struct journal_tail *tail)
{
	struct disk *d = m->disk;
	uint64_t proven;
	struct scan scan;
	int rc;

#ifdef MUTANT_NO_REPLAY_SYNC
	return 0;
#endif
	scan_init(&scan, d, file, &ms->seg, from, UINT64_MAX);
	proven = proven_by(&scan, tail, &rc);
	if (rc == 0 && proven < from) {
		scan_deinit(&scan);
		scan_init(&scan, d, file, &ms->seg, SEGMENT_DATA, UINT64_MAX);
		proven = proven_by(&scan, tail, &rc);
	}
	if (rc == 0)
		rc = segment_write_again(
			d, file, 0, scan.size < SEGMENT_DATA ? scan.size : SEGMENT_DATA);
	if (rc == 0)
		rc = segment_write_again(d, file, proven, scan.off);
	scan_deinit(&scan);
	return rc != 0 ? rc : d->ops->sync(d, file);
}

static int sync_names(struct map *m)
{
	int dir = m->disk->ops->open_dir(m->disk, m->dir, false), rc;

	if (dir < 0)
		return dir;
	rc = m->disk->ops->sync(m->disk, dir);
	(void)m->disk->ops->close(m->disk, dir);
	return rc;
}

static enum status walk_one(struct map *m, const struct map_segment *ms, uint64_t from,
	struct walker *w, struct journal_tail *tail)
{
	bool torn = false, unreadable, strict = tail != NULL && !m->guess;
	struct scan scan;
	int file;

#ifdef MUTANT_UNREADABLE_IS_TORN
	strict = false;
#endif
	if (tail != NULL)
		tail->last = ms->number;
	if (ms->state == SEGMENT_DAMAGED || ms->state == SEGMENT_UNREADABLE)
		w->finding(w, SCAN_DAMAGE, ms->number, 0, 0);
	if (ms->state != SEGMENT_GOOD)
		return ST_OK;
	if (tail != NULL && ms->seg.time_ms > tail->last_ms)
		tail->last_ms = ms->seg.time_ms;
	file = segment_file_open(m, ms->number);
	if (file < 0)
		return ST_IO;
	if (tail != NULL && ms->limit == UINT64_MAX && !m->sealed &&
		make_durable(m, ms, file, from, tail) != 0) {
		(void)m->disk->ops->close(m->disk, file);
		return ST_IO;
	}
	scan_init(&scan, m->disk, file, &ms->seg, from, ms->limit);
	walk_records(w, &scan, strict, &torn);
	unreadable = strict && scan.unreadable;
	if (tail != NULL) {
		tail->prev = ms->number;
		tail->prev_end = scan.off;
		tail->trim = !torn && ms->limit == UINT64_MAX && scan.off < scan.size;
	}
	scan_deinit(&scan);
	(void)m->disk->ops->close(m->disk, file);
	return unreadable ? ST_IO : ST_OK;
}

static enum status cannot_read(uint64_t number, struct err *err)
{
	return err_set(err, ST_IO,
		"journal segment %08llx cannot be read or synced; check the disk",
		(unsigned long long)number);
}

enum status map_readable(const struct map *m, uint64_t from, struct err *err)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->segments[i].state == SEGMENT_UNREADABLE &&
			m->segments[i].number >= pos_segment(from))
			return cannot_read(m->segments[i].number, err);
	return ST_OK;
}

enum status map_walk(
	struct map *m, uint64_t from, struct walker *w, struct journal_tail *tail, struct err *err)
{
	if (tail != NULL) {
		int rc = m->sealed ? 0 : sync_names(m);

		*tail = (struct journal_tail){ .sealed = m->sealed, .last_ms = m->sealed_ms };
		if (rc != 0)
			return err_set(err, ST_IO, "sync %s: %s", m->dir, strerror(-rc));
	}
	for (size_t i = 0; i < m->count; i++) {
		const struct map_segment *ms = &m->segments[i];
		uint64_t at = SEGMENT_DATA;

		if (ms->number < pos_segment(from))
			continue;
		if (ms->number == pos_segment(from))
			at = pos_offset(from);
		if (walk_one(m, ms, at, w, tail) != ST_OK)
			return cannot_read(ms->number, err);
	}
	return ST_OK;
}

struct replayer {
	struct walker w;
	struct index *index;
	struct index_place at;
	size_t in_batch;
	bool failed;
};

static void replay_commit(struct replayer *p)
{
	if (p->in_batch > 0 && !p->failed)
		p->failed = !index_commit(p->index, &p->at);
	p->in_batch = 0;
}

static void replay_record(struct walker *w, const struct record *r, const struct segment *seg)
{
	struct replayer *p = (struct replayer *)w;

	/* It says nothing to the index, and may not be durable: an index that stands behind it would make the next life
	 * believe that it was there, and call it damaged. */
	if (p->failed || r->type == RECORD_SEAL)
		return;
	if (p->in_batch++ == 0)
		index_begin(p->index);
	index_apply(p->index, r);
#ifdef MUTANT_REPLAY_MISCOUNTS
	(void)sqlite3_exec(
		index_db(p->index), "UPDATE maildrop SET octets=octets+1", NULL, NULL, NULL);
#endif
	p->at = (struct index_place){ r->pos + r->size, seg->salt };
	if (p->in_batch == REPLAY_BATCH)
		replay_commit(p);
}

static void replay_finding(
	struct walker *w, enum scan_event event, uint64_t segment, uint64_t from, uint64_t to)
{
	(void)w;
	if (event == SCAN_TORN)
		log_info("store.torn", F_INT("segment", segment), F_INT("from", from));
	else
		log_error("store.damage", F_INT("segment", segment), F_INT("from", from),
			F_INT("to", to),
			F_C("do", "the octets are kept; restante fsck tells more; check the disk"));
}

enum status replay(struct map *m, struct index *x, struct index_place *at,
	struct journal_tail *tail, struct err *err)
{
	struct replayer p = { .w = { replay_record, replay_finding }, .index = x, .at = *at };
	enum status st = map_walk(m, at->pos, &p.w, tail, err);

	replay_commit(&p);
	*at = p.at;
	if (st == ST_OK && p.failed)
		st = err_set(err, ST_IO, "the index cannot be written; is the disk full?");
	return st;
}
