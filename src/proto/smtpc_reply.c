/* Replies: lines to a code, an enhanced status and a text that may be shown (RFC 5321 4.2, 2034, 3463). */
#include "proto/smtpc_int.h"

/* One line off the input, without its end.  A bare LF ends it too: broken servers send that, and a
 * reply can smuggle nothing past its own sender. */
static bool cut_line(struct smtpc *c, struct str *line)
{
	struct str s = buf_str(&c->in), rest = str_from(s, c->reply.searched);
	size_t at = str_find(rest, '\n');

	if (at == rest.n) {
		c->reply.searched = s.n;
		return false;
	}
	*line = str_head(s, c->reply.searched + at);
	c->reply.searched = 0;
	c->reply.octets += line->n + 1;
	buf_consume(&c->in, line->n + 1); /* moves nothing: line stays valid */
	if (str_ends(*line, STR("\r")))
		line->n--;
	return true;
}

/* Reply-code of RFC 5321 4.2; 0: none. */
static unsigned code_of(struct str line)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || !ascii_digit(line.p[1]) ||
		!ascii_digit(line.p[2]) || (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-'))
		return 0;
	return (unsigned)(line.p[0] - '0') * 100 + (unsigned)(line.p[1] - '0') * 10 +
	       (unsigned)(line.p[2] - '0');
}

static size_t digits(struct str s)
{
	size_t n = 0;

	while (n < s.n && n < 3 && ascii_digit(s.p[n]))
		n++;
	return n;
}

/* The length of "class.subject.detail" at the front of s, when the class goes with the code; else 0. */
static size_t status_length(struct str s, unsigned code)
{
	size_t subject, detail;

	if (s.n < 5 || (unsigned)(s.p[0] - '0') != code / 100 || code / 100 == 3 || s.p[1] != '.')
		return 0;
	subject = digits(str_from(s, 2));
	if (subject == 0 || 2 + subject >= s.n || s.p[2 + subject] != '.')
		return 0;
	detail = digits(str_from(s, 3 + subject));
	s = str_from(s, 3 + subject + detail);
	if (detail == 0 || (s.n > 0 && s.p[0] != ' '))
		return 0;
	return 3 + subject + detail;
}

