/* restante store */
#include "cmd/cmd.h"

#include <sysexits.h>

static int show(struct cmd *c, json_t *request)
{
	static const struct column columns[] = {
		{"segments",    "SEGMENTS",   true },
		{ "octets",     "OCTETS",     true },
		{ "given_back", "GIVEN BACK", true },
		{ "compacting", "COMPACTING", false},
		{ "scrubbed",   "SCRUBBED",   false},
		{ "scrubbing",  "SCRUBBING",  false},
		{ "damaged",    "DAMAGED",    true },
	};
	struct cmd_result result = { .octets = NULL };
	int code = cmd_call(c, request, &result);

	if (code == EX_OK) {
		output_rows(c, result.rows, columns, sizeof columns / sizeof *columns);
		code = output_end(c);
	}
	json_decref(result.rows);
	return code;
}

int cmd_store_status(struct cmd *c)
{
	return show(c, json_pack("{s:s}", "verb", "store.status"));
}

int cmd_store_compact(struct cmd *c)
{
	return show(c, json_pack("{s:s, s:b}", "verb", "store.compact", "all",
			       (int)cmd_has(c, OPTION_NOW)));
}

int cmd_store_scrub(struct cmd *c)
{
	return show(c, json_pack("{s:s, s:b}", "verb", "store.scrub", "fast",
			       (int)cmd_has(c, OPTION_NOW)));
}
