#include "maildir/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static char *join(const char *dir, const char *part, struct str name)
{
	struct buf path = { 0 };

	buf_put(&path, str_c(dir));
	buf_put(&path, str_c(part));
	buf_put(&path, name);
	return buf_steal_c(&path);
}

static enum status make_dir(const char *dir, const char *part, struct err *err)
{
	char *path = join(dir, part, STR(""));
	enum status status = ST_OK;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		status = err_set(err, ST_IO, "make %s: %s", path, strerror(errno));
	free(path);
	return status;
}

enum status maildir_begin(
	struct maildir_message *m, const char *dir, struct str unique, struct err *err)
{
	static const char *const parts[] = { "", "/tmp", "/new", "/cur" };
	enum status status = ST_OK;
	char *path;
	int fd;

	*m = (struct maildir_message){ .dir = str_dup_c(str_c(dir)), .name = str_dup_c(unique) };
	if (m->name == NULL || unique.n == 0 || str_find(unique, '/') < unique.n)
		return err_set(err, ST_USAGE, "no name for a file in a Maildir");
	for (size_t i = 0; i < sizeof parts / sizeof *parts && status == ST_OK; i++)
		status = make_dir(dir, parts[i], err);
	if (status != ST_OK)
		return status;
	path = join(dir, "/tmp/", unique);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	m->file = fd < 0 ? NULL : fdopen(fd, "w+");
	if (m->file == NULL)
		status = err_set(err, ST_IO, "make %s: %s", path, strerror(errno));
	free(path);
	return status;
}

void maildir_octets(struct maildir_message *m, struct str octets)
{
	while (octets.n > 0) {
		size_t n = str_find(octets, '\r');

		if (m->cr_held && octets.p[0] != '\n')
			putc('\r', m->file);
		m->cr_held = false;
		fwrite(octets.p, 1, n, m->file);
		m->cr_held = n < octets.n;
		octets = str_from(octets, n + 1);
	}
}

static enum status sync_dir(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed = fd < 0 || fsync(fd) != 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return failed == 0 ? ST_OK : err_set(err, ST_IO, "sync %s: %s", path, strerror(failed));
}

/* Octet for octet. */
static bool is_same(FILE *ours, const char *path)
{
	char a[4096], b[sizeof a];
	FILE *there = fopen(path, "re");
	size_t n = sizeof a;
	bool same = there != NULL;

	rewind(ours);
	while (same && n == sizeof a) {
		n = fread(a, 1, sizeof a, ours);
		same = fread(b, 1, sizeof b, there) == n && memcmp(a, b, n) == 0;
	}
	if (there != NULL)
		fclose(there);
	return same;
}

enum there { THERE_NOT, THERE_OTHER, THERE_SAME };

/* In cur/ it has flags behind its name; whoever read it has it. */
static enum there is_there(const struct maildir_message *m, struct str unique)
{
	static const char *const ends[] = { "", ":2,S", ":2," };
	enum there there = THERE_NOT;

	for (size_t i = 0; i < 3 && there != THERE_SAME; i++) {
		struct buf name = { 0 };
		char *path;

		buf_put(&name, unique);
		buf_put(&name, str_c(ends[i]));
		path = join(m->dir, i == 0 ? "/new/" : "/cur/", buf_str(&name));
		if (access(path, F_OK) == 0)
			there = is_same(m->file, path) ? THERE_SAME : THERE_OTHER;
		free(path);
		buf_deinit(&name);
	}
	return there;
}

enum status maildir_written(struct maildir_message *m, struct err *err)
{
	if (m->cr_held)
		putc('\r', m->file);
	m->cr_held = false;
	if (fflush(m->file) != 0 || ferror(m->file))
		return err_set(err, ST_IO, "write %s/tmp/%s: %s", m->dir, m->name, strerror(errno));
	(void)sync_file_range(fileno(m->file), 0, 0, SYNC_FILE_RANGE_WRITE); /* only sooner */
	return ST_OK;
}

/* The name may be that of another message, whose UIDL the server gave anew. */
static enum status name_it(const struct maildir_message *m, struct err *err)
{
	char *from = join(m->dir, "/tmp/", str_c(m->name)), *to;
	enum status status = ST_OK;
	struct buf unique = { 0 };
	enum there there;
	int next = 1;

	buf_put(&unique, str_c(m->name));
	while ((there = is_there(m, buf_str(&unique))) == THERE_OTHER) {
		buf_clear(&unique);
		buf_printf(&unique, "%s-%d", m->name, next++);
	}
	to = join(m->dir, "/new/", buf_str(&unique));
	if (there == THERE_NOT && rename(from, to) != 0)
		status = err_set(err, ST_IO, "rename %s: %s", from, strerror(errno));
	free(from);
	free(to);
	buf_deinit(&unique);
	return status;
}

enum status maildir_commit(struct maildir_message *m, size_t count, struct err *err)
{
	char *directory = count == 0 ? NULL : join(m[0].dir, "/new", STR(""));
	enum status status = ST_OK;

	for (size_t i = 0; i < count && status == ST_OK; i++)
		if (fsync(fileno(m[i].file)) != 0)
			status = err_set(err, ST_IO, "sync %s/tmp/%s: %s", m[i].dir, m[i].name,
				strerror(errno));
	for (size_t i = 0; i < count && status == ST_OK; i++)
		status = name_it(&m[i], err);
	if (count > 0 && status == ST_OK)
		status = sync_dir(directory, err);
	free(directory);
	return status;
}

void maildir_end(struct maildir_message *m)
{
	if (m->file != NULL) {
		char *path = join(m->dir, "/tmp/", str_c(m->name));

		fclose(m->file);
		unlink(path);
		free(path);
	}
	free(m->dir);
	free(m->name);
	*m = (struct maildir_message){ NULL };
}
