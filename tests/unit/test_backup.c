/* Copies of a store: whole, as of one moment, and none the worse for a power cut while they are made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "store/backup.h"
#include "store/disk_sim.h"
#include "store/local/impl.h"
#include "store_help.h"

enum { BODY = 3000, LARGE = 100 << 10 };

struct world {
	struct disk *disk;
	struct store *store;
	char *dir;
	struct store_local_config config;
	char body[LARGE];
};

struct finds {
	struct check_finding at[16];
	size_t count;
};

static void world_open(struct world *w)
{
	struct err err = { 0 };

	w->store = store_local_open(w->dir, w->disk, &w->config, &err);
	if (w->store == NULL)
		fail_msg("%s", err.text);
}

static struct world *world_on(struct disk *disk)
{
	struct world *w = NEW(struct world);

	w->disk = disk;
	w->dir = help_dir("/tmp");
	w->config =
		(struct store_local_config){ .segment_octets = 1 << 20, .inline_max = 64 << 10 };
	memset(w->body, 'b', sizeof w->body);
	memcpy(w->body + BODY - 2, "\r\n", 2);
	memcpy(w->body + LARGE - 2, "\r\n", 2);
	world_open(w);
	return w;
}

static struct world *world_new(void)
{
	return world_on(disk_sim_new("/tmp"));
}

static void world_free(struct world *w)
{
	store_close_all(w->store);
	w->disk->ops->free(w->disk);
	help_remove_tree(w->dir);
	free(w->dir);
	free(w);
}

static void deliver(struct world *w, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		assert_int_equal(help_deliver(w->store, i, 1,
					 str_of(w->body + (i % 10 == 0 ? 0 : LARGE - BODY),
						 i % 10 == 0 ? LARGE : BODY)),
			STORE_OK);
}

static void note(void *arg, const struct check_finding *f)
{
	struct finds *l = arg;

	if (l->count < 16)
		l->at[l->count] = *f;
	l->count++;
}

static struct check_report check(
	struct disk *disk, const char *dir, struct store *store, struct finds *finds)
{
	struct check_source source = {
		.disk = disk, .dir = dir, .store = store, .found = note, .arg = finds
	};
	struct check_report report;
	struct err err = { 0 };
	struct check *c = check_open(&source, &err);

	*finds = (struct finds){ 0 };
	if (c == NULL)
		fail_msg("%s", err.text);
	while (check_step(c, 20000))
		;
	report = *check_report(c);
	assert_int_equal(report.damaged, finds->count);
	check_close(c);
	return report;
}

static void remember(struct world *w, struct backup_copy *b, const char *to, const char *older)
{
	*b = (struct backup_copy){ .disk = w->disk, .from = w->dir, .to = to, .older = older };
	store_local_end(w->store, &b->segment, &b->end);
}

static enum status back_up(struct world *w, struct backup_copy *b, const char *dir)
{
	struct backup_manifest m = { .taken_ms = 5 };
	struct err err = { 0 };
	enum status status = backup_copy(b, &err);

	m.segment = b->segment;
	m.end = b->end;
	m.segments = b->segments;
	return status == ST_OK ? backup_manifest_write(&m, w->disk, dir, &err) : status;
}

static void make_dir(struct world *w, const char *path)
{
	int dir = w->disk->ops->open_dir(w->disk, path, true);

	assert_true(dir >= 0);
	w->disk->ops->close(w->disk, dir);
	dir = w->disk->ops->open_dir(w->disk, "/tmp", false);
	w->disk->ops->sync(w->disk, dir);
	w->disk->ops->close(w->disk, dir);
}

static void say_nothing(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void assert_good(struct world *w, const char *dir, uint64_t messages)
{
	struct backup_manifest m;
	struct err err = { 0 };
	struct finds finds;
	char *store = path_join(dir, "store");

	assert_int_equal(backup_manifest_read(&m, w->disk, dir, &err), ST_OK);
	assert_int_equal(backup_manifest_check(&m, w->disk, dir, say_nothing, NULL), 0);
	assert_int_equal(check(w->disk, store, NULL, &finds).messages, messages);
	assert_int_equal(finds.count, 0);
	free(store);
}

/* What came after the moment is not in it; what was there is, at its place and with its octets. */
static void comes_back(void **state)
{
	struct msgid gone[] = { help_id(3), help_id(10) };
	struct store_listing before, after;
	struct backup_copy b, back;
	struct store_expunge e;
	struct store_open o;
	struct world *w = world_new(), r = *w;
	struct err err = { 0 };
	struct buf octets;

	(void)state;
	buf_init(&octets, 0);
	deliver(w, 1, 500);
	assert_int_equal(help_open(w->store, &o, 1), STORE_OK);
	assert_int_equal(help_expunge(w->store, &e, &o, gone, 2), STORE_OK);
	store_close(w->store, 1, o.token);
	assert_int_equal(help_list(w->store, &before, 1, 0), STORE_OK);
	make_dir(w, "/tmp/one");
	remember(w, &b, "/tmp/one/store", NULL);
	deliver(w, 500, 900);
	assert_int_equal(back_up(w, &b, "/tmp/one"), ST_OK);
	assert_true(b.segments > 1 && b.linked > 0);
	assert_good(w, "/tmp/one", 499);

	r.dir = help_dir("/tmp");
	back = (struct backup_copy){ .disk = w->disk,
		.from = "/tmp/one/store",
		.to = r.dir,
		.segment = b.segment,
		.end = b.end,
		.apart = true };
	assert_int_equal(backup_copy(&back, &err), ST_OK);
	assert_int_equal(back.linked, 0);
	world_open(&r);
	assert_int_equal(help_list(r.store, &after, 1, 0), STORE_OK);
	assert_int_equal(after.count, before.count);
	for (size_t i = 0; i < after.count; i++)
		assert_true(msgid_eq(after.rows[i].id, before.rows[i].id));
	assert_int_equal(help_read(r.store, &octets, 1, 0, help_id(20), 5000), STORE_OK);
	assert_true(str_eq(buf_str(&octets), str_of(w->body, LARGE)));
	/* it lives on, and the backup does not change with it */
	deliver(&r, 2000, 2400);
	assert_good(w, "/tmp/one", 499);
	store_listing_free(&before);
	store_listing_free(&after);
	store_close_all(r.store);
	help_remove_tree(r.dir);
	free(r.dir);
	buf_deinit(&octets);
	world_free(w);
}

