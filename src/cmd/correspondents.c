/* restante account correspondents */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/cmd.h"

/* One request and one transaction: the server is busy with it for some milliseconds only. */
enum { BATCH = 1000, LINE_MAX_OCTETS = 1000 };

struct importing {
	struct cmd *cmd;
	const char *path;
	json_t *batch;
	unsigned long long line, added, failed;
	unsigned long long lines[BATCH]; /* of the batch */
};

static json_t *request(const struct cmd *c, json_t *recipients, bool import)
{
	return json_pack("{s:s, s:s, s:o, s:b}", "verb", "account.correspondents", "address",
		c->args[0], "recipients", recipients, "import", import);
}

static void tell_line(struct importing *m, unsigned long long line, const char *text)
{
	fprintf(stderr, "%s:%llu: %s\n", m->path, line, text);
	m->failed++;
}

static int send_batch(struct importing *m)
{
	struct cmd_result result = { .octets = NULL };
	size_t count = json_array_size(m->batch), i;
	json_t *row;
	int code = cmd_call(m->cmd, request(m->cmd, m->batch, true), &result);

	m->batch = json_array();
	json_array_foreach(result.rows, i, row)
	{
		json_int_t number = json_integer_value(json_object_get(row, "number"));

		if (number >= 0 && number < BATCH)
			tell_line(m, m->lines[number],
				json_string_value(json_object_get(row, "error")));
	}
	if (code == EX_OK)
		m->added += count - json_array_size(result.rows);
	json_decref(result.rows);
	return code;
}

static int take_line(struct importing *m, struct str s)
{
	json_t *one;

	m->line++;
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s = str_head(s, s.n - 1);
	if (s.n == 0)
		return EX_OK;
	one = s.n > LINE_MAX_OCTETS ? NULL : json_stringn(s.p, s.n);
	if (one == NULL) {
		tell_line(m, m->line, "too long, or not UTF-8");
		return EX_OK;
	}
	m->lines[json_array_size(m->batch)] = m->line;
	json_array_append_new(m->batch, one);
	return json_array_size(m->batch) == BATCH ? send_batch(m) : EX_OK;
}

static int import(struct cmd *c)
{
	struct importing m = { .cmd = c, .path = c->value[OPTION_FROM], .batch = json_array() };
	FILE *f = fopen(m.path, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int code = EX_OK, last;

	if (f == NULL) {
		json_decref(m.batch);
		return cmd_fail(c, EX_NOINPUT, "%s: %s", m.path, strerror(errno));
	}
	while (code == EX_OK && (n = getline(&line, &room, f)) >= 0)
		code = take_line(&m, str_of(line, (size_t)n));
	if (code == EX_OK)
		code = ferror(f) ? cmd_fail(c, EX_IOERR, "%s: %s", m.path, strerror(errno))
				 : send_batch(&m);
	free(line);
	fclose(f);
	json_decref(m.batch);
	if (cmd_has(c, OPTION_JSON))
		printf("{\"known\":%llu,\"failed\":%llu}\n", m.added, m.failed);
	else
		printf("%llu known, %llu not\n", m.added, m.failed);
	last = output_end(c);
	if (code == EX_OK && m.failed > 0)
		code = EX_DATAERR;
	return code == EX_OK ? last : code;
}

int cmd_account_correspondents(struct cmd *c)
{
	static const struct column numbers[] = {
		{ "known", "KNOWN", true },
		{ "new", "NEW IN A DAY", true },
		{ "new_most", "AT MOST", true },
	};
	static const struct column each[] = {
		{ "recipient", "RECIPIENT", false },
		{ "known", "KNOWN", false },
		{ "since", "SINCE", false },
	};
	json_t *recipients;

	if (cmd_has(c, OPTION_FROM))
		return c->nargs == 1
			       ? import(c)
			       : cmd_fail(c, EX_USAGE, "give either recipients or --from FILE");
	recipients = json_array();
	for (int i = 1; i < c->nargs; i++)
		if (json_array_append_new(recipients, json_string(c->args[i])) != 0) {
			json_decref(recipients);
			return cmd_fail(c, EX_USAGE, "an argument is not UTF-8");
		}
	return cmd_rows(c, request(c, recipients, false), c->nargs > 1 ? each : numbers, 3);
}
