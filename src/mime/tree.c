#include "mime/tree.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mime/charset.h"
#include "mime/param.h"
#include "mime/word.h"

enum { BOUNDARY_MAX = 256, FILENAME_MAX_OCTETS = 200, SUBJECT_MAX = 4096 };

struct open_multipart {
	int part;
	struct buf boundary;
};

struct parser {
	struct mime_tree *tree;
	struct str message;
	struct open_multipart open[MIME_DEPTH_MAX];
	size_t depth; /* of open[] */
	int current;  /* the part whose body runs on; -1 none */
};

struct str mime_field(struct str header, struct str name)
{
	struct field f;

	while (field_cut(&header, &f))
		if (str_ieq(f.name, name))
			return f.body;
	return STR("");
}

static size_t offset(const struct parser *p, struct str s)
{
	return (size_t)(s.p - p->message.p);
}

/* RFC 2045 5.1: neither half may be missing. */
static bool is_type(struct str s)
{
	size_t slash = str_find(s, '/');

	return slash > 0 && slash + 1 < s.n;
}

/* digest: the parts of one are messages (RFC 2046 5.1.5). */
static void classify(struct mime_part *part, bool digest)
{
	struct str type = mime_field(part->header, STR("Content-Type"));
	struct str disposition = mime_field(part->header, STR("Content-Disposition"));
	struct str encoding = mime_field(part->header, STR("Content-Transfer-Encoding"));
	struct buf main, name = { 0 };

	buf_init(&main, MIME_TYPE_MAX - 1);
	param_main(type, &main);
	if (main.full || !is_type(buf_str(&main))) {
		buf_clear(&main);
		buf_put(&main, type.n > 0 ? STR("application/octet-stream")
			       : digest   ? STR("message/rfc822")
					  : STR("text/plain"));
		if (str_istarts(str_trim(type), STR("text")))
			buf_clear(&main), buf_put(&main, STR("text/plain")); /* RFC 822 mailers */
	}
	memcpy(part->type, main.data, main.len);
	part->type[main.len] = '\0';
	buf_clear(&main);
	param_main(encoding, &main);
	part->encoding = transfer_named(buf_str(&main));
	buf_clear(&main);
	param_main(disposition, &main);
	part->attachment = str_eq(buf_str(&main), STR("attachment")) ||
			   (!mime_is(part, STR("text/")) && mime_filename(part, &name));
	buf_deinit(&main);
	buf_deinit(&name);
}

static bool open_boundary(struct parser *p, int index)
{
	const struct mime_part *part = &p->tree->parts[index];
	struct open_multipart *m = &p->open[p->depth];

	if (p->depth == MIME_DEPTH_MAX) {
		p->tree->cut = true;
		return false;
	}
	buf_init(&m->boundary, BOUNDARY_MAX);
	if (!param_octets(
		    mime_field(part->header, STR("Content-Type")), STR("boundary"), &m->boundary) ||
		m->boundary.full || m->boundary.len == 0) {
		buf_deinit(&m->boundary);
		return false;
	}
	m->part = index;
	p->depth++;
	return true;
}

/* Is the line a boundary of what is open?  The innermost wins.  -1: no. */
static int match(const struct parser *p, struct str line, bool *last)
{
	struct str rest = str_from(line, 2);

	for (size_t i = p->depth; i-- > 0;) {
		struct str after;

		if (!str_starts(rest, buf_str(&p->open[i].boundary)))
			continue;
		after = str_trim(str_from(rest, p->open[i].boundary.len));
		*last = str_eq(after, STR("--"));
		if (after.n == 0 || *last)
			return (int)i;
	}
	return -1;
}

/* Is what begins here a boundary?  One with a colon would pass for a field. */
static bool at_boundary(const struct parser *p, struct str s)
{
	struct str line = str_cut(&s, '\n');
	bool last;

	if (str_ends(line, STR("\r")))
		line.n--;
	return str_starts(line, STR("--")) && match(p, line, &last) >= 0;
}

/* A part begins at s; returns where its body does.  A message in a message begins at once. */
static struct str begin_part(struct parser *p, struct str s, int parent)
{
	struct mime_tree *t = p->tree;
	bool again = true;

	while (again) {
		struct mime_part *part;
		struct field f;
		struct str start = s;
		bool digest = parent >= 0 && mime_is(&t->parts[parent], STR("multipart/digest"));

		if (t->count == MIME_PARTS_MAX) {
			t->cut = true;
			p->current = -1;
			return s;
		}
		t->parts = mem_array(t->parts, t->count + 1, sizeof *t->parts);
		part = &t->parts[t->count];
		*part = (struct mime_part){ .parent = parent,
			.depth = parent < 0 ? 0 : t->parts[parent].depth + 1 };
		while (!at_boundary(p, s) && field_cut(&s, &f))
			continue;
		part->header = str_head(start, start.n - s.n);
		if (str_starts(s, STR("\r\n")))
			s = str_from(s, 2);
		part->body = str_head(s, 0);
		p->current = (int)t->count++;
		classify(part, digest);
		again = false;
		if (mime_is(part, STR("multipart/"))) {
			part->container = open_boundary(p, p->current);
		} else if ((mime_is(part, STR("message/rfc822")) ||
				   mime_is(part, STR("message/global"))) &&
			   part->encoding == TRANSFER_PLAIN && part->depth < MIME_DEPTH_MAX &&
			   str_from(str_c(part->type), 14).n == 0) {
			part->container = again = true;
			parent = p->current;
		}
	}
	return s;
}

