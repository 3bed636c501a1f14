#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "store/disk_sim.h"
#include "store_world.h"

static struct fsck_report world_fsck(struct world *w)
{
	struct fsck_report r;
	struct err err = { 0 };

	assert_int_equal(store_local_fsck(w->dir, w->disk, &r, NULL, &err), ST_OK);
	return r;
}

static uint64_t count_of(struct world *w, uint64_t maildrop)
{
	uint64_t count, octets;

	assert_int_equal(store_usage(w->store, maildrop, &count, &octets), STORE_OK);
	return count;
}

static struct str made(struct buf *b, size_t n)
{
	buf_clear(b);
	buf_put(b, STR("Message-ID: <x@y>\r\n\r\n"));
	while (b->len < n)
		buf_putc(b, (char)('a' + b->len * 7 % 26));
	return buf_str(b);
}

static void assert_reads(struct world *w, uint64_t maildrop, uint32_t id, struct str octets)
{
	assert_int_equal(help_read(w->store, &w->out, maildrop, 0, help_id(id), 10000), STORE_OK);
	assert_true(str_eq(buf_str(&w->out), octets));
}

/* ---- the ordinary way ---- */

static void fact_rows(void **state)
{
	static const struct {
		const char *name;
		struct str in;
		uint64_t header;
		bool dots;
		struct str message_id;
	} rows[] = {
		{ "plain", STR_INIT("Message-ID: <a@b>\r\n\r\nx\r\n"), 21, false,
			STR_INIT("<a@b>") },
		{ "no header", STR_INIT("\r\nx\r\n"), 2, false, STR_INIT("") },
		{ "no body", STR_INIT("A: b\r\n"), 6, false, STR_INIT("") },
		{ "empty", STR_INIT(""), 0, false, STR_INIT("") },
		{ "folded", STR_INIT("message-id:\r\n <a\r\n\t@b>\r\nX: y\r\n\r\n"), 32, false,
			STR_INIT("<a\t@b>") },
		{ "first counts", STR_INIT("Message-ID: 1\r\nMessage-ID: 2\r\n\r\n"), 32, false,
			STR_INIT("1") },
		{ "in the body only", STR_INIT("A: b\r\n\r\nMessage-ID: 1\r\n"), 8, false,
			STR_INIT("") },
		{ "dot first in body", STR_INIT("A: b\r\n\r\n.x\r\n"), 8, true, STR_INIT("") },
		{ "dot later", STR_INIT("A: b\r\n\r\nx\r\ny\r\n.\r\n"), 8, true, STR_INIT("") },
		{ "dot in header", STR_INIT(".A: b\r\n\r\nx"), 9, true, STR_INIT("") },
		{ "dot inside a line", STR_INIT("A: .b\r\n\r\nx.y\r\n"), 9, false, STR_INIT("") },
	};
	struct world w;
	uint32_t id = 0;

	(void)state;
	world_init(&w, disk_real());
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t piece = 1; piece < 5; piece++) {
			struct store_target t = { .maildrop = ++id };
			struct store_draft *draft = store_draft_new(w.store, help_id(id));
			struct store_deliver d = {
				.op.done = help_note, .draft = draft, .targets = &t, .count = 1
			};
			struct store_listing l;
			struct store_facts f;

			for (size_t at = 0; at < rows[i].in.n; at += piece)
				store_draft_append(
					draft, str_head(str_from(rows[i].in, at), piece));
			help_done = false;
			store_deliver(w.store, &d);
			assert_int_equal(help_wait(w.store), STORE_OK);
			assert_int_equal(store_facts(w.store, help_id(id), &f), STORE_OK);
			assert_int_equal(f.octets, rows[i].in.n);
			if (f.header_octets != rows[i].header ||
				!str_eq(f.message_id, rows[i].message_id))
				fail_msg("%s: header %d id '%.*s'", rows[i].name,
					(int)f.header_octets, STR_ARG(f.message_id));
			store_facts_free(&f);
			assert_int_equal(help_list(w.store, &l, id, 0), STORE_OK);
			assert_int_equal(l.count, 1);
			assert_int_equal(l.rows[0].flags, rows[i].dots ? MAILDROP_ROW_DOTS : 0);
			store_listing_free(&l);
		}
	world_deinit(&w);
}

/* The first octets come last, and everything is as if they had not. */
static void tops(void **state)
{
	static const size_t sizes[] = { 0, 1, 5000, 70000, 262144, 300000, 3 << 20 };
	static const struct str below = STR_INIT("Message-ID: <a@b>\r\n\r\n");
	struct world w;
	struct buf b = { 0 }, top = { 0 }, all = { 0 };

	(void)state;
	world_init(&w, disk_real());
	for (uint32_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
		struct store_draft *draft = store_draft_new(w.store, help_id(i + 1));
		struct store_target t = { .maildrop = 7 };
		struct store_deliver d = {
			.op.done = help_note, .draft = draft, .targets = &t, .count = 1
		};
		struct str text = made(&b, sizes[i / 2]);
		struct store_facts f;

		buf_clear(&top);
		buf_put(&top, STR("X: "));
		buf_fill(&top, 'y', i % 2 == 0 ? 1 : STORE_TOP_MAX - 5);
		buf_put(&top, STR("\r\n"));
		buf_clear(&all);
		buf_put(&all, buf_str(&top));
		buf_put(&all, below);
		buf_put(&all, text);
		store_draft_leave_top(draft, top.len);
		(void)store_draft_append(draft, below);
		for (size_t at = 0; at < text.n; at += 30000)
			(void)store_draft_append(draft, str_head(str_from(text, at), 30000));
		assert_int_equal(store_draft_size(draft), all.len);
		assert_int_equal(store_draft_put_top(draft, buf_str(&top)), STORE_OK);
		help_done = false;
		store_deliver(w.store, &d);
		assert_int_equal(help_wait(w.store), STORE_OK);
		assert_reads(&w, 7, i + 1, buf_str(&all));
		assert_int_equal(store_facts(w.store, help_id(i + 1), &f), STORE_OK);
		assert_int_equal(f.header_octets, top.len + below.n);
		assert_true(str_eq(f.message_id, STR("<a@b>")));
		store_facts_free(&f);
	}
	assert_int_equal(world_fsck(&w).corrupt, 0);
	world_deinit(&w);
	buf_deinit(&b);
	buf_deinit(&top);
	buf_deinit(&all);
}

