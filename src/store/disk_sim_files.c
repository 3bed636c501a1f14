#include <errno.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "store/disk_sim_files.h"

enum { SECTOR = 512 };

/* ---- files ---- */

void node_drop(struct files *f, struct node *node)
{
	if (node->handles > 0 || node->names > 0)
		return;
	f->used -= node->now.len;
	for (size_t i = 0; i < node->nchanges; i++)
		free(node->changes[i].data);
	free(node->changes);
	buf_deinit(&node->now);
	buf_deinit(&node->durable);
	free(node);
}

struct node *node_new(bool dir)
{
	struct node *node = NEW(struct node);

	node->dir = dir;
	buf_init(&node->now, 0);
	buf_init(&node->durable, 0);
	return node;
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

int64_t node_write(struct files *f, struct node *node, uint64_t at, struct str data)
{
	uint64_t grows = at + data.n > node->now.len ? at + data.n - node->now.len : 0;
	struct change *c;

	if (grows > 0 && f->capacity - f->used < grows)
		return -ENOSPC;
	f->used += grows;
	put_at(&node->now, at, data);
	c = add_change(node);
	c->at = at;
	c->n = data.n;
	c->data = memcpy(mem_alloc(data.n + 1), data.p, data.n);
	return (int64_t)data.n;
}

int node_resize(struct files *f, struct node *node, uint64_t octets)
{
	struct change *c;

	if (octets > node->now.len && f->capacity - f->used < octets - node->now.len)
		return -ENOSPC;
	f->used = f->used - node->now.len + octets;
	set_size(&node->now, octets);
	c = add_change(node);
	c->resize = true;
	c->at = octets;
	return 0;
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

void node_sync(struct node *node)
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

void node_sync_failed(struct node *node)
{
	for (size_t i = 0; i < node->nchanges; i++)
		node->changes[i].lost |= !node->changes[i].resize;
}

/* ---- names ---- */

struct name *names_find(struct names *l, const char *path)
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

static void names_remove(struct files *f, struct names *l, size_t i)
{
	struct node *node = l->at[i].node;

	free(l->at[i].path);
	l->at[i] = l->at[--l->n];
	if (node != NULL) {
		node->names--;
		node_drop(f, node);
	}
}

static void names_set(struct files *f, struct names *l, const char *path, struct node *node)
{
	struct name *old = names_find(l, path);

	if (node != NULL)
		node->names++; /* so that it survives its old name */
	if (old != NULL)
		names_remove(f, l, (size_t)(old - l->at));
	if (node != NULL) {
		names_add(l, path, node);
		node->names--;
	}
}

static void names_clear(struct files *f, struct names *l)
{
	while (l->n > 0)
		names_remove(f, l, l->n - 1);
}

void files_set(struct files *f, const char *path, struct node *node)
{
	names_add(&f->changes, path, node);
	names_set(f, &f->now, path, node);
}

struct str files_parent(const char *path)
{
	struct str p = str_c(path);

	return str_head(p, str_rfind(p, '/'));
}

void files_sync_dir(struct files *f, const char *path)
{
	for (size_t i = 0; i < f->changes.n;) {
		struct name *c = &f->changes.at[i];

		if (!str_eq(files_parent(c->path), str_c(path))) {
			i++;
			continue;
		}
		names_set(f, &f->durable, c->path, c->node);
		if (c->node != NULL)
			c->node->names--;
		free(c->path);
		memmove(c, c + 1, (f->changes.n - i - 1) * sizeof *c);
		f->changes.n--;
	}
}

void files_init(struct files *f, const char *root)
{
	*f = (struct files){ .capacity = UINT64_MAX };
	names_add(&f->durable, root, node_new(true));
	names_add(&f->now, root, f->durable.at[0].node);
}

void files_free(struct files *f)
{
	names_clear(f, &f->changes);
	names_clear(f, &f->durable);
	names_clear(f, &f->now);
	free(f->changes.at);
	free(f->durable.at);
	free(f->now.at);
}

/* ---- a power cut ---- */

static unsigned random_below(struct files *f, unsigned below)
{
	f->rng = f->rng * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(f->rng >> 33) % below;
}

/* Each sector of an unsynced write is kept with the chance of `percent`. */
static void cut_node(struct files *f, struct node *node, unsigned percent)
{
	for (size_t i = 0; i < node->nchanges; i++) {
		struct change *c = &node->changes[i];

		if (c->resize) {
			if (random_below(f, 100) < percent)
				set_size(&node->durable, c->at);
		}
		for (size_t done = 0; !c->resize && done < c->n;) {
			size_t n = SECTOR - (size_t)((c->at + done) % SECTOR);

			n = n < c->n - done ? n : c->n - done;
			if (random_below(f, 100) < percent)
				put_at(&node->durable, c->at + done, str_of(c->data + done, n));
			done += n;
		}
		free(c->data);
	}
	node->nchanges = 0;
	f->used = f->used - node->now.len + node->durable.len;
	set_size(&node->now, 0);
	put_at(&node->now, 0, buf_str(&node->durable));
}

/* What is below a directory that was lost is lost with it. */
static bool has_home(struct files *f, const char *path)
{
	struct str parent = files_parent(path);
	char *p = str_dup_c(parent);
	bool found = names_find(&f->durable, p) != NULL;

	free(p);
	return found;
}

void files_power_cut(struct files *f, uint64_t seed)
{
	static const unsigned chances[] = { 0, 10, 50, 90, 100 };
	unsigned data, names;

	f->rng = seed;
	(void)random_below(f, 2);
	data = chances[random_below(f, 5)];
	names = chances[random_below(f, 5)];
	for (size_t i = 0; i < f->changes.n; i++)
		if (random_below(f, 100) < names)
			names_set(f, &f->durable, f->changes.at[i].path, f->changes.at[i].node);
	names_clear(f, &f->changes);
	for (size_t i = 0; i < f->durable.n;)
		if (i == 0 || has_home(f, f->durable.at[i].path)) /* the root */
			i++;
		else
			names_remove(f, &f->durable, i);
	names_clear(f, &f->now);
	for (size_t i = 0; i < f->durable.n; i++) {
		cut_node(f, f->durable.at[i].node, data);
		names_add(&f->now, f->durable.at[i].path, f->durable.at[i].node);
	}
}
