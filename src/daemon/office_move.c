/* From one folder of an account to the other.  The store moves nothing: the message is delivered there under
 * an id that follows from the old one, then expunged here, so that a crash in between, or the same request
 * again, leaves it in one place.  It keeps its UIDL, so no client fetches it twice. */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/uidl.h"
#include "daemon/office_verbs.h"

enum { PIECE = 64 * 1024, MOVES_MAX = 10000 };

struct move {
	struct office *office;
	uint64_t from, to;
	struct str address;
	union {
		struct store_op op; /* the first member of each */
		struct store_open open;
		struct store_listing listing;
		struct store_read read;
		struct store_deliver deliver;
		struct store_expunge expunge;
	} q;
	uint64_t token;
	struct store_listing listing; /* of `from` */
	struct msgid *ids;            /* of those chosen; owned */
	struct str *uidls;            /* theirs, views of the request */
	size_t count;
	bool done;
	enum store_result result;
};

static void on_done(struct store_op *op, enum store_result result)
{
	struct move *m = LIST_OF(op, struct move, q.op);

	m->done = true;
	m->result = result;
}

static enum store_result wait_for(struct move *m)
{
	while (!m->done) {
		store_flush(m->office->store);
		if (!m->done)
			store_wait(m->office->store);
	}
	m->done = false;
	return m->result;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Each once, sorted: a mailbox may have a million messages, and is looked through only once. */
static size_t sort_wanted(struct str *wanted, const json_t *uidls)
{
	size_t n = json_array_size(uidls), kept = 0;

	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(uidls, i);

		wanted[i] = str_of(json_string_value(v), json_string_length(v));
	}
	qsort(wanted, n, sizeof *wanted, by_text);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !str_eq(wanted[kept - 1], wanted[i]))
			wanted[kept++] = wanted[i];
	return kept;
}

static enum status choose_among(struct move *m, const struct str *wanted, size_t n, struct err *err)
{
	struct maildrop_view view = { m->listing.rows, m->listing.count,
		str_of(m->listing.uidls, m->listing.uidls_len) };
	bool *there = mem_zalloc(n * sizeof *there);
	char text[MSGID_TEXT + 1];
	enum status status = ST_OK;
	struct str have;

	for (size_t i = 0; i < view.count && m->count < n; i++) {
		const struct str *hit;

		if (!maildrop_uidl(&view, i, text, &have))
			continue;
		hit = bsearch(&have, wanted, n, sizeof *wanted, by_text);
		if (hit == NULL || there[hit - wanted])
			continue;
		there[hit - wanted] = true;
		m->uidls[m->count] = *hit;
		m->ids[m->count++] = view.rows[i].id;
	}
	for (size_t i = 0; i < n && status == ST_OK; i++)
		if (!there[i])
			status = err_set(err, ST_NOTFOUND,
				"no message %.*s there: see restante mailbox list",
				STR_ARG(str_head(wanted[i], 70)));
	free(there);
	return status;
}

/* All of them, or nothing is moved. */
static enum status choose(struct move *m, const json_t *uidls, struct err *err)
{
	size_t n = json_array_size(uidls);
	struct str *wanted;
	enum status status;

	if (n == 0 || n > MOVES_MAX)
		return err_set(err, ST_USAGE, "move 1 to %d messages at a time", MOVES_MAX);
	m->q.listing = (struct store_listing){
		.op.done = on_done, .maildrop = m->from, .token = m->token
	};
	store_list(m->office->store, &m->q.listing);
	if (wait_for(m) != STORE_OK)
		return err_set(err, ST_TEMP, "the mailbox cannot be read now: the log says why");
	m->listing = m->q.listing;
	uidl_unique(
		m->listing.rows, m->listing.count, str_of(m->listing.uidls, m->listing.uidls_len));
	m->ids = mem_array(NULL, n, sizeof *m->ids);
	m->uidls = mem_array(NULL, n, sizeof *m->uidls);
	wanted = mem_array(NULL, n, sizeof *wanted);
	status = choose_among(m, wanted, sort_wanted(wanted, uidls), err);
	free(wanted);
	return status;
}

/* Some octets of a message in either folder. */
static enum store_result read_piece(
	struct move *m, uint64_t maildrop, struct msgid id, uint64_t at, char room[PIECE])
{
	m->q.read = (struct store_read){ .op.done = on_done,
		.maildrop = maildrop,
		.token = maildrop == m->from ? m->token : 0,
		.id = id,
		.offset = at,
		.want = PIECE,
		.to = room };
	store_read(m->office->store, &m->q.read);
	return wait_for(m);
}

