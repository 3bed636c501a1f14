/* Verbs of mailboxes: looks without a lease, so that a listing never disturbs a POP3 session. */
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/uidl.h"
#include "daemon/office_verbs.h"
#include "proto/dsn.h"

enum { PIECE = 64 * 1024, SHOW_MAX = 32 * 1024 * 1024, READ_MAX = 1024 * 1024 };

struct wait {
	bool done;
	enum store_result result;
};

static void wait_for(struct office *o, const struct wait *w)
{
	while (!w->done) {
		store_flush(o->store);
		if (!w->done)
			store_wait(o->store);
	}
}

static enum status result_status(enum store_result result, const char *what, struct err *err)
{
	switch (result) {
	case STORE_OK: return ST_OK;
	case STORE_NOT_FOUND:
		return err_set(
			err, ST_NOTFOUND, "%s is not there: see restante mailbox list", what);
	case STORE_CORRUPT:
		return err_set(err, ST_CORRUPT, "%s is damaged on disk: run restante fsck", what);
	case STORE_BUSY:
	case STORE_CONFLICT:
	case STORE_FULL:
	case STORE_UNAVAILABLE:
	case STORE_UNKNOWN: break;
	}
	return err_set(err, ST_TEMP, "%s cannot be read now: the log says why", what);
}

enum status request_maildrop(struct office *o, const json_t *q, uint64_t *id, struct err *err)
{
	struct account a;
	struct str address, folder = STR("inbox");
	enum status status = request_str(q, "address", &address, err);

	if (status == ST_OK)
		status = account_get(o->directory, address, &a, err);
	if (status == ST_OK && json_object_get(q, "folder") != NULL)
		status = request_str(q, "folder", &folder, err);
	if (status != ST_OK)
		return status;
	*id = str_eq(folder, STR("junk")) ? account_junk(a.id) : a.id;
	return *id != a.id || str_eq(folder, STR("inbox"))
		       ? ST_OK
		       : err_set(err, ST_USAGE, "no folder '%.*s': there are inbox and junk",
				 STR_ARG(str_head(folder, 40)));
}

struct look {
	struct store_listing listing;
	struct wait wait;
};

static void on_listed(struct store_op *op, enum store_result result)
{
	struct look *l = LIST_OF(op, struct look, listing.op);

	l->wait = (struct wait){ true, result };
}

static enum status look_at(struct office *o, uint64_t maildrop, struct look *l, struct err *err)
{
	*l = (struct look){ .listing = { .op = { .done = on_listed }, .maildrop = maildrop } };
	store_list(o->store, &l->listing);
	wait_for(o, &l->wait);
	if (l->wait.result == STORE_OK)
		uidl_unique(l->listing.rows, l->listing.count,
			str_of(l->listing.uidls, l->listing.uidls_len));
	return result_status(l->wait.result, "the mailbox", err);
}

/* {"ids": [...]} -> a row for each, in their order; an empty one when nothing is known of it.  A listing takes the index
 * first and then these, part by part: whoever has a million messages holds up nobody. */
enum status verb_mailbox_facts(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	const json_t *ids = json_object_get(q, "ids"), *v;
	struct store_facts f;
	struct msgid id;
	json_t *row;
	size_t i;

	if (json_array_size(ids) > MAILBOX_FACTS_MAX)
		return err_set(
			err, ST_USAGE, "more than %d messages at a time", (int)MAILBOX_FACTS_MAX);
	json_array_foreach(ids, i, v)
	{
		row = json_object();
		if (msgid_parse(str_of(json_string_value(v), json_string_length(v)), &id) &&
			store_facts(o->store, id, &f) == STORE_OK) {
			json_object_set_new(row, "octets", json_integer((json_int_t)f.octets));
			json_object_set_new(row, "received", json_time(f.received_ms));
			json_object_set_new(row, "sender", json_text(f.sender));
			json_object_set_new(row, "message_id", json_text(f.message_id));
			store_facts_free(&f);
		}
		r->row(r, row);
	}
	return ST_OK;
}

