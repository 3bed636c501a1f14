/* Who a message is when its UIDL does not say so: its header, by TOP n 0, and its size. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "cmd/fetch.h"
#include "mime/field.h"

enum { HEADER_MAX = 256 * 1024, RECOGNISE_AT_ONCE = 1000, CHANGED_MIN = 10 };

static void find_message_id(struct fetch_message *m, struct str header)
{
	struct field field;

	while (field_cut(&header, &field))
		if (str_ieq(field.name, STR("Message-ID"))) {
			remote_message_id(field.body, m->message_id);
			return;
		}
}

void fetch_digest(struct fetch_message *m, struct str header)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct header_search search = { 0 };
	size_t length;

	if (header_search(&search, header, true, &length))
		header = str_head(header, length);
	EVP_Digest(header.p, header.n, hash, NULL, EVP_sha256(), NULL);
	memcpy(m->header, hash, REMOTE_DIGEST);
	find_message_id(m, header);
	m->has_header = true;
}

/* One answer of TOP: the header is in text. */
static enum status take(
	struct fetch *f, const struct pop3c_event *ev, struct str text, struct err *err)
{
	struct fetch_message *m = fetch_by_number(f, ev->number);

	if (m == NULL)
		return ST_OK;
	if (ev->result.outcome == POP3C_REFUSED) {
		f->refused_top = true;
		return ST_OK;
	}
	fetch_digest(m, text);
	return f->filtering ? fetch_filter(f, m, text, err) : ST_OK;
}

/* RFC 2449 6.2: without CAPA nobody knows; then the first refusal tells. */
bool fetch_has_top(const struct fetch *f)
{
	const struct pop3c_server *server = pop3c_server(f->pop.engine);

	return !f->refused_top && (!server->known || (server->offers & POP3C_C_TOP) != 0);
}

enum status fetch_headers(struct fetch *f, struct err *err)
{
	struct buf text;
	struct pop3c_event ev;
	enum status status = ST_OK;
	size_t next = 0, open = 0;

	buf_init(&text, HEADER_MAX);
	while (status == ST_OK && !f->pop.over && (next < f->count || open > 0)) {
		for (; next < f->count && fetch_has_top(f) && pop3c_room(f->pop.engine) > 0; next++)
			if (f->messages[next].look)
				open += pop3c_request(
					f->pop.engine, POP3C_TOP, f->messages[next].number, 0);
		if (open == 0 && !fetch_has_top(f))
			break;
		while (open > 0 && pop_next(&f->pop, &ev)) {
			if (ev.type == POP3C_EV_BODY)
				buf_put(&text, str_head(ev.data, HEADER_MAX - text.len));
			if (ev.type != POP3C_EV_DONE)
				continue;
			status = take(f, &ev, buf_str(&text), err);
			buf_clear(&text);
			open--;
			break;
		}
	}
	buf_deinit(&text);
	for (size_t i = 0; i < f->count; i++)
		f->messages[i].look = false;
	if (status == ST_OK && (f->pop.over || pop_interrupted(&f->pop)))
		status = err_set(err, ST_TEMP, "%s", f->pop.over ? f->pop.why.text : "interrupted");
	return status;
}

static void set_uidl(struct fetch *f, struct fetch_message *m, struct str uidl)
{
	m->uidl_at = f->uidls.len;
	buf_put(&f->uidls, uidl);
	buf_putc(&f->uidls, '\n');
}

/* "h-" and the digest of header, size and the UIDL that others have too; the k-th such one of a listing has "-k" behind,
 * so that no two messages of a listing are ever taken for one. */
