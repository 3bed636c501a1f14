#include "mime/html_text.h"

#include "base/codec.h"

enum { NAME_MAX_OCTETS = 16, HREF_MAX = 2048, ENTITY_MAX = 12 };

enum tag_effect {
	TAG_NOTHING,
	TAG_LINE,      /* a new line */
	TAG_PARAGRAPH, /* a blank line */
	TAG_ITEM,      /* a new line with a dash */
	TAG_CELL,      /* a blank between */
	TAG_RULE,
	TAG_HIDDEN, /* all until its end is not shown */
	TAG_PRE,
	TAG_LINK,
	TAG_IMAGE,
};

static const struct {
	struct str name;
	enum tag_effect effect;
} tags[] = {
	{ STR_INIT("a"), TAG_LINK },
	{ STR_INIT("address"), TAG_LINE },
	{ STR_INIT("article"), TAG_PARAGRAPH },
	{ STR_INIT("blockquote"), TAG_PARAGRAPH },
	{ STR_INIT("br"), TAG_LINE },
	{ STR_INIT("center"), TAG_LINE },
	{ STR_INIT("dd"), TAG_LINE },
	{ STR_INIT("div"), TAG_LINE },
	{ STR_INIT("dl"), TAG_PARAGRAPH },
	{ STR_INIT("dt"), TAG_LINE },
	{ STR_INIT("h1"), TAG_PARAGRAPH },
	{ STR_INIT("h2"), TAG_PARAGRAPH },
	{ STR_INIT("h3"), TAG_PARAGRAPH },
	{ STR_INIT("h4"), TAG_PARAGRAPH },
	{ STR_INIT("h5"), TAG_PARAGRAPH },
	{ STR_INIT("h6"), TAG_PARAGRAPH },
	{ STR_INIT("hr"), TAG_RULE },
	{ STR_INIT("img"), TAG_IMAGE },
	{ STR_INIT("li"), TAG_ITEM },
	{ STR_INIT("noscript"), TAG_HIDDEN },
	{ STR_INIT("object"), TAG_HIDDEN },
	{ STR_INIT("ol"), TAG_PARAGRAPH },
	{ STR_INIT("p"), TAG_PARAGRAPH },
	{ STR_INIT("pre"), TAG_PRE },
	{ STR_INIT("script"), TAG_HIDDEN },
	{ STR_INIT("section"), TAG_PARAGRAPH },
	{ STR_INIT("select"), TAG_HIDDEN },
	{ STR_INIT("style"), TAG_HIDDEN },
	{ STR_INIT("svg"), TAG_HIDDEN },
	{ STR_INIT("table"), TAG_PARAGRAPH },
	{ STR_INIT("td"), TAG_CELL },
	{ STR_INIT("template"), TAG_HIDDEN },
	{ STR_INIT("th"), TAG_CELL },
	{ STR_INIT("title"), TAG_HIDDEN },
	{ STR_INIT("tr"), TAG_LINE },
	{ STR_INIT("ul"), TAG_PARAGRAPH },
};

static const struct {
	struct str name, text;
} entities[] = {
	{ STR_INIT("amp"), STR_INIT("&") },
	{ STR_INIT("lt"), STR_INIT("<") },
	{ STR_INIT("gt"), STR_INIT(">") },
	{ STR_INIT("quot"), STR_INIT("\"") },
	{ STR_INIT("apos"), STR_INIT("'") },
	{ STR_INIT("nbsp"), STR_INIT(" ") },
	{ STR_INIT("shy"), STR_INIT("") },
	{ STR_INIT("zwnj"), STR_INIT("") },
	{ STR_INIT("zwj"), STR_INIT("") },
	{ STR_INIT("copy"), STR_INIT("\u00a9") },
	{ STR_INIT("reg"), STR_INIT("\u00ae") },
	{ STR_INIT("trade"), STR_INIT("\u2122") },
	{ STR_INIT("deg"), STR_INIT("\u00b0") },
	{ STR_INIT("sect"), STR_INIT("\u00a7") },
	{ STR_INIT("middot"), STR_INIT("\u00b7") },
	{ STR_INIT("bull"), STR_INIT("\u2022") },
	{ STR_INIT("hellip"), STR_INIT("\u2026") },
	{ STR_INIT("ndash"), STR_INIT("\u2013") },
	{ STR_INIT("mdash"), STR_INIT("\u2014") },
	{ STR_INIT("lsquo"), STR_INIT("\u2018") },
	{ STR_INIT("rsquo"), STR_INIT("\u2019") },
	{ STR_INIT("ldquo"), STR_INIT("\u201c") },
	{ STR_INIT("rdquo"), STR_INIT("\u201d") },
	{ STR_INIT("laquo"), STR_INIT("\u00ab") },
	{ STR_INIT("raquo"), STR_INIT("\u00bb") },
	{ STR_INIT("larr"), STR_INIT("\u2190") },
	{ STR_INIT("rarr"), STR_INIT("\u2192") },
	{ STR_INIT("euro"), STR_INIT("\u20ac") },
	{ STR_INIT("pound"), STR_INIT("\u00a3") },
	{ STR_INIT("times"), STR_INIT("\u00d7") },
	{ STR_INIT("auml"), STR_INIT("\u00e4") },
	{ STR_INIT("ouml"), STR_INIT("\u00f6") },
	{ STR_INIT("uuml"), STR_INIT("\u00fc") },
	{ STR_INIT("Auml"), STR_INIT("\u00c4") },
	{ STR_INIT("Ouml"), STR_INIT("\u00d6") },
	{ STR_INIT("Uuml"), STR_INIT("\u00dc") },
	{ STR_INIT("szlig"), STR_INIT("\u00df") },
	{ STR_INIT("eacute"), STR_INIT("\u00e9") },
	{ STR_INIT("egrave"), STR_INIT("\u00e8") },
	{ STR_INIT("agrave"), STR_INIT("\u00e0") },
	{ STR_INIT("ccedil"), STR_INIT("\u00e7") },
	{ STR_INIT("ntilde"), STR_INIT("\u00f1") },
};

