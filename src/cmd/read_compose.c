#include "cmd/read_compose.h"

#include "mime/charset.h"
#include "mime/encode.h"
#include "mime/text.h"
#include "mime/word.h"

static void put_decoded(struct buf *out, struct str header, struct str name)
{
	struct buf text = { 0 };

	word_decode(mime_field(header, name), &text);
	charset_put_line(out, str_trim(buf_str(&text)));
	buf_deinit(&text);
}

static void put_field(struct buf *out, const char *name, struct str text)
{
	buf_put(out, str_c(name));
	buf_put(out, text);
	buf_putc(out, '\n');
}

static void put_subject(struct buf *out, enum write_kind kind, struct str header)
{
	struct str prefix = kind == WRITE_FORWARD ? STR("Fwd: ")
			    : kind == WRITE_NEW   ? STR("")
						  : STR("Re: ");
	struct buf subject = { 0 };

	if (kind != WRITE_NEW)
		put_decoded(&subject, header, STR("Subject"));
	buf_put(out, STR("Subject: "));
	if (!str_istarts(buf_str(&subject), str_trim(prefix)))
		buf_put(out, prefix);
	put_field(out, "", buf_str(&subject));
	buf_deinit(&subject);
}

static void put_ids(struct buf *out, struct str header)
{
	struct buf line = { 0 };

	charset_put_line(&line, str_trim(mime_field(header, STR("Message-ID"))));
	if (line.len > 0) {
		put_field(out, "In-Reply-To: ", buf_str(&line));
		buf_clear(&line);
		charset_put_line(
			&line, str_trim(str_head(mime_field(header, STR("References")), 4096)));
		buf_put(out, STR("References: "));
		buf_put(out, buf_str(&line));
		buf_clear(&line);
		charset_put_line(&line, str_trim(mime_field(header, STR("Message-ID"))));
		put_field(out, " ", buf_str(&line));
	}
	buf_deinit(&line);
}

static void put_people(struct buf *out, enum write_kind kind, struct str header)
{
	bool reply_to = mime_field(header, STR("Reply-To")).n > 0;

	buf_put(out, STR("To: "));
	if (kind == WRITE_REPLY || kind == WRITE_REPLY_ALL)
		put_decoded(out, header, reply_to ? STR("Reply-To") : STR("From"));
	buf_put(out, STR("\nCc: "));
	if (kind == WRITE_REPLY_ALL) {
		put_decoded(out, header, STR("To"));
		if (mime_field(header, STR("Cc")).n > 0)
			buf_put(out, STR(", "));
		put_decoded(out, header, STR("Cc"));
	}
	buf_putc(out, '\n');
}

static void quote(struct buf *out, const struct mime_tree *t, struct str header)
{
	struct buf text = { 0 };
	struct str rest;

	mime_text(t, &text);
	put_decoded(out, header, STR("From"));
	buf_put(out, STR(" wrote:\n"));
	rest = buf_str(&text);
	while (rest.n > 0)
		put_field(out, rest.p[0] == '>' ? ">" : "> ", str_cut(&rest, '\n'));
	buf_deinit(&text);
}

void compose_draft(struct buf *out, enum write_kind kind, struct str from, struct str octets)
{
	struct mime_tree t;
	struct str header;

	mime_tree_parse(&t, octets);
	header = t.parts[0].header;
	put_field(out, "From: ", from);
	put_people(out, kind, header);
	put_subject(out, kind, header);
	if (kind == WRITE_REPLY || kind == WRITE_REPLY_ALL)
		put_ids(out, header);
	put_field(out, "Attach: ", STR(""));
	buf_putc(out, '\n');
	if (kind == WRITE_REPLY || kind == WRITE_REPLY_ALL)
		quote(out, &t, header);
	mime_tree_free(&t);
}

/* ---- the message ---- */

/* Only names become encoded words, never an address (RFC 2047 5). */
static void put_addresses(struct buf *out, struct str list)
{
	while (list.n > 0) {
		struct str one = str_trim(str_cut(&list, ',')),
			   name = str_trim(str_head(one, str_rfind(one, '<')));

		if (name.n > 1 && name.p[0] == '"' && !str_ascii(name))
			name = str_of(name.p + 1, name.n - 2);
		if (str_rfind(one, '<') < one.n && !str_ascii(name)) {
			word_encode(name, out);
			buf_putc(out, ' ');
			buf_put(out, str_from(one, str_rfind(one, '<')));
		} else {
			buf_put(out, one);
		}
		buf_put(out, list.n > 0 ? STR(",\r\n ") : STR(""));
	}
}

static bool is_people(struct str name)
{
	static const struct str names[] = { STR_INIT("From"), STR_INIT("To"), STR_INIT("Cc"),
		STR_INIT("Bcc"), STR_INIT("Reply-To") };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_ieq(names[i], name))
			return true;
	return false;
}

static void put_references(struct buf *out, struct str ids)
{
	while (ids.n > 0) {
		struct str id = str_cut(&ids, ' ');

		buf_put(out, id);
		buf_put(out, ids.n > 0 && id.n > 0 ? STR("\r\n ") : STR(""));
	}
}

