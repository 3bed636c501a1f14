/* restante dkim */
#include <stdio.h>
#include <sysexits.h>

#include "cmd/cmd.h"
#include "cmd/zone.h"

enum { ROTATE_DAYS = 3 };

static json_t *keys_of(struct cmd *c, const char *verb)
{
	json_t *q = json_pack("{s:s}", "verb", verb);

	if (c->nargs > 0)
		json_object_set_new(q, "domain", json_string(c->args[0]));
	if (cmd_has(c, OPTION_SELECTOR))
		json_object_set_new(q, "selector", json_string(c->value[OPTION_SELECTOR]));
	return q;
}

/* What is to be published, as lines of a zone. */
static int print_records(struct cmd *c)
{
	struct cmd_result result = { .octets = NULL };
	int code = cmd_call(c, keys_of(c, "dkim.list"), &result);
	json_t *row;
	size_t i;

	if (code == EX_OK && json_array_size(result.rows) == 0) {
		code = cmd_fail(c, EX_NOUSER, "%s has no keys: make some with restante dkim new %s",
			c->args[0], c->args[0]);
	} else if (code == EX_OK && cmd_has(c, OPTION_JSON)) {
		output_rows(c, result.rows, NULL, 0);
	} else if (code == EX_OK) {
		json_array_foreach(result.rows, i, row)
		{
			struct buf name = { 0 };

			zone_dkim_name(row, &name);
			zone_txt(stdout, buf_str(&name),
				str_c(json_string_value(json_object_get(row, "record"))));
			buf_deinit(&name);
		}
	}
	json_decref(result.rows);
	return code == EX_OK ? output_end(c) : code;
}

int cmd_dkim_new(struct cmd *c)
{
	int code = cmd_do(c, keys_of(c, "dkim.new"));

	return code == EX_OK ? print_records(c) : code;
}

int cmd_dkim_rotate(struct cmd *c)
{
	int64_t after_ms = (int64_t)ROTATE_DAYS * 24 * 3600 * 1000;
	json_t *q;
	int code;

	if (cmd_has(c, OPTION_ACTIVATE))
		return cmd_do(c, keys_of(c, "dkim.activate"));
	if (cmd_has(c, OPTION_AFTER) && !value_duration(str_c(c->value[OPTION_AFTER]), &after_ms))
		return cmd_fail(c, EX_USAGE, "--after %s: give a time such as 3d or 12h",
			c->value[OPTION_AFTER]);
	q = keys_of(c, "dkim.rotate");
	json_object_set_new(q, "after_ms", json_integer(after_ms));
	code = cmd_do(c, q);
	return code == EX_OK ? print_records(c) : code;
}

int cmd_dkim_del(struct cmd *c)
{
	return cmd_do(c, keys_of(c, "dkim.del"));
}

int cmd_dkim_dns(struct cmd *c)
{
	return print_records(c);
}

int cmd_dkim_list(struct cmd *c)
{
	static const struct column columns[] = {
		{ "domain", "DOMAIN", false },
		{ "selector", "SELECTOR", false },
		{ "algorithm", "ALGORITHM", false },
		{ "state", "STATE", false },
		{ "signs_from", "SIGNS FROM", false },
		{ "signs_until", "SIGNS UNTIL", false },
	};
	struct cmd_result result = { .octets = NULL };
	int code = cmd_call(c, keys_of(c, "dkim.list"), &result);

	if (code == EX_OK) {
		output_rows(c, result.rows, columns, sizeof columns / sizeof *columns);
		code = output_end(c);
		/* The store asks no DNS: a signature without its record is as good as none. */
		if (json_array_size(result.rows) > 0 && !cmd_has(c, OPTION_JSON))
			fputs("A key signs from its time on, whether DNS has its record or not: "
			      "`restante dns DOMAIN --check` tells.\n",
				stderr);
	}
	json_decref(result.rows);
	return code;
}
