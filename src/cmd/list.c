/* restante list, search, show: reading mail from scripts. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cmd/reading.h"
#include "mime/text.h"
#include "reader/query.h"

enum { SHOW_MAX = 256 * 1024 * 1024 };

static bool on_found(void *arg, const struct library_row *row)
{
	json_t *o = reading_json(row);

	json_object_set_new(o, "text", json_stringn(row->text.p, row->text.n));
	json_array_append_new(arg, o);
	return true;
}

static int print_found(struct reading *r, struct library_query *q)
{
	static const struct column columns[] = {
		{ "id", "ID", false },
		{ "date", "DATE", false },
		{ "account", "ACCOUNT", false },
		{ "from", "FROM", false },
		{ "subject", "SUBJECT", false },
	};
	struct err err = { 0 };
	json_t *rows = json_array();
	int code = EX_OK;

	q->text = cmd_has(r->cmd, OPTION_JSON);
	if (library_find(r->library, buf_str(&r->accounts), q, on_found, rows, &err) != ST_OK)
		code = cmd_fail_err(r->cmd, &err);
	if (code == EX_OK) {
		output_rows(r->cmd, rows, columns, sizeof columns / sizeof *columns);
		code = output_end(r->cmd);
	}
	json_decref(rows);
	return code;
}

int cmd_list(struct cmd *c)
{
	struct library_query q = { .after_ms = 0 };
	struct reading r;
	int code = reading_open(&r, c, c->args, c->nargs);

	if (code == EX_OK)
		code = print_found(&r, &q);
	reading_close(&r);
	return code;
}

int cmd_search(struct cmd *c)
{
	struct buf text = { 0 }, address = { 0 };
	struct library_query q;
	struct err err = { 0 };
	struct reading r;
	int code = EX_OK;

	for (int i = 0; i < c->nargs; i++) {
		buf_put(&text, STR(" "));
		buf_put(&text, str_c(c->args[i]));
	}
	if (query_parse(&q, buf_str(&text), &err) != ST_OK)
		code = cmd_fail(c, EX_USAGE, "%s", err.text);
	if (code == EX_OK) {
		if (q.account.len > 0 && str_find(buf_str(&q.account), '@') == q.account.len) {
			reading_address(&address, buf_str(&q.account));
			buf_clear(&q.account);
			buf_put(&q.account, buf_str(&address));
		}
		code = reading_open(&r, c, NULL, 0);
		if (code == EX_OK)
			code = print_found(&r, &q);
		reading_close(&r);
	}
	library_query_deinit(&q);
	buf_deinit(&text);
	buf_deinit(&address);
	return code;
}

static void print_message(const struct library_row *row, struct str text)
{
	json_t *date = reading_date(row->date_ms);

	printf("From: %.*s\nTo: %.*s\nDate: %s\nSubject: %.*s\n\n", STR_ARG(row->from),
		STR_ARG(row->to), json_string_value(date), STR_ARG(row->subject));
	fwrite(text.p, 1, text.n, stdout);
	json_decref(date);
}

static enum status show(struct reading *r, struct str id, struct err *err)
{
	struct buf octets = { 0 }, text = { 0 };
	struct library_row row;
	struct mime_tree t;
	bool partial;
	enum status status = library_get(r->library, buf_str(&r->accounts), id, &row, err);

	if (status == ST_OK)
		status = reading_message(r, &row, SHOW_MAX, &octets, err);
	if (status != ST_OK)
		return status;
	partial = reading_partial(r, &row);
	mime_tree_parse(&t, buf_str(&octets));
	mime_text(&t, &text);
	mime_tree_free(&t);
	if (cmd_has(r->cmd, OPTION_JSON)) {
		json_t *o = reading_json(&row);

		json_object_set_new(o, "text", json_stringn(buf_str(&text).p, text.len));
		json_object_set_new(o, "partial", json_boolean(partial));
		json_dumpf(o, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(o);
	} else {
		print_message(&row, buf_str(&text));
		if (partial)
			printf("\n[Only its beginning was fetched: restante fetch --full %.*s]\n",
				STR_ARG(row.id));
	}
	library_set(r->library, row.id, true, row.marked, NULL);
	buf_deinit(&octets);
	buf_deinit(&text);
	return ST_OK;
}

int cmd_show(struct cmd *c)
{
	struct err err = { 0 };
	struct reading r;
	int code = reading_open(&r, c, NULL, 0);

	if (code == EX_OK && show(&r, str_c(c->args[0]), &err) != ST_OK)
		code = cmd_fail_err(c, &err);
	reading_close(&r);
	return code == EX_OK ? output_end(c) : code;
}
