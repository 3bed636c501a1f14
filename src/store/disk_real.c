/* The disk that is there.  Handles are file descriptors; commits run one after the other on one
 * thread of their own, because two syncs of one journal at a time gain nothing and would let a later
 * batch be durable before an earlier one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/work.h"
#include "store/disk.h"

enum {
	DIRECT_ALIGN = 4096,
	DIRECT_LEAST = 64 * 1024,
	SWIFT_US = 1000,  /* a commit on a disk that need not be waited for elsewhere */
	SLOW_US = 100000, /* as which every disk begins */
	HERE_IOV = 3 * 4, /* what a few small messages need */
};

struct real {
	struct disk disk;
	struct work_pool *committer;
	int64_t usual_us; /* that a commit takes, the last ones most */
	bool here;        /* one is under way on the caller's thread */
};

struct commit_work {
	struct work work;
	struct disk *disk;
	struct disk_commit *commit;
	int64_t took_us;
};

static int real_open(struct disk *d, const char *path, bool create)
{
	int fd;

	(void)d;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
	/* fsck may look at a store it may not change */
	if (fd < 0 && !create && (errno == EACCES || errno == EROFS))
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int real_open_dir(struct disk *d, const char *path, bool create)
{
	int fd;

	(void)d;
	if (create && mkdir(path, 0700) != 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int real_unnamed(struct disk *d, const char *dir)
{
	int fd;

	(void)d;
	/* A large message would push out of the page cache what is read more often, and to copy it there
	 * costs more than all else that is done to it. */
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_DIRECT, 0600);
	if (fd < 0 && errno == EINVAL)
		fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static int real_close(struct disk *d, int file)
{
	(void)d;
	return close(file) != 0 ? -errno : 0;
}

static int64_t real_read(struct disk *d, int file, void *to, size_t n, uint64_t offset)
{
	size_t got = 0;

	(void)d;
	while (got < n) {
		ssize_t r = pread(file, (char *)to + got, n - got, (off_t)(offset + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (int64_t)got;
}

/* Writes what a short write left of one vector; -errno or the octets. */
static int64_t write_rest(int file, const char *p, size_t n, uint64_t offset)
{
	size_t done = 0;

	while (done < n) {
		ssize_t w = pwrite(file, p + done, n - done, (off_t)(offset + done));

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -EIO;
		done += (size_t)w;
	}
	return (int64_t)n;
}

/* Whole pages go past the page cache, from memory where one begins; what is left, such as the end of a file, goes
 * through it, and so does all that is written to this file after it. */
static int64_t write_unnamed(int file, int flags, const struct iovec *iov, uint64_t offset)
{
	const char *p = iov->iov_base;
	size_t pages = iov->iov_len - iov->iov_len % DIRECT_ALIGN;
	int64_t done = 0, rest;

	if (pages >= DIRECT_LEAST && offset % DIRECT_ALIGN == 0 && (uintptr_t)p % DIRECT_ALIGN == 0)
		done = write_rest(file, p, pages, offset);
	if (done == -EINVAL)
		done = 0;
	if (done < 0 || (size_t)done == iov->iov_len)
		return done;
	if (fcntl(file, F_SETFL, flags & ~O_DIRECT) < 0)
		return -errno;
	rest = write_rest(file, p + done, iov->iov_len - (size_t)done, offset + (uint64_t)done);
	return rest < 0 ? rest : done + rest;
}

static int64_t real_write(
	struct disk *d, int file, const struct iovec *iov, int iovcnt, uint64_t offset)
{
	int flags = fcntl(file, F_GETFL);
	uint64_t total = 0;

	(void)d;
	if (flags >= 0 && (flags & O_DIRECT) != 0 && iovcnt == 1)
		return write_unnamed(file, flags, iov, offset);
	for (int i = 0; i < iovcnt;) {
		int now = iovcnt - i < IOV_MAX ? iovcnt - i : IOV_MAX;
		ssize_t w = pwritev(file, iov + i, now, (off_t)(offset + total));
		size_t left;

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		left = (size_t)w;
		total += left;
		for (; now > 0 && left >= iov[i].iov_len; now--)
			left -= iov[i++].iov_len;
		if (now > 0) { /* a short write: the rest of this vector, then on */
			int64_t r = write_rest(file, (const char *)iov[i].iov_base + left,
				iov[i].iov_len - left, offset + total);

			if (r < 0)
				return r;
			total += (uint64_t)r;
			i++;
		}
	}
	return (int64_t)total;
}

static int real_allocate(struct disk *d, int file, uint64_t octets)
{
	(void)d;
	if (fallocate(file, 0, 0, (off_t)octets) == 0)
		return 0;
	/* not every file system can; then a full disk shows at the write */
	if (errno == EOPNOTSUPP && ftruncate(file, (off_t)octets) == 0)
		return 0;
	return -errno;
}

static int64_t real_size(struct disk *d, int file)
{
	struct stat st;

	(void)d;
	return fstat(file, &st) != 0 ? -errno : (int64_t)st.st_size;
}

static int real_sync(struct disk *d, int file)
{
	(void)d;
	return fdatasync(file) != 0 ? -errno : 0;
}

static int real_truncate(struct disk *d, int file, uint64_t octets)
{
	(void)d;
	return ftruncate(file, (off_t)octets) != 0 ? -errno : 0;
}

static int real_rename(struct disk *d, const char *from, const char *to)
{
	(void)d;
	return rename(from, to) != 0 ? -errno : 0;
}

static int real_hardlink(struct disk *d, const char *from, const char *to)
{
	(void)d;
	return link(from, to) != 0 ? -errno : 0;
}

static int real_unlink(struct disk *d, const char *path)
{
	(void)d;
	return unlink(path) != 0 ? -errno : 0;
}

/* /proc/self/fd, kept open over a chroot in which there is no /proc. */
static int self_fds = -1;

void disk_real_prepare(void)
{
	if (self_fds < 0)
		self_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int link_unnamed(int file, const char *path)
{
	char name[16];

	(void)snprintf(name, sizeof name, "%d", file);
	if (linkat(self_fds, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	/* Without /proc the kernel may allow it directly: since 6.10 for who opened the file. */
	if (errno != EEXIST && linkat(file, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0)
		return 0;
	return -errno;
}

static int real_link(struct disk *d, int file, const char *path)
{
	int r = link_unnamed(file, path);

	(void)d;
	if (r != -EEXIST)
		return r;
	return unlink(path) != 0 ? -errno : link_unnamed(file, path);
}

static int real_list(
	struct disk *d, const char *dir, void (*each)(void *arg, const char *name), void *arg)
{
	DIR *dp = opendir(dir);
	struct dirent *e;
	int rc;

	(void)d;
	if (dp == NULL)
		return -errno;
	errno = 0;
	while ((e = readdir(dp)) != NULL)
		if (!str_eq(str_c(e->d_name), STR(".")) && !str_eq(str_c(e->d_name), STR("..")))
			each(arg, e->d_name);
	rc = -errno;
	closedir(dp);
	return rc;
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t run_timed(struct disk *d, struct disk_commit *c)
{
	int64_t since = now_us();

	disk_commit_run(d, c);
	return now_us() - since;
}

static void note(struct real *r, int64_t took_us)
{
	r->usual_us += (took_us - r->usual_us) / 8;
}

static void commit_run(struct work *w)
{
	struct commit_work *cw = (struct commit_work *)w;

	cw->took_us = run_timed(cw->disk, cw->commit);
}

static void commit_done(struct work *w)
{
	struct commit_work *cw = (struct commit_work *)w;
	struct disk_commit *c = cw->commit;

	note((struct real *)cw->disk, cw->took_us);
	free(cw);
	c->done(c);
}

/* To wake a thread, and to be woken by it, costs as much as to write a few messages.  A disk that has been
 * swift is trusted to be so again; when it is not, that is one wait, and the thread has the next ones. */
static void commit_here(struct real *r, struct disk_commit *c)
{
	r->here = true;
	note(r, run_timed(&r->disk, c));
	c->done(c);
	r->here = false;
}

static int real_commit(struct disk *d, struct disk_commit *c)
{
	struct real *r = (struct real *)d;
	struct commit_work *cw;

	if (r->usual_us <= SWIFT_US && !r->here && c->nlinks == 0 && c->iovcnt <= HERE_IOV) {
		commit_here(r, c);
		return 0;
	}
	cw = NEW(struct commit_work);
	cw->work.run = commit_run;
	cw->work.done = commit_done;
	cw->disk = d;
	cw->commit = c;
	if (work_submit(r->committer, &cw->work))
		return 0;
	free(cw);
	return -EAGAIN;
}

static int real_fd(struct disk *d)
{
	return work_fd(((struct real *)d)->committer);
}

static void real_poll(struct disk *d)
{
	work_poll(((struct real *)d)->committer);
}

static void real_wait(struct disk *d)
{
	work_wait(((struct real *)d)->committer);
}

static void real_free(struct disk *d)
{
	struct real *r = (struct real *)d;

	work_pool_free(r->committer);
	free(r);
}

static const struct disk_ops real_ops = {
	.open = real_open,
	.open_dir = real_open_dir,
	.unnamed = real_unnamed,
	.close = real_close,
	.read = real_read,
	.write = real_write,
	.allocate = real_allocate,
	.size = real_size,
	.sync = real_sync,
	.truncate = real_truncate,
	.rename = real_rename,
	.hardlink = real_hardlink,
	.unlink = real_unlink,
	.link = real_link,
	.list = real_list,
	.commit = real_commit,
	.fd = real_fd,
	.poll = real_poll,
	.wait = real_wait,
	.free = real_free,
};

struct disk *disk_real(void)
{
	struct real *r = NEW(struct real);

	disk_real_prepare();
	r->disk.ops = &real_ops;
	r->usual_us = SLOW_US;
	r->committer = work_pool_new(1, 16);
	return &r->disk;
}
