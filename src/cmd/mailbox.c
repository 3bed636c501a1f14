/* restante mailbox */
#include <stdio.h>
#include <sysexits.h>

#include "cmd/cmd.h"

int cmd_mailbox_list(struct cmd *c)
{
	static const struct column columns[] = {
		{"number",    "NO",       true },
		{ "uidl",     "UIDL",     false},
		{ "octets",   "OCTETS",   true },
		{ "received", "RECEIVED", false},
		{ "sender",   "SENDER",   false},
	};
	struct cmd_result result = { .octets = NULL };
	int code;

	if (cmd_has(c, OPTION_EXPUNGED))
		return cmd_mailbox_expunged(c);
	code = cmd_call(
		c, json_pack("{s:s, s:s}", "verb", "mailbox.list", "address", c->args[0]), &result);
	if (code == EX_OK) {
		output_rows(c, result.rows, columns, sizeof columns / sizeof *columns);
		code = output_end(c);
	}
	json_decref(result.rows);
	return code;
}

int cmd_mailbox_envelope(struct cmd *c)
{
	static const struct column columns[] = {
		{"received",   "RECEIVED",  false},
		{ "client",    "CLIENT",    false},
		{ "sender",    "SENDER",    false},
		{ "recipient", "RECIPIENT", false},
		{ "ret",       "RET",       false},
		{ "envid",     "ENVID",     false},
		{ "notify",    "NOTIFY",    false},
		{ "orcpt",     "ORCPT",     false},
	};
	struct cmd_result result = { .octets = NULL };
	int code = cmd_call(c,
		json_pack("{s:s, s:s, s:s}", "verb", "mailbox.envelope", "address", c->args[0],
			"uidl", c->args[1]),
		&result);

	if (code == EX_OK) {
		output_rows(c, result.rows, columns, sizeof columns / sizeof *columns);
		code = output_end(c);
	}
	json_decref(result.rows);
	return code;
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
		json_t *row;

		code = cmd_call(c,
			json_pack("{s:s, s:s, s:s, s:I}", "verb", "mailbox.show", "address",
				c->args[0], "uidl", c->args[1], "offset", next),
			&result);
		row = json_array_get(result.rows, 0);
		next = json_integer_value(json_object_get(row, "next"));
		total = json_integer_value(json_object_get(row, "octets"));
		json_decref(result.rows);
		if (code == EX_OK && next <= before && next < total)
			code = cmd_fail(c, EX_DATAERR, "the message ends early: run restante fsck");
	}
	return code == EX_OK ? output_end(c) : code;
}
