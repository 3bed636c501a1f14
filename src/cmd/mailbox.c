/* restante mailbox */
#include <stdio.h>
#include <sysexits.h>

#include "cmd/cmd.h"

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

int cmd_mailbox_list(struct cmd *c)
{
	static const struct column columns[] = {
		{ "number", "NO", true },
		{ "uidl", "UIDL", false },
		{ "octets", "OCTETS", true },
		{ "received", "RECEIVED", false },
		{ "sender", "SENDER", false },
	};

	if (cmd_has(c, OPTION_EXPUNGED))
		return cmd_mailbox_expunged(c);
	return cmd_rows(c, cmd_mailbox_request(c, "mailbox.list"), columns,
		sizeof columns / sizeof *columns);
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
