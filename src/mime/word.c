#include "mime/word.h"

#include "mime/charset.h"
#include "mime/encode.h"
#include "mime/transfer.h"

enum {
	CHARSET_MAX = 40,
	WORD_OCTETS = 45, /* of text in one encoded word: RFC 2047 2 allows 75 octets in all */
};

struct word {
	struct str whole, charset, text;
	bool base64;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "=?charset*language?Q?text?=" (RFC 2047 2, RFC 2231 5).  Blanks in the text are against the RFC and common. */
static bool word_at(struct str s, struct word *w)
{
	struct str rest = str_from(s, 2), encoding;

	if (!str_starts(s, STR("=?")))
		return false;
	w->charset = str_head(rest, CHARSET_MAX + 1);
	w->charset = str_head(rest, str_find(w->charset, '?'));
	rest = str_from(rest, w->charset.n + 1);
	w->charset = str_head(w->charset, str_find(w->charset, '*'));
	if (w->charset.n == 0 || w->charset.n > CHARSET_MAX || rest.n < 4 || rest.p[1] != '?')
		return false;
	encoding = str_head(rest, 1);
	w->base64 = str_ieq(encoding, STR("B"));
	if (!w->base64 && !str_ieq(encoding, STR("Q")))
		return false;
	rest = str_from(rest, 2);
	w->text = str_head(rest, str_find(rest, '?'));
	rest = str_from(rest, w->text.n);
	if (!str_starts(rest, STR("?=")))
		return false;
	w->whole = str_of(s.p, (size_t)(rest.p + 2 - s.p));
	return true;
}

static void decode_text(const struct word *w, struct buf *octets)
{
	struct transfer t = { .encoding = w->base64 ? TRANSFER_BASE64 : TRANSFER_Q };

	transfer_decode(&t, w->text, octets);
	transfer_end(&t, octets);
}

/* All words from s on that follow each other; those of one charset are converted as one.  Returns what follows. */
static struct str put_words(struct str s, struct word *w, struct buf *out)
{
	struct buf octets = { 0 };
	struct str charset = w->charset, after = s;
	bool more = true;

	while (more) {
		decode_text(w, &octets);
		after = s = str_from(s, w->whole.n);
		while (s.n > 0 && is_blank(s.p[0]))
			s = str_from(s, 1);
		more = word_at(s, w);
		if (!more || !str_ieq(w->charset, charset)) {
			charset_utf8(charset, buf_str(&octets), out);
			buf_clear(&octets);
			charset = w->charset;
		}
	}
	buf_deinit(&octets);
	return after;
}

static struct str put_plain(struct str s, struct buf *out)
{
	size_t n = 1;

	while (n < s.n && !str_starts(str_from(s, n), STR("=?")))
		n++;
	charset_utf8(STR(""), str_head(s, n), out);
	return str_from(s, n);
}

void word_decode(struct str body, struct buf *out)
{
	struct buf text = { 0 };
	struct str s = str_trim(body);
	struct word w;

	/* Unfolded: the line end goes, the blank after it stays (RFC 5322 2.2.3). */
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n')
			buf_putc(&text, s.p[i]);
	s = buf_str(&text);
	while (s.n > 0)
		s = word_at(s, &w) ? put_words(s, &w, out) : put_plain(s, out);
	buf_deinit(&text);
}

/* Cut between characters (RFC 2047 5 (3)). */
static void put_encoded(struct str text, struct str begin, struct buf *out)
{
	while (text.n > 0) {
		size_t n = text.n < WORD_OCTETS ? text.n : WORD_OCTETS;
		struct encode e = { 0 };

		while (n > 1 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
			n--;
		buf_put(out, begin);
		encode_base64(&e, str_head(text, n), out);
		encode_base64_end(&e, out);
		while (out->len > 0 && (buf_str(out).p[out->len - 1] == '\n' ||
					       buf_str(out).p[out->len - 1] == '\r'))
			buf_truncate(out, out->len - 1);
		text = str_from(text, n);
		buf_put(out, text.n > 0 ? STR("?=\r\n ") : STR("?="));
	}
}

void word_encode(struct str text, struct buf *out)
{
	if (str_ascii(text))
		buf_put(out, text);
	else
		put_encoded(
			text, str_utf8(text) ? STR("=?utf-8?B?") : STR("=?unknown-8bit?B?"), out);
}

void word_mailbox(struct str name, struct str address, struct buf *out)
{
	bool ascii = str_ascii(name);
	struct buf clean = { 0 };

	for (size_t i = 0; i < name.n; i++) {
		if (ascii && (name.p[i] == '"' || name.p[i] == '\\'))
			buf_putc(&clean, '\\');
		if ((unsigned char)name.p[i] >= ' ' && name.p[i] != 0x7f)
			buf_putc(&clean, name.p[i]);
	}
	if (clean.len == 0) {
		buf_put(out, address);
	} else {
		buf_put(out, ascii ? STR("\"") : STR(""));
		word_encode(buf_str(&clean), out);
		buf_put(out, ascii ? STR("\" <") : STR(" <"));
		buf_put(out, address);
		buf_putc(out, '>');
	}
	buf_deinit(&clean);
}
