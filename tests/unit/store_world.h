/* store_world.h -- a store in a directory of its own, opened, closed and looked over; for tests. */
#ifndef RESTANTE_TESTS_STORE_WORLD_H
#define RESTANTE_TESTS_STORE_WORLD_H

#include "store/local.h"
#include "store_help.h"

/* The index is always on the real disk. */
struct world {
	struct disk *disk;
	struct store *store;
	char *dir;
	struct store_local_config config;
	struct buf out;
};

static inline void world_open(struct world *w)
{
	struct err err = { 0 };

	w->store = store_local_open(w->dir, w->disk, &w->config, &err);
	if (w->store == NULL)
		fail_msg("%s", err.text);
}

static inline void world_init(struct world *w, struct disk *disk)
{
	*w = (struct world){ .disk = disk, .dir = help_dir("/tmp") };
	w->config =
		(struct store_local_config){ .segment_octets = 1 << 20, .inline_max = 64 << 10 };
	buf_init(&w->out, 0);
	world_open(w);
}

static inline void world_deinit(struct world *w)
{
	store_close_all(w->store);
	w->disk->ops->free(w->disk);
	help_remove_tree(w->dir);
	free(w->dir);
	buf_deinit(&w->out);
}

static inline void world_reopen(struct world *w)
{
	store_close_all(w->store);
	world_open(w);
}

static inline void assert_sound(struct world *w)
{
	struct fsck_report r;
	struct err err = { 0 };

	assert_int_equal(store_local_fsck(w->dir, w->disk, &r, NULL, &err), ST_OK);
	assert_int_equal(r.corrupt + r.missing + r.index_differs, 0);
}

static inline void assert_rebuilds(struct world *w)
{
	struct err err = { 0 };

	store_close_all(w->store);
	assert_int_equal(store_local_rebuild(w->dir, w->disk, &err), ST_OK);
	world_open(w);
	assert_sound(w);
}

#endif
