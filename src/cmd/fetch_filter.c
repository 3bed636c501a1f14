/* The setting `filter`: a command of the user's sees each header before the message is fetched. */
#include "base/clock.h"
#include "cmd/fetch.h"
#include "remote/command.h"

enum { FILTER_TIMEOUT_MS = 60 * 1000 };

enum { VERDICT_FETCH, VERDICT_DELETE, VERDICT_LEAVE };

/* Anything else is a filter that is broken: a message is not lost for that, nor left for ever. */
enum status fetch_filter(
	struct fetch *f, struct fetch_message *m, struct str header, struct err *err)
{
	struct user_command command;
	int code = 0;
	enum status status =
		command_start(&command, f->remote->filter, COMMAND_INPUT, FILTER_TIMEOUT_MS, err);

	if (status == ST_OK)
		status = command_write(&command, header, err);
	if (command_end(&command, &code, err) != ST_OK || status != ST_OK)
		return err_set(err, ST_TEMP, "the filter cannot be asked");
	if (code == VERDICT_DELETE)
		m->action = FETCH_DELETE;
	else if (code == VERDICT_LEAVE)
		m->action = FETCH_KEEP;
	else if (code != VERDICT_FETCH)
		return err_set(err, ST_TEMP,
			"the filter ended with status %d: it has 0, 1 and 2 only", code);
	return ST_OK;
}

enum status fetch_filter_all(struct fetch *f, struct err *err)
{
	enum status status;

	if (f->remote->filter[0] == '\0')
		return ST_OK;
	for (size_t i = 0; i < f->count; i++)
		f->messages[i].look = f->messages[i].action == FETCH_WHOLE ||
				      f->messages[i].action == FETCH_BEGIN;
	if (!fetch_has_top(f)) {
		cmd_fail(f->cmd, 0, "%s: the server has no TOP: the filter is not asked",
			f->remote->name);
		return ST_OK;
	}
	f->filtering = true;
	status = fetch_headers(f, err);
	f->filtering = false;
	return status;
}