struct page {
	struct buf *out;
	unsigned lines; /* line ends that are owed before the next text; 0 to 2 */
	bool blank;     /* a blank is owed */
	bool began;     /* something was put */
	bool pre;
	bool broken;      /* a tag has no end: from there on all is text, looked at once */
	struct buf href;  /* of the link that is open */
	size_t link_from; /* where its text begins in out */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static void pay(struct page *p)
{
	if (p->began && p->lines > 0)
		buf_fill(p->out, '\n', p->lines);
	else if (p->began && p->blank)
		buf_putc(p->out, ' ');
	p->lines = 0;
	p->blank = false;
	p->began = true;
}

static void owe_lines(struct page *p, unsigned n)
{
	p->lines = p->lines > n ? p->lines : n;
}

static void put_text(struct page *p, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (p->pre && c == '\n') {
			pay(p);
			buf_putc(p->out, '\n');
		} else if (is_space(c) && !(p->pre && c != '\r')) {
			p->blank = true;
		} else {
			pay(p);
			buf_putc(p->out, c);
		}
	}
}

static void put_code_point(struct page *p, uint64_t u)
{
	char c[4];
	size_t n;

	if (u < 0x20 || (u >= 0x7f && u < 0xa0) || (u >= 0xd800 && u < 0xe000) || u > 0x10ffff)
		u = 0xfffd;
	if (u < 0x80) {
		c[0] = (char)u;
		n = 1;
	} else if (u < 0x800) {
		c[0] = (char)(0xc0 | u >> 6);
		n = 2;
	} else if (u < 0x10000) {
		c[0] = (char)(0xe0 | u >> 12);
		n = 3;
	} else {
		c[0] = (char)(0xf0 | u >> 18);
		n = 4;
	}
	for (size_t i = 1; i < n; i++)
		c[i] = (char)(0x80 | (u >> 6 * (n - 1 - i) & 0x3f));
	put_text(p, str_of(c, n));
}

static bool hex_number(struct str s, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < s.n; i++) {
		int digit = hex_value(s.p[i]);

		if (digit < 0)
			return false;
		*v = *v << 4 | (uint64_t)digit;
	}
	return s.n > 0;
}

/* s begins with "&"; returns how many octets it took. */
static size_t put_entity(struct page *p, struct str s)
{
	struct str name = str_head(str_from(s, 1), ENTITY_MAX);
	size_t end = str_find(name, ';');
	uint64_t u;

	if (end == name.n) {
		put_text(p, STR("&"));
		return 1;
	}
	name = str_head(name, end);
	if (str_starts(name, STR("#"))) {
		bool hex = str_istarts(name, STR("#x"));

		if (hex ? hex_number(str_from(name, 2), &u) : str_u64(str_from(name, 1), &u)) {
			put_code_point(p, u == 0xa0 ? ' ' : u);
			return end + 2;
		}
	}
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
		if (str_eq(entities[i].name, name)) {
			put_text(p, entities[i].text);
			return end + 2;
		}
	put_text(p, STR("&"));
	return 1;
}

static void put_marked(struct page *p, struct str s)
{
	while (s.n > 0) {
		size_t amp = str_find(s, '&');

		put_text(p, str_head(s, amp));
		s = str_from(s, amp);
		if (s.n > 0)
			s = str_from(s, put_entity(p, s));
	}
}

static enum tag_effect effect_of(struct str name)
{
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (str_ieq(tags[i].name, name))
			return tags[i].effect;
	return TAG_NOTHING;
}

/* Cuts a tag's octets off *s, which begins with "<": to its ">", quotes respected.  Without one the rest is text. */
static bool cut_tag(struct str *s, struct str *tag)
{
	char quote = 0;

	for (size_t i = 1; i < s->n; i++) {
		char c = s->p[i];

		if (quote != 0) {
			quote = c == quote ? 0 : quote;
		} else if (c == '>') {
			*tag = str_of(s->p + 1, i - 1);
			*s = str_from(*s, i + 1);
			return true;
		} else if ((c == '"' || c == '\'') && s->p[i - 1] == '=') {
			quote = c;
		}
	}
	return false;
}

