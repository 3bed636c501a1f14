#include "mime/param.h"

#include "base/codec.h"
#include "mime/charset.h"
#include "mime/word.h"

enum { PIECES_MAX = 64, PIECE_OCTETS = 60 };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without blanks, line ends and comments at the front; comments nest (RFC 5322 3.2.2). */
static struct str skip_blank(struct str s)
{
	unsigned depth = 0;

	while (s.n > 0) {
		char c = s.p[0];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (c == '\\' && depth > 0)
			s = str_from(s, 1);
		else if (depth == 0 && !is_blank(c))
			break;
		s = str_from(s, 1);
	}
	return s;
}

static bool ends_token(char c)
{
	return c == ';' || c == '=' || c == '(' || is_blank(c);
}

static struct str cut_token(struct str *s)
{
	struct str token = *s;
	size_t n = 0;

	while (n < s->n && !ends_token(s->p[n]))
		n++;
	*s = str_from(*s, n);
	return str_head(token, n);
}

static void cut_quoted(struct str *s, struct buf *out)
{
	*s = str_from(*s, 1);
	while (s->n > 0 && s->p[0] != '"') {
		if (s->p[0] == '\\' && s->n > 1)
			*s = str_from(*s, 1);
		if (s->p[0] != '\r' && s->p[0] != '\n')
			buf_putc(out, s->p[0]);
		*s = str_from(*s, 1);
	}
	*s = str_from(*s, 1);
}