/* Of another length than was said, or not at all: nothing is stored. */
static void tops_that_do_not_fit(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, disk_real());
	for (uint32_t i = 0; i < 3; i++) {
		struct store_draft *draft = store_draft_new(w.store, help_id(i + 1));
		struct store_target t = { .maildrop = 7 };
		struct store_deliver d = {
			.op.done = help_note, .draft = draft, .targets = &t, .count = 1
		};

		store_draft_leave_top(draft, 4);
		(void)store_draft_append(draft, STR("x\r\n"));
		if (i > 0)
			assert_int_equal(
				store_draft_put_top(draft, i == 1 ? STR("abc") : STR("abcde")),
				STORE_UNAVAILABLE);
		help_done = false;
		store_deliver(w.store, &d);
		assert_int_equal(help_wait(w.store), STORE_UNAVAILABLE);
	}
	world_deinit(&w);
}

static void delivers_and_reads(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 65535, 65536, 65537, 1 << 20, 5 << 20 };
	struct world w;
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	world_init(&w, disk_real());
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			struct str m =
				sizes[i] < 30 ? str_head(STR("x"), sizes[i]) : made(&b, sizes[i]);

			if (round == 0)
				assert_int_equal(help_deliver(w.store, i, 7, m), STORE_OK);
			assert_reads(&w, 7, i, m);
			assert_int_equal(
				help_read(w.store, &w.out, 8, 0, help_id(i), 100), STORE_NOT_FOUND);
		}
		assert_int_equal(count_of(&w, 7), sizeof sizes / sizeof *sizes);
		if (round == 0) {
			struct fsck_report r = world_fsck(&w); /* beside the open store */

			assert_int_equal(r.messages, sizeof sizes / sizeof *sizes);
			assert_int_equal(r.corrupt + r.missing + r.torn + r.index_differs, 0);
			world_reopen(&w);
		} else if (round == 1) {
			struct err err = { 0 };

			assert_int_equal(store_local_rebuild(w.dir, w.disk, &err), ST_TEMP);
			store_close_all(w.store);
			assert_int_equal(store_local_rebuild(w.dir, w.disk, NULL), ST_OK);
			world_open(&w);
		}
	}
	world_deinit(&w);
	buf_deinit(&b);
}

static void many_targets(void **state)
{
	struct store_target t[60];
	struct world w;
	struct store_listing l;

	(void)state;
	world_init(&w, disk_real());
	for (size_t i = 0; i < 60; i++)
		t[i] = (struct store_target){ .maildrop = 1 + i % 20, .recipient = STR("r@x") };
	t[0].uidl = STR("old-uidl-1");
	assert_int_equal(help_deliver_to(w.store, help_id(1), STR("\r\none"), t, 60), STORE_OK);
	assert_int_equal(help_deliver_to(w.store, help_id(2), STR("\r\ntwo"), t, 3), STORE_OK);
	for (uint64_t i = 1; i <= 20; i++)
		assert_int_equal(count_of(&w, i), i <= 3 ? 2 : 1);
	world_reopen(&w);
	assert_int_equal(help_list(w.store, &l, 1, 0), STORE_OK);
	assert_int_equal(l.count, 2);
	assert_true(msgid_eq(l.rows[0].id, help_id(1)) && msgid_eq(l.rows[1].id, help_id(2)));
	assert_true(
		str_eq(str_of(l.uidls + l.rows[0].uidl_at, l.rows[0].uidl_len), STR("old-uidl-1")));
	store_listing_free(&l);
	assert_int_equal(help_list(w.store, &l, 2, 0), STORE_OK);
	assert_int_equal(l.rows[0].uidl_len, 0);
	store_listing_free(&l);
	t[0].uidl = STR("not good");
	assert_int_equal(help_deliver_to(w.store, help_id(3), STR("x"), t, 1), STORE_CONFLICT);
	t[0] = (struct store_target){ .maildrop = 0 };
	assert_int_equal(help_deliver_to(w.store, help_id(3), STR("x"), t, 1), STORE_CONFLICT);
	world_deinit(&w);
}

static void same_id_again(void **state)
{
	struct world w;
	struct store_open o;
	struct store_expunge e;
	struct msgid id = help_id(1);

	(void)state;
	world_init(&w, disk_real());
	for (int round = 0; round < 4; round++) {
		assert_int_equal(help_deliver(w.store, 1, 7, STR("\r\nsame")), STORE_OK);
		assert_int_equal(help_deliver(w.store, 1, 7, STR("\r\nelse")), STORE_CONFLICT);
		assert_int_equal(help_deliver(w.store, 1, 8, STR("\r\nsame")), STORE_CONFLICT);
		assert_int_equal(count_of(&w, 7), round < 2 ? 1 : 0);
		assert_int_equal(count_of(&w, 8), 0);
		if (round == 1) { /* and what was deleted does not come back */
			assert_int_equal(help_open(w.store, &o, 7), STORE_OK);
			assert_int_equal(help_expunge(w.store, &e, &o, &id, 1), STORE_OK);
			store_close(w.store, 7, o.token);
		}
		world_reopen(&w);
	}
	world_deinit(&w);
}

