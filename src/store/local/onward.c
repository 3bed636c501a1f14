/* Mail that goes on: what whoever carries it must know, its octets, and what became of it.
 *
 * A message goes out the moment it is durable, long before the index needs to be brought up to date for
 * anything else: until something of it was settled, what it needs is still in memory. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/local/impl.h"

enum { HOLD_EACH = 32 * 1024, HOLD_ALL = 1024 * 1024 };

struct store_out_body {
	struct buf held; /* all octets, until they were read once */
	uint64_t at;     /* segment and offset of the message's octets; not used with a file */
	uint64_t octets;
	int file; /* its own, or -1 */
	struct str prefix;
	uint64_t moves; /* the store's, when `at` was looked up */
	uint64_t next;  /* all before was read in order, and is in sum */
	uint32_t sum, crc;
};

bool onward_settling(const struct store *s, struct msgid id)
{
	for (const struct link *l = s->settling.next; l != &s->settling; l = l->next)
		if (msgid_eq(LIST_OF(l, struct change, settling)->id, id))
			return true;
	return false;
}

/* ---- octets in memory ---- */

void onward_hold(struct change *c)
{
	struct store *s = c->store;
	struct buf *mem = c->goes_on ? &c->draft->mem : NULL;

	if (mem == NULL || mem->len > HOLD_EACH || s->octets_held + mem->cap > HOLD_ALL)
		return;
	c->octets = *mem;
	*mem = (struct buf){ 0 };
	s->octets_held += c->octets.cap;
}

void onward_let_go(struct store *s, struct buf *octets)
{
	s->octets_held -= octets->cap;
	buf_deinit(octets);
}

/* ---- opening ---- */

static void take_facts(struct store_out *o, const struct message_meta *m)
{
	o->prefix_octets = (uint32_t)m->prefix.n;
	o->octets = m->prefix.n + m->octets;
	o->header_octets = (uint32_t)m->header_octets;
	o->flags = (uint8_t)((m->flags & MESSAGE_FLAGS) >> MESSAGE_FLAGS_SHIFT);
	o->sender = m->sender;
	o->client = m->client;
	o->envid = m->envid;
	o->ret = m->ret;
	o->received_ms = m->received_ms;
	o->since_ms = message_due(m);
	o->account = m->account;
	o->body->octets = m->octets;
	o->body->prefix = m->prefix;
}

/* The record's recipients that go on, as they were at first, or when it was copied. */
static bool take_recipients(struct store_out *o, struct message_meta m, bool moved)
{
	struct message_target t;
	struct moved v;

	for (uint32_t n = 0; moved_target(moved ? RECORD_MOVED : RECORD_MESSAGE, &m, &t, &v); n++) {
		struct store_out_rcpt *r;

		if (t.maildrop != 0)
			continue;
		if ((o->count & (o->count - 1)) == 0)
			o->rcpts = mem_array(
				o->rcpts, o->count == 0 ? 1 : o->count * 2, sizeof *o->rcpts);
		r = &o->rcpts[o->count++];
		*r = v.out;
		r->number = n;
		r->recipient = t.recipient;
		r->orcpt = t.orcpt;
		r->notify = t.notify;
		r->sender = t.sender.p != NULL ? t.sender : o->sender;
	}
	return !m.rest.bad && m.rest.rest.n == 0;
}

static int open_file(struct store *s, struct msgid id)
{
	char *path = blob_path(s->blob_dir, id);
	int file = s->disk->ops->open(s->disk, path, false);

	free(path);
	return file;
}

static enum store_result take_meta(
	struct store *s, struct store_out *o, struct str meta, bool moved)
{
	struct message_meta m;

	if (!message_get(moved ? str_from(meta, 8) : meta, &m) || !msgid_eq(m.id, o->id))
		return STORE_CORRUPT;
	take_facts(o, &m);
	if ((m.flags & MESSAGE_OUT) == 0)
		return STORE_NOT_FOUND;
	if (!take_recipients(o, m, moved))
		return STORE_CORRUPT;
	if (m.flags & MESSAGE_BLOB) {
		o->body->file = open_file(s, o->id);
		if (o->body->file < 0)
			return o->body->file == -ENOENT ? STORE_CORRUPT : STORE_UNAVAILABLE;
	}
	return STORE_OK;
}