/* One line of the draft's header. */
static enum status put_line(struct buf *out, struct str line, struct err *err)
{
	struct str body = line, name = str_cut(&body, ':');

	body = str_trim(body);
	if (name.n == line.n || name.n == 0 || !str_ascii(name) || str_find(name, ' ') < name.n)
		return err_set(
			err, ST_LIMIT, "not a header line: %.*s", STR_ARG(str_head(line, 100)));
	if (body.n == 0)
		return ST_OK;
	buf_put(out, name);
	buf_put(out, STR(": "));
	if (is_people(name))
		put_addresses(out, body);
	else if (str_ieq(name, STR("References")))
		put_references(out, body);
	else
		word_encode(body, out);
	buf_put(out, STR("\r\n"));
	return ST_OK;
}

static void put_text(struct buf *out, struct str text)
{
	struct encode e = { 0 };

	buf_put(out, STR("Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: quoted-printable\r\n\r\n"));
	while (text.n > 0) {
		encode_quoted(&e, str_cut(&text, '\n'), out);
		encode_quoted_line(&e, out);
	}
	encode_quoted_end(&e, out);
}

static void put_boundary(struct buf *out, const struct composed *c, bool last)
{
	buf_put(out, STR("\r\n--"));
	buf_put(out, c->boundary);
	buf_put(out, last ? STR("--\r\n") : STR("\r\n"));
}

/* RFC 2183 2.3; a name that is not ASCII as RFC 2231 4 has it. */
static void put_name(struct buf *out, struct str path)
{
	struct str name =
		str_from(path, str_rfind(path, '/') < path.n ? str_rfind(path, '/') + 1 : 0);

	buf_put(out, STR("Content-Disposition: attachment;\r\n filename*=utf-8''"));
	for (size_t i = 0; i < name.n; i++) {
		unsigned char b = (unsigned char)name.p[i];

		if ((ascii_lower(name.p[i]) >= 'a' && ascii_lower(name.p[i]) <= 'z') ||
			ascii_digit(name.p[i]) || b == '.' || b == '-' || b == '_')
			buf_putc(out, name.p[i]);
		else
			buf_printf(out, "%%%02X", b);
	}
	buf_put(out, STR("\r\n"));
}

static enum status put_file(
	struct buf *out, const struct composed *c, struct str path, struct err *err)
{
	struct buf octets = { 0 };
	struct encode e = { 0 };
	bool there = c->file(c->arg, path, &octets, err);

	if (there) {
		put_boundary(out, c, false);
		buf_put(out, STR("Content-Type: application/octet-stream\r\n"));
		put_name(out, path);
		buf_put(out, STR("Content-Transfer-Encoding: base64\r\n\r\n"));
		encode_base64(&e, buf_str(&octets), out);
		encode_base64_end(&e, out);
	}
	buf_deinit(&octets);
	return there ? ST_OK : ST_IO;
}

/* The next line of the header; false: the blank line was cut. */
static bool cut_line(struct str *rest, struct str *line, bool *attach)
{
	if (rest->n == 0)
		return false;
	*line = str_cut(rest, '\n');
	*attach = str_istarts(*line, STR("Attach:"));
	return line->n > 0;
}

static enum status put_parts(
	struct buf *out, const struct composed *c, struct str body, struct err *err)
{
	struct str rest = c->draft, line;
	enum status status = ST_OK;
	bool attach;

	buf_put(out, STR("Content-Type: multipart/mixed; boundary=\""));
	buf_put(out, c->boundary);
	buf_put(out, STR("\"\r\n"));
	put_boundary(out, c, false);
	put_text(out, body);
	while (status == ST_OK && cut_line(&rest, &line, &attach))
		if (attach && str_trim(str_from(line, 7)).n > 0)
			status = put_file(out, c, str_trim(str_from(line, 7)), err);
	if (c->forward.n > 0) {
		put_boundary(out, c, false);
		buf_put(out, STR("Content-Type: message/rfc822\r\n"));
		buf_put(out, str_ascii(c->forward)
				     ? STR("\r\n")
				     : STR("Content-Transfer-Encoding: 8bit\r\n\r\n"));
		buf_put(out, c->forward);
	}
	put_boundary(out, c, true);
	return status;
}

enum status compose_message(struct buf *out, const struct composed *c, struct err *err)
{
	struct str rest = c->draft, line;
	bool attach, parts = c->forward.n > 0;
	enum status status = ST_OK;

	if (!str_utf8(c->draft))
		return err_set(err, ST_LIMIT, "the text is not UTF-8");
	while (status == ST_OK && cut_line(&rest, &line, &attach)) {
		if (attach)
			parts |= str_trim(str_from(line, 7)).n > 0;
		else
			status = put_line(out, line, err);
	}
	buf_put(out, STR("MIME-Version: 1.0\r\n"));
	if (status != ST_OK)
		return status;
	if (parts)
		return put_parts(out, c, rest, err);
	put_text(out, rest);
	return ST_OK;
}