static void same_id_while_under_way(void **state)
{
	struct world w;
	struct store_target t = { .maildrop = 1 };
	struct store_deliver d[2];

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	for (size_t i = 0; i < 2; i++) {
		d[i] = (struct store_deliver){ .op.done = help_note,
			.draft = store_draft_new(w.store, help_id(1)),
			.targets = &t,
			.count = 1 };
		help_done = false;
		store_deliver(w.store, &d[i]);
	}
	assert_true(help_done && help_result == STORE_UNKNOWN);
	help_done = false;
	assert_int_equal(help_wait(w.store), STORE_OK);
	assert_int_equal(count_of(&w, 1), 1);
	world_deinit(&w);
}

static void leases(void **state)
{
	struct world w;
	struct store_open o, other;
	struct store_listing l;
	struct store_expunge e;
	struct msgid ids[3] = { help_id(2), help_id(99), help_id(4) };

	(void)state;
	world_init(&w, disk_real());
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(help_deliver(w.store, i, 7, STR("\r\n12345678")), STORE_OK);
	assert_int_equal(help_open(w.store, &o, 7), STORE_OK);
	assert_int_equal(o.count, 3);
	assert_int_equal(o.octets, 30);
	assert_int_equal(help_open(w.store, &other, 7), STORE_BUSY);
	assert_int_equal(help_open(w.store, &other, 8), STORE_OK);
	assert_int_equal(other.count, 0);
	assert_int_equal(help_deliver(w.store, 4, 7, STR("\r\nlater")), STORE_OK);
	assert_int_equal(help_list(w.store, &l, 7, o.token), STORE_OK);
	assert_int_equal(l.count, 3); /* mail that came since is not seen */
	store_listing_free(&l);
	assert_int_equal(help_list(w.store, &l, 7, o.token ^ 1), STORE_CONFLICT);
	assert_int_equal(help_read(w.store, &w.out, 7, o.token, help_id(4), 100), STORE_NOT_FOUND);
	assert_int_equal(help_read(w.store, &w.out, 7, o.token, help_id(3), 3), STORE_OK);
	assert_int_equal(help_expunge(w.store, &e, &o, ids, 3), STORE_OK);
	assert_int_equal(e.expunged, 1); /* 99 never was, 4 was not seen */
	assert_int_equal(help_expunge(w.store, &e, &o, ids, 3), STORE_OK);
	assert_int_equal(e.expunged, 0);
	store_close(w.store, 7, o.token);
	assert_int_equal(help_expunge(w.store, &e, &o, ids, 3), STORE_CONFLICT);
	assert_int_equal(help_open(w.store, &other, 7), STORE_OK);
	assert_int_equal(other.count, 3);
	world_reopen(&w); /* leases die with the store */
	assert_int_equal(help_open(w.store, &other, 7), STORE_OK);
	assert_int_equal(other.count, 3);
	assert_int_equal(help_list(w.store, &l, 7, other.token), STORE_OK);
	assert_true(msgid_eq(l.rows[2].id, help_id(4)));
	store_listing_free(&l);
	assert_int_equal(help_read(w.store, &w.out, 7, 0, help_id(2), 100), STORE_NOT_FOUND);
	world_deinit(&w);
}

static enum store_result read_one(struct world *w, const struct store_open *o, uint32_t id)
{
	char octets[20];
	enum store_result r = help_read(w->store, &w->out, 7, o->token, help_id(id), 100);

	if (r == STORE_OK) {
		snprintf(octets, sizeof octets, "\r\nmessage %u", id);
		assert_true(str_eq(buf_str(&w->out), str_c(octets)));
	}
	return r;
}

/* What was looked up ahead for who reads in order is what is there. */
static void reads_in_order(void **state)
{
	struct world w;
	struct store_open o;
	struct store_expunge e;
	struct msgid gone[] = { help_id(24), help_id(25) };
	char octets[20];

	(void)state;
	world_init(&w, disk_real());
	for (uint32_t i = 1; i <= 50; i++) {
		snprintf(octets, sizeof octets, "\r\nmessage %u", i);
		assert_int_equal(
			help_deliver(w.store, i, i == 22 ? 8 : 7, str_c(octets)), STORE_OK);
		if (i == 45)
			assert_int_equal(help_open(w.store, &o, 7), STORE_OK);
	}
	for (uint32_t i = 1; i < 22; i++)
		assert_int_equal(read_one(&w, &o, i), STORE_OK);
	assert_int_equal(read_one(&w, &o, 22), STORE_NOT_FOUND); /* another's */
	assert_int_equal(read_one(&w, &o, 23), STORE_OK);
	assert_int_equal(read_one(&w, &o, 25), STORE_OK);
	assert_int_equal(read_one(&w, &o, 26), STORE_OK);
	assert_int_equal(read_one(&w, &o, 21), STORE_OK);
	assert_int_equal(read_one(&w, &o, 22), STORE_NOT_FOUND);
	assert_int_equal(read_one(&w, &o, 23), STORE_OK);
	assert_int_equal(help_expunge(w.store, &e, &o, gone, 2), STORE_OK);
	assert_int_equal(e.expunged, 2);
	assert_int_equal(read_one(&w, &o, 24), STORE_NOT_FOUND);
	assert_int_equal(read_one(&w, &o, 25), STORE_NOT_FOUND);
	for (uint32_t i = 26; i <= 45; i++)
		assert_int_equal(read_one(&w, &o, i), STORE_OK);
	for (uint32_t i = 46; i <= 50; i++)
		assert_int_equal(read_one(&w, &o, i), STORE_NOT_FOUND); /* came later */
	store_close(w.store, 7, o.token);
	world_deinit(&w);
}

