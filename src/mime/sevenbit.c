#include <stdlib.h>

#include "base/mem.h"
#include "mime/downgrade.h"
#include "mime/encode.h"
#include "mime/field.h"
#include "mime/param.h"
#include "mime/sevenbit.h"
#include "mime/transfer.h"
#include "mime/tree.h"

enum { PIECE = 1000, BOUNDARY_MAX = 70 /* RFC 2046 5.1.1 */ };

enum where { IN_HEADER, IN_LEAF, BETWEEN /* preamble or epilogue */ };

enum mark { KEEP, QUOTE, BASE64, MEND_QUOTED, DROP /* of what is base64 already */ };

struct sevenbit {
	struct buf *out; /* NULL: the scan */
	enum where where;
	struct buf piece; /* the line, or as much of it as PIECE */
	bool mid_line;    /* the piece does not begin the line */

	struct buf header; /* of the part whose header it is in */
	bool top;          /* that of the message itself */

	char boundary[SEVENBIT_DEPTH_MAX][BOUNDARY_MAX];
	size_t boundary_n[SEVENBIT_DEPTH_MAX], levels;
	size_t sealed; /* levels from this one on are signed; 0 none */

	/* of the leaf */
	bool line_end; /* one came: it is the boundary's if that comes next */
	bool fixed;    /* no encoding is allowed */
	bool text;
	enum transfer_encoding encoding;
	bool eightbit; /* it says that it is 8bit or binary */
	uint64_t octets, high;
	struct encode encode;

	size_t leaf; /* how many leaves came before */
	uint8_t marks[SEVENBIT_PARTS_MAX];
	bool needed, impossible;
};

struct sevenbit *sevenbit_new(void)
{
	struct sevenbit *s = NEW(struct sevenbit);

	s->top = true;
	return s;
}

void sevenbit_free(struct sevenbit *s)
{
	if (s == NULL)
		return;
	buf_deinit(&s->piece);
	buf_deinit(&s->header);
	free(s);
}

static void put(struct sevenbit *s, struct str octets)
{
	if (s->out != NULL)
		buf_put(s->out, octets);
}

/* What no reader sees. */
static void put_masked(struct sevenbit *s, struct str octets)
{
	if (s->out == NULL)
		s->needed |= !str_ascii(octets);
	else
		for (size_t i = 0; i < octets.n; i++)
			buf_putc(s->out, (unsigned char)octets.p[i] >= 0x80 ? '?' : octets.p[i]);
}

static enum mark mark_of(const struct sevenbit *s)
{
	return s->leaf < SEVENBIT_PARTS_MAX ? (enum mark)s->marks[s->leaf] : KEEP;
}

/* ---- the body of a leaf ---- */

static void mend(struct sevenbit *s, struct str text, bool drop)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x80)
			buf_putc(s->out, text.p[i]);
		else if (!drop)
			buf_printf(s->out, "=%02X", (unsigned char)text.p[i]);
}

static void leaf_text(struct sevenbit *s, struct str text)
{
	if (s->out == NULL) {
		s->octets += text.n;
		if (!str_ascii(text))
			for (size_t i = 0; i < text.n; i++)
				s->high += (unsigned char)text.p[i] >= 0x80;
		return;
	}
	switch (mark_of(s)) {
	case KEEP: put(s, text); break;
	case QUOTE: encode_quoted(&s->encode, text, s->out); break;
	case BASE64: encode_base64(&s->encode, text, s->out); break;
	case MEND_QUOTED: mend(s, text, false); break;
	case DROP: mend(s, text, true); break;
	}
}

static void leaf_line_end(struct sevenbit *s)
{
	enum mark mark = mark_of(s);

	if (s->line_end && s->out != NULL) {
		if (mark == QUOTE)
			encode_quoted_line(&s->encode, s->out);
		else if (mark == BASE64)
			encode_base64(&s->encode, STR("\r\n"), s->out);
		else
			put(s, STR("\r\n"));
	}
	s->line_end = false;
}

static enum mark decide(const struct sevenbit *s)
{
	if (s->high == 0)
		return KEEP;
	if (s->encoding == TRANSFER_BASE64)
		return DROP;
	if (s->encoding == TRANSFER_QUOTED)
		return MEND_QUOTED;
	/* Text in a Latin script stays nearly readable, and is shorter so. */
	return s->text && s->high * 4 <= s->octets ? QUOTE : BASE64;
}

