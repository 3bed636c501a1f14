#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/uidl.h"

enum { UIDL_MAX = 70 };

struct variable {
	char letter; /* '\0': a literal octet */
	char octet;
	bool hex, zero;
	uint64_t width;
};

/* Cuts the next octet or variable off *format; false when it is not one. */
static bool next_variable(struct str *format, struct variable *v)
{
	size_t at = 1, digits;

	*v = (struct variable){ .octet = format->p[0] };
	if (format->p[0] != '%') {
		*format = str_from(*format, 1);
		return v->octet > 0x20 && v->octet < 0x7f;
	}
	if (at < format->n && format->p[at] == '0') {
		v->zero = true;
		at++;
	}
	for (digits = at; digits < format->n && ascii_digit(format->p[digits]);)
		digits++;
	if (digits > at &&
		(!str_u64(str_of(format->p + at, digits - at), &v->width) || v->width > UIDL_MAX))
		return false;
	at = digits;
	if (at < format->n && format->p[at] == 'X') {
		v->hex = true;
		at++;
	}
	v->letter = at < format->n ? format->p[at] : '\0';
	*format = str_from(*format, at + 1);
	if (v->letter == 'u' || v->letter == 'v')
		return true;
	return (v->letter == 'i' || v->letter == 'f' || v->letter == '%') && !v->hex && !v->zero &&
	       v->width == 0;
}

bool uidl_format_ok(struct str format)
{
	struct variable v;
	bool differs = false;

	while (format.n > 0) {
		if (!next_variable(&format, &v))
			return false;
		differs = differs || v.letter == 'i' || v.letter == 'u' || v.letter == 'f';
	}
	return differs;
}

static void put_number(struct buf *out, const struct variable *v, uint32_t n)
{
	static const char digits[] = "0123456789abcdef";
	unsigned base = v->hex ? 16 : 10;
	char text[UIDL_MAX];
	size_t at = sizeof text;

	do {
		text[--at] = digits[n % base];
		n /= base;
	} while (n > 0);
	while (sizeof text - at < v->width)
		text[--at] = v->zero ? '0' : ' ';
	buf_put(out, str_of(text + at, sizeof text - at));
}

static bool put_variable(struct buf *out, const struct variable *v, const struct uidl_facts *facts)
{
	char text[MSGID_TEXT + 1];

	switch (v->letter) {
	case 'u': put_number(out, v, facts->uid); return facts->uid != 0;
	case 'v': put_number(out, v, facts->uidvalidity); return facts->uidvalidity != 0;
	case 'f': buf_put(out, facts->file); return facts->file.n > 0;
	case 'i':
		msgid_text(facts->id, text);
		buf_put(out, str_of(text, MSGID_TEXT));
		return true;
	}
	buf_putc(out, v->octet);
	return true;
}

bool uidl_make(struct str format, const struct uidl_facts *facts, struct buf *out)
{
	size_t before = out->len;
	bool ok = true;
	struct variable v;

	while (ok && format.n > 0)
		ok = next_variable(&format, &v) && put_variable(out, &v, facts);
	ok = ok && !out->full && uidl_valid(str_from(buf_str(out), before));
	if (!ok)
		buf_truncate(out, before);
	return ok;
}

bool uidl_valid(struct str uidl)
{
	for (size_t i = 0; i < uidl.n; i++)
		if (uidl.p[i] < 0x21 || uidl.p[i] > 0x7e)
			return false;
	return uidl.n > 0 && uidl.n <= UIDL_MAX;
}

/* Row numbers from 1 by the hash of the UIDL; a power of two, at most half full. */
struct seen {
	uint32_t *slots;
	size_t mask;
	uint64_t key[2]; /* UIDLs come from other servers */
};

static struct str uidl_of(const struct maildrop_view *v, size_t i, char text[MSGID_TEXT + 1])
{
	struct str uidl;

	return maildrop_uidl(v, i, text, &uidl) ? uidl : STR("");
}

/* False: a row with this UIDL was added before. */
static bool add_seen(struct seen *seen, const struct maildrop_view *v, size_t i)
{
	char text[MSGID_TEXT + 1], other[MSGID_TEXT + 1];
	struct str uidl = uidl_of(v, i, text);
	size_t at;

	for (at = hash_str(seen->key, uidl) & seen->mask; seen->slots[at] != 0;
		at = (at + 1) & seen->mask)
		if (str_eq(uidl_of(v, seen->slots[at] - 1, other), uidl))
			return false;
	seen->slots[at] = (uint32_t)(i + 1);
	return true;
}

void uidl_unique(struct maildrop_row *rows, size_t count, struct str uidls)
{
	struct maildrop_view view = { rows, count, uidls };
	struct seen seen = { .mask = 1 };
	size_t stored = 0;

	for (size_t i = 0; i < count; i++)
		stored += rows[i].uidl_len > 0;
	if (stored == 0 || count >= UINT32_MAX)
		return;
	while (seen.mask < count * 2)
		seen.mask *= 2;
	seen.slots = mem_zalloc(seen.mask * sizeof *seen.slots);
	seen.mask--;
	random_bytes(seen.key, sizeof seen.key);
	/* Ids first: they are unique, and what a stored UIDL must not be either. */
	for (size_t i = 0; i < count; i++)
		if (rows[i].uidl_len == 0)
			add_seen(&seen, &view, i);
	for (size_t i = 0; i < count; i++)
		if (rows[i].uidl_len > 0 && !add_seen(&seen, &view, i))
			rows[i].uidl_len = 0;
	free(seen.slots);
}