static struct msgid new_id(const struct move *m, struct msgid old)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	struct buf text = { 0 };
	struct msgid id = old; /* its first octets are its time */

	buf_put(&text, str_of(old.b, sizeof old.b));
	put_u64(&text, m->to);
	SHA256((const unsigned char *)text.data, text.len, hash);
	memcpy(id.b + 6, hash, sizeof id.b - 6);
	buf_deinit(&text);
	return id;
}

static enum store_result deliver(
	struct move *m, struct store_draft *draft, struct str uidl, const struct store_facts *f)
{
	struct store_target target = { .maildrop = m->to, .recipient = m->address, .uidl = uidl };

	m->q.deliver = (struct store_deliver){ .op.done = on_done,
		.draft = draft,
		.sender = f->sender,
		.client = STR("moved"),
		.received_ms = f->received_ms,
		.targets = &target,
		.count = 1 };
	store_deliver(m->office->store, &m->q.deliver);
	return wait_for(m);
}

static enum store_result copy_one(struct move *m, struct msgid old, struct str uidl)
{
	struct msgid id = new_id(m, old);
	char *room = mem_alloc(PIECE);
	struct store_draft *draft;
	struct store_facts facts;
	enum store_result result = read_piece(m, m->to, id, 0, room);
	uint64_t at = 0;

	if (result == STORE_OK) { /* by an earlier try */
		free(room);
		return STORE_OK;
	}
	if (store_facts(m->office->store, id, &facts) == STORE_OK) {
		store_facts_free(&facts); /* it was there once, and was deleted since */
		id = msgid_new(msgid_time_ms(old));
	}
	result = store_facts(m->office->store, old, &facts);
	if (result != STORE_OK) {
		free(room);
		return result;
	}
	draft = store_draft_new(m->office->store, id);
	do {
		result = read_piece(m, m->from, old, at, room);
		if (result == STORE_OK && m->q.read.got > 0)
			result = store_draft_append(draft, str_of(room, m->q.read.got));
		at += m->q.read.got;
	} while (result == STORE_OK && m->q.read.got > 0);
	if (result == STORE_OK)
		result = deliver(m, draft, uidl, &facts);
	else
		store_draft_free(draft);
	store_facts_free(&facts);
	free(room);
	return result;
}

static enum status move_all(struct move *m, struct err *err)
{
	enum store_result result = STORE_OK;
	size_t copied = 0;

	while (copied < m->count && result == STORE_OK) {
		result = copy_one(m, m->ids[copied], m->uidls[copied]);
		copied += result == STORE_OK;
	}
	m->q.expunge = (struct store_expunge){ .op.done = on_done,
		.maildrop = m->from,
		.token = m->token,
		.ids = m->ids,
		.count = copied };
	store_expunge(m->office->store, &m->q.expunge);
	if (wait_for(m) == STORE_OK && result == STORE_OK)
		return ST_OK;
	return err_set(err, ST_TEMP, "only %zu of %zu were moved: the log says why; try again",
		m->result == STORE_OK ? copied : 0, m->count);
}

static enum status prepare(struct move *m, const json_t *q, struct err *err)
{
	struct str folder;
	enum status status = request_str(q, "folder", &folder, err);

	if (status == ST_OK)
		status = request_maildrop(m->office, q, &m->to, err);
	if (status == ST_OK)
		status = request_str(q, "address", &m->address, err);
	m->from = m->to ^ account_junk(0); /* the other of the two */
	return status;
}

enum status verb_mailbox_move(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct move m = { .office = o };
	enum status status = prepare(&m, q, err);

	if (status != ST_OK)
		return status;
	m.q.open = (struct store_open){ .op.done = on_done, .maildrop = m.from };
	store_open(o->store, &m.q.open);
	if (wait_for(&m) != STORE_OK)
		return err_set(err, ST_TEMP,
			"a POP3 session has the mailbox open: try again, or restante kick");
	m.token = m.q.open.token;
	status = choose(&m, json_object_get(q, "uidls"), err);
	if (status == ST_OK)
		status = move_all(&m, err);
	store_close(o->store, m.from, m.token);
	store_listing_free(&m.listing);
	free(m.ids);
	free(m.uidls);
	if (status == ST_OK)
		r->row(r, json_pack("{s:I}", "moved", (json_int_t)m.count));
	return status;
}