void fetch_name(struct fetch *f, struct fetch_message *m)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct buf text = { 0 };
	json_int_t before;

	put_str(&text, str_of(m->header, sizeof m->header));
	put_u64(&text, m->octets);
	put_str(&text, fetch_uidl(f, m));
	EVP_Digest(text.data, text.len, hash, NULL, EVP_sha256(), NULL);
	buf_clear(&text);
	buf_put(&text, STR("h-"));
	hex_put(&text, str_of(hash, 16));
	if (f->named == NULL)
		f->named = json_object();
	before = json_integer_value(json_object_getn(f->named, text.data, text.len));
	json_object_setn_new(f->named, text.data, text.len, json_integer(before + 1));
	if (before > 0)
		buf_printf(&text, "-%lld", (long long)before);
	set_uidl(f, m, buf_str(&text));
	buf_deinit(&text);
}

/* {"seen"} of those with a header, from message `from` on; `who` are their places. */
static enum status ask(struct fetch *f, const size_t *who, size_t count, struct err *err)
{
	json_t *messages = json_array();
	enum status status;

	for (size_t i = 0; i < count; i++) {
		const struct fetch_message *m = &f->messages[who[i]];
		struct buf hex = { 0 };

		hex_put(&hex, str_of(m->header, sizeof m->header));
		json_array_append_new(messages, json_pack("{s:s%, s:I}", "header", hex.data,
							hex.len, "octets", (json_int_t)m->octets));
		buf_deinit(&hex);
	}
	status = fetch_ask(f,
		json_pack("{s:s, s:s, s:o}", "verb", "remote.recognise", "remote", f->remote->name,
			"messages", messages),
		err);
	if (status == ST_OK && json_array_size(json_object_get(f->row, "seen")) != count)
		status = err_set(err, ST_IO, "the office answered something else");
	return status;
}

/* The row of a message under its old UIDL becomes one under the new. */
static void rename_row(
	struct fetch *f, struct fetch_message *m, const json_t *seen, json_t *rows, json_t *gone)
{
	struct str uidl = fetch_uidl(f, m);
	json_t *row = json_copy((json_t *)(uintptr_t)seen);

	json_object_set_new(row, "uidl", json_stringn(uidl.p, uidl.n));
	json_array_append_new(rows, row);
	json_array_append(gone, json_object_get(seen, "uidl"));
	fetch_known(f, m, json_object_get(seen, "state"), json_object_get(seen, "first_ms"));
}

static enum status recognise_some(
	struct fetch *f, const size_t *who, size_t count, size_t *found, struct err *err)
{
	json_t *rows = json_array(), *gone = json_array();
	enum status status = ask(f, who, count, err);
	const json_t *all = json_object_get(f->row, "seen");

	for (size_t i = 0; i < count && status == ST_OK; i++)
		if (json_is_object(json_array_get(all, i)))
			rename_row(f, &f->messages[who[i]], json_array_get(all, i), rows, gone);
	*found += json_array_size(rows);
	if (status == ST_OK && json_array_size(rows) > 0)
		return fetch_tell(f, rows, gone, err);
	json_decref(rows);
	json_decref(gone);
	return status;
}

static enum status recognise(struct fetch *f, size_t *found, struct err *err)
{
	size_t who[RECOGNISE_AT_ONCE], count = 0;
	enum status status = ST_OK;

	for (size_t i = 0; i < f->count && status == ST_OK; i++) {
		if (f->messages[i].has_header)
			who[count++] = i;
		if (count == RECOGNISE_AT_ONCE || (i + 1 == f->count && count > 0)) {
			status = recognise_some(f, who, count, found, err);
			count = 0;
		}
	}
	return status;
}

static enum status count_known(struct fetch *f, uint64_t *known, struct err *err)
{
	enum status status = fetch_ask(f,
		json_pack("{s:s, s:s, s:b}", "verb", "remote.open", "remote", f->remote->name,
			"count", 1),
		err);

	*known = (uint64_t)json_integer_value(json_object_get(f->row, "known"));
	return status;
}

/* Many are known and none of those listed is: a new server, most likely, that makes UIDLs in another way. */
enum status fetch_changed(struct fetch *f, struct err *err)
{
	size_t found = 0;
	uint64_t known;
	enum status status;

