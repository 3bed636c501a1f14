/* store_bench -- durable deliveries per second with W waiters, and the processor time of each.
 *
 *   store_bench [--dir DIR] [--waiters W] [--octets N] [--seconds S] [--maildrops M]
 *   store_bench --login N [--dir DIR]     a maildrop of N messages: open, listing, deletion of all, open again
 *
 * Each waiter has one message under way: when it is durable, the next is handed in, as a server
 * with W busy sessions would. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "store/disk.h"
#include "store/local.h"
#include "../tests/unit/store_help.h"

struct bench {
	struct store *store;
	struct str message;
	uint64_t maildrops, done, refused;
	int64_t stop_ms;
	size_t under_way;
};

struct waiter {
	struct store_deliver deliver;
	struct store_target target;
	struct bench *bench;
};

static void begin(struct waiter *w);

static void delivered(struct store_op *op, enum store_result result)
{
	struct waiter *w = LIST_OF(op, struct waiter, deliver.op);

	w->bench->under_way--;
	if (result == STORE_OK)
		w->bench->done++;
	else
		w->bench->refused++;
	if (result == STORE_OK && clock_mono_ms() < w->bench->stop_ms)
		begin(w);
}

static void begin(struct waiter *w)
{
	struct bench *b = w->bench;
	struct store_draft *d = store_draft_new(b->store, msgid_new(clock_wall_ms()));

	(void)store_draft_append(d, b->message);
	w->target.maildrop = 1 + b->done % b->maildrops;
	w->target.recipient = STR("user@example.org");
	w->deliver = (struct store_deliver){ .op.done = delivered,
		.draft = d,
		.sender = STR("sender@example.net"),
		.client = STR("192.0.2.1"),
		.received_ms = clock_wall_ms(),
		.targets = &w->target,
		.count = 1 };
	b->under_way++;
	store_deliver(b->store, &w->deliver);
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static struct str make_message(struct buf *b, uint64_t octets)
{
	buf_put(b, STR("From: a@example.net\r\nTo: b@example.org\r\nSubject: bench\r\n"
		       "Message-ID: <bench@example.net>\r\n\r\n"));
	while (b->len + 76 < octets) {
		buf_fill(b, 'x', 74);
		buf_put(b, STR("\r\n"));
	}
	while (b->len < octets)
		buf_putc(b, 'y');
	return buf_str(b);
}

static void bench_deliveries(struct bench *b, uint64_t waiters, uint64_t seconds)
{
	struct waiter *w = mem_array(NULL, (size_t)waiters, sizeof *w);
	int64_t start = clock_mono_ms();
	double cpu = cpu_seconds(), elapsed;

	b->stop_ms = start + (int64_t)seconds * 1000;
	for (size_t i = 0; i < waiters; i++) {
		w[i] = (struct waiter){ .bench = b };
		begin(&w[i]);
	}
	store_flush(b->store);
	while (b->under_way > 0) {
		store_wait(b->store);
		store_flush(b->store);
	}
	elapsed = (double)(clock_mono_ms() - start) / 1000;
	cpu = cpu_seconds() - cpu;
	printf("%" PRIu64 " waiters, %zu octets: %.0f deliveries/s, %.1f us CPU each, %" PRIu64
	       " refused\n",
		waiters, b->message.n, (double)b->done / elapsed, cpu * 1e6 / (double)b->done,
		b->refused);
	free(w);
}

static double ms_since(struct timespec *then)
{
	struct timespec now;
	double ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (double)(now.tv_sec - then->tv_sec) * 1e3 +
	     (double)(now.tv_nsec - then->tv_nsec) / 1e6;
	*then = now;
	return ms;
}

static void bench_login(struct bench *b, uint64_t messages)
{
	struct waiter w = { .bench = b };
	struct store_listing l;
	struct store_expunge e;
	struct store_open o;
	struct timespec t = { 0 };
	struct msgid *ids;

	b->maildrops = 1;
	for (uint64_t i = 0; i < messages;) { /* in large batches: only the reading is measured */
		struct waiter *many = mem_array(NULL, 1000, sizeof *many);

		for (size_t k = 0; k < 1000; k++, i++) {
			many[k] = w;
			begin(&many[k]);
		}
		while (b->under_way > 0)
			store_wait(b->store);
		free(many);
	}
	(void)ms_since(&t);
	(void)help_open(b->store, &o, 1);
	printf("open %.2f ms", ms_since(&t));
	(void)help_list(b->store, &l, 1, o.token);
	printf(", listing of %zu messages %.2f ms", l.count, ms_since(&t));
	ids = mem_array(NULL, l.count, sizeof *ids);
	for (size_t i = 0; i < l.count; i++)
		ids[i] = l.rows[i].id;
	(void)ms_since(&t);
	(void)help_expunge(b->store, &e, &o, ids, l.count);
	printf(", deletion of %" PRIu64 " %.2f ms", e.expunged, ms_since(&t));
	store_close(b->store, 1, o.token);
	(void)help_open(b->store, &o, 1);
	printf(", next open %.2f ms\n", ms_since(&t));
	store_listing_free(&l);
	free(ids);
}

int main(int argc, char **argv)
{
	uint64_t waiters = 20, octets = 1024, seconds = 5, maildrops = 100, login = 0;
	const struct {
		struct str name;
		uint64_t *to;
	} numbers[] = { { STR("--waiters"), &waiters }, { STR("--octets"), &octets },
		{ STR("--seconds"), &seconds }, { STR("--maildrops"), &maildrops },
		{ STR("--login"), &login } };
	const char *home = "/var/tmp";
	struct disk *disk = disk_real();
	struct bench b = { 0 };
	struct err err = { 0 };
	struct buf message;
	char *dir;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (str_eq(str_c(argv[i]), STR("--dir")))
			home = argv[i + 1];
		for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
			if (str_eq(str_c(argv[i]), numbers[k].name))
				(void)str_u64(str_c(argv[i + 1]), numbers[k].to);
	}
	buf_init(&message, 0);
	dir = help_dir(home);
	b.message = make_message(&message, octets);
	b.maildrops = maildrops > 0 ? maildrops : 1;
	b.store = store_local_open(dir, disk, NULL, &err);
	if (b.store == NULL)
		return fprintf(stderr, "%s\n", err.text), 1;
	if (login > 0)
		bench_login(&b, login);
	else
		bench_deliveries(&b, waiters, seconds);
	store_close_all(b.store);
	disk->ops->free(disk);
	help_remove_tree(dir);
	free(dir);
	buf_deinit(&message);
	return 0;
}
