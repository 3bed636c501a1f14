#include "cmd/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "mime/mbox.h"

static char *join(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		abort();
	return path;
}

static enum status failed(struct err *err, const char *what, const char *path)
{
	enum status code = errno == EEXIST || errno == ENOTEMPTY ? ST_EXISTS
			   : errno == EACCES || errno == EPERM   ? ST_PERM
								 : ST_IO;

	return err_set(err, code, "%s %s: %s", what, path, strerror(errno));
}

static enum status sync_dir(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum status status = ST_OK;

	if (fd < 0 || fsync(fd) != 0)
		status = failed(err, "sync", path);
	if (fd >= 0)
		close(fd);
	return status;
}

static FILE *create(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file == NULL)
		failed(err, "make", path);
	return file;
}

/* Written, on disk and closed. */
static enum status close_synced(FILE **file, const char *path, struct err *err)
{
	bool good = fflush(*file) == 0 && !ferror(*file) && fsync(fileno(*file)) == 0;
	enum status status = good ? ST_OK : failed(err, "write", path);

	if (fclose(*file) != 0 && good)
		status = failed(err, "write", path);
	*file = NULL;
	return status;
}

static enum status begin_maildir(struct export *x, uint64_t messages, struct err *err)
{
	static const char *const names[] = { "tmp", "new", "cur" };
	char *list = join(x->part, "dovecot-uidlist");
	enum status status = ST_OK;

	if (mkdir(x->part, 0700) != 0)
		status = failed(err, "make", x->part);
	for (size_t i = 0; i < 3 && status == ST_OK; i++) {
		char *dir = join(x->part, names[i]);

		if (mkdir(dir, 0700) != 0)
			status = failed(err, "make", dir);
		free(dir);
	}
	if (status == ST_OK)
		x->list = create(list, err);
	if (x->list != NULL)
		fprintf(x->list, "3 V%lld N%llu\n", (long long)(clock_wall_ms() / 1000),
			(unsigned long long)(messages + 1));
	free(list);
	return x->list != NULL ? ST_OK : err->code;
}

enum status export_begin(
	struct export *x, const char *path, bool maildir, uint64_t messages, struct err *err)
{
	struct str name = str_c(path);

	*x = (struct export){ .maildir = maildir };
	while (name.n > 1 && name.p[name.n - 1] == '/')
		name.n--;
	x->path = str_dup_c(name);
	if (asprintf(&x->part, "%s.part", x->path) < 0)
		abort();
	if (access(x->path, F_OK) == 0 && !(maildir && rmdir(x->path) == 0))
		return err_set(err, ST_EXISTS, "%s exists: nothing is written over", x->path);
	if (maildir)
		return begin_maildir(x, messages, err);
	x->file = create(x->part, err);
	return x->file != NULL ? ST_OK : err->code;
}

enum status export_message(
	struct export *x, struct str sender, int64_t received_ms, struct str id, struct err *err)
{
	struct buf line;
	char *tmp;

	x->written = 0;
	x->cr_held = x->inside_line = false;
	x->quotes = x->matched = 0;
	if (!x->maildir) {
		x->start = ftell(x->file);
		buf_init(&line, 0);
		mbox_separator_put(&line, sender, received_ms);
		buf_putc(&line, '\n');
		fwrite(buf_str(&line).p, 1, line.len, x->file);
		buf_deinit(&line);
		return ST_OK;
	}
	tmp = join(x->part, "tmp");
	if (asprintf(&x->now, "%s/%.*s", tmp, STR_ARG(id)) < 0)
		abort();
	free(tmp);
	x->file = create(x->now, err);
	return x->file != NULL ? ST_OK : err->code;
}

static void put(struct export *x, struct str s)
{
	x->written += fwrite(s.p, 1, s.n, x->file);
}

/* The start of a line turned out to be, or not to be, one that mboxrd quotes once more. */
static void put_start(struct export *x, bool quote)
{
	static const char from[] = "From ";

	if (quote)
		put(x, STR(">"));
	for (size_t i = 0; i < x->quotes; i++)
		put(x, STR(">"));
	put(x, str_of(from, x->matched));
	x->quotes = x->matched = 0;
	x->inside_line = true;
}

static void put_octet(struct export *x, char c)
{
	static const char from[] = "From ";

	if (!x->maildir && !x->inside_line) {
		if (c == '>' && x->matched == 0) {
			x->quotes++;
			return;
		}
		if (c == from[x->matched]) {
			if (++x->matched == sizeof from - 1)
				put_start(x, true);
			return;
		}
		put_start(x, false);
	}
	put(x, str_of(&c, 1));
	x->inside_line = c != '\n';
}

