/* Giving room back.  The oldest segments of the journal go, in their order: what in them still counts is
 * written anew at the end of the journal, together with all that later records said of it; then they are
 * unlinked.
 *
 * Only the oldest: then no record that is left speaks of a message that an older file has, and nothing
 * that an EXPUNGE deleted can come back because the EXPUNGE went first.  So many of the oldest are
 * taken that at least half of their octets are dead: no more is written than is given back.
 *
 * A state of a message is copied only while no change of any message is under way: what comes behind
 * the copy in the journal is newer than the copy. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/local/impl.h"

enum { SLICE_RECORDS = 256, SLICE_OCTETS = 1 << 20, FORGET_OCTETS = 64 << 10 };

static void stop_scan(struct compaction *k, struct disk *d)
{
	if (!k->scanning)
		return;
	scan_deinit(&k->scan);
	(void)d->ops->close(d, k->file);
	k->scanning = false;
}

void compaction_end(struct store *s)
{
	struct compaction *k = &s->compaction;

	stop_scan(k, s->disk);
	map_free(&k->map);
	free(k->files);
	k->files = NULL;
	k->nfiles = 0;
	k->step = COMPACT_IDLE;
}

static void give_up(struct store *s, const char *why, uint64_t segment)
{
	log_warn("store.compact", F_INT("segment", segment), F_C("err", why),
		F_C("do", "its room is not given back; run restante fsck"));
	compaction_end(s);
}

static bool start_scan(struct store *s, size_t i)
{
	struct compaction *k = &s->compaction;
	const struct map_segment *ms = &k->map.segments[i];
	char *path = segment_path(s->journal_dir, ms->number);

	k->file = s->disk->ops->open(s->disk, path, false);
	free(path);
	if (k->file < 0)
		return false;
	scan_init(&k->scan, s->disk, k->file, &ms->seg, SEGMENT_DATA, ms->limit);
	k->scanning = true;
	return true;
}

/* ---- what of a record counts ---- */

/* Where in the index the message of this record is; NOT_FOUND: nowhere, or its truth is elsewhere. */
static enum store_result located(
	struct store *s, const struct record *r, const struct message_meta *m, bool *known)
{
	struct index_message im;
	enum store_result result = index_message(s->index, m->id, &im);

	*known = result == STORE_OK;
	if (result == STORE_OK && im.at != r->pos)
		return STORE_NOT_FOUND;
	return result;
}

static bool message_of(const struct record *r, struct message_meta *m, uint64_t *place)
{
	struct reader in = { .rest = r->meta };

	*place = r->pos;
	if (r->type == RECORD_MOVED)
		*place = get_u64(&in);
	else if (r->type != RECORD_MESSAGE)
		return false;
	return !in.bad && message_get(in.rest, m);
}

static enum store_result state_of(struct store *s, const struct message_target *t, uint64_t place,
	enum moved_state *state, int64_t *expunged_ms)
{
	enum store_result r = index_has(s->index, t->maildrop, place, false);

	*expunged_ms = 0;
	*state = MOVED_LIVE;
	if (r != STORE_NOT_FOUND)
		return r;
	r = index_expunged_at(s->index, t->maildrop, place, expunged_ms);
	*state = r == STORE_OK && *expunged_ms > clock_steady_ms() - s->config.expunged_keep_ms
			 ? MOVED_EXPUNGED
			 : MOVED_GONE;
	return r == STORE_NOT_FOUND ? STORE_OK : r;
}

static enum store_result state_out(
	struct store *s, struct msgid id, uint32_t number, struct moved *v, struct buf *texts)
{
	enum store_result r;

	if (onward_settling(s, id))
		return STORE_BUSY; /* the copy could stand behind a newer result */
	r = index_onward(s->index, id, number, &v->out, texts);
#ifdef MUTANT_FORGET_WAITING
	v->state = MOVED_GONE;
#else
	v->state = r == STORE_OK && result_open(&v->out) ? MOVED_LIVE : MOVED_GONE;
#endif
	if (r == STORE_NOT_FOUND)
		v->out = (struct store_out_rcpt){ .state = STORE_OUT_DROPPED };
	return r == STORE_NOT_FOUND ? STORE_OK : r;
}

