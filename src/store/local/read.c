/* Reading messages.  A message that is read in order from its beginning to its end is checked
 * against the checksum of its delivery; the last piece is then refused instead of given out. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/local/impl.h"

void reading_end(struct store *s, struct reading *r)
{
	if (r->valid && r->file >= 0)
		(void)s->disk->ops->close(s->disk, r->file);
	*r = (struct reading){ .file = -1 };
}

static void log_corrupt(struct msgid id, const char *why)
{
	char text[MSGID_TEXT + 1];

	msgid_text(id, text);
	log_error("store.corrupt", F_C("qid", text), F_C("err", why),
		F_C("do", "run restante fsck; restore this message from a backup; check the disk"));
}

int store_segment(struct store *s, uint64_t number)
{
	struct segment_file *f;
	char *path;
	int file;

	for (size_t i = 0; i < SEGMENT_FILES; i++)
		if (s->files[i].number == number)
			return s->files[i].file;
	path = segment_path(s->journal_dir, number);
	file = s->disk->ops->open(s->disk, path, false);
	free(path);
	if (file < 0)
		return file;
	f = &s->files[s->next_file++ % SEGMENT_FILES];
	if (f->number != 0)
		(void)s->disk->ops->close(s->disk, f->file);
	*f = (struct segment_file){ number, file };
	return file;
}

static bool take_ahead(struct store *s, struct lease *l, struct msgid id, struct index_message *m)
{
	struct ahead *a = l->ahead;

	if (a == NULL || a->moves != s->moves)
		return false;
	while (a->next < a->count) {
		const struct index_ahead *row = &a->rows[a->next++];

		if (msgid_eq(row->id, id)) {
			*m = row->m;
			return true;
		}
	}
	return false;
}

/* The second message that is read in the order of the maildrop makes one who reads on. */
static void look_ahead(struct store *s, struct lease *l, uint64_t pos)
{
	if (l->last == 0 || pos <= l->last) {
		free(l->ahead);
		l->ahead = NULL;
		return;
	}
	if (l->ahead == NULL)
		l->ahead = NEW(struct ahead);
	l->ahead->moves = s->moves;
	l->ahead->next = 0;
	l->ahead->count = index_ahead(s->index, l->maildrop, pos, l->ahead->rows, AHEAD);
}

static enum store_result look_up(
	struct store *s, struct lease *l, const struct store_read *r, struct index_message *m)
{
	bool ahead = l != NULL && take_ahead(s, l, r->id, m);
	enum store_result result = STORE_OK;

	if (!ahead && !store_apply(s))
		return STORE_UNAVAILABLE;
	if (!ahead)
		result = index_message(s->index, r->id, m);
	if (!ahead && result == STORE_OK)
		result = index_has(s->index, r->maildrop, m->pos, false);
	if (l == NULL || result != STORE_OK)
		return result;
	if (!ahead)
		look_ahead(s, l, m->pos);
	l->last = m->pos;
	return STORE_OK;
}

static enum store_result reading_begin(
	struct store *s, struct reading *g, struct lease *l, const struct store_read *r)
{
	struct index_message m;
	enum store_result result = look_up(s, l, r, &m);

	if (result != STORE_OK)
		return result;
	if (g->valid && msgid_eq(g->id, r->id))
		return STORE_OK;
	reading_end(s, g);
	if (m.flags & MESSAGE_BLOB) {
		char *path = blob_path(s->blob_dir, r->id);

		g->file = s->disk->ops->open(s->disk, path, false);
		free(path);
		if (g->file < 0) {
			log_corrupt(r->id, strerror(-g->file));
			return g->file == -ENOENT ? STORE_CORRUPT : STORE_UNAVAILABLE;
		}
	}
	g->valid = true;
	g->id = r->id;
	g->m = m;
	g->moves = s->moves;
	return STORE_OK;
}

static enum store_result check_octets(struct reading *g, const struct store_read *r)
{
	if (r->offset == 0) {
		g->next = 0;
		g->crc = 0;
	}
	if (r->offset != g->next)
		return STORE_OK; /* a piece alone cannot be checked */
	g->crc = crc32c(g->crc, r->to, r->got);
	g->next += r->got;
	if (g->next < g->m.octets || g->crc == g->m.crc)
		return STORE_OK;
	log_corrupt(g->id, "wrong checksum");
	return STORE_CORRUPT;
}

/* Its segment may have gone while it is read: the octets are the same elsewhere. */
static enum store_result find_again(struct store *s, struct reading *g)
{
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	g->moves = s->moves;
	return index_message(s->index, g->id, &g->m);
}

static enum store_result read_octets(struct store *s, struct reading *g, struct store_read *r)
{
	uint64_t left = r->offset < g->m.octets ? g->m.octets - r->offset : 0;
	uint64_t want = r->want < left ? r->want : left;
	bool blob = (g->m.flags & MESSAGE_BLOB) != 0;
	int file = blob ? g->file : store_segment(s, pos_segment(g->m.body_at));
	int64_t n;

	if (want == 0)
		return STORE_OK;
	n = file < 0 ? file
		     : s->disk->ops->read(s->disk, file, r->to, want,
			       r->offset + (blob ? 0 : pos_offset(g->m.body_at)));
	if (n != (int64_t)want) {
		log_corrupt(g->id, n < 0 ? strerror((int)-n) : "its file is too short");
		return n >= 0 || n == -ENOENT ? STORE_CORRUPT : STORE_UNAVAILABLE;
	}
	r->got = want;
	return check_octets(g, r);
}

static enum store_result read_message(struct store *s, struct store_read *r)
{
	struct reading *g = &s->look;
	enum store_result result = STORE_OK;
	struct lease *l = NULL;

	if (r->token != 0) {
		l = lease_find(s, r->maildrop, r->token);
		if (l == NULL)
			return STORE_CONFLICT;
		g = &l->reading;
	}
	/* under a lease nothing disappears but by the lease itself */
	if (r->token == 0 || !g->valid || !msgid_eq(g->id, r->id))
		result = reading_begin(s, g, l, r);
	if (result == STORE_OK && g->moves != s->moves)
		result = find_again(s, g);
	if (result == STORE_OK && l != NULL && g->m.pos >= l->bound)
		result = STORE_NOT_FOUND; /* came after the session began */
	if (result == STORE_OK)
		result = read_octets(s, g, r);
	if (result != STORE_OK) {
		r->got = 0;
		reading_end(s, g);
	}
	return result;
}

void store_read(struct store *s, struct store_read *r)
{
	r->got = 0;
	r->op.done(&r->op, read_message(s, r));
}

enum store_result store_facts(struct store *s, struct msgid id, struct store_facts *f)
{
	*f = (struct store_facts){ 0 };
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	return index_facts(s->index, id, f);
}

void store_facts_free(struct store_facts *f)
{
	free((void *)(uintptr_t)f->sender.p);
	free((void *)(uintptr_t)f->message_id.p);
	*f = (struct store_facts){ 0 };
}
