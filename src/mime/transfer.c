#include "mime/transfer.h"

#include "base/codec.h"

enum transfer_encoding transfer_named(struct str name)
{
	name = str_trim(name);
	if (str_ieq(name, STR("quoted-printable")))
		return TRANSFER_QUOTED;
	if (str_ieq(name, STR("base64")))
		return TRANSFER_BASE64;
	return TRANSFER_PLAIN;
}

/* What is not of the alphabet is passed over (RFC 2045 6.8).  Padding ends four letters; what comes after it is
 * decoded too: some programs encode piece by piece. */
static void put_base64(struct transfer *t, char c, struct buf *out)
{
	int v = base64_value(c);

	if (c == '=') {
		t->digits = 0;
		t->bits = 0;
	}
	if (v < 0)
		return;
	t->bits = t->bits << 6 | (uint32_t)v;
	if (t->digits++ > 0) /* the 2nd letter leaves 4 bits over, the 3rd 2, the 4th none */
		buf_putc(out, (char)(t->bits >> (8 - 2 * t->digits) & 0xff));
	if (t->digits == 4)
		t->digits = 0;
}

static void flush_held(struct transfer *t, struct buf *out)
{
	buf_put(out, str_of(t->held, t->held_n));
	t->held_n = 0;
}

static void hold(struct transfer *t, char c, struct buf *out)
{
	if (t->held_n == sizeof t->held)
		flush_held(t, out);
	t->held[t->held_n++] = c;
}

/* Behind "=": two digits, or blanks and the end of the line, which then goes on in the next. */
static void put_escape(struct transfer *t, char c, struct buf *out)
{
	int high = t->held_n == 2 ? hex_value(t->held[1]) : -1;
	bool blank = c == '\r' || c == ' ' || c == '\t';

	if (high >= 0 && hex_value(c) >= 0) {
		buf_putc(out, (char)(high << 4 | hex_value(c)));
		t->held_n = 0;
	} else if (high < 0 && c == '\n') {
		t->held_n = 0;
	} else if (high < 0 && (blank || (t->held_n == 1 && hex_value(c) >= 0))) {
		hold(t, c, out);
	} else { /* no escape after all */
		flush_held(t, out);
		transfer_decode(t, str_of(&c, 1), out);
	}
}

static void put_quoted(struct transfer *t, char c, struct buf *out)
{
	if (t->held_n > 0 && t->held[0] == '=') {
		put_escape(t, c, out);
	} else if (c == '=') {
		flush_held(t, out);
		hold(t, c, out);
	} else if (t->encoding == TRANSFER_QUOTED && (c == ' ' || c == '\t' || c == '\r')) {
		hold(t, c, out);
	} else if (c == '\n' && t->held_n > 0) {
		/* Blanks at the end of a line were put there on the way (RFC 2045 6.7). */
		bool cr = t->held[t->held_n - 1] == '\r';

		t->held_n = 0;
		buf_put(out, cr ? STR("\r\n") : STR("\n"));
	} else {
		flush_held(t, out);
		buf_putc(out, t->encoding == TRANSFER_Q && c == '_' ? ' ' : c);
	}
}

void transfer_decode(struct transfer *t, struct str piece, struct buf *out)
{
	switch (t->encoding) {
	case TRANSFER_PLAIN: buf_put(out, piece); break;
	case TRANSFER_BASE64:
		for (size_t i = 0; i < piece.n; i++)
			put_base64(t, piece.p[i], out);
		break;
	case TRANSFER_QUOTED:
	case TRANSFER_Q:
		for (size_t i = 0; i < piece.n; i++)
			put_quoted(t, piece.p[i], out);
		break;
	}
}

void transfer_end(struct transfer *t, struct buf *out)
{
	/* Blanks, or a soft line end whose CRLF is the boundary's. */
	if (t->encoding == TRANSFER_QUOTED && hex_value(t->held_n > 1 ? t->held[1] : '\0') < 0)
		t->held_n = 0;
	flush_held(t, out);
}
