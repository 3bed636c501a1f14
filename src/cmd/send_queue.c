/* A message into the outbox, and what lies there. */
#include <stdlib.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/msgid.h"
#include "cmd/send.h"
#include "mime/address.h"
#include "mime/compose.h"
#include "mime/crlf.h"
#include "mime/tree.h"
#include "mime/word.h"
#include "proto/path.h"

enum { RECIPIENTS_MAX = 10000 };

bool outgoing_recipient(struct outgoing *m, struct str address)
{
	struct path path;
	const json_t *v;
	size_t i;

	if (!path_mailbox(address, &path) || path.domain.n == 0)
		return false;
	json_array_foreach(m->recipients, i, v)
	{
		if (str_eq(str_of(json_string_value(v), json_string_length(v)), address))
			return true;
	}
	m->utf8 |= path.utf8;
	return json_array_size(m->recipients) < RECIPIENTS_MAX &&
	       json_array_append_new(m->recipients, json_stringn(address.p, address.n)) == 0;
}

/* Programs write LF, mail has CRLF (RFC 5322 2.3). */
static void put_lines(struct buf *out, struct str s)
{
	while (s.n > 0) {
		struct str line = str_cut(&s, '\n');
		struct crlf ends = { .cr = false };

		while (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		crlf_put(&ends, line, out);
		buf_put(out, STR("\r\n"));
	}
}

/* RFC 5322 3.6.3; of a message that is sent again, those of its Resent- fields (3.6.6). */
static enum status read_recipients(struct outgoing *m, struct str header, struct err *err)
{
	static const struct str names[] = { STR_INIT("Resent-To"), STR_INIT("Resent-Cc"),
		STR_INIT("Resent-Bcc"), STR_INIT("To"), STR_INIT("Cc"), STR_INIT("Bcc") };
	struct buf address = { 0 };
	struct field f;
	bool resent = mime_field(header, STR("Resent-Date")).n > 0;
	enum status status = ST_OK;

	while (status == ST_OK && field_cut(&header, &f))
		for (size_t i = resent ? 0 : 3; i < (resent ? 3U : 6U) && status == ST_OK; i++) {
			struct address_list list = { .rest = f.body };
			enum address_result got = ADDRESS_END;

			if (!str_ieq(f.name, names[i]))
				continue;
			while ((got = address_cut(&list, &address)) == ADDRESS_CUT &&
				outgoing_recipient(m, buf_str(&address)))
				buf_clear(&address);
			if (got != ADDRESS_END)
				status = err_set(err, ST_LIMIT,
					"in %.*s there is what is no address", STR_ARG(names[i]));
		}
	buf_deinit(&address);
	return status;
}

static void put_from(struct outgoing *m)
{
	buf_put(&m->message, STR("From: "));
	word_mailbox(m->name, str_c(m->remote->address), &m->message);
	buf_put(&m->message, STR("\r\n"));
}

enum status outgoing_message(struct outgoing *m, struct str octets, const struct config *config,
	bool read, struct err *err)
{
	struct header_search search = { .from = 0 };
	struct compose_fix fix = { .hostname = str_c(config->hostname),
		.wall_ms = clock_wall_ms() };
	struct buf all = { 0 };
	size_t end, header;
	enum status status = ST_OK;

	put_lines(&all, octets);
	end = compose_header_end(buf_str(&all), &search);
	if (end == 0) {
		buf_put(&all, STR("\r\n"));
		end = all.len;
	}
	search = (struct header_search){ .from = 0 };
	if (!header_search(&search, buf_str(&all), true, &header))
		header = 0;
	if (read)
		status = read_recipients(m, str_head(buf_str(&all), header), err);
	fix.id = msgid_new(fix.wall_ms);
	if (mime_field(str_head(buf_str(&all), header), STR("From")).n == 0) {
		put_from(m);
	}
	compose_fix_header(&m->message, str_head(buf_str(&all), end), &fix);
	buf_put(&m->message, str_from(buf_str(&all), end));
	buf_deinit(&all);
	if (status == ST_OK && m->message.len > (uint64_t)config->message_size_limit)
		status = err_set(err, ST_LIMIT, "it is longer than message_size_limit allows");
	return status;
}

void outgoing_free(struct outgoing *m)
{
	json_decref(m->recipients);
	buf_deinit(&m->sender);
	buf_deinit(&m->message);
}

struct answer {
	struct office_reply reply;
	struct err err;
	bool stored;
};

static void on_row(struct office_reply *reply, json_t *row)
{
	struct answer *a = LIST_OF(reply, struct answer, reply);
	const char *result = json_string_value(json_object_get(row, "result"));

	if (result != NULL && str_eq(str_c(result), STR("stored")))
		a->stored = true;
	else if (result != NULL)
		err_set(&a->err, ST_TEMP, "%s", json_string_value(json_object_get(row, "error")));
	json_decref(row);
}

enum status outgoing_queue(const char *state, const struct outgoing *m, char id[], struct err *err)
{
	struct msgid made = msgid_new(clock_wall_ms());
	struct answer a = { .reply = { .row = on_row } };
	struct control_session *s = control_open(state, err);
	json_t *request = json_pack("{s:s, s:b}", "verb", "mailbox.import", "outbox", 1), *head;
	struct buf client = { 0 };
	enum status status;

	msgid_text(made, id);
	buf_put(&client, STR(OUTBOX_CLIENT));
	buf_put(&client, str_c(m->remote->name));
	head = json_pack("{s:I, s:s, s:I, s:s%, s:s%, s:b, s:i, s:i, s:O}", "n", (json_int_t)0,
		"id", id, "received", (json_int_t)clock_wall_ms(), "sender", buf_str(&m->sender).p,
		m->sender.len, "client", buf_str(&client).p, client.len, "smtputf8", (int)m->utf8,
		"notify", (int)m->notify, "ret", (int)m->ret, "recipients", m->recipients);
	status = s == NULL ? ST_TEMP : control_import_begin(s, request, &a.reply, err);
	if (status == ST_OK)
		status = control_import_head(s, head, err);
	if (status == ST_OK)
		status = control_import_octets(s, buf_str(&m->message), err);
	if (status == ST_OK)
		status = control_import_commit(s, err);
	if (status == ST_OK)
		status = control_import_finish(s, err);
	if (status == ST_OK && !a.stored)
		status = err_set(err, ST_TEMP, "it cannot be stored: %s", a.err.text);
	control_close(s);
	buf_deinit(&client);
	json_decref(request);
	json_decref(head);
	return status;
}

/* ---- what lies there ---- */

int outbox_rows(struct cmd *c, json_t **rows)
{
	json_t *q = json_pack("{s:s}", "verb", "queue.list"), *row, *after = NULL;
	int code = EX_OK;
	size_t i;

	*rows = json_array();
	do {
		struct cmd_result result = { .octets = NULL };

		if (after != NULL)
			json_object_set_new(q, "after", after);
		after = NULL;
		code = cmd_call(c, json_incref(q), &result);
		json_array_foreach(result.rows, i, row)
		{
			const char *client = json_string_value(json_object_get(row, "client"));

			if (json_object_get(row, "after") != NULL)
				after = json_incref(json_object_get(row, "after"));
			else if (str_starts(str_c(client), STR(OUTBOX_CLIENT)))
				json_array_append(*rows, row);
		}
		json_decref(result.rows);
	} while (code == EX_OK && after != NULL);
	json_decref(after);
	json_decref(q);
	return code;
}
