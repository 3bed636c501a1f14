/* Applying records to the index: the one meaning of each record, for the running store, for replay,
 * for rebuild and for fsck.  Records are applied once each, in the order of the journal. */
#include "base/log.h"
#include "store/local/index_impl.h"

/* An error of the disk makes SQLite roll the whole transaction back by itself (lang_transaction.html), and what
 * comes after it would be committed alone: half of a record, or the place up to which all of them are there. */
static void run(struct index *x, enum index_statement q)
{
	int rc;

#ifndef MUTANT_INDEX_GOES_ON
	if (x->failed)
		return;
#endif
	rc = sqlite3_step(x->st[q]);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW && !x->failed) {
		x->failed = true;
		index_failed(x, sqlite3_sql(x->st[q]));
	}
	sqlite3_reset(x->st[q]);
}

void index_begin(struct index *x)
{
	x->failed = false;
	index_look_end(x);
	index_unstick(x);
	(void)index_query(x, Q_BEGIN);
	run(x, Q_BEGIN);
}

bool index_commit(struct index *x, const struct index_place *at)
{
	sqlite3_stmt *st = index_query(x, Q_APPLIED);

	bind_u64(st, 1, at->pos);
	bind_u64(st, 2, at->salt);
	run(x, Q_APPLIED);
	if (!x->failed)
		run(x, Q_COMMIT);
	if (x->failed && !sqlite3_get_autocommit(x->db))
		(void)sqlite3_step(index_query(x, Q_ROLLBACK));
	(void)index_query(x, Q_ROLLBACK);
	return !x->failed;
}

/* With Q_ADD_MESSAGE false when a message of that id is there already: the first one counts. */
static bool add_message(struct index *x, enum index_statement q, uint64_t place,
	const struct record *r, const struct message_meta *m)
{
	sqlite3_stmt *st = index_query(x, q);

	bind_id(st, 1, &m->id);
	bind_u64(st, 2, place);
	bind_u64(st, 3, r->pos + record_body_at(r->meta.n));
	bind_u64(st, 4, m->octets);
	bind_u64(st, 5, m->header_octets);
	bind_u64(st, 6, r->body_crc);
	bind_u64(st, 7, m->flags);
	sqlite3_bind_int64(st, 8, m->received_ms);
	bind_octets(st, 9, m->sender.p, m->sender.n);
	bind_octets(st, 10, m->client.p, m->client.n);
	bind_octets(st, 11, m->message_id.p, m->message_id.n);
	bind_octets(st, 12, buf_str(&x->recipients).p, x->recipients.len);
	bind_u64(st, 13, r->pos);
	run(x, q);
	return !x->failed && sqlite3_changes(x->db) == 1;
}

static void add_delivery(
	struct index *x, uint64_t pos, const struct message_meta *m, const struct message_target *t)
{
	sqlite3_stmt *st = index_query(x, Q_ADD_DELIVERY);

	bind_u64(st, 1, t->maildrop);
	bind_u64(st, 2, pos);
	bind_id(st, 3, &m->id);
	bind_u64(st, 4, m->octets);
	bind_u64(st, 5, m->flags & MESSAGE_DOTS);
	if (t->uidl.n > 0)
		bind_octets(st, 6, t->uidl.p, t->uidl.n);
	else
		sqlite3_bind_null(st, 6);
	run(x, Q_ADD_DELIVERY);
	if (x->failed || sqlite3_changes(x->db) != 1)
		return;
	st = index_query(x, Q_ADD_USAGE);
	bind_u64(st, 1, t->maildrop);
	bind_u64(st, 2, m->octets);
	run(x, Q_ADD_USAGE);
}

/* due: NULL when nothing is to be done, the end of time when it is held. */
static void bind_result(sqlite3_stmt *st, const struct store_out_rcpt *o)
{
	bind_u64(st, 3, o->state);
	bind_u64(st, 4, o->flags);
	if (!result_open(o))
		sqlite3_bind_null(st, 5);
	else
		sqlite3_bind_int64(st, 5,
			(o->flags & (STORE_OUT_HELD | STORE_OUT_BAD)) ? INT64_MAX : o->due_ms);
	bind_u64(st, 6, o->attempts);
	sqlite3_bind_int64(st, 7, o->last_ms);
	bind_octets(st, 8, o->reply.p, o->reply.n);
	bind_octets(st, 9, o->host.p, o->host.n);
	bind_octets(st, 10, o->tls.p, o->tls.n);
	bind_octets(st, 11, o->via.p, o->via.n);
}