static void drops_a_maildrop(void **state)
{
	struct world w;
	struct store_target t[2] = { { .maildrop = 1 }, { .maildrop = 2 } };
	struct store_drop d = { .op.done = help_note, .maildrop = 1 };
	struct store_open o;
	struct store_listing l;

	(void)state;
	world_init(&w, disk_real());
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(
			help_deliver_to(w.store, help_id(i), STR("\r\nx"), t, 2), STORE_OK);
	assert_int_equal(help_open(w.store, &o, 1), STORE_OK);
	help_done = false;
	store_drop(w.store, &d);
	assert_int_equal(help_wait(w.store), STORE_OK);
	assert_int_equal(help_list(w.store, &l, 1, o.token), STORE_CONFLICT);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(count_of(&w, 1), 0);
		assert_int_equal(count_of(&w, 2), 5);
		assert_int_equal(world_fsck(&w).index_differs, 0);
		world_reopen(&w);
	}
	world_deinit(&w);
}

static void only_one_at_a_time(void **state)
{
	struct err err = { 0 };
	struct world w;
	struct stat st;

	(void)state;
	world_init(&w, disk_real());
	assert_null(store_local_open(w.dir, w.disk, &w.config, &err));
	assert_int_equal(err.code, ST_TEMP);
	assert_int_equal(stat(w.dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	world_deinit(&w);
}

/* Segments are small here: the journal goes over many of them. */
static void many_segments(void **state)
{
	struct world w;
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	world_init(&w, disk_real());
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(help_deliver(w.store, i, 1 + i % 3, made(&b, 40000)), STORE_OK);
	for (int round = 0; round < 2; round++) {
		struct fsck_report r = world_fsck(&w);

		assert_true(r.segments >= 4);
		assert_int_equal(r.messages, 100);
		assert_int_equal(r.corrupt + r.missing + r.torn + r.index_differs, 0);
		assert_int_equal(count_of(&w, 1), 34);
		assert_reads(&w, 1, 0, buf_str(&b));
		assert_reads(&w, 1, 99, buf_str(&b));
		world_reopen(&w);
	}
	world_deinit(&w);
	buf_deinit(&b);
}

/* ---- damage ---- */

static char *first_segment(const struct world *w)
{
	struct buf b;

	buf_init(&b, 0);
	buf_printf(&b, "%s/journal/00000001.seg", w->dir);
	return buf_steal_c(&b);
}

static void remove_index(const struct world *w)
{
	struct buf b;
	char *path;

	buf_init(&b, 0);
	buf_printf(&b, "%s/index.sqlite", w->dir);
	path = buf_steal_c(&b);
	assert_int_equal(unlink(path), 0);
	free(path);
}

/* 10 messages of 1000 octets; record i begins at 8192 + i * size. */
static void damage_in_the_middle(void **state)
{
	static const struct {
		const char *name;
		uint64_t at;
		size_t n;
		uint64_t listed, corrupt, unreadable; /* after the index was made anew */
		bool seal;                            /* closed cleanly before */
	} rows[] = {
		{ "body", 8192 + 3 * 1144 + 500, 4, 10, 1, 1, false },
		{ "head", 8192 + 3 * 1144 + 8, 4, 9, 1, 0, false },
		{ "several", 8192 + 3 * 1144 + 8, 2400, 7, 1, 0, false },
		{ "first header copy", 0, 512, 10, 0, 0, false },
		{ "both header copies", 0, 8192, 0, 1, 0, false },
		{ "last, sealed", 8192 + 9 * 1144 + 8, 4, 9, 1, 0, true },
		{ "last body, sealed", 8192 + 9 * 1144 + 500, 4, 10, 1, 1, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fsck_report r;
		uint64_t unreadable = 0;
		struct world w;
		struct buf b;
		char *path;

		buf_init(&b, 0);
		world_init(&w, disk_sim_new("/tmp"));
		for (uint32_t k = 0; k < 10; k++)
			assert_int_equal(help_deliver(w.store, k, 1, made(&b, 1000)), STORE_OK);
		if (!rows[i].seal) /* as after a crash: no clean end */
			disk_sim_die_after(w.disk, 0);
		store_close_all(w.store);
		if (!rows[i].seal)
			disk_sim_power_cut(w.disk, 1);
		path = first_segment(&w);
		disk_sim_damage(w.disk, path, rows[i].at, rows[i].n);
		free(path);
		remove_index(&w);
		world_open(&w);
		if (count_of(&w, 1) != rows[i].listed)
			fail_msg("%s: %d listed", rows[i].name, (int)count_of(&w, 1));
		for (uint32_t k = 0; k < 10; k++) {
			enum store_result result =
				help_read(w.store, &w.out, 1, 0, help_id(k), 300);

			if (result == STORE_OK)
				assert_true(str_eq(buf_str(&w.out), buf_str(&b)));
			else if (result == STORE_CORRUPT)
				unreadable++;
			else
				assert_int_equal(result, STORE_NOT_FOUND);
		}
		assert_int_equal(unreadable, rows[i].unreadable);
		r = world_fsck(&w);
		assert_int_equal(r.corrupt, rows[i].corrupt);
		assert_int_equal(r.index_differs, 0);
		/* life goes on */
		assert_int_equal(help_deliver(w.store, 100, 1, STR("\r\nnew")), STORE_OK);
		assert_reads(&w, 1, 100, STR("\r\nnew"));
		world_deinit(&w);
		buf_deinit(&b);
	}
}

static void large_file_damaged(void **state)
{
	struct world w;
	struct buf b;
	char path[256], text[MSGID_TEXT + 1];

	(void)state;
	buf_init(&b, 0);
	world_init(&w, disk_sim_new("/tmp"));
	assert_int_equal(help_deliver(w.store, 1, 1, made(&b, 200000)), STORE_OK);
	msgid_text(help_id(1), text);
	(void)snprintf(path, sizeof path, "%s/blob/01/%s", w.dir, text);
	disk_sim_damage(w.disk, path, 150000, 1);
	assert_int_equal(help_read(w.store, &w.out, 1, 0, help_id(1), 10000), STORE_CORRUPT);
	assert_int_equal(world_fsck(&w).missing, 1);
	world_deinit(&w);
	buf_deinit(&b);
}

static void count_name(void *arg, const char *name)
{
	*(size_t *)arg += name[0] != '.';
}

static size_t files_in(struct world *w, unsigned home)
{
	char path[256];
	size_t n = 0;

	(void)snprintf(path, sizeof path, "%s/blob/%02x", w->dir, home);
	assert_int_equal(w->disk->ops->list(w->disk, path, count_name, &n), 0);
	return n;
}

/* As a crash leaves it behind. */
static void put_file(struct world *w, unsigned home, const char *name, struct str octets)
{
	struct iovec iov = { (void *)(uintptr_t)octets.p, octets.n };
	char path[256];
	int file;

	(void)snprintf(path, sizeof path, "%s/blob/%02x/%s", w->dir, home, name);
	file = w->disk->ops->open(w->disk, path, true);
	assert_true(file >= 0);
	assert_int_equal(w->disk->ops->write(w->disk, file, &iov, 1, 0), octets.n);
	(void)w->disk->ops->close(w->disk, file);
}

static void files_of_nobody(void **state)
{
	struct store_target onward = { .recipient = STR("c@example.net") };
	struct store_orphans found;
	struct store_expunge e;
	struct store_open o;
	struct msgid gone = help_id(0x201);
	struct world w;
	struct buf b;
	char text[MSGID_TEXT + 1];

	(void)state;
	buf_init(&b, 0);
	world_init(&w, disk_real());
	assert_int_equal(help_deliver(w.store, 0x101, 1, made(&b, 100000)), STORE_OK);
	assert_int_equal(help_deliver(w.store, 0x201, 2, made(&b, 100000)), STORE_OK);
	assert_int_equal(
		help_deliver_to(w.store, help_id(0x301), made(&b, 100000), &onward, 1), STORE_OK);
	/* Deleted, and can be restored. */
	assert_int_equal(help_open(w.store, &o, 2), STORE_OK);
	assert_int_equal(help_expunge(w.store, &e, &o, &gone, 1), STORE_OK);
	store_close(w.store, 2, o.token);
	msgid_text(help_id(0x401), text);
	put_file(&w, 1, text, STR("nobody's"));
	put_file(&w, 2, text, STR("not where it would be"));
	put_file(&w, 1, "notes", STR("of the administrator"));
	assert_int_equal(files_in(&w, 1), 5);

	assert_int_equal(store_local_remove_orphans(w.store, 2, &found), STORE_OK);
	assert_int_equal(found.files, 0);
	assert_int_equal(store_local_remove_orphans(w.store, 1, &found), STORE_OK);
	assert_int_equal(found.files, 1);
	assert_int_equal(found.octets, 8);
	assert_int_equal(store_local_remove_orphans(w.store, 1, &found), STORE_OK);
	assert_int_equal(found.files, 0);
	assert_int_equal(files_in(&w, 1), 4);
	assert_int_equal(world_fsck(&w).missing, 0);
	world_deinit(&w);
	buf_deinit(&b);
}

/* Its file has its name before its record is written; nobody will ask for it. */
static void file_of_a_refused_message(void **state)
{
	size_t failed = 0;
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	for (unsigned k = 1; k < 8; k++) {
		struct store_orphans found;
		enum store_result result;
		struct world w;

		world_init(&w, disk_sim_new("/tmp"));
		assert_int_equal(help_deliver(w.store, 0, 1, STR("\r\nx")), STORE_OK);
		disk_sim_fail(w.disk, SIM_SYNC, k, -EIO, false);
		result = help_deliver(w.store, 1, 1, made(&b, 100000));
		disk_sim_fail(w.disk, SIM_SYNC, 0, 0, false);
		failed += result != STORE_OK;
		if (files_in(&w, 1) != (result == STORE_OK))
			fail_msg("sync %u: result %d, %zu files", k, (int)result, files_in(&w, 1));
		assert_int_equal(store_local_remove_orphans(w.store, 1, &found), STORE_OK);
		assert_int_equal(found.files, 0);
		world_deinit(&w);
	}
	assert_true(failed > 1);
	buf_deinit(&b);
}

/* Where nobody knows whether the record is there, the file may be wanted after the next start. */
static void file_of_a_doubtful_message(void **state)
{
	struct store_orphans found;
	struct world w;
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	world_init(&w, disk_sim_new("/tmp"));
	assert_int_equal(help_deliver(w.store, 0, 1, STR("\r\nx")), STORE_OK);
	disk_sim_fail(w.disk, SIM_SYNC, 3, -EIO, true);
	assert_int_equal(help_deliver(w.store, 1, 1, made(&b, 100000)), STORE_UNKNOWN);
	assert_int_equal(store_local_remove_orphans(w.store, 1, &found), STORE_UNAVAILABLE);
	assert_int_equal(files_in(&w, 1), 1);
	disk_sim_fail(w.disk, SIM_SYNC, 0, 0, false);
	/* The next segment says where the one before ends: now it is known. */
	assert_int_equal(help_deliver(w.store, 2, 1, STR("\r\ny")), STORE_OK);
	assert_int_equal(store_local_remove_orphans(w.store, 1, &found), STORE_OK);
	assert_int_equal(found.files, 1);
	world_deinit(&w);
	buf_deinit(&b);
}

static void index_damaged(void **state)
{
	struct world w;
	char path[256];
	int fd;

	(void)state;
	world_init(&w, disk_real());
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(help_deliver(w.store, i, 1, STR("\r\nx")), STORE_OK);
	store_close_all(w.store);
	(void)snprintf(path, sizeof path, "%s/index.sqlite", w.dir);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "rubbish", 7, 0), 7);
	close(fd);
	world_open(&w);
	assert_int_equal(count_of(&w, 1), 50);
	world_deinit(&w);
}

static void newer_version_is_left_alone(void **state)
{
	struct err err = { 0 };
	struct world w;
	char *path;
	int fd;

	(void)state;
	world_init(&w, disk_real());
	assert_int_equal(help_deliver(w.store, 1, 1, STR("\r\nx")), STORE_OK);
	store_close_all(w.store);
	path = first_segment(&w);
	fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, "\x02", 1, 8), 1);
	close(fd);
	assert_null(store_local_open(w.dir, w.disk, &w.config, &err));
	assert_int_equal(err.code, ST_PERM);
	fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, "\x01", 1, 8), 1);
	close(fd);
	free(path);
	world_open(&w);
	assert_int_equal(count_of(&w, 1), 1);
	world_deinit(&w);
}

