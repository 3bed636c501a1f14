/* restante account app-password */
#include <stdio.h>
#include <sysexits.h>

#include "account/account.h"
#include "base/mem.h"
#include "cmd/cmd.h"

static int request(struct cmd *c, const char *password, json_t **out)
{
	int64_t expires_ms = 0;

	if (!cmd_has(c, OPTION_NAME))
		return cmd_fail(c, EX_USAGE, "--name NAME is missing: what is it for?");
	if (cmd_has(c, OPTION_EXPIRES) &&
		!value_moment(str_c(c->value[OPTION_EXPIRES]), &expires_ms))
		return cmd_fail(c, EX_USAGE,
			"--expires %s: give a date such as 2027-01-31, or a time from now on such "
			"as "
			"90d",
			c->value[OPTION_EXPIRES]);
	*out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "verb", "app-password.add", "address",
		c->args[0], "name", c->value[OPTION_NAME], "password", password, "scope",
		cmd_has(c, OPTION_SCOPE) ? c->value[OPTION_SCOPE] : "all", "expires_ms",
		(json_int_t)expires_ms);
	return *out != NULL ? EX_OK : cmd_fail(c, EX_USAGE, "--name is no UTF-8");
}

int cmd_app_password_add(struct cmd *c)
{
	char password[32];
	json_t *q = NULL;
	int code;

	password_generate(password);
	code = request(c, password, &q);
	if (code == EX_OK)
		code = cmd_do(c, q);
	if (code == EX_OK && cmd_has(c, OPTION_JSON)) {
		json_t *o = json_pack("{s:s, s:s, s:s}", "address", c->args[0], "name",
			c->value[OPTION_NAME], "password", password);

		json_dumpf(o, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(o);
	} else if (code == EX_OK) {
		printf("%s\n", password);
	}
	if (code == EX_OK)
		code = output_end(c);
	mem_wipe(password, sizeof password);
	return code;
}

int cmd_app_password_del(struct cmd *c)
{
	return cmd_do(c, json_pack("{s:s, s:s, s:s}", "verb", "app-password.del", "address",
				 c->args[0], "name", c->args[1]));
}

int cmd_app_password_list(struct cmd *c)
{
	static const struct column columns[] = {
		{ "name", "NAME", false },
		{ "scope", "SCOPE", false },
		{ "created", "CREATED", false },
		{ "expires", "EXPIRES", false },
		{ "used", "USED", false },
	};
	return cmd_rows(c,
		json_pack("{s:s, s:s}", "verb", "app-password.list", "address", c->args[0]),
		columns, sizeof columns / sizeof *columns);
}