static void leaf_end(struct sevenbit *s)
{
	if (s->out == NULL) {
		enum mark mark = decide(s);

		s->needed |= mark != KEEP;
		s->impossible |= mark != KEEP &&
				 (s->fixed || s->sealed > 0 || s->leaf >= SEVENBIT_PARTS_MAX);
		if (s->leaf < SEVENBIT_PARTS_MAX)
			s->marks[s->leaf] = (uint8_t)mark;
	} else if (mark_of(s) == QUOTE) {
		encode_quoted_end(&s->encode, s->out);
	} else if (mark_of(s) == BASE64) {
		encode_base64_end(&s->encode, s->out);
	}
	s->leaf++;
}

/* ---- headers ---- */

static void put_field(struct sevenbit *s, struct str whole)
{
	if (str_ascii(whole) || s->out == NULL)
		put(s, whole);
	else
		downgrade_field_onward(whole, s->out);
}

/* encoding: instead of what the header says; "": none. */
static void put_header(struct sevenbit *s, bool change, struct str encoding)
{
	struct str rest = buf_str(&s->header);
	struct field f;
	bool version = false, type = false;

	while (field_cut(&rest, &f)) {
		version |= str_ieq(f.name, STR("MIME-Version"));
		type |= str_ieq(f.name, STR("Content-Type"));
		if (!change || !str_ieq(f.name, STR("Content-Transfer-Encoding")))
			put_field(s, f.whole);
	}
	if (change && s->top && !version)
		put(s, STR("MIME-Version: 1.0\r\n"));
	if (change && s->top && !type) /* RFC 1428 3 */
		put(s, STR("Content-Type: text/plain; charset=unknown-8bit\r\n"));
	if (change && encoding.n > 0) {
		put(s, STR("Content-Transfer-Encoding: "));
		put(s, encoding);
		put(s, STR("\r\n"));
	}
	put_masked(s, rest); /* the blank line, or what is no field */
}

static bool push_boundary(struct sevenbit *s, struct str body)
{
	struct buf boundary = { 0 };
	bool ok = param_octets(body, STR("boundary"), &boundary) && boundary.len > 0 &&
		  boundary.len <= BOUNDARY_MAX && s->levels < SEVENBIT_DEPTH_MAX;

	if (ok) {
		memcpy(s->boundary[s->levels], buf_str(&boundary).p, boundary.len);
		s->boundary_n[s->levels++] = boundary.len;
	}
	buf_deinit(&boundary);
	return ok;
}

static void begin_leaf(struct sevenbit *s, struct str type)
{
	static const struct str names[] = {
		[QUOTE] = STR_INIT("quoted-printable"),
		[BASE64] = STR_INIT("base64"),
	};
	enum mark mark;

	s->where = IN_LEAF;
	s->line_end = false;
	s->octets = s->high = 0;
	s->encode = (struct encode){ 0 };
	s->text = type.n == 0 || str_starts(type, STR("text/"));
	/* RFC 2046 5.2: no encoding on message types, RFC 6532 3.5: but on this one. */
	s->fixed =
		(str_starts(type, STR("message/")) && !str_starts(type, STR("message/global"))) ||
		str_starts(type, STR("multipart/"));
	mark = mark_of(s);
	if (mark == QUOTE || mark == BASE64)
		put_header(s, true, names[mark]);
	else
		put_header(s, s->eightbit && s->sealed == 0, STR(""));
}

/* The header section is whole, with its blank line if it has one. */
static void header_end(struct sevenbit *s)
{
	struct str content = mime_field(buf_str(&s->header), STR("Content-Type"));
	struct str named = mime_field(buf_str(&s->header), STR("Content-Transfer-Encoding"));
	struct buf type = { 0 }, encoding = { 0 };

	if (s->out == NULL && !str_ascii(buf_str(&s->header))) {
		s->needed = true;
		s->impossible |= s->sealed > 0;
	}
	param_main(content, &type);
	param_main(named, &encoding);
	s->encoding = transfer_named(buf_str(&encoding));
	s->eightbit = str_eq(buf_str(&encoding), STR("8bit")) ||
		      str_eq(buf_str(&encoding), STR("binary"));
	if (str_starts(buf_str(&type), STR("multipart/")) && push_boundary(s, content)) {
		if (s->sealed == 0 && str_eq(buf_str(&type), STR("multipart/signed")))
			s->sealed = s->levels;
		put_header(s, s->eightbit && s->sealed == 0, STR(""));
		s->where = BETWEEN;
	} else if (str_eq(buf_str(&type), STR("message/rfc822")) && s->encoding == TRANSFER_PLAIN) {
		put_header(s, s->eightbit && s->sealed == 0, STR(""));
		s->where = IN_HEADER; /* of the message in it */
	} else {
		begin_leaf(s, buf_str(&type));
	}
	s->top = false;
	buf_clear(&s->header);
	buf_deinit(&type);
	buf_deinit(&encoding);
}

