/* Verbs of messages that were expunged: what is still there, and bringing it back.  It takes the
 * maildrop's lease, so that no POP3 session sees its message numbers change (RFC 1939 4). */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "daemon/office_verbs.h"

struct undelete {
	struct store_open open;
	struct store_restore restore;
	struct store_expunge expunge;
	bool done;
	enum store_result result;
};

struct gone {
	uint64_t maildrop;
	struct store_expunged_row *rows; /* heap */
	size_t count;
	int64_t now_ms;
};

static enum status find_gone(struct office *o, const json_t *q, struct gone *g, struct err *err)
{
	enum status status;

	*g = (struct gone){ .now_ms = clock_steady_ms() };
	status = request_maildrop(o, q, &g->maildrop, err);
	if (status != ST_OK)
		return status;
	if (store_expunged(o->store, g->maildrop, &g->rows, &g->count) != STORE_OK)
		return err_set(err, ST_TEMP, "the mailbox cannot be read now: the log says why");
	return ST_OK;
}

static struct str uidl_of(const struct store_expunged_row *row, char text[MSGID_TEXT + 1])
{
	msgid_text(row->id, text);
	return row->uidl_len > 0 ? str_of(row->uidl, row->uidl_len) : str_of(text, MSGID_TEXT);
}

static json_t *gone_row(struct office *o, const struct store_expunged_row *row)
{
	char text[MSGID_TEXT + 1];
	struct store_facts f;
	json_t *out = json_pack("{s:o, s:I, s:o}", "uidl", json_text(uidl_of(row, text)), "octets",
		(json_int_t)row->octets, "expunged", json_time(row->expunged_ms));

	if (store_facts(o->store, row->id, &f) != STORE_OK)
		return out;
	json_object_set_new(out, "received", json_time(f.received_ms));
	json_object_set_new(out, "sender", json_text(f.sender));
	store_facts_free(&f);
	return out;
}

enum status verb_mailbox_expunged(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct gone g;
	enum status status = find_gone(o, q, &g, err);

	if (status != ST_OK)
		return status;
	for (size_t i = 0; i < g.count; i++)
		r->row(r, gone_row(o, &g.rows[i]));
	free(g.rows);
	return ST_OK;
}

static void on_opened(struct store_op *op, enum store_result result)
{
	struct undelete *u = LIST_OF(op, struct undelete, open.op);

	u->done = true;
	u->result = result;
}

static void on_restored(struct store_op *op, enum store_result result)
{
	struct undelete *u = LIST_OF(op, struct undelete, restore.op);

	u->done = true;
	u->result = result;
}

static void on_expunged(struct store_op *op, enum store_result result)
{
	struct undelete *u = LIST_OF(op, struct undelete, expunge.op);

	u->done = true;
	u->result = result;
}

static enum store_result wait_for(struct office *o, struct undelete *u)
{
	while (!u->done) {
		store_flush(o->store);
		if (!u->done)
			store_wait(o->store);
	}
	u->done = false;
	return u->result;
}

static enum status bring_back(struct office *o, uint64_t maildrop, const struct msgid *ids,
	size_t count, uint64_t *restored, struct err *err)
{
	struct undelete u = { .open = { .op = { .done = on_opened }, .maildrop = maildrop } };
	enum store_result result;

	store_open(o->store, &u.open);
	result = wait_for(o, &u);
	if (result == STORE_BUSY)
		return err_set(err, ST_TEMP,
			"a POP3 session has the mailbox open: try again, or restante kick");
	if (result == STORE_OK) {
		u.restore = (struct store_restore){ .op = { .done = on_restored },
			.maildrop = maildrop,
			.token = u.open.token,
			.ids = ids,
			.count = count };
		store_restore(o->store, &u.restore);
		result = wait_for(o, &u);
		store_close(o->store, maildrop, u.open.token);
	}
	*restored = u.restore.restored;
	if (result != STORE_OK)
		return err_set(err, ST_TEMP, "nothing was restored: the log says why");
	return ST_OK;
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct msgid));
}

/* Those of the array that are ids, sorted; heap.  A restore names thousands, and of a mailbox a million may be gone. */
static struct msgid *named_ids(const json_t *array, size_t *n)
{
	struct msgid *ids = mem_array(NULL, json_array_size(array) + 1, sizeof *ids);
	const json_t *v;
	size_t i;

	*n = 0;
	json_array_foreach(array, i, v)
	{
		if (msgid_parse(str_c(json_string_value(v)), &ids[*n]))
			++*n;
	}
	qsort(ids, *n, sizeof *ids, by_id);
	return ids;
}

/* "uidl": that message; "ids": these; "since_ms": what was expunged in the last so many milliseconds; else all. */
static size_t choose(const json_t *q, const struct gone *g, struct msgid *ids)
{
	const json_t *uidl = json_object_get(q, "uidl"), *since = json_object_get(q, "since_ms"),
		     *named = json_object_get(q, "ids");
	char text[MSGID_TEXT + 1];
	size_t n = 0, named_count;
	struct msgid *these = named_ids(named, &named_count);

	for (size_t i = 0; i < g->count; i++) {
		const struct store_expunged_row *row = &g->rows[i];

		if (json_is_string(uidl) &&
			!str_eq(uidl_of(row, text),
				str_of(json_string_value(uidl), json_string_length(uidl))))
			continue;
		if (json_is_integer(since) &&
			row->expunged_ms < g->now_ms - json_integer_value(since))
			continue;
		if (json_is_array(named) &&
			bsearch(&row->id, these, named_count, sizeof *these, by_id) == NULL)
			continue;
		ids[n++] = row->id;
	}
	free(these);
	return n;
}

enum status verb_mailbox_undelete(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct msgid *ids;
	struct gone g;
	uint64_t restored = 0;
	size_t n;
	enum status status = find_gone(o, q, &g, err);

	if (status != ST_OK)
		return status;
	ids = mem_array(NULL, g.count + 1, sizeof *ids);
	n = choose(q, &g, ids);
	if (n > 0)
		status = bring_back(o, g.maildrop, ids, n, &restored, err);
	free(ids);
	free(g.rows);
	if (status == ST_OK)
		r->row(r, json_pack("{s:I}", "restored", (json_int_t)restored));
	return status;
}

enum status verb_mailbox_expunge(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct undelete u = { .open = { .op = { .done = on_opened } } };
	enum store_result result = STORE_OK;
	struct account a;
	struct str address;
	size_t n;
	struct msgid *ids = named_ids(json_object_get(q, "ids"), &n);
	enum status status = request_str(q, "address", &address, err);

	if (status == ST_OK)
		status = account_get(o->directory, address, &a, err);
	if (status == ST_OK) {
		u.open.maildrop = a.id;
		store_open(o->store, &u.open);
		result = wait_for(o, &u);
	}
	if (status == ST_OK && result == STORE_OK) {
		u.expunge = (struct store_expunge){ .op = { .done = on_expunged },
			.maildrop = a.id,
			.token = u.open.token,
			.ids = ids,
			.count = n };
		store_expunge(o->store, &u.expunge);
		result = wait_for(o, &u);
		store_close(o->store, a.id, u.open.token);
	}
	free(ids);
	if (result != STORE_OK)
		return err_set(err, ST_TEMP, "%s",
			result == STORE_BUSY ? "a POP3 session has the mailbox open: try again, or "
					       "restante kick"
					     : "nothing was removed: the log says why");
	if (status == ST_OK)
		r->row(r, json_pack("{s:I}", "expunged", (json_int_t)u.expunge.expunged));
	return status;
}
