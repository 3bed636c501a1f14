/* Messages on their way to clients that know only ASCII headers: the same comes out wherever the octets were cut,
 * and the header is ASCII.  And HTML as text: what comes out may be shown after charset_put_safe(). */
#include <stdlib.h>

#include "mime/charset.h"
#include "mime/downgrade.h"
#include "mime/field.h"
#include "mime/html_text.h"
#include "mime/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void in_pieces(struct str in, size_t piece, struct buf *out)
{
	struct downgrade d = { .line_at = 0 };

	for (size_t at = 0; at < in.n; at += piece)
		downgrade_feed(&d, str_head(str_from(in, at), piece), false, out);
	downgrade_feed(&d, STR(""), true, out);
	downgrade_deinit(&d);
}

static bool lines_end_with_crlf(struct str in)
{
	for (size_t i = 0; i < in.n; i++)
		if ((in.p[i] == '\n') != (i > 0 && in.p[i - 1] == '\r'))
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size), rest;
	struct buf whole = { 0 }, pieces = { 0 };
	struct field f;

	if (size > 8192)
		return 0;
	in_pieces(in, size + 1, &whole);
	for (size_t n = 1; n < 8; n += 2) {
		buf_clear(&pieces);
		in_pieces(in, n, &pieces);
		check(str_eq(buf_str(&whole), buf_str(&pieces)));
	}
	/* The store keeps no line end but CRLF: to field_cut() another one ends no line. */
	rest = lines_end_with_crlf(in) ? buf_str(&whole) : STR("");
	while (field_cut(&rest, &f))
		for (size_t i = 0; i < f.whole.n; i++)
			check((unsigned char)f.whole.p[i] < 0x80);

	buf_clear(&whole);
	charset_utf8(STR("utf-8"), in, &whole);
	check(str_utf8(buf_str(&whole)));
	buf_clear(&pieces);
	html_text(buf_str(&whole), &pieces);
	buf_clear(&whole);
	charset_put_line(&whole, buf_str(&pieces));
	check(str_utf8(buf_str(&whole)));
	for (size_t i = 0; i < whole.len; i++)
		check((unsigned char)buf_str(&whole).p[i] >= ' ');
	buf_deinit(&whole);
	buf_deinit(&pieces);
	return 0;
}
