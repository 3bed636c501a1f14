#include "base/codec.h"

static void put_le(struct buf *b, uint64_t v, size_t n)
{
	char octets[8];

	for (size_t i = 0; i < n; i++)
		octets[i] = (char)(v >> (8 * i) & 0xff);
	buf_put(b, str_of(octets, n));
}

void put_u8(struct buf *b, uint8_t v)
{
	put_le(b, v, 1);
}

void put_u16(struct buf *b, uint16_t v)
{
	put_le(b, v, 2);
}

void put_u32(struct buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void put_u64(struct buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

void put_str(struct buf *b, struct str s)
{
	if (s.n > UINT32_MAX) {
		b->full = true;
		return;
	}
	put_u32(b, (uint32_t)s.n);
	buf_put(b, s);
}

struct str get_bytes(struct reader *r, size_t n)
{
	struct str s = str_head(r->rest, n);

	if (r->bad || n > r->rest.n) {
		r->bad = true;
		return str_head(r->rest, 0);
	}
	r->rest = str_from(r->rest, n);
	return s;
}

static uint64_t get_le(struct reader *r, size_t n)
{
	struct str s = get_bytes(r, n);
	uint64_t v = 0;

	for (size_t i = s.n; i > 0; i--)
		v = v << 8 | (unsigned char)s.p[i - 1];
	return v;
}

uint8_t get_u8(struct reader *r)
{
	return (uint8_t)get_le(r, 1);
}

uint16_t get_u16(struct reader *r)
{
	return (uint16_t)get_le(r, 2);
}

uint32_t get_u32(struct reader *r)
{
	return (uint32_t)get_le(r, 4);
}

uint64_t get_u64(struct reader *r)
{
	return get_le(r, 8);
}

struct str get_str(struct reader *r)
{
	return get_bytes(r, get_u32(r));
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i += 3) {
		size_t left = s.n - i;
		uint32_t v = (uint32_t)(unsigned char)s.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)(unsigned char)s.p[i + 1] << 8;
		if (left > 2)
			v |= (unsigned char)s.p[i + 2];
		buf_putc(b, base64_digits[v >> 18]);
		buf_putc(b, base64_digits[v >> 12 & 63]);
		buf_putc(b, left > 1 ? base64_digits[v >> 6 & 63] : '=');
		buf_putc(b, left > 2 ? base64_digits[v & 63] : '=');
	}
}

int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int hex_value(char c)
{
	c = ascii_lower(c);
	return ascii_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool base64_get(struct str s, struct buf *out)
{
	size_t pad = 0;

	if (s.n % 4 != 0)
		return false;
	while (pad < 2 && pad < s.n && s.p[s.n - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < s.n; i += 4) {
		size_t digits = i + 4 == s.n ? 4 - pad : 4;
		uint32_t v = 0;

		for (size_t j = 0; j < 4; j++) {
			int d = j < digits ? base64_value(s.p[i + j]) : 0;

			if (d < 0)
				return false;
			v = v << 6 | (uint32_t)d;
		}
		if ((digits == 3 && (v & 0xff) != 0) || (digits == 2 && (v & 0xffff) != 0))
			return false;
		buf_putc(out, (char)(v >> 16));
		if (digits > 2)
			buf_putc(out, (char)(v >> 8 & 0xff));
		if (digits > 3)
			buf_putc(out, (char)(v & 0xff));
	}
	return !out->full;
}

void hex_put(struct buf *b, struct str s)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n; i++) {
		buf_putc(b, digits[(unsigned char)s.p[i] >> 4]);
		buf_putc(b, digits[(unsigned char)s.p[i] & 15]);
	}
}

void bit_set(struct buf *bits, size_t i)
{
	while (bits->len <= i / 8 && !bits->full)
		buf_putc(bits, '\0');
	if (!bits->full)
		bits->data[i / 8] = (char)((unsigned char)bits->data[i / 8] | 1U << i % 8);
}
