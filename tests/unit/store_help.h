/* store_help.h -- the store's operations one at a time, for tests: begin, wait, result. */
#ifndef RESTANTE_TESTS_STORE_HELP_H
#define RESTANTE_TESTS_STORE_HELP_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/store.h"

/* The op is the first member of every operation, so its answer is kept beside it in one slot. */
static enum store_result help_result;
static bool help_done;

static inline void help_note(struct store_op *op, enum store_result result)
{
	(void)op;
	help_done = true;
	help_result = result;
}

static inline enum store_result help_wait(struct store *s)
{
	store_flush(s);
	while (!help_done)
		store_wait(s);
	return help_result;
}

static inline struct msgid help_id(uint32_t n)
{
	struct msgid id = { { 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0 } };

	for (size_t i = 0; i < 4; i++)
		id.b[12 + i] = (unsigned char)(n >> (8 * (3 - i)));
	return id;
}

static inline enum store_result help_deliver_to(struct store *s, struct msgid id, struct str octets,
	const struct store_target *targets, size_t count)
{
	struct store_draft *draft = store_draft_new(s, id);
	struct store_deliver d = { .op.done = help_note,
		.draft = draft,
		.sender = STR("a@example.org"),
		.client = STR("192.0.2.1"),
		.received_ms = 1700000000000,
		.targets = targets,
		.count = count };

	/* in pieces, as it comes from the network */
	for (size_t at = 0; at < octets.n; at += 3000)
		(void)store_draft_append(draft, str_head(str_from(octets, at), 3000));
	help_done = false;
	store_deliver(s, &d);
	return help_wait(s);
}

static inline enum store_result help_deliver(
	struct store *s, uint32_t id, uint64_t maildrop, struct str octets)
{
	struct store_target t = { .maildrop = maildrop, .recipient = STR("b@example.net") };

	return help_deliver_to(s, help_id(id), octets, &t, 1);
}

static inline enum store_result help_open(struct store *s, struct store_open *o, uint64_t maildrop)
{
	*o = (struct store_open){ .op.done = help_note, .maildrop = maildrop };
	help_done = false;
	store_open(s, o);
	return help_wait(s);
}

static inline enum store_result help_list(
	struct store *s, struct store_listing *l, uint64_t maildrop, uint64_t token)
{
	*l = (struct store_listing){ .op.done = help_note, .maildrop = maildrop, .token = token };
	help_done = false;
	store_list(s, l);
	return help_wait(s);
}

static inline enum store_result help_expunge(struct store *s, struct store_expunge *e,
	const struct store_open *o, const struct msgid *ids, size_t count)
{
	*e = (struct store_expunge){ .op.done = help_note,
		.maildrop = o->maildrop,
		.token = o->token,
		.ids = ids,
		.count = count };
	help_done = false;
	store_expunge(s, e);
	return help_wait(s);
}

static inline enum store_result help_restore(struct store *s, struct store_restore *r,
	const struct store_open *o, const struct msgid *ids, size_t count)
{
	*r = (struct store_restore){ .op.done = help_note,
		.maildrop = o->maildrop,
		.token = o->token,
		.ids = ids,
		.count = count };
	help_done = false;
	store_restore(s, r);
	return help_wait(s);
}

/* Reads the whole in pieces of `piece` into *out. */
static inline enum store_result help_read(struct store *s, struct buf *out, uint64_t maildrop,
	uint64_t token, struct msgid id, size_t piece)
{
	char *room = mem_alloc(piece);
	enum store_result result;
	struct store_read r;

	buf_clear(out);
	do {
		r = (struct store_read){ .op.done = help_note,
			.maildrop = maildrop,
			.token = token,
			.id = id,
			.offset = out->len,
			.want = piece,
			.to = room };
		help_done = false;
		store_read(s, &r);
		result = help_wait(s);
		if (result == STORE_OK)
			buf_put(out, str_of(room, (size_t)r.got));
	} while (result == STORE_OK && r.got > 0);
	free(room);
	return result;
}

/* ---- a directory of its own ---- */

static inline int help_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void help_remove_tree(const char *dir)
{
	(void)nftw(dir, help_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline char *help_dir(const char *under)
{
	struct buf b;
	char *dir;

	buf_init(&b, 0);
	buf_printf(&b, "%s/restante-test-XXXXXX", under);
	dir = buf_steal_c(&b);
	if (mkdtemp(dir) == NULL)
		abort();
	return dir;
}

#endif
