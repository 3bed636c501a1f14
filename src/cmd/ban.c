/* restante ban */
#include <sysexits.h>

#include "cmd/cmd.h"

int cmd_ban_add(struct cmd *c)
{
	int64_t until_ms = 0;

	if (cmd_has(c, OPTION_EXPIRES) && !value_moment(str_c(c->value[OPTION_EXPIRES]), &until_ms))
		return cmd_fail(c, EX_USAGE,
			"--expires %s: give a date such as 2027-01-31, or a time from now on such "
			"as "
			"90d",
			c->value[OPTION_EXPIRES]);
	return cmd_do(c, json_pack("{s:s, s:s, s:I}", "verb", "ban.add", "network", c->args[0],
				 "until_ms", (json_int_t)until_ms));
}

int cmd_ban_del(struct cmd *c)
{
	return cmd_do(c, json_pack("{s:s, s:s}", "verb", "ban.del", "network", c->args[0]));
}

int cmd_ban_list(struct cmd *c)
{
	static const struct column columns[] = {
		{ "network", "NETWORK", false },
		{ "why", "WHY", false },
		{ "since", "SINCE", false },
		{ "until", "UNTIL", false },
	};
	return cmd_rows(c, json_pack("{s:s}", "verb", "ban.list"), columns,
		sizeof columns / sizeof *columns);
}