/* Puts its targets as they are now in *targets, when that is not NULL; *counts: somebody has it, or may
 * have it back, or it is still to go on. */
static enum store_result weigh(struct store *s, const struct record *r, struct message_meta m,
	uint64_t place, struct buf *targets, bool *counts)
{
	enum store_result result = STORE_OK;
	struct message_target t;
	struct moved was;
	struct buf texts;

	*counts = false;
	buf_init(&texts, 0);
	for (uint32_t n = 0; result == STORE_OK && moved_target(r->type, &m, &t, &was); n++) {
		struct moved now = { .state = MOVED_GONE };

		if (t.maildrop == 0)
			result = state_out(s, m.id, n, &now, &texts);
		else if (was.state != MOVED_GONE)
			result = state_of(s, &t, place, &now.state, &now.expunged_ms);
		*counts |= now.state != MOVED_GONE;
		if (targets == NULL)
			continue;
		message_put_target(targets, &m, &t);
		moved_put(targets, &t, &now);
	}
	buf_deinit(&texts);
	return result;
}

/* ---- weighing a segment ---- */

/* *counts: so it is, or cannot be told now. */
static enum store_result weigh_record(struct store *s, const struct record *r, bool *counts)
{
	struct message_meta m;
	uint64_t place;
	bool known;
	enum store_result result;

	*counts = false;
	if (!message_of(r, &m, &place))
		return STORE_OK;
	result = located(s, r, &m, &known);
	if (result == STORE_OK)
		result = weigh(s, r, m, place, NULL, counts);
	*counts |= result == STORE_BUSY;
	return result == STORE_NOT_FOUND || result == STORE_BUSY ? STORE_OK : result;
}

static enum store_result count_record(struct store *s, const struct record *r)
{
	bool counts;
	enum store_result result = weigh_record(s, r, &counts);

	if (counts)
		s->compaction.live += r->size;
	return result;
}

/* ---- copying ---- */

static void copied(struct store_op *op, enum store_result result)
{
	struct compaction *k =
		(struct compaction *)(void *)((char *)op - offsetof(struct compaction, op));

	k->in_flight--;
	if (result != STORE_OK)
		k->failed = true;
}

static void submit(struct store *s, struct change *c)
{
	s->compaction.in_flight++;
	change_submit(c);
}

static void move(struct store *s, const struct record *r, const struct message_meta *m,
	uint64_t place, struct str targets)
{
	struct change *c = change_new(s, RECORD_MOVED, &s->compaction.op);

	put_u64(&c->entry.record, place);
	message_put(&c->entry.record, m);
	buf_put(&c->entry.record, targets);
	c->entry.body_crc = r->body_crc;
	if (r->body.n > 0) {
		c->body = memcpy(mem_alloc(r->body.n), r->body.p, r->body.n);
		c->entry.body = str_of(c->body, r->body.n);
	}
	submit(s, c);
}

static void forget(struct store *s, const struct record *r, struct message_meta m)
{
	struct compaction *k = &s->compaction;
	struct message_meta again = m;
	struct message_target t;
	struct moved was;
	uint16_t n = 0;

	if (k->forget == NULL) {
		k->forget = change_new(s, RECORD_FORGET, &k->op);
		k->forget->entry.deletes = true;
	}
	while (n < UINT16_MAX && moved_target(r->type, &again, &t, &was))
		n = (uint16_t)(n + (t.maildrop != 0));
	put_msgid(&k->forget->entry.record, m.id);
	put_u16(&k->forget->entry.record, n);
	while (n > 0 && moved_target(r->type, &m, &t, &was))
		if (t.maildrop != 0) {
			put_u64(&k->forget->entry.record, t.maildrop);
			n--;
		}
}

static void note_file(struct compaction *k, struct msgid id)
{
	k->files = mem_array(k->files, k->nfiles + 1, sizeof *k->files);
	k->files[k->nfiles++] = id;
}

static enum store_result copy_record(struct store *s, const struct record *r)
{
	struct message_meta m;
	struct buf targets;
	uint64_t place;
	bool known, counts = false;
	enum store_result result;