static void copies_only_what_is_new(void **state)
{
	struct world *w = world_new();
	struct backup_copy a, b;
	struct finds finds;
	char *segment;

	(void)state;
	deliver(w, 1, 800);
	make_dir(w, "/tmp/one");
	remember(w, &a, "/tmp/one/store", NULL);
	a.apart = true; /* as on another file system */
	assert_int_equal(back_up(w, &a, "/tmp/one"), ST_OK);
	assert_int_equal(a.linked, 0);
	deliver(w, 800, 830);
	make_dir(w, "/tmp/two");
	remember(w, &b, "/tmp/two/store", "/tmp/one/store");
	assert_int_equal(back_up(w, &b, "/tmp/two"), ST_OK);
	assert_true(b.linked >= a.total - (1 << 20) && b.copied <= 1 << 20);
	assert_good(w, "/tmp/one", 799);
	assert_good(w, "/tmp/two", 829);
	/* the same file as in the older backup, not the office's */
	segment = segment_path("/tmp/one/store/journal", 1);
	disk_sim_damage(w->disk, segment, 50000, 2);
	free(segment);
	check(w->disk, "/tmp/two/store", NULL, &finds);
	assert_int_equal(finds.count, 1);
	check(w->disk, w->dir, w->store, &finds);
	assert_int_equal(finds.count, 0);
	world_free(w);
}

