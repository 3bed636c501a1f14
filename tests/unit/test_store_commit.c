/* What one commit writes, and what is written before it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "store/disk_sim.h"
#include "store_world.h"

/* Of the segment that is written to: how far it was, and what the commits brought. */
static struct {
	const struct disk_ops *below;
	uint64_t wet, octets;
	unsigned commits, into_new_room;
} seen;

static int watch_commit(struct disk *d, struct disk_commit *c)
{
	uint64_t end = c->offset;

	for (int i = 0; i < c->iovcnt; i++)
		end += c->iov[i].iov_len;
	assert_true(end <= (uint64_t)seen.below->size(d, c->file));
	seen.commits++;
	seen.octets += end - c->offset;
	if (end > seen.wet) {
		seen.into_new_room++;
		seen.wet = end;
	}
	return seen.below->commit(d, c);
}

static void watch(struct world *w)
{
	static struct disk_ops ops;

	world_init(w, disk_sim_new("/tmp"));
	seen.below = w->disk->ops;
	ops = *seen.below;
	ops.commit = watch_commit;
	w->disk->ops = &ops;
	seen.wet = seen.octets = seen.commits = seen.into_new_room = 0;
}

/* A sync of octets in new room costs twice one in room that was written before. */
static void room_is_written_ahead(void **state)
{
	char text[1000];
	struct world w;

	(void)state;
	memset(text, 'x', sizeof text);
	watch(&w);
	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(help_deliver(w.store, i, 1, str_of(text, sizeof text)), STORE_OK);
	assert_int_equal(seen.commits, 100);
	/* 100 records of less than 1200 octets, and a 64th of the segment's MiB at a time */
	assert_in_range(seen.into_new_room, 3, 8);
	assert_rebuilds(&w);
	for (uint32_t i = 1; i <= 100; i++) {
		assert_int_equal(
			help_read(w.store, &w.out, 1, 0, help_id(i), sizeof text), STORE_OK);
		assert_true(str_eq(buf_str(&w.out), str_of(text, sizeof text)));
	}
	world_deinit(&w);
}

static void none_for_a_large_batch(void **state)
{
	char *text = calloc(1, 60000);
	struct world w;

	(void)state;
	memset(text, 'x', 60000);
	watch(&w);
	assert_int_equal(help_deliver(w.store, 1, 1, str_of(text, 60000)), STORE_OK);
	assert_int_equal(seen.commits, 1);
	assert_in_range(seen.octets, 60000, 60500);
	world_deinit(&w);
	free(text);
}

enum { PAGE = 4096, LARGE = 1000 * 1000 };

/* Of the file of a large message. */
static struct {
	const struct disk_ops *below;
	int file;
	bool past_cache; /* the file system can */
	uint64_t octets;
	unsigned writes;
} draft;

static int watch_unnamed(struct disk *d, const char *dir)
{
	draft.file = draft.below->unnamed(d, dir);
	draft.past_cache = (fcntl(draft.file, F_GETFL) & O_DIRECT) != 0;
	return draft.file;
}

static int64_t watch_write(
	struct disk *d, int file, const struct iovec *iov, int iovcnt, uint64_t offset)
{
	int64_t n = draft.below->write(d, file, iov, iovcnt, offset);

	if (file != draft.file || draft.octets == LARGE)
		return n;
	assert_int_equal(iovcnt, 1);
	assert_int_equal(offset, draft.octets);
	draft.octets += iov->iov_len;
	draft.writes++;
	assert_int_equal((uintptr_t)iov->iov_base % PAGE, 0);
	if (draft.octets < LARGE) {
		assert_int_equal(iov->iov_len % PAGE, 0);
		assert_int_equal((fcntl(file, F_GETFL) & O_DIRECT) != 0, draft.past_cache);
	}
	return n;
}

/* However it comes from the network: one write of half a page, and all behind it would go through the page cache. */
static void large_message_in_whole_pages(void **state)
{
	static struct disk_ops ops;
	char *text = malloc(LARGE);
	struct world w;

	(void)state;
	for (size_t i = 0; i < LARGE; i++)
		text[i] = (char)('a' + i * i % 23);
	world_init(&w, disk_real());
	draft.below = w.disk->ops;
	draft.file = -1;
	ops = *draft.below;
	ops.unnamed = watch_unnamed;
	ops.write = watch_write;
	w.disk->ops = &ops;
	assert_int_equal(help_deliver(w.store, 1, 1, str_of(text, LARGE)), STORE_OK);
	assert_int_equal(draft.octets, LARGE);
	assert_in_range(draft.writes, 2, LARGE / w.config.inline_max + 1);
	draft.file = -1;
	assert_int_equal(help_read(w.store, &w.out, 1, 0, help_id(1), LARGE), STORE_OK);
	assert_true(str_eq(buf_str(&w.out), str_of(text, LARGE)));
	assert_sound(&w);
	world_deinit(&w);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_is_written_ahead),
		cmocka_unit_test(none_for_a_large_batch),
		cmocka_unit_test(large_message_in_whole_pages),
	};

	log_init(2, LOG_L_ERROR + 1, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