/* ---- faults ---- */

/* A refused message never appears: not now, not after a power cut that kept every octet of it. */
static void failed_sync(void **state)
{
	struct world w;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		world_init(&w, disk_sim_new("/tmp"));
		if (seed % 2 != 0)
			disk_sim_at_once(w.disk);
		assert_int_equal(help_deliver(w.store, 1, 1, STR("\r\none")), STORE_OK);
		disk_sim_fail(w.disk, SIM_SYNC, 1, -EIO, false);
		assert_int_equal(help_deliver(w.store, 2, 1, STR("\r\ntwo")), STORE_UNAVAILABLE);
		assert_int_equal(count_of(&w, 1), 1);
		assert_int_equal(help_deliver(w.store, 3, 1, STR("\r\nthree")), STORE_OK);
		disk_sim_die_after(w.disk, 0);
		store_close_all(w.store);
		disk_sim_power_cut(w.disk, seed);
		remove_index(&w);
		world_open(&w);
		assert_int_equal(count_of(&w, 1), 2);
		assert_reads(&w, 1, 1, STR("\r\none"));
		assert_reads(&w, 1, 3, STR("\r\nthree"));
		assert_int_equal(help_read(w.store, &w.out, 1, 0, help_id(2), 9), STORE_NOT_FOUND);
		assert_int_equal(world_fsck(&w).corrupt, 0);
		world_deinit(&w);
	}
}

