/* A listing long enough that the index file is asked for ahead: what the index says of its own length, and what has
 * become of the file, changes no row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/disk_sim.h"
#include "store/local/index_impl.h"
#include "store_world.h"

enum { MESSAGES = 4200 /* over AHEAD_LEAST */, OTHERS = 50 };

static struct store_listing whole;

static void assert_same(const struct store_listing *l)
{
	assert_int_equal(l->count, MESSAGES);
	assert_int_equal(l->uidls_len, whole.uidls_len);
	assert_memory_equal(l->uidls, whole.uidls, whole.uidls_len);
	for (size_t i = 0; i < MESSAGES; i++) {
		assert_true(msgid_eq(l->rows[i].id, help_id((uint32_t)i)));
		assert_int_equal(l->rows[i].octets, whole.rows[i].octets);
		assert_int_equal(l->rows[i].uidl_at, whole.rows[i].uidl_at);
		assert_int_equal(l->rows[i].uidl_len, whole.rows[i].uidl_len);
	}
}

static void assert_lists(struct world *w)
{
	struct store_listing l;

	assert_int_equal(help_list(w->store, &l, 1, 0), STORE_OK);
	assert_same(&l);
	store_listing_free(&l);
}

static void index_path(const struct world *w, char path[256])
{
	(void)snprintf(path, 256, "%s/index.sqlite", w->dir);
}

/* Into a closed store. */
static void index_says(const struct world *w, int64_t count)
{
	char path[256], sql[100];
	sqlite3 *db;

	index_path(w, path);
	(void)snprintf(
		sql, sizeof sql, "UPDATE maildrop SET count = %lld WHERE id = 1", (long long)count);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_changes(db), 1);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_count_that_is_wrong(void **state)
{
	static const int64_t counts[] = { 0, 1, 4095, 4096, INT64_C(1) << 50, INT64_MAX, -1 };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		store_close_all(w->store);
		index_says(w, counts[i]);
		world_open(w);
		assert_lists(w);
	}
	store_close_all(w->store);
	index_says(w, MESSAGES);
	world_open(w);
}

/* Either no listing, and the next store makes the index anew; or the right one. */
static void assert_honest(struct world *w, const struct store_open *session)
{
	struct store_listing l = { .count = 0 };
	enum store_result r = help_list(w->store, &l, 1, session->token);

	if (r == STORE_OK) {
		assert_same(&l);
		store_listing_free(&l);
	} else {
		assert_int_equal(r, STORE_UNAVAILABLE);
		assert_null(l.rows);
	}
	assert_rebuilds(w);
	assert_lists(w);
}

static void a_file_that_is_short(void **state)
{
	struct world *w = *state;
	char path[256];
	struct store_open session;
	struct stat st;

	index_path(w, path);
	for (int part = 1; part <= 3; part++) {
		world_reopen(w);
		assert_int_equal(help_open(w->store, &session, 1), STORE_OK);
		assert_int_equal(stat(path, &st), 0);
		assert_true(st.st_size > 100000);
		assert_int_equal(truncate(path, st.st_size / 4 * part), 0);
		assert_honest(w, &session);
	}
}

static void a_file_with_other_octets(void **state)
{
	static const char rubbish[4096] = { 'r', 'u', 'b' };
	struct world *w = *state;
	char path[256];
	struct store_open session;
	struct stat st;
	int fd;

	index_path(w, path);
	world_reopen(w);
	assert_int_equal(help_open(w->store, &session, 1), STORE_OK);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = 40960; at + 4096 < st.st_size; at += 5 * 4096)
		assert_int_equal(pwrite(fd, rubbish, sizeof rubbish, at), sizeof rubbish);
	assert_honest(w, &session);
	close(fd);
}

static int64_t number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	int64_t n = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* What SQLite itself says of its pages. */
static void the_pages_of_a_maildrop(void **state)
{
	struct world *w = *state;
	uint32_t numbers[MESSAGES], root;
	struct index_pages p = { .numbers = numbers, .room = MESSAGES };
	int64_t leaves;
	char path[256], sql[200];
	sqlite3 *db;
	int fd;

	index_path(w, path);
	store_close_all(w->store);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	root = (uint32_t)number(db, "SELECT rootpage FROM sqlite_schema WHERE name='delivery'");
	leaves =
		number(db, "SELECT count(*) FROM dbstat WHERE name='delivery' AND pagetype='leaf'");
	index_pages(fd, root, 1, &p);
	if (leaves >= 0) { /* this SQLite can tell */
		assert_in_range(p.count, 30, leaves);
		assert_in_range(leaves - (int64_t)p.count, 0, 1); /* the other maildrop's */
	}
	for (size_t i = 0; i < p.count && leaves >= 0; i++) {
		(void)snprintf(sql, sizeof sql,
			"SELECT count(*) FROM dbstat WHERE name='delivery'"
			" AND pagetype='leaf' AND pageno=%u",
			numbers[i]);
		assert_int_equal(number(db, sql), 1);
	}
	assert_true(p.count >= 30);
	index_pages(fd, root, 2, &p);
	assert_in_range(p.count, 1, 3);
	p.room = 2;
	index_pages(fd, root, 1, &p);
	assert_int_equal(p.count, 2);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	close(fd);
	world_open(w);
}

/* Whatever stands there: nothing outside the page is looked at, and there is an end. */
static void pages_of_rubbish(void **state)
{
	uint32_t numbers[500];
	struct index_pages p = { .numbers = numbers, .room = 500 };
	unsigned char octets[3 * 4096];
	FILE *f = tmpfile();

	(void)state;
	for (uint32_t round = 0; round < 2000; round++) {
		random_bytes(octets, sizeof octets);
		for (size_t at = 0; at < sizeof octets && round % 2 == 0; at++)
			octets[at] &= 15; /* numbers of pages, and places in them, that are there */
		for (size_t page = 0; page < sizeof octets; page += 4096) {
			octets[page] = 2;
			octets[page + 3] &= 7;
		}
		for (size_t at = 8; at < 4096 && round % 4 == 0; at += 4) /* pages 1 to 3 */
			memcpy(octets + at, "\0\0\0\2", 4);
		assert_int_equal(pwrite(fileno(f), octets, sizeof octets, 0), sizeof octets);
		index_pages(fileno(f), 1 + round % 4, round % 3, &p);
		assert_true(p.count <= p.room);
	}
	(void)fclose(f);
}

static int fill(void **state)
{
	static struct world w;
	struct str octets = STR("Message-ID: <x@y>\r\n\r\nx\r\n");

	world_init(&w, disk_sim_new("/tmp"));
	*state = &w;
	for (uint32_t i = 0; i < MESSAGES; i++) {
		if (help_deliver(w.store, i, 1, octets) != STORE_OK ||
			(i < OTHERS && help_deliver(w.store, MESSAGES + i, 2, octets) != STORE_OK))
			return 1;
	}
	return help_list(w.store, &whole, 1, 0) == STORE_OK ? 0 : 1;
}

static int empty(void **state)
{
	store_listing_free(&whole);
	world_deinit(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_count_that_is_wrong),
		cmocka_unit_test(the_pages_of_a_maildrop),
		cmocka_unit_test(pages_of_rubbish),
		cmocka_unit_test(a_file_that_is_short),
		cmocka_unit_test(a_file_with_other_octets),
	};

	return cmocka_run_group_tests(tests, fill, empty);
}
