/* restante trace: reads the journal here, as fsck does, so that the server does nothing for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/list.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/store_files.h"
#include "daemon/office_verbs.h"

enum { MESSAGES_MAX = 1000, EVENTS_MAX = 100000 };

struct tracing {
	struct store_trace trace;
	json_t *rows;
	int64_t *times; /* of the rows; heap */
};

static bool changed(const struct store_trace_event *e, unsigned flag, bool to)
{
	return ((e->before_flags & flag) != 0) != to && ((e->out->flags & flag) != 0) == to;
}

/* A result is an attempt, an order of an administrator, or that the sender was told. */
static const char *result_name(const struct store_trace_event *e)
{
	switch (e->out->state) {
	case STORE_OUT_DELIVERED:
		return changed(e, STORE_OUT_OWED, false) ? "sender told" : "delivered";
	case STORE_OUT_FAILED: return changed(e, STORE_OUT_OWED, false) ? "sender told" : "failed";
	case STORE_OUT_DROPPED: return "dropped";
	case STORE_OUT_WAITING: break;
	}
	if (changed(e, STORE_OUT_HELD, true))
		return "held";
	if (changed(e, STORE_OUT_HELD, false))
		return "released";
	if (changed(e, STORE_OUT_BAD, true))
		return "put aside";
	if (changed(e, STORE_OUT_OWED, false))
		return "sender told of delay";
	if (e->out->attempts > e->before_attempts)
		return "deferred";
	if (!str_eq(e->out->via, e->before_via))
		return "rerouted"; /* also to the way that it has by itself */
	return e->out->flags & STORE_OUT_HELD ? "held" : "to be tried";
}

static const char *name_of(const struct store_trace_event *e)
{
	switch (e->what) {
	case STORE_TRACE_TAKEN: return "taken in";
	case STORE_TRACE_KEPT: return "put in mailbox";
	case STORE_TRACE_ONWARD: return "goes on";
	case STORE_TRACE_RESULT: return result_name(e);
	case STORE_TRACE_RETRIEVED: return "retrieved";
	case STORE_TRACE_EXPUNGED: return "deleted";
	case STORE_TRACE_RESTORED: return "restored";
	case STORE_TRACE_FORGOTTEN: return "erased";
	}
	return "";
}

/* In the order of the journal, but a retrieval at its time: it is written at leisure, perhaps behind the deletion. */
static void add_row(struct tracing *t, const struct store_trace_event *e, json_t *row)
{
	size_t count = json_array_size(t->rows), at = count;

	if (e->what == STORE_TRACE_RETRIEVED)
		while (at > 0 && t->times[at - 1] >= e->at_ms)
			at--;
	t->times = mem_array(t->times, count + 1, sizeof *t->times);
	memmove(t->times + at + 1, t->times + at, (count - at) * sizeof *t->times);
	t->times[at] = e->at_ms;
	json_array_insert_new(t->rows, at, row);
}

static void say(struct store_trace *t, const struct store_trace_event *e)
{
	struct tracing *tracing = LIST_OF(t, struct tracing, trace);
	json_t *row;
	char id[MSGID_TEXT + 1];

	if (json_array_size(tracing->rows) == EVENTS_MAX) {
		t->cut = true;
		return;
	}
	msgid_text(e->id, id);
	row = json_pack("{s:o, s:s, s:s, s:o}", "time", json_time(e->at_ms), "id", id, "event",
		name_of(e), "recipient", json_text(e->recipient));
	if (e->what == STORE_TRACE_TAKEN) {
		json_object_set_new(row, "sender", json_text(e->sender));
		json_object_set_new(row, "client", json_text(e->client));
		json_object_set_new(row, "message_id", json_text(e->message_id));
		json_object_set_new(row, "octets", json_integer((json_int_t)e->octets));
		json_object_set_new(row, "tls", json_text(e->tls));
	}
	if (e->what == STORE_TRACE_RETRIEVED)
		json_object_set_new(row, "client", json_text(e->client));
	if (e->what == STORE_TRACE_RESULT) {
		json_object_set_new(row, "attempts", json_integer(e->out->attempts));
		json_object_set_new(row, "reply", json_text(e->out->reply));
		json_object_set_new(row, "host", json_text(e->out->host));
		json_object_set_new(row, "tls", json_text(e->out->tls));
		json_object_set_new(row, "via", json_text(e->out->via));
		json_object_set_new(row, "sealed",
			e->out->state == STORE_OUT_DELIVERED
				? json_boolean(e->out->flags & STORE_OUT_SEALED)
				: json_null());
		json_object_set_new(row, "next",
			e->out->state == STORE_OUT_WAITING ? json_time(e->out->due_ms)
							   : json_null());
	}
	json_object_set_new(row, "compacted", json_boolean(e->compacted));
	add_row(tracing, e, row);
}

static enum status read_journal(const char *state, struct store_trace *t, struct err *err)
{
	struct store_files files;
	enum status status = store_files_open(&files, state, err);

	if (status == ST_OK)
		status = store_local_trace(files.dir, files.disk, t, err);
	store_files_close(&files);
	return status;
}

int cmd_trace(struct cmd *c)
{
	static const struct column columns[] = {
		{ "time", "TIME", false },
		{ "id", "ID", false },
		{ "event", "EVENT", false },
		{ "recipient", "TO", false },
		{ "sender", "FROM", false },
		{ "client", "CLIENT", false },
		{ "host", "HOST", false },
		{ "tls", "TLS", false },
		{ "sealed", "SEALED", false },
		{ "reply", "REPLY", false },
	};
	struct tracing t = {
		.trace = { .text = str_c(c->args[0]), .most = MESSAGES_MAX, .say = say },
		.rows = json_array()
	};
	struct err err = { ST_OK, "" };
	int code = EX_OK;

	t.trace.by_id = msgid_parse(t.trace.text, &t.trace.id);
	if (state_check_version(c->state, &err) != ST_OK ||
		read_journal(c->state, &t.trace, &err) != ST_OK) {
		code = cmd_fail_err(c, &err);
	} else if (json_array_size(t.rows) == 0) {
		code = cmd_fail(c, EX_NOUSER, "the store knows nothing of %.200s", c->args[0]);
	} else {
		output_rows(c, t.rows, columns, sizeof columns / sizeof *columns);
		code = output_end(c);
		if (code == EX_OK && t.trace.cut)
			code = cmd_fail(c, EX_OK,
				"that is not all: %d messages, %d events at most; name an id",
				MESSAGES_MAX, EVENTS_MAX);
	}
	free(t.times);
	json_decref(t.rows);
	return code;
}
