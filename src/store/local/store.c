/* Opening and closing the store, and the way of a change from the journal into the index. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/local/impl.h"
#include "store/local/replay.h"

enum {
	APPLY_COUNT = 512,
	APPLY_OCTETS = 1 << 20,
	OVERLOAD_OCTETS = 64 << 20, /* of changes that an unwritable index has not taken */
	CLOCK_NOISE_MS = 1000,
	CLOCK_KEEP_MS = 7 * 24 * 3600 * 1000,
};

static const struct store_local_config defaults = {
	.segment_octets = 64 << 20,
	.inline_max = 256 << 10,
	.expunged_keep_ms = INT64_C(14) * 24 * 3600 * 1000,
};

char *store_index_path(const char *dir)
{
	return path_join(dir, "index.sqlite");
}

char *store_journal_path(const char *dir)
{
	return path_join(dir, "journal");
}

char *store_blob_path(const char *dir)
{
	return path_join(dir, "blob");
}

int store_lock(const char *dir, struct err *err)
{
	char *path = path_join(dir, "lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		(void)err_set(err, ST_IO, "open %s: %s", path, strerror(errno));
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		(void)err_set(err, ST_TEMP, "%s is in use by another restante: stop it first", dir);
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

/* ---- changes ---- */

struct change *change_new(struct store *s, enum record_type type, struct store_op *op)
{
	struct change *c = NEW(struct change);

	journal_entry_init(&c->entry, type);
	c->entry.file_dir = -1;
	c->store = s;
	c->op = op;
	list_init(&c->known);
	list_init(&c->settling);
	return c;
}

/* What only the writing needed. */
static void change_strip(struct change *c)
{
	if (c->entry.file_dir >= 0)
		(void)c->store->disk->ops->close(c->store->disk, c->entry.file_dir);
	c->entry.file_dir = -1;
	c->entry.has_file = false;
	store_draft_free(c->draft);
	c->draft = NULL;
	free(c->file_name);
	c->file_name = NULL;
	free(c->body);
	c->body = NULL;
}

void change_free(struct change *c)
{
	if (c == NULL)
		return;
	change_strip(c);
	onward_let_go(c->store, &c->octets);
	list_del(&c->known);
	list_del(&c->settling);
	list_del(&c->entry.link);
	buf_deinit(&c->entry.record);
	free(c);
}

/* Of a message that was refused for certain nobody will ask for its file, which may have its name already.  Nobody else
 * has that name: the id was new, and is ours until now. */
static void drop_file(const struct change *c, enum store_result result)
{
	if (c->entry.has_file && result != STORE_UNKNOWN && !journal_unsure(c->store->journal))
		(void)c->store->disk->ops->unlink(c->store->disk, c->file_name);
}

static void change_done(struct journal_entry *e, enum store_result result)
{
	struct change *c = LIST_OF(e, struct change, entry);
	struct store *s = c->store;
	struct store_op *op = c->op;

	s->unsettled -= c->unsettled;
	list_del(&c->settling);
	if (result == STORE_OK) {
		c->durable = true;
		if (c->told != NULL)
			*c->told = c->named;
		onward_hold(c);
		change_strip(c);
		list_append(&s->pending, &e->link);
		s->pending_count++;
		s->pending_octets += e->record.cap;
	} else {
		drop_file(c, result);
		change_free(c);
		if (result == STORE_FULL)
			(void)reserve_give_up(s);
	}
	if (op != NULL)
		op->done(op, result);
}

void change_submit(struct change *c)
{
	switch (c->entry.type) {
	case RECORD_EXPUNGE:
	case RECORD_RESTORE:
	case RECORD_DROP: c->unsettled = true; break;
	case RECORD_MESSAGE:
	case RECORD_MOVED:
	case RECORD_FORGET:
	case RECORD_RETIRE:
	case RECORD_RESULT: /* compaction looks at each */
	case RECORD_RETRIEVED:
	case RECORD_SEAL: break;
	}
	c->store->unsettled += c->unsettled;
	c->entry.done = change_done;
	journal_append(c->store->journal, &c->entry);
}

bool store_overloaded(const struct store *s)
{
	return s->pending_octets > OVERLOAD_OCTETS;
}

static bool apply_pending(struct store *s)
{
	struct index_place at = s->place;
	struct link *l;

	index_begin(s->index);
	for (l = s->pending.next; l != &s->pending; l = l->next) {
		const struct journal_entry *e = LIST_OF(l, struct journal_entry, link);
		struct record r = {
			.type = e->type,
			.pos = e->pos,
			.size = e->size,
			.time_ms = e->time_ms,
			.body_len = (uint32_t)e->body.n,
			.body_crc = e->body_crc,
			.meta = str_of(e->record.data + RECORD_HEADER, e->meta_len),
		};

		index_apply(s->index, &r);
		at = (struct index_place){ e->pos + e->size, e->salt };
	}
	if (!index_commit(s->index, &at))
		return false;
	s->place = at;
	while ((l = list_take(&s->pending)) != NULL)
		change_free(LIST_OF(LIST_OF(l, struct journal_entry, link), struct change, entry));
	s->pending_count = s->pending_octets = 0;
	return true;
}

bool store_apply(struct store *s)
{
	return list_empty(&s->pending) || apply_pending(s) ||
	       (reserve_give_up(s) && apply_pending(s));
}

static void apply_when_many(struct store *s)
{
	if (s->pending_count >= APPLY_COUNT || s->pending_octets >= APPLY_OCTETS)
		(void)store_apply(s);
}

int store_fd(const struct store *s)
{
	return s->disk->ops->fd(s->disk);
}

void store_local_end(const struct store *s, uint64_t *segment, uint64_t *end)
{
	journal_end(s->journal, segment, end);
}

void store_flush(struct store *s)
{
	journal_flush(s->journal);
	apply_when_many(s);
}

int64_t store_flush_waited(struct store *s)
{
	return journal_flush_waited(s->journal);
}

/* The next batch is under way before the index is brought up to date: they run side by side. */
void store_poll(struct store *s)
{
	s->disk->ops->poll(s->disk);
	(void)journal_flush_waited(s->journal);
	apply_when_many(s);
}

void store_wait(struct store *s)
{
	journal_flush(s->journal);
	s->disk->ops->wait(s->disk);
	journal_flush(s->journal);
	apply_when_many(s);
}

/* ---- opening ---- */

/* The index is a view: one that cannot be used is made anew. */
static enum status open_index(
	struct store *s, struct map *m, struct journal_tail *tail, struct err *err)
{
	struct err why = { 0 };
	enum status st = index_open(&s->index, s->index_path, &s->place, &why);

	if (st == ST_OK && map_readable(m, s->place.pos, err) != ST_OK)
		return ST_IO;
	if (st == ST_OK && !map_has(m, &s->place))
		st = err_set(&why, ST_CORRUPT, "index: not made from this journal");
	if (st == ST_CORRUPT) {
		log_warn("store.rebuild", F_C("why", why.text));
		index_close(s->index);
		index_remove(s->index_path);
		why = (struct err){ 0 };
		st = index_open(&s->index, s->index_path, &s->place, &why);
		/* What was made this moment is not damaged: it could not be made. */
		if (st == ST_CORRUPT)
			return err_set(err, ST_TEMP,
				"the index cannot be made: %s; is the disk full?", why.text);
	}
	if (st != ST_OK)
		return err_set(err, st, "%s", why.text);
	if (map_readable(m, s->place.pos, err) != ST_OK)
		return ST_IO;
	return replay(m, s->index, &s->place, tail, err);
}

static void store_free(struct store *s)
{
	journal_close(s->journal);
	index_close(s->index);
	reserve_close(s);
	for (size_t i = 0; i < SEGMENT_FILES; i++)
		if (s->files[i].number != 0)
			(void)s->disk->ops->close(s->disk, s->files[i].file);
	if (s->journal_file >= 0)
		(void)s->disk->ops->close(s->disk, s->journal_file);
	if (s->lock >= 0)
		close(s->lock);
	free(s->dir);
	free(s->journal_dir);
	free(s->blob_dir);
	free(s->index_path);
	free(s);
}

static struct store *store_new(
	const char *dir, struct disk *disk, const struct store_local_config *c)
{
	struct store *s = NEW(struct store);

	s->disk = disk;
	s->config = c != NULL ? *c : defaults;
	if (s->config.segment_octets == 0)
		s->config.segment_octets = defaults.segment_octets;
	if (s->config.segment_octets > 1 << 30) /* offsets are 32 bits in a position */
		s->config.segment_octets = 1 << 30;
	if (s->config.inline_max == 0)
		s->config.inline_max = defaults.inline_max;
	if (s->config.expunged_keep_ms == 0)
		s->config.expunged_keep_ms = defaults.expunged_keep_ms;
	s->dir = str_dup_c(str_c(dir));
	s->journal_dir = store_journal_path(dir);
	s->blob_dir = store_blob_path(dir);
	s->index_path = store_index_path(dir);
	s->lock = s->journal_file = s->reserve = -1;
	s->look.file = -1;
	list_init(&s->pending);
	list_init(&s->settling);
	compaction_init(s);
	for (size_t i = 0; i < KNOWN_BUCKETS; i++)
		list_init(&s->known[i]);
	for (size_t i = 0; i < LEASE_BUCKETS; i++)
		list_init(&s->leases[i]);
	return s;
}

/* The journal was written at a time that has not come yet: the clock was set back, and whatever waits was told
 * when to go by the clock as it was.  A difference of more than some days is not made good: then either time is
 * as likely to be wrong. */
static void keep_time(int64_t last_ms)
{
	int64_t ahead_ms = last_ms - clock_steady_ms();

	if (ahead_ms <= CLOCK_NOISE_MS)
		return;
	log_warn("store.clock", F_INT("ahead", ahead_ms / 1000),
		F_C("do", ahead_ms > CLOCK_KEEP_MS
				  ? "check the clock; then restante queue retry, for what waits"
				  : "nothing: time goes on from there; check the clock"));
	if (ahead_ms <= CLOCK_KEEP_MS)
		clock_steady_at_least(last_ms);
}

struct store *store_local_open(const char *dir, struct disk *disk,
	const struct store_local_config *config, struct err *err)
{
	struct store *s = store_new(dir, disk, config);
	struct journal_tail tail;
	struct map map = { 0 };
	enum status st = layout_make(s, err);
	int rc;

	if (st == ST_OK) {
		s->lock = store_lock(dir, err);
		if (s->lock >= 0)
			reserve_open(s);
		st = s->lock < 0 ? ST_TEMP : map_load(&map, disk, s->journal_dir, err);
	}
	if (st == ST_OK && !map.sealed && (rc = layout_sync(disk, s->journal_dir)) < 0)
		st = err_set(err, ST_IO, "the store in %s: %s", s->dir, strerror(-rc));
	if (st == ST_OK)
		st = open_index(s, &map, &tail, err);
	map_free(&map);
	if (st != ST_OK) {
		store_free(s);
		return NULL;
	}
	keep_time(tail.last_ms);
	s->journal = journal_open(disk, s->journal_dir, s->journal_file, &s->config, &tail);
	(void)reserve_hold(s);
	return s;
}

void store_close_all(struct store *s)
{
	struct link *l;

	if (s == NULL)
		return;
	while (journal_busy(s->journal))
		store_wait(s);
	compaction_end(s);
	(void)store_apply(s);
	while ((l = list_take(&s->pending)) != NULL)
		change_free(LIST_OF(LIST_OF(l, struct journal_entry, link), struct change, entry));
	for (size_t i = 0; i < LEASE_BUCKETS; i++)
		while (!list_empty(&s->leases[i]))
			lease_end(s, LIST_OF(s->leases[i].next, struct lease, link));
	reading_end(s, &s->look);
	store_free(s);
}
