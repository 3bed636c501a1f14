/* The life of a message out of the journal: nothing is kept for it besides the records that the store has
 * anyway.  Of what compaction copied, the record says how it was then. */
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "store/local/impl.h"
#include "store/local/replay.h"

enum { RECEIVED_LOOK = 4096 };

/* A recipient of a message that is followed. */
struct followed {
	uint64_t maildrop; /* 0: goes on */
	uint32_t number;
	uint16_t flags;
	uint32_t attempts;
	char *recipient, *via;
};

struct life {
	struct msgid id;
	uint64_t pos; /* of its record */
	struct followed *rcpts;
	size_t count;
};

struct tracer {
	struct walker walker;
	struct store_trace *trace;
	struct life *lives;
	size_t count;
	bool moved; /* some record is a copy: what came before it stands before it */
	bool again; /* the second walk, for that */
};

/* There are few, and the newest is asked for most. */
static struct life *find(struct tracer *t, struct msgid id)
{
	for (size_t i = t->count; i > 0; i--)
		if (msgid_eq(t->lives[i - 1].id, id))
			return &t->lives[i - 1];
	return NULL;
}

/* "\r\n\t(TLSv1.3 CIPHER)" of our own Received, which stands in front. */
static struct str tls_of(struct str body)
{
	static const struct str mark = STR_INIT("\r\n\t(TLS");

	body = str_head(body, RECEIVED_LOOK);
	for (size_t i = 0; i + mark.n < body.n; i++) {
		struct str s = str_from(body, i);

		if (str_starts(s, STR("\r\n\r\n")) || str_starts(s, STR(";\r\n\t")))
			break;
		if (str_starts(s, mark))
			return str_head(str_from(s, 4), str_find(str_from(s, 4), ')'));
	}
	return STR("");
}

static struct str without_angles(struct str s)
{
	if (str_starts(s, STR("<")) && str_ends(s, STR(">")))
		return str_head(str_from(s, 1), s.n - 2);
	return s;
}

static bool is_meant(const struct store_trace *t, enum record_type type, struct message_meta m)
{
	struct message_target target;
	struct moved state;
	bool meant = false;

	if (t->by_id)
		return msgid_eq(m.id, t->id);
	meant = str_ieq(m.sender, t->text) ||
		(m.message_id.n > 0 &&
			str_eq(without_angles(m.message_id), without_angles(t->text)));
	while (!meant && moved_target(type, &m, &target, &state))
		meant = str_ieq(target.recipient, t->text);
	return meant;
}

static void follow(struct life *life, const struct message_target *t, const struct moved *state,
	uint32_t number)
{
	life->rcpts = mem_array(life->rcpts, life->count + 1, sizeof *life->rcpts);
	life->rcpts[life->count++] = (struct followed){ .maildrop = t->maildrop,
		.number = number,
		.flags = state->out.flags,
		.attempts = state->out.attempts,
		.recipient = str_dup_c(t->recipient),
		.via = str_dup_c(state->out.via) };
}

/* Everything of a message's own record. */
static void begin(struct tracer *t, const struct record *r, struct message_meta *m)
{
	bool moved = r->type == RECORD_MOVED;
	struct store_trace_event e = { .what = STORE_TRACE_TAKEN,
		.compacted = moved,
		.at_ms = m->received_ms,
		.id = m->id,
		.sender = m->sender,
		.client = m->client,
		.message_id = m->message_id,
		.octets = m->octets,
		.tls = tls_of(r->body) };
	struct message_target target;
	struct moved state = { .state = MOVED_LIVE };
	struct life *life = &t->lives[t->count++];

	*life = (struct life){ .id = m->id, .pos = r->pos };
	t->moved |= moved;
	t->trace->say(t->trace, &e);
	for (uint32_t number = 0; moved_target(r->type, m, &target, &state); number++) {
		follow(life, &target, &state, number);
		e.recipient = target.recipient;
		e.what = target.maildrop != 0 ? STORE_TRACE_KEPT : STORE_TRACE_ONWARD;
		if (target.settled == 0)
			t->trace->say(t->trace, &e);
		if (target.maildrop == 0) {
			state.out.number = number;
			e.what = STORE_TRACE_RESULT;
			e.out = &state.out;
			e.at_ms = state.out.last_ms != 0 ? state.out.last_ms : m->received_ms;
		} else if (state.state == MOVED_EXPUNGED) {
			e.what = STORE_TRACE_EXPUNGED;
			e.at_ms = state.expunged_ms;
		}
		if (moved && e.what != STORE_TRACE_KEPT && (e.out == NULL || e.out->last_ms != 0))
			t->trace->say(t->trace, &e);
		e.out = NULL;
		e.at_ms = m->received_ms;
	}
}

static void take_message(struct tracer *t, const struct record *r)
{
	struct message_meta m;

	if (!message_get(str_from(r->meta, r->type == RECORD_MOVED ? 8 : 0), &m) ||
		!is_meant(t->trace, r->type, m) || find(t, m.id) != NULL)
		return;
	if (t->count == t->trace->most)
		t->trace->cut = true;
	else
		begin(t, r, &m);
}

