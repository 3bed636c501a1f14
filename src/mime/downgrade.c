/* The stream: lines become fields, fields go to downgrade_field.c. */
#include "mime/downgrade.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void put_masked(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_putc(out, (unsigned char)s.p[i] < 0x80 ? s.p[i] : '?');
}

static void flush(struct downgrade *d, struct buf *out)
{
	if (d->field.len > 0)
		downgrade_field(buf_str(&d->field), out);
	buf_clear(&d->field);
	d->line_at = 0;
}

/* RFC 5322 2.2: a name of printable ASCII, then perhaps blanks (4.5), then a colon. */
static bool begins_field(struct str line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] > ' ' && line.p[n] <= '~' && line.p[n] != ':')
		n++;
	if (n == 0)
		return false;
	while (n < line.n && is_blank(line.p[n]))
		n++;
	return n < line.n && line.p[n] == ':';
}

/* A whole line that is the first of its field: the blank one, and one that is no field, end the
 * section (field.h). */
static void first_line(struct downgrade *d, struct buf *out)
{
	if (begins_field(buf_str(&d->field)))
		return;
	d->in_body = true;
	buf_put(out, buf_str(&d->field));
	buf_clear(&d->field);
}

/* The rest of a field that is too long to be held. */
static void overlong_line(struct downgrade *d, struct str piece, struct buf *out)
{
	put_masked(out, piece);
	d->mid_line = piece.p[piece.n - 1] != '\n';
}

static void header_piece(struct downgrade *d, struct str piece, struct buf *out)
{
	bool starts = d->overlong ? !d->mid_line : d->line_at == d->field.len;

	if (starts && !is_blank(piece.p[0])) {
		flush(d, out);
		d->overlong = false;
	}
	if (d->overlong) {
		overlong_line(d, piece, out);
		return;
	}
	buf_put(&d->field, piece);
	if (piece.p[piece.n - 1] == '\n') {
		if (d->line_at == 0)
			first_line(d, out);
		d->line_at = d->field.len;
	}
	if (d->field.len > DOWNGRADE_FIELD_MAX) {
		put_masked(out, buf_str(&d->field));
		d->overlong = true;
		d->mid_line = d->line_at != d->field.len;
		buf_clear(&d->field);
		d->line_at = 0;
	}
}

void downgrade_feed(struct downgrade *d, struct str octets, bool last, struct buf *out)
{
	while (octets.n > 0 && !d->in_body) {
		struct str piece = str_head(octets, str_find(octets, '\n') + 1);

		/* One field at most is held: a long line comes in pieces too. */
		piece = str_head(piece, DOWNGRADE_FIELD_MAX);
		header_piece(d, piece, out);
		octets = str_from(octets, piece.n);
	}
	buf_put(out, octets);
	if (last)
		flush(d, out);
}

void downgrade_deinit(struct downgrade *d)
{
	buf_deinit(&d->field);
	*d = (struct downgrade){ .in_body = false };
}
