/* restante fsck: reads the journal, the large messages and the index here, beside a server or not.
 * Findings are lines on standard output; EX_DATAERR when there are any.  Only what is asked for with an option is
 * changed, by the server when one runs. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "cmd/store_files.h"
#include "daemon/control.h"

enum { RESTART_MS = 600000, POLL_US = 100000 };

struct findings {
	bool json, colour, repaired;
	json_t *lines;
	struct store_orphans removed;
	struct progress progress;
};

static void on_finding(void *arg, const char *line)
{
	struct findings *f = arg;

	progress_clear(&f->progress);
	if (f->json)
		json_array_append_new(f->lines, json_string(line));
	else
		printf("%s%s%s\n", f->colour ? "\033[31m" : "", line, f->colour ? "\033[0m" : "");
}

static void on_progress(void *arg, uint64_t octets, uint64_t total, uint64_t messages)
{
	struct findings *f = arg;

	f->progress.total = total;
	progress_at(&f->progress, octets, messages);
}

static enum status check(
	const char *state, struct fsck_report *report, struct findings *f, struct err *err)
{
	const struct fsck_watch watch = { on_finding, on_progress, f };
	struct store_files files;
	enum status status = store_files_open(&files, state, err);

	if (status == ST_OK) {
		progress_begin(&f->progress, 0);
		f->progress.octets = true;
		status = store_local_fsck(files.dir, files.disk, report, &watch, err);
		progress_clear(&f->progress);
	}
	store_files_close(&files);
	return status;
}

static json_t *report_json(const struct fsck_report *r, json_t *lines)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "segments",
		(json_int_t)r->segments, "records", (json_int_t)r->records, "messages",
		(json_int_t)r->messages, "deliveries", (json_int_t)r->deliveries, "octets",
		(json_int_t)r->octets, "torn", (json_int_t)r->torn, "corrupt",
		(json_int_t)r->corrupt, "missing", (json_int_t)r->missing, "index_differs",
		(json_int_t)r->index_differs, "findings", lines);
}

static void print_report(const struct findings *f, const struct fsck_report *r)
{
	if (f->json) {
		json_t *o = report_json(r, f->lines);

		if (f->repaired)
			json_object_set_new(
				o, "removed", json_integer((json_int_t)f->removed.files));
		json_dumpf(o, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(o);
		return;
	}
	printf("%llu segments, %llu records, %llu messages, %llu deliveries, %llu octets\n",
		(unsigned long long)r->segments, (unsigned long long)r->records,
		(unsigned long long)r->messages, (unsigned long long)r->deliveries,
		(unsigned long long)r->octets);
	printf("%llu damaged, %llu missing, %llu index rows differ, %llu unfinished tails\n",
		(unsigned long long)r->corrupt, (unsigned long long)r->missing,
		(unsigned long long)r->index_differs, (unsigned long long)r->torn);
	if (f->repaired)
		printf("%llu files of no message removed, %llu octets\n",
			(unsigned long long)f->removed.files,
			(unsigned long long)f->removed.octets);
}

struct removed_reply {
	struct office_reply reply;
	struct store_orphans *removed;
};

static void on_removed(struct office_reply *r, json_t *row)
{
	struct store_orphans *o = LIST_OF(r, struct removed_reply, reply)->removed;

	o->files += (uint64_t)json_integer_value(json_object_get(row, "files"));
	o->octets += (uint64_t)json_integer_value(json_object_get(row, "octets"));
	json_decref(row);
}

/* By whoever has the store: a file without a record may be one whose record is just being written. */
static enum status remove_orphans(const char *state, struct findings *f, struct err *err)
{
	struct removed_reply x = { .reply = { .row = on_removed }, .removed = &f->removed };
	struct control_session *s = control_open(state, err);
	enum status status = s == NULL ? err->code : ST_OK;

	for (int home = 0; home < STORE_HOMES && status == ST_OK; home++) {
		json_t *q = json_pack("{s:s, s:i}", "verb", "fsck.orphans", "home", home);

		status = control_ask(s, q, &x.reply, err);
		json_decref(q);
	}
	control_close(s);
	f->repaired = status == ST_OK;
	return status;
}

static int run_check(struct cmd *c)
{
	struct findings f = { .json = cmd_has(c, OPTION_JSON),
		.colour = output_colour(STDOUT_FILENO),
		.lines = json_array() };
	struct fsck_report report = { .segments = 0 };
	struct err err = { ST_OK, "" };
	enum status status = check(c->state, &report, &f, &err);
	/* What cannot be read may be the record of a file. */
	bool sound = report.corrupt + report.index_differs == 0;
	int code = EX_OK;

	if (status == ST_OK && sound && cmd_has(c, OPTION_REPAIR))
		status = remove_orphans(c->state, &f, &err);
	if (status != ST_OK) {
		code = cmd_fail_err(c, &err);
	} else {
		print_report(&f, &report);
		code = output_end(c);
		if (code == EX_OK && report.corrupt + report.missing + report.index_differs > 0)
			code = EX_DATAERR;
	}
	json_decref(f.lines);
	return code;
}

struct status_reply {
	struct office_reply reply;
	json_int_t pid;
};

static void on_status(struct office_reply *r, json_t *row)
{
	LIST_OF(r, struct status_reply, reply)->pid =
		json_integer_value(json_object_get(row, "store_pid"));
	json_decref(row);
}

/* The store process that answers; 0: none does now. */
static json_int_t answering_pid(const char *state)
{
	struct status_reply x = { .reply = { .row = on_status } };
	json_t *q = json_pack("{s:s}", "verb", "status");
	enum status status = control_call(state, q, &x.reply, NULL);

	json_decref(q);
	return status == ST_OK ? x.pid : 0;
}

/* A server rebuilds in a new store process; it answers again when that is done. */
static int wait_for_server(struct cmd *c, json_int_t before)
{
	int64_t until = clock_mono_ms() + RESTART_MS;

	while (clock_mono_ms() < until) {
		json_int_t pid = answering_pid(c->state);

		if (pid != 0 && pid != before)
			return EX_OK;
		usleep(POLL_US);
	}
	return cmd_fail(c, EX_TEMPFAIL, "the index is not made anew yet: look at the server's log");
}

static int rebuild(struct cmd *c)
{
	struct cmd_result result = { .octets = NULL };
	json_int_t before = answering_pid(c->state);
	int code = cmd_call(c, json_pack("{s:s}", "verb", "fsck.rebuild"), &result);
	bool restarting =
		json_is_true(json_object_get(json_array_get(result.rows, 0), "restarting"));

	json_decref(result.rows);
	return code == EX_OK && restarting ? wait_for_server(c, before) : code;
}

int cmd_fsck(struct cmd *c)
{
	struct err err = { ST_OK, "" };
	int code = EX_OK;

	if (state_check_version(c->state, &err) != ST_OK)
		return cmd_fail(c, err.code == ST_USAGE ? EX_CONFIG : err_exit_code(err.code), "%s",
			err.text);
	if (cmd_has(c, OPTION_REBUILD))
		code = rebuild(c);
	return code == EX_OK ? run_check(c) : code;
}
