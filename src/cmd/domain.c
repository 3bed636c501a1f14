/* restante domain */
#include <sysexits.h>

#include "cmd/cmd.h"

int cmd_domain_add(struct cmd *c)
{
	json_t *q = json_pack("{s:s, s:s}", "verb", "domain.add", "domain", c->args[0]);

	if (cmd_has(c, OPTION_ALIAS_OF))
		json_object_set_new(q, "alias_of", json_string(c->value[OPTION_ALIAS_OF]));
	return cmd_do(c, q);
}

int cmd_domain_set(struct cmd *c)
{
	json_t *q = json_pack("{s:s, s:s}", "verb", "domain.set", "domain", c->args[0]);
	int code = cmd_retention(c, q);

	if (code == EX_OK && json_object_get(q, "retention_days") == NULL)
		code = cmd_fail(c, EX_USAGE, "nothing to change: give --retention-days");
	if (code == EX_OK)
		return cmd_do(c, q);
	json_decref(q);
	return code;
}

int cmd_domain_del(struct cmd *c)
{
	return cmd_do(c, json_pack("{s:s, s:s}", "verb", "domain.del", "domain", c->args[0]));
}

int cmd_domain_list(struct cmd *c)
{
	static const struct column columns[] = {
		{ "domain", "DOMAIN", false },
		{ "alias_of", "ALIAS OF", false },
		{ "retention_days", "RETENTION DAYS", true },
		{ "dkim", "DKIM", false },
	};
	return cmd_rows(c, json_pack("{s:s}", "verb", "domain.list"), columns,
		sizeof columns / sizeof *columns);
}
