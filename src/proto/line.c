#include "proto/line.h"

/* Offset after the first CRLF, or 0. */
static size_t find_end(struct str s, size_t from)
{
	while (from < s.n) {
		const char *lf = memchr(s.p + from, '\n', s.n - from);

		if (lf == NULL)
			return 0;
		from = (size_t)(lf - s.p) + 1;
		if (from >= 2 && lf[-1] == '\r')
			return from;
	}
	return 0;
}

static bool is_odd(struct str text)
{
	return str_find(text, '\r') != text.n || str_find(text, '\n') != text.n ||
	       str_find(text, '\0') != text.n;
}

/* What is known to hold no CRLF goes, but for a CR at the end, which may be half of one. */
static void drop_searched(struct line_cutter *c, struct buf *in)
{
	struct str s = buf_str(in);
	size_t keep = s.n > 0 && s.p[s.n - 1] == '\r' ? 1 : 0;

	buf_consume(in, s.n - keep);
	c->searched = 0;
	c->dropping = true;
}

enum line_result line_cut(struct line_cutter *c, struct buf *in, size_t max, struct line *line)
{
	struct str s = buf_str(in);
	size_t end = find_end(s, c->searched);
	bool dropped = c->dropping;

	*line = (struct line){ .text = str_head(s, 0) };
	if (end == 0) {
		c->searched = s.n;
		if (dropped || s.n >= max)
			drop_searched(c, in);
		return LINE_MORE;
	}
	*c = (struct line_cutter){ 0 };
	buf_consume(in, end);
	if (dropped || end > max)
		return LINE_LONG;
	line->text = str_head(s, end - 2);
	line->odd = is_odd(line->text);
	return LINE_CUT;
}
