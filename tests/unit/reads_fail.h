/* reads_fail.h -- one read of SQLite's files fails: each database that is opened after reads_fail_begin(). */
#ifndef RESTANTE_TESTS_READS_FAIL_H
#define RESTANTE_TESTS_READS_FAIL_H

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

static sqlite3_io_methods reads_methods[2]; /* of the database, and of its log */
static int (*reads_real)(sqlite3_file *, void *, int, sqlite3_int64);
static sqlite3_vfs reads_vfs, *reads_real_vfs;
static int reads_left = -1; /* before the one that fails; -1: none does */

static int reads_on_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	if (reads_left >= 0 && reads_left-- == 0)
		return SQLITE_IOERR_READ;
	return reads_real(f, to, n, at);
}

static int reads_on_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	int rc = reads_real_vfs->xOpen(reads_real_vfs, name, f, flags, out);
	sqlite3_io_methods *own = &reads_methods[(flags & SQLITE_OPEN_WAL) != 0];

	(void)v;
	if (rc != SQLITE_OK || (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0)
		return rc;
	*own = *f->pMethods;
	reads_real = own->xRead; /* the same of both */
	own->xRead = reads_on_read;
	f->pMethods = own;
	return rc;
}

static inline int reads_fail_begin(void **state)
{
	(void)state;
	sqlite3_initialize();
	reads_real_vfs = sqlite3_vfs_find(NULL);
	reads_vfs = *reads_real_vfs;
	reads_vfs.zName = "reads-fail";
	reads_vfs.xOpen = reads_on_open;
	return sqlite3_vfs_register(&reads_vfs, 1);
}

static inline void reads_fail_copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	char room[4096];
	ssize_t n;

	while ((n = read(in, room, sizeof room)) > 0)
		assert_int_equal(write(out, room, (size_t)n), n);
	close(in);
	close(out);
}

#endif
