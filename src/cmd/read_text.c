#include "cmd/read_text.h"

#include <locale.h>
#include <wchar.h>

void text_begin(void)
{
	wchar_t c;
	mbstate_t state = { 0 };

	setlocale(LC_CTYPE, "");
	if (mbrtowc(&c, "\xc3\xbc", 2, &state) != 2 || c != 0xfc)
		setlocale(LC_CTYPE, "C.UTF-8");
}

enum { UNPRINTABLE = -1, JOINING = -2 };

/* Joiners, variation selectors and skin tones: by them some terminals draw several characters as one, in fewer
 * columns than curses counts, and what stood there before stays beside it. */
static bool is_joining(wchar_t c)
{
	return c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x1f3fb && c <= 0x1f3ff);
}

/* Octets of the next character; *width: its columns, or why it is not shown. */
static size_t next_char(struct str text, int *width)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, text.p, text.n, &state);

	if (n == 0 || n > text.n) {
		*width = UNPRINTABLE;
		return 1;
	}
	*width = is_joining(c) ? JOINING : wcwidth(c);
	return n;
}

/* Octets of s that fit. */
static size_t fitting(struct str s, size_t columns)
{
	size_t at = 0, used = 0;
	int width;

	while (at < s.n) {
		size_t n = next_char(str_from(s, at), &width);

		used += width == UNPRINTABLE ? 1 : width > 0 ? (size_t)width : 0;
		if (used > columns)
			break;
		at += n;
	}
	return at;
}

static void put_shown(struct buf *out, struct str s)
{
	int width;

	while (s.n > 0) {
		size_t n = next_char(s, &width);

		if (width != JOINING)
			buf_put(out, width == UNPRINTABLE ? STR("?") : str_head(s, n));
		s = str_from(s, n);
	}
}

void text_fit(struct buf *out, struct str line, size_t columns)
{
	if (fitting(line, columns) == line.n) {
		put_shown(out, line);
	} else if (columns > 0) {
		put_shown(out, str_head(line, fitting(line, columns - 1)));
		buf_put(out, STR("…"));
	}
}

struct str text_wrap(struct str *text, size_t columns)
{
	struct str line = str_head(*text, str_find(*text, '\n'));
	size_t fits = fitting(line, columns), blank;

	if (fits == line.n) {
		*text = str_from(*text, line.n + 1);
		return line;
	}
	blank = str_rfind(str_head(line, fits + 1), ' ');
	if (blank > 0 && blank <= fits) {
		line = str_head(line, blank);
		*text = str_from(*text, blank + 1);
	} else {
		line = str_head(line, fits > 0 ? fits : 1);
		*text = str_from(*text, line.n);
	}
	return line;
}

void text_expand(struct buf *out, struct str text)
{
	size_t column = 0;
	int width;

	while (text.n > 0) {
		size_t n = next_char(text, &width);

		if (text.p[0] == '\t') {
			buf_fill(out, ' ', 8 - column % 8);
			column += 8 - column % 8;
		} else {
			buf_put(out, str_head(text, n));
			column = text.p[0] == '\n' ? 0 : column + (width > 0 ? (size_t)width : 0);
		}
		text = str_from(text, n);
	}
}

struct str text_shorter(struct str text)
{
	size_t n = text.n;

	while (n > 0 && ((unsigned char)text.p[n - 1] & 0xc0) == 0x80)
		n--;
	return str_head(text, n > 0 ? n - 1 : 0);
}
