#include <stdlib.h>

#include "base/mem.h"
#include "store/local/index_impl.h"

enum {
	OLDER_ROWS = 1000,   /* the limit of Q_OLDER */
	LIST_ROOM = 1 << 20, /* rows at first */
	LIST_LOOK = 256,     /* rows between two looks whether pages are missing */
};

/* All that is asked between two changes reads in one transaction: to begin one costs six system
 * calls, more than most questions. */
sqlite3_stmt *index_ask(struct index *x, enum index_statement q)
{
	if (sqlite3_get_autocommit(x->db)) {
		index_unstick(x);
		(void)sqlite3_step(index_query(x, Q_LOOK));
		sqlite3_reset(x->st[Q_LOOK]);
		x->looking = true;
	}
	return index_query(x, q);
}

enum store_result index_step(struct index *x, sqlite3_stmt *st)
{
	switch (sqlite3_step(st)) {
	case SQLITE_ROW: return STORE_OK;
	case SQLITE_DONE: return STORE_NOT_FOUND;
	}
	x->failed = true; /* what is asked while a change is applied is part of it */
	index_failed(x, sqlite3_sql(st));
	sqlite3_reset(st);
	index_look_end(x);
	return STORE_UNAVAILABLE;
}

static struct index_message message_of(sqlite3_stmt *st)
{
	return (struct index_message){ .pos = column_u64(st, 0),
		.body_at = column_u64(st, 1),
		.octets = column_u64(st, 2),
		.header_octets = column_u64(st, 3),
		.crc = (uint32_t)column_u64(st, 4),
		.flags = (uint16_t)column_u64(st, 5),
		.received_ms = sqlite3_column_int64(st, 6),
		.at = column_u64(st, 7) };
}

enum store_result index_message(struct index *x, struct msgid id, struct index_message *m)
{
	sqlite3_stmt *st = index_ask(x, Q_MESSAGE);
	enum store_result r;

	bind_id(st, 1, &id);
	r = index_step(x, st);
	if (r == STORE_OK)
		*m = message_of(st);
	sqlite3_reset(st);
	return r;
}

size_t index_ahead(
	struct index *x, uint64_t maildrop, uint64_t pos, struct index_ahead *rows, size_t room)
{
	sqlite3_stmt *st = index_ask(x, Q_AHEAD);
	size_t count = 0;

	bind_u64(st, 1, maildrop);
	bind_u64(st, 2, pos);
	bind_u64(st, 3, room);
	while (count < room && index_step(x, st) == STORE_OK) {
		struct str id = column_str(st, 8);

		if (id.n != sizeof rows->id.b)
			break;
		memcpy(rows[count].id.b, id.p, id.n);
		rows[count++].m = message_of(st);
	}
	sqlite3_reset(st);
	return count;
}

enum store_result index_facts(struct index *x, struct msgid id, struct store_facts *f)
{
	sqlite3_stmt *st = index_ask(x, Q_MESSAGE);
	enum store_result r;

	bind_id(st, 1, &id);
	r = index_step(x, st);
	if (r == STORE_OK) {
		struct str sender = column_str(st, 8), message_id = column_str(st, 9);

		*f = (struct store_facts){ .id = id,
			.octets = column_u64(st, 2),
			.header_octets = column_u64(st, 3),
			.received_ms = sqlite3_column_int64(st, 6) };
		f->sender = str_of(memcpy(mem_alloc(sender.n + 1), sender.p, sender.n), sender.n);
		f->message_id =
			str_of(memcpy(mem_alloc(message_id.n + 1), message_id.p, message_id.n),
				message_id.n);
	}
	sqlite3_reset(st);
	return r;
}

enum store_result index_has(struct index *x, uint64_t maildrop, uint64_t pos, bool ever)
{
	sqlite3_stmt *st = index_ask(x, Q_HAS);
	enum store_result r;

	bind_u64(st, 1, maildrop);
	bind_u64(st, 2, pos);
	r = index_step(x, st);
	sqlite3_reset(st);
	if (r != STORE_NOT_FOUND || !ever)
		return r;
	st = index_ask(x, Q_HAD);
	bind_u64(st, 1, maildrop);
	bind_u64(st, 2, pos);
	r = index_step(x, st);
	sqlite3_reset(st);
	return r;
}

enum store_result index_run(struct index *x, uint64_t maildrop, uint64_t before,
	const struct msgid *ids, size_t count, struct index_run *run)
{
	struct index_message m = { 0 };
	enum store_result r = index_message(x, ids[0], &m);
	sqlite3_stmt *st;

	*run = (struct index_run){ .first = m.pos };
	if (r != STORE_OK)
		return r;
	st = index_ask(x, Q_RUN);
	bind_u64(st, 1, maildrop);
	bind_u64(st, 2, m.pos);
	bind_u64(st, 3, before);
	while (run->count < count && (r = index_step(x, st)) == STORE_OK) {
		struct str id = column_str(st, 1);

		if (!str_eq(id, str_of(ids[run->count].b, sizeof ids->b)))
			break;
		run->last = column_u64(st, 0);
		run->octets += column_u64(st, 2);
		run->count++;
	}
	sqlite3_reset(st);
	if (r != STORE_OK && r != STORE_NOT_FOUND)
		return r;
	return run->count > 0 ? STORE_OK : STORE_NOT_FOUND;
}

enum store_result index_usage(struct index *x, uint64_t maildrop, uint64_t *count, uint64_t *octets)
{
	sqlite3_stmt *st = index_ask(x, Q_USAGE);
	enum store_result r;

