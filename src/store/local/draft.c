/* A message while it comes in: in memory up to inline_max, then in a file without a name, which a
 * crash leaves no trace of. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/local/impl.h"

enum { DRAFT_PIECE = 64 * 1024, DISK_ALIGN = 4096 };

struct store_draft *store_draft_new(struct store *s, struct msgid id)
{
	struct store_draft *d = NEW(struct store_draft);

	d->store = s;
	d->id = id;
	d->file = -1;
	buf_init(&d->mem, 0);
	facts_init(&d->facts);
	return d;
}

void store_draft_free(struct store_draft *d)
{
	if (d == NULL)
		return;
	if (d->file >= 0)
		(void)d->store->disk->ops->close(d->store->disk, d->file);
	buf_deinit(&d->mem);
	facts_deinit(&d->facts);
	free(d);
}

uint64_t store_draft_size(const struct store_draft *d)
{
	return d->size;
}

/* The last octets of an id are random, so that the 256 directories fill evenly. */
char *blob_home(const char *blob_dir, struct msgid id)
{
	struct buf b;

	buf_init(&b, 0);
	buf_printf(&b, "%s/%02x", blob_dir, id.b[sizeof id.b - 1]);
	return buf_steal_c(&b);
}

char *blob_path(const char *blob_dir, struct msgid id)
{
	char text[MSGID_TEXT + 1], *home = blob_home(blob_dir, id), *path;

	msgid_text(id, text);
	path = path_join(home, text);
	free(home);
	return path;
}

static enum store_result draft_fail(struct store_draft *d, const char *what, int rc)
{
	d->failed = rc == -ENOSPC || rc == -EDQUOT ? STORE_FULL : STORE_UNAVAILABLE;
	if (d->failed == STORE_FULL)
		(void)reserve_give_up(d->store);
	log_error("store.draft", F_C("while", what), F_C("err", strerror(-rc)),
		F_C("do", d->failed == STORE_FULL ? "free disk space" : "check the disk"));
	return d->failed;
}

/* A place for all that is written at once, where a page begins: from there it can go past the page cache. */
static void put_wide(struct store_draft *d, struct str octets)
{
	size_t need = d->mem.len + octets.n, most = d->store->config.inline_max + DRAFT_PIECE;
	struct buf wide = { .cap = (need > most ? need : most) + DISK_ALIGN };

	if (d->mem.head + need > d->mem.cap) {
		wide.data = mem_alloc(wide.cap);
		wide.head = -(uintptr_t)wide.data % DISK_ALIGN;
		buf_put(&wide, buf_str(&d->mem));
		buf_deinit(&d->mem);
		d->mem = wide;
	}
	buf_put(&d->mem, octets);
}

/* The first octets of what is in memory; what stays moves to where they were. */
static enum store_result to_file(struct store_draft *d, size_t octets)
{
	struct disk *disk = d->store->disk;
	char *mem = d->mem.data + d->mem.head;
	struct iovec iov = { mem, octets };
	int64_t n;

	if (!reserve_hold(d->store)) /* not from the room that deleting needs */
		return draft_fail(d, "a large message", -ENOSPC);
	if (d->file < 0) {
		char *home = blob_home(d->store->blob_dir, d->id);
		int file = disk->ops->unnamed(disk, home);

		free(home);
		if (file < 0)
			return draft_fail(d, "a file for a large message", file);
		d->file = file;
	}
	n = disk->ops->write(disk, d->file, &iov, 1, d->in_file);
	if (n != (int64_t)octets)
		return draft_fail(d, "writing a large message", n < 0 ? (int)n : -EIO);
	d->in_file += octets;
	d->mem.len -= octets;
	memmove(mem, mem + octets, d->mem.len);
	return STORE_OK;
}

enum store_result store_draft_append(struct store_draft *d, struct str octets)
{
	d->size += octets.n; /* also of one that failed: who goes on is told why */
	if (d->failed != STORE_OK || octets.n == 0)
		return d->failed;
	facts_feed(&d->facts, octets);
	d->crc = crc32c(d->crc, octets.p, octets.n);
	if (d->size <= DRAFT_PIECE)
		buf_put(&d->mem, octets);
	else
		put_wide(d, octets);
	/* Whole pages, or nothing of this file could go past the page cache from here on. */
	return d->mem.len > d->store->config.inline_max
		       ? to_file(d, d->mem.len - d->mem.len % DISK_ALIGN)
		       : STORE_OK;
}

/* Blanks keep the place, so that all else is where it will be. */
void store_draft_leave_top(struct store_draft *d, size_t octets)
{
	buf_fill(&d->mem, ' ', octets);
	d->size = d->top = octets;
}

static enum store_result overwrite(struct store_draft *d, struct str octets)
{
	struct disk *disk = d->store->disk;
	struct iovec iov = { (char *)(uintptr_t)octets.p, octets.n };
	int64_t n;

	if (d->in_file == 0) {
		memcpy(d->mem.data + d->mem.head, octets.p, octets.n);
		return STORE_OK;
	}
	/* What goes to the file first is a page at least, and so holds all of it. */
	n = disk->ops->write(disk, d->file, &iov, 1, 0);
	if (n != (int64_t)octets.n)
		return draft_fail(d, "writing a large message", n < 0 ? (int)n : -EIO);
	return STORE_OK;
}

enum store_result store_draft_put_top(struct store_draft *d, struct str octets)
{
	uint64_t behind = d->size - d->top;

	if (d->failed != STORE_OK)
		return d->failed;
	if (octets.n != d->top)
		return d->failed = STORE_UNAVAILABLE;
	d->crc = crc32c_zeros(crc32c(0, octets.p, octets.n), behind) ^ d->crc;
	d->facts.header_octets += octets.n;
	d->facts.eight_header = d->facts.eight_header || !str_ascii(octets);
	d->top = 0;
	return overwrite(d, octets);
}

enum store_result draft_finish(struct store_draft *d)
{
	if (d->failed == STORE_OK && d->top > 0)
		d->failed = STORE_UNAVAILABLE; /* its owner forgot it */
	if (d->failed == STORE_OK && d->file >= 0 && d->mem.len > 0)
		(void)to_file(d, d->mem.len);
	return d->failed;
}