/* Octet by octet only at the starts of lines and at CRs. */
void export_octets(struct export *x, struct str s)
{
	while (s.n > 0) {
		struct str plain = str_head(s, str_find(s, '\r'));

		plain = str_head(plain, str_find(plain, '\n'));
		if (x->cr_held && s.p[0] != '\n')
			put_octet(x, '\r');
		x->cr_held = false;
		if (plain.n > 0 && (x->maildir || x->inside_line)) {
			put(x, plain);
			x->inside_line = true;
			s = str_from(s, plain.n);
			continue;
		}
		if (s.p[0] == '\r')
			x->cr_held = true;
		else
			put_octet(x, s.p[0]);
		s = str_from(s, 1);
	}
}

static enum status name_message(
	struct export *x, struct str id, struct str uidl, int64_t received_ms, struct err *err)
{
	struct timespec times[2] = { { .tv_sec = received_ms / 1000,
					     .tv_nsec = received_ms % 1000 * 1000000 },
		{ .tv_sec = received_ms / 1000, .tv_nsec = received_ms % 1000 * 1000000 } };
	enum status status = ST_OK;
	char *name, *path;

	if (asprintf(&name, "%lld.R%.*s.restante,S=%llu", (long long)(received_ms / 1000),
		    STR_ARG(id), (unsigned long long)x->written) < 0 ||
		asprintf(&path, "%s/new/%s", x->part, name) < 0)
		abort();
	fprintf(x->list, "%llu P%.*s :%s\n", (unsigned long long)++x->uid, STR_ARG(uidl), name);
	if (utimensat(AT_FDCWD, x->now, times, 0) != 0 || rename(x->now, path) != 0)
		status = failed(err, "make", path);
	free(name);
	free(path);
	free(x->now);
	x->now = NULL;
	return status;
}

enum status export_message_end(
	struct export *x, struct str id, struct str uidl, int64_t received_ms, struct err *err)
{
	if (x->cr_held)
		put_octet(x, '\r');
	if (!x->maildir) {
		if (x->quotes + x->matched > 0)
			put_start(x, false);
		put(x, x->inside_line ? STR("\n\n") : STR("\n"));
		return ferror(x->file) ? failed(err, "write", x->part) : ST_OK;
	}
	if (close_synced(&x->file, x->now, err) != ST_OK)
		return err->code;
	return name_message(x, id, uidl, received_ms, err);
}

enum status export_message_drop(struct export *x, struct err *err)
{
	enum status status = ST_OK;

	if (!x->maildir) {
		if (x->start < 0 || fflush(x->file) != 0 ||
			ftruncate(fileno(x->file), x->start) != 0 ||
			fseek(x->file, x->start, SEEK_SET) != 0)
			return failed(err, "write", x->part);
		return ST_OK;
	}
	(void)fclose(x->file);
	x->file = NULL;
	if (unlink(x->now) != 0)
		status = failed(err, "remove", x->now);
	free(x->now);
	x->now = NULL;
	return status;
}

enum status export_finish(struct export *x, struct err *err)
{
	static const char *const names[] = { "tmp", "new", "cur", "." };
	char *slash = strrchr(x->path, '/');
	char *parent = slash == NULL ? str_dup_c(STR("."))
				     : str_dup_c(str_of(x->path,
					       slash == x->path ? 1 : (size_t)(slash - x->path)));
	enum status status = x->maildir ? close_synced(&x->list, "dovecot-uidlist", err)
					: close_synced(&x->file, x->part, err);

	for (size_t i = 0; i < 4 && x->maildir && status == ST_OK; i++) {
		char *dir = join(x->part, names[i]);

		status = sync_dir(dir, err);
		free(dir);
	}
	if (status == ST_OK &&
		renameat2(AT_FDCWD, x->part, AT_FDCWD, x->path, RENAME_NOREPLACE) != 0)
		status = failed(err, "make", x->path);
	if (status == ST_OK)
		status = sync_dir(parent, err);
	free(parent);
	return status;
}

void export_end(struct export *x)
{
	if (x->file != NULL)
		fclose(x->file);
	if (x->list != NULL)
		fclose(x->list);
	free(x->now);
	free(x->path);
	free(x->part);
	*x = (struct export){ .maildir = false };
}