/* The value of an attribute, as it is written. */
static struct str attribute(struct str tag, struct str name)
{
	while (tag.n > 0) {
		struct str word;
		size_t n = 0;

		while (tag.n > 0 && (is_space(tag.p[0]) || tag.p[0] == '/'))
			tag = str_from(tag, 1);
		while (n < tag.n && !is_space(tag.p[n]) && tag.p[n] != '=')
			n++;
		word = str_head(tag, n);
		tag = str_from(tag, n);
		if (tag.n == 0 || tag.p[0] != '=')
			continue;
		tag = str_from(tag, 1);
		n = 0;
		if (tag.n > 0 && (tag.p[0] == '"' || tag.p[0] == '\'')) {
			char quote = tag.p[0];

			tag = str_from(tag, 1);
			n = str_find(tag, quote);
		} else {
			while (n < tag.n && !is_space(tag.p[n]))
				n++;
		}
		if (str_ieq(word, name))
			return str_head(tag, n);
		tag = str_from(tag, n + 1);
	}
	return STR("");
}

static void begin_link(struct page *p, struct str tag)
{
	buf_clear(&p->href);
	buf_put(&p->href, str_head(attribute(tag, STR("href")), HREF_MAX));
	p->link_from = p->out->len;
}

/* Where it leads, unless that is what it shows. */
static void end_link(struct page *p)
{
	struct str href = buf_str(&p->href), shown = buf_str(p->out);

	shown = str_trim(str_from(shown, p->link_from < shown.n ? p->link_from : shown.n));
	if (href.n > 0 && href.p[0] != '#' && !str_ends(href, shown)) {
		p->blank = true;
		put_text(p, STR("<"));
		put_marked(p, href);
		put_text(p, STR(">"));
	}
	buf_clear(&p->href);
}

static void put_tag(struct page *p, enum tag_effect effect, struct str tag, bool closing)
{
	struct str alt;

	switch (effect) {
	case TAG_LINE: owe_lines(p, 1); break;
	case TAG_PARAGRAPH: owe_lines(p, 2); break;
	case TAG_CELL: p->blank = true; break;
	case TAG_ITEM:
		owe_lines(p, 1);
		if (!closing)
			put_text(p, STR("- "));
		break;
	case TAG_RULE:
		owe_lines(p, 1);
		put_text(p, STR("----------------"));
		owe_lines(p, 1);
		break;
	case TAG_PRE:
		owe_lines(p, 2);
		p->pre = !closing;
		break;
	case TAG_LINK:
		if (p->href.len > 0)
			end_link(p);
		if (!closing)
			begin_link(p, tag);
		break;
	case TAG_IMAGE:
		alt = str_trim(attribute(tag, STR("alt")));
		if (alt.n > 0) {
			put_text(p, STR("["));
			put_marked(p, alt);
			put_text(p, STR("]"));
		}
		break;
	case TAG_HIDDEN:
	case TAG_NOTHING: break;
	}
}

/* All until </name>; to the end when there is none. */
static void skip_hidden(struct str *s, struct str name)
{
	while (s->n > 0) {
		*s = str_from(*s, str_find(*s, '<'));
		if (str_starts(*s, STR("</")) && str_istarts(str_from(*s, 2), name))
			return;
		*s = str_from(*s, 1);
	}
}

static void skip_comment(struct str *s)
{
	while (s->n > 0 && !str_starts(*s, STR("-->"))) {
		*s = str_from(*s, 1);
		*s = str_from(*s, str_find(*s, '-'));
	}
	*s = str_from(*s, 3);
}

static void take_tag(struct page *p, struct str *s)
{
	struct str tag, name;
	enum tag_effect effect;
	size_t n = 0;
	bool closing;

	if (str_starts(*s, STR("<!--"))) {
		*s = str_from(*s, 4);
		skip_comment(s);
		return;
	}
	if (p->broken || !cut_tag(s, &tag)) {
		p->broken = true;
		*s = str_from(*s, 1);
		put_text(p, STR("<"));
		return;
	}
	closing = str_starts(tag, STR("/"));
	tag = str_from(tag, closing ? 1 : 0);
	while (n < tag.n && n < NAME_MAX_OCTETS && !is_space(tag.p[n]) && tag.p[n] != '/')
		n++;
	name = str_head(tag, n);
	effect = effect_of(name);
	put_tag(p, effect, str_from(tag, n), closing);
	if (effect == TAG_HIDDEN && !closing && !str_ends(tag, STR("/")))
		skip_hidden(s, name);
}

void html_text(struct str html, struct buf *out)
{
	struct page p = { .out = out };

	while (html.n > 0 && !out->full) {
		size_t n = str_find(html, '<');

		put_marked(&p, str_head(html, n));
		html = str_from(html, n);
		if (html.n > 0)
			take_tag(&p, &html);
	}
	if (p.href.len > 0)
		end_link(&p);
	if (p.began)
		buf_putc(out, '\n');
	buf_deinit(&p.href);
}
