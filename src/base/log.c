#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

enum { FLUSH_AT = 16 * 1024, VALUE_MAX = 512 };

static int log_fd = 2;
static enum log_level log_least = LOG_L_INFO;
static char log_process[16] = "";
static struct buf lines;

void log_init(int fd, enum log_level level, const char *process)
{
	log_flush();
	log_fd = fd;
	log_least = level;
	snprintf(log_process, sizeof log_process, "%s", process);
}

static bool plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\' ||
			s.p[i] == '=')
			return false;
	return s.n > 0;
}

static void put_value(struct str s)
{
	bool cut = s.n > VALUE_MAX;

	s = str_head(s, VALUE_MAX);
	if (plain(s) && !cut) {
		buf_put(&lines, s);
		return;
	}
	buf_putc(&lines, '"');
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '"' || c == '\\')
			buf_printf(&lines, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			buf_printf(&lines, "\\x%02x", (unsigned char)c);
		else
			buf_putc(&lines, c);
	}
	buf_put(&lines, cut ? STR("...\"") : STR("\""));
}

static void put_time(void)
{
	static int64_t second = -1;
	static char text[24];
	int64_t now = clock_wall_ms();

	if (now / 1000 != second) {
		time_t t = (time_t)(now / 1000);
		struct tm tm;

		second = now / 1000;
		gmtime_r(&t, &tm);
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	}
	buf_printf(&lines, "time=%s.%03dZ", text, (int)(now % 1000));
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };

	if (level < log_least)
		return;
	put_time();
	buf_printf(&lines, " level=%s proc=%s event=%s", names[level], log_process, event);
	for (; fields->name != NULL; fields++) {
		buf_printf(&lines, " %s=", fields->name);
		if (fields->type == LOG_F_INT)
			buf_printf(&lines, "%lld", (long long)fields->i);
		else
			put_value(fields->s);
	}
	buf_putc(&lines, '\n');
	if (level >= LOG_L_WARN || lines.len >= FLUSH_AT)
		log_flush();
}

void log_flush(void)
{
	/* A log that cannot be written must not stop the mail: what does not go out is dropped. */
	while (lines.len > 0) {
		ssize_t n = write(log_fd, lines.data + lines.head, lines.len);

		if (n <= 0)
			break;
		buf_consume(&lines, (size_t)n);
	}
	buf_clear(&lines);
}
