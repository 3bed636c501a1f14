#include "proto/httpd.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"

enum { METHOD_MAX = 16 };

struct httpd {
	struct buf in, out;
	int64_t deadline_ms;
	struct httpd_request request;
	size_t searched, head, body; /* octets; head 0: its end was not seen yet */
	unsigned code;
	bool http10, asked, over;
};

struct httpd *httpd_new(int64_t now_ms)
{
	struct httpd *h = NEW(struct httpd);

	buf_init(&h->in, HTTPD_HEAD_MAX + HTTPD_BODY_MAX);
	h->deadline_ms = now_ms + HTTPD_TIMEOUT_MS;
	return h;
}

void httpd_free(struct httpd *h)
{
	buf_deinit(&h->in);
	buf_deinit(&h->out);
	free(h);
}

struct buf *httpd_in(struct httpd *h)
{
	return &h->in;
}

struct buf *httpd_out(struct httpd *h)
{
	return &h->out;
}

bool httpd_wants_input(const struct httpd *h)
{
	return !h->asked && h->code == 0;
}

const struct httpd_request *httpd_request(const struct httpd *h)
{
	return &h->request;
}

int64_t httpd_deadline(const struct httpd *h)
{
	return h->deadline_ms;
}

unsigned httpd_code(const struct httpd *h)
{
	return h->code;
}

static const char *reason(unsigned code)
{
	static const struct {
		unsigned code;
		const char *text;
	} rows[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 431, "Request Header Fields Too Large" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].code == code)
			return rows[i].text;
	return "";
}

void httpd_answer(
	struct httpd *h, unsigned code, struct str type, struct str allow, struct str body)
{
	h->code = code;
	h->asked = false;
	buf_printf(
		&h->out, "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n", code, reason(code), body.n);
	if (type.n > 0)
		buf_printf(&h->out, "Content-Type: %.*s\r\nX-Content-Type-Options: nosniff\r\n",
			STR_ARG(type));
	if (allow.n > 0)
		buf_printf(&h->out, "Allow: %.*s\r\n", STR_ARG(allow));
	buf_put(&h->out, STR("Cache-Control: no-store\r\nConnection: close\r\n\r\n"));
	if (h->request.method != HTTPD_HEAD)
		buf_put(&h->out, body);
}

static bool refuse(struct httpd *h, unsigned code)
{
	h->request.method = HTTPD_GET;
	httpd_answer(h, code, STR(""), STR(""), STR(""));
	return false;
}

void httpd_timeout(struct httpd *h)
{
	if (h->code == 0 && h->in.len > 0)
		refuse(h, 408);
	h->over = true;
	h->deadline_ms = INT64_MAX;
}

/* RFC 9110 5.6.2, with what methods and field names are made of. */
static bool is_token(struct str s)
{
	static const struct str others = STR_INIT("!#$%&'*+-.^_`|~");

	for (size_t i = 0; i < s.n; i++)
		if (!ascii_digit(s.p[i]) &&
			(ascii_lower(s.p[i]) < 'a' || ascii_lower(s.p[i]) > 'z') &&
			str_find(others, s.p[i]) == others.n)
			return false;
	return s.n > 0;
}

/* No control octets: neither in values nor in targets. */
static bool is_visible(struct str s, bool blanks)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == 0x7f || (c < ' ' && c != '\t') || (!blanks && (c == ' ' || c == '\t')))
			return false;
	}
	return true;
}

static struct str cut_line(struct str *rest)
{
	size_t n = 0;
	struct str line;

	while (n + 1 < rest->n && (rest->p[n] != '\r' || rest->p[n + 1] != '\n'))
		n++;
	line = str_head(*rest, n);
	*rest = str_from(*rest, n + 2);
	return line;
}

static bool take_method(struct httpd *h, struct str word)
{
	if (str_eq(word, STR("GET")))
		h->request.method = HTTPD_GET;
	else if (str_eq(word, STR("HEAD")))
		h->request.method = HTTPD_HEAD;
	else if (str_eq(word, STR("POST")))
		h->request.method = HTTPD_POST;
	else
		return refuse(h, is_token(word) && word.n <= METHOD_MAX ? 501 : 400);
	return true;
}

/* RFC 9112 3.2: /path?query, or the same behind http://host, whose host then counts. */
static bool take_target(struct httpd *h, struct str target)
{
	struct httpd_request *r = &h->request;
	size_t scheme = str_starts(target, STR("http://"))    ? 7
			: str_starts(target, STR("https://")) ? 8
							      : 0;

	if (!is_visible(target, false))
		return refuse(h, 400);
	target = str_from(target, scheme);
	if (scheme > 0) {
		r->host = str_head(target, str_find(target, '/'));
		target = str_from(target, r->host.n);
	}
	if (target.n == 0 || target.p[0] != '/')
		return refuse(h, 400);
	r->path = str_head(target, str_find(target, '?'));
	r->query = str_from(target, r->path.n + 1);
	return true;
}

