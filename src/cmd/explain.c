/* restante explain rcpt */
#include <sysexits.h>

#include "cmd/cmd.h"

int cmd_explain_rcpt(struct cmd *c)
{
	static const struct column columns[] = {
		{ "step", "STEP", false },
		{ "result", "RESULT", false },
		{ "rule", "RULE", false },
	};
	static const struct {
		enum option_id id;
		const char *key;
	} given[] = { { OPTION_FROM, "from" }, { OPTION_TO, "to" }, { OPTION_IP, "ip" },
		{ OPTION_AUTH, "auth" }, { OPTION_FIELD, "field" } };
	json_t *q = json_pack("{s:s}", "verb", "explain.rcpt");
	int code = EX_OK;
	int64_t octets;

	for (size_t i = 0; i < sizeof given / sizeof *given && code == EX_OK; i++) {
		const char *value = c->value[given[i].id];

		if (value != NULL && json_object_set_new(q, given[i].key, json_string(value)) != 0)
			code = cmd_fail(
				c, EX_USAGE, "--%s is not UTF-8", options[given[i].id].name);
		else if (value == NULL && given[i].id != OPTION_AUTH && given[i].id != OPTION_FIELD)
			code = cmd_fail(c, EX_USAGE, "needs --%s", options[given[i].id].name);
	}
	if (code == EX_OK && cmd_has(c, OPTION_SIZE)) {
		if (!value_octets(str_c(c->value[OPTION_SIZE]), &octets))
			code = cmd_fail(c, EX_USAGE, "--size needs octets, such as 200000 or 20M");
		else
			json_object_set_new(q, "octets", json_integer(octets));
	}
	if (code != EX_OK) {
		json_decref(q);
		return code;
	}
	return cmd_rows(c, q, columns, sizeof columns / sizeof *columns);
}