	if (!message_of(r, &m, &place))
		return STORE_OK;
	buf_init(&targets, 0);
	result = located(s, r, &m, &known);
	if (result == STORE_OK) {
		result = weigh(s, r, m, place, &targets, &counts);
		if (result == STORE_OK && counts)
			move(s, r, &m, place, buf_str(&targets));
		else if (result == STORE_OK)
			forget(s, r, m);
	}
	if ((result == STORE_OK && !counts) || (result == STORE_NOT_FOUND && !known))
		if (m.flags & MESSAGE_BLOB)
			note_file(&s->compaction, m.id);
	buf_deinit(&targets);
	return result == STORE_NOT_FOUND ? STORE_OK : result;
}

/* Files of their own, of messages that nobody can have back.  One that is being taken in again under its
 * id has the same name, so that one is left alone. */
static void unlink_files(struct store *s)
{
	struct compaction *k = &s->compaction;

	while (k->nfiles > 0) {
		struct msgid id = k->files[--k->nfiles];
		struct index_message m;
		char *path;

		if (deliver_under_way(s, id) || index_message(s->index, id, &m) != STORE_NOT_FOUND)
			continue;
		path = blob_path(s->blob_dir, id);
		(void)s->disk->ops->unlink(s->disk, path);
		free(path);
	}
}

/* ---- steps ---- */

/* Some records of the segment; 1: all is read, 0: more is to come, -1: it stays as it is. */
static int read_some(
	struct store *s, enum store_result (*each)(struct store *, const struct record *))
{
	struct compaction *k = &s->compaction;
	uint64_t from = k->scan.off;

	for (int n = 0; n < SLICE_RECORDS && k->scan.off - from < SLICE_OCTETS; n++) {
		enum store_result result;
		struct record r;
		bool counts;

		switch (scan_next(&k->scan, &r)) {
		case SCAN_BODY_BAD:
			/* octets that nobody can ask for may be damaged */
			if (weigh_record(s, &r, &counts) != STORE_OK || counts)
				return -1;
			__attribute__((fallthrough));
		case SCAN_RECORD:
			result = each(s, &r);
			if (result == STORE_BUSY) {
				k->scan.off =
					pos_offset(r.pos); /* this one again, a little later */
				return 0;
			}
			if (result != STORE_OK)
				return -1;
			break;
		case SCAN_DAMAGE: return -1;
		/* A tail that could not be read was perhaps promised. */
		case SCAN_TORN:
		case SCAN_END: return k->scan.unreadable ? -1 : 1;
		}
		if (k->forget != NULL && k->forget->entry.record.len > FORGET_OCTETS)
			break;
	}
	return 0;
}

static bool begin_pass(struct store *s, bool all)
{
	struct compaction *k = &s->compaction;
	struct err err = { ST_OK, "" };

	if (map_load(&k->map, s->disk, s->journal_dir, &err) != ST_OK) {
		log_warn("store.compact", F_C("err", err.text));
		map_free(&k->map);
		return false;
	}
	/* what is appended to, or was last, stays */
	while (k->map.count > 0 &&
		k->map.segments[k->map.count - 1].number >= pos_segment(s->place.pos))
		k->map.count--;
	k->all = all;
	k->failed = false;
	k->at = 0;
	k->live = k->total = 0;
	k->step = COMPACT_WEIGH;
	return k->map.count > 0;
}

static void weigh_some(struct store *s)
{
	struct compaction *k = &s->compaction;
	const struct map_segment *ms = &k->map.segments[k->at];
	int done;

	if (ms->state == SEGMENT_BLANK) {
		done = 1;
	} else if (ms->state != SEGMENT_GOOD || (!k->scanning && !start_scan(s, k->at))) {
		give_up(s, "cannot be read", ms->number);
		return;
	} else {
		done = read_some(s, count_record);
	}
	if (done == 0)
		return;
	stop_scan(k, s->disk);
	if (done < 0) {
		give_up(s, "it is damaged, and kept as it is", ms->number);
		return;
	}
	k->total += ms->size;
	k->at++;
	if (k->live * 2 <= k->total || (k->all && k->at == k->map.count)) {
		k->last = k->at;
		k->at = 0;
		k->step = COMPACT_COPY;
	} else if (k->at == k->map.count) {
		compaction_end(s); /* too much of it counts */
	}
}