	if (f->count == 0 || f->counts.new_ones < f->count)
		return ST_OK;
	status = count_known(f, &known, err);
	if (status != ST_OK || known == 0)
		return status;
	for (size_t i = 0; i < f->count; i++)
		f->messages[i].look = f->messages[i].uidl_at != SIZE_MAX;
	if (fetch_has_top(f))
		status = fetch_headers(f, err);
	if (status == ST_OK)
		status = recognise(f, &found, err);
	if (status != ST_OK)
		return status;
	f->counts.recognised = found;
	if (found > 0) {
		cmd_fail(f->cmd, 0,
			"%s: the server changed its UIDLs; %zu of %zu messages are known by their "
			"header",
			f->remote->name, found, f->count);
		return ST_OK;
	}
	if (known < CHANGED_MIN || f->count < CHANGED_MIN || cmd_has(f->cmd, OPTION_YES))
		return ST_OK;
	return err_set(err, ST_USAGE,
		"%llu messages are known, and none of the %zu on the server is one of them: "
		"fetch --yes fetches them all",
		(unsigned long long)known, f->count);
}

static int by_uidl(const void *a, const void *b, void *arg)
{
	const struct fetch *f = arg;
	const struct fetch_message *const *x = a, *const *y = b;
	int order = str_cmp(fetch_uidl(f, *x), fetch_uidl(f, *y));

	return order != 0 ? order : (*x)->number < (*y)->number ? -1 : 1;
}

/* The same UIDL twice (RFC 1939 7 lets equal messages have it): marks them, the first too. */
static size_t mark_doubles(struct fetch *f)
{
	struct fetch_message **sorted = mem_array(NULL, f->count, sizeof(struct fetch_message *));
	size_t n = 0, marked = 0;

	for (size_t i = 0; i < f->count; i++)
		if (f->messages[i].uidl_at != SIZE_MAX)
			sorted[n++] = &f->messages[i];
	qsort_r((void *)sorted, n, sizeof(struct fetch_message *), by_uidl, f);
	for (size_t i = 1; i < n; i++)
		if (str_eq(fetch_uidl(f, sorted[i]), fetch_uidl(f, sorted[i - 1])))
			sorted[i]->look = sorted[i - 1]->look = true;
	for (size_t i = 0; i < n; i++)
		marked += sorted[i]->look;
	free((void *)sorted);
	return marked;
}

/* Without UIDLs only the header tells what is known; who leaves mail there would have it fetched again whenever TOP is
 * missing too, so that is not begun. */
static enum status mark_nameless(struct fetch *f, size_t *marked, struct err *err)
{
	size_t nameless = 0;

	for (size_t i = 0; i < f->count; i++)
		if (f->messages[i].uidl_at == SIZE_MAX)
			nameless += f->messages[i].look = true;
	*marked += nameless;
	if (nameless == 0 || str_eq(str_c(f->remote->keep), STR("delete")))
		return ST_OK;
	if (nameless == f->count && f->refused_uidl)
		return err_set(err, ST_PERM,
			"the server has no UIDL, so what is new cannot be told: keep = delete is "
			"the only way to fetch from it");
	return ST_OK;
}

enum status fetch_identify(struct fetch *f, struct err *err)
{
	size_t marked = mark_doubles(f);
	enum status status = mark_nameless(f, &marked, err);

	if (marked > 0)
		buf_clear(&f->now);
	if (status != ST_OK || marked == 0)
		return status;
	cmd_fail(f->cmd, 0,
		"%s: %zu messages have no UIDL of their own: their header tells them apart",
		f->remote->name, marked);
	if (fetch_has_top(f))
		status = fetch_headers(f, err);
	for (size_t i = 0; i < f->count && status == ST_OK; i++)
		if (f->messages[i].has_header)
			fetch_name(f, &f->messages[i]);
	return status;
}
