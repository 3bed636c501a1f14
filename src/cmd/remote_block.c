#include "cmd/remote_block.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config_remote.h"
#include "daemon/config_route.h"

enum { CONF_MAX = 1024 * 1024, WISH_MAX = 56 };

void block_begin(struct buf *out, struct str name)
{
	buf_put(out, STR("remote "));
	config_quoted_put(out, name);
	buf_put(out, STR(" {\n"));
}

void block_set(struct buf *out, const char *setting, struct str value)
{
	buf_printf(out, "\t%s = ", setting);
	config_quoted_put(out, value);
	buf_putc(out, '\n');
}

void block_end(struct buf *out)
{
	buf_put(out, STR("}\n"));
}

static bool is_taken(const struct config *config, struct str taken, struct str name)
{
	while (taken.n > 0)
		if (str_eq(str_cut(&taken, '\n'), name))
			return true;
	return config != NULL && config_remote(config, name) != NULL;
}

void block_name(const struct config *config, struct str taken, struct str wish, char to[65])
{
	size_t n = 0;

	for (size_t i = 0; i < wish.n && n < WISH_MAX; i++) {
		char c = ascii_lower(wish.p[i]);
		bool plain = ascii_digit(c) || (c >= 'a' && c <= 'z');

		if (plain || (n > 0 && (c == '-' || c == '_' || c == '.')))
			to[n++] = c;
		else if (n > 0 && to[n - 1] != '-')
			to[n++] = '-';
	}
	to[n] = '\0';
	if (n == 0)
		n = (size_t)snprintf(to, 65, "remote");
	for (unsigned i = 2; is_taken(config, taken, str_c(to)); i++)
		snprintf(to + n, 65 - n, "-%u", i);
}

static enum status read_conf(const char *path, struct buf *text, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0 && errno == ENOENT)
		return ST_OK;
	if (fd < 0)
		return err_set(err, ST_IO, "open %s: %s", path, strerror(errno));
	while (n > 0 && !text->full) {
		char *room = buf_reserve(text, 65536);

		n = room == NULL ? 0 : read(fd, room, 65536);
		if (n > 0)
			buf_grew(text, (size_t)n);
	}
	close(fd);
	if (n < 0 || text->full)
		return err_set(err, ST_IO, "read %s: %s", path,
			text->full ? "it is too long" : strerror(errno));
	return ST_OK;
}

/* The file with the sections at its end, and whether it holds together. */
static struct config *compose(
	const char *path, struct str sections, struct buf *text, struct err *err)
{
	buf_init(text, CONF_MAX);
	if (read_conf(path, text, err) != ST_OK)
		return NULL;
	if (text->len > 0 && !str_ends(buf_str(text), STR("\n")))
		buf_putc(text, '\n');
	if (text->len > 0)
		buf_putc(text, '\n');
	buf_put(text, sections);
	if (text->full) {
		err_set(err, ST_LIMIT, "%s would be longer than a megabyte", path);
		return NULL;
	}
	return config_parse(buf_str(text), path, err);
}

static char *conf_path(const char *state)
{
	char *path, *real;

	if (asprintf(&path, "%s/restante.conf", state) < 0)
		abort();
	real = realpath(path, NULL);
	if (real == NULL)
		return path;
	free(path);
	return real;
}

struct config *block_try(const char *state, struct str sections, struct err *err)
{
	char *path = conf_path(state);
	struct buf text;
	struct config *config = compose(path, sections, &text, err);

	buf_deinit(&text);
	free(path);
	return config;
}

static bool write_all(int fd, struct str text)
{
	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text = str_from(text, (size_t)n);
	}
	return fsync(fd) == 0;
}

static bool sync_directory(const char *path)
{
	struct str dir = str_head(str_c(path), str_rfind(str_c(path), '/'));
	char *name = str_dup_c(dir.n == 0 ? STR("/") : dir);
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(name);
	return ok;
}

/* Beside it, with its owner and mode, and then in its place. */
static enum status replace(const char *path, struct str text, struct err *err)
{
	struct stat st = { .st_mode = 0600, .st_uid = geteuid(), .st_gid = getegid() };
	char *new;
	int fd;
	bool ok;

	if (asprintf(&new, "%s.new", path) < 0)
		abort();
	(void)stat(path, &st);
	fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	ok = fd >= 0 && (fchown(fd, st.st_uid, st.st_gid) == 0 || geteuid() != 0) &&
	     fchmod(fd, st.st_mode & 0777) == 0 && write_all(fd, text) && rename(new, path) == 0 &&
	     sync_directory(path);
	if (!ok) {
		err_set(err, ST_IO, "write %s: %s", path, strerror(errno));
		unlink(new);
	}
	if (fd >= 0)
		close(fd);
	free(new);
	return ok ? ST_OK : ST_IO;
}

enum status block_append(const char *state, struct str sections, struct err *err)
{
	char *path = conf_path(state);
	struct buf text;
	struct config *config = compose(path, sections, &text, err);
	enum status status = config == NULL ? ST_USAGE : replace(path, buf_str(&text), err);

	config_free(config);
	buf_deinit(&text);
	free(path);
	return status;
}

enum status block_secret(
	const char *state, struct str name, struct str secret, struct buf *setting, struct err *err)
{
	struct buf path = { 0 }, line = { .secret = true };
	char *file;
	int fd;
	bool ok;

	buf_printf(&path, "%s/secrets", state);
	file = buf_steal_c(&path);
	ok = mkdir(file, 0700) == 0 || errno == EEXIST;
	buf_printf(&path, "%s/%.*s", file, STR_ARG(name));
	free(file);
	file = buf_steal_c(&path);
	fd = ok ? open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
	buf_put(&line, secret);
	buf_putc(&line, '\n');
	ok = fd >= 0 && write_all(fd, buf_str(&line)) && sync_directory(file);
	if (!ok)
		err_set(err, ST_IO, "write %s: %s", file, strerror(errno));
	if (fd >= 0)
		close(fd);
	buf_printf(setting, "secrets/%.*s", STR_ARG(name));
	buf_wipe(&line);
	free(file);
	return ok ? ST_OK : ST_IO;
}
