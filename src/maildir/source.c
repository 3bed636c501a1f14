#include "maildir/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "maildir/uidlist.h"

static char *join(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		abort();
	return path;
}

static bool is_dir(const char *dir, const char *name)
{
	char *path = join(dir, name);
	struct stat st;
	bool is = stat(path, &st) == 0 && S_ISDIR(st.st_mode);

	free(path);
	return is;
}

static bool is_maildir(const char *path)
{
	return is_dir(path, "cur") && is_dir(path, "new");
}

/* "1700000000.M1P2.host": the seconds of its delivery. */
static bool time_of_name(struct str name, int64_t *ms)
{
	uint64_t seconds;

	if (!str_u64(str_head(name, str_find(name, '.')), &seconds) || seconds > INT32_MAX * 2ULL)
		return false;
	*ms = (int64_t)seconds * 1000;
	return true;
}

/* What is gone meanwhile, and what is no file, is passed over. */
static void add_file(struct source *s, char *path, size_t *room)
{
	struct source_file f = { .path = path };
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
		free(path);
		return;
	}
	f.name = path + str_rfind(str_c(path), '/') + 1;
	f.mtime_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	f.order_ms = f.mtime_ms;
	f.named_time = s->kind == SOURCE_MAILDIR && time_of_name(str_c(f.name), &f.order_ms);
	if (s->count == *room) {
		*room = *room == 0 ? 256 : *room * 2;
		s->files = mem_array(s->files, *room, sizeof *s->files);
	}
	s->files[s->count++] = f;
	s->octets += (uint64_t)st.st_size;
}

static enum status add_dir(
	struct source *s, const char *dir, const char *suffix, size_t *room, struct err *err)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	if (d == NULL)
		return err_set(err, errno == EACCES ? ST_PERM : ST_IO, "open %s: %s", dir,
			strerror(errno));
	errno = 0;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && str_ends(str_c(e->d_name), str_c(suffix)))
			add_file(s, join(dir, e->d_name), room);
	if (errno != 0)
		err_set(err, ST_IO, "read %s: %s", dir, strerror(errno));
	closedir(d);
	return err->code;
}

static enum status open_maildir(struct source *s, const char *path, struct err *err)
{
	char *cur = join(path, "cur"), *fresh = join(path, "new");
	size_t room = 0;
	enum status status;

	s->kind = SOURCE_MAILDIR;
	status = add_dir(s, cur, "", &room, err);
	if (status == ST_OK)
		status = add_dir(s, fresh, "", &room, err);
	free(cur);
	free(fresh);
	return status;
}

static enum status open_file(struct source *s, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[5];
	size_t room = 0;
	ssize_t n;

	if (fd < 0)
		return err_set(err, errno == EACCES ? ST_PERM : ST_IO, "open %s: %s", path,
			strerror(errno));
	n = pread(fd, head, sizeof head, 0);
	close(fd);
	if (n < 0)
		return err_set(err, ST_USAGE, "%s must be a file that can be read twice: %s", path,
			strerror(errno));
	s->kind = n == (ssize_t)sizeof head && str_eq(str_of(head, sizeof head), STR("From "))
			  ? SOURCE_MBOX
			  : SOURCE_FILES;
	add_file(s, path[0] == '/' ? str_dup_c(str_c(path)) : join(".", path), &room);
	if (s->count == 0)
		return err_set(err, ST_USAGE, "%s is no regular file", path);
	if (n == 0) { /* a mailbox that was emptied, as /var/mail has them */
		s->kind = SOURCE_MBOX;
		free(s->files[--s->count].path);
	}
	return ST_OK;
}

static int by_time(const void *a, const void *b)
{
	const struct source_file *x = a, *y = b;

	if (x->order_ms != y->order_ms)
		return x->order_ms < y->order_ms ? -1 : 1;
	return str_cmp(maildir_base_name(str_c(x->name)), maildir_base_name(str_c(y->name)));
}

enum status source_open(struct source *s, const char *path, struct err *err)
{
	struct err why = { ST_OK, "" };
	struct stat st;
	size_t room = 0;

	*s = (struct source){ .kind = SOURCE_FILES };
	if (stat(path, &st) != 0)
		err_set(&why,
			errno == ENOENT   ? ST_NOTFOUND
			: errno == EACCES ? ST_PERM
					  : ST_IO,
			"%s: %s", path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		open_file(s, path, &why);
	else if (is_maildir(path))
		open_maildir(s, path, &why);
	else
		add_dir(s, path, ".eml", &room, &why);
	if (why.code == ST_OK && s->count == 0 && s->kind == SOURCE_FILES)
		err_set(&why, ST_USAGE, "%s is no mbox, no Maildir, and holds no .eml files", path);
	if (why.code != ST_OK) {
		source_close(s);
		return err_set(err, why.code, "%s", why.text);
	}
	if (s->kind == SOURCE_MAILDIR)
		s->dir = str_dup_c(str_c(path));
	if (s->count > 0)
		qsort(s->files, s->count, sizeof *s->files, by_time);
	return ST_OK;
}

void source_close(struct source *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->files[i].path);
	free(s->files);
	free(s->dir);
	*s = (struct source){ .kind = SOURCE_FILES };
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(str_c(*(char *const *)a), str_c(*(char *const *)b));
}

enum status source_folders(const char *path, char ***names, size_t *count, struct err *err)
{
	DIR *d = opendir(path);
	const struct dirent *e;

	*names = NULL;
	*count = 0;
	if (d == NULL)
		return err_set(err, ST_IO, "open %s: %s", path, strerror(errno));
	while ((e = readdir(d)) != NULL) {
		char *folder = join(path, e->d_name);

		if (e->d_name[0] == '.' && e->d_name[1] != '\0' && e->d_name[1] != '.' &&
			is_maildir(folder)) {
			*names = mem_array((void *)*names, *count + 1, sizeof **names);
			(*names)[(*count)++] = folder;
		} else {
			free(folder);
		}
	}
	closedir(d);
	if (*count > 0)
		qsort((void *)*names, *count, sizeof **names, by_text);
	return ST_OK;
}