/* Servers repeat the status on each line: it is kept once, from the first. */
static void take_text(struct smtpc_reply *r, struct str text)
{
	size_t n = status_length(text, r->code);

	if (n > 0 && r->status_len == 0) {
		memcpy(r->status, text.p, n);
		r->status_len = n;
	}
	if (n > 0 && str_eq(str_head(text, n), str_of(r->status, r->status_len)))
		text = str_from(text, n);
	text = str_trim(text);
	if (r->text.len > 0 && text.n > 0)
		buf_putc(&r->text, ' ');
	for (size_t i = 0; i < text.n && !r->text.full; i++)
		buf_putc(&r->text, text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?');
}

enum reply_got smtpc_reply_cut(struct smtpc *c)
{
	struct smtpc_reply *r = &c->reply;
	struct str line;
	unsigned code;

	if (!cut_line(c, &line))
		return c->in.len >= c->in.max ? REPLY_BAD : REPLY_MORE;
	code = code_of(line);
	if (r->whole) {
		r->code = code;
		r->lines = r->status_len = 0;
		r->octets = line.n;
		buf_clear(&r->text);
	}
	/* RFC 5321 4.2.1: all lines have one code.  Which of two would be meant? */
	if (code == 0 || code != r->code || ++r->lines > SMTPC_REPLY_LINES ||
		r->octets > SMTPC_REPLY_MAX)
		return REPLY_BAD;
	r->line = str_from(line, 4);
	take_text(r, r->line);
	r->whole = line.n == 3 || line.p[3] == ' ';
	return r->whole ? REPLY_WHOLE : REPLY_LINE;
}

/* RFC 5321 4.5.3.1.10: 452 to RCPT, when others were taken before; and 552, which once meant the same. */
static bool too_many_recipients(const struct smtpc *c, const struct smtpc_result *r)
{
	if (r->at != SMTPC_AT_RCPT)
		return false;
	if (r->code == 452)
		return c->tx->accepted > 0 && str_eq(r->status, STR("4.0.0"));
	return r->code == 552 &&
	       (str_eq(r->status, STR("5.0.0")) || str_eq(r->status, STR("5.5.3")));
}

void smtpc_result_reply(struct smtpc *c)
{
	static const struct str statuses[] = { STR_INIT("2.0.0"), STR_INIT("4.5.0"),
		STR_INIT("4.0.0"), STR_INIT("5.0.0") };
	static const enum smtpc_outcome outcomes[] = { SMTPC_DELIVERED, SMTPC_DEFERRED,
		SMTPC_DEFERRED, SMTPC_FAILED };
	const struct smtpc_reply *r = &c->reply;
	unsigned class = r->code / 100 - 2;

	c->result = (struct smtpc_result){
		.outcome = outcomes[class],
		.at = c->at,
		.why = SMTPC_WHY_REPLY,
		.code = r->code,
		.status = r->status_len > 0 ? str_of(r->status, r->status_len) : statuses[class],
		.text = buf_str(&r->text),
		.said = str_of(r->status, r->status_len),
	};
	if (too_many_recipients(c, &c->result)) {
		c->result.outcome = SMTPC_DEFERRED;
		c->result.status = STR("4.5.3");
	}
}

struct smtpc_result smtpc_own_result(const struct smtpc *c, enum smtpc_why why)
{
	static const struct {
		struct str status, text;
	} rows[] = {
		[SMTPC_WHY_REPLY] = { STR_INIT("2.0.0"), STR_INIT("") },
		[SMTPC_WHY_CLOSED] = { STR_INIT("4.4.2"),
			STR_INIT("the server closed the connection") },
		[SMTPC_WHY_TIMEOUT] = { STR_INIT("4.4.2"),
			STR_INIT("the server did not answer in time") },
		[SMTPC_WHY_GARBAGE] = { STR_INIT("4.5.0"),
			STR_INIT("the server does not speak SMTP") },
		[SMTPC_WHY_OWNER] = { STR_INIT("4.3.0"),
			STR_INIT("the message could not be sent") },
		[SMTPC_WHY_NO_TLS] = { STR_INIT("4.7.4"),
			STR_INIT("TLS is required and the server does not offer it") },
		[SMTPC_WHY_INJECTED] = { STR_INIT("4.7.0"),
			STR_INIT("somebody spoke between STARTTLS and TLS") },
		[SMTPC_WHY_BARE] = { STR_INIT("5.6.0"), STR_INIT("bare CR or LF in the message") },
		[SMTPC_WHY_ADDRESS] = { STR_INIT("5.1.3"),
			STR_INIT("the address cannot be said in SMTP") },
		[SMTPC_WHY_RCPTMAX] = { STR_INIT("4.5.3"),
			STR_INIT("the server takes no more recipients at one time") },
		[SMTPC_WHY_SIZE] = { STR_INIT("5.3.4"),
			STR_INIT("the message is too big for the server") },
		[SMTPC_WHY_8BITMIME] = { STR_INIT("5.6.3"),
			STR_INIT("the server takes no 8-bit message") },
		[SMTPC_WHY_SMTPUTF8] = { STR_INIT("5.6.7"),
			STR_INIT("the server takes no internationalized mail") },
		[SMTPC_WHY_REQUIRETLS] = { STR_INIT("5.7.30"),
			STR_INIT("the server does not support REQUIRETLS") },
	};

	return (struct smtpc_result){
		.outcome = rows[why].status.p[0] == '5' ? SMTPC_FAILED : SMTPC_DEFERRED,
		.at = smtpc_stage(c),
		.why = why,
		.status = rows[why].status,
		.text = rows[why].text,
	};
}