static bool find_uidl(const struct look *l, struct str wanted, struct maildrop_row *found)
{
	struct maildrop_view view = { l->listing.rows, l->listing.count,
		{ l->listing.uidls, l->listing.uidls_len } };
	char text[MSGID_TEXT + 1];
	struct str uidl;

	for (size_t i = 0; i < view.count; i++)
		if (maildrop_uidl(&view, i, text, &uidl) && str_eq(uidl, wanted)) {
			*found = view.rows[i];
			return true;
		}
	return false;
}

struct reading {
	struct store_read read;
	struct wait wait;
};

static void on_read(struct store_op *op, enum store_result result)
{
	struct reading *x = LIST_OF(op, struct reading, read.op);

	x->wait = (struct wait){ true, result };
}

/* Sends at most `most` octets from `from` on; *at: how far it came. */
static enum status send_octets(struct office *o, uint64_t maildrop, struct msgid id, uint64_t from,
	uint64_t most, uint64_t *at, struct office_reply *r, struct err *err)
{
	char *room = mem_alloc(PIECE);
	enum status status = ST_OK;
	uint64_t got = 1;

	for (*at = from; status == ST_OK && got > 0 && *at - from < most; *at += got) {
		struct reading x = { .read = { .op = { .done = on_read },
					     .maildrop = maildrop,
					     .id = id,
					     .offset = *at,
					     .want = PIECE,
					     .to = room } };

		store_read(o->store, &x.read);
		wait_for(o, &x.wait);
		status = result_status(x.wait.result, "the message", err);
		got = status == ST_OK ? x.read.got : 0;
		if (got > 0)
			r->octets(r, str_of(room, got));
	}
	free(room);
	return status;
}

/* The message that "uidl" and "address" name. */
static enum status find_message(struct office *o, const json_t *q, uint64_t *maildrop,
	struct maildrop_row *row, struct err *err)
{
	struct look l;
	struct str uidl;
	bool found;
	enum status status = request_str(q, "uidl", &uidl, err);

	if (status == ST_OK)
		status = request_maildrop(o, q, maildrop, err);
	if (status == ST_OK)
		status = look_at(o, *maildrop, &l, err);
	if (status != ST_OK)
		return status;
	found = find_uidl(&l, uidl, row);
	store_listing_free(&l.listing);
	if (!found)
		return err_set(err, ST_NOTFOUND, "no message %.*s: see restante mailbox list",
			STR_ARG(str_head(uidl, 70)));
	return ST_OK;
}

/* A reply has room for SHOW_MAX octets; "offset" asks for the rest, the row says how much there is. */
enum status verb_mailbox_show(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	json_int_t offset = json_integer_value(json_object_get(q, "offset"));
	struct maildrop_row row;
	uint64_t maildrop, at = 0;
	enum status status = find_message(o, q, &maildrop, &row, err);

	if (status == ST_OK)
		status = send_octets(o, maildrop, row.id, offset < 0 ? 0 : (uint64_t)offset,
			SHOW_MAX, &at, r, err);
	if (status == ST_OK)
		r->row(r, json_pack("{s:I, s:I}", "octets", (json_int_t)row.octets, "next",
				  (json_int_t)at));
	return status;
}

/* RFC 3461's own words, as the client may have said them. */
static json_t *notify_text(unsigned notify)
{
	static const struct {
		unsigned bit;
		struct str word;
	} words[] = {
		{ DSN_NEVER, STR_INIT("NEVER") },
		{ DSN_SUCCESS, STR_INIT("SUCCESS") },
		{ DSN_FAILURE, STR_INIT("FAILURE") },
		{ DSN_DELAY, STR_INIT("DELAY") },
	};
	struct buf text = { 0 };
	json_t *value;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if ((notify & words[i].bit) != 0) {
			if (text.len > 0)
				buf_putc(&text, ',');
			buf_put(&text, words[i].word);
		}
	value = json_text(buf_str(&text));
	buf_deinit(&text);
	return value;
}

