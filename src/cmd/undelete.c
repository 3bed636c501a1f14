/* restante mailbox list --expunged, mailbox undelete */
#include <stdio.h>
#include <sysexits.h>

#include "cmd/cmd.h"

int cmd_mailbox_expunged(struct cmd *c)
{
	static const struct column columns[] = {
		{ "uidl", "UIDL", false },
		{ "octets", "OCTETS", true },
		{ "expunged", "EXPUNGED", false },
		{ "received", "RECEIVED", false },
		{ "sender", "SENDER", false },
	};
	return cmd_rows(c, cmd_mailbox_request(c, "mailbox.expunged"), columns,
		sizeof columns / sizeof *columns);
}

static bool restored_any(const json_t *rows)
{
	return json_integer_value(json_object_get(json_array_get(rows, 0), "restored")) > 0;
}

int cmd_mailbox_undelete(struct cmd *c)
{
	static const struct column columns[] = { { "restored", "RESTORED", true } };
	struct cmd_result result = { .octets = NULL };
	json_t *q = cmd_mailbox_request(c, "mailbox.undelete");
	int64_t ms;
	int code;

	if (cmd_has(c, OPTION_UIDL) + cmd_has(c, OPTION_SINCE) + cmd_has(c, OPTION_ALL) != 1) {
		json_decref(q);
		return cmd_fail(c, EX_USAGE, "say one of --uidl, --since and --all");
	}
	if (cmd_has(c, OPTION_UIDL))
		json_object_set_new(q, "uidl", json_string(c->value[OPTION_UIDL]));
	if (cmd_has(c, OPTION_SINCE)) {
		if (!value_duration(str_c(c->value[OPTION_SINCE]), &ms)) {
			json_decref(q);
			return cmd_fail(c, EX_USAGE, "--since %s: say a time such as 12h or 7d",
				c->value[OPTION_SINCE]);
		}
		json_object_set_new(q, "since_ms", json_integer(ms));
	}
	code = cmd_call(c, q, &result);
	if (code == EX_OK && cmd_has(c, OPTION_UIDL) && !restored_any(result.rows)) {
		code = cmd_fail(c, EX_NOUSER,
			"no deleted message %s: see restante mailbox list --expunged",
			c->value[OPTION_UIDL]);
	} else if (code == EX_OK) {
		output_rows(c, result.rows, columns, 1);
		code = output_end(c);
	}
	json_decref(result.rows);
	return code;
}
