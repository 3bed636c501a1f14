/* str.h -- borrowed, length-explicit strings.  Pure.
 *
 * A struct str is a view: it owns nothing, is never freed and dies with its owner.  Wire bytes are
 * never NUL-terminated, so nothing here stops at a NUL.  Case folding is ASCII only, as the
 * protocols want it (RFC 5321 2.4, RFC 1939 3). */
#ifndef RESTANTE_BASE_STR_H
#define RESTANTE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_INIT(literal)                                                                          \
	{                                                                                          \
		"" literal, sizeof(literal) - 1                                                    \
	}
/* For printf-like functions: "%.*s", STR_ARG(s).  Only for text that is known to be short. */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const void *p, size_t n)
{
	return (struct str){ p, n };
}

/* A view of a C string from our own side of the wall: argv, configuration, errno texts. */
static inline struct str str_c(const char *c)
{
	size_t n = 0;

	while (c != NULL && c[n] != '\0')
		n++;
	return (struct str){ c, n };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool ascii_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The part of s from octet `from`; empty when s is shorter. */
static inline struct str str_from(struct str s, size_t from)
{
	if (from >= s.n)
		return (struct str){ s.p + s.n, 0 };
	return (struct str){ s.p + from, s.n - from };
}

/* The first n octets of s, or all of it. */
static inline struct str str_head(struct str s, size_t n)
{
	return (struct str){ s.p, n < s.n ? n : s.n };
}

bool str_ieq(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Offset of the first / last c, or s.n. */
size_t str_find(struct str s, char c);
size_t str_rfind(struct str s, char c);

/* Cuts *rest at the first c: returns what is before it and leaves what is after it.  Without c the
 * whole is returned and *rest becomes empty. */
struct str str_cut(struct str *rest, char c);

/* Without SP and HT at both ends. */
struct str str_trim(struct str s);

/* Decimal digits only, the whole of s, at least one: no sign, no space, no overflow. */
bool str_u64(struct str s, uint64_t *out);

/* Valid UTF-8 without overlong forms, surrogates or values over U+10FFFF (RFC 3629 3). */
bool str_utf8(struct str s);

/* True when every octet is below 0x80. */
bool str_ascii(struct str s);

/* -1, 0, 1 by octets, shorter first on a tie; for sorted tables. */
int str_cmp(struct str a, struct str b);

/* Compares secrets in a time that depends on the lengths only. */
bool str_eq_secret(struct str a, struct str b);

/* A NUL-terminated heap copy, or NULL when s holds a NUL: for file names and libraries. */
char *str_dup_c(struct str s);

#endif
