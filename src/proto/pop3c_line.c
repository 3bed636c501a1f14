/* Lines, status responses and the end of a message (RFC 1939 3, RFC 2449 8). */
#include "proto/pop3c_int.h"

/* Of a line that does not fit only the head is kept, for the log; the rest is dropped as it comes in. */
static enum line_got keep_head(struct pop3c *p, struct str s)
{
	if (s.n <= POP3C_LINE_KEEP && p->line.len == 0) {
		p->searched = s.n;
		return LINE_NONE;
	}
	if (p->line.len == 0)
		buf_put(&p->line, str_head(s, POP3C_LINE_KEEP));
	p->line_octets += s.n;
	p->searched = 0;
	buf_consume(&p->in, s.n);
	return p->line_octets > POP3C_LINE_MAX ? LINE_ENDLESS : LINE_NONE;
}

/* A bare LF ends a line of a response too: old servers send that.  Messages are another matter. */
enum line_got pop3c_line(struct pop3c *p, struct pop3c_line *line)
{
	struct str s = buf_str(&p->in), rest = str_from(s, p->searched);
	size_t at = str_find(rest, '\n');

	if (p->line_octets == 0)
		buf_clear(&p->line); /* the last one was told */
	if (at == rest.n)
		return keep_head(p, s);
	line->text = str_head(s, p->searched + at);
	buf_consume(&p->in, line->text.n + 1); /* moves nothing: the view stays valid */
	line->shortened = p->line.len > 0;
	if (line->shortened)
		line->text = buf_str(&p->line);
	else if (str_ends(line->text, STR("\r")))
		line->text.n--;
	p->searched = p->line_octets = 0;
	return LINE_WHOLE;
}

/* "[" resp-code "]": unknown ones stay in the text.  Unknown detail behind a known code is ignored
 * (RFC 2449 8). */
static enum pop3c_code take_code(struct str *text)
{
	static const struct {
		struct str name;
		enum pop3c_code code;
	} rows[] = {
		{ STR_INIT("[IN-USE"), POP3C_IN_USE },
		{ STR_INIT("[LOGIN-DELAY"), POP3C_LOGIN_DELAY },
		{ STR_INIT("[SYS/TEMP"), POP3C_SYS_TEMP },
		{ STR_INIT("[SYS/PERM"), POP3C_SYS_PERM },
		{ STR_INIT("[AUTH"), POP3C_AUTH },
		{ STR_INIT("[UTF8"), POP3C_UTF8 },
	};
	size_t end = str_find(*text, ']');

	for (size_t i = 0; i < sizeof rows / sizeof *rows && end < text->n; i++)
		if (str_istarts(*text, rows[i].name) &&
			(end == rows[i].name.n || text->p[rows[i].name.n] == '/')) {
			*text = str_trim(str_from(*text, end + 1));
			return rows[i].code;
		}
	return POP3C_NO_CODE;
}

bool pop3c_response(struct pop3c *p, const struct pop3c_line *line)
{
	bool ok = str_istarts(line->text, STR("+OK"));
	struct str text = str_from(line->text, ok ? 3 : 4);

	if ((!ok && !str_istarts(line->text, STR("-ERR"))) ||
		(text.n > 0 && text.p[0] != ' ' && text.p[0] != '\t'))
		return false;
	text = str_trim(text);
	p->result = (struct pop3c_result){ .outcome = ok ? POP3C_OK : POP3C_REFUSED,
		.code = ok ? POP3C_NO_CODE : take_code(&text),
		.pipelined = p->pipelined };
	buf_clear(&p->text);
	for (size_t i = 0; i < text.n && i < POP3C_TEXT_MAX; i++)
		buf_putc(&p->text, text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?');
	p->result.text = buf_str(&p->text);
	return true;
}

/* Where the state is within a line: up to the next line that begins with a dot, or all. */
static struct undot_run run_of_lines(enum undot_at *at, struct str in)
{
	size_t from = 0;

	while (from < in.n) {
		size_t lf = from + str_find(str_from(in, from), '\n');

		if (lf == in.n)
			break;
		from = lf + 1;
		if (lf > 0 ? in.p[lf - 1] != '\r' : *at != UNDOT_CR)
			continue;
		if (from == in.n) {
			*at = UNDOT_BOL;
			return (struct undot_run){ .take = in, .used = in.n };
		}
		if (in.p[from] == '.') {
			*at = UNDOT_DOT;
			return (struct undot_run){ .take = str_head(in, from), .used = from + 1 };
		}
	}
	*at = in.p[in.n - 1] == '\r' ? UNDOT_CR : UNDOT_MID;
	return (struct undot_run){ .take = in, .used = in.n };
}

/* Only CRLF.CRLF ends a message: with LF.LF accepted, a message could hold its own end and then
 * responses of its author's choice.  in is not empty. */
struct undot_run pop3c_undot(enum undot_at *at, struct str in)
{
	struct str nothing = str_head(in, 0);

	switch (*at) {
	case UNDOT_BOL:
		if (in.p[0] != '.')
			break;
		*at = UNDOT_DOT;
		return (struct undot_run){ .take = nothing, .used = 1 };
	case UNDOT_DOT:
		if (in.p[0] != '\r')
			break;
		*at = UNDOT_DOT_CR;
		return (struct undot_run){ .take = nothing, .used = 1 };
	case UNDOT_DOT_CR:
		if (in.p[0] == '\n') {
			*at = UNDOT_BOL;
			return (struct undot_run){ .take = nothing, .used = 1, .end = true };
		}
		*at = UNDOT_CR;
		return (struct undot_run){ .take = STR("\r") };
	case UNDOT_MID:
	case UNDOT_CR: break;
	}
	return run_of_lines(at, in);
}