static void take_result(struct tracer *t, const struct record *r)
{
	struct reader in = { .rest = r->meta };
	struct life *life = find(t, get_msgid(&in));

	while (life != NULL && in.rest.n > 0 && !in.bad) {
		struct store_out_rcpt out = { .number = get_u32(&in) };
		struct store_trace_event e = {
			.what = STORE_TRACE_RESULT, .at_ms = r->time_ms, .id = life->id, .out = &out
		};

		if (!result_get(&in, &out))
			return;
		for (size_t i = 0; i < life->count; i++) {
			struct followed *f = &life->rcpts[i];

			if (f->maildrop != 0 || f->number != out.number)
				continue;
			e.recipient = str_c(f->recipient);
			e.before_flags = f->flags;
			e.before_attempts = f->attempts;
			e.before_via = str_c(f->via);
			t->trace->say(t->trace, &e);
			f->flags = out.flags;
			f->attempts = out.attempts;
			free(f->via);
			f->via = str_dup_c(out.via);
		}
	}
}

static void say_of_maildrop(
	struct tracer *t, const struct life *life, uint64_t maildrop, struct store_trace_event e)
{
	e.id = life->id;
	for (size_t i = 0; i < life->count; i++)
		if (life->rcpts[i].maildrop == maildrop) {
			e.recipient = str_c(life->rcpts[i].recipient);
			t->trace->say(t->trace, &e);
		}
}

static void take_ids(struct tracer *t, const struct record *r, enum store_trace_what what)
{
	struct store_trace_event e = { .what = what, .at_ms = r->time_ms };
	struct reader in = { .rest = r->meta };
	uint64_t maildrop = get_u64(&in);
	const struct life *life;

	while (in.rest.n > 0 && !in.bad)
		if ((life = find(t, get_msgid(&in))) != NULL)
			say_of_maildrop(t, life, maildrop, e);
}

/* Of a message that was copied since, the second walk finds it. */
static void take_retrieved(struct tracer *t, const struct record *r)
{
	struct reader in = { .rest = r->meta };
	struct reader drops = { .rest = get_bytes(&in, (size_t)get_u8(&in) * 8) };
	struct store_trace_event e = { .what = STORE_TRACE_RETRIEVED,
		.at_ms = (int64_t)get_u64(&in),
		.client = get_str(&in) };

	while (in.rest.n > 0 && !in.bad) {
		const struct life *life = find(t, get_msgid(&in));

		if (life == NULL || (r->pos < life->pos) != t->again)
			continue;
		for (struct reader d = drops; d.rest.n > 0;)
			say_of_maildrop(t, life, get_u64(&d), e);
	}
}

/* Its account was deleted. */
static void take_drop(struct tracer *t, const struct record *r)
{
	struct store_trace_event e = { .what = STORE_TRACE_EXPUNGED, .at_ms = r->time_ms };
	uint64_t maildrop = get_u64(&(struct reader){ .rest = r->meta });

	for (size_t i = 0; i < t->count; i++)
		say_of_maildrop(t, &t->lives[i], maildrop, e);
}

static void take_forget(struct tracer *t, const struct record *r)
{
	struct reader in = { .rest = r->meta };

	while (in.rest.n > 0 && !in.bad) {
		struct store_trace_event e = {
			.what = STORE_TRACE_FORGOTTEN, .at_ms = r->time_ms, .id = get_msgid(&in)
		};
		uint16_t count = get_u16(&in);

		(void)get_bytes(&in, (size_t)count * 8);
		if (!in.bad && find(t, e.id) != NULL)
			t->trace->say(t->trace, &e);
	}
}

static void take_record(struct walker *w, const struct record *r, const struct segment *seg)
{
	struct tracer *t = LIST_OF(w, struct tracer, walker);

	(void)seg;
	if (t->again && r->type != RECORD_RETRIEVED)
		return;
	switch (r->type) {
	case RECORD_MESSAGE:
	case RECORD_MOVED: take_message(t, r); break;
	case RECORD_RESULT: take_result(t, r); break;
	case RECORD_EXPUNGE: take_ids(t, r, STORE_TRACE_EXPUNGED); break;
	case RECORD_RESTORE: take_ids(t, r, STORE_TRACE_RESTORED); break;
	case RECORD_RETRIEVED: take_retrieved(t, r); break;
	case RECORD_DROP: take_drop(t, r); break;
	case RECORD_FORGET: take_forget(t, r); break;
	case RECORD_SEAL:
	case RECORD_RETIRE: break;
	}
}

/* fsck tells of them. */
static void pass_over(
	struct walker *w, enum scan_event event, uint64_t segment, uint64_t from, uint64_t to)
{
	(void)w;
	(void)event;
	(void)segment;
	(void)from;
	(void)to;
}

enum status store_local_trace(
	const char *dir, struct disk *disk, struct store_trace *trace, struct err *err)
{
	struct tracer t = { .walker = { take_record, pass_over }, .trace = trace };
	char *journal = store_journal_path(dir);
	struct map map = { 0 };
	enum status status = map_load(&map, disk, journal, err);

	trace->cut = false;
	t.lives = mem_array(NULL, trace->most, sizeof *t.lives);
	if (status == ST_OK)
		status = map_walk(&map, 0, &t.walker, NULL, err);
	t.again = t.moved;
	if (status == ST_OK && t.again)
		status = map_walk(&map, 0, &t.walker, NULL, err);
	for (size_t i = 0; i < t.count; i++) {
		for (size_t k = 0; k < t.lives[i].count; k++) {
			free(t.lives[i].rcpts[k].recipient);
			free(t.lives[i].rcpts[k].via);
		}
		free(t.lives[i].rcpts);
	}
	free(t.lives);
	map_free(&map);
	free(journal);
	return status;
}