/* Nothing can be made durable any more: the answer is "unknown", and reading goes on. */
static void dying_disk(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	assert_int_equal(help_deliver(w.store, 1, 1, STR("\r\none")), STORE_OK);
	disk_sim_fail(w.disk, SIM_SYNC, 1, -EIO, true);
	assert_int_equal(help_deliver(w.store, 2, 1, STR("\r\ntwo")), STORE_UNKNOWN);
	assert_int_equal(help_deliver(w.store, 3, 1, STR("\r\nthree")), STORE_UNAVAILABLE);
	assert_reads(&w, 1, 1, STR("\r\none"));
	disk_sim_fail(w.disk, SIM_SYNC, 0, 0, false);
	assert_int_equal(help_deliver(w.store, 2, 1, STR("\r\ntwo")), STORE_OK);
	assert_int_equal(count_of(&w, 1), 2);
	world_deinit(&w);
}

/* The sync fails, the server is killed before it can do anything about it, and started: the next sync
 * says yes and writes nothing.  What is shown then must still survive. */
static void failed_sync_and_killed(void **state)
{
	struct world w;
	uint64_t count;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		world_init(&w, disk_sim_new("/tmp"));
		assert_int_equal(help_deliver(w.store, 1, 1, STR("\r\none")), STORE_OK);
		disk_sim_fail(w.disk, SIM_SYNC, 1, -EIO, false);
		disk_sim_die_after(w.disk, 1); /* the write of the record is the last that works */
		assert_int_equal(help_deliver(w.store, 2, 1, STR("\r\ntwo")), STORE_UNKNOWN);
		store_close_all(w.store);
		disk_sim_killed(w.disk);
		world_open(&w);
		count = count_of(&w, 1);
		assert_int_equal(count, 2); /* whole in the cache, though nobody was told */
		disk_sim_die_after(w.disk, 0);
		store_close_all(w.store);
		disk_sim_power_cut(w.disk, seed);
		remove_index(&w);
		world_open(&w);
		assert_int_equal(count_of(&w, 1), count);
		assert_int_equal(world_fsck(&w).corrupt, 0);
		world_deinit(&w);
	}
}

