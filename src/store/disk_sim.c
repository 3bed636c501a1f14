#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/disk_sim.h"
#include "store/disk_sim_files.h"

enum { MAX_HANDLES = 4096 };

struct sim {
	struct disk disk;
	struct files files;
	struct node *handle[MAX_HANDLES];
	char *handle_path[MAX_HANDLES]; /* of directories */
	struct fault {
		unsigned k;
		int error;
		bool forever;
	} fault[SIM_CALLS];
	unsigned die_after;
	bool mortal, dead, at_once;
	struct disk_commit *queued[64];
	size_t nqueued;
};

static struct sim *sim_of(const struct disk *d)
{
	return (struct sim *)(uintptr_t)d;
}

/* ---- faults ---- */

static int fault(struct sim *s, enum disk_sim_call call)
{
	struct fault *f = &s->fault[call];

	if (s->dead)
		return -EIO;
	if (f->k == 0 || (f->k > 1 && f->k-- > 1))
		return 0;
	if (!f->forever)
		f->k = 0;
	return f->error;
}

/* One changing call; false: the disk is dead, now or since. */
static bool step(struct sim *s)
{
	if (!s->dead && s->mortal && s->die_after-- == 0)
		s->dead = true;
	return !s->dead;
}

/* ---- the calls ---- */

static int new_handle(struct sim *s, struct node *node, const char *path)
{
	for (int i = 0; i < MAX_HANDLES; i++)
		if (s->handle[i] == NULL) {
			s->handle[i] = node;
			s->handle_path[i] = path != NULL ? str_dup_c(str_c(path)) : NULL;
			node->handles++;
			return i;
		}
	node_drop(&s->files, node);
	return -EMFILE;
}

static int open_any(struct disk *d, const char *path, bool create, bool dir)
{
	struct sim *s = sim_of(d);
	struct name *name;
	int rc = fault(s, SIM_OPEN);

	if (rc != 0)
		return rc;
	name = names_find(&s->files.now, path);
	if (name == NULL) {
		if (!create)
			return -ENOENT;
		if (!step(s))
			return -EIO;
		files_set(&s->files, path, node_new(dir));
		name = names_find(&s->files.now, path);
	}
	if (name->node->dir != dir)
		return dir ? -ENOTDIR : -EISDIR;
	return new_handle(s, name->node, path);
}

static int sim_open(struct disk *d, const char *path, bool create)
{
	return open_any(d, path, create, false);
}

static int sim_open_dir(struct disk *d, const char *path, bool create)
{
	return open_any(d, path, create, true);
}

static int sim_unnamed(struct disk *d, const char *dir)
{
	struct sim *s = sim_of(d);
	int rc = fault(s, SIM_OPEN);

	if (rc != 0)
		return rc;
	if (names_find(&s->files.now, dir) == NULL)
		return -ENOENT;
	return new_handle(s, node_new(false), NULL);
}

static int sim_close(struct disk *d, int file)
{
	struct sim *s = sim_of(d);
	struct node *node = s->handle[file];

	if (node == NULL)
		abort(); /* closed twice */
	free(s->handle_path[file]);
	s->handle_path[file] = NULL;
	s->handle[file] = NULL;
	node->handles--;
	node_drop(&s->files, node);
	return 0;
}

static int64_t sim_read(struct disk *d, int file, void *to, size_t n, uint64_t offset)
{
	struct sim *s = sim_of(d);
	struct str all = buf_str(&s->handle[file]->now), part;
	int rc = fault(s, SIM_READ);

	if (rc != 0)
		return rc;
	part = str_head(str_from(all, offset > SIZE_MAX ? SIZE_MAX : (size_t)offset), n);
	memcpy(to, part.p, part.n);
	return (int64_t)part.n;
}

static int64_t sim_write(
	struct disk *d, int file, const struct iovec *iov, int iovcnt, uint64_t offset)
{
	struct sim *s = sim_of(d);
	int rc = fault(s, SIM_WRITE);
	bool alive = step(s);
	struct buf all;
	int64_t n;

	buf_init(&all, 0);
	for (int i = 0; i < iovcnt; i++)
		buf_put(&all, str_of(iov[i].iov_base, iov[i].iov_len));
	n = node_write(&s->files, s->handle[file], offset,
		str_head(buf_str(&all), rc != 0 ? all.len / 2 : all.len));
	buf_deinit(&all);
	if (!alive)
		return -EIO;
	return rc != 0 ? rc : n;
}

static int sim_allocate(struct disk *d, int file, uint64_t octets)
{
	struct sim *s = sim_of(d);
	int rc = fault(s, SIM_ALLOCATE);

	if (rc != 0)
		return rc;
	if (!step(s))
		return -EIO;
	return octets > s->handle[file]->now.len ? node_resize(&s->files, s->handle[file], octets)
						 : 0;
}

static int sim_truncate(struct disk *d, int file, uint64_t octets)
{
	struct sim *s = sim_of(d);

	if (!step(s))
		return -EIO;
	return node_resize(&s->files, s->handle[file], octets);
}

static int64_t sim_size(struct disk *d, int file)
{
	return (int64_t)sim_of(d)->handle[file]->now.len;
}

static int sim_sync(struct disk *d, int file)
{
	struct sim *s = sim_of(d);
	struct node *node = s->handle[file];
	int rc = fault(s, SIM_SYNC);

	if (rc != 0) {
		node_sync_failed(node);
		return rc;
	}
	if (!step(s))
		return -EIO;
	if (node->dir)
		files_sync_dir(&s->files, s->handle_path[file]);
	else
		node_sync(node);
	return 0;
}

