#include "base/codec.h"
#include "trust/dkim_tags.h"

enum { TAGS_MAX = 64 };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct str bare(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = str_from(s, 1);
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(i > 0 && (ascii_digit(c) || c == '_')))
			return false;
	}
	return s.n > 0;
}

/* Cuts "name = value" up to the next semicolon. */
static struct str cut_tag(struct str *rest, struct str *value)
{
	struct str tag = str_cut(rest, ';'), name = str_cut(&tag, '=');

	*value = bare(tag);
	return bare(name);
}

bool dkim_tags_valid(struct str s)
{
	struct str seen[TAGS_MAX], rest = s, value;
	size_t n = 0;

	while (bare(rest).n > 0) {
		struct str start = rest, name = cut_tag(&rest, &value);

		if (!is_name(name) || n == TAGS_MAX ||
			str_find(str_head(start, str_find(start, ';')), '=') ==
				str_find(start, ';'))
			return false;
		for (size_t i = 0; i < n; i++)
			if (str_eq(seen[i], name))
				return false;
		seen[n++] = name;
	}
	return n > 0;
}

bool dkim_tag(struct str s, struct str name, struct str *value)
{
	while (s.n > 0)
		if (str_eq(cut_tag(&s, value), name))
			return true;
	*value = STR("");
	return false;
}

struct str dkim_list_cut(struct str *list)
{
	return bare(str_cut(list, ':'));
}

bool dkim_list_has(struct str list, struct str item)
{
	while (list.n > 0)
		if (str_ieq(dkim_list_cut(&list), item))
			return true;
	return false;
}

bool dkim_base64(struct str value, struct buf *out)
{
	struct buf packed = { 0 };
	bool ok;

	for (size_t i = 0; i < value.n; i++)
		if (!is_blank(value.p[i]))
			buf_putc(&packed, value.p[i]);
	ok = packed.len > 0 && base64_get(buf_str(&packed), out);
	buf_deinit(&packed);
	return ok;
}
