/* restante status, restante who, restante kick */
#include <sysexits.h>

#include "cmd/cmd.h"

int cmd_status(struct cmd *c)
{
	static const struct column columns[] = {
		{ "served", "SERVED", false },
		{ "version", "VERSION", false },
		{ "waiting", "WAITING", true },
		{ "held", "HELD", true },
		{ "dns", "DNS", false },
		{ "meaning", "MEANING", false },
	};
	return cmd_rows(
		c, json_pack("{s:s}", "verb", "status"), columns, sizeof columns / sizeof *columns);
}

int cmd_who(struct cmd *c)
{
	static const struct column columns[] = {
		{ "session", "SESSION", false },
		{ "protocol", "PROTOCOL", false },
		{ "user", "USER", false },
		{ "ip", "ADDRESS", false },
		{ "since", "SINCE", false },
		{ "state", "STATE", false },
	};
	return cmd_rows(
		c, json_pack("{s:s}", "verb", "who"), columns, sizeof columns / sizeof *columns);
}

int cmd_kick(struct cmd *c)
{
	static const struct column columns[] = { { "kicked", "KICKED", true } };
	struct cmd_result result = { .octets = NULL };
	int code = cmd_call(
		c, json_pack("{s:s, s:s}", "verb", "kick", "session", c->args[0]), &result);

	if (code == EX_OK && cmd_has(c, OPTION_JSON)) {
		output_rows(c, result.rows, columns, 1);
		code = output_end(c);
	}
	json_decref(result.rows);
	return code;
}
