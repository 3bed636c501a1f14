/* What local programs write, as a server takes it: line ends, addresses without a domain, From. */
#include <sysexits.h>

#include "cmd/sendmail.h"
#include "mime/field.h"
#include "mime/word.h"

/* Of a quoted string, comment or domain literal at s, with both its marks; to the end when it is not closed. */
static size_t enclosed(struct str s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (i > 0 && s.p[0] == '"' && s.p[i] == '"')
			return i + 1;
		else if (s.p[0] == '[' && s.p[i] == ']')
			return i + 1;
		else if (s.p[0] == '(' && s.p[i] == '(')
			depth++;
		else if (s.p[0] == '(' && s.p[i] == ')' && --depth == 0)
			return i + 1;
	}
	return s.n;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Up to the first of these outside of quotes, comments and domain literals, which may have colons. */
static size_t until(struct str s, const char *marks)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '(' || (s.p[i] == '[' && i > 0 && s.p[i - 1] == '@'))
			i += enclosed(str_from(s, i)) - 1;
		else if (str_find(str_c(marks), s.p[i]) < str_c(marks).n)
			return i;
	}
	return s.n;
}

/* The address in one element of a list; "" in an empty one.  *behind: what follows it there. */
static struct str address_in(struct str s, struct str *behind)
{
	size_t angle = until(s, "<"), n = 0;

	if (angle < s.n) {
		s = str_from(s, angle + 1);
		n = until(s, ">");
		*behind = str_from(s, n + 1);
		return str_trim(str_head(s, n));
	}
	while (s.n > 0 && (is_blank(s.p[0]) || s.p[0] == '('))
		s = str_from(s, s.p[0] == '(' ? enclosed(s) : 1);
	while (n < s.n && !is_blank(s.p[n]) && s.p[n] != '(')
		n += s.p[n] == '"' ? enclosed(str_from(s, n)) : 1;
	*behind = str_from(s, n);
	return str_head(s, n);
}

static bool is_nothing(struct str s)
{
	while (s.n > 0 && (is_blank(s.p[0]) || s.p[0] == '('))
		s = str_from(s, s.p[0] == '(' ? enclosed(s) : 1);
	return s.n == 0;
}

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f || s.p[i] == '>')
			return true;
	return false;
}

bool sendmail_addresses(struct sendmail *m, struct str list, bool take, struct buf *whole)
{
	while (list.n > 0) {
		size_t n = until(list, ",;:");
		bool group = n < list.n && list.p[n] == ':';
		struct str behind, a = address_in(str_head(list, n), &behind);
		bool bare = !group && a.n > 0 && until(a, "@") == a.n;

		if (!group && (has_control(a) || (take && !is_nothing(behind))))
			return false;
		if (take && !group && a.n > 0) {
			put_u32(&m->to, (uint32_t)(a.n + (bare ? 1 + m->origin.len : 0)));
			buf_put(&m->to, a);
			if (bare) {
				buf_putc(&m->to, '@');
				buf_put(&m->to, buf_str(&m->origin));
			}
		}
		if (whole != NULL) {
			size_t end = bare ? (size_t)(a.p + a.n - list.p) : n;

			buf_put(whole, str_head(list, end));
			if (bare) {
				buf_putc(whole, '@');
				buf_put(whole, buf_str(&m->origin));
			}
			buf_put(whole, str_head(str_from(list, end), n - end + (n < list.n)));
		}
		list = str_from(list, n + 1);
	}
	return true;
}

/* Line ends become CRLF, also a bare CR, as terminals' progress lines have it: a server refuses those
 * (RFC 5321 2.3.8). */
static void take_lines(struct sendmail *m, struct buf *out)
{
	struct str in = buf_str(&m->input);
	bool first = true;

	while (in.n > 0) {
		size_t n = 0;
		struct str line;

		while (n < in.n && in.p[n] != '\n' && in.p[n] != '\r')
			n++;
		line = str_head(in, n);
		if (m->dots && str_eq(line, STR(".")))
			return;
		in = str_from(in, n + (str_starts(str_from(in, n), STR("\r\n")) ? 2 : 1));
		/* The line that separates messages of an mbox is none of a message. */
		if (!first ||
			!(str_starts(line, STR("From ")) || str_starts(line, STR(">From ")))) {
			buf_put(out, line);
			buf_put(out, STR("\r\n"));
		}
		first = false;
	}
}

enum use { USE_NOT, USE_TO, USE_BCC, USE_AUTHOR };

static enum use use_of(struct str name, bool *resent)
{
	static const struct {
		struct str name;
		enum use use;
	} rows[] = {
		{ STR_INIT("To"), USE_TO },
		{ STR_INIT("Cc"), USE_TO },
		{ STR_INIT("Bcc"), USE_BCC },
		{ STR_INIT("From"), USE_AUTHOR },
		{ STR_INIT("Sender"), USE_AUTHOR },
		{ STR_INIT("Reply-To"), USE_AUTHOR },
	};

	*resent = str_istarts(name, STR("Resent-"));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (str_ieq(*resent ? str_from(name, sizeof "Resent-" - 1) : name, rows[i].name))
			return rows[i].use;
	return USE_NOT;
}

/* *resent: recipients of an earlier sending do not count (RFC 5322 3.6.6). */
static bool look(struct str header, bool *resent)
{
	struct field f;
	bool again, from = false;

	*resent = false;
	while (field_cut(&header, &f)) {
		enum use use = use_of(f.name, &again);

		*resent |= again && (use == USE_TO || use == USE_BCC);
		from |= !again && use == USE_AUTHOR && str_ieq(f.name, STR("From"));
	}
	return from;
}

static bool mend_field(struct sendmail *m, const struct field *f, bool resent_only)
{
	bool resent;
	enum use use = use_of(f->name, &resent);
	bool take = m->from_header && (use == USE_TO || use == USE_BCC) && resent == resent_only;

	if (use == USE_NOT) {
		buf_put(&m->text, f->whole);
		return true;
	}
	if (use == USE_BCC)
		return sendmail_addresses(m, f->body, take, NULL);
	buf_put(&m->text, f->name);
	buf_putc(&m->text, ':');
	if (!sendmail_addresses(m, f->body, take, &m->text))
		return false;
	buf_put(&m->text, STR("\r\n"));
	return true;
}

static void put_from(struct sendmail *m, struct str user, struct str name)
{
	buf_put(&m->text, STR("From: "));
	word_mailbox(name, user, &m->text);
	buf_put(&m->text, STR("\r\n"));
}

int sendmail_mend(struct sendmail *m, struct str author, struct str full_name, const char **why)
{
	struct buf lines = { 0 };
	struct str rest;
	struct field f;
	bool resent, good = true;

	take_lines(m, &lines);
	rest = buf_str(&lines);
	if (!look(rest, &resent))
		put_from(m, author, full_name);
	while (good && field_cut(&rest, &f))
		good = mend_field(m, &f, resent);
	m->utf8 = !str_ascii(buf_str(&m->text)) || !str_ascii(buf_str(&m->to));
	if (!str_starts(rest, STR("\r\n")))
		buf_put(&m->text, STR("\r\n"));
	buf_put(&m->text, rest);
	m->eightbit = !str_ascii(buf_str(&m->text));
	buf_deinit(&lines);
	if (!good)
		*why = "an address in the header cannot be read: commas stand between addresses";
	else if (m->to.len == 0)
		*why = "no recipients: name them, or -t takes those of the header";
	else
		return EX_OK;
	return good ? EX_USAGE : EX_DATAERR;
}