/* After a clean end there is nothing to make durable before there is something new. */
static void reads_without_a_sync(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, disk_sim_new("/tmp"));
	assert_int_equal(help_deliver(w.store, 1, 1, STR("\r\none")), STORE_OK);
	store_close_all(w.store);
	disk_sim_fail(w.disk, SIM_SYNC, 1, -EIO, true);
	disk_sim_fail(w.disk, SIM_WRITE, 1, -EIO, true);
	for (int life = 0; life < 2; life++) {
		world_open(&w);
		assert_reads(&w, 1, 1, STR("\r\none"));
		store_close_all(w.store);
	}
	disk_sim_fail(w.disk, SIM_SYNC, 0, 0, false);
	disk_sim_fail(w.disk, SIM_WRITE, 0, 0, false);
	world_open(&w);
	/* The seal, two directories above the segments, the new segment, its name, the record. */
	for (unsigned k = 1; k <= 6; k++) {
		world_reopen(&w);
		disk_sim_fail(w.disk, SIM_SYNC, k, -EIO, false);
		assert_int_equal(
			help_deliver(w.store, 10 + k, 1, STR("\r\ntwo")), STORE_UNAVAILABLE);
		assert_int_equal(help_deliver(w.store, 20 + k, 1, STR("\r\ntwo")), STORE_OK);
	}
	assert_int_equal(count_of(&w, 1), 7);
	world_deinit(&w);
}

/* A seal that is in the cache only, as its sync failed, is made durable before a later segment counts on it. */
static void seal_not_synced(void **state)
{
	struct world w;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		world_init(&w, disk_sim_new("/tmp"));
		assert_int_equal(help_deliver(w.store, 1, 1, STR("\r\none")), STORE_OK);
		disk_sim_fail(w.disk, SIM_SYNC, 1, -EIO, false);
		world_reopen(&w);
		if (seed % 2 != 0)
			world_reopen(&w);
		assert_int_equal(help_deliver(w.store, 2, 1, STR("\r\ntwo")), STORE_OK);
		disk_sim_die_after(w.disk, 0);
		store_close_all(w.store);
		disk_sim_power_cut(w.disk, seed);
		remove_index(&w);
		world_open(&w);
		assert_reads(&w, 1, 1, STR("\r\none"));
		assert_reads(&w, 1, 2, STR("\r\ntwo"));
		assert_int_equal(world_fsck(&w).corrupt, 0);
		world_deinit(&w);
	}
}

/* A large message whose file cannot be synced does not take its neighbours with it. */
static enum store_result answers[2];
static unsigned answered;

static void answer(struct store_op *op, enum store_result result)
{
	(void)op;
	answers[answered++] = result;
}

static void large_file_not_synced(void **state)
{
	static struct store_target t = { .maildrop = 1 };
	struct store_deliver d[2];
	struct world w;
	struct buf b;

	(void)state;
	answered = 0;
	buf_init(&b, 0);
	world_init(&w, disk_sim_new("/tmp"));
	assert_int_equal(help_deliver(w.store, 9, 2, STR("x")), STORE_OK); /* begins a segment */
	for (uint32_t i = 0; i < 2; i++) {
		d[i] = (struct store_deliver){ .op.done = answer,
			.draft = store_draft_new(w.store, help_id(i)),
			.targets = &t,
			.count = 1 };
		store_draft_append(d[i].draft, made(&b, i == 0 ? 100 : 100000));
		store_deliver(w.store, &d[i]);
	}
	disk_sim_fail(w.disk, SIM_SYNC, 1, -EIO, false);
	store_flush(w.store);
	while (answered < 2)
		store_wait(w.store);
	assert_int_equal(answers[0], STORE_UNAVAILABLE); /* the large one answers first */
	assert_int_equal(answers[1], STORE_OK);
	assert_int_equal(count_of(&w, 1), 1);
	world_deinit(&w);
	buf_deinit(&b);
}

static void full_disk(void **state)
{
	struct world w;
	struct buf b;
	uint32_t n = 0;
	struct store_open o;
	struct store_expunge e;
	enum store_result result;

	(void)state;
	buf_init(&b, 0);
	world_init(&w, disk_sim_new("/tmp"));
	disk_sim_capacity(w.disk, disk_sim_used(w.disk) + (3 << 20));
	while ((result = help_deliver(w.store, n, 1, made(&b, 30000))) == STORE_OK)
		n++;
	assert_int_equal(result, STORE_FULL);
	assert_true(n > 80);
	assert_int_equal(help_deliver(w.store, 1000, 1, made(&b, 30000)), STORE_FULL);
	assert_int_equal(help_deliver(w.store, 1001, 1, made(&b, 900000)), STORE_FULL); /* a file */
	made(&b, 30000);
	assert_reads(&w, 1, 0, buf_str(&b));
	for (int round = 0; round < 2; round++) { /* also after a restart on the full disk */
		assert_int_equal(help_open(w.store, &o, 1), STORE_OK);
		assert_int_equal(o.count, n - (uint32_t)round * 40);
		for (uint32_t i = 0; i < 40; i++) {
			struct msgid id = help_id((uint32_t)round * 40 + i);

			assert_int_equal(help_expunge(w.store, &e, &o, &id, 1), STORE_OK);
		}
		disk_sim_capacity(w.disk, disk_sim_used(w.disk) + 100000);
		world_reopen(&w);
	}
	assert_int_equal(count_of(&w, 1), n - 80);
	disk_sim_capacity(w.disk, UINT64_MAX); /* there is room again: no restart needed */
	assert_int_equal(help_deliver(w.store, 1000, 1, made(&b, 30000)), STORE_OK);
	assert_int_equal(help_deliver(w.store, 1001, 1, made(&b, 200000)), STORE_OK);
	assert_int_equal(world_fsck(&w).index_differs, 0);
	world_deinit(&w);
	buf_deinit(&b);
}