/* Another office's backup in the same place: same names and sizes, other octets. */
static void takes_nothing_from_strangers(void **state)
{
	struct world *w = world_new(), *x = world_on(w->disk);
	struct backup_copy a, b;
	char *segment;

	(void)state;
	deliver(w, 1, 400);
	deliver(x, 1, 400);
	make_dir(w, "/tmp/one");
	remember(x, &a, "/tmp/one/store", NULL);
	assert_int_equal(back_up(x, &a, "/tmp/one"), ST_OK);
	make_dir(w, "/tmp/two");
	remember(w, &b, "/tmp/two/store", "/tmp/one/store");
	assert_int_equal(a.end, b.end);
	assert_int_equal(back_up(w, &b, "/tmp/two"), ST_OK);
	assert_good(w, "/tmp/two", 399);
	segment = segment_path("/tmp/two/store/journal", b.segment);
	disk_sim_damage(w->disk, segment, 9000, 4);
	free(segment);
	assert_good(w, "/tmp/one", 399);
	store_close_all(x->store);
	help_remove_tree(x->dir);
	free(x->dir);
	free(x);
	world_free(w);
}

/* Power is cut at each k-th change: the office and the older backup are what they were, and the new
 * one is complete or none. */
static void survives_a_power_cut(void **state)
{
	unsigned k = 0, complete = 0, incomplete = 0;

	(void)state;
	while (complete < 3) {
		struct world *w = world_new();
		struct backup_copy a, b;
		struct backup_manifest m;
		uint64_t count, octets;

		deliver(w, 1, 300);
		make_dir(w, "/tmp/one");
		make_dir(w, "/tmp/two");
		remember(w, &a, "/tmp/one/store", NULL);
		assert_int_equal(back_up(w, &a, "/tmp/one"), ST_OK);
		deliver(w, 300, 400);
		remember(w, &b, "/tmp/two/store", "/tmp/one/store");
		disk_sim_die_after(w->disk, k);
		(void)back_up(w, &b, "/tmp/two");
		store_close_all(w->store);
		disk_sim_power_cut(w->disk, k);
		assert_good(w, "/tmp/one", 299);
		if (backup_manifest_read(&m, w->disk, "/tmp/two", NULL) == ST_OK) {
			assert_good(w, "/tmp/two", 399);
			complete++;
		} else {
			incomplete++;
		}
		world_open(w);
		assert_int_equal(store_usage(w->store, 1, &count, &octets), STORE_OK);
		assert_int_equal(count, 399);
		world_free(w);
		k += k > 257 && k < 310 ? 1 : 43; /* directories come first, one like the other */
		assert_true(k < 5000);
	}
	assert_true(incomplete > 20);
}

/* One damaged message is told by its id; all others are in the backup. */
static void tells_damage(void **state)
{
	struct world *w = world_new();
	struct finds finds;
	struct index_message m;
	struct backup_copy b;
	char *path;

	(void)state;
	deliver(w, 1, 100);
	assert_true(store_apply(w->store));
	assert_int_equal(index_message(w->store->index, help_id(7), &m), STORE_OK);
	path = segment_path(w->store->journal_dir, pos_segment(m.body_at));
	disk_sim_damage(w->disk, path, pos_offset(m.body_at) + 100, 2);
	free(path);
	path = blob_path(w->store->blob_dir, help_id(20));
	disk_sim_damage(w->disk, path, 5000, 2);
	free(path);
	check(w->disk, w->dir, w->store, &finds);
	assert_int_equal(finds.count, 2);
	assert_int_equal(finds.at[0].what, CHECK_MESSAGE);
	assert_true(finds.at[0].has_id && msgid_eq(finds.at[0].id, help_id(7)));
	assert_int_equal(finds.at[1].what, CHECK_FILE);
	assert_true(msgid_eq(finds.at[1].id, help_id(20)));

	assert_int_equal(index_message(w->store->index, help_id(9), &m), STORE_OK);
	path = segment_path(w->store->journal_dir, pos_segment(m.at));
	disk_sim_damage(w->disk, path, pos_offset(m.at) + 40, 2);
	free(path);
	check(w->disk, w->dir, w->store, &finds);
	assert_int_equal(finds.count, 3);
	assert_int_equal(finds.at[1].what, CHECK_RECORDS);
	assert_true(finds.at[1].has_id && msgid_eq(finds.at[1].id, help_id(9)));

	make_dir(w, "/tmp/one");
	remember(w, &b, "/tmp/one/store", NULL);
	assert_int_equal(back_up(w, &b, "/tmp/one"), ST_OK);
	assert_int_equal(check(w->disk, "/tmp/one/store", NULL, &finds).messages, 97);
	assert_int_equal(finds.count, 3);
	world_free(w);
}

