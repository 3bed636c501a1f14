/* restante store */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "cmd/cmd.h"
#include "cmd/store_files.h"

static int show(struct cmd *c, json_t *request)
{
	static const struct column columns[] = {
		{ "segments", "SEGMENTS", true },
		{ "octets", "OCTETS", true },
		{ "given_back", "GIVEN BACK", true },
		{ "compacting", "COMPACTING", false },
		{ "scrubbed", "SCRUBBED", false },
		{ "scrubbing", "SCRUBBING", false },
		{ "damaged", "DAMAGED", true },
	};
	return cmd_rows(c, request, columns, sizeof columns / sizeof *columns);
}

/* The index is read here: a look at every message must not hold up a server. */
static enum status read_segments(const char *state, json_t *rows, struct err *err)
{
	struct store_segment_row *found = NULL;
	size_t count = 0;
	struct store_files files;
	enum status status = store_files_open(&files, state, err);

	if (status == ST_OK)
		status = store_local_segments(files.dir, files.disk, &found, &count, err);
	store_files_close(&files);
	for (size_t i = 0; i < count; i++) {
		const struct store_segment_row *r = &found[i];
		uint64_t counts = r->live + r->kept;

		json_array_append_new(rows,
			json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "segment",
				json_sprintf("%08llx", (unsigned long long)r->number), "octets",
				(json_int_t)r->octets, "messages", (json_int_t)r->messages, "live",
				(json_int_t)r->live, "restorable", (json_int_t)r->kept, "dead",
				(json_int_t)(r->octets > counts ? r->octets - counts : 0)));
	}
	free(found);
	return status;
}

static int show_segments(struct cmd *c)
{
	static const struct column columns[] = {
		{ "segment", "SEGMENT", false },
		{ "octets", "OCTETS", true },
		{ "messages", "MESSAGES", true },
		{ "live", "LIVE", true },
		{ "restorable", "RESTORABLE", true },
		{ "dead", "DEAD", true },
	};
	struct cmd_result result = { .octets = NULL };
	struct err err = { ST_OK, "" };
	json_t *rows = json_array();
	/* brings the index up to date */
	int code = cmd_call(c, json_pack("{s:s}", "verb", "store.status"), &result);

	if (code != EX_OK) {
		json_decref(result.rows);
		json_decref(rows);
		return code;
	}
	if (read_segments(c->state, rows, &err) != ST_OK) {
		code = cmd_fail_err(c, &err);
	} else {
		output_rows(c, rows, columns, sizeof columns / sizeof *columns);
		code = output_end(c);
	}
	json_decref(result.rows);
	json_decref(rows);
	return code;
}

int cmd_store_status(struct cmd *c)
{
	if (cmd_has(c, OPTION_SEGMENTS))
		return show_segments(c);
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
