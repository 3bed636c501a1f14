/* The files of SQLite, of the default file system but for this: while the disk of a machine is in trouble, reads, writes,
 * syncs and openings of its index and its accounts fail too, and what was read is read again. */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "sim.h"

struct file {
	sqlite3_file base;
	bool fails;         /* it is an index or accounts, or what belongs to them */
	sqlite3_file *real; /* behind this */
};

static sqlite3_vfs vfs, *real_vfs;

static struct file *of(sqlite3_file *f)
{
	return (struct file *)(void *)f;
}

static bool full(struct file *f, enum sim_disk_call call, int *error)
{
	int rc = f->fails ? sim_disk_fault(call) : 0;

	*error = rc;
	return rc == -ENOSPC;
}

static int on_close(sqlite3_file *f)
{
	return of(f)->real->pMethods->xClose(of(f)->real);
}

static int on_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	int error;

	(void)full(of(f), SIM_DISK_READ, &error);
	if (error != 0)
		return SQLITE_IOERR_READ;
	return of(f)->real->pMethods->xRead(of(f)->real, to, n, at);
}

/* A write that fails has done half of its work. */
static int on_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	int error;
	bool no_room = full(of(f), SIM_DISK_WRITE, &error);

	if (error == 0)
		return of(f)->real->pMethods->xWrite(of(f)->real, from, n, at);
	(void)of(f)->real->pMethods->xWrite(of(f)->real, from, n / 2, at);
	return no_room ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	int error;

	(void)full(of(f), SIM_DISK_CUT, &error);
	return error != 0 ? SQLITE_IOERR_TRUNCATE
			  : of(f)->real->pMethods->xTruncate(of(f)->real, n);
}

static int on_sync(sqlite3_file *f, int flags)
{
	int error;

	(void)full(of(f), SIM_DISK_SYNC, &error);
	return error != 0 ? SQLITE_IOERR_FSYNC : of(f)->real->pMethods->xSync(of(f)->real, flags);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return of(f)->real->pMethods->xFileSize(of(f)->real, n);
}

static int on_lock(sqlite3_file *f, int level)
{
	return of(f)->real->pMethods->xLock(of(f)->real, level);
}

static int on_unlock(sqlite3_file *f, int level)
{
	return of(f)->real->pMethods->xUnlock(of(f)->real, level);
}

static int on_reserved(sqlite3_file *f, int *is)
{
	return of(f)->real->pMethods->xCheckReservedLock(of(f)->real, is);
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
	return of(f)->real->pMethods->xFileControl(of(f)->real, op, arg);
}

static int on_sector(sqlite3_file *f)
{
	return of(f)->real->pMethods->xSectorSize(of(f)->real);
}

static int on_traits(sqlite3_file *f)
{
	return of(f)->real->pMethods->xDeviceCharacteristics(of(f)->real);
}

static int on_shm_map(sqlite3_file *f, int page, int n, int extend, void volatile **to)
{
	return of(f)->real->pMethods->xShmMap(of(f)->real, page, n, extend, to);
}

static int on_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return of(f)->real->pMethods->xShmLock(of(f)->real, at, n, flags);
}

static void on_shm_barrier(sqlite3_file *f)
{
	of(f)->real->pMethods->xShmBarrier(of(f)->real);
}

static int on_shm_unmap(sqlite3_file *f, int remove)
{
	return of(f)->real->pMethods->xShmUnmap(of(f)->real, remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_reserved,
	.xFileControl = on_control,
	.xSectorSize = on_sector,
	.xDeviceCharacteristics = on_traits,
	.xShmMap = on_shm_map,
	.xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier,
	.xShmUnmap = on_shm_unmap,
};

static bool is_ours(const char *name)
{
	const char *base = name == NULL ? NULL : strrchr(name, '/');

	return base != NULL && (str_starts(str_c(base), STR("/index.sqlite")) ||
				       str_starts(str_c(base), STR("/accounts.db")));
}

static int on_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct file *file = of(f);
	int error;

	(void)v;
	*file = (struct file){ .fails = is_ours(name), .real = (sqlite3_file *)(void *)(file + 1) };
	(void)full(file, SIM_DISK_OPEN, &error);
	error = error != 0 ? SQLITE_CANTOPEN
			   : real_vfs->xOpen(real_vfs, name, file->real, flags, out);
	if (error == SQLITE_OK)
		file->base.pMethods = &methods;
	return error;
}

static int seeded(sqlite3_vfs *v, int n, char *to)
{
	(void)v;
	random_bytes(to, (size_t)n);
	return n;
}

/* A few accounts would be read once and never again. */
static sqlite3_pcache_methods2 cache, real_cache;

static void on_unpin(sqlite3_pcache *c, sqlite3_pcache_page *page, int discard)
{
	real_cache.xUnpin(c, page, discard || sim_disk_in_trouble());
}

void sim_databases(void)
{
	if (real_vfs == NULL) {
		if (sqlite3_shutdown() != SQLITE_OK ||
			sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &real_cache) != SQLITE_OK)
			abort();
		cache = real_cache;
		cache.xUnpin = on_unpin;
		if (sqlite3_config(SQLITE_CONFIG_PCACHE2, &cache) != SQLITE_OK)
			abort();
		sqlite3_initialize();
		real_vfs = sqlite3_vfs_find(NULL);
		vfs = *real_vfs;
		vfs.zName = "sim";
		vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
		vfs.xOpen = on_open;
		vfs.xRandomness = seeded;
		sqlite3_vfs_register(&vfs, 1);
	}
	/* SQLite asks for a seed of its own random numbers again. */
	sqlite3_randomness(0, NULL);
}