/* What is open ends where the line end before a boundary begins (RFC 2046 5.1.1). */
static void end_parts(struct parser *p, int below, size_t end)
{
	int i = p->current;

	while (i >= 0 && i != below) {
		struct mime_part *part = &p->tree->parts[i];
		size_t start = offset(p, part->body);

		part->body.n = end > start ? end - start : 0;
		i = part->parent;
	}
	p->current = below;
}

static void close_multiparts(struct parser *p, size_t depth)
{
	while (p->depth > depth)
		buf_deinit(&p->open[--p->depth].boundary);
}

static struct str boundary_line(struct parser *p, struct str line, struct str next)
{
	size_t end = offset(p, line);
	bool last;
	int at = match(p, line, &last);

	if (at < 0)
		return next;
	if (str_ends(str_head(p->message, end), STR("\r\n")))
		end -= 2;
	end_parts(p, p->open[at].part, end);
	if (!last) {
		int parent = p->open[at].part;

		close_multiparts(p, (size_t)at + 1);
		return begin_part(p, next, parent);
	}
	/* What follows belongs to nobody, until a boundary of what is around it. */
	close_multiparts(p, (size_t)at);
	return next;
}

void mime_tree_parse(struct mime_tree *t, struct str message)
{
	struct parser p = { .tree = t, .message = message, .current = -1 };
	struct str rest;

	*t = (struct mime_tree){ NULL, 0, false };
	rest = begin_part(&p, message, -1);
	while (p.depth > 0 && rest.n > 0) {
		struct str line = rest;

		line = str_cut(&rest, '\n');
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
#ifdef MUTANT_BOUNDARY_ANYWHERE
		while (line.n > 2 && !str_starts(line, STR("--")))
			line = str_from(line, 1);
#endif
		if (str_starts(line, STR("--")))
			rest = boundary_line(&p, line, rest);
	}
	end_parts(&p, -1, message.n);
	close_multiparts(&p, 0);
}

void mime_tree_free(struct mime_tree *t)
{
	free(t->parts);
	*t = (struct mime_tree){ NULL, 0, false };
}

/* False: nothing is left of it. */
static bool put_harmless(struct str name, struct buf *out)
{
	struct buf safe = { 0 };
	struct str s;

	charset_put_line(&safe, name);
	s = str_trim(buf_str(&safe));
	/* "C:\x\y.doc" and "../../y": the last part only. */
	s = str_from(s, str_rfind(s, '/') < s.n ? str_rfind(s, '/') + 1 : 0);
	s = str_from(s, str_rfind(s, '\\') < s.n ? str_rfind(s, '\\') + 1 : 0);
	while (s.n > 0 && (s.p[0] == '.' || s.p[0] == '-' || s.p[0] == ' '))
		s = str_from(s, 1);
	if (s.n > FILENAME_MAX_OCTETS) /* the end has the suffix */
		s = str_from(s, s.n - FILENAME_MAX_OCTETS);
	while (s.n > 0 && ((unsigned char)s.p[0] & 0xc0) == 0x80)
		s = str_from(s, 1);
	buf_put(out, s);
	buf_deinit(&safe);
	return s.n > 0;
}

bool mime_filename(const struct mime_part *p, struct buf *out)
{
	struct buf name = { 0 };
	bool there = param_get(mime_field(p->header, STR("Content-Disposition")), STR("filename"),
			     &name) ||
		     param_get(mime_field(p->header, STR("Content-Type")), STR("name"), &name);

	there = there && put_harmless(buf_str(&name), out);
	buf_deinit(&name);
	return there;
}

bool mime_is_file(const struct mime_part *p)
{
	if (p->container)
		return mime_is(p, STR("message/"));
	return p->attachment || !mime_is(p, STR("text/"));
}

/* RFC 2046 5.2.1: an enclosed message has a subject of its own; a "/" in one is no path. */
static void put_subject(struct str header, struct buf *out)
{
	struct buf subject = { 0 }, name = { 0 };
	size_t n;

	word_decode(str_head(mime_field(header, STR("Subject")), SUBJECT_MAX), &subject);
	n = subject.len < FILENAME_MAX_OCTETS ? subject.len : FILENAME_MAX_OCTETS;
	while (n > 0 && n < subject.len && ((unsigned char)subject.data[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++)
		if (subject.data[i] == '/' || subject.data[i] == '\\')
			subject.data[i] = '_';
	if (!put_harmless(str_head(buf_str(&subject), n), &name))
		buf_put(&name, STR("message"));
	buf_put(out, buf_str(&name));
	buf_put(out, STR(".eml"));
	buf_deinit(&name);
	buf_deinit(&subject);
}

void mime_file_name(const struct mime_tree *t, size_t part, struct buf *out)
{
	const struct mime_part *p = &t->parts[part];

	if (mime_filename(p, out))
		return;
	if (p->container && part + 1 < t->count)
		put_subject(t->parts[part + 1].header, out);
	else
		buf_printf(out, "part-%zu", part);
}

void mime_body(const struct mime_part *p, struct buf *out)
{
	struct transfer t = { .encoding = p->encoding };

	transfer_decode(&t, p->body, out);
	transfer_end(&t, out);
}

void mime_decode(const struct mime_part *p, struct buf *out)
{
	struct buf octets = { 0 }, charset = { 0 };

	if (!mime_is(p, STR("text/"))) {
		mime_body(p, out);
		return;
	}
	mime_body(p, &octets);
	param_get(mime_field(p->header, STR("Content-Type")), STR("charset"), &charset);
	charset_utf8(buf_str(&charset), buf_str(&octets), out);
	buf_deinit(&octets);
	buf_deinit(&charset);
}