enum status verb_mailbox_envelope(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct store_envelope e;
	struct maildrop_row m;
	uint64_t maildrop;
	json_t *row;
	enum status status = find_message(o, q, &maildrop, &m, err);

	if (status == ST_OK)
		status = result_status(
			store_envelope(o->store, m.id, maildrop, &e), "the envelope", err);
	if (status != ST_OK)
		return status;
	row = json_pack("{s:o, s:o, s:o, s:o}", "received", json_time(e.received_ms), "client",
		json_text(e.client), "sender", json_text(e.sender), "recipient",
		json_text(e.recipient));
	json_object_set_new(row, "ret",
		json_text(e.ret == DSN_RET_FULL   ? STR("FULL")
			  : e.ret == DSN_RET_HDRS ? STR("HDRS")
						  : STR("")));
	json_object_set_new(row, "envid", json_text(e.envid));
	json_object_set_new(row, "notify", notify_text(e.notify));
	json_object_set_new(row, "orcpt", json_text(e.orcpt));
	store_envelope_free(&e);
	r->row(r, row);
	return ST_OK;
}

/* For listings and export: octets, one line "ID UIDL" for each message, in the order of their numbers. */
enum status verb_mailbox_index(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct look l;
	struct buf lines;
	uint64_t maildrop;
	enum status status = request_maildrop(o, q, &maildrop, err);

	if (status == ST_OK)
		status = look_at(o, maildrop, &l, err);
	if (status != ST_OK)
		return status;
	buf_init(&lines, 0);
	for (size_t i = 0; i < l.listing.count; i++) {
		struct maildrop_view view = { l.listing.rows, l.listing.count,
			{ l.listing.uidls, l.listing.uidls_len } };
		char text[MSGID_TEXT + 1], id[MSGID_TEXT + 1];
		struct str uidl;

		if (!maildrop_uidl(&view, i, text, &uidl))
			continue;
		msgid_text(l.listing.rows[i].id, id);
		buf_printf(&lines, "%s %.*s\n", id, STR_ARG(uidl));
		if (lines.len >= PIECE) {
			r->octets(r, buf_str(&lines));
			buf_clear(&lines);
		}
	}
	if (lines.len > 0)
		r->octets(r, buf_str(&lines));
	buf_deinit(&lines);
	store_listing_free(&l.listing);
	return ST_OK;
}

/* For export: at most READ_MAX octets from "offset" on, by id; the row as for show, at offset 0 with
 * the sender and the time of reception. */
enum status verb_mailbox_read(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	json_int_t offset = json_integer_value(json_object_get(q, "offset"));
	struct store_facts f;
	struct msgid id;
	struct str text;
	uint64_t maildrop, at = 0;
	json_t *row;
	enum status status = request_str(q, "id", &text, err);

	if (status == ST_OK)
		status = request_maildrop(o, q, &maildrop, err);
	if (status == ST_OK && !msgid_parse(text, &id))
		status = err_set(err, ST_USAGE, "no id: %.*s", STR_ARG(str_head(text, 40)));
	if (status == ST_OK)
		status = result_status(store_facts(o->store, id, &f), "the message", err);
	if (status != ST_OK)
		return status;
	row = json_pack("{s:I, s:I, s:o}", "octets", (json_int_t)f.octets, "received",
		(json_int_t)f.received_ms, "sender", json_text(f.sender));
	store_facts_free(&f);
	status = send_octets(
		o, maildrop, id, offset < 0 ? 0 : (uint64_t)offset, READ_MAX, &at, r, err);
	json_object_set_new(row, "next", json_integer((json_int_t)at));
	if (status == ST_OK)
		r->row(r, row);
	else
		json_decref(row);
	return status;
}
