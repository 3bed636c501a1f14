#include "reader/entry.h"

#include "mime/charset.h"
#include "mime/mbox.h"
#include "mime/text.h"
#include "mime/word.h"

enum { FIELD_MAX = 4096, REFERENCES_MAX = 50 };

static void put_field(struct buf *out, struct str header, struct str name)
{
	struct buf decoded;

	buf_init(&decoded, FIELD_MAX);
	word_decode(str_head(mime_field(header, name), FIELD_MAX), &decoded);
	charset_put_line(out, buf_str(&decoded));
	buf_deinit(&decoded);
}

/* The next <id> of a field (RFC 5322 3.6.4). */
static bool cut_id(struct str *s, struct str *id)
{
	*s = str_from(*s, str_find(*s, '<') + 1);
	*id = str_head(*s, str_find(*s, '>'));
	*s = str_from(*s, id->n + 1);
	return id->n > 0;
}

/* In-Reply-To names the parent, References the way there, the parent last. */
static void put_references(struct buf *out, struct str header)
{
	struct str parents = mime_field(header, STR("In-Reply-To"));
	struct str all = mime_field(header, STR("References")), ids[REFERENCES_MAX], id;
	size_t n = 0;

	while (cut_id(&all, &id)) {
		if (n == REFERENCES_MAX)
			memmove(&ids[1], &ids[2], (--n - 1) * sizeof ids[0]); /* keeps the root */
		ids[n++] = id;
	}
	if (cut_id(&parents, &id)) {
		buf_put(out, id);
		buf_putc(out, '\n');
	}
	while (n-- > 0) {
		buf_put(out, ids[n]);
		buf_putc(out, '\n');
	}
}

static void put_json_string(struct buf *out, struct str s)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(out, '\\');
		buf_putc(out, (unsigned char)s.p[i] < 0x20 ? '?' : s.p[i]);
	}
	buf_putc(out, '"');
}

/* Decoded size, near enough without decoding. */
static uint64_t octets_of(const struct mime_part *p)
{
	return p->encoding == TRANSFER_BASE64 ? p->body.n / 78 * 57 + p->body.n % 78 * 3 / 4
					      : p->body.n;
}

static void put_attachments(struct buf *out, const struct mime_tree *t)
{
	struct buf name = { 0 }, safe = { 0 };
	bool first = true;

	buf_putc(out, '[');
	for (size_t i = 0; i < t->count; i++) {
		const struct mime_part *p = &t->parts[i];

		if (!mime_is_file(p))
			continue;
		buf_clear(&name);
		buf_clear(&safe);
		mime_file_name(t, i, &name);
		charset_put_line(&safe, str_c(p->type));
		buf_put(out, first ? STR("{\"filename\":") : STR(",{\"filename\":"));
		put_json_string(out, buf_str(&name));
		buf_put(out, STR(",\"type\":"));
		put_json_string(out, buf_str(&safe));
		buf_printf(
			out, ",\"part\":%zu,\"octets\":%llu}", i, (unsigned long long)octets_of(p));
		first = false;
	}
	buf_putc(out, ']');
	buf_deinit(&name);
	buf_deinit(&safe);
}

void entry_make(struct entry *e, struct str message, int64_t received_ms)
{
	struct mime_tree t;
	struct str header, ids, id;

	*e = (struct entry){ .date_ms = received_ms };
	mime_tree_parse(&t, message);
	header = t.parts[0].header;
	put_field(&e->from, header, STR("From"));
	put_field(&e->to, header, STR("To"));
	put_field(&e->subject, header, STR("Subject"));
	ids = mime_field(header, STR("Message-ID"));
	if (cut_id(&ids, &id))
		charset_put_line(&e->message_id, str_head(id, FIELD_MAX));
	put_references(&e->references, header);
	if (!date_get(mime_field(header, STR("Date")), &e->date_ms))
		e->date_ms = received_ms;
	put_attachments(&e->attachments, &t);
	buf_init(&e->text, ENTRY_TEXT_MAX);
	mime_text(&t, &e->text);
	mime_tree_free(&t);
}

void entry_deinit(struct entry *e)
{
	buf_deinit(&e->from);
	buf_deinit(&e->to);
	buf_deinit(&e->subject);
	buf_deinit(&e->message_id);
	buf_deinit(&e->references);
	buf_deinit(&e->attachments);
	buf_deinit(&e->text);
}

/* Han, kana, Hangul syllables, Thai and the like: three octets of UTF-8 from U+0E00 to U+0EFF and U+2E80 to U+D7A3,
 * and the ideographs beyond the first plane. */
static bool stands_alone(struct str c)
{
	unsigned char a = (unsigned char)c.p[0], b = c.n > 1 ? (unsigned char)c.p[1] : 0;

	return (c.n == 3 && ((a == 0xe0 && b >= 0xb8 && b <= 0xbb) || (a == 0xe2 && b >= 0xba) ||
				    (a >= 0xe3 && a <= 0xed) ||
				    (a == 0xef && b >= 0xa4 && b <= 0xab))) ||
	       (c.n == 4 && a == 0xf0 && b >= 0xa0);
}

void entry_index_text(struct buf *out, struct str text)
{
	while (text.n > 0) {
		unsigned char a = (unsigned char)text.p[0];
		struct str c = str_head(text, a < 0x80 ? 1 : a < 0xe0 ? 2 : a < 0xf0 ? 3 : 4);
		bool alone = stands_alone(c);

		if (alone)
			buf_putc(out, ' ');
		buf_put(out, c);
		if (alone)
			buf_putc(out, ' ');
		text = str_from(text, c.n);
	}
}
