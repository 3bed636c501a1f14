#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/mem.h"
#include "cmd/account_from.h"
#include "cmd/password.h"
#include "cmd/progress.h"

/* A batch is one request and one transaction: far below the largest frame, and the server is busy with it
 * for some milliseconds only. */
enum { BATCH = 200, LINE_MAX_OCTETS = 4096 };

struct bulk {
	struct cmd *cmd;
	const char *path;
	json_t *batch, *defaults;
	unsigned long long line, added, failed;
	struct progress progress;
};

static void tell_line(struct bulk *b, json_int_t line, const char *text)
{
	progress_clear(&b->progress);
	fprintf(stderr, "%s:%lld: %s\n", b->path, (long long)line, text);
	b->failed++;
}

static int send_batch(struct bulk *b)
{
	struct cmd_result result = { .octets = NULL };
	size_t count = json_array_size(b->batch), i;
	json_t *row;
	int code;

	if (count == 0)
		return EX_OK;
	code = cmd_call(b->cmd,
		json_pack("{s:s, s:o}", "verb", "account.add-many", "accounts", b->batch), &result);
	b->batch = json_array();
	json_array_foreach(result.rows, i, row)
		tell_line(b, json_integer_value(json_object_get(row, "line")),
			json_string_value(json_object_get(row, "error")));
	if (code == EX_OK)
		b->added += count - json_array_size(result.rows);
	json_decref(result.rows);
	return code;
}

static int take_line(struct bulk *b, struct str line)
{
	struct str secret = line, address = str_cut(&secret, '\t');
	struct err err = { ST_OK, "" };
	json_t *one, *credentials = NULL;

	if (line.n == 0 || line.p[0] == '#')
		return EX_OK;
	if (address.n == 0 || secret.n == 0 || !str_utf8(address) ||
		str_find(address, '\0') < address.n) {
		tell_line(b, (json_int_t)b->line,
			"expected an address, a tab, and a password or hash");
		return EX_OK;
	}
	if (password_of_text(b->cmd, secret, &credentials, &err) != ST_OK) {
		tell_line(b, (json_int_t)b->line, err.text);
		return EX_OK;
	}
	one = json_pack("{s:I, s:s%, s:o}", "line", (json_int_t)b->line, "address", address.p,
		address.n, "credentials", credentials);
	json_object_update(one, b->defaults);
	json_array_append_new(b->batch, one);
	return json_array_size(b->batch) == BATCH ? send_batch(b) : EX_OK;
}

static int read_lines(struct bulk *b, FILE *f)
{
	char line[LINE_MAX_OCTETS];
	int code = EX_OK;

	while (code == EX_OK && fgets(line, sizeof line, f) != NULL) {
		struct str s = str_c(line);

		b->line++;
		if (s.n == sizeof line - 1 && s.p[s.n - 1] != '\n') {
			code = cmd_fail(b->cmd, EX_DATAERR, "%s:%llu: a line of over %d octets",
				b->path, b->line, LINE_MAX_OCTETS - 2);
			break;
		}
		while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
			s = str_head(s, s.n - 1);
		code = take_line(b, s);
		progress_at(&b->progress, (uint64_t)ftello(f), b->line);
	}
	mem_wipe(line, sizeof line);
	if (code == EX_OK && ferror(f) != 0)
		code = cmd_fail(b->cmd, EX_IOERR, "%s: %s", b->path, strerror(errno));
	return code;
}

static int summary(struct bulk *b)
{
	if (cmd_has(b->cmd, OPTION_JSON))
		printf("{\"added\":%llu,\"failed\":%llu}\n", b->added, b->failed);
	else
		printf("%llu added, %llu not\n", b->added, b->failed);
	return output_end(b->cmd);
}

int account_add_from(struct cmd *c)
{
	struct bulk b = { .cmd = c, .path = c->value[OPTION_FROM] };
	FILE *f = fopen(b.path, "re");
	struct stat st;
	int code, last;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		code = cmd_fail(c, EX_NOINPUT, "%s: %s", b.path, strerror(errno));
		if (f != NULL)
			fclose(f);
		return code;
	}
	b.batch = json_array();
	b.defaults = json_object();
	code = cmd_account_defaults(c, b.defaults);
	progress_begin(&b.progress, (uint64_t)st.st_size);
	if (code == EX_OK)
		code = read_lines(&b, f);
	last = code == EX_OK || code == EX_DATAERR ? send_batch(&b) : code;
	progress_clear(&b.progress);
	if (code == EX_OK)
		code = last;
	last = summary(&b);
	json_decref(b.batch);
	json_decref(b.defaults);
	fclose(f);
	if (code == EX_OK && b.failed > 0)
		code = EX_DATAERR;
	return code == EX_OK ? last : code;
}