/* Fails every k-th call of every kind, one at a time: whatever is answered must be true. */
static void each_call_fails_once(void **state)
{
	static const enum disk_sim_call calls[] = { SIM_OPEN, SIM_WRITE, SIM_ALLOCATE, SIM_SYNC,
		SIM_LINK };
	static const int errors[] = { -EIO, -ENOSPC };
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	for (size_t c = 0; c < 5; c++)
		for (unsigned k = 1; k <= 24; k++) {
			bool there[8] = { 0 };
			struct world w;

			world_init(&w, disk_sim_new("/tmp"));
			if (k > 12)
				disk_sim_at_once(w.disk);
			disk_sim_fail(w.disk, calls[c], (k - 1) % 12 + 1, errors[k % 2], false);
			for (uint32_t i = 0; i < 8; i++) {
				enum store_result r = help_deliver(
					w.store, i, 1, made(&b, i % 3 == 1 ? 70000 : 500));

				there[i] = r == STORE_OK;
				assert_int_not_equal(r, STORE_UNKNOWN);
			}
			disk_sim_die_after(w.disk, 0);
			store_close_all(w.store);
			disk_sim_power_cut(w.disk, k);
			world_open(&w);
			for (uint32_t i = 0; i < 8; i++)
				if (there[i])
					assert_reads(&w, 1, i, made(&b, i % 3 == 1 ? 70000 : 500));
				else
					assert_int_equal(
						help_read(w.store, &w.out, 1, 0, help_id(i), 9),
						STORE_NOT_FOUND);
			world_deinit(&w);
		}
	buf_deinit(&b);
}

/* What cannot be read when the store begins may be readable a moment later: nobody may judge by it what was
 * promised.  From the k-th read on nothing can be read; afterwards everything. */
static void reads_fail_at_the_beginning(void **state)
{
	bool refused = false, opened = false;

	(void)state;
	for (unsigned k = 1; k <= 40; k++) {
		struct store_open o;
		struct store_expunge e;
		struct msgid id = help_id(3);
		struct world w;
		struct buf b;

		buf_init(&b, 0);
		world_init(&w, disk_sim_new("/tmp"));
		for (uint32_t i = 0; i < 6; i++)
			assert_int_equal(help_deliver(w.store, i, 1, made(&b, 1000)), STORE_OK);
		assert_int_equal(help_open(w.store, &o, 1), STORE_OK);
		assert_int_equal(help_expunge(w.store, &e, &o, &id, 1), STORE_OK);
		disk_sim_die_after(w.disk, 0);
		store_close_all(w.store);
		disk_sim_power_cut(w.disk, k);
		if (k % 2 == 0)
			remove_index(&w);
		disk_sim_fail(w.disk, SIM_READ, k, -EIO, true);
		w.store = store_local_open(w.dir, w.disk, &w.config, NULL);
		refused |= w.store == NULL;
		opened |= w.store != NULL;
		disk_sim_fail(w.disk, SIM_READ, 0, 0, false);
		if (w.store != NULL) {
			assert_int_equal(help_deliver(w.store, 100, 1, made(&b, 1000)), STORE_OK);
			store_close_all(w.store);
		}
		world_open(&w);
		for (uint32_t i = 0; i < 6; i++)
			if (i == 3)
				assert_int_equal(help_read(w.store, &w.out, 1, 0, help_id(i), 9),
					STORE_NOT_FOUND);
			else
				assert_reads(&w, 1, i, made(&b, 1000));
		world_deinit(&w);
		buf_deinit(&b);
	}
	assert_true(refused && opened);
}

/* With a name as argument: that test alone. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fact_rows),
		cmocka_unit_test(tops),
		cmocka_unit_test(tops_that_do_not_fit),
		cmocka_unit_test(delivers_and_reads),
		cmocka_unit_test(many_targets),
		cmocka_unit_test(same_id_again),
		cmocka_unit_test(same_id_while_under_way),
		cmocka_unit_test(leases),
		cmocka_unit_test(reads_in_order),
		cmocka_unit_test(drops_a_maildrop),
		cmocka_unit_test(only_one_at_a_time),
		cmocka_unit_test(many_segments),
		cmocka_unit_test(damage_in_the_middle),
		cmocka_unit_test(large_file_damaged),
		cmocka_unit_test(files_of_nobody),
		cmocka_unit_test(file_of_a_refused_message),
		cmocka_unit_test(file_of_a_doubtful_message),
		cmocka_unit_test(index_damaged),
		cmocka_unit_test(newer_version_is_left_alone),
		cmocka_unit_test(failed_sync),
		cmocka_unit_test(failed_sync_and_killed),
		cmocka_unit_test(reads_without_a_sync),
		cmocka_unit_test(seal_not_synced),
		cmocka_unit_test(dying_disk),
		cmocka_unit_test(large_file_not_synced),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(each_call_fails_once),
		cmocka_unit_test(reads_fail_at_the_beginning),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	log_init(2, getenv("TEST_LOG") != NULL ? LOG_L_INFO : LOG_L_ERROR + 1, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
