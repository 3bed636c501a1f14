/* Getting the messages, and deleting on the server what may be deleted. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/list.h"
#include "base/mem.h"
#include "cmd/fetch.h"
#include "mime/field.h"

enum { NOTE_AT_ONCE = 1000, HEADER_MAX = 256 * 1024, STUB_LINES = 20 };

/* What comes in now. */
struct taking {
	struct fetch *fetch;
	struct fetch_message *message; /* NULL: between two */
	struct buf header;             /* its beginning, until the header is whole */
	struct header_search search;
	bool header_done, begun;
};

/* The header's digest is taken on the way. */
static void look_at_header(struct taking *t, struct str octets, bool end)
{
	size_t length;

	if (t->header_done)
		return;
	buf_put(&t->header, octets);
	t->header_done = header_search(
		&t->search, buf_str(&t->header), end || t->header.len > HEADER_MAX, &length);
	if (t->header_done)
		fetch_digest(t->message, str_head(buf_str(&t->header), length));
}

static void start(struct taking *t, struct fetch_message *m)
{
	struct buf header = t->header;

	buf_clear(&header);
	*t = (struct taking){ .fetch = t->fetch, .message = m, .header = header };
	m->first_ms = fetch_now_ms(t->fetch);
	m->received = 0;
}

/* What has no UIDL gets its name from its header, so it waits until that is whole. */
static enum status take_octets(struct taking *t, struct str octets, bool end, struct err *err)
{
	bool nameless = !t->begun && t->message->uidl_at == SIZE_MAX;
	enum status status = ST_OK;

	look_at_header(t, octets, end);
	t->message->received += octets.n;
	t->fetch->done_octets += octets.n;
	if (nameless && !t->header_done)
		return ST_OK;
	if (nameless) {
		fetch_name(t->fetch, t->message);
		octets = buf_str(&t->header);
	}
	if (!t->begun)
		status = sink_begin(t->fetch, t->message, err);
	t->begun = true;
	if (status == ST_OK)
		status = sink_octets(t->fetch, octets, err);
	progress_at(&t->fetch->progress, t->fetch->done_octets, t->fetch->counts.stored);
	return status;
}

static enum status take_done(struct taking *t, const struct pop3c_event *ev, struct err *err)
{
	struct fetch *f = t->fetch;
	struct fetch_message *m = fetch_by_number(f, ev->number);
	enum status status = ST_OK;

	if (ev->result.outcome == POP3C_REFUSED && m->action == FETCH_BEGIN && !m->failed) {
		f->counts.left++;
		f->refused_top = true;
	} else if (ev->result.outcome == POP3C_REFUSED) {
		m->failed = true;
		f->counts.failed++;
		cmd_fail(f->cmd, 0, "%s: message %llu is refused: %.*s", f->remote->name,
			(unsigned long long)m->number, STR_ARG(str_head(ev->result.text, 150)));
	}
	if (ev->result.outcome != POP3C_OK)
		return ST_OK;
	if (t->message == NULL)
		start(t, m);
	status = take_octets(t, STR(""), true, err);
	t->message = NULL;
	f->counts.octets += m->received;
	return status == ST_OK ? sink_commit(f, m, err) : status;
}

static enum status take_event(struct taking *t, const struct pop3c_event *ev, struct err *err)
{
	if (ev->type == POP3C_EV_DONE)
		return take_done(t, ev, err);
	if (ev->type != POP3C_EV_BODY)
		return ST_OK;
	if (t->message == NULL)
		start(t, fetch_by_number(t->fetch, ev->number));
	return take_octets(t, ev->data, false, err);
}

/* Where there was no room for one, none that is as large is asked for: all of them would come in vain, each time. */
static bool has_no_room(struct fetch *f, struct fetch_message *m)
{
	if (!f->crowded || m->action != FETCH_WHOLE || m->octets < f->crowded_octets)
		return false;
	m->failed = true;
	f->counts.failed++;
	f->counts.no_room++;
	return true;
}

/* Requests as many as there is room for: how many. */
static size_t request_more(struct fetch *f, size_t *next)
{
	size_t count = 0;

	for (; *next < f->count && pop3c_room(f->pop.engine) > 0; ++*next) {
		struct fetch_message *m = &f->messages[*next];

		if (has_no_room(f, m))
			continue;
		if (m->action == FETCH_WHOLE)
			count += pop3c_request(f->pop.engine, POP3C_RETR, m->number, 0);
		else if (m->action == FETCH_BEGIN)
			count += pop3c_request(f->pop.engine, POP3C_TOP, m->number,
				f->remote->headers_only ? 0 : STUB_LINES);
	}
	return count;
}

/* An interrupt: nothing more is asked for, what was asked for is taken. */
static enum status retrieve(struct fetch *f, struct err *err)
{
	struct taking t = { .fetch = f };
	enum status status = ST_OK;
	struct pop3c_event ev;
	size_t next = 0, open = 0;

