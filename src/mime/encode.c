#include "mime/encode.h"
#include "base/codec.h"

enum { LINE_MAX = 76 }; /* RFC 2045 6.7 (5), 6.8 */

/* One unit that may not be cut; a soft line break first where it would not fit with its "=". */
static void put_unit(struct encode *e, struct str unit, struct buf *out)
{
	if (e->column + unit.n > LINE_MAX - 1) {
		buf_put(out, STR("=\r\n"));
		e->column = 0;
	}
	buf_put(out, unit);
	e->column += unit.n;
}

static void put_octet(struct encode *e, char c, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	char unit[3] = { '=', digits[(unsigned char)c >> 4], digits[c & 15] };

	put_unit(e, str_of(unit, 3), out);
}

static void put_blank(struct encode *e, bool last, struct buf *out)
{
	if (e->blank != 0 && last)
		put_octet(e, e->blank, out);
	else if (e->blank != 0)
		put_unit(e, str_of(&e->blank, 1), out);
	e->blank = 0;
}

void encode_quoted(struct encode *e, struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		put_blank(e, false, out);
		if (c == ' ' || c == '\t')
			e->blank = c;
		else if (c > ' ' && c <= '~' && c != '=' &&
			 /* A dot alone, or "From ", would be changed on the way (RFC 2049 3). */
			 !(e->column == 0 && (c == '.' || c == 'F')))
			put_unit(e, str_of(&s.p[i], 1), out);
		else
			put_octet(e, c, out);
	}
}

void encode_quoted_line(struct encode *e, struct buf *out)
{
	encode_quoted_end(e, out);
	buf_put(out, STR("\r\n"));
	e->column = 0;
}

void encode_quoted_end(struct encode *e, struct buf *out)
{
	put_blank(e, true, out);
}

static void put_group(struct encode *e, struct buf *out)
{
	if (e->column > 0)
		buf_put(out, STR("\r\n"));
	e->column = LINE_MAX;
	base64_put(out, str_of(e->group, e->grouped));
	e->grouped = 0;
}

void encode_base64(struct encode *e, struct str s, struct buf *out)
{
	while (s.n > 0) {
		struct str piece = str_head(s, sizeof e->group - e->grouped);

		memcpy(e->group + e->grouped, piece.p, piece.n);
		e->grouped += piece.n;
		s = str_from(s, piece.n);
		if (e->grouped == sizeof e->group)
			put_group(e, out);
	}
}

void encode_base64_end(struct encode *e, struct buf *out)
{
	if (e->grouped > 0)
		put_group(e, out);
}