	*count = *octets = 0;
	bind_u64(st, 1, maildrop);
	r = index_step(x, st);
	if (r == STORE_OK) {
		*count = column_u64(st, 0);
		*octets = column_u64(st, 1);
	}
	sqlite3_reset(st);
	return r == STORE_NOT_FOUND ? STORE_OK : r;
}

static void take_row(sqlite3_stmt *st, struct maildrop_row *row, struct buf *uidls)
{
	struct str id = column_str(st, 0), uidl = column_str(st, 3);

	*row = (struct maildrop_row){ .octets = column_u64(st, 1),
		.flags = (uint16_t)column_u64(st, 2) };
	if (id.n == sizeof row->id.b)
		memcpy(row->id.b, id.p, id.n);
	if (uidl.n > 0) {
		row->uidl_at = (uint32_t)uidls->len;
		row->uidl_len = (uint16_t)uidl.n;
		buf_put(uidls, uidl);
	}
}

/* Pages that SQLite did not have in memory. */
static int missed(const struct index *x)
{
	int count = 0, highest;

	(void)sqlite3_db_status(x->db, SQLITE_DBSTATUS_CACHE_MISS, &count, &highest, false);
	return count;
}

enum store_result index_list(
	struct index *x, struct store_listing *l, uint64_t before, uint64_t expect)
{
	sqlite3_stmt *st = index_ask(x, Q_LIST);
	enum store_result r;
	/* A count of a damaged index is a number like any other: room grows with the rows. */
	size_t room = expect < LIST_ROOM ? expect : LIST_ROOM;
	int misses = missed(x);
	bool ahead = false;
	struct buf uidls;

	buf_init(&uidls, UINT32_MAX);
	l->rows = room > 0 ? mem_array(NULL, room, sizeof *l->rows) : NULL;
	l->count = 0;
	bind_u64(st, 1, l->maildrop);
	bind_u64(st, 2, before);
	while ((r = index_step(x, st)) == STORE_OK) {
		if (l->count == room) {
			room = room < 64 ? 64 : room * 2;
			l->rows = mem_array(l->rows, room, sizeof *l->rows);
		}
		take_row(st, &l->rows[l->count++], &uidls);
		if (!ahead && l->count % LIST_LOOK == 0 && missed(x) != misses) {
			index_read_ahead(x, l->maildrop, expect);
			ahead = true;
		}
	}
	sqlite3_reset(st);
	if (uidls.full)
		r = STORE_UNAVAILABLE;
	l->uidls_len = uidls.len;
	l->uidls = buf_steal_c(&uidls);
	if (r == STORE_NOT_FOUND)
		return STORE_OK;
	store_listing_free(l);
	return r;
}

enum store_result index_expunged(
	struct index *x, uint64_t maildrop, struct store_expunged_row **rows, size_t *count)
{
	sqlite3_stmt *st = index_ask(x, Q_LIST_EXPUNGED);
	enum store_result r;
	size_t room = 0;

	*rows = NULL;
	*count = 0;
	bind_u64(st, 1, maildrop);
	while ((r = index_step(x, st)) == STORE_OK) {
		struct str id = column_str(st, 0), uidl = column_str(st, 3);
		struct store_expunged_row *row;

		if (*count == room) {
			room = room == 0 ? 64 : room * 2;
			*rows = mem_array(*rows, room, sizeof **rows);
		}
		row = &(*rows)[(*count)++];
		*row = (struct store_expunged_row){ .octets = column_u64(st, 1),
			.expunged_ms = sqlite3_column_int64(st, 4) };
		if (id.n == sizeof row->id.b)
			memcpy(row->id.b, id.p, id.n);
		if (uidl.n <= sizeof row->uidl) {
			row->uidl_len = (uint8_t)uidl.n;
			memcpy(row->uidl, uidl.p, uidl.n);
		}
	}
	sqlite3_reset(st);
	return r == STORE_NOT_FOUND ? STORE_OK : r;
}

enum store_result index_older(struct index *x, uint64_t maildrop, int64_t before_ms, uint64_t *from,
	struct msgid *ids, size_t *count)
{
	sqlite3_stmt *st = index_ask(x, Q_OLDER);
	size_t room = *count, seen = 0;
	enum store_result r = STORE_OK;
	uint64_t next = 0;

	*count = 0;
	bind_u64(st, 1, maildrop);
	bind_u64(st, 2, *from);
	while (*count < room && (r = index_step(x, st)) == STORE_OK) {
		struct str id = column_str(st, 1);

		seen++;
		next = column_u64(st, 0) + 1;
		if (sqlite3_column_int64(st, 2) < before_ms && id.n == sizeof ids->b)
			memcpy(ids[(*count)++].b, id.p, id.n);
	}
	sqlite3_reset(st);
	if (*count < room && r != STORE_NOT_FOUND)
		return r;
	*from = r == STORE_NOT_FOUND && seen < OLDER_ROWS ? 0 : next;
	return STORE_OK;
}

enum store_result index_expunged_at(
	struct index *x, uint64_t maildrop, uint64_t pos, int64_t *expunged_ms)
{
	sqlite3_stmt *st = index_ask(x, Q_EXPUNGED_AT);
	enum store_result r;

	bind_u64(st, 1, maildrop);
	bind_u64(st, 2, pos);
	r = index_step(x, st);
	if (r == STORE_OK)
		*expunged_ms = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return r;
}
