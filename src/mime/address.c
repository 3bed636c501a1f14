#include "mime/address.h"

enum token_type { T_WORD, T_QUOTED, T_LITERAL, T_MARK, T_END, T_BAD };

struct token {
	enum token_type type;
	struct str text; /* T_MARK: one of < > : ; , @ . */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 5322 3.2.3, RFC 6532 3.2 */
static bool is_atext(char c)
{
	static const struct str marks = STR_INIT("!#$%&'*+-/=?^_`{|}~");
	char lower = ascii_lower(c);

	return ascii_digit(c) || (lower >= 'a' && lower <= 'z') || (unsigned char)c >= 0x80 ||
	       str_find(marks, c) < marks.n;
}

static bool is_control(char c)
{
	return ((unsigned char)c < ' ' && !is_blank(c)) || c == 0x7f;
}

/* Length of what goes from an opening to its closing mark, with both; 0 when it is not closed or holds
 * a control.  Comments nest. */
static size_t enclosed(struct str s, char close)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (is_control(s.p[i]))
			return 0;
		if (s.p[i] == '\\') {
			if (++i == s.n || is_control(s.p[i]) || s.p[i] == '\r' || s.p[i] == '\n')
				return 0;
		} else if (i > 0 && s.p[i] == close) {
			if (--depth == 0)
				return i + 1;
		} else if (i == 0 || (close == ')' && s.p[i] == '(')) {
			depth++;
		} else if (close == ']' && s.p[i] == '[') {
			return 0;
		}
	}
	return 0;
}

static bool skip_blanks(struct str *s)
{
	while (s->n > 0 && (is_blank(s->p[0]) || s->p[0] == '(')) {
		size_t n = is_blank(s->p[0]) ? 1 : enclosed(*s, ')');

#ifdef MUTANT_OPEN_COMMENT
		n = n == 0 ? s->n : n;
#endif
		if (n == 0)
			return false;
		*s = str_from(*s, n);
	}
	return true;
}

static struct token next(struct str *s)
{
	static const struct str marks = STR_INIT("<>:;,@.");
	struct token t = { T_END, { s->p, 0 } };
	size_t n = 0;

	if (!skip_blanks(s))
		return (struct token){ T_BAD, { s->p, 0 } };
	if (s->n == 0)
		return t;
	if (s->p[0] == '"') {
		t.type = T_QUOTED;
		n = enclosed(*s, '"');
	} else if (s->p[0] == '[') {
		t.type = T_LITERAL;
		n = enclosed(*s, ']');
	} else if (str_find(marks, s->p[0]) < marks.n) {
		t.type = T_MARK;
		n = 1;
	} else {
		t.type = T_WORD;
		while (n < s->n && is_atext(s->p[n]))
			n++;
	}
	if (n == 0)
		t.type = T_BAD;
	t.text = str_head(*s, n);
	*s = str_from(*s, n);
	return t;
}

/* Quoted strings and literals without what folded them. */
static void put_unfolded(struct buf *to, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n')
			buf_putc(to, s.p[i]);
}

static char mark_of(struct token t)
{
	return t.type == T_MARK ? t.text.p[0] : '\0';
}

/* word *("." word): of a local part, whose words may be quoted, or of a domain.  *t: the first token,
 * then the one behind. */
static bool put_dotted(struct str *s, struct token *t, bool quoted, struct buf *to)
{
	for (;;) {
		if (t->type != T_WORD && !(quoted && t->type == T_QUOTED))
			return false;
		put_unfolded(to, t->text);
		*t = next(s);
		if (mark_of(*t) != '.')
			return t->type != T_BAD;
		buf_putc(to, '.');
		*t = next(s);
	}
}

/* "@" domain, *t being the "@"; then *t is the token behind. */
static bool put_domain(struct str *s, struct token *t, struct buf *to)
{
	if (mark_of(*t) != '@')
		return false;
	buf_putc(to, '@');
	*t = next(s);
	if (t->type != T_LITERAL)
		return put_dotted(s, t, false, to);
	put_unfolded(to, t->text);
	*t = next(s);
	return t->type != T_BAD;
}

/* obs-route: "@a,@b:" in front of the address; *t is its first "@", then what follows. */
static bool skip_route(struct str *s, struct token *t)
{
	struct buf dropped;
	bool good = true;

	buf_init(&dropped, ADDRESS_MAX);
	while (good && mark_of(*t) == '@') {
		buf_clear(&dropped);
		good = put_domain(s, t, &dropped);
		if (mark_of(*t) != ',')
			break;
		while (mark_of(*t) == ',')
			*t = next(s);
	}
	buf_deinit(&dropped);
	good = good && mark_of(*t) == ':';
	*t = next(s);
	return good;
}

/* Behind "<". */
static bool put_angle(struct str *s, struct buf *to)
{
	struct token t = next(s);

	if (mark_of(t) == '@' && !skip_route(s, &t))
		return false;
	return put_dotted(s, &t, true, to) && put_domain(s, &t, to) && mark_of(t) == '>';
}

/* What begins with a word: a display name of an address or group, or an address by itself.  A display
 * name is words and dots in any order (obs-phrase). */
static enum address_result cut_words(struct address_list *l, struct token t, struct buf *to)
{
	struct str rest = l->rest;
	struct token first = t;

	if (put_dotted(&rest, &t, true, to) && mark_of(t) == '@') {
		if (!put_domain(&rest, &t, to))
			return ADDRESS_BAD;
		/* The token behind is the next call's. */
		l->rest = t.type == T_END ? rest : str_of(t.text.p, t.text.n + rest.n);
		return ADDRESS_CUT;
	}
	buf_clear(to);
	t = first;
	while (t.type == T_WORD || t.type == T_QUOTED || mark_of(t) == '.')
		t = next(&l->rest);
	if (mark_of(t) == '<')
		return put_angle(&l->rest, to) ? ADDRESS_CUT : ADDRESS_BAD;
	if (mark_of(t) != ':' || l->in_group)
		return ADDRESS_BAD;
	l->in_group = true;
	return ADDRESS_END;
}

static enum address_result cut(struct address_list *l, struct buf *to)
{
	for (;;) {
		struct token t = next(&l->rest);
		enum address_result result = ADDRESS_BAD;

		if (t.type == T_END)
			return l->in_group ? ADDRESS_BAD : ADDRESS_END;
		if (mark_of(t) == ',') {
			l->after = false;
			continue;
		}
		if (mark_of(t) == ';' && l->in_group) {
			l->in_group = false;
			l->after = true;
			continue;
		}
		if (l->after)
			return ADDRESS_BAD;
		if (mark_of(t) == '<')
			result = put_angle(&l->rest, to) ? ADDRESS_CUT : ADDRESS_BAD;
		else if (t.type == T_WORD || t.type == T_QUOTED)
			result = cut_words(l, t, to);
		if (result != ADDRESS_END) {
			l->after = true;
			return result;
		}
	}
}

enum address_result address_cut(struct address_list *l, struct buf *to)
{
	enum address_result result;

	buf_deinit(to);
	buf_init(to, ADDRESS_MAX);
	result = cut(l, to);
	if (result == ADDRESS_CUT && (to->full || !str_utf8(buf_str(to))))
		return ADDRESS_BAD;
	return result;
}
