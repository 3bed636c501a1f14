#include <errno.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "store/disk_sim.h"

enum { SECTOR = 512, MAX_HANDLES = 4096 };

struct change { /* of a file, not synced */
	bool resize;
	bool lost;   /* a sync of it failed: never again made durable by one */
	uint64_t at; /* or the new size */
	char *data;
	size_t n;
};

struct node {
	bool dir;
	unsigned handles, names; /* names: current and durable ones and those in unsynced changes */
	struct buf now, durable;
	struct change *changes;
	size_t nchanges;
};

struct name {
	char *path;
	uint32_t hash;     /* of path */
	struct node *node; /* NULL: unlinked (in a list of changes) */
};

struct names {
	struct name *at;
	size_t n;
};

struct sim {
	struct disk disk;
	struct names now, durable, changes;
	struct node *handle[MAX_HANDLES];
	char *handle_path[MAX_HANDLES]; /* of directories */
	struct fault {
		unsigned k;
		int error;
		bool forever;
	} fault[SIM_CALLS];
	uint64_t capacity, used, rng;
	unsigned die_after;
	bool mortal, dead, at_once;
	struct disk_commit *queued[64];
	size_t nqueued;
};

static struct sim *sim_of(const struct disk *d)
{
	return (struct sim *)(uintptr_t)d;
}

static unsigned sim_random(struct sim *s, unsigned below)
{
	s->rng = s->rng * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(s->rng >> 33) % below;
}

/* ---- nodes and names ---- */

static void node_drop(struct sim *s, struct node *node)
{
	if (node->handles > 0 || node->names > 0)
		return;
	s->used -= node->now.len;
	for (size_t i = 0; i < node->nchanges; i++)
		free(node->changes[i].data);
	free(node->changes);
	buf_deinit(&node->now);
	buf_deinit(&node->durable);
	free(node);
}

static struct node *node_new(bool dir)
{
	struct node *node = NEW(struct node);

	node->dir = dir;
	buf_init(&node->now, 0);
	buf_init(&node->durable, 0);
	return node;
}

static struct name *names_find(struct names *l, const char *path)
{
	struct str p = str_c(path);
	uint32_t hash = crc32c(0, p.p, p.n);

	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].hash == hash && str_eq(str_c(l->at[i].path), p))
			return &l->at[i];
	return NULL;
}

static void names_add(struct names *l, const char *path, struct node *node)
{
	struct str p = str_c(path);

	l->at = mem_array(l->at, l->n + 1, sizeof *l->at);
	l->at[l->n++] = (struct name){ str_dup_c(p), crc32c(0, p.p, p.n), node };
	if (node != NULL)
		node->names++;
}

static void names_remove(struct sim *s, struct names *l, size_t i)
{
	struct node *node = l->at[i].node;

	free(l->at[i].path);
	l->at[i] = l->at[--l->n];
	if (node != NULL) {
		node->names--;
		node_drop(s, node);
	}
}

static void names_set(struct sim *s, struct names *l, const char *path, struct node *node)
{
	struct name *old = names_find(l, path);

	if (node != NULL)
		node->names++; /* so that it survives its old name */
	if (old != NULL)
		names_remove(s, l, (size_t)(old - l->at));
	if (node != NULL) {
		names_add(l, path, node);
		node->names--;
	}
}

static void names_clear(struct sim *s, struct names *l)
{
	while (l->n > 0)
		names_remove(s, l, l->n - 1);
}

/* A change of a directory: seen at once, durable when that directory is synced. */
static void set_name(struct sim *s, const char *path, struct node *node)
{
	names_add(&s->changes, path, node);
	names_set(s, &s->now, path, node);
}

static struct str parent_of(const char *path)
{
	struct str p = str_c(path);

	return str_head(p, str_rfind(p, '/'));
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
	node_drop(s, node);
	return -EMFILE;
}

