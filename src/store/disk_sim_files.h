/* disk_sim_files.h -- what is on a simulated disk: each file and each name twice, as everybody sees it now and as it
 * would be after a power cut, and the changes that are not synced. */
#ifndef RESTANTE_STORE_DISK_SIM_FILES_H
#define RESTANTE_STORE_DISK_SIM_FILES_H

#include "base/buf.h"

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

struct files {
	struct names now, durable, changes;
	uint64_t capacity, used; /* octets, of all files now */
	uint64_t rng;
};

struct node *node_new(bool dir);
/* Frees it when it has neither a name nor a handle. */
void node_drop(struct files *f, struct node *node);
/* The octets taken, or -ENOSPC. */
int64_t node_write(struct files *f, struct node *node, uint64_t at, struct str data);
int node_resize(struct files *f, struct node *node, uint64_t octets);
void node_sync(struct node *node);
/* What was not synced never will be. */
void node_sync_failed(struct node *node);

struct name *names_find(struct names *l, const char *path);
struct str files_parent(const char *path);
void files_init(struct files *f, const char *root);
/* A change of a directory: seen at once, durable when that directory is synced.  NULL: removed. */
void files_set(struct files *f, const char *path, struct node *node);
void files_sync_dir(struct files *f, const char *path);
/* Any legal part of what is not synced survives, as `seed` has it. */
void files_power_cut(struct files *f, uint64_t seed);
void files_free(struct files *f);

#endif