/* ---- lines ---- */

/* A delimiter of an open multipart, the innermost first; an outer one ends what is in it (RFC 2046
 * 5.1.2). */
static bool boundary_line(struct sevenbit *s, struct str line, size_t *level, bool *close)
{
	struct str rest = str_from(line, 2);

	if (!str_starts(line, STR("--")))
		return false;
	for (size_t i = s->levels; i-- > 0;) {
		struct str after = rest;

		if (!str_starts(rest, str_of(s->boundary[i], s->boundary_n[i])))
			continue;
		after = str_from(rest, s->boundary_n[i]);
		*close = str_starts(after, STR("--"));
		after = str_trim(*close ? str_from(after, 2) : after);
		*level = i;
		if (after.n == 0)
			return true;
	}
	return false;
}

static void at_boundary(struct sevenbit *s, struct str line, size_t level, bool close)
{
	if (s->where == IN_HEADER)
		header_end(s); /* a header and no body */
	if (s->where == IN_LEAF) {
		bool line_end = s->line_end;

		leaf_end(s);
		if (line_end)
			put(s, STR("\r\n"));
	}
	/* A multipart that began with this very line may have come to the levels. */
	s->levels = level + (close ? 0 : 1);
	if (s->levels < s->sealed)
		s->sealed = 0;
	put(s, line);
	s->where = close ? BETWEEN : IN_HEADER;
}

static void header_line(struct sevenbit *s, struct str piece, bool whole)
{
	size_t was = s->header.len;

	if (was + piece.n > SEVENBIT_HEADER_MAX) {
		s->impossible = true;
		return;
	}
	buf_put(&s->header, piece);
	if (whole && str_eq(piece, STR("\r\n")))
		header_end(s);
}

static void take_piece(struct sevenbit *s, struct str piece)
{
	bool begins = !s->mid_line, ends = str_ends(piece, STR("\r\n")), close;
	size_t level;

	s->mid_line = !ends;
	if (begins &&
		boundary_line(s, ends ? str_head(piece, piece.n - 2) : piece, &level, &close)) {
		at_boundary(s, piece, level, close);
		return;
	}
	switch (s->where) {
	case IN_HEADER: header_line(s, piece, begins); break;
	case BETWEEN: put_masked(s, piece); break;
	case IN_LEAF:
		leaf_line_end(s);
		leaf_text(s, ends ? str_head(piece, piece.n - 2) : piece);
		s->line_end = ends;
		break;
	}
}

static void feed(struct sevenbit *s, struct str octets)
{
	while (octets.n > 0) {
		size_t n = str_find(octets, '\n');
		struct str run = str_head(octets, n < octets.n ? n + 1 : n);

		if (s->piece.len + run.n > PIECE)
			run = str_head(run, s->piece.len < PIECE ? PIECE - s->piece.len : 1);
		buf_put(&s->piece, run);
		octets = str_from(octets, run.n);
		/* Never cut within a CRLF. */
		if (str_ends(buf_str(&s->piece), STR("\r\n")) ||
			(s->piece.len >= PIECE && !str_ends(buf_str(&s->piece), STR("\r")))) {
			take_piece(s, buf_str(&s->piece));
			buf_clear(&s->piece);
		}
	}
}

static void end(struct sevenbit *s)
{
	if (s->piece.len > 0)
		take_piece(s, buf_str(&s->piece));
	if (s->where == IN_HEADER)
		header_end(s);
	if (s->where == IN_LEAF) {
		enum mark mark = mark_of(s);

		leaf_line_end(s);
		leaf_end(s);
		if (mark == BASE64)
			put(s, STR("\r\n"));
	}
}

void sevenbit_scan(struct sevenbit *s, struct str octets)
{
	feed(s, octets);
}

enum sevenbit_result sevenbit_scanned(struct sevenbit *s)
{
	end(s);
	/* As it was, but for the marks. */
	buf_clear(&s->piece);
	buf_clear(&s->header);
	s->where = IN_HEADER;
	s->mid_line = false;
	s->top = true;
	s->levels = s->sealed = s->leaf = 0;
	if (s->impossible)
		return SEVENBIT_IMPOSSIBLE;
	return s->needed ? SEVENBIT_POSSIBLE : SEVENBIT_IS;
}

void sevenbit_convert(struct sevenbit *s, struct str octets, bool last, struct buf *out)
{
	s->out = out;
	feed(s, octets);
	if (last)
		end(s);
}
