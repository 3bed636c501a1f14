#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/config_text.h"

enum { FILE_MAX = 1024 * 1024 };

/* Where the comment that begins at s[i] ends; i when none begins there. */
static size_t comment_end(const char *s, size_t i)
{
	bool token_start = i == 0 || str_find(STR(" \t\n={}(),+"), s[i - 1]) < 10;
	bool line = s[i] == '#' || (token_start && s[i] == '/' && s[i + 1] == '/');
	size_t end = i;

	if (!line && (!token_start || s[i] != '/' || s[i + 1] != '*'))
		return i;
	for (end = i + 1; line && s[end] != '\0' && s[end] != '\n';)
		end++;
	if (line)
		return end;
	for (end = i + 2; s[end] != '\0' && (s[end] != '*' || s[end + 1] != '/');)
		end++;
	return s[end] == '\0' ? i : end + 2; /* without an end the library complains */
}

void config_blank_comments(char *s)
{
	char quote = '\0';

	for (size_t i = 0; s[i] != '\0'; i++) {
		size_t end = quote == '\0' ? comment_end(s, i) : i;

		for (; i < end; i++)
			if (s[i] != '\n')
				s[i] = ' ';
		if (s[i] == '\0')
			return;
		if (quote != '\0' && s[i] == '\\' && s[i + 1] != '\0')
			i++;
		else if (s[i] == quote)
			quote = '\0';
		else if (quote == '\0' && (s[i] == '"' || s[i] == '\''))
			quote = s[i];
	}
}

/* False when there is no such file, or with err. */
static bool read_file(const char *path, struct buf *into, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0) {
		if (errno != ENOENT)
			err_set(err, ST_IO, "open %s: %s", path, strerror(errno));
		return errno == ENOENT;
	}
	while (n > 0 && !into->full) {
		char *to = buf_reserve(into, 4096);

		n = to == NULL ? 0 : read(fd, to, 4096);
		if (n > 0)
			buf_grew(into, (size_t)n);
	}
	if (n < 0)
		err_set(err, ST_IO, "read %s: %s", path, strerror(errno));
	if (into->full)
		err_set(err, ST_USAGE, "%s: larger than a megabyte", path);
	close(fd);
	return n >= 0 && !into->full;
}

struct config *config_load(const char *state, struct err *err)
{
	struct config *c = NULL;
	struct buf path, text;

	buf_init(&path, 0);
	buf_init(&text, FILE_MAX);
	buf_printf(&path, "%s/restante.conf%c", state, '\0');
	if (read_file(path.data, &text, err))
		c = config_parse(buf_str(&text), path.data, err);
	buf_deinit(&path);
	buf_deinit(&text);
	return c;
}