static void copy_some(struct store *s)
{
	struct compaction *k = &s->compaction;
	const struct map_segment *ms = &k->map.segments[k->at];
	int done = 1;

	if (ms->state == SEGMENT_GOOD && !k->scanning && !start_scan(s, k->at)) {
		give_up(s, "cannot be read", ms->number);
		return;
	}
	if (ms->state == SEGMENT_GOOD)
		done = read_some(s, copy_record);
	if (k->forget != NULL) {
		struct change *c = k->forget;

		k->forget = NULL;
		submit(s, c);
	}
	if (done < 0)
		k->failed = true;
	if (done > 0) {
		stop_scan(k, s->disk);
		k->step = COMPACT_RETIRE;
	}
}

static void retire(struct store *s)
{
	struct change *c = change_new(s, RECORD_RETIRE, &s->compaction.op);

	put_u64(&c->entry.record, s->compaction.map.segments[s->compaction.at].number);
	c->entry.deletes = true;
	submit(s, c);
	s->compaction.step = COMPACT_UNLINK;
}

static void drop_segment(struct store *s)
{
	struct compaction *k = &s->compaction;
	uint64_t number = k->map.segments[k->at].number;
	char *path = segment_path(s->journal_dir, number);
	int rc = s->disk->ops->unlink(s->disk, path);

	free(path);
	for (size_t i = 0; i < SEGMENT_FILES; i++)
		if (s->files[i].number == number) {
			(void)s->disk->ops->close(s->disk, s->files[i].file);
			s->files[i].number = 0;
		}
	s->moves++;
	/* durable before a later segment may go: they go in their order */
	if (rc == 0)
		rc = s->disk->ops->sync(s->disk, s->journal_file);
	if (rc != 0) {
		give_up(s, strerror(-rc), number);
		return;
	}
	log_info("store.compacted", F_INT("segment", number));
	k->given_back += k->map.segments[k->at].size;
	k->at++;
	k->step = COMPACT_COPY;
	if (k->at < k->last)
		return;
	compaction_end(s);
	if (!k->all && !begin_pass(s, false)) /* what is behind may have as much room to give */
		compaction_end(s);
}

/* fsck holds the journal's directory while it reads: nothing goes under its eyes.  -1: it does. */
static int lock_journal(const struct store *s)
{
	int fd = open(s->journal_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return -1;
	}
	return fd >= 0 ? fd : -2; /* -2: a simulated disk */
}

bool store_local_compact(struct store *s, bool all)
{
	struct compaction *k = &s->compaction;
	int lock = -2;

#ifndef MUTANT_UNLINK_EARLY
	if (k->in_flight > 0)
		return true;
#endif
	if (k->failed) {
		k->failed = false;
		compaction_end(s); /* the log says why; another time */
		return false;
	}
	if (k->step == COMPACT_COPY && s->unsettled > 0)
		return true;
	if (!store_apply(s) || store_overloaded(s))
		return false;
	if (k->nfiles > 0 || k->step == COMPACT_UNLINK)
		lock = lock_journal(s);
	if (lock == -1)
		return true;
	if (k->nfiles > 0)
		unlink_files(s);
	switch (k->step) {
	case COMPACT_IDLE:
		if (!begin_pass(s, all))
			compaction_end(s);
		break;
	case COMPACT_WEIGH: weigh_some(s); break;
	case COMPACT_COPY: copy_some(s); break;
	case COMPACT_RETIRE: retire(s); break;
	case COMPACT_UNLINK: drop_segment(s); break;
	}
	if (lock >= 0)
		close(lock);
	return k->step != COMPACT_IDLE;
}

void compaction_init(struct store *s)
{
	s->compaction = (struct compaction){ .op.done = copied };
}

bool store_local_busy(const struct store *s)
{
	return journal_busy(s->journal);
}

enum status store_local_space(struct store *s, struct store_space *space, struct err *err)
{
	struct map map = { 0 };
	enum status status = map_load(&map, s->disk, s->journal_dir, err);

	(void)store_apply(s); /* for whoever looks at the index from outside */
	*space = (struct store_space){ .segments = map.count,
		.given_back = s->compaction.given_back,
		.compacting = s->compaction.step != COMPACT_IDLE };
	for (size_t i = 0; i < map.count; i++)
		space->journal_octets += map.segments[i].size;
	map_free(&map);
	return status;
}
