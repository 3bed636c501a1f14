/* disk.h -- all disk access of the store, so that a test can run it on a disk that loses, tears and
 * reorders what was not synced.
 *
 * Calls return 0 or a negative errno, reads and opens the count or handle.  Handles are small
 * non-negative integers of this disk (the real disk: file descriptors).  disk_commit is the one
 * asynchronous call: what is slow by nature. */
#ifndef RESTANTE_STORE_DISK_H
#define RESTANTE_STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct disk;

/* Group commit in one piece, in this order: fdatasync the file of each link, give it its name
 * (a file of that name is replaced: nothing that was promised has it), fsync each of dirs[], write
 * iov at offset of `file`, fdatasync `file`.  Stops at the first failure; result is 0 or a negative
 * errno.  When `wrote` is set the write had begun: what is on disk is then unknown.  done() is
 * called from poll(), or before commit() returns. */
struct disk_link {
	int file;         /* an unnamed file of unnamed() */
	const char *name; /* path, owned by the caller until done */
};
struct disk_commit {
	void (*done)(struct disk_commit *c);
	int file;
	const struct iovec *iov;
	int iovcnt;
	uint64_t offset;
	const struct disk_link *links;
	size_t nlinks;
	const int *dirs; /* handles of the directories of the names */
	size_t ndirs;
	int result;
	bool wrote;
	void *impl[8]; /* the disk's */
};

struct disk_ops {
	/* read-write; never follows a link */
	int (*open)(struct disk *d, const char *path, bool create);
	int (*open_dir)(struct disk *d, const char *path, bool create); /* 0700 */
	/* a file without a name, on the device of dir */
	int (*unnamed)(struct disk *d, const char *dir);
	int (*close)(struct disk *d, int file);
	int64_t (*read)(struct disk *d, int file, void *to, size_t n, uint64_t offset);
	int64_t (*write)(
		struct disk *d, int file, const struct iovec *iov, int iovcnt, uint64_t offset);
	int (*allocate)(struct disk *d, int file, uint64_t octets);
	int64_t (*size)(struct disk *d, int file);
	int (*sync)(struct disk *d, int file); /* file or directory */
	int (*truncate)(struct disk *d, int file, uint64_t octets);
	int (*rename)(struct disk *d, const char *from, const char *to);
	/* a second name; -EXDEV: on another file system */
	int (*hardlink)(struct disk *d, const char *from, const char *to);
	int (*unlink)(struct disk *d, const char *path);
	/* names an unnamed file, replacing what has that name */
	int (*link)(struct disk *d, int file, const char *path);
	/* Calls each(arg, name) for every entry; names only, no order. */
	int (*list)(struct disk *d, const char *dir, void (*each)(void *arg, const char *name),
		void *arg);
	int (*commit)(struct disk *d, struct disk_commit *c);
	int (*fd)(struct disk *d); /* readable when poll has something to do; -1 when never */
	void (*poll)(struct disk *d);
	void (*wait)(struct disk *d); /* blocks until a commit is done, then polls */
	void (*free)(struct disk *d);
};

struct disk {
	const struct disk_ops *ops;
};

/* The steps of a commit over the other calls; for implementations of commit. */
void disk_commit_run(struct disk *d, struct disk_commit *c);

/* Opens what disk_real() needs from outside a chroot: call it before.  disk_real() calls it too. */
void disk_real_prepare(void);
struct disk *disk_real(void); /* with one committer thread */

#endif