/* Damage of the older backup does not live on in the next one. */
static void replaces_damaged_copies(void **state)
{
	struct world *w = world_new();
	struct backup_copy a, b;
	struct finds finds;
	struct err err = { 0 };
	char *path;

	(void)state;
	deliver(w, 1, 700);
	make_dir(w, "/tmp/one");
	make_dir(w, "/tmp/two");
	remember(w, &a, "/tmp/one/store", NULL);
	a.apart = true;
	assert_int_equal(back_up(w, &a, "/tmp/one"), ST_OK);
	path = segment_path("/tmp/one/store/journal", 1);
	disk_sim_damage(w->disk, path, 50000, 2);
	free(path);
	path = blob_path("/tmp/one/store/blob", help_id(30));
	disk_sim_damage(w->disk, path, 50000, 2);
	free(path);
	remember(w, &b, "/tmp/two/store", "/tmp/one/store");
	assert_int_equal(backup_copy(&b, &err), ST_OK);
	check(w->disk, "/tmp/two/store", NULL, &finds);
	assert_int_equal(finds.count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(backup_copy_again(&b, &finds.at[i], &err), ST_OK);
	check(w->disk, "/tmp/two/store", NULL, &finds);
	assert_int_equal(finds.count, 0);
	world_free(w);
}

static void knows_its_manifest(void **state)
{
	static const struct {
		const char *text;
		enum status expect;
	} rows[] = {
		{ "", ST_CORRUPT },
		{ "restante-backup 2\n", ST_PERM },
		{ "restante-backup 1\ntaken 5\n", ST_CORRUPT },
		{ "restante-backup 1\nfile 1 1 ../passwd\nsum 1\n", ST_CORRUPT },
		{ "restante-backup 1\njournal 1 1\nsum 99\n", ST_CORRUPT },
		{ "restante-backup 1\nsum 18446744073709551616\n", ST_CORRUPT },
	};
	struct world *w = world_new();
	struct backup_manifest m = { .taken_ms = 7, .damaged = 2 }, again;
	struct err err = { 0 };

	(void)state;
	make_dir(w, "/tmp/one");
	assert_int_equal(backup_manifest_read(&again, w->disk, "/tmp/one", NULL), ST_NOTFOUND);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int file = w->disk->ops->open(w->disk, "/tmp/one/manifest", true);
		struct iovec iov = { (void *)(uintptr_t)rows[i].text, str_c(rows[i].text).n };

		w->disk->ops->truncate(w->disk, file, 0);
		w->disk->ops->write(w->disk, file, &iov, 1, 0);
		w->disk->ops->close(w->disk, file);
		assert_int_equal(
			backup_manifest_read(&again, w->disk, "/tmp/one", NULL), rows[i].expect);
	}
	assert_int_equal(backup_manifest_add(&m, w->disk, "/tmp/one", "manifest", &err), ST_OK);
	assert_int_equal(backup_manifest_write(&m, w->disk, "/tmp/one", &err), ST_OK);
	assert_int_equal(backup_manifest_read(&again, w->disk, "/tmp/one", &err), ST_OK);
	assert_int_equal(again.taken_ms, 7);
	assert_int_equal(again.damaged, 2);
	assert_int_equal(again.file_count, 1);
	/* that one has changed since: it is the manifest itself */
	assert_int_equal(backup_manifest_check(&again, w->disk, "/tmp/one", say_nothing, NULL), 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(copies_only_what_is_new),
		cmocka_unit_test(takes_nothing_from_strangers),
		cmocka_unit_test(survives_a_power_cut),
		cmocka_unit_test(tells_damage),
		cmocka_unit_test(replaces_damaged_copies),
		cmocka_unit_test(knows_its_manifest),
	};

	log_init(2, LOG_L_ERROR + 1, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
