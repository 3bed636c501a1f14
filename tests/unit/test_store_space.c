/* What becomes of expunged messages: they come back, or their room does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "store/disk_sim.h"
#include "store/local.h"
#include "store_help.h"

struct world {
	struct disk *disk;
	struct store *store;
	char *dir;
	struct store_local_config config;
	struct buf out;
};

static void world_open(struct world *w)
{
	struct err err = { 0 };

	w->store = store_local_open(w->dir, w->disk, &w->config, &err);
	if (w->store == NULL)
		fail_msg("%s", err.text);
}

static void world_init(struct world *w)
{
	*w = (struct world){ .disk = disk_sim_new("/tmp"), .dir = help_dir("/tmp") };
	w->config =
		(struct store_local_config){ .segment_octets = 1 << 20, .inline_max = 64 << 10 };
	buf_init(&w->out, 0);
	world_open(w);
}

static void world_deinit(struct world *w)
{
	store_close_all(w->store);
	w->disk->ops->free(w->disk);
	help_remove_tree(w->dir);
	free(w->dir);
	buf_deinit(&w->out);
}

static void world_reopen(struct world *w)
{
	store_close_all(w->store);
	world_open(w);
}

static void assert_sound(struct world *w)
{
	struct fsck_report r;
	struct err err = { 0 };

	assert_int_equal(store_local_fsck(w->dir, w->disk, &r, NULL, NULL, &err), ST_OK);
	assert_int_equal(r.corrupt + r.missing + r.index_differs, 0);
}

static void assert_rebuilds(struct world *w)
{
	struct err err = { 0 };

	store_close_all(w->store);
	assert_int_equal(store_local_rebuild(w->dir, w->disk, &err), ST_OK);
	world_open(w);
	assert_sound(w);
}

static void expunge(struct world *w, uint64_t maildrop, const struct msgid *ids, size_t n)
{
	struct store_open o;
	struct store_expunge e;

	assert_int_equal(help_open(w->store, &o, maildrop), STORE_OK);
	assert_int_equal(help_expunge(w->store, &e, &o, ids, n), STORE_OK);
	assert_int_equal(e.expunged, n);
	store_close(w->store, maildrop, o.token);
}

static uint64_t restore(struct world *w, uint64_t maildrop, const struct msgid *ids, size_t n)
{
	struct store_restore r;
	struct store_open o;

	assert_int_equal(help_open(w->store, &o, maildrop), STORE_OK);
	assert_int_equal(help_restore(w->store, &r, &o, ids, n), STORE_OK);
	store_close(w->store, maildrop, o.token);
	return r.restored;
}

static void assert_list(struct world *w, uint64_t maildrop, const uint32_t *ids, size_t n)
{
	struct store_listing l;
	uint64_t count, octets, sum = 0;

	assert_int_equal(help_list(w->store, &l, maildrop, 0), STORE_OK);
	assert_int_equal(l.count, n);
	for (size_t i = 0; i < n; i++) {
		assert_true(msgid_eq(l.rows[i].id, help_id(ids[i])));
		sum += l.rows[i].octets;
	}
	store_listing_free(&l);
	assert_int_equal(store_usage(w->store, maildrop, &count, &octets), STORE_OK);
	assert_int_equal(count, n);
	assert_int_equal(octets, sum);
}

#define ASSERT_LIST(w, maildrop, ...)                                                              \
	do {                                                                                       \
		const uint32_t ids_[] = { __VA_ARGS__ };                                           \
		assert_list(w, maildrop, ids_, sizeof ids_ / sizeof *ids_);                        \
	} while (0)

/* ---- undelete ---- */

static void restores(void **state)
{
	struct store_target imported = { 1, STR("b@example.net"), STR("uid-7") };
	struct msgid two[] = { help_id(2), help_id(3) }, odd[] = { help_id(2), help_id(99) };
	struct store_expunged_row *rows;
	size_t count;
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(help_deliver(w.store, 1, 1, STR("one\r\n")), STORE_OK);
	assert_int_equal(
		help_deliver_to(w.store, help_id(2), STR("two\r\n"), &imported, 1), STORE_OK);
	assert_int_equal(help_deliver(w.store, 3, 1, STR("three\r\n")), STORE_OK);
	expunge(&w, 1, two, 2);
	ASSERT_LIST(&w, 1, 1);
	world_reopen(&w);
	assert_int_equal(store_expunged(w.store, 1, &rows, &count), STORE_OK);
	assert_int_equal(count, 2);
	assert_true(msgid_eq(rows[0].id, help_id(2)));
	assert_true(str_eq(str_of(rows[0].uidl, rows[0].uidl_len), STR("uid-7")));
	assert_int_equal(rows[1].uidl_len, 0);
	assert_true(rows[1].expunged_ms > 0);
	free(rows);
	assert_int_equal(restore(&w, 1, odd, 2), 1);
	ASSERT_LIST(&w, 1, 1, 2);
	assert_int_equal(restore(&w, 1, odd, 2), 0); /* again: nothing, also not counted */
	ASSERT_LIST(&w, 1, 1, 2);
	assert_int_equal(restore(&w, 2, two, 2), 0); /* of another maildrop */
	assert_int_equal(restore(&w, 1, two, 2), 1);
	ASSERT_LIST(&w, 1, 1, 2, 3); /* in the old order */
	assert_int_equal(help_read(w.store, &w.out, 1, 0, help_id(3), 100), STORE_OK);
	assert_true(str_eq(buf_str(&w.out), STR("three\r\n")));
	assert_int_equal(store_expunged(w.store, 1, &rows, &count), STORE_OK);
	assert_int_equal(count, 0);
	free(rows);
	expunge(&w, 1, two, 1); /* and it can be deleted again */
	ASSERT_LIST(&w, 1, 1, 3);
	assert_rebuilds(&w);
	ASSERT_LIST(&w, 1, 1, 3);
	world_deinit(&w);
}

static void restore_wants_the_lease(void **state)
{
	struct msgid id = help_id(1);
	struct store_restore r;
	struct store_open o;
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(help_deliver(w.store, 1, 1, STR("one\r\n")), STORE_OK);
	expunge(&w, 1, &id, 1);
	o = (struct store_open){ .maildrop = 1, .token = 4711 };
	assert_int_equal(help_restore(w.store, &r, &o, &id, 1), STORE_CONFLICT);
	assert_list(&w, 1, NULL, 0);
	world_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restores),
		cmocka_unit_test(restore_wants_the_lease),
	};

	log_init(2, LOG_L_ERROR + 1, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
