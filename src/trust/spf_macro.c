#include "trust/spf_internal.h"

enum { KEPT = 1024, PARTS_MAX = SPF_IDENTITY_MAX + 1, LABEL_MAX = 63 };
_Static_assert(KEPT > (int)SPF_NAME_MAX, "what is dropped is never part of the name");

/* A piece of a macro-string: text as it is, or a letter with what is done to its value. */
struct piece {
	char letter; /* lower case; '\0': text */
	struct str text;
	bool escape, reverse, split;
	size_t parts;
	struct str delimiters;
	bool is_macro; /* also of "%%", "%_" and "%-" */
};

static bool is_alpha(char c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool is_one_of(char c, struct str set)
{
	return str_find(set, c) < set.n;
}

/* What stands between "%{" and "}".  c, r and t are for the text of exp= only (7.2). */
static bool take_macro(struct str in, struct piece *p)
{
	size_t digits = 0;

	p->letter = in.n > 0 ? ascii_lower(in.p[0]) : '\0';
	if (!is_one_of(p->letter, STR("slodipvh")))
		return false;
	p->escape = in.p[0] != p->letter;
	in = str_from(in, 1);
	p->split = in.n > 0;
	p->parts = SIZE_MAX;
	while (digits < in.n && ascii_digit(in.p[digits]))
		digits++;
	if (digits > 0) {
		p->parts = 0;
		for (size_t i = 0; i < digits && p->parts < PARTS_MAX; i++)
			p->parts = p->parts * 10 + (size_t)(in.p[i] - '0');
		if (p->parts == 0)
			return false;
	}
	in = str_from(in, digits);
	p->reverse = in.n > 0 && ascii_lower(in.p[0]) == 'r';
	p->delimiters = str_from(in, p->reverse ? 1 : 0);
	for (size_t i = 0; i < p->delimiters.n; i++)
		if (!is_one_of(p->delimiters.p[i], STR(".-+,/_=")))
			return false;
	if (p->delimiters.n == 0)
		p->delimiters = STR(".");
	return true;
}

/* False: *rest is empty, or what comes next is no macro-string. */
static bool take_piece(struct str *rest, struct piece *p)
{
	size_t n = str_find(*rest, '%');

	*p = (struct piece){ .is_macro = n == 0 };
	if (n > 0) {
		p->text = str_head(*rest, n);
		*rest = str_from(*rest, n);
		for (size_t i = 0; i < n; i++)
			if (p->text.p[i] < 0x21 || p->text.p[i] > 0x7e)
				return false;
		return true;
	}
	if (rest->n < 2)
		return false;
	switch (rest->p[1]) {
	case '%': p->text = STR("%"); break;
	case '_': p->text = STR(" "); break;
	case '-': p->text = STR("%20"); break;
	case '{':
		n = str_find(*rest, '}');
		if (n == rest->n || !take_macro(str_of(rest->p + 2, n - 2), p))
			return false;
		*rest = str_from(*rest, n + 1);
		return true;
	default: return false;
	}
	*rest = str_from(*rest, 2);
	return true;
}

bool spf_macro_string_valid(struct str s)
{
	struct piece p;

	while (s.n > 0)
		if (!take_piece(&s, &p))
			return false;
	return true;
}

/* toplabel of 7.1: letters, digits and hyphens within, not digits alone. */
static bool is_toplabel(struct str s)
{
	bool digits_only = true;

	for (size_t i = 0; i < s.n; i++) {
		bool hyphen = s.p[i] == '-';

		if (!is_alpha(s.p[i]) && !ascii_digit(s.p[i]) && !hyphen)
			return false;
		if (hyphen && (i == 0 || i == s.n - 1))
			return false;
		digits_only &= ascii_digit(s.p[i]);
	}
	return s.n > 0 && !digits_only;
}

bool spf_domain_spec_valid(struct str s)
{
	struct piece p = { 0 };
	struct str last;

	if (s.n == 0)
		return false;
	while (s.n > 0)
		if (!take_piece(&s, &p))
			return false;
	if (p.is_macro)
		return true;
	last = p.text;
	if (str_ends(last, STR(".")))
		last.n--;
	return is_toplabel(str_from(last, str_rfind(last, '.') + 1));
}

bool spf_macro_uses(struct str s, struct str letters)
{
	struct piece p;

	while (take_piece(&s, &p))
		if (p.letter != '\0' && is_one_of(p.letter, letters))
			return true;
	return false;
}

/* "192.0.2.3", "2.0.0.1.0.d.b.8. ..." (7.3). */
static void put_ip(const struct spf_macros *m, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < (m->ipv6 ? 16 : 4); i++) {
		if (i > 0)
			buf_putc(out, '.');
		if (m->ipv6)
			buf_printf(out, "%c.%c", hex[m->ip[i] >> 4], hex[m->ip[i] & 15]);
		else
			buf_putu(out, m->ip[i]);
	}
}

