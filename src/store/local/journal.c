/* Group commit.  One batch is under way at a time; while it syncs, the next gathers, so the batch
 * grows with the load and no timer is needed.
 *
 * A failed write or sync is never tried again on the same file: the kernel may have dropped the
 * pages and would say yes the second time.  The segment is left behind as it was before the batch,
 * and a new one begins whose header says so ("prev ends there"); only then are the waiters told
 * that their change did not happen.  When that cannot be written, the segment is cut back; when
 * that fails too, the answer is the honest STORE_UNKNOWN. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/local/journal.h"

enum {
	BATCH_IOV = 1020,
	BATCH_FILES = 64,
	BATCH_OCTETS = 8 << 20,
	RESERVE_MAX = 1 << 20,
	AHEAD_MAX = 1 << 20,
};

struct journal {
	struct disk *disk;
	char *dir;
	int dir_file;
	struct store_local_config config;
	uint64_t reserve;
	uint64_t ahead; /* zeros written at a time, see place_zeros() */

	struct segment seg; /* the one that is appended to */
	int file;           /* -1: a new segment must begin first */
	uint64_t end;       /* all before is durable */
	uint64_t capacity;
	uint64_t wet;  /* all before has been written once, if only with zeros */
	bool sealed;   /* as the last life left it; see keep_seal() */
	bool trim;     /* the segment's room behind `end` may be given back */
	bool unsure;   /* behind `end` may stand what a crash makes count */
	uint64_t last; /* highest number ever used */

	struct link waiting;
	struct link batch; /* under way */
	size_t count;
	uint64_t batch_octets;
	struct disk_commit commit;
	struct iovec iov[BATCH_IOV + 1]; /* the last: place_zeros() */
	struct disk_link files[BATCH_FILES];
	int dirs[BATCH_FILES];
};

static char zeros[AHEAD_MAX]; /* never written to, so without memory of its own */

void journal_entry_init(struct journal_entry *e, enum record_type type)
{
	*e = (struct journal_entry){ .type = type };
	list_init(&e->link);
	buf_init(&e->record, 0);
	buf_fill(&e->record, 0, RECORD_HEADER);
}

struct journal *journal_open(struct disk *d, const char *dir, int dir_file,
	const struct store_local_config *config, const struct journal_tail *tail)
{
	struct journal *j = NEW(struct journal);

	j->disk = d;
	j->dir = str_dup_c(str_c(dir));
	j->dir_file = dir_file;
	j->config = *config;
	j->reserve =
		config->segment_octets / 8 < RESERVE_MAX ? config->segment_octets / 8 : RESERVE_MAX;
	j->ahead =
		config->segment_octets / 64 < AHEAD_MAX ? config->segment_octets / 64 : AHEAD_MAX;
	j->seg.number = tail->prev;
	j->end = tail->prev_end;
	j->trim = tail->trim;
	j->sealed = tail->sealed;
	j->last = tail->last;
	j->file = -1;
	list_init(&j->waiting);
	list_init(&j->batch);
	return j;
}

void journal_end(const struct journal *j, uint64_t *segment, uint64_t *end)
{
	*segment = j->seg.number;
	*end = j->end;
}

bool journal_busy(const struct journal *j)
{
	return !list_empty(&j->waiting) || !list_empty(&j->batch);
}

void journal_append(struct journal *j, struct journal_entry *e)
{
	e->meta_len = e->record.len - RECORD_HEADER;
	buf_fill(&e->record, 0, record_pad(e->meta_len) - e->meta_len);
	e->size = e->record.len + record_pad(e->body.n);
	e->time_ms = clock_steady_ms();
	list_append(&j->waiting, &e->link);
}

bool journal_unsure(const struct journal *j)
{
	return j->unsure;
}

static enum store_result result_of(int rc)
{
	if (rc == 0)
		return STORE_OK;
	return rc == -ENOSPC || rc == -EDQUOT ? STORE_FULL : STORE_UNAVAILABLE;
}

