#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

/* Gives back what held the content. */
static void free_data(struct buf *b)
{
	if (b->secret && b->data != NULL)
		mem_wipe(b->data, b->cap);
	free(b->data);
}

void buf_deinit(struct buf *b)
{
	free_data(b);
	*b = (struct buf){ 0 };
}

void buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		mem_wipe(b->data, b->cap);
	buf_release(b);
}

void buf_release(struct buf *b)
{
	size_t max = b->max;
	bool secret = b->secret;

	if (b->data == NULL) {
		b->full = false;
		return;
	}
	buf_deinit(b);
	b->max = max;
	b->secret = secret;
}

static bool has_room(const struct buf *b, size_t n)
{
	return b->data != NULL && !b->full && n <= b->cap - b->head - b->len &&
	       (b->max == 0 || b->len + n <= b->max);
}

char *buf_reserve(struct buf *b, size_t n)
{
	size_t need;

	if (has_room(b, n))
		return b->data + b->head + b->len;
	if (b->full || __builtin_add_overflow(b->len, n, &need) || (b->max != 0 && need > b->max)) {
		b->full = true;
		return NULL;
	}
	if (b->data != NULL && need <= b->cap && b->head >= b->cap / 2) {
		memmove(b->data, b->data + b->head, b->len);
	} else {
		size_t cap = b->cap == 0 ? 64 : b->cap;
		char *data;

		while (cap < need)
			cap = cap > SIZE_MAX / 2 ? need : cap * 2;
		data = mem_alloc(cap);
		if (b->len > 0)
			memcpy(data, b->data + b->head, b->len);
		free_data(b);
		b->data = data;
		b->cap = cap;
	}
	b->head = 0;
	return b->data + b->len;
}

void buf_grew(struct buf *b, size_t n)
{
	b->len += n;
}

void buf_put(struct buf *b, struct str s)
{
	char *to = s.n == 0 ? NULL : buf_reserve(b, s.n);

	if (to == NULL)
		return;
	memcpy(to, s.p, s.n);
	b->len += s.n;
}

void buf_put_safe(struct buf *b, struct str s)
{
	char *to = buf_reserve(b, s.n);

	if (to == NULL)
		return;
	for (size_t i = 0; i < s.n; i++)
		to[i] = (unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ? '?' : s.p[i];
	b->len += s.n;
}

void buf_putc(struct buf *b, char c)
{
	buf_put(b, str_of(&c, 1));
}

void buf_fill(struct buf *b, char c, size_t n)
{
	char *to = buf_reserve(b, n);

	if (to == NULL || n == 0)
		return;
	memset(to, c, n);
	b->len += n;
}

void buf_putu(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_put(b, str_of(digits + at, sizeof digits - at));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	size_t room;
	char *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	/* Most often there is room behind what is there already. */
	room = b->data == NULL || b->full ? 0 : b->cap - b->head - b->len;
	n = vsnprintf(room == 0 ? NULL : b->data + b->head + b->len, room, fmt, ap);
	va_end(ap);
	/* vsnprintf wants room for its NUL, which is not counted afterwards. */
	if (n < 0 || (b->max != 0 && b->len + (size_t)n > b->max)) {
		b->full = true;
	} else if ((size_t)n < room) {
		b->len += (size_t)n;
	} else {
		size_t max = b->max;

		b->max = 0;
		to = buf_reserve(b, (size_t)n + 1);
		b->max = max;
		if (to != NULL) {
			vsnprintf(to, (size_t)n + 1, fmt, again);
			b->len += (size_t)n;
		}
	}
	va_end(again);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->head = b->len = 0;
		return;
	}
	b->head += n;
	b->len -= n;
}

void buf_truncate(struct buf *b, size_t n)
{
	if (n < b->len)
		b->len = n;
}

char *buf_steal_c(struct buf *b)
{
	char *c = mem_alloc(b->len + 1);

	if (b->len > 0)
		memcpy(c, b->data + b->head, b->len);
	c[b->len] = '\0';
	buf_release(b);
	return c;
}