static enum store_result open_fresh(struct store *s, struct store_out *o, struct change *c)
{
	struct str meta = str_of(c->entry.record.data + RECORD_HEADER, c->entry.meta_len);

	o->texts = memcpy(mem_alloc(meta.n + 1), meta.p, meta.n);
	o->body->at = c->entry.pos + record_body_at(meta.n);
	o->body->crc = c->entry.body_crc;
	o->body->held = c->octets;
	c->octets = (struct buf){ 0 };
	return take_meta(s, o, str_of(o->texts, meta.n), false);
}

/* What the index says of each recipient; texts are put behind those of the record. */
static enum store_result take_states(struct store *s, struct store_out *o)
{
	enum store_result r = STORE_OK;
	size_t *texts_at = mem_array(NULL, o->count + 1, sizeof *texts_at);
	struct buf texts;
	size_t length;

	buf_init(&texts, 0);
	for (size_t i = 0; r == STORE_OK && i < o->count; i++) {
		struct store_out_rcpt *to = &o->rcpts[i], now;

		texts_at[i] = texts.len;
		r = index_onward(s->index, o->id, to->number, &now, &texts);
		now.recipient = to->recipient;
		now.orcpt = to->orcpt;
		now.notify = to->notify;
		now.sender = to->sender;
		*to = now;
	}
	length = texts.len;
	o->states = buf_steal_c(&texts);
	for (size_t i = 0; r == STORE_OK && i < o->count; i++) {
		struct str *const to[] = { &o->rcpts[i].reply, &o->rcpts[i].host, &o->rcpts[i].tls,
			&o->rcpts[i].via };
		struct str rest = str_from(str_of(o->states, length), texts_at[i]);

		for (size_t k = 0; k < 4; k++) {
			*to[k] = str_head(rest, to[k]->n);
			rest = str_from(rest, to[k]->n);
		}
	}
	free(texts_at);
	return r;
}

static enum store_result open_indexed(struct store *s, struct store_out *o)
{
	struct index_message in;
	enum store_result r;
	size_t length;
	bool moved = false;

	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	r = index_message(s->index, o->id, &in);
	if (r != STORE_OK)
		return r;
	o->body->at = in.body_at;
	o->body->crc = in.crc;
	r = store_meta(s, in.at, &o->texts, &length, &moved);
	if (r != STORE_OK)
		return r;
	r = take_meta(s, o, str_of(o->texts, length), moved);
	return r == STORE_OK ? take_states(s, o) : r;
}

enum store_result store_out_open(struct store *s, struct msgid id, struct store_out *o)
{
	struct change *c = deliver_known(s, id);
	enum store_result r;

	*o = (struct store_out){ .id = id, .body = NEW(struct store_out_body) };
	o->body->file = -1;
	o->body->moves = s->moves;
	if (c != NULL && !c->durable)
		r = STORE_NOT_FOUND;
	else if (c != NULL && !c->settled)
		r = open_fresh(s, o, c);
	else
		r = open_indexed(s, o);
	if (r != STORE_OK)
		store_out_close(s, o);
	return r;
}

void store_out_close(struct store *s, struct store_out *o)
{
	if (o->body != NULL && o->body->file >= 0)
		(void)s->disk->ops->close(s->disk, o->body->file);
	if (o->body != NULL)
		onward_let_go(s, &o->body->held);
	free(o->body);
	free(o->rcpts);
	free(o->texts);
	free(o->states);
	*o = (struct store_out){ .count = 0 };
}

/* ---- reading ---- */

/* Its segment may have gone meanwhile: the octets are the same elsewhere. */
static enum store_result find_again(struct store *s, struct store_out *o)
{
	struct index_message in;
	enum store_result r;

	if (o->body->file >= 0 || o->body->moves == s->moves)
		return STORE_OK;
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	r = index_message(s->index, o->id, &in);
	if (r == STORE_OK) {
		o->body->at = in.body_at;
		o->body->moves = s->moves;
	}
	return r;
}

static enum store_result check(struct store_out *o, uint64_t offset, const char *p, uint64_t n)
{
	struct store_out_body *b = o->body;
	char text[MSGID_TEXT + 1];