static void log_failure(const char *what, uint64_t number, int rc)
{
	log_error(what, F_INT("segment", number), F_C("err", strerror(-rc)),
		F_C("do", rc == -ENOSPC || rc == -EDQUOT
				  ? "free disk space; deliveries go on then"
				  : "check the disk and its cables; see dmesg"));
}

/* Gives the preallocated room of the finished segment back; that it fails costs room only. */
static void trim_previous(struct journal *j)
{
	char *path;
	int file = j->file;

	if (!j->trim)
		return;
	if (file < 0) {
		path = segment_path(j->dir, j->seg.number);
		file = j->disk->ops->open(j->disk, path, false);
		free(path);
	}
	if (file < 0)
		return;
	(void)j->disk->ops->truncate(j->disk, file, j->end);
	if (j->file < 0)
		(void)j->disk->ops->close(j->disk, file);
}

/* After a clean end nothing is synced at the beginning, and nothing at all by a life that writes nothing.  But a segment
 * that says where the one before it ends must not come before the seal there, which may never have
 * reached the disk, nor a promise before the names of the directories, which may be a copy's. */
static int keep_seal(struct journal *j)
{
	char *path = segment_path(j->dir, j->seg.number);
	int file = j->disk->ops->open(j->disk, path, false), rc = file;

	free(path);
	if (file >= 0) {
		rc = segment_write_again(j->disk, file, j->end - RECORD_HEADER, j->end);
		if (rc == 0)
			rc = j->disk->ops->sync(j->disk, file);
		(void)j->disk->ops->close(j->disk, file);
	}
	if (rc == 0 || rc == -ENOENT) /* all of it was deleted */
		rc = layout_sync(j->disk, j->dir);
	j->sealed = rc != 0;
	return rc;
}

/* Begins a new segment; 0 or a negative errno.  A header that may have reached the disk closes the
 * segment before it, whether or not the new one can be used. */
static int begin_segment(struct journal *j, uint64_t capacity)
{
	struct segment next = { .number = j->last + 1, .prev = j->seg.number, .prev_end = j->end };
	bool touched = false;
	int file = j->sealed ? keep_seal(j) : 0;

	random_bytes(&next.salt, sizeof next.salt);
	if (file == 0)
		file = segment_create(j->disk, j->dir, j->dir_file, &next, capacity, &touched);
	j->last = next.number;
	if (file >= 0)
		trim_previous(j);
	else
		log_failure("journal.segment", next.number, file);
	if (j->file >= 0 && (file >= 0 || touched)) {
		(void)j->disk->ops->close(j->disk, j->file);
		j->file = -1;
	}
	if (file < 0)
		return file;
	j->seg = next;
	j->file = file;
	j->end = SEGMENT_DATA;
	j->capacity = capacity;
	j->wet = j->end;
	j->trim = true;
	j->unsure = false; /* its header says where the one before ends */
	return 0;
}

static bool has_room(const struct journal *j, uint64_t size, bool deletes)
{
	uint64_t at = j->end + j->batch_octets;
	uint64_t kept = deletes ? 0 : j->reserve;

	return j->file >= 0 && at + size + kept <= j->capacity;
}

/* Room for so much more.  On a full disk deletions use what was kept back in the segment, and when
 * there is none, a segment that is just large enough for them. */
static int make_room(struct journal *j, const struct journal_entry *e)
{
	uint64_t least = SEGMENT_DATA + e->size + j->reserve;
	int rc;

	rc = begin_segment(j, least > j->config.segment_octets ? least : j->config.segment_octets);
	if (rc == 0 || !e->deletes || has_room(j, e->size, true))
		return has_room(j, e->size, e->deletes) ? 0 : rc;
	return begin_segment(j, SEGMENT_DATA + e->size + j->reserve / 8);
}

static void place_files(struct journal *j, const struct journal_entry *e)
{
	if (!e->has_file)
		return;
	j->dirs[j->commit.nlinks] = e->file_dir;
	j->files[j->commit.nlinks++] = e->file;
	j->commit.ndirs = j->commit.nlinks;
}

