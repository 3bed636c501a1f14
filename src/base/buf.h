/* buf.h -- owned, growing octet buffer with a hard limit and a sticky error.  Pure.
 *
 * Content is data[head .. head + len).  Writers never fail on the spot: past `max` they set `full`
 * and become no-ops, so a long chain of puts is checked once at the end.  buf_consume() takes from
 * the front without moving octets.  Owner: whoever embeds it; buf_deinit() releases.
 *
 * secret: memory is overwritten before it is given back, also what growth leaves behind.  Set it
 * after buf_init(); it lasts until buf_deinit(). */
#ifndef RESTANTE_BASE_BUF_H
#define RESTANTE_BASE_BUF_H

#include "base/str.h"

struct buf {
	char *data;
	size_t head, len, cap;
	size_t max; /* limit of len in octets; 0 means no limit */
	bool full, secret;
};

void buf_init(struct buf *b, size_t max);
void buf_deinit(struct buf *b);  /* safe on a zeroed struct; leaves it empty */
void buf_wipe(struct buf *b);    /* overwrite, then release: for secrets */
void buf_release(struct buf *b); /* give the memory back, keep max and secret; content is lost */

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->data == NULL ? "" : b->data + b->head, b->len };
}

static inline void buf_clear(struct buf *b)
{
	b->head = b->len = 0;
	b->full = false;
}

void buf_put(struct buf *b, struct str s);
void buf_put_safe(struct buf *b, struct str s); /* "?" for each control character */
void buf_putc(struct buf *b, char c);
void buf_putu(struct buf *b, uint64_t v); /* decimal */
void buf_fill(struct buf *b, char c, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Room for n more octets at the end, to be read into directly; then buf_grew() with what came.
 * NULL (and full) when that would pass max. */
char *buf_reserve(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

/* Drops n octets at the front / keeps only the first n. */
void buf_consume(struct buf *b, size_t n);
void buf_truncate(struct buf *b, size_t n);

/* The content as a heap block owned by the caller, NUL-terminated; b becomes empty. */
char *buf_steal_c(struct buf *b);

#endif