static int sim_rename(struct disk *d, const char *from, const char *to)
{
	struct sim *s = sim_of(d);
	struct name *name;

	if (!step(s))
		return -EIO;
	name = names_find(&s->files.now, from);
	if (name == NULL)
		return -ENOENT;
	files_set(&s->files, to, name->node);
	files_set(&s->files, from, NULL);
	return 0;
}

static int sim_hardlink(struct disk *d, const char *from, const char *to)
{
	struct sim *s = sim_of(d);
	struct name *name = names_find(&s->files.now, from);
	int rc = fault(s, SIM_LINK);

	if (rc != 0)
		return rc;
	if (!step(s))
		return -EIO;
	if (name == NULL || names_find(&s->files.now, to) != NULL)
		return name == NULL ? -ENOENT : -EEXIST;
	files_set(&s->files, to, name->node);
	return 0;
}

static int sim_unlink(struct disk *d, const char *path)
{
	struct sim *s = sim_of(d);

	if (!step(s))
		return -EIO;
	if (names_find(&s->files.now, path) == NULL)
		return -ENOENT;
	files_set(&s->files, path, NULL);
	return 0;
}

static int sim_link(struct disk *d, int file, const char *path)
{
	struct sim *s = sim_of(d);
	int rc = fault(s, SIM_LINK);

	if (rc != 0)
		return rc;
	if (!step(s))
		return -EIO;
	files_set(&s->files, path, s->handle[file]);
	return 0;
}

static int sim_list(
	struct disk *d, const char *dir, void (*each)(void *arg, const char *name), void *arg)
{
	struct sim *s = sim_of(d);

	if (s->dead)
		return -EIO;
	for (size_t i = 0; i < s->files.now.n; i++)
		if (str_eq(files_parent(s->files.now.at[i].path), str_c(dir)))
			each(arg, s->files.now.at[i].path + str_c(dir).n + 1);
	return 0;
}

static int sim_commit(struct disk *d, struct disk_commit *c)
{
	struct sim *s = sim_of(d);

	if (s->at_once) {
		disk_commit_run(d, c);
		c->done(c);
		return 0;
	}
	if (s->nqueued == sizeof s->queued / sizeof *s->queued)
		return -EAGAIN;
	s->queued[s->nqueued++] = c;
	return 0;
}

void disk_sim_at_once(struct disk *d)
{
	sim_of(d)->at_once = true;
}

static int sim_fd(struct disk *d)
{
	(void)d;
	return -1;
}

static void sim_poll(struct disk *d)
{
	struct sim *s = sim_of(d);
	size_t n = s->nqueued;

	for (size_t i = 0; i < n; i++) {
		struct disk_commit *c = s->queued[0];

		memmove(s->queued, s->queued + 1, --s->nqueued * sizeof(c));
		disk_commit_run(d, c);
		c->done(c);
	}
}

static void sim_free(struct disk *d)
{
	struct sim *s = sim_of(d);

	for (int i = 0; i < MAX_HANDLES; i++)
		if (s->handle[i] != NULL)
			(void)sim_close(d, i);
	files_free(&s->files);
	free(s);
}

static const struct disk_ops sim_ops = {
	.open = sim_open,
	.open_dir = sim_open_dir,
	.unnamed = sim_unnamed,
	.close = sim_close,
	.read = sim_read,
	.write = sim_write,
	.allocate = sim_allocate,
	.size = sim_size,
	.sync = sim_sync,
	.truncate = sim_truncate,
	.rename = sim_rename,
	.hardlink = sim_hardlink,
	.unlink = sim_unlink,
	.link = sim_link,
	.list = sim_list,
	.commit = sim_commit,
	.fd = sim_fd,
	.poll = sim_poll,
	.wait = sim_poll,
	.free = sim_free,
};

struct disk *disk_sim_new(const char *root)
{
	struct sim *s = NEW(struct sim);

	s->disk.ops = &sim_ops;
	files_init(&s->files, root);
	return &s->disk;
}

/* ---- what a test does to it ---- */

void disk_sim_fail(struct disk *d, enum disk_sim_call call, unsigned k, int error, bool forever)
{
	sim_of(d)->fault[call] = (struct fault){ k, error, forever };
}

void disk_sim_capacity(struct disk *d, uint64_t octets)
{
	sim_of(d)->files.capacity = octets < sim_of(d)->files.used ? sim_of(d)->files.used : octets;
}

uint64_t disk_sim_used(const struct disk *d)
{
	return sim_of(d)->files.used;
}

void disk_sim_die_after(struct disk *d, unsigned steps)
{
	sim_of(d)->mortal = true;
	sim_of(d)->die_after = steps;
}

bool disk_sim_dead(const struct disk *d)
{
	return sim_of(d)->dead;
}

static void revive(struct sim *s)
{
	s->dead = s->mortal = false;
	memset(s->fault, 0, sizeof s->fault);
}

void disk_sim_killed(struct disk *d)
{
	revive(sim_of(d));
}

void disk_sim_power_cut(struct disk *d, uint64_t seed)
{
	files_power_cut(&sim_of(d)->files, seed);
	revive(sim_of(d));
}

void disk_sim_damage(struct disk *d, const char *path, uint64_t at, size_t n)
{
	struct name *name = names_find(&sim_of(d)->files.now, path);

	for (size_t i = 0; name != NULL && i < n && at + i < name->node->now.len; i++) {
		name->node->now.data[name->node->now.head + at + i] ^= 0x55;
		if (at + i < name->node->durable.len)
			name->node->durable.data[name->node->durable.head + at + i] ^= 0x55;
	}
}
