/* The heap, mappings and databases of each process, so that one that is killed leaves nothing behind.
 * Memory of shared libraries is theirs, and is not counted. */
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "calls.h"
#include "sim.h"

struct block {
	void *p; /* NULL: free */
	struct sim_proc *owner;
};

struct mapping {
	void *at;
	size_t n;
	struct sim_proc *owner;
};

enum { OPEN_MOST = 256 };

static struct block *table;
static size_t room, used;
static struct sim_proc *owner;
static struct mapping mappings[OPEN_MOST];
static struct {
	sqlite3 *db;
	struct sim_proc *owner;
} databases[OPEN_MOST];

struct sim_proc *memory_world(void)
{
	struct sim_proc *was = owner;

	owner = NULL;
	return was;
}

void memory_owner(struct sim_proc *p)
{
	owner = p;
}

static size_t home(const void *p)
{
	return (size_t)(((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15u >> 20) & (room - 1);
}

static void put(void *p, struct sim_proc *of)
{
	size_t i = home(p);

	while (table[i].p != NULL && table[i].p != p)
		i = (i + 1) & (room - 1);
	if (table[i].p == NULL)
		used++;
	else
		table[i].owner->blocks--; /* a library gave it back */
	table[i] = (struct block){ p, of };
	of->blocks++;
}

static void grow(void)
{
	struct block *old = table;
	size_t n = room;

	room = room == 0 ? 1 << 14 : room * 2;
	table = __real_calloc(room, sizeof *table);
	if (table == NULL)
		abort();
	used = 0;
	for (size_t i = 0; i < n; i++)
		if (old[i].p != NULL) {
			old[i].owner->blocks--;
			put(old[i].p, old[i].owner);
		}
	__real_free(old);
}

static void *note(void *p)
{
	if (p == NULL || owner == NULL)
		return p;
	if (used * 2 >= room)
		grow();
	put(p, owner);
	return p;
}

/* NULL: nobody's. */
static struct sim_proc *forget(const void *p)
{
	struct sim_proc *was;
	size_t i, j;

	if (room == 0 || p == NULL)
		return NULL;
	for (i = home(p); table[i].p != p; i = (i + 1) & (room - 1))
		if (table[i].p == NULL)
			return NULL;
	was = table[i].owner;
	was->blocks--;
	used--;
	for (j = (i + 1) & (room - 1); table[j].p != NULL; j = (j + 1) & (room - 1))
		if (((j - home(table[j].p)) & (room - 1)) >= ((j - i) & (room - 1))) {
			table[i] = table[j];
			i = j;
		}
	table[i].p = NULL;
	return was;
}

void *__wrap_malloc(size_t n)
{
	return note(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return note(__real_calloc(n, size));
}

void *__wrap_realloc(void *old, size_t n)
{
	struct sim_proc *was = forget(old), *now = owner;
	void *p = __real_realloc(old, n);

	/* What the world began stays the world's, and a process's its own. */
	owner = old == NULL ? now : was;
	note(p);
	owner = now;
	return p;
}

void __wrap_free(void *p)
{
	forget(p);
	__real_free(p);
}

char *__wrap_strdup(const char *s)
{
	return note(__real_strdup(s));
}

char *__wrap_strndup(const char *s, size_t n)
{
	return note(__real_strndup(s, n));
}

int __wrap_vasprintf(char **to, const char *format, va_list ap)
{
	int n = __real_vasprintf(to, format, ap);

	if (n >= 0)
		note(*to);
	return n;
}

int __wrap_asprintf(char **to, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = __wrap_vasprintf(to, format, ap);
	va_end(ap);
	return n;
}

int __wrap___vasprintf_chk(char **to, int flag, const char *format, va_list ap)
{
	(void)flag;
	return __wrap_vasprintf(to, format, ap);
}

int __wrap___asprintf_chk(char **to, int flag, const char *format, ...)
{
	va_list ap;
	int n;

	(void)flag;
	va_start(ap, format);
	n = __wrap_vasprintf(to, format, ap);
	va_end(ap);
	return n;
}

/* ---- mappings ---- */

void *__wrap_mmap64(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	void *p = __real_mmap64(at, n, protection, flags, fd, offset);

	for (size_t i = 0; p != MAP_FAILED && i < OPEN_MOST; i++)
		if (mappings[i].at == NULL) {
			mappings[i] = (struct mapping){ p, n, owner };
			break;
		}
	return p;
}

int __wrap_munmap(void *at, size_t n)
{
	for (size_t i = 0; i < OPEN_MOST; i++)
		if (mappings[i].at == at)
			mappings[i].at = NULL;
	return __real_munmap(at, n);
}

void memory_unmap(void *at)
{
	for (size_t i = 0; i < OPEN_MOST; i++)
		if (mappings[i].at == at) {
			mappings[i].at = NULL;
			__real_munmap(at, mappings[i].n);
		}
}

/* ---- databases ---- */

int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs)
{
	int code = __real_sqlite3_open_v2(path, db, flags, vfs);

	for (size_t i = 0; *db != NULL && owner != NULL && i < OPEN_MOST; i++)
		if (databases[i].db == NULL) {
			databases[i].db = *db;
			databases[i].owner = owner;
			break;
		}
	return code;
}

static void forget_database(const sqlite3 *db)
{
	for (size_t i = 0; db != NULL && i < OPEN_MOST; i++)
		if (databases[i].db == db)
			databases[i].db = NULL;
}

int __wrap_sqlite3_close(sqlite3 *db)
{
	forget_database(db);
	return __real_sqlite3_close(db);
}

int __wrap_sqlite3_close_v2(sqlite3 *db)
{
	forget_database(db);
	return __real_sqlite3_close_v2(db);
}

/* What was not committed is rolled back, as the next one to open it would do. */
static void drop_database(sqlite3 *db)
{
	sqlite3_stmt *s;

	while ((s = sqlite3_next_stmt(db, NULL)) != NULL)
		sqlite3_finalize(s);
	__real_sqlite3_close_v2(db);
}

void memory_reap(struct sim_proc *p)
{
	void **blocks;
	size_t n = 0;

	for (size_t i = 0; i < OPEN_MOST; i++) {
		if (databases[i].db != NULL && databases[i].owner == p) {
			drop_database(databases[i].db);
			databases[i].db = NULL;
		}
		if (mappings[i].at != NULL && mappings[i].owner == p) {
			__real_munmap(mappings[i].at, mappings[i].n);
			mappings[i].at = NULL;
		}
	}
	blocks = __real_malloc((p->blocks + 1) * sizeof *blocks);
	for (size_t i = 0; i < room; i++)
		if (table[i].p != NULL && table[i].owner == p)
			blocks[n++] = table[i].p;
	for (size_t i = 0; i < n; i++) {
		forget(blocks[i]);
		__real_free(blocks[i]);
	}
	__real_free(blocks);
}