static int open_any(struct disk *d, const char *path, bool create, bool dir)
{
	struct sim *s = sim_of(d);
	struct name *name;
	int rc = fault(s, SIM_OPEN);

	if (rc != 0)
		return rc;
	name = names_find(&s->now, path);
	if (name == NULL) {
		if (!create)
			return -ENOENT;
		if (!step(s))
			return -EIO;
		set_name(s, path, node_new(dir));
		name = names_find(&s->now, path);
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
	if (names_find(&s->now, dir) == NULL)
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
	node_drop(s, node);
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

static void put_at(struct buf *b, uint64_t at, struct str data)
{
	if (b->len < at + data.n)
		buf_fill(b, 0, (size_t)(at + data.n) - b->len);
	if (data.n > 0)
		memcpy(b->data + b->head + at, data.p, data.n);
}

static void set_size(struct buf *b, uint64_t n)
{
	if (n < b->len)
		buf_truncate(b, (size_t)n);
	else
		put_at(b, n, STR(""));
}

static struct change *add_change(struct node *node)
{
	node->changes = mem_array(node->changes, node->nchanges + 1, sizeof *node->changes);
	node->changes[node->nchanges] = (struct change){ 0 };
	return &node->changes[node->nchanges++];
}

static int64_t write_some(struct sim *s, struct node *node, uint64_t at, struct str data)
{
	uint64_t grows = at + data.n > node->now.len ? at + data.n - node->now.len : 0;
	struct change *c;

	if (grows > 0 && s->capacity - s->used < grows)
		return -ENOSPC;
	s->used += grows;
	put_at(&node->now, at, data);
	c = add_change(node);
	c->at = at;
	c->n = data.n;
	c->data = memcpy(mem_alloc(data.n + 1), data.p, data.n);
	return (int64_t)data.n;
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
	n = write_some(s, s->handle[file], offset,
		str_head(buf_str(&all), rc != 0 ? all.len / 2 : all.len));
	buf_deinit(&all);
	if (!alive)
		return -EIO;
	return rc != 0 ? rc : n;
}

static int resize(struct sim *s, struct node *node, uint64_t octets)
{
	struct change *c;

	if (octets > node->now.len && s->capacity - s->used < octets - node->now.len)
		return -ENOSPC;
	s->used = s->used - node->now.len + octets;
	set_size(&node->now, octets);
	c = add_change(node);
	c->resize = true;
	c->at = octets;
	return 0;
}

static int sim_allocate(struct disk *d, int file, uint64_t octets)
{
	struct sim *s = sim_of(d);
	int rc = fault(s, SIM_ALLOCATE);

	if (rc != 0)
		return rc;
	if (!step(s))
		return -EIO;
	return octets > s->handle[file]->now.len ? resize(s, s->handle[file], octets) : 0;
}

static int sim_truncate(struct disk *d, int file, uint64_t octets)
{
	struct sim *s = sim_of(d);

	if (!step(s))
		return -EIO;
	return resize(s, s->handle[file], octets);
}

static int64_t sim_size(struct disk *d, int file)
{
	return (int64_t)sim_of(d)->handle[file]->now.len;
}

/* What a failed sync left behind a new end is gone with it. */
static void cut_lost(struct node *node, uint64_t size)
{
	for (size_t i = 0; i < node->nchanges; i++) {
		struct change *c = &node->changes[i];

		if (c->lost && c->at >= size)
			c->n = 0;
		else if (c->lost && c->n > size - c->at)
			c->n = (size_t)(size - c->at);
	}
}

static void sync_file(struct node *node)
{
	size_t kept = 0;

	for (size_t i = 0; i < node->nchanges; i++) {
		struct change c = node->changes[i];

		if (c.lost) {
			node->changes[kept++] = c;
			continue;
		}
		if (c.resize) {
			set_size(&node->durable, c.at);
			cut_lost(node, c.at);
		} else {
			put_at(&node->durable, c.at, str_of(c.data, c.n));
		}
		free(c.data);
	}
	node->nchanges = kept;
}

static void sync_dir(struct sim *s, const char *path)
{
	for (size_t i = 0; i < s->changes.n;) {
		struct name *c = &s->changes.at[i];

		if (!str_eq(parent_of(c->path), str_c(path))) {
			i++;
			continue;
		}
		names_set(s, &s->durable, c->path, c->node);
		if (c->node != NULL)
			c->node->names--;
		free(c->path);
		memmove(c, c + 1, (s->changes.n - i - 1) * sizeof *c);
		s->changes.n--;
	}
}

static int sim_sync(struct disk *d, int file)
{
	struct sim *s = sim_of(d);
	struct node *node = s->handle[file];
	int rc = fault(s, SIM_SYNC);

	if (rc != 0) {
		for (size_t i = 0; i < node->nchanges; i++)
			node->changes[i].lost |= !node->changes[i].resize;
		return rc;
	}
	if (!step(s))
		return -EIO;
	if (node->dir)
		sync_dir(s, s->handle_path[file]);
	else
		sync_file(node);
	return 0;
}

static int sim_rename(struct disk *d, const char *from, const char *to)
{
	struct sim *s = sim_of(d);
	struct name *name;

	if (!step(s))
		return -EIO;
	name = names_find(&s->now, from);
	if (name == NULL)
		return -ENOENT;
	set_name(s, to, name->node);
	set_name(s, from, NULL);
	return 0;
}

static int sim_hardlink(struct disk *d, const char *from, const char *to)
{
	struct sim *s = sim_of(d);
	struct name *name = names_find(&s->now, from);
	int rc = fault(s, SIM_LINK);

	if (rc != 0)
		return rc;
	if (!step(s))
		return -EIO;
	if (name == NULL || names_find(&s->now, to) != NULL)
		return name == NULL ? -ENOENT : -EEXIST;
	set_name(s, to, name->node);
	return 0;
}

static int sim_unlink(struct disk *d, const char *path)
{
	struct sim *s = sim_of(d);

	if (!step(s))
		return -EIO;
	if (names_find(&s->now, path) == NULL)
		return -ENOENT;
	set_name(s, path, NULL);
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
	set_name(s, path, s->handle[file]);
	return 0;
}

static int sim_list(
	struct disk *d, const char *dir, void (*each)(void *arg, const char *name), void *arg)
{
	struct sim *s = sim_of(d);

	if (s->dead)
		return -EIO;
	for (size_t i = 0; i < s->now.n; i++)
		if (str_eq(parent_of(s->now.at[i].path), str_c(dir)))
			each(arg, s->now.at[i].path + str_c(dir).n + 1);
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
	names_clear(s, &s->changes);
	names_clear(s, &s->durable);
	names_clear(s, &s->now);
	free(s->changes.at);
	free(s->durable.at);
	free(s->now.at);
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
	s->capacity = UINT64_MAX;
	names_add(&s->durable, root, node_new(true));
	names_add(&s->now, root, s->durable.at[0].node);
	return &s->disk;
}

/* ---- what a test does to it ---- */

void disk_sim_fail(struct disk *d, enum disk_sim_call call, unsigned k, int error, bool forever)
{
	sim_of(d)->fault[call] = (struct fault){ k, error, forever };
}

void disk_sim_capacity(struct disk *d, uint64_t octets)
{
	sim_of(d)->capacity = octets < sim_of(d)->used ? sim_of(d)->used : octets;
}

uint64_t disk_sim_used(const struct disk *d)
{
	return sim_of(d)->used;
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

/* Each sector of an unsynced write is kept with the chance of `percent`. */
static void cut_node(struct sim *s, struct node *node, unsigned percent)
{
	for (size_t i = 0; i < node->nchanges; i++) {
		struct change *c = &node->changes[i];

		if (c->resize) {
			if (sim_random(s, 100) < percent)
				set_size(&node->durable, c->at);
		}
		for (size_t done = 0; !c->resize && done < c->n;) {
			size_t n = SECTOR - (size_t)((c->at + done) % SECTOR);

			n = n < c->n - done ? n : c->n - done;
			if (sim_random(s, 100) < percent)
				put_at(&node->durable, c->at + done, str_of(c->data + done, n));
			done += n;
		}
		free(c->data);
	}
	node->nchanges = 0;
	s->used = s->used - node->now.len + node->durable.len;
	set_size(&node->now, 0);
	put_at(&node->now, 0, buf_str(&node->durable));
}

/* What is below a directory that was lost is lost with it. */
static bool has_home(struct sim *s, const char *path)
{
	struct str parent = parent_of(path);
	char *p = str_dup_c(parent);
	bool found = names_find(&s->durable, p) != NULL;

	free(p);
	return found;
}

void disk_sim_power_cut(struct disk *d, uint64_t seed)
{
	static const unsigned chances[] = { 0, 10, 50, 90, 100 };
	struct sim *s = sim_of(d);
	unsigned data, names;

	s->rng = seed;
	(void)sim_random(s, 2);
	data = chances[sim_random(s, 5)];
	names = chances[sim_random(s, 5)];
	for (size_t i = 0; i < s->changes.n; i++)
		if (sim_random(s, 100) < names)
			names_set(s, &s->durable, s->changes.at[i].path, s->changes.at[i].node);
	names_clear(s, &s->changes);
	for (size_t i = 0; i < s->durable.n;)
		if (i == 0 || has_home(s, s->durable.at[i].path)) /* the root */
			i++;
		else
			names_remove(s, &s->durable, i);
	names_clear(s, &s->now);
	for (size_t i = 0; i < s->durable.n; i++) {
		cut_node(s, s->durable.at[i].node, data);
		names_add(&s->now, s->durable.at[i].path, s->durable.at[i].node);
	}
	revive(s);
}

void disk_sim_damage(struct disk *d, const char *path, uint64_t at, size_t n)
{
	struct name *name = names_find(&sim_of(d)->now, path);

	for (size_t i = 0; name != NULL && i < n && at + i < name->node->now.len; i++) {
		name->node->now.data[name->node->now.head + at + i] ^= 0x55;
		if (at + i < name->node->durable.len)
			name->node->durable.data[name->node->durable.head + at + i] ^= 0x55;
	}
}
