/* Verbs of fetching: where the mail of a remote goes, and what of it was seen. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "daemon/office_verbs.h"
#include "daemon/remote_state.h"

static const struct str domain = STR_INIT("remote");

/* Nobody logs in to it and no mail comes to it from outside until its owner says so. */
static enum status make_account(struct office *o, struct str address, struct err *err)
{
	struct credentials none = { .hash = "*" };
	enum status status = ST_OK;

	if (directory_is_local_domain(o->directory, domain) == SAID_NO)
		status = directory_domain_add(o->directory, domain, err);
	if (status == ST_OK)
		status = account_add(o->directory, address, &none, NULL, err);
	return status == ST_OK ? account_set_disabled(o->directory, address, true, err) : status;
}

/* Of every request here: which remote it is about, and what is known of it is at hand. */
static enum status open_state(
	struct office *o, const json_t *q, struct str *remote, struct err *err)
{
	struct buf path = { 0 };
	char *name;

	if (request_str(q, "remote", remote, err) != ST_OK)
		return ST_USAGE;
	if (o->remotes != NULL)
		return ST_OK;
	buf_put(&path, str_c(o->dir));
	buf_put(&path, STR("/remote.db"));
	name = buf_steal_c(&path);
	o->remotes = remote_state_open(name, err);
	free(name);
	return o->remotes == NULL ? ST_IO : ST_OK;
}

static json_t *open_row(struct office *o, const struct account *a, struct str remote, bool count)
{
	struct buf listing = { 0 };
	json_t *row;

	remote_state_listing(o->remotes, remote, &listing);
	row = json_pack("{s:s, s:I, s:s%, s:I}", "address", a->address, "maildrop",
		(json_int_t)a->id, "listing", listing.len == 0 ? "" : listing.data, listing.len,
		"now_ms", (json_int_t)clock_steady_ms());
	if (count)
		json_object_set_new(row, "known",
			json_integer((json_int_t)remote_state_count(o->remotes, remote)));
	buf_deinit(&listing);
	return row;
}

/* {"remote": name, "count": is "known" wanted?} -> {"address", "maildrop", "listing", "now_ms", "known"} */
enum status verb_remote_open(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	struct account a;
	struct str remote;
	struct buf address = { 0 };
	struct err why = { ST_OK, "" };
	enum status status = open_state(o, q, &remote, err);

	if (status != ST_OK)
		return status;
	buf_put(&address, remote);
	buf_putc(&address, '@');
	buf_put(&address, domain);
	status = account_get(o->directory, buf_str(&address), &a, &why);
	if (status == ST_NOTFOUND) {
		status = make_account(o, buf_str(&address), err);
		if (status == ST_OK)
			status = account_get(o->directory, buf_str(&address), &a, err);
	} else if (status != ST_OK) {
		err_set(err, status, "%s", why.text);
	}
	buf_deinit(&address);
	if (status == ST_OK)
		r->row(r, open_row(o, &a, remote, json_is_true(json_object_get(q, "count"))));
	return status;
}

static json_t *seen_json(const struct remote_seen *seen)
{
	char id[MSGID_TEXT + 1];

	msgid_text(seen->id, id);
	return json_pack("{s:s#, s:s, s:I, s:I, s:i}", "uidl", seen->uidl.p, (int)seen->uidl.n,
		"id", id, "octets", (json_int_t)seen->octets, "first_ms",
		(json_int_t)seen->first_ms, "state", (int)seen->state);
}

static bool in_store(struct office *o, struct msgid id, struct remote_seen *seen)
{
	struct store_facts f;

	if (store_facts(o->store, id, &f) != STORE_OK)
		return false;
	seen->id = id;
	seen->octets = (int64_t)f.octets;
	seen->first_ms = f.received_ms;
	store_facts_free(&f);
	return true;
}

/* Rows that a crash took away: the store has the message all the same. */
static bool find_in_store(
	struct office *o, uint64_t maildrop, struct str uidl, struct remote_seen *seen)
{
	*seen = (struct remote_seen){ .uidl = uidl, .state = REMOTE_SEEN_WHOLE };
	if (in_store(o, remote_id(maildrop, uidl, false), seen))
		return true;
	seen->state = REMOTE_SEEN_STUB;
	if (!in_store(o, remote_id(maildrop, uidl, true), seen))
		return false;
	seen->octets = 0; /* of the whole: not known */
	return true;
}

static struct str text_at(const json_t *array, size_t i)
{
	const json_t *v = json_array_get(array, i);

	return str_of(json_string_value(v), json_string_length(v));
}

static void put_digest(const unsigned char digest[REMOTE_DIGEST], json_t *to)
{
	static const unsigned char none[REMOTE_DIGEST];
	struct buf hex = { 0 };

	if (memcmp(digest, none, sizeof none) != 0)
		hex_put(&hex, str_of(digest, REMOTE_DIGEST));
	json_array_append_new(to, json_stringn(hex.len == 0 ? "" : hex.data, hex.len));
	buf_deinit(&hex);
}

/* By what a message is told from another with its UIDL: the digests of the header and of the Message-ID. */
static void put_traits(struct office *o, const struct remote_seen *seen, json_t *to)
{
	unsigned char message_id[REMOTE_DIGEST];
	struct store_facts facts;

	put_digest(seen->header, to);
	if (store_facts(o->store, seen->id, &facts) != STORE_OK) {
		json_array_append_new(to, json_null());
		return;
	}
	remote_message_id(facts.message_id, message_id);
	put_digest(message_id, to);
	store_facts_free(&facts);
}