	do {
		if (!pop_interrupted(&f->pop))
			open += request_more(f, &next);
		if (open == 0 || !pop_next(&f->pop, &ev))
			break;
		status = take_event(&t, &ev, err);
		open -= ev.type == POP3C_EV_DONE;
	} while (status == ST_OK);
	buf_deinit(&t.header);
	return status;
}

/* What of it came is stored, also when the session broke. */
enum status fetch_messages(struct fetch *f, struct err *err)
{
	enum status status = sink_open(f, err), end;

	if (status != ST_OK)
		return status;
	progress_begin(&f->progress, f->wanted_octets);
	f->progress.octets = true;
	status = retrieve(f, err);
	end = sink_close(f, err);
	progress_clear(&f->progress);
	return status != ST_OK ? status : end;
}

static json_t *note_of(const struct fetch *f, const struct fetch_message *m)
{
	struct str uidl = fetch_uidl(f, m);
	bool stub = m->action == FETCH_BEGIN;
	struct buf hex = { 0 };
	char id[MSGID_TEXT + 1];
	json_t *row;

	msgid_text(remote_id(f->maildrop, uidl, stub), id);
	hex_put(&hex, str_of(m->header, sizeof m->header));
	row = json_pack("{s:s%, s:s, s:I, s:s%, s:I, s:i}", "uidl", uidl.p, uidl.n, "id", id,
		"octets", (json_int_t)m->octets, "header", hex.data, hex.len, "first_ms",
		(json_int_t)m->first_ms, "state",
		(int)(stub ? REMOTE_SEEN_STUB : REMOTE_SEEN_WHOLE));
	buf_deinit(&hex);
	return row;
}

enum status fetch_tell(struct fetch *f, json_t *rows, json_t *gone, struct err *err)
{
	return fetch_ask(f,
		json_pack("{s:s, s:s, s:o, s:o}", "verb", "remote.note", "remote", f->remote->name,
			"rows", rows, "gone", gone),
		err);
}

enum status fetch_note(
	struct fetch *f, const struct fetch_message *messages, size_t count, struct err *err)
{
	enum status status = ST_OK;
	size_t i = 0;

	while (i < count && status == ST_OK) {
		json_t *rows = json_array();

		for (; i < count && json_array_size(rows) < NOTE_AT_ONCE; i++)
			if (messages[i].stored)
				json_array_append_new(rows, note_of(f, &messages[i]));
		if (json_array_size(rows) > 0)
			status = fetch_tell(f, rows, json_array(), err);
		else
			json_decref(rows);
	}
	return status;
}

static bool may_be_deleted(const struct fetch *f, const struct fetch_message *m)
{
	return m->action == FETCH_DELETE || (m->stored && m->action == FETCH_WHOLE &&
						    str_eq(str_c(f->remote->keep), STR("delete")));
}

/* Sends DELE for all, in as many round trips as the window has it. */
static enum status delete_all(struct fetch *f, json_t *gone, struct err *err)
{
	struct pop3c_event ev = { .type = POP3C_EV_ROW };
	size_t next = 0, open = 0;

	while (!f->pop.over && (next < f->count || open > 0)) {
		for (; next < f->count && pop3c_room(f->pop.engine) > 0; next++)
			if (may_be_deleted(f, &f->messages[next]))
				open += pop3c_request(
					f->pop.engine, POP3C_DELE, f->messages[next].number, 0);
		while (open > 0 && pop_next(&f->pop, &ev) && ev.type != POP3C_EV_DONE)
			continue;
		if (open > 0 && !f->pop.over && ev.result.outcome == POP3C_OK) {
			struct str uidl = fetch_uidl(f, fetch_by_number(f, ev.number));

			json_array_append_new(gone, json_stringn(uidl.p, uidl.n));
		}
		open -= open > 0;
	}
	return f->pop.over ? err_set(err, ST_TEMP, "%s", f->pop.why.text) : ST_OK;
}

/* RFC 1939 6: only QUIT deletes. */
static enum status quit(struct fetch *f, struct err *err)
{
	struct pop3c_event ev;
	bool good = false;

	pop3c_quit(f->pop.engine);
	while (pop_next(&f->pop, &ev))
		if (ev.type == POP3C_EV_DONE && ev.request == POP3C_QUIT)
			good = ev.result.outcome == POP3C_OK;
	return good ? ST_OK
		    : err_set(err, ST_TEMP,
			      "the server did not confirm the end of the session: what it "
			      "deleted is not known");
}

enum status fetch_delete(struct fetch *f, struct err *err)
{
	json_t *gone = json_array();
	enum status status = delete_all(f, gone, err);
	size_t count = json_array_size(gone);

	if (status == ST_OK)
		status = quit(f, err);
	if (status == ST_OK && count > 0) {
		f->counts.deleted = count;
		return fetch_tell(f, json_array(), gone, err);
	}
	json_decref(gone);
	return status;
}
