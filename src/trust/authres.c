#include "trust/authres.h"

#include "mime/field.h"

static const struct str field_name = STR_INIT("Authentication-Results");

/* ---- writing ---- */

void authres_begin(struct authres *a, struct buf *out, struct str id)
{
	*a = (struct authres){ .out = out };
	buf_put(out, field_name);
	buf_put(out, STR(": "));
	buf_put(out, id);
}

void authres_result(struct authres *a, struct str method, struct str result)
{
	a->any = true;
	buf_put(a->out, STR(";\r\n\t"));
	buf_put(a->out, method);
	buf_putc(a->out, '=');
	buf_put(a->out, result);
}

static bool is_letter_or_digit(char c)
{
	return ascii_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

void authres_comment(struct authres *a, struct str comment)
{
	buf_put(a->out, STR(" ("));
	for (size_t i = 0; i < comment.n; i++)
		buf_putc(a->out,
			is_letter_or_digit(comment.p[i]) || str_find(STR(" =-."), comment.p[i]) < 4
				? comment.p[i]
				: '?');
	buf_putc(a->out, ')');
}

/* RFC 2045 5.1, without what a lenient reader might take for more than a token. */
static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_letter_or_digit(s.p[i]) && str_find(STR(".-_"), s.p[i]) == 3)
			return false;
	return s.n > 0;
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return true;
}

void authres_property(struct authres *a, struct str name, struct str value)
{
	if (value.n == 0 || value.n > AUTHRES_VALUE_MAX || !is_printable(value))
		return;
	buf_putc(a->out, ' ');
	buf_put(a->out, name);
	buf_putc(a->out, '=');
	if (is_token(value)) {
		buf_put(a->out, value);
		return;
	}
	buf_putc(a->out, '"');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"' || value.p[i] == '\\')
			buf_putc(a->out, '\\');
		buf_putc(a->out, value.p[i]);
	}
	buf_putc(a->out, '"');
}

void authres_end(struct authres *a)
{
	buf_put(a->out, a->any ? STR("\r\n") : STR("; none\r\n"));
}

/* ---- those that are there ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A comment with those in it; false: it does not end. */
static bool skip_comment(struct str *s)
{
	size_t depth = 0, i = 0;

	for (; i < s->n; i++) {
		if (s->p[i] == '\\')
			i++;
		else if (s->p[i] == '(')
			depth++;
		else if (s->p[i] == ')' && --depth == 0)
			break;
	}
	if (i >= s->n)
		return false;
	*s = str_from(*s, i + 1);
	return true;
}

/* CFWS (RFC 5322 3.2.2), and the remains of folding. */
static bool skip_blanks(struct str *s)
{
	while (s->n > 0 && (is_blank(s->p[0]) || s->p[0] == '('))
		if (s->p[0] != '(')
			*s = str_from(*s, 1);
		else if (!skip_comment(s))
			return false;
	return true;
}

/* A quoted string without its quotes and folds. */
static bool take_quoted(struct str *s, struct buf *to)
{
	size_t i = 1;

	for (; i < s->n && s->p[i] != '"'; i++) {
		if (s->p[i] == '\\' && ++i == s->n)
			return false;
		if (s->p[i] != '\r' && s->p[i] != '\n')
			buf_putc(to, s->p[i]);
	}
	if (i >= s->n)
		return false;
	*s = str_from(*s, i + 1);
	return true;
}

/* RFC 2045 5.1, with UTF-8 (RFC 6532). */
static bool is_token_octet(char c)
{
	static const struct str specials = STR_INIT("()<>@,;:\\\"/[]?=");

	return (unsigned char)c > ' ' && c != '\x7f' && str_find(specials, c) == specials.n;
}

static bool take_token(struct str *s, struct buf *to)
{
	size_t n = 0;

	while (n < s->n && is_token_octet(s->p[n]))
		n++;
	buf_put(to, str_head(*s, n));
	*s = str_from(*s, n);
	return n > 0;
}

bool authres_id(struct str body, struct buf *id)
{
	struct buf version = { 0 };
	bool read;

	if (!skip_blanks(&body) ||
		!(body.n > 0 && body.p[0] == '"' ? take_quoted(&body, id)
						 : take_token(&body, id)) ||
		!skip_blanks(&body))
		return false;
	read = body.n == 0 || body.p[0] == ';';
	if (!read && take_token(&body, &version))
		read = str_eq(buf_str(&version), STR("1")) && skip_blanks(&body) &&
		       (body.n == 0 || body.p[0] == ';');
	buf_deinit(&version);
	return read;
}

/* Up to the next ";" that ends a result, and over it. */
static bool skip_result(struct str *s)
{
	struct buf unused = { 0 };
	bool fine = true;

	while (fine && s->n > 0 && s->p[0] != ';') {
		if (s->p[0] == '(')
			fine = skip_comment(s);
		else if (s->p[0] == '"')
			fine = take_quoted(s, &unused);
		else
			*s = str_from(*s, 1);
	}
	buf_deinit(&unused);
	*s = str_from(*s, 1);
	return fine;
}

bool authres_says(struct str body, struct str method, struct str result)
{
	struct buf found = { 0 };
	bool says = false;

	while (!says && skip_result(&body) && body.n > 0) {
		buf_clear(&found);
		if (!skip_blanks(&body) || !take_token(&body, &found) ||
			!str_ieq(buf_str(&found), method) || !skip_blanks(&body) || body.n == 0 ||
			body.p[0] != '=')
			continue;
		body = str_from(body, 1);
		buf_clear(&found);
		says = skip_blanks(&body) && take_token(&body, &found) &&
		       str_ieq(buf_str(&found), result);
	}
	buf_deinit(&found);
	return says;
}

static bool claims(struct str body, struct str id)
{
	struct buf found = { 0 };
	struct str name;
	bool is;

	is = !authres_id(body, &found);
	name = str_trim(buf_str(&found));
	while (str_ends(name, STR(".")))
		name.n--;
	is = is || !str_ascii(name) || str_ieq(name, id);
	buf_deinit(&found);
	return is;
}

/* A line that is no field, with its end. */
static struct str cut_line(struct str *rest)
{
	size_t lf = str_find(*rest, '\n');
	struct str line = str_head(*rest, lf < rest->n ? lf + 1 : lf);

	*rest = str_from(*rest, line.n);
	return line;
}

size_t authres_strip(struct buf *out, struct str header, struct str id)
{
	struct field field;
	size_t stripped = 0;

	while (header.n > 0)
		if (!field_cut(&header, &field))
			buf_put(out, cut_line(&header));
		else if (str_ieq(field.name, field_name) && claims(field.body, id))
			stripped++;
		else
			buf_put(out, field.whole);
	return stripped;
}
