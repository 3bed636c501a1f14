#include "base/str.h"
#include "base/mem.h"

bool str_ieq(struct str a, struct str b)
{
	return a.n == b.n && str_istarts(a, b);
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_head(s, prefix.n), prefix);
}

bool str_istarts(struct str s, struct str prefix)
{
	if (s.n < prefix.n)
		return false;
	for (size_t i = 0; i < prefix.n; i++)
		if (ascii_lower(s.p[i]) != ascii_lower(prefix.p[i]))
			return false;
	return true;
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

size_t str_find(struct str s, char c)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return at == NULL ? s.n : (size_t)(at - s.p);
}

size_t str_rfind(struct str s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}

struct str str_cut(struct str *rest, char c)
{
	size_t at = str_find(*rest, c);
	struct str before = str_head(*rest, at);

	*rest = str_from(*rest, at + 1);
	return before;
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_from(s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool str_u64(struct str s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_digit(s.p[i]) || __builtin_mul_overflow(v, 10u, &v) ||
			__builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

bool str_ascii(struct str s)
{
	unsigned char all = 0;

	for (size_t i = 0; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	return all < 0x80;
}

bool str_utf8(struct str s)
{
	size_t i = 0;

	while (i < s.n) {
		unsigned char c = (unsigned char)s.p[i++];
		uint32_t v, least;
		int more;

		if (c < 0x80)
			continue;
		if ((c & 0xe0) == 0xc0) {
			more = 1, v = c & 0x1fu, least = 0x80;
		} else if ((c & 0xf0) == 0xe0) {
			more = 2, v = c & 0x0fu, least = 0x800;
		} else if ((c & 0xf8) == 0xf0) {
			more = 3, v = c & 0x07u, least = 0x10000;
		} else {
			return false;
		}
		for (; more > 0; more--) {
			if (i >= s.n || ((unsigned char)s.p[i] & 0xc0) != 0x80)
				return false;
			v = v << 6 | ((unsigned char)s.p[i++] & 0x3fu);
		}
		if (v < least || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
			return false;
	}
	return true;
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int r = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (r != 0)
		return r < 0 ? -1 : 1;
	return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

bool str_eq_secret(struct str a, struct str b)
{
	unsigned char diff = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		diff |= (unsigned char)(a.p[i] ^ b.p[i]);
	return diff == 0;
}

char *str_dup_c(struct str s)
{
	char *c;

	if (str_find(s, '\0') != s.n)
		return NULL;
	c = mem_alloc(s.n + 1);
	if (s.n > 0)
		memcpy(c, s.p, s.n);
	c[s.n] = '\0';
	return c;
}
