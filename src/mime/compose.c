#include "mime/compose.h"
#include "mime/date.h"

/* A domain, an address literal or a token: anything else becomes "?". */
static void put_name(struct buf *out, struct str s, bool utf8)
{
	static const struct str marks = STR_INIT(".-_:[]");

	char *to = buf_reserve(out, s.n);

	for (size_t i = 0; to != NULL && i < s.n; i++) {
		char c = ascii_lower(s.p[i]);
		bool plain = (c >= 'a' && c <= 'z') || ascii_digit(c) ||
			     str_find(marks, c) < marks.n || (utf8 && (unsigned char)c >= 0x80);

		to[i] = plain ? s.p[i] : '?';
	}
	if (to != NULL)
		buf_grew(out, s.n);
}

/* A path came through the grammar of RFC 5321 4.1.2; this holds even when it did not. */
static void put_path(struct buf *out, struct str path)
{
	buf_putc(out, '<');
	buf_put_safe(out, path);
	buf_putc(out, '>');
}

void compose_return_path(struct buf *out, struct str reverse_path)
{
	buf_put(out, STR("Return-Path: "));
	put_path(out, reverse_path);
	buf_put(out, STR("\r\n"));
}

size_t compose_return_path_length(struct str s)
{
	struct str rest = str_head(s, COMPOSE_RETURN_PATH_MAX);
	struct field field;

	if (!field_cut(&rest, &field) || !str_ieq(field.name, STR("Return-Path")) ||
		!str_ends(field.whole, STR("\r\n")))
		return 0;
	return field.whole.n;
}

/* RFC 5321 4.1.3 */
static void put_literal(struct buf *out, struct str address)
{
	bool v6 = str_find(address, ':') < address.n;

	buf_put(out, v6 ? STR("[IPv6:") : STR("["));
	put_name(out, address, false);
	buf_putc(out, ']');
}

void compose_received(struct buf *out, const struct compose_trace *t)
{
	buf_put(out, STR("Received: from "));
	if (t->helo.n == 0)
		buf_put(out, STR("unknown"));
	put_name(out, t->helo, t->utf8);
	if (t->client.n > 0) {
		buf_put(out, STR(" ("));
		put_literal(out, t->client);
		buf_putc(out, ')');
	}
	buf_put(out, STR("\r\n\tby "));
	put_name(out, t->by, t->utf8);
	buf_put(out, STR(" with "));
	put_name(out, t->with, false);
	buf_put(out, STR(" id "));
	put_name(out, t->id, false);
	if (t->tls_version.n > 0) {
		buf_put(out, STR("\r\n\t("));
		put_name(out, t->tls_version, false);
		buf_putc(out, ' ');
		put_name(out, t->tls_cipher, false);
		buf_putc(out, ')');
	}
	if (t->recipient.n > 0) {
		buf_put(out, STR("\r\n\tfor "));
		put_path(out, t->recipient);
	}
	buf_put(out, STR(";\r\n\t"));
	date_put(out, t->wall_ms);
	buf_put(out, STR("\r\n"));
}

struct str compose_received_helo(struct str s)
{
	static const struct str start = STR_INIT("Received: from ");

	if (!str_starts(s, start))
		return STR("");
	s = str_from(s, start.n);
	s = str_head(s, str_find(s, '\r'));
	return str_head(s, str_find(s, ' '));
}

void compose_trace(struct buf *out, const struct compose_trace *trace)
{
	compose_return_path(out, trace->reverse_path);
	compose_received(out, trace);
}

size_t compose_header_end(struct str s, struct header_search *search)
{
	size_t length;

	if (!header_search(search, s, false, &length))
		return 0;
	if (str_starts(str_from(s, length), STR("\r\n")))
		return length + 2;
	return length > 0 ? length : s.n;
}

static void put_missing(struct buf *out, const struct compose_fix *fix, bool date, bool message_id)
{
	char id[MSGID_TEXT + 1];

	if (!date) {
		buf_put(out, STR("Date: "));
		date_put(out, fix->wall_ms);
		buf_put(out, STR("\r\n"));
	}
	if (!message_id) {
		msgid_text(fix->id, id);
		buf_put(out, STR("Message-ID: <"));
		buf_put(out, str_of(id, MSGID_TEXT));
		buf_putc(out, '@');
		put_name(out, fix->hostname, false);
		buf_put(out, STR(">\r\n"));
	}
}

void compose_fix_header(struct buf *out, struct str header, const struct compose_fix *fix)
{
	bool date = false, message_id = false;
	struct str rest = header;
	struct field field;

	while (field_cut(&rest, &field)) {
		date |= str_ieq(field.name, STR("Date"));
		message_id |= str_ieq(field.name, STR("Message-ID"));
	}
	put_missing(out, fix, date, message_id);
	for (rest = header; field_cut(&rest, &field);)
		if (!str_ieq(field.name, STR("Bcc")) && !str_ieq(field.name, STR("Resent-Bcc")))
			buf_put(out, field.whole);
	if (rest.n == header.n && rest.n > 0 && !str_starts(rest, STR("\r\n")))
		buf_put(out, STR("\r\n"));
	buf_put(out, rest);
}
