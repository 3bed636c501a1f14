/* restante alias */
#include <sysexits.h>

#include "cmd/cmd.h"

static json_t *request(const struct cmd *c, const char *verb)
{
	json_t *targets = json_array();

	for (int i = 1; i < c->nargs; i++)
		json_array_append_new(targets, json_string(c->args[i]));
	return json_pack("{s:s, s:s, s:o}", "verb", verb, "alias", c->args[0], "targets", targets);
}

int cmd_alias_add(struct cmd *c)
{
	return cmd_do(c, request(c, "alias.add"));
}

int cmd_alias_del(struct cmd *c)
{
	return cmd_do(c, request(c, "alias.del"));
}

int cmd_alias_list(struct cmd *c)
{
	static const struct column columns[] = {
		{ "alias", "ALIAS", false },
		{ "target", "TARGET", false },
	};
	return cmd_rows(c, json_pack("{s:s}", "verb", "alias.list"), columns, 2);
}