static bool take_request_line(struct httpd *h, struct str line)
{
	struct str method = str_cut(&line, ' '), target = str_cut(&line, ' ');

	h->http10 = str_eq(line, STR("HTTP/1.0"));
	if (!take_method(h, method) || !take_target(h, target))
		return false;
	if (h->http10 || str_eq(line, STR("HTTP/1.1")))
		return true;
	return refuse(h, str_starts(line, STR("HTTP/")) ? 505 : 400);
}

struct head { /* what counts of the fields */
	bool host_said, length_said, wants_continue;
	uint64_t length;
};

static bool take_field(struct httpd *h, struct str line, struct head *head)
{
	struct str name = str_head(line, str_find(line, ':'));
	struct str value = str_trim(str_from(line, name.n + 1));

	if (name.n == line.n || !is_token(name) || !is_visible(value, true))
		return refuse(h, 400);
	if (str_ieq(name, STR("host"))) {
		if (head->host_said || !is_visible(value, false))
			return refuse(h, 400);
		head->host_said = true;
		if (h->request.host.n == 0)
			h->request.host = value;
	} else if (str_ieq(name, STR("content-length"))) {
		if (head->length_said || !str_u64(value, &head->length))
			return refuse(h, 400);
		head->length_said = true;
	} else if (str_ieq(name, STR("transfer-encoding"))) {
		return refuse(h, 501);
	} else if (str_ieq(name, STR("expect"))) {
		head->wants_continue = str_ieq(value, STR("100-continue"));
	}
	return true;
}

static bool take_head(struct httpd *h, struct str text)
{
	struct head head = { .length = 0 };

	h->request = (struct httpd_request){ .method = HTTPD_GET };
	if (!take_request_line(h, cut_line(&text)))
		return false;
	while (text.n > 0)
		if (!take_field(h, cut_line(&text), &head))
			return false;
	if (!head.host_said && !h->http10)
		return refuse(h, 400); /* RFC 9112 3.2 */
	if (h->request.method == HTTPD_POST && !head.length_said)
		return refuse(h, 411);
	if (head.length > HTTPD_BODY_MAX)
		return refuse(h, 413);
	h->request.host = str_head(h->request.host, str_find(h->request.host, ':'));
	h->body = (size_t)head.length;
	/* RFC 9110 10.1.1 */
	if (head.wants_continue && h->in.len < h->head + h->body)
		buf_put(&h->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	return true;
}

/* Looks on for the empty line behind the fields. */
static void find_head(struct httpd *h)
{
	struct str s = buf_str(&h->in);
	size_t i = h->searched < 3 ? 3 : h->searched;

	for (; i < s.n && i < HTTPD_HEAD_MAX && h->head == 0; i++)
		if (memcmp(s.p + i - 3, "\r\n\r\n", 4) == 0)
			h->head = i + 1;
	h->searched = i;
}

/* False: more is to come. */
static bool is_whole(struct httpd *h)
{
	bool known = h->head > 0;

	if (!known)
		find_head(h);
	if (h->head == 0)
		return h->in.len >= HTTPD_HEAD_MAX && (refuse(h, 431), true);
	if (!known && !take_head(h, str_head(buf_str(&h->in), h->head - 2)))
		return true;
	return h->in.len >= h->head + h->body;
}

bool httpd_next(struct httpd *h, enum httpd_event_type *type)
{
	*type = HTTPD_CLOSE;
	if (h->over || h->asked || (h->code == 0 && !is_whole(h)))
		return false;
	if (h->code == 0) {
		struct str in = buf_str(&h->in);

		(void)take_head(h, str_head(in, h->head - 2)); /* it may lie elsewhere by now */
		h->request.body = str_head(str_from(in, h->head), h->body);
		h->asked = true;
		*type = HTTPD_REQUEST;
		return true;
	}
	h->over = true;
	return true;
}

bool httpd_query(struct str query, struct str name, struct buf *to)
{
	while (query.n > 0) {
		struct str value = str_cut(&query, '&'), key = str_cut(&value, '=');

		if (!str_ieq(key, name))
			continue;
		for (size_t i = 0; i < value.n; i++) {
			int high, low;

			if (value.p[i] != '%') {
				buf_putc(to, value.p[i] == '+' ? ' ' : value.p[i]);
				continue;
			}
			high = i + 2 < value.n ? hex_value(value.p[i + 1]) : -1;
			low = i + 2 < value.n ? hex_value(value.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			buf_putc(to, (char)(high << 4 | low));
			i += 2;
		}
		return true;
	}
	return false;
}
