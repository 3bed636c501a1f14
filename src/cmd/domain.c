/* restante domain */
#include <sysexits.h>

#include "cmd/cmd.h"

int cmd_domain_add(struct cmd *c)
{
	return cmd_do(c, json_pack("{s:s, s:s}", "verb", "domain.add", "domain", c->args[0]));
}

int cmd_domain_list(struct cmd *c)
{
	static const struct column columns[] = {
		{"domain", "DOMAIN", false}
	};
	struct cmd_result result = { .octets = NULL };
	int code = cmd_call(c, json_pack("{s:s}", "verb", "domain.list"), &result);

	if (code == EX_OK) {
		output_rows(c, result.rows, columns, 1);
		code = output_end(c);
	}
	json_decref(result.rows);
	return code;
}