static void put_onward(struct index *x, const struct message_meta *m,
	const struct message_target *t, uint32_t number, const struct store_out_rcpt *o)
{
	sqlite3_stmt *st = index_query(x, Q_PUT_ONWARD);

	bind_id(st, 1, &m->id);
	bind_u64(st, 2, number);
	bind_result(st, o);
	sqlite3_bind_int64(st, 12, message_due(m));
	bind_octets(st, 13, t->recipient.p, t->recipient.n);
	run(x, Q_PUT_ONWARD);
}

static void apply_result(struct index *x, const struct record *r)
{
	struct reader in = { .rest = r->meta };
	struct msgid id = get_msgid(&in);

	while (!in.bad && in.rest.n > 0) {
		uint32_t number = get_u32(&in);
		sqlite3_stmt *st = index_query(x, Q_SET_ONWARD);
		struct store_out_rcpt o;

		if (!result_get(&in, &o))
			break;
		bind_id(st, 1, &id);
		bind_u64(st, 2, number);
		bind_result(st, &o);
		run(x, Q_SET_ONWARD);
	}
}

static void apply_message(struct index *x, const struct record *r)
{
	struct message_meta m, again;
	struct message_target t;

	if (!message_get(r->meta, &m)) {
		log_error("store.record", F_INT("pos", r->pos),
			F_C("err", "a message that cannot be read"));
		return;
	}
	again = m;
	buf_clear(&x->recipients);
	while (message_target(&again, &t)) {
		buf_put(&x->recipients, t.recipient);
		buf_putc(&x->recipients, '\n');
	}
	if (!add_message(x, Q_ADD_MESSAGE, r->pos, r, &m))
		return;
	for (uint32_t n = 0; message_target(&m, &t); n++) {
		struct store_out_rcpt fresh = message_fresh(&m, &t);

		if (t.maildrop == 0)
			put_onward(x, &m, &t, n, &fresh);
		else
			add_delivery(x, r->pos, &m, &t);
	}
}

static void expunge_run(
	struct index *x, uint64_t maildrop, const struct index_run *places, int64_t time_ms)
{
	static const enum index_statement steps[] = { Q_EXPUNGE_COPY, Q_EXPUNGE };

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		sqlite3_stmt *st = index_query(x, steps[i]);

		bind_u64(st, 1, maildrop);
		bind_u64(st, 2, places->first);
		bind_u64(st, 3, places->last);
		if (steps[i] == Q_EXPUNGE_COPY)
			sqlite3_bind_int64(st, 4, time_ms);
		run(x, steps[i]);
	}
}

static void apply_expunge(struct index *x, const struct record *r)
{
	struct reader in = { .rest = r->meta };
	uint64_t maildrop = get_u64(&in), count = 0, octets = 0;
	const struct msgid *ids = (const struct msgid *)(const void *)in.rest.p;
	size_t left = in.bad ? 0 : in.rest.n / sizeof *ids, step;
	sqlite3_stmt *st;

	for (; left > 0 && !x->failed; ids += step, left -= step) {
		struct index_run places;

		step = 1;
		if (index_run(x, maildrop, INT64_MAX, ids, left, &places) != STORE_OK)
			continue; /* its record is damaged: it is not shown anyway */
		expunge_run(x, maildrop, &places, r->time_ms);
		step = places.count;
		count += places.count;
		octets += places.octets;
	}
	st = index_query(x, Q_SUB_USAGE);
	bind_u64(st, 1, maildrop);
	bind_u64(st, 2, count);
	bind_u64(st, 3, octets);
	run(x, Q_SUB_USAGE);
}

/* The message is back at its old place, under its old UIDL. */
static void restore_one(struct index *x, uint64_t maildrop, const struct index_message *m)
{
	sqlite3_stmt *st = index_query(x, Q_RESTORE_COPY);
	bool was_gone;

	bind_u64(st, 1, maildrop);
	bind_u64(st, 2, m->pos);
	run(x, Q_RESTORE_COPY);
	was_gone = !x->failed && sqlite3_changes(x->db) == 1;
	st = index_query(x, Q_RESTORE);
	bind_u64(st, 1, maildrop);
	bind_u64(st, 2, m->pos);
	run(x, Q_RESTORE);
	if (was_gone) {
		st = index_query(x, Q_ADD_USAGE);
		bind_u64(st, 1, maildrop);
		bind_u64(st, 2, m->octets);
		run(x, Q_ADD_USAGE);
	}
}

