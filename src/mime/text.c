#include "mime/text.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mime/charset.h"
#include "mime/html_text.h"
#include "mime/word.h"

/* How well an alternative reads here; RFC 2046 5.1.4 has the best last, but that is for those who draw it. */
static int rank(const struct mime_part *p)
{
	if (p->attachment)
		return 0;
	if (mime_is(p, STR("text/plain")))
		return 3;
	return mime_is(p, STR("text/html")) || p->container ? 2 : 1;
}

/* Of the alternatives of one multipart all are skipped but the best. */
static void choose(const struct mime_tree *t, int multipart, bool *skip)
{
	int best = -1;

	for (size_t i = 0; i < t->count; i++)
		if (t->parts[i].parent == multipart &&
			(best < 0 || rank(&t->parts[i]) >= rank(&t->parts[best])))
			best = (int)i;
	for (size_t i = 0; i < t->count; i++)
		if (t->parts[i].parent == multipart && (int)i != best)
			skip[i] = true;
}

static void put_enclosed_header(const struct mime_part *p, struct buf *out)
{
	static const struct str names[] = { STR_INIT("From"), STR_INIT("To"), STR_INIT("Date"),
		STR_INIT("Subject") };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct str body = mime_field(p->header, names[i]);
		struct buf text = { 0 };

		if (body.n == 0)
			continue;
		word_decode(body, &text);
		buf_put(out, names[i]);
		buf_put(out, STR(": "));
		charset_put_line(out, buf_str(&text));
		buf_putc(out, '\n');
		buf_deinit(&text);
	}
	buf_putc(out, '\n');
}

static void put_lines(struct str s, struct buf *out)
{
	while (s.n > 0) {
		struct str line = str_cut(&s, '\n');

		if (str_ends(line, STR("\r")))
			line.n--;
		charset_put_safe(out, line);
		buf_putc(out, '\n');
	}
}

static void put_body(const struct mime_part *p, struct buf *out)
{
	struct buf decoded = { 0 }, text = { 0 };

	mime_decode(p, &decoded);
	if (mime_is(p, STR("text/html"))) {
		html_text(buf_str(&decoded), &text);
		put_lines(buf_str(&text), out);
	} else {
		put_lines(buf_str(&decoded), out);
	}
	buf_deinit(&decoded);
	buf_deinit(&text);
}

static void put_attachment(const struct mime_part *p, struct buf *out)
{
	struct buf name = { 0 };

	buf_put(out, STR("[attachment"));
	if (mime_filename(p, &name)) {
		buf_put(out, STR(" "));
		buf_put(out, buf_str(&name));
	}
	buf_put(out, STR(", "));
	charset_put_line(out, str_c(p->type));
	buf_put(out, STR("]\n"));
	buf_deinit(&name);
}

void mime_text(const struct mime_tree *t, struct buf *out)
{
	bool *skip = mem_zalloc(t->count + 1);

	for (size_t i = 0; i < t->count; i++) {
		const struct mime_part *p = &t->parts[i];
		bool enclosed = p->parent >= 0 && mime_is(&t->parts[p->parent], STR("message/"));

		if (p->parent >= 0 && skip[p->parent])
			skip[i] = true;
		if (skip[i])
			continue;
		if (out->len > 0 && !p->container)
			buf_putc(out, '\n');
		if (enclosed)
			put_enclosed_header(p, out);
		if (p->container && mime_is(p, STR("multipart/alternative")))
			choose(t, (int)i, skip);
		else if (!p->container && !p->attachment && mime_is(p, STR("text/")))
			put_body(p, out);
		else if (!p->container)
			put_attachment(p, out);
	}
	free(skip);
}
