/* Rows for people and for scripts. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cmd/cmd.h"

bool output_colour(int fd)
{
	const char *no = getenv("NO_COLOR");

	return isatty(fd) && (no == NULL || no[0] == '\0');
}

/* What strangers wrote (senders, Message-IDs) must not drive a terminal or break a line. */
static char *safe_text(const char *s)
{
	char *copy = str_dup_c(str_c(s));

	for (char *p = copy; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	/* C1 controls as UTF-8: 0xC2 0x80 .. 0x9F. */
	for (char *p = copy; p[0] != '\0' && p[1] != '\0'; p++)
		if ((unsigned char)p[0] == 0xc2 && (unsigned char)p[1] >= 0x80 &&
			(unsigned char)p[1] < 0xa0)
			p[0] = p[1] = '?';
	return copy;
}

static char *join_array(const json_t *array)
{
	struct buf text;
	const json_t *v;
	size_t i;

	buf_init(&text, 0);
	json_array_foreach(array, i, v)
	{
		if (i > 0)
			buf_put(&text, STR(" "));
		buf_put(&text, str_c(json_string_value(v)));
	}
	return buf_steal_c(&text);
}

static char *field_text(const json_t *row, const char *key)
{
	const json_t *v = json_object_get(row, key);
	char number[32], *joined, *safe;

	switch (v == NULL ? JSON_NULL : json_typeof(v)) {
	case JSON_STRING: return safe_text(json_string_value(v));
	case JSON_INTEGER:
		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(v));
		return safe_text(number);
	case JSON_TRUE: return safe_text("yes");
	case JSON_FALSE: return safe_text("no");
	case JSON_ARRAY:
		joined = join_array(v);
		safe = safe_text(joined);
		free(joined);
		return safe;
	case JSON_NULL:
	case JSON_REAL:
	case JSON_OBJECT: break;
	}
	return safe_text("");
}

/* Columns on a screen: characters of UTF-8, which is near enough for addresses. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void put_field(const char *s, size_t width, bool right, bool last)
{
	size_t pad = width - width_of(s);

	if (right)
		printf("%*s%s", (int)pad, "", s);
	else
		printf("%s%*s", s, last ? 0 : (int)pad, "");
	fputs(last ? "\n" : "  ", stdout);
}

static void print_table(const json_t *rows, bool titles, const struct column *columns, size_t n)
{
	size_t *width = mem_zalloc(n * sizeof *width), i;
	bool bold = output_colour(STDOUT_FILENO);
	const json_t *row;

	for (size_t k = 0; k < n; k++)
		width[k] = width_of(columns[k].title);
	json_array_foreach(rows, i, row) for (size_t k = 0; k < n; k++)
	{
		char *s = field_text(row, columns[k].key);

		width[k] = width_of(s) > width[k] ? width_of(s) : width[k];
		free(s);
	}
	fputs(bold && titles ? "\033[1m" : "", stdout);
	for (size_t k = 0; k < n && titles; k++)
		put_field(columns[k].title, width[k], columns[k].right, k + 1 == n);
	fputs(bold && titles ? "\033[0m" : "", stdout);
	json_array_foreach(rows, i, row) for (size_t k = 0; k < n; k++)
	{
		char *s = field_text(row, columns[k].key);

		put_field(s, width[k], columns[k].right, k + 1 == n);
		free(s);
	}
	free(width);
}

static void print_plain(const json_t *rows, const struct column *columns, size_t n)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) for (size_t k = 0; k < n; k++)
	{
		char *s = field_text(row, columns[k].key);

		printf("%s%c", s, k + 1 == n ? '\n' : '\t');
		free(s);
	}
}

static void print_json(const json_t *rows, bool first)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		fputs(first && i == 0 ? "[\n" : ",\n", stdout);
		json_dumpf(row, stdout, JSON_COMPACT);
	}
}

void output_page(
	const struct cmd *c, const json_t *rows, bool first, const struct column *columns, size_t n)
{
	if (cmd_has(c, OPTION_JSON))
		print_json(rows, first);
	else if (isatty(STDOUT_FILENO))
		print_table(rows, first, columns, n);
	else
		print_plain(rows, columns, n);
}

void output_last(const struct cmd *c, bool first)
{
	if (cmd_has(c, OPTION_JSON))
		fputs(first ? "[\n]\n" : "\n]\n", stdout);
}

void output_rows(const struct cmd *c, const json_t *rows, const struct column *columns, size_t n)
{
	output_page(c, rows, true, columns, n);
	output_last(c, json_array_size(rows) == 0);
}

/* errno may be that of a later write or of something else. */
static bool reader_is_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

int output_end(const struct cmd *c)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EX_OK;
	if (errno == EPIPE || reader_is_gone()) /* `| head` is no error of ours to tell */
		return EX_IOERR;
	return cmd_fail(c, EX_IOERR, "write to standard output: %s", strerror(errno));
}
