/* Verbs over the control socket or in this process: control_call() decides. */
#include <sysexits.h>

#include "base/list.h"
#include "cmd/cmd.h"
#include "daemon/control.h"

struct call {
	struct office_reply reply;
	struct cmd_result *result;
};

static void on_row(struct office_reply *r, json_t *row)
{
	json_array_append_new(LIST_OF(r, struct call, reply)->result->rows, row);
}

static void on_octets(struct office_reply *r, struct str octets)
{
	struct cmd_result *result = LIST_OF(r, struct call, reply)->result;

	if (result->octets != NULL)
		result->octets(result->arg, octets);
}

int cmd_tell(struct cmd *c, const struct err *err)
{
	struct config *config;

	if (err->code != ST_USAGE)
		return cmd_fail_err(c, err);
	config = config_load(c->state, NULL);
	if (config == NULL)
		return cmd_fail(c, EX_CONFIG, "%s", err->text);
	config_free(config);
	return cmd_fail_err(c, err);
}

int cmd_call(struct cmd *c, json_t *request, struct cmd_result *result)
{
	struct call call = {
		.reply = { .row = on_row, .octets = on_octets },
		.result = result,
	};
	struct err err = { ST_OK, "" };
	int code = EX_OK;

	result->rows = json_array();
	if (request == NULL) /* all that JSON cannot say */
		return cmd_fail(c, EX_USAGE, "an argument is not UTF-8");
	if (state_check_version(c->state, &err) != ST_OK)
		code = cmd_fail(c, err.code == ST_USAGE ? EX_CONFIG : err_exit_code(err.code), "%s",
			err.text);
	else if (control_call(c->state, request, &call.reply, &err) != ST_OK)
		code = cmd_tell(c, &err);
	json_decref(request);
	return code;
}

int cmd_do(struct cmd *c, json_t *request)
{
	struct cmd_result result = { .octets = NULL };
	int code = cmd_call(c, request, &result);

	json_decref(result.rows);
	return code;
}

int cmd_rows(struct cmd *c, json_t *request, const struct column *columns, size_t n)
{
	struct cmd_result result = { .octets = NULL };
	int code = cmd_call(c, request, &result);

	if (code == EX_OK) {
		output_rows(c, result.rows, columns, n);
		code = output_end(c);
	}
	json_decref(result.rows);
	return code;
}

/* Takes the place where the next page begins out of the last row; false: it was the last. */
static bool next_page(json_t *rows, json_t *q)
{
	const json_t *after =
		json_object_get(json_array_get(rows, json_array_size(rows) - 1), "after");

	if (after == NULL)
		return false;
	json_object_set_new(q, "after", json_copy((json_t *)(uintptr_t)after));
	json_array_remove(rows, json_array_size(rows) - 1);
	return true;
}

int cmd_pages(struct cmd *c, json_t *q, const struct column *columns, size_t n)
{
	bool first = true, more = true;
	int code = EX_OK;

	while (more && code == EX_OK) {
		struct cmd_result result = { .octets = NULL };

		code = cmd_call(c, json_incref(q), &result);
		more = code == EX_OK && next_page(result.rows, q);
		if (code == EX_OK)
			output_page(c, result.rows, first, columns, n);
		first &= json_array_size(result.rows) == 0;
		json_decref(result.rows);
		if (code == EX_OK)
			code = output_end(c);
	}
	if (code == EX_OK) {
		output_last(c, first);
		code = output_end(c);
	}
	json_decref(q);
	return code;
}