static struct str value_of(char letter, const struct spf_macros *m, struct buf *ip)
{
	switch (letter) {
	case 's': return m->sender;
	case 'l': return m->local;
	case 'o': return m->sender_domain;
	case 'd': return m->domain;
	case 'p': return m->client;
	case 'h': return m->helo;
	case 'v': return m->ipv6 ? STR("ip6") : STR("in-addr");
	case 'i':
	default: put_ip(m, ip); return buf_str(ip);
	}
}

/* RFC 3986 2.3 */
static void put_escaped(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_alpha(s.p[i]) || ascii_digit(s.p[i]) || is_one_of(s.p[i], STR("-._~")))
			buf_putc(out, s.p[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)s.p[i]);
}

static void put_part(struct buf *out, const struct piece *p, struct str part)
{
	if (p->escape)
		put_escaped(out, part);
	else
		buf_put(out, part);
}

/* The right-hand parts after a reversal are the left-hand ones before it (7.3). */
static void put_split(struct buf *out, const struct piece *p, struct str value)
{
	struct str parts[PARTS_MAX];
	size_t count = 0, start = 0, kept;

	for (size_t i = 0; i <= value.n && count < PARTS_MAX; i++) {
		if (i < value.n && !is_one_of(value.p[i], p->delimiters))
			continue;
		parts[count++] = str_of(value.p + start, i - start);
		start = i + 1;
	}
	kept = p->parts < count ? p->parts : count;
	for (size_t i = 0; i < kept; i++) {
		if (i > 0)
			buf_putc(out, '.');
		put_part(out, p, parts[p->reverse ? kept - 1 - i : count - kept + i]);
	}
}

void spf_macro_expand(struct str s, const struct spf_macros *m, struct buf *out)
{
	struct buf ip = { 0 };
	struct piece p;

	while (take_piece(&s, &p)) {
		buf_clear(&ip);
		if (p.letter == '\0')
			buf_put(out, p.text);
		else if (p.split)
			put_split(out, &p, value_of(p.letter, m, &ip));
		else
			put_part(out, &p, value_of(p.letter, m, &ip));
		if (out->len > KEPT)
			buf_consume(out, out->len - KEPT);
	}
	buf_deinit(&ip);
}

bool spf_name(struct str *s, struct buf *out)
{
	struct str rest;

	if (str_ends(*s, STR(".")))
		s->n--;
	while (s->n > SPF_NAME_MAX)
		str_cut(s, '.');
	if (s->n == 0 || str_ends(*s, STR(".")))
		return false;
	for (rest = *s; rest.n > 0;) {
		struct str label = str_cut(&rest, '.');

		if (label.n == 0 || label.n > LABEL_MAX)
			return false;
		for (size_t i = 0; i < label.n; i++) {
			char c = ascii_lower(label.p[i]);

			if (c < ' ' || c > '~')
				return false;
			if (is_alpha(c) || ascii_digit(c) || c == '-' || c == '_')
				buf_putc(out, c);
			else
				buf_printf(out, "\\%03u", (unsigned)c);
		}
		if (rest.n > 0)
			buf_putc(out, '.');
	}
	return true;
}
