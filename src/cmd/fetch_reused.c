/* A UIDL is for one message for ever (RFC 1939 7), but there are servers that number their messages anew.  Who believes
 * such a UIDL deletes a message that was never fetched.  So where a message is to be deleted that this session did not
 * bring, or has another size than it had, its header has to be that of the one that is known; else it is another, told
 * by its header as those without a UIDL of their own are. */
#include "base/codec.h"
#include "cmd/fetch.h"

enum { TRAITS_AT_ONCE = 1000 };

bool fetch_doubts(const struct fetch_message *m, const json_t *octets)
{
	json_int_t known = json_integer_value(octets);

	return m->action == FETCH_DELETE || (known > 0 && (uint64_t)known != m->octets);
}

static bool same_octets(const struct fetch_message *m, const json_t *seen)
{
	json_int_t known = json_integer_value(json_array_get(seen, 2));

	return known <= 0 || (uint64_t)known == m->octets;
}

static bool same_digest(const unsigned char digest[REMOTE_DIGEST], const json_t *known)
{
	struct buf hex = { 0 };
	bool same;

	hex_put(&hex, str_of(digest, REMOTE_DIGEST));
	same = str_eq(buf_str(&hex), str_c(json_string_value(known)));
	buf_deinit(&hex);
	return same;
}

/* Some servers change a field, such as Status, when a message was read: then the Message-ID tells. */
static bool is_same(const struct fetch_message *m, const json_t *seen)
{
	static const unsigned char none[REMOTE_DIGEST];
	const json_t *header = json_array_get(seen, 3), *message_id = json_array_get(seen, 4);
	bool header_known = json_string_length(header) > 0;

	if (!m->has_header)
		return same_octets(m, seen);
	if (header_known && same_digest(m->header, header))
		return true;
	if (json_string_length(message_id) > 0)
		return same_digest(m->message_id, message_id);
	if (header_known)
		return false;
	return json_is_null(message_id) ||
	       (memcmp(m->message_id, none, sizeof none) == 0 && same_octets(m, seen));
}

/* It gets a name of its own, and what is known under that counts. */
static enum status take_apart(struct fetch *f, size_t i, struct err *err)
{
	struct fetch_message *m = &f->messages[i];

	m->known = m->doubted = false;
	buf_clear(&f->now);
	if (f->full.n > 0) { /* its end would stand behind the beginning of another */
		m->action = FETCH_KEEP;
		f->found = false;
		return ST_OK;
	}
	if (m->has_header) {
		fetch_name(f, m);
		return fetch_decide_some(f, i, i + 1, err);
	}
	m->uidl_at = SIZE_MAX;
	m->action = fetch_unknown(f, m);
	return ST_OK;
}

/* From message *at on; *at: how far it came. */
static enum status ask_some(struct fetch *f, size_t *at, size_t *others, struct err *err)
{
	size_t who[TRAITS_AT_ONCE], count = 0;
	json_t *uidls = json_array(), *all;
	enum status status;

	for (; *at < f->count && count < TRAITS_AT_ONCE; ++*at)
		if (f->messages[*at].doubted) {
			struct str uidl = fetch_uidl(f, &f->messages[*at]);

			json_array_append_new(uidls, json_stringn(uidl.p, uidl.n));
			who[count++] = *at;
		}
	status = fetch_ask(f,
		json_pack("{s:s, s:s, s:I, s:b, s:o}", "verb", "remote.which", "remote",
			f->remote->name, "maildrop", (json_int_t)f->maildrop, "traits", 1, "uidls",
			uidls),
		err);
	all = json_incref(json_object_get(f->row, "seen")); /* the next request takes f->row */
	if (status == ST_OK && json_array_size(all) != count)
		status = err_set(err, ST_IO, "the office answered something else");
	for (size_t i = 0; i < count && status == ST_OK; i++) {
		if (is_same(&f->messages[who[i]], json_array_get(all, i)))
			continue;
		status = take_apart(f, who[i], err);
		++*others;
	}
	json_decref(all);
	return status;
}

enum status fetch_reused(struct fetch *f, struct err *err)
{
	size_t doubted = 0, others = 0;
	enum status status = ST_OK;

	for (size_t i = 0; i < f->count; i++)
		doubted += f->messages[i].look = f->messages[i].doubted;
	if (doubted == 0)
		return ST_OK;
	if (fetch_has_top(f))
		status = fetch_headers(f, err);
	for (size_t at = 0; at < f->count && status == ST_OK;)
		status = ask_some(f, &at, &others, err);
	if (others > 0)
		cmd_fail(f->cmd, 0,
			"%s: %zu messages have UIDLs that the server gave to others before: their "
			"header tells them apart",
			f->remote->name, others);
	return status;
}