/* Without quotes, to ";" or a comment: names with blanks are written so, against the RFC. */
static void cut_unquoted(struct str s, struct buf *out)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != ';' && !str_starts(str_from(s, n), STR(" (")))
		n++;
	while (n > 0 && is_blank(s.p[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n')
			buf_putc(out, s.p[i]);
}

static void cut_value(struct str *s, struct buf *out)
{
	*s = skip_blank(*s);
	if (s->n > 0 && s->p[0] == '"')
		cut_quoted(s, out);
	else
		cut_unquoted(*s, out);
	*s = str_from(*s, str_find(*s, ';'));
}

/* The next "; name=value"; false at the end. */
static bool cut_param(struct str *s, struct str *name, struct buf *value)
{
	while (s->n > 0) {
		*s = str_from(*s, str_find(*s, ';') + 1);
		*s = skip_blank(*s);
		*name = cut_token(s);
		*s = skip_blank(*s);
		if (name->n == 0 || s->n == 0 || s->p[0] != '=')
			continue;
		*s = str_from(*s, 1);
		cut_value(s, value);
		return true;
	}
	return false;
}

void param_main(struct str body, struct buf *out)
{
	struct str s = skip_blank(body);

	while (s.n > 0 && s.p[0] != ';') {
		buf_putc(out, ascii_lower(s.p[0]));
		s = skip_blank(str_from(s, 1));
	}
}

static void put_percent(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		int high = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
		int low = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;

		if (s.p[i] == '%' && high >= 0 && low >= 0) {
			buf_putc(out, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_putc(out, s.p[i]);
		}
	}
}

/* The pieces of one value, by their numbers (RFC 2231 3). */
struct pieces {
	struct buf text[PIECES_MAX];
	bool there[PIECES_MAX], extended[PIECES_MAX];
};

/* "name", "name*", "name*3", "name*3*": is it of `name`, and which piece? */
static bool piece_of(struct str written, struct str name, uint64_t *number, bool *extended)
{
	struct str rest = str_from(written, name.n);

	*number = 0;
	*extended = str_ends(rest, STR("*"));
	if (!str_ieq(str_head(written, name.n), name))
		return false;
	if (*extended)
		rest.n--;
	return rest.n == 0 ||
	       (rest.p[0] == '*' && str_u64(str_from(rest, 1), number) && *number < PIECES_MAX);
}

/* charset'language'text (RFC 2231 4); some leave the first two away, with their marks. */
static struct str cut_charset(struct str *value)
{
	struct str rest = *value, charset = str_cut(&rest, '\'');
	size_t language = str_find(rest, '\'');

	if (language == rest.n)
		return STR("");
	*value = str_from(rest, language + 1);
	return charset;
}

static void put_pieces(struct pieces *p, bool as_octets, struct buf *out)
{
	struct buf octets = { 0 };
	struct str text = buf_str(&p->text[0]);
	struct str charset = p->extended[0] ? cut_charset(&text) : STR("");

	for (size_t i = 0; i < PIECES_MAX && p->there[i]; i++) {
		if (i > 0)
			text = buf_str(&p->text[i]);
		if (p->extended[i])
			put_percent(&octets, text);
		else
			buf_put(&octets, text);
	}
	if (as_octets)
		buf_put(out, buf_str(&octets));
	else if (p->extended[0])
		charset_utf8(charset, buf_str(&octets), out);
	else
		word_decode(buf_str(&octets), out);
	buf_deinit(&octets);
}

static bool get(struct str body, struct str name, bool as_octets, struct buf *out)
{
	struct pieces p = { .there = { false } };
	struct buf value = { 0 };
	struct str written;
	bool there;

	while (buf_clear(&value), cut_param(&body, &written, &value)) {
		uint64_t number;
		bool extended;

		/* The extended form wins over the plain one for old programs (RFC 6266 4.3 says why). */
		if (!piece_of(written, name, &number, &extended) ||
			(p.there[number] && (!extended || p.extended[number])))
			continue;
		buf_clear(&p.text[number]);
		buf_put(&p.text[number], buf_str(&value));
		p.there[number] = true;
		p.extended[number] = extended;
	}
	buf_deinit(&value);
	there = p.there[0];
	if (there)
		put_pieces(&p, as_octets, out);
	for (size_t i = 0; i < PIECES_MAX; i++)
		buf_deinit(&p.text[i]);
	return there;
}

bool param_get(struct str body, struct str name, struct buf *out)
{
	return get(body, name, false, out);
}

bool param_octets(struct str body, struct str name, struct buf *out)
{
	return get(body, name, true, out);
}

static bool is_plain(char c)
{
	return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || ascii_digit(c) ||
	       str_find(STR("-._~"), c) < 4;
}

/* In pieces of a line each; one that fits a line needs no number. */
static void put_extended(struct buf *out, struct str name, struct str encoded)
{
	bool one = encoded.n <= PIECE_OCTETS;

	for (unsigned number = 0; encoded.n > 0; number++) {
		struct str piece = str_head(encoded, PIECE_OCTETS);

		/* Not inside of "%C3". */
		for (int i = 0; i < 2 && piece.n < encoded.n && piece.n > 2; i++)
			if (piece.p[piece.n - 1] == '%' || piece.p[piece.n - 2] == '%')
				piece.n--;
		if (number > 0)
			buf_put(out, STR(";\r\n "));
		buf_put(out, name);
		if (!one)
			buf_printf(out, "*%u", number);
		buf_put(out, STR("*="));
		buf_put(out, piece);
		encoded = str_from(encoded, piece.n);
	}
}

bool param_put_ascii(struct buf *out, struct str parameter)
{
	struct buf body = { 0 }, value = { 0 }, encoded = { 0 };
	struct str name = { 0 }, rest;
	bool good;

	buf_putc(&body, ';');
	buf_put(&body, parameter);
	rest = buf_str(&body);
	good = cut_param(&rest, &name, &value);
	for (size_t i = 0; good && i < name.n; i++)
		good = is_plain(name.p[i]);
	buf_put(&encoded, str_utf8(buf_str(&value)) ? STR("UTF-8''") : STR("unknown-8bit''"));
	for (size_t i = 0; good && i < value.len; i++)
		if (is_plain(value.data[i]))
			buf_putc(&encoded, value.data[i]);
		else
			buf_printf(&encoded, "%%%02X", (unsigned char)value.data[i]);
	good = good && encoded.len <= (PIECES_MAX - 1) * (PIECE_OCTETS - 2);
	if (good)
		put_extended(out, name, buf_str(&encoded));
	buf_deinit(&body);
	buf_deinit(&value);
	buf_deinit(&encoded);
	return good;
}
