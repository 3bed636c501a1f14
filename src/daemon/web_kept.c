#include "daemon/web_kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/mem.h"

enum { HEAD = 8, RECORD_MAX = 128 * 1024, FILE_MAX = 2 * KEPT_OCTETS };

static size_t size_of(const struct kept_row *r)
{
	return str_c(r->domain).n + r->id.len + r->body.len + sizeof *r;
}

static void drop(struct kept *k, struct kept_row *r)
{
	k->count--;
	k->octets -= size_of(r);
	list_del(&r->link);
	free(r->domain);
	buf_deinit(&r->id);
	buf_deinit(&r->body);
	free(r);
}

static void remember(struct kept *k, struct str domain, struct str id, int64_t ms, struct str body)
{
	struct kept_row *r = (struct kept_row *)(uintptr_t)kept_find(k, domain);

	if (r != NULL)
		drop(k, r);
	r = NEW(struct kept_row);
	r->domain = str_dup_c(domain);
	buf_put(&r->id, id);
	buf_put(&r->body, body);
	r->fetched_ms = ms;
	list_append(&k->rows, &r->link);
	k->count++;
	k->octets += size_of(r);
	while (k->count > KEPT_DOMAINS || k->octets > KEPT_OCTETS)
		drop(k, LIST_OF(k->rows.next, struct kept_row, link));
}

static void put_record(struct buf *to, const struct kept_row *r)
{
	struct buf body = { 0 };

	put_str(&body, str_c(r->domain));
	put_str(&body, buf_str(&r->id));
	put_u64(&body, (uint64_t)r->fetched_ms);
	put_str(&body, buf_str(&r->body));
	put_u32(to, (uint32_t)body.len);
	put_u32(to, crc32c(0, buf_str(&body).p, body.len));
	buf_put(to, buf_str(&body));
	buf_deinit(&body);
}

/* At the end of the file; a failure costs what could not be written, and says so. */
static void append(struct kept *k, struct str octets)
{
	ssize_t n = k->fd < 0 ? 0 : pwrite(k->fd, octets.p, octets.n, (off_t)k->file_octets);

	if (k->fd < 0)
		return;
	if (n == (ssize_t)octets.n && fdatasync(k->fd) == 0) {
		k->file_octets += octets.n;
		return;
	}
	log_warn("web.keep", F_C("err", n < 0 ? strerror(errno) : "short write"));
	if (ftruncate(k->fd, (off_t)k->file_octets) < 0)
		k->fd = -1;
}

static void rewrite(struct kept *k)
{
	struct buf all = { 0 };

	if (k->fd >= 0 && ftruncate(k->fd, 0) < 0)
		k->fd = -1;
	k->file_octets = 0;
	for (struct link *l = k->rows.next; l != &k->rows; l = l->next)
		put_record(&all, LIST_OF(l, struct kept_row, link));
	append(k, buf_str(&all));
	buf_deinit(&all);
}

/* Returns false at the first record that is not whole. */
static bool take_record(struct kept *k, struct reader *in)
{
	uint32_t n = get_u32(in), sum = get_u32(in);
	struct str octets = n <= RECORD_MAX ? get_bytes(in, n) : (struct str){ 0 };
	struct reader r = { .rest = octets };
	struct str domain, id, body;
	int64_t ms;

	if (in->bad || octets.n != n || n == 0 || crc32c(0, octets.p, octets.n) != sum)
		return false;
	domain = get_str(&r);
	id = get_str(&r);
	ms = (int64_t)get_u64(&r);
	body = get_str(&r);
	if (r.bad || r.rest.n > 0 || str_find(domain, '\0') < domain.n)
		return false;
	remember(k, domain, id, ms, body);
	return true;
}

void kept_open(struct kept *k, int fd)
{
	struct buf all = { 0 };
	struct reader in;
	size_t records = 0, whole = 0;

	*k = (struct kept){ .fd = fd };
	list_init(&k->rows);
	if (fd < 0)
		return;
	buf_init(&all, FILE_MAX + RECORD_MAX);
	for (;;) {
		char *room = buf_reserve(&all, 65536);
		ssize_t n = room == NULL ? 0 : pread(fd, room, 65536, (off_t)all.len);

		if (n <= 0)
			break;
		buf_grew(&all, (size_t)n);
	}
	in = (struct reader){ .rest = buf_str(&all) };
	while (in.rest.n >= HEAD && take_record(k, &in)) {
		whole = all.len - in.rest.n;
		records++;
	}
	k->file_octets = whole;
	if (whole < all.len)
		log_warn("web.kept-torn", F_INT("octets", all.len - whole));
	if (whole < all.len || records > 2 * k->count)
		rewrite(k);
	buf_deinit(&all);
}

void kept_close(struct kept *k)
{
	while (!list_empty(&k->rows))
		drop(k, LIST_OF(k->rows.next, struct kept_row, link));
}

const struct kept_row *kept_find(const struct kept *k, struct str domain)
{
	for (struct link *l = k->rows.prev; l != &k->rows; l = l->prev)
		if (str_eq(str_c(LIST_OF(l, struct kept_row, link)->domain), domain))
			return LIST_OF(l, struct kept_row, link);
	return NULL;
}

void kept_put(struct kept *k, struct str domain, struct str id, int64_t fetched_ms, struct str body)
{
	struct buf record = { 0 };

	remember(k, domain, id, fetched_ms, body);
	put_record(&record, LIST_OF(k->rows.prev, struct kept_row, link));
	if (k->file_octets + record.len > FILE_MAX)
		rewrite(k);
	else
		append(k, buf_str(&record));
	buf_deinit(&record);
}