	if (offset == 0)
		b->next = b->sum = 0;
	if (offset != b->next)
		return STORE_OK; /* a piece alone cannot be checked */
	b->sum = crc32c(b->sum, p, n);
	b->next += n;
	if (b->next < b->octets || b->sum == b->crc)
		return STORE_OK;
	msgid_text(o->id, text);
	log_error("store.corrupt", F_C("qid", text), F_C("err", "wrong checksum"),
		F_C("do", "run restante fsck; restore this message from a backup; check the disk"));
	return STORE_CORRUPT;
}

static bool read_held(
	struct store *s, struct store_out_body *b, uint64_t offset, char *to, uint64_t want)
{
	if (b->held.len == 0)
		return false;
	memcpy(to, str_from(buf_str(&b->held), offset).p, want);
	if (offset + want == b->octets)
		onward_let_go(s, &b->held);
	return true;
}

static enum store_result read_body(
	struct store *s, struct store_out *o, uint64_t offset, char *to, uint64_t want)
{
	struct store_out_body *b = o->body;
	int file = b->file;
	enum store_result r;
	int64_t n;

	if (read_held(s, b, offset, to, want))
		return STORE_OK;
	r = find_again(s, o);
	if (r != STORE_OK)
		return r;
	if (b->file < 0)
		file = store_segment(s, pos_segment(b->at));
	n = file < 0 ? file
		     : s->disk->ops->read(s->disk, file, to, want,
			       offset + (b->file < 0 ? pos_offset(b->at) : 0));
	if (n != (int64_t)want)
		return n >= 0 || n == -ENOENT ? STORE_CORRUPT : STORE_UNAVAILABLE;
	return check(o, offset, to, want);
}

enum store_result store_out_read(struct store *s, struct store_out *o, uint64_t offset, char *to,
	uint64_t want, uint64_t *got)
{
	struct store_out_body *b = o->body;
	struct str prefix = str_head(str_from(b->prefix, offset), want);
	uint64_t left;
	enum store_result r;

	*got = 0;
	if (offset < b->prefix.n) {
		memcpy(to, prefix.p, prefix.n);
		*got = prefix.n;
		to += prefix.n;
		want -= prefix.n;
		offset = b->prefix.n;
	}
	offset -= b->prefix.n;
	left = offset < b->octets ? b->octets - offset : 0;
	want = want < left ? want : left;
	if (want == 0)
		return STORE_OK;
	r = read_body(s, o, offset, to, want);
	*got = r == STORE_OK ? *got + want : 0;
	return r;
}

/* ---- settling ---- */

void store_settle(struct store *s, struct store_settle *r)
{
	struct change *c, *message = deliver_known(s, r->id);

	if (store_overloaded(s)) {
		r->op.done(&r->op, STORE_UNAVAILABLE);
		return;
	}
	c = change_new(s, RECORD_RESULT, &r->op);
	c->id = r->id;
	c->entry.leisure_ms = r->at_leisure ? STORE_LEISURE_MS : 0;
	c->entry.deletes = true; /* also on a full disk: what was delivered must not go twice */
	put_msgid(&c->entry.record, r->id);
	for (size_t i = 0; i < r->count; i++) {
		put_u32(&c->entry.record, r->rcpts[i].number);
		result_put(&c->entry.record, &r->rcpts[i]);
	}
	if (message != NULL)
		message->settled = true;
	list_append(&s->settling, &c->settling);
	change_submit(c);
}

enum store_result store_due_list(struct store *s, const struct store_due *after, int64_t before_ms,
	struct store_due *rows, size_t *count)
{
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	return index_due(s->index, after, before_ms, rows, count);
}

enum store_result store_due_next(struct store *s, int64_t *due_ms)
{
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	return index_due_next(s->index, due_ms);
}

enum store_result store_out_list(
	struct store *s, struct msgid after, bool all, struct msgid *ids, size_t *count)
{
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	return index_onward_list(s->index, after, all, ids, count);
}

enum store_result store_out_count(struct store *s, uint64_t *waiting, uint64_t *held)
{
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	return index_onward_count(s->index, waiting, held);
}