static void place_iov(struct journal *j, void *p, size_t n)
{
	if (n > 0)
		j->iov[j->commit.iovcnt++] = (struct iovec){ p, n };
}

static void place(struct journal *j, struct journal_entry *e)
{
	struct record r = {
		.type = e->type,
		.pos = pos_of(j->seg.number, j->end + j->batch_octets),
		.time_ms = e->time_ms,
		.durable = (uint32_t)j->end,
		.body_len = (uint32_t)e->body.n,
		.body_crc = e->body_crc,
		.meta = str_of(e->record.data + RECORD_HEADER, e->meta_len),
	};

	record_seal(e->record.data, j->seg.salt, &r);
	e->pos = r.pos;
	e->salt = j->seg.salt;
	place_iov(j, e->record.data, e->record.len);
	place_iov(j, (void *)(uintptr_t)e->body.p, e->body.n);
	place_iov(j, zeros, (size_t)(record_pad(e->body.n) - e->body.n));
	place_files(j, e);
	j->batch_octets += e->size;
	j->count++;
	list_del(&e->link);
	list_append(&j->batch, &e->link);
}

static bool batch_is_full(const struct journal *j, const struct journal_entry *e)
{
	return j->commit.iovcnt + 3 > BATCH_IOV || j->commit.nlinks == BATCH_FILES ||
	       (j->count > 0 && j->batch_octets + e->size > BATCH_OCTETS);
}

static void finish(struct link *entries, enum store_result result)
{
	struct link *l;

	while ((l = list_take(entries)) != NULL) {
		struct journal_entry *e = LIST_OF(l, struct journal_entry, link);

		e->done(e, result);
	}
}

/* Fills the batch from what waits.  What cannot have room is put on `refused`, with the reason. */
static enum store_result gather(struct journal *j, struct link *refused)
{
	int rc = 0;

	for (struct link *l = j->waiting.next, *next; l != &j->waiting; l = next) {
		struct journal_entry *e = LIST_OF(l, struct journal_entry, link);

		next = l->next;
		if (batch_is_full(j, e))
			break;
		if (!has_room(j, e->size, false)) {
			if (j->count > 0 && !(rc != 0 && has_room(j, e->size, e->deletes)))
				break; /* into the next segment, after this batch */
			if (j->count == 0 && (rc == 0 || e->deletes)) {
				int again = make_room(j, e);

				rc = again != 0 ? again : rc;
			}
			if (!has_room(j, e->size, e->deletes)) {
				list_del(l);
				list_append(refused, l);
				continue;
			}
		}
		place(j, e);
	}
	return rc == 0 ? STORE_OK : result_of(rc);
}

/* Room that was only allocated becomes the file's when it is written to, and a sync has to write that
 * down too: the inode, its extents, the file system's own journal.  So a batch that comes to the end of
 * what was written takes zeros along for those after it, whose syncs then are of data alone (figures in
 * doc/design/store.md).  A large batch gains nothing by it: its octets are what its sync costs. */
static void place_zeros(struct journal *j)
{
	uint64_t end = j->end + j->batch_octets;
	uint64_t n = j->capacity - end < j->ahead ? j->capacity - end : j->ahead;

	if (end <= j->wet || j->batch_octets > j->ahead / 2)
		return;
	place_iov(j, zeros, (size_t)n);
	j->wet = end + n;
}

static void batch_done(struct disk_commit *c);

void journal_flush(struct journal *j)
{
	struct link refused;
	enum store_result why;
	int rc;

	if (!list_empty(&j->batch) || list_empty(&j->waiting))
		return;
	list_init(&refused);
	j->count = 0;
	j->batch_octets = 0;
	j->commit = (struct disk_commit){ .done = batch_done,
		.iov = j->iov,
		.links = j->files,
		.dirs = j->dirs,
		.impl = { [7] = j } };
	why = gather(j, &refused);
	j->commit.file = j->file;
	j->commit.offset = j->end;
	if (j->count > 0) {
		place_zeros(j);
		rc = j->disk->ops->commit(j->disk, &j->commit);
		if (rc != 0) {
			j->commit.result = rc;
			batch_done(&j->commit);
		}
	}
	finish(&refused, why);
}

