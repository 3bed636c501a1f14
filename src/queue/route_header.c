/* Routes by a field of the message's header: which of the sections' patterns it has.  Pure. */
#include "mime/field.h"
#include "queue/route.h"

static struct str name_of(struct str header, struct str *pattern)
{
	*pattern = header;
	return str_trim(str_cut(pattern, ':'));
}

bool route_header_is_valid(struct str header)
{
	struct str pattern, name = name_of(header, &pattern);

	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return false;
	for (size_t i = 0; i < pattern.n; i++)
		if ((unsigned char)pattern.p[i] < ' ' || pattern.p[i] == '\x7f')
			return false;
	return name.n > 0 && str_trim(pattern).n > 0;
}

/* The last '*' alone is gone back to, so that it costs at most the product of both lengths. */
static bool matches(struct str pattern, struct str s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, from = 0;

	while (i < s.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = i;
		} else if (p < pattern.n && ascii_lower(pattern.p[p]) == ascii_lower(s.p[i])) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

/* RFC 5322 2.2.3: without the CRLF before a blank. */
static struct str unfolded(struct buf *out, struct str body)
{
	buf_clear(out);
	for (size_t i = 0; i < body.n; i++)
		if (body.p[i] != '\r' && body.p[i] != '\n')
			buf_putc(out, body.p[i]);
	return str_trim(buf_str(out));
}

uint64_t route_marks(const struct route_rules *rules, struct str section)
{
	const struct route_rule *marked[ROUTE_MARKS];
	size_t count = 0;
	uint64_t marks = 0;
	struct field field;
	struct buf body = { 0 };

	for (size_t i = 0; i < rules->count && count < ROUTE_MARKS; i++)
		if (rules->rows[i].mark != 0)
			marked[count++] = &rules->rows[i];
	while (field_cut(&section, &field))
		for (size_t i = 0; i < count; i++) {
			struct str pattern, name = name_of(str_c(marked[i]->header), &pattern);

			if ((marks & marked[i]->mark) == 0 && str_ieq(name, field.name) &&
				matches(str_trim(pattern), unfolded(&body, field.body)))
				marks |= marked[i]->mark;
		}
	buf_deinit(&body);
	return marks;
}
