/* fuzz_store.h -- a small store that every input finds as it was left: some mail, something that goes on,
 * something deleted; and a tour that asks the store everything.  On a memory file system. */
#ifndef RESTANTE_TESTS_FUZZ_STORE_H
#define RESTANTE_TESTS_FUZZ_STORE_H

#include <string.h>
#include <sys/stat.h>

#include "store/local.h"
#include "unit/store_help.h"

enum { FUZZ_FILES = 16, FUZZ_DROPS = 3, FUZZ_IDS = 4, FUZZ_ROOM = 4096 };

static struct {
	struct disk *disk;
	char *dir;
	struct store_local_config config;
	struct fuzz_file { /* as they were left */
		char path[128];
		struct buf octets;
	} files[FUZZ_FILES];
	size_t count;
} fuzz;

static void check(bool truth)
{
	if (!truth)
		abort();
}

static struct store *fuzz_open(void)
{
	struct err err = { ST_OK, "" };
	struct store *s = store_local_open(fuzz.dir, fuzz.disk, &fuzz.config, &err);

	check(s != NULL || (err.code != ST_OK && err.text[0] != '\0'));
	return s;
}

/* ---- what is there ---- */

static void fuzz_fill(struct store *s)
{
	const struct store_target targets[] = {
		{ .maildrop = 1, .recipient = STR("b@example.net"), .uidl = STR("own-uidl") },
		{ .maildrop = 2, .recipient = STR("c@example.net") },
		{ .recipient = STR("far@else.test"), .orcpt = STR("rfc822;x") },
		{ .recipient = STR("off@else.test"), .notify = 1 },
	};
	static char large[3000];
	struct store_expunge e;
	struct store_open o;
	struct msgid gone = help_id(3);

	memset(large, 'l', sizeof large);
	check(help_deliver_to(s, help_id(1), STR("Subject: one\r\n\r\n.one\r\n"), targets, 4) ==
		STORE_OK);
	check(help_deliver_to(s, help_id(2), str_of(large, sizeof large), targets, 2) == STORE_OK);
	check(help_deliver(s, 3, 1, STR("a: b\r\n\r\nthree\r\n")) == STORE_OK);
	check(help_open(s, &o, 1) == STORE_OK);
	check(help_expunge(s, &e, &o, &gone, 1) == STORE_OK);
	store_close(s, 1, o.token);
}

static int fuzz_keep(const char *path, const struct stat *st, int type, struct FTW *at)
{
	struct fuzz_file *f = &fuzz.files[fuzz.count];
	FILE *in;

	(void)at;
	if (type != FTW_F)
		return 0;
	check(fuzz.count++ < FUZZ_FILES);
	snprintf(f->path, sizeof f->path, "%s", path);
	in = fopen(path, "rb");
	check(in != NULL);
	check(fread(buf_reserve(&f->octets, (size_t)st->st_size + 1), 1, (size_t)st->st_size, in) ==
		(size_t)st->st_size);
	buf_grew(&f->octets, (size_t)st->st_size);
	fclose(in);
	return 0;
}

static int fuzz_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	return type == FTW_F ? unlink(path) : 0;
}

static void fuzz_end(void)
{
	help_remove_tree(fuzz.dir);
	fuzz.disk->ops->free(fuzz.disk);
	free(fuzz.dir);
	for (size_t i = 0; i < fuzz.count; i++)
		buf_deinit(&fuzz.files[i].octets);
}

static void fuzz_begin(void)
{
	struct store *s;

	fuzz.dir = help_dir(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	fuzz.disk = disk_real();
	fuzz.config = (struct store_local_config){
		.segment_octets = 64 << 10, .inline_max = 1000, .expunged_keep_ms = -1
	};
	s = fuzz_open();
	check(s != NULL);
	fuzz_fill(s);
	store_close_all(s);
	check(nftw(fuzz.dir, fuzz_keep, 16, FTW_PHYS) == 0);
	atexit(fuzz_end);
}

static void fuzz_reset(void)
{
	if (fuzz.dir == NULL)
		fuzz_begin();
	check(nftw(fuzz.dir, fuzz_remove, 16, FTW_PHYS) == 0);
	for (size_t i = 0; i < fuzz.count; i++) {
		FILE *out = fopen(fuzz.files[i].path, "wb");
		struct str s = buf_str(&fuzz.files[i].octets);

		check(out != NULL && fwrite(s.p, 1, s.n, out) == s.n);
		fclose(out);
	}
}

/* ---- the tour ---- */

static void fuzz_read(struct store *s, uint64_t maildrop, struct msgid id)
{
	static char room[FUZZ_ROOM];
	struct store_read r = { .op.done = help_note,
		.maildrop = maildrop,
		.id = id,
		.want = sizeof room,
		.to = room };
	struct store_envelope e;

	help_done = false;
	store_read(s, &r);
	check(help_wait(s) != STORE_OK || r.got <= sizeof room);
	if (store_envelope(s, id, maildrop, &e) == STORE_OK)
		store_envelope_free(&e);
}

static void fuzz_tour_drop(struct store *s, uint64_t maildrop)
{
	struct store_expunged_row *rows = NULL;
	uint64_t count = 0, octets, from = 0;
	struct store_listing l;
	struct store_open o;
	struct msgid ids[8];
	size_t n = 8;

	(void)store_usage(s, maildrop, &count, &octets);
	if (help_open(s, &o, maildrop) != STORE_OK)
		return;
	if (help_list(s, &l, maildrop, o.token) == STORE_OK) {
		struct maildrop_view v = { l.rows, l.count, str_of(l.uidls, l.uidls_len) };
		char text[MSGID_TEXT + 1];
		struct str uidl;

		for (size_t i = 0; i < l.count && i < 20; i++) {
			check(maildrop_uidl(&v, i, text, &uidl));
			fuzz_read(s, maildrop, l.rows[i].id);
		}
		store_listing_free(&l);
	}
	store_close(s, maildrop, o.token);
	if (store_expunged(s, maildrop, &rows, &n) == STORE_OK)
		for (size_t i = 0; i < n; i++)
			check(rows[i].uidl_len <= sizeof rows[i].uidl);
	free(rows);
	n = 8;
	(void)store_older(s, maildrop, INT64_MAX, &from, ids, &n);
}

static void fuzz_tour_out(struct store *s, struct msgid id)
{
	static char room[FUZZ_ROOM];
	struct store_facts facts;
	struct store_out out;
	uint64_t got;

	if (store_facts(s, id, &facts) == STORE_OK)
		store_facts_free(&facts);
	if (store_out_open(s, id, &out) != STORE_OK)
		return;
	if (store_out_read(s, &out, 0, room, sizeof room, &got) == STORE_OK)
		check(got <= sizeof room);
	store_out_close(s, &out);
}

static void fuzz_tour(struct store *s)
{
	struct store_due after = { .due_ms = 0 }, due[8];
	struct msgid first = { { 0 } }, ids[8];
	uint64_t waiting, held;
	size_t n = 8;

	for (uint64_t drop = 0; drop < FUZZ_DROPS; drop++)
		fuzz_tour_drop(s, drop);
	for (uint32_t i = 1; i <= FUZZ_IDS; i++)
		fuzz_tour_out(s, help_id(i));
	(void)store_due_list(s, &after, INT64_MAX, due, &n);
	n = 8;
	if (store_out_list(s, first, true, ids, &n) == STORE_OK)
		check(n <= 8);
	(void)store_out_count(s, &waiting, &held);
	for (int i = 0; i < 20 && store_local_compact(s, true); i++)
		store_flush(s);
}

#endif
