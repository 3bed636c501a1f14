/* Where a segment ends, and reading on behind a record that does not hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "store/disk.h"
#include "store_world.h"

enum { SEGMENT = 8 << 20, HOSTILE = 20 * 1024, LATER = 20, READ_MAX = 32 * SEGMENT };

static uint64_t octets_read;
static int64_t (*real_read)(struct disk *d, int file, void *to, size_t n, uint64_t offset);

static int64_t counted_read(struct disk *d, int file, void *to, size_t n, uint64_t offset)
{
	octets_read += n;
	return real_read(d, file, to, n, offset);
}

/* At each place where one may begin: a RECORD_MESSAGE of version 1 with 4 MiB of meta. */
static void put_claims(struct buf *b)
{
	static const char claim[] = "crc.\1\1\0\0\0\0\100\0\0\0\0\0";

	while (b->len < HOSTILE)
		buf_put(b, str_of(claim, sizeof claim - 1));
}

static void damage_first_record(struct world *w)
{
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/journal/00000001.seg", w->dir);
	fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, "!", 1, 8192 + 40), 1);
	assert_int_equal(ftruncate(fd, SEGMENT), 0); /* as it is until a clean end */
	close(fd);
	snprintf(path, sizeof path, "%s/index.sqlite", w->dir);
	assert_int_equal(unlink(path), 0);
}

static void what_looks_like_records(void **state)
{
	struct disk *real = disk_real();
	struct disk_ops ops = *real->ops;
	struct store_listing l;
	struct buf hostile = { 0 };
	struct world w;

	(void)state;
	real_read = ops.read;
	ops.read = counted_read;
	real->ops = &ops;
	world_init(&w, real);
	store_close_all(w.store);
	w.config.segment_octets = SEGMENT;
	world_open(&w);
	put_claims(&hostile);
	assert_int_equal(help_deliver(w.store, 1, 1, buf_str(&hostile)), STORE_OK);
	for (uint32_t i = 0; i < LATER; i++)
		assert_int_equal(help_deliver(w.store, 2 + i, 1, STR("x\r\n")), STORE_OK);
	store_close_all(w.store);
	damage_first_record(&w);
	octets_read = 0;
	world_open(&w);
	assert_in_range(octets_read, 1, READ_MAX);
	assert_int_equal(help_list(w.store, &l, 1, 0), STORE_OK);
	assert_int_equal(l.count, LATER);
	store_listing_free(&l);
	buf_deinit(&hostile);
	world_deinit(&w);
}

/* Its sync failed at the end of a life, the next one believed it and changed nothing, then power was cut. */
static void a_seal_that_was_lost(void **state)
{
	static const char none[32];
	struct world w;
	char path[256];
	off_t end;
	int fd;

	(void)state;
	world_init(&w, disk_real());
	assert_int_equal(help_deliver(w.store, 1, 1, STR("x\r\n")), STORE_OK);
	world_reopen(&w);
	store_close_all(w.store);
	snprintf(path, sizeof path, "%s/journal/00000001.seg", w.dir);
	fd = open(path, O_RDWR);
	end = lseek(fd, 0, SEEK_END);
	assert_int_equal(pwrite(fd, none, sizeof none, end - (off_t)sizeof none), sizeof none);
	close(fd);
	world_open(&w);
	assert_int_equal(help_deliver(w.store, 2, 1, STR("y\r\n")), STORE_OK);
	world_reopen(&w);
	assert_sound(&w);
	world_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_looks_like_records),
		cmocka_unit_test(a_seal_that_was_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
