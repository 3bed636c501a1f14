/* restante suppression */
#include <sysexits.h>

#include "cmd/cmd.h"

int cmd_suppression_del(struct cmd *c)
{
	return cmd_do(c, json_pack("{s:s, s:s, s:s}", "verb", "suppression.del", "account",
				 c->args[0], "recipient", c->args[1]));
}

int cmd_suppression_list(struct cmd *c)
{
	static const struct column columns[] = {
		{ "account", "ACCOUNT", false },
		{ "recipient", "RECIPIENT", false },
	};
	return cmd_rows(c, json_pack("{s:s}", "verb", "suppression.list"), columns, 2);
}