static void apply_restore(struct index *x, const struct record *r)
{
	struct reader in = { .rest = r->meta };
	uint64_t maildrop = get_u64(&in);

	while (!in.bad && in.rest.n > 0 && !x->failed) {
		struct index_message m;

		if (index_message(x, get_msgid(&in), &m) == STORE_OK)
			restore_one(x, maildrop, &m);
	}
}

static void apply_drop(struct index *x, const struct record *r)
{
	struct reader in = { .rest = r->meta };
	uint64_t maildrop = get_u64(&in);
	sqlite3_stmt *st = index_query(x, Q_DROP_COPY);

	bind_u64(st, 1, maildrop);
	sqlite3_bind_int64(st, 2, r->time_ms);
	run(x, Q_DROP_COPY);
	bind_u64(index_query(x, Q_DROP), 1, maildrop);
	run(x, Q_DROP);
	bind_u64(index_query(x, Q_DROP_USAGE), 1, maildrop);
	run(x, Q_DROP_USAGE);
}

static void add_expunged(struct index *x, uint64_t place, const struct message_meta *m,
	const struct message_target *t, int64_t expunged_ms)
{
	sqlite3_stmt *st = index_query(x, Q_ADD_EXPUNGED);

	bind_u64(st, 1, t->maildrop);
	bind_u64(st, 2, place);
	bind_id(st, 3, &m->id);
	bind_u64(st, 4, m->octets);
	bind_u64(st, 5, m->flags & MESSAGE_DOTS);
	if (t->uidl.n > 0)
		bind_octets(st, 6, t->uidl.p, t->uidl.n);
	else
		sqlite3_bind_null(st, 6);
	sqlite3_bind_int64(st, 7, expunged_ms);
	run(x, Q_ADD_EXPUNGED);
}

static void forget_expunged(struct index *x, uint64_t maildrop, uint64_t place)
{
	sqlite3_stmt *st = index_query(x, Q_RESTORE);

	bind_u64(st, 1, maildrop);
	bind_u64(st, 2, place);
	run(x, Q_RESTORE);
}

/* The whole truth of a message: what the index knows of it already says the same, but for what was kept
 * long enough. */
static void apply_moved(struct index *x, const struct record *r)
{
	struct reader in = { .rest = r->meta };
	uint64_t place = get_u64(&in);
	struct message_meta m, again;
	struct message_target t;
	struct moved v;

	if (in.bad || !message_get(in.rest, &m))
		return;
	again = m;
	buf_clear(&x->recipients);
	while (moved_target(r->type, &again, &t, &v)) {
		if (v.state != MOVED_GONE) {
			buf_put(&x->recipients, t.recipient);
			buf_putc(&x->recipients, '\n');
		}
	}
	(void)add_message(x, Q_PUT_MESSAGE, place, r, &m);
	for (uint32_t n = 0; moved_target(r->type, &m, &t, &v); n++) {
		if (t.maildrop == 0) {
			put_onward(x, &m, &t, n, &v.out);
			continue;
		}
		switch (v.state) {
		case MOVED_LIVE: add_delivery(x, place, &m, &t); break;
		case MOVED_EXPUNGED: add_expunged(x, place, &m, &t, v.expunged_ms); break;
		case MOVED_GONE: forget_expunged(x, t.maildrop, place); break;
		}
	}
}

static void apply_forget(struct index *x, const struct record *r)
{
	struct reader in = { .rest = r->meta };

	while (!in.bad && in.rest.n > 0) {
		struct msgid id = get_msgid(&in);
		uint16_t n = get_u16(&in);
		struct index_message m;
		bool known = index_message(x, id, &m) == STORE_OK;

		while (n-- > 0 && !in.bad) {
			uint64_t maildrop = get_u64(&in);

			if (known)
				forget_expunged(x, maildrop, m.pos);
		}
		bind_id(index_query(x, Q_FORGET), 1, &id);
		run(x, Q_FORGET);
		bind_id(index_query(x, Q_FORGET_ONWARD), 1, &id);
		run(x, Q_FORGET_ONWARD);
	}
}

void index_apply(struct index *x, const struct record *r)
{
	if (x->failed)
		return;
	switch (r->type) {
	case RECORD_MESSAGE: apply_message(x, r); break;
	case RECORD_EXPUNGE: apply_expunge(x, r); break;
	case RECORD_DROP: apply_drop(x, r); break;
	case RECORD_RESTORE: apply_restore(x, r); break;
	case RECORD_MOVED: apply_moved(x, r); break;
	case RECORD_FORGET: apply_forget(x, r); break;
	case RECORD_RESULT: apply_result(x, r); break;
	case RECORD_RETIRE:
	case RECORD_RETRIEVED:
	case RECORD_SEAL: break;
	}
}
