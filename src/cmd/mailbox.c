/* restante mailbox */
#include <stdio.h>
#include <sysexits.h>

#include "base/list.h"
#include "cmd/cmd.h"
#include "daemon/control.h"

json_t *cmd_mailbox_request(const struct cmd *c, const char *verb)
{
	json_t *q = json_pack("{s:s, s:s}", "verb", verb, "address", c->args[0]);

	if (cmd_has(c, OPTION_FOLDER))
		json_object_set_new(q, "folder", json_string(c->value[OPTION_FOLDER]));
	return q;
}

int cmd_mailbox_move(struct cmd *c)
{
	static const struct column columns[] = { { "moved", "MOVED", true } };
	json_t *q = cmd_mailbox_request(c, "mailbox.move"), *uidls = json_array();

	for (int i = 1; i < c->nargs; i++)
		json_array_append_new(uidls, json_string(c->args[i]));
	json_object_set_new(q, "uidls", uidls);
	if (!cmd_has(c, OPTION_TO)) {
		json_decref(q);
		return cmd_fail(c, EX_USAGE, "--to FOLDER is missing: inbox or junk");
	}
	json_object_set_new(q, "folder", json_string(c->value[OPTION_TO]));
	return cmd_rows(c, q, columns, 1);
}

struct listing {
	struct office_reply reply;
	struct buf index;
	json_t *facts;
};

static void on_index(struct office_reply *r, struct str octets)
{
	buf_put(&LIST_OF(r, struct listing, reply)->index, octets);
}

static void on_facts(struct office_reply *r, json_t *row)
{
	json_array_append_new(LIST_OF(r, struct listing, reply)->facts, row);
}

/* The next lines of the index: rows, and the ids to ask for what they lack. */
static void cut_page(struct str *index, size_t *number, json_t *rows, json_t *ids)
{
	while (index->n > 0 && json_array_size(rows) < MAILBOX_FACTS_MAX) {
		struct str uidl = str_cut(index, '\n'), id = str_cut(&uidl, ' ');

		json_array_append_new(
			rows, json_pack("{s:I, s:s%}", "number", (json_int_t)++ * number, "uidl",
				      uidl.p, uidl.n));
		json_array_append_new(ids, json_stringn(id.p, id.n));
	}
}

static enum status print_page(struct cmd *c, struct control_session *s, struct listing *l,
	struct str *index, size_t *number, struct err *err)
{
	static const struct column columns[] = {
		{ "number", "NO", true },
		{ "uidl", "UIDL", false },
		{ "octets", "OCTETS", true },
		{ "received", "RECEIVED", false },
		{ "sender", "SENDER", false },
	};
	bool first = *number == 0;
	json_t *rows = json_array(), *ids = json_array(), *q, *row;
	enum status status;
	size_t i;

	cut_page(index, number, rows, ids);
	l->facts = json_array();
	q = json_pack("{s:s, s:o}", "verb", "mailbox.facts", "ids", ids);
	status = control_ask(s, q, &l->reply, err);
	json_array_foreach(rows, i, row)
	{
		if (status == ST_OK)
			json_object_update(row, json_array_get(l->facts, i));
	}
	if (status == ST_OK)
		output_page(c, rows, first, columns, sizeof columns / sizeof *columns);
	json_decref(q);
	json_decref(l->facts);
	json_decref(rows);
	return status;
}

/* Part by part: neither the server's answer nor our memory grows with the mailbox. */
static enum status list(struct cmd *c, struct control_session *s, struct err *err)
{
	struct listing l = { .reply = { .row = on_facts, .octets = on_index } };
	json_t *q = cmd_mailbox_request(c, "mailbox.index");
	enum status status = q == NULL ? err_set(err, ST_USAGE, "an argument is not UTF-8")
				       : control_ask(s, q, &l.reply, err);
	struct str rest = buf_str(&l.index);
	size_t number = 0;

	json_decref(q);
	while (status == ST_OK && rest.n > 0)
		status = print_page(c, s, &l, &rest, &number, err);
	if (status == ST_OK)
		output_last(c, number == 0);
	buf_deinit(&l.index);
	return status;
}

int cmd_mailbox_list(struct cmd *c)
{
	struct control_session *s;
	struct err err = { ST_OK, "" };
	enum status status;

	if (cmd_has(c, OPTION_EXPUNGED))
		return cmd_mailbox_expunged(c);
	if (state_check_version(c->state, &err) != ST_OK)
		return cmd_fail(c, err.code == ST_USAGE ? EX_CONFIG : err_exit_code(err.code), "%s",
			err.text);
	s = control_open(c->state, &err);
	if (s == NULL)
		return cmd_tell(c, &err);
	status = list(c, s, &err);
	control_close(s);
	return status == ST_OK ? output_end(c) : cmd_tell(c, &err);
}

int cmd_mailbox_envelope(struct cmd *c)
{
	static const struct column columns[] = {
		{ "received", "RECEIVED", false },
		{ "client", "CLIENT", false },
		{ "sender", "SENDER", false },
		{ "recipient", "RECIPIENT", false },
		{ "ret", "RET", false },
		{ "envid", "ENVID", false },
		{ "notify", "NOTIFY", false },
		{ "orcpt", "ORCPT", false },
	};
	json_t *q = cmd_mailbox_request(c, "mailbox.envelope");

	json_object_set_new(q, "uidl", json_string(c->args[1]));
	return cmd_rows(c, q, columns, sizeof columns / sizeof *columns);
}

static void write_octets(void *arg, struct str octets)
{
	(void)arg;
	fwrite(octets.p, 1, octets.n, stdout);
}

/* Exactly the message.  A large one comes in several answers. */
int cmd_mailbox_show(struct cmd *c)
{
	json_int_t next = 0, total = 1;
	int code = EX_OK;

	while (code == EX_OK && next < total) {
		struct cmd_result result = { .octets = write_octets };
		json_int_t before = next;
		json_t *row, *q = cmd_mailbox_request(c, "mailbox.show");

		json_object_set_new(q, "uidl", json_string(c->args[1]));
		json_object_set_new(q, "offset", json_integer(next));
		code = cmd_call(c, q, &result);
		row = json_array_get(result.rows, 0);
		next = json_integer_value(json_object_get(row, "next"));
		total = json_integer_value(json_object_get(row, "octets"));
		json_decref(result.rows);
		if (code == EX_OK && next <= before && next < total)
			code = cmd_fail(c, EX_DATAERR, "the message ends early: run restante fsck");
	}
	return code == EX_OK ? output_end(c) : code;
}
