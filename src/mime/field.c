#include "mime/field.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Octets of the line at the front with its CRLF; s.n when it has none. */
static size_t line_length(struct str s)
{
	size_t from = 0;

	while (from < s.n) {
		size_t lf = from + str_find(str_from(s, from), '\n');

		if (lf < s.n && lf > 0 && s.p[lf - 1] == '\r')
			return lf + 1;
		from = lf + 1;
	}
	return s.n;
}

/* RFC 5322 2.2: printable ASCII without colon; 4.5 allows blanks before the colon.  Returns the
 * length of the name, and where its colon is; 0 when the line begins with no field name. */
static size_t name_length(struct str line, size_t *colon)
{
	size_t n = 0, i;

	while (n < line.n && line.p[n] > ' ' && line.p[n] <= '~' && line.p[n] != ':')
		n++;
	for (i = n; i < line.n && is_blank(line.p[i]);)
		i++;
	*colon = i;
	return i < line.n && line.p[i] == ':' ? n : 0;
}

/* The start of a line is enough to say that it is no field: an octet that no name and no blank before
 * a colon can be.  A lone CR may still become a blank line. */
static bool is_no_field_yet(struct str line)
{
	size_t colon;

	if (name_length(line, &colon) > 0 || colon == line.n)
		return false;
	return !str_eq(line, STR("\r"));
}

bool field_cut(struct str *rest, struct field *field)
{
	struct str s = *rest;
	size_t end = line_length(s), colon, name = name_length(str_head(s, end), &colon);

	*field = (struct field){ 0 };
	if (name == 0)
		return false;
	while (end < s.n && is_blank(s.p[end]))
		end += line_length(str_from(s, end));
	field->whole = str_head(s, end);
	field->name = str_head(s, name);
	field->body = str_from(field->whole, colon + 1);
	if (str_ends(field->body, STR("\r\n")))
		field->body.n -= 2;
	*rest = str_from(s, end);
	return true;
}

bool header_search(struct header_search *h, struct str s, bool whole, size_t *length)
{
	while (h->from < s.n) {
		struct str rest = str_from(s, h->from);
		struct str line = str_head(rest, line_length(rest));
		size_t colon;

		if (!whole && !str_ends(line, STR("\r\n")) &&
			(is_blank(line.p[0]) || !is_no_field_yet(line)))
			return false;
		if (is_blank(line.p[0]) ? !h->inside : name_length(line, &colon) == 0) {
			*length = h->from;
			return true;
		}
		h->inside = true;
		h->from += line.n;
	}
	*length = h->from;
	return whole;
}