int64_t journal_flush_waited(struct journal *j)
{
	int64_t least = INT64_MAX;

	for (struct link *l = j->waiting.next; l != &j->waiting && least > 0; l = l->next) {
		int64_t ms = LIST_OF(l, struct journal_entry, link)->leisure_ms;

		least = ms < least ? ms : least;
	}
	if (least == 0)
		journal_flush(j);
	return least == INT64_MAX ? 0 : least;
}

/* A file of its own could not be made durable.  The journal was not touched: only the messages with
 * such files are refused, the others go into the next batch. */
static void batch_without_files(struct journal *j, int rc)
{
	struct link refused, *l;

	list_init(&refused);
	while (!list_empty(&j->batch)) {
		struct journal_entry *e;

		l = j->batch.prev;
		e = LIST_OF(l, struct journal_entry, link);
		list_del(l);
		if (e->has_file)
			list_append(&refused, l);
		else
			list_append(j->waiting.next, l); /* before the first: the order stays */
	}
	log_failure("journal.file", j->seg.number, rc);
	finish(&refused, result_of(rc));
}

/* The end of what is known is j->end again; makes that durable. */
static enum store_result batch_void(struct journal *j, int rc)
{
	int file = j->file;

	log_failure("journal.sync", j->seg.number, rc);
	j->file = -1; /* never written to again */
	j->trim = false;
	if (begin_segment(j, j->config.segment_octets) == 0 ||
		(j->disk->ops->truncate(j->disk, file, j->end) == 0 &&
			j->disk->ops->sync(j->disk, file) == 0)) {
		(void)j->disk->ops->close(j->disk, file);
		return result_of(rc);
	}
	(void)j->disk->ops->close(j->disk, file);
	j->unsure = true;
	return STORE_UNKNOWN;
}

static void batch_done(struct disk_commit *c)
{
	struct journal *j = c->impl[7];
	struct link done;
	enum store_result result = STORE_OK;

	if (c->result != 0 && !c->wrote && c->nlinks > 0) {
		batch_without_files(j, c->result);
		journal_flush(j);
		return;
	}
	if (c->result == 0)
		j->end += j->batch_octets;
	else
		result = batch_void(j, c->result);
	list_init(&done);
	while (!list_empty(&j->batch)) {
		struct link *l = list_take(&j->batch);

		list_append(&done, l);
	}
	finish(&done, result);
	(void)journal_flush_waited(j);
}

/* A clean end proves, to whoever reads the segment later, that all before it was synced. */
static void seal(struct journal *j)
{
	struct journal_entry e;
	struct iovec iov;

	journal_entry_init(&e, RECORD_SEAL);
	if (j->file >= 0 && has_room(j, e.record.len, true)) {
		struct record r = { .type = RECORD_SEAL,
			.pos = pos_of(j->seg.number, j->end),
			.time_ms = clock_steady_ms(),
			.durable = (uint32_t)j->end,
			.meta = str_of(e.record.data + RECORD_HEADER, 0) };

		record_seal(e.record.data, j->seg.salt, &r);
		iov = (struct iovec){ e.record.data, e.record.len };
		if (j->disk->ops->write(j->disk, j->file, &iov, 1, j->end) == RECORD_HEADER &&
			j->disk->ops->truncate(j->disk, j->file, j->end + RECORD_HEADER) == 0)
			(void)j->disk->ops->sync(j->disk, j->file);
	}
	buf_deinit(&e.record);
}

void journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	seal(j);
	if (j->file >= 0)
		(void)j->disk->ops->close(j->disk, j->file);
	free(j->dir);
	free(j);
}