/* Ten thousand of them are asked for at a time: no more than is needed. */
static json_t *known_json(struct office *o, const json_t *q, const struct remote_seen *seen)
{
	json_t *a = json_pack("[i, I, I]", (int)seen->state, (json_int_t)seen->first_ms,
		(json_int_t)seen->octets);
	char id[MSGID_TEXT + 1];

	msgid_text(seen->id, id);
	if (json_is_true(json_object_get(q, "ids")))
		json_array_append_new(a, json_string(id));
	else if (json_is_true(json_object_get(q, "traits")))
		put_traits(o, seen, a);
	return a;
}

/* {"remote", "maildrop", "ids" or "traits": are they wanted?, "uidls": [...]} -> one row {"seen": [null or
 * [state, first_ms, octets, and id, or digests of the header ("": not known) and of the Message-ID ("": none, null: the
 * store does not have it)], in their order]} */
enum status verb_remote_which(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	uint64_t maildrop = (uint64_t)json_integer_value(json_object_get(q, "maildrop"));
	const json_t *uidls = json_object_get(q, "uidls");
	struct remote_seen seen;
	struct str remote;
	json_t *all;
	enum status status = open_state(o, q, &remote, err);

	if (status != ST_OK)
		return status;
	all = json_array();
	for (size_t i = 0; i < json_array_size(uidls); i++) {
		struct str uidl = text_at(uidls, i);
		bool known = remote_state_get(o->remotes, remote, uidl, &seen) ||
			     find_in_store(o, maildrop, uidl, &seen);

		json_array_append_new(all, known ? known_json(o, q, &seen) : json_null());
	}
	remote_state_rest(o->remotes);
	r->row(r, json_pack("{s:o}", "seen", all));
	return ST_OK;
}

static bool digest_get(const json_t *row, unsigned char to[REMOTE_DIGEST])
{
	const json_t *v = json_object_get(row, "header");
	struct str hex = str_of(json_string_value(v), json_string_length(v));

	memset(to, 0, REMOTE_DIGEST);
	if (hex.n != 2 * REMOTE_DIGEST)
		return false;
	for (size_t i = 0; i < hex.n; i++) {
		int digit = hex_value(hex.p[i]);

		if (digit < 0) {
			memset(to, 0, REMOTE_DIGEST);
			return false;
		}
		to[i / 2] = (unsigned char)(to[i / 2] << 4 | digit);
	}
	return true;
}

/* {"remote", "messages": [{"header", "octets"}]} -> one row {"seen": [null or {...}]} */
enum status verb_remote_recognise(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	const json_t *messages = json_object_get(q, "messages");
	struct remote_seen seen;
	struct str remote;
	json_t *all;
	enum status status = open_state(o, q, &remote, err);

	if (status != ST_OK)
		return status;
	all = json_array();
	for (size_t i = 0; i < json_array_size(messages); i++) {
		const json_t *m = json_array_get(messages, i);
		unsigned char header[REMOTE_DIGEST];
		bool known = digest_get(m, header) &&
			     remote_state_by_header(o->remotes, remote, header,
				     json_integer_value(json_object_get(m, "octets")), &seen);

		json_array_append_new(all, known ? seen_json(&seen) : json_null());
	}
	r->row(r, json_pack("{s:o}", "seen", all));
	return ST_OK;
}

static enum status note_one(struct office *o, struct str remote, const json_t *row, struct err *err)
{
	struct remote_seen seen = {
		.octets = json_integer_value(json_object_get(row, "octets")),
		.first_ms = json_integer_value(json_object_get(row, "first_ms")),
		.state = (enum remote_seen_state)json_integer_value(json_object_get(row, "state")),
	};
	struct str id;
	enum status status = request_str(row, "uidl", &seen.uidl, err);

	if (status == ST_OK)
		status = request_str(row, "id", &id, err);
	if (status == ST_OK && !msgid_parse(id, &seen.id))
		status = err_set(err, ST_USAGE, "the request has no id");
	(void)digest_get(row, seen.header);
	return status == ST_OK ? remote_state_put(o->remotes, remote, &seen, err) : status;
}

/* {"remote", "rows": [{"uidl", "id", "octets", "header", "first_ms", "state"}], "gone": [uidls],
 * "listing": digest} */
enum status verb_remote_note(
	struct office *o, const json_t *q, struct office_reply *r, struct err *err)
{
	const json_t *rows = json_object_get(q, "rows"), *gone = json_object_get(q, "gone");
	const json_t *listing = json_object_get(q, "listing");
	struct str remote;
	enum status status = open_state(o, q, &remote, err);

	(void)r;
	if (status == ST_OK)
		status = remote_state_begin(o->remotes, err);
	if (status != ST_OK)
		return status;
	for (size_t i = 0; i < json_array_size(rows) && status == ST_OK; i++)
		status = note_one(o, remote, json_array_get(rows, i), err);
	for (size_t i = 0; i < json_array_size(gone) && status == ST_OK; i++)
		status = remote_state_forget(o->remotes, remote, text_at(gone, i), err);
	if (status == ST_OK)
		status = remote_state_set_listing(o->remotes, remote,
			str_of(json_string_value(listing), json_string_length(listing)), err);
	if (remote_state_commit(o->remotes, status == ST_OK ? err : NULL) != ST_OK &&
		status == ST_OK)
		status = ST_IO;
	return status;
}
