/* What the index says of mail that goes on. */
#include "store/local/index_impl.h"

/* The texts move while the buffer grows: first all, then the views. */
static void keep_texts(sqlite3_stmt *st, int from, struct str *const to[4], struct buf *texts)
{
	size_t at = texts->len;

	for (int i = 0; i < 4; i++)
		buf_put(texts, column_str(st, from + i));
	for (int i = 0; i < 4; i++) {
		*to[i] = str_head(str_from(buf_str(texts), at), column_str(st, from + i).n);
		at += to[i]->n;
	}
}

enum store_result index_onward(struct index *x, struct msgid id, uint32_t number,
	struct store_out_rcpt *o, struct buf *texts)
{
	sqlite3_stmt *st = index_ask(x, Q_ONWARD);
	enum store_result r;

	bind_id(st, 1, &id);
	bind_u64(st, 2, number);
	r = index_step(x, st);
	if (r == STORE_OK) {
		*o = (struct store_out_rcpt){ .number = number,
			.state = (enum store_out_state)column_u64(st, 1),
			.flags = (uint16_t)column_u64(st, 2),
			.due_ms = sqlite3_column_int64(st, 3),
			.attempts = (uint32_t)column_u64(st, 4),
			.last_ms = sqlite3_column_int64(st, 5) };
		keep_texts(st, 6, (struct str *const[]){ &o->reply, &o->host, &o->tls, &o->via },
			texts);
	}
	sqlite3_reset(st);
	return r;
}

enum store_result index_onward_has(struct index *x, struct msgid id, struct str recipient)
{
	sqlite3_stmt *st = index_ask(x, Q_ONWARD_HAS);
	enum store_result r;

	bind_id(st, 1, &id);
	bind_octets(st, 2, recipient.p, recipient.n);
	r = index_step(x, st);
	sqlite3_reset(st);
	return r;
}

static struct msgid column_id(sqlite3_stmt *st, int at)
{
	struct str s = column_str(st, at);
	struct msgid id = { { 0 } };

	if (s.n == sizeof id.b)
		memcpy(id.b, s.p, s.n);
	return id;
}

enum store_result index_due(struct index *x, const struct store_due *after, int64_t before_ms,
	struct store_due *rows, size_t *count)
{
	sqlite3_stmt *st = index_ask(x, Q_DUE);
	size_t room = *count;
	enum store_result r = STORE_OK;

	*count = 0;
	sqlite3_bind_int64(st, 1, after->due_ms);
	bind_id(st, 2, &after->id);
	bind_u64(st, 3, after->number);
	sqlite3_bind_int64(st, 4, before_ms);
	bind_u64(st, 5, room);
	while (*count < room && (r = index_step(x, st)) == STORE_OK) {
		struct str recipient = str_head(column_str(st, 6), sizeof rows->recipient);
		struct store_due *d = &rows[(*count)++];

		*d = (struct store_due){ .due_ms = sqlite3_column_int64(st, 0),
			.id = column_id(st, 1),
			.number = (uint32_t)column_u64(st, 2),
			.since_ms = sqlite3_column_int64(st, 3),
			.attempts = (uint32_t)column_u64(st, 4),
			.flags = (uint16_t)column_u64(st, 5),
			.recipient_len = (uint8_t)recipient.n };
		memcpy(d->recipient, recipient.p, recipient.n);
	}
	sqlite3_reset(st);
	return r == STORE_NOT_FOUND ? STORE_OK : r;
}

enum store_result index_due_next(struct index *x, int64_t *due_ms)
{
	sqlite3_stmt *st = index_ask(x, Q_DUE_NEXT);
	enum store_result r = index_step(x, st);

	*due_ms = r == STORE_OK ? sqlite3_column_int64(st, 0) : INT64_MAX;
	sqlite3_reset(st);
	return r == STORE_NOT_FOUND ? STORE_OK : r;
}

enum store_result index_onward_list(
	struct index *x, struct msgid after, bool all, struct msgid *ids, size_t *count)
{
	sqlite3_stmt *st = index_ask(x, all ? Q_ONWARD_ALL : Q_ONWARD_OPEN);
	size_t room = *count;
	enum store_result r = STORE_OK;

	*count = 0;
	bind_id(st, 1, &after);
	bind_u64(st, 2, room);
	while (*count < room && (r = index_step(x, st)) == STORE_OK)
		ids[(*count)++] = column_id(st, 0);
	sqlite3_reset(st);
	return r == STORE_NOT_FOUND ? STORE_OK : r;
}

enum store_result index_onward_count(struct index *x, uint64_t *waiting, uint64_t *held)
{
	sqlite3_stmt *st = index_ask(x, Q_ONWARD_COUNT);
	enum store_result r = index_step(x, st);

	*waiting = *held = 0;
	if (r == STORE_OK) {
		*waiting = column_u64(st, 0);
		*held = column_u64(st, 1);
	}
	sqlite3_reset(st);
	return r;
}
