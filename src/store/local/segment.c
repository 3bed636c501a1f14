#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/local.h"
#include "store/local/segment.h"

enum { HEADER_OCTETS = 64, HEADER_COPY = 4096 };

static const char magic[8] = { 'R', 'E', 'S', 'T', 'J', 'R', 'N', 'L' };

char *path_join(const char *dir, const char *name)
{
	struct buf b;

	buf_init(&b, 0);
	buf_printf(&b, "%s/%s", dir, name);
	return buf_steal_c(&b);
}

char *segment_path(const char *dir, uint64_t number)
{
	char name[32];

	(void)snprintf(name, sizeof name, "%08llx.seg", (unsigned long long)number);
	return path_join(dir, name);
}

bool segment_number(const char *name, uint64_t *number)
{
	struct str s = str_c(name);

	*number = 0;
	if (s.n != 12 || !str_ends(s, STR(".seg")))
		return false;
	for (size_t i = 0; i < 8; i++) {
		size_t digit = str_find(STR("0123456789abcdef"), s.p[i]);

		if (digit > 15)
			return false;
		*number = *number << 4 | digit;
	}
	return *number > 0 && *number <= INT32_MAX;
}

static void header_put(struct buf *b, const struct segment *s)
{
	buf_put(b, str_of(magic, sizeof magic));
	put_u32(b, STORE_LOCAL_FORMAT);
	put_u32(b, SEGMENT_DATA);
	put_u64(b, s->number);
	put_u64(b, s->salt);
	put_u64(b, s->prev);
	put_u64(b, s->prev_end);
	put_u64(b, (uint64_t)clock_steady_ms());
	put_u32(b, 0);
	put_u32(b, crc32c(0, b->data, b->len));
}

static int header_write(struct disk *d, int file, const struct segment *s)
{
	struct buf b;
	struct iovec iov;
	int64_t rc = 0;

	buf_init(&b, 0);
	header_put(&b, s);
	iov = (struct iovec){ b.data, b.len };
	for (uint64_t at = 0; rc >= 0 && at <= HEADER_COPY; at += HEADER_COPY) {
		rc = d->ops->write(d, file, &iov, 1, at);
		if (rc >= 0 && (size_t)rc != b.len)
			rc = -EIO;
	}
	buf_deinit(&b);
	return rc < 0 ? (int)rc : 0;
}

int segment_create(struct disk *d, const char *dir, int dir_file, const struct segment *s,
	uint64_t capacity, bool *touched)
{
	char *path = segment_path(dir, s->number);
	int file, rc;

	*touched = false;
	file = rc = d->ops->open(d, path, true);
	if (rc < 0)
		goto out;
	rc = d->ops->allocate(d, file, capacity);
	if (rc == 0) {
		*touched = true;
		rc = header_write(d, file, s);
	}
	if (rc == 0)
		rc = d->ops->sync(d, file);
	if (rc == 0)
		rc = d->ops->sync(d, dir_file);
	if (rc < 0) {
		(void)d->ops->close(d, file);
		(void)d->ops->unlink(d, path);
	}
out:
	free(path);
	return rc < 0 ? rc : file;
}

int segment_write_again(struct disk *d, int file, uint64_t from, uint64_t to)
{
	enum { PIECE = 1 << 20 };
	char *piece = mem_alloc(PIECE);
	int64_t rc = 0;

	while (rc >= 0 && from < to) {
		struct iovec iov = { piece, to - from < PIECE ? (size_t)(to - from) : PIECE };

		rc = d->ops->read(d, file, piece, iov.iov_len, from);
		if (rc == (int64_t)iov.iov_len)
			rc = d->ops->write(d, file, &iov, 1, from);
		if (rc >= 0 && rc != (int64_t)iov.iov_len)
			rc = -EIO;
		from += iov.iov_len;
	}
	free(piece);
	return rc < 0 ? (int)rc : 0;
}

static int header_parse(const char *p, struct segment *s)
{
	struct reader r = { .rest = str_of(p, HEADER_OCTETS) };
	uint32_t format;

	if (memcmp(get_bytes(&r, sizeof magic).p, magic, sizeof magic) != 0)
		return SEGMENT_DAMAGED;
	format = get_u32(&r);
	if (format > STORE_LOCAL_FORMAT && format < 1u << 16)
		return SEGMENT_NEWER;
	(void)get_u32(&r);
	s->number = get_u64(&r);
	s->salt = get_u64(&r);
	s->prev = get_u64(&r);
	s->prev_end = get_u64(&r);
	s->time_ms = (int64_t)get_u64(&r);
	(void)get_u32(&r);
	if (get_u32(&r) != crc32c(0, p, HEADER_OCTETS - 4))
		return SEGMENT_DAMAGED;
	return SEGMENT_GOOD;
}

int segment_load(struct disk *d, int file, struct segment *s)
{
	char p[HEADER_OCTETS];
	struct scan scan;
	bool blank, unreadable = false;

	for (uint64_t at = 0; at <= HEADER_COPY; at += HEADER_COPY) {
		int64_t n = d->ops->read(d, file, p, sizeof p, at);

		unreadable |= n < 0;
		if (n == (int64_t)sizeof p) {
			int state = header_parse(p, s);

			if (state != SEGMENT_DAMAGED)
				return state;
		}
	}
	*s = (struct segment){ 0 };
	scan_init(&scan, d, file, s, SEGMENT_DATA, UINT64_MAX);
	blank = !unreadable && scan_rest_is_zero(&scan);
	unreadable |= scan.unreadable;
	scan_deinit(&scan);
	return blank ? SEGMENT_BLANK : unreadable ? SEGMENT_UNREADABLE : SEGMENT_DAMAGED;
}
