/* One field: what RFC 6858 2 makes of it. */
#include "base/codec.h"
#include "mime/downgrade.h"
#include "mime/field.h"
#include "mime/param.h"

/* RFC 2047 2: a word of at most 75, a line of at most 76 characters.  39 octets are 52 of base64. */
enum { WORD_OCTETS = 39 };

#define NOBODY STR("<invalid@internationalized-address.invalid>") /* RFC 2606 2 */

/* How many octets of s one encoded word takes: whole characters (RFC 2047 5). */
static size_t word_octets(struct str s, bool utf8)
{
	size_t n = s.n < WORD_OCTETS ? s.n : WORD_OCTETS;

	while (utf8 && n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void put_encoded(struct buf *out, struct str text, bool octet_soup)
{
	bool first = true;

	while (text.n > 0) {
		size_t n = word_octets(text, !octet_soup);

		if (!first)
			buf_put(out, STR("\r\n "));
		buf_put(out, octet_soup ? STR("=?unknown-8bit?B?") : STR("=?UTF-8?B?"));
		base64_put(out, str_head(text, n));
		buf_put(out, STR("?="));
		text = str_from(text, n);
		first = false;
	}
}

/* Text of a phrase or of Subject: folds and controls become spaces, a quote's backslashes and quotation marks
 * go when `quoted` says that they are syntax. */
static void put_text(struct buf *out, struct str raw, bool quoted)
{
	for (size_t i = 0; i < raw.n; i++) {
		char c = raw.p[i];

		if (quoted && c == '"')
			continue;
		if (quoted && c == '\\' && i + 1 < raw.n)
			c = raw.p[++i];
		if (c == '\r' || c == '\n')
			continue;
		buf_putc(out, (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c);
	}
}

/* Without blanks and folds at both ends: a fold kept there could become an empty line. */
static struct str trim(struct str s)
{
	while (s.n > 0 && str_find(STR(" \t\r\n"), s.p[0]) < 4)
		s = str_from(s, 1);
	while (s.n > 0 && str_find(STR(" \t\r\n"), s.p[s.n - 1]) < 4)
		s.n--;
	return s;
}

static void put_words(struct buf *out, struct str raw, bool quoted)
{
	struct buf text = { 0 };
	struct str words;

	put_text(&text, raw, quoted);
	words = trim(buf_str(&text));
	put_encoded(out, words, !str_utf8(words));
	buf_deinit(&text);
}

/* The length of the quoted string, comment or <> at the front of s, or of one octet. */
static size_t token_length(struct str s)
{
	char close = s.p[0] == '"' ? '"' : s.p[0] == '<' ? '>' : ')';
	size_t depth = 1, i;

	if (s.p[0] != '"' && s.p[0] != '(' && s.p[0] != '<')
		return 1;
	for (i = 1; i < s.n && depth > 0; i++) {
		if (s.p[i] == '\\' && s.p[0] != '<')
			i++;
		else if (s.p[0] == '(' && s.p[i] == '(')
			depth++;
		else if (s.p[i] == close)
			depth--;
	}
	return i < s.n ? i : s.n;
}

/* Cuts up to the first of `ends` outside quotes, comments and <>; *end is which, '\0' the last. */
static struct str cut_at(struct str *rest, struct str ends, char *end)
{
	struct str s = *rest;
	size_t i = 0;

	*end = '\0';
	while (i < s.n && str_find(ends, s.p[i]) == ends.n)
		i += token_length(str_from(s, i));
	if (i < s.n)
		*end = s.p[i];
	*rest = str_from(s, i + 1);
	return str_head(s, i);
}

/* phrase: text outside comments and <>; comment: inside; address: inside <>, or else the phrase. */
struct mailbox {
	struct buf phrase, comment, address;
	bool angle;
};

static void mailbox_parse(struct mailbox *m, struct str s)
{
	while (s.n > 0) {
		size_t n = token_length(s);
		struct str token = str_head(s, n);

		if (s.p[0] == '(') {
			buf_put(&m->comment, str_head(str_from(token, 1), n > 1 ? n - 2 : 0));
		} else if (s.p[0] == '<') {
			m->angle = true;
			buf_put(&m->address, trim(str_head(str_from(token, 1), n > 1 ? n - 2 : 0)));
		} else {
			buf_put(&m->phrase, token);
		}
		s = str_from(s, n);
	}
}

/* RFC 6858 2.1: the name in encoded words, and the address, or one of nobody and the address in the
 * words: "tells the user what happened". */
static void put_mailbox(struct buf *out, struct str s, bool path)
{
	struct mailbox m = { .angle = false };
	struct buf words = { 0 };
	struct str address, name;
	bool keeps;

	mailbox_parse(&m, s);
	address = trim(buf_str(m.angle ? &m.address : &m.phrase));
	name = trim(buf_str(m.angle ? &m.phrase : &m.comment));
	keeps = str_ascii(address) && address.n > 0;
	put_text(&words, name, true);
	if (!keeps && address.n > 0) {
		if (words.len > 0)
			buf_putc(&words, ' ');
		put_text(&words, address, false);
	}
	if (!path && trim(buf_str(&words)).n > 0) {
		put_words(out, buf_str(&words), false);
		buf_put(out, STR("\r\n "));
	}
	if (keeps) {
		buf_putc(out, '<');
		put_text(out, address, false);
		buf_putc(out, '>');
	} else {
		buf_put(out, NOBODY);
	}
	buf_deinit(&words);
	buf_deinit(&m.phrase);
	buf_deinit(&m.comment);
	buf_deinit(&m.address);
}

/* Addresses and groups: "name: a, b;" is cut at its colon and semicolon too. */
static void put_addresses(struct buf *out, struct str body, bool path)
{
	bool first = true;

	while (body.n > 0) {
		char end;
		struct str one = trim(cut_at(&body, STR(",:;"), &end));

		buf_put(out, first || one.n == 0 ? STR(" ") : STR("\r\n "));
		first = false;
		if (str_ascii(one))
			buf_put(out, one);
		else if (end == ':')
			put_words(out, one, true);
		else
			put_mailbox(out, one, path);
		if (end != '\0')
			buf_putc(out, end);
	}
}

/* Whoever writes a name in raw octets often writes it once more as RFC 2231 wants it: then that one stays. */
static bool is_extended_too(struct str body, struct str parameter)
{
	struct str name = trim(str_cut(&parameter, '='));
	char end;

	while (body.n > 0) {
		struct str one = trim(cut_at(&body, STR(";"), &end));

		if (str_istarts(one, name) && str_starts(str_from(one, name.n), STR("*")))
			return true;
	}
	return false;
}

/* RFC 6858 2.2; onward: by RFC 2231.  False: not even the value before the parameters is ASCII. */
static bool put_parameters(struct buf *out, struct str body, bool onward)
{
	struct str all = body;
	struct buf ascii = { 0 };
	bool first = true;

	while (body.n > 0) {
		char end;
		struct str one = trim(cut_at(&body, STR(";"), &end));

		if (!str_ascii(one) && first)
			return false;
		buf_clear(&ascii);
		if (!str_ascii(one) &&
			(!onward || is_extended_too(all, one) || !param_put_ascii(&ascii, one)))
			one = STR("");
		else if (!str_ascii(one))
			one = buf_str(&ascii);
		if (one.n > 0) {
			buf_put(out, first ? STR(" ") : STR(";\r\n "));
			buf_put(out, one);
		}
		first = false;
	}
	buf_deinit(&ascii);
	return true;
}

enum kind { K_GO, K_ADDRESS, K_PATH, K_PARAMETERS, K_TEXT };

static enum kind kind_of(struct str name)
{
	static const struct {
		struct str name;
		enum kind kind;
	} rows[] = {
		{ STR_INIT("Bcc"), K_ADDRESS },
		{ STR_INIT("Cc"), K_ADDRESS },
		{ STR_INIT("From"), K_ADDRESS },
		{ STR_INIT("Reply-To"), K_ADDRESS },
		{ STR_INIT("Resent-Bcc"), K_ADDRESS },
		{ STR_INIT("Resent-Cc"), K_ADDRESS },
		{ STR_INIT("Resent-From"), K_ADDRESS },
		{ STR_INIT("Resent-Sender"), K_ADDRESS },
		{ STR_INIT("Resent-To"), K_ADDRESS },
		{ STR_INIT("Return-Path"), K_PATH },
		{ STR_INIT("Sender"), K_ADDRESS },
		{ STR_INIT("To"), K_ADDRESS },
		{ STR_INIT("Content-Type"), K_PARAMETERS },
		{ STR_INIT("Content-Disposition"), K_PARAMETERS },
		{ STR_INIT("Subject"), K_TEXT },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (str_ieq(name, rows[i].name))
			return rows[i].kind;
	return K_GO;
}

static void put_field(struct str field, bool onward, struct buf *out)
{
	struct str rest = field;
	size_t before = out->len;
	bool stays = true;
	struct field f;

	if (str_ascii(field)) {
		buf_put(out, field);
		return;
	}
	/* A section that ends without a field: field.h cuts at CRLF, where the stream cuts at LF. */
	if (!field_cut(&rest, &f) || rest.n > 0)
		return;
	f.body = trim(f.body);
	buf_put(out, f.name);
	buf_putc(out, ':');
	switch (kind_of(f.name)) {
	case K_GO: stays = false; break;
	case K_ADDRESS: put_addresses(out, f.body, false); break;
	case K_PATH: put_addresses(out, f.body, true); break;
	case K_PARAMETERS: stays = put_parameters(out, f.body, onward); break;
	case K_TEXT:
		buf_putc(out, ' ');
		put_words(out, f.body, false);
		break;
	}
	buf_put(out, STR("\r\n"));
	if (!stays)
		buf_truncate(out, before);
}

void downgrade_field(struct str field, struct buf *out)
{
	put_field(field, false, out);
}

void downgrade_field_onward(struct str field, struct buf *out)
{
	put_field(field, true, out);
}
