/* Requests of HTTP: what is answered, and that no way of cutting them into packets changes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "proto/httpd.h"

#define HOST "Host: a.test\r\n\r\n"

/* What is seen: "METHOD host path ? query [body]", or the code that was answered without asking; "": more is wanted. */
/* clang-format off */
static const struct {
	const char *name;
	struct str in;
	const char *out;
} rows[] = {
	{ "the usual", STR_INIT("GET /x HTTP/1.1\r\n" HOST), "0 a.test /x ? []" },
	{ "a query", STR_INIT("GET /x?a=b&c?d HTTP/1.1\r\n" HOST), "0 a.test /x ?a=b&c?d []" },
	{ "a port", STR_INIT("GET / HTTP/1.1\r\nhost:\ta.test:443 \r\n\r\n"), "0 a.test / ? []" },
	{ "HEAD", STR_INIT("HEAD / HTTP/1.1\r\n" HOST), "1 a.test / ? []" },
	{ "HTTP/1.0 has no Host", STR_INIT("GET / HTTP/1.0\r\n\r\n"), "0  / ? []" },
	{ "absolute", STR_INIT("GET http://b.test:80/y?z HTTP/1.1\r\n" HOST), "0 b.test /y ?z []" },
	{ "absolute without a path", STR_INIT("GET http://b.test HTTP/1.1\r\n" HOST), "400" },
	{ "a body", STR_INIT("POST /p HTTP/1.1\r\nContent-Length: 4\r\n" HOST "\r\nab"), "2 a.test /p ? [\r\nab]" },
	{ "more than the body", STR_INIT("POST /p HTTP/1.1\r\nContent-Length: 2\r\n" HOST "abcd"), "2 a.test /p ? [ab]" },
	{ "half a body", STR_INIT("POST /p HTTP/1.1\r\nContent-Length: 5\r\n" HOST "abcd"), "" },
	{ "an empty body", STR_INIT("POST /p HTTP/1.1\r\nContent-Length: 0\r\n" HOST), "2 a.test /p ? []" },
	{ "no length", STR_INIT("POST /p HTTP/1.1\r\n" HOST), "411" },
	{ "two lengths", STR_INIT("POST /p HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n" HOST "ab"), "400" },
	{ "a sum of lengths", STR_INIT("POST /p HTTP/1.1\r\nContent-Length: 2, 2\r\n" HOST), "400" },
	{ "a length below zero", STR_INIT("POST /p HTTP/1.1\r\nContent-Length: -1\r\n" HOST), "400" },
	{ "a length past 64 bits", STR_INIT("POST /p HTTP/1.1\r\nContent-Length: 18446744073709551618\r\n" HOST), "400" },
	{ "too long a body", STR_INIT("POST /p HTTP/1.1\r\nContent-Length: 16385\r\n" HOST), "413" },
	{ "chunks", STR_INIT("POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" HOST), "501" },
	{ "chunks and a length", STR_INIT("POST /p HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: identity\r\n" HOST), "501" },
	{ "no Host", STR_INIT("GET / HTTP/1.1\r\n\r\n"), "400" },
	{ "two Hosts", STR_INIT("GET / HTTP/1.1\r\nHost: a.test\r\n" HOST), "400" },
	{ "a blank before the colon", STR_INIT("GET / HTTP/1.1\r\nX : y\r\n" HOST), "400" },
	{ "a folded field", STR_INIT("GET / HTTP/1.1\r\nX: y\r\n z\r\n" HOST), "400" },
	{ "no colon", STR_INIT("GET / HTTP/1.1\r\nX\r\n" HOST), "400" },
	{ "a bare LF in a field", STR_INIT("GET / HTTP/1.1\r\nX: y\nHost: b.test\r\n" HOST), "400" },
	{ "a bare CR in a field", STR_INIT("GET / HTTP/1.1\r\nX: y\rz\r\n" HOST), "400" },
	{ "a NUL in a field", STR_INIT("GET / HTTP/1.1\r\nX: y\0z\r\n" HOST), "400" },
	{ "bare LFs", STR_INIT("GET / HTTP/1.1\nHost: a.test\n\n"), "" },
	{ "another method", STR_INIT("BREW / HTTP/1.1\r\n" HOST), "501" },
	{ "CONNECT", STR_INIT("CONNECT a.test:25 HTTP/1.1\r\n" HOST), "501" },
	{ "no method", STR_INIT(" / HTTP/1.1\r\n" HOST), "400" },
	{ "two blanks", STR_INIT("GET  / HTTP/1.1\r\n" HOST), "400" },
	{ "a relative target", STR_INIT("GET x HTTP/1.1\r\n" HOST), "400" },
	{ "a tab in the target", STR_INIT("GET /\tx HTTP/1.1\r\n" HOST), "400" },
	{ "another version", STR_INIT("GET / HTTP/2.0\r\n" HOST), "505" },
	{ "no version", STR_INIT("GET /\r\n" HOST), "400" },
	{ "SMTP", STR_INIT("EHLO me\r\n\r\n"), "501" },
	{ "TLS", STR_INIT("\x16\x03\x01\x02\0\r\n\r\n"), "400" },
	{ "nothing", STR_INIT("\r\n\r\n"), "400" },
};
static const struct {
	struct str query;
	const char *value; /* NULL: none */
} queries[] = {
	{ STR_INIT("emailaddress=a%40b.test"), "a@b.test" },
	{ STR_INIT("x=y&EmailAddress=a+b%2B"), "a b+" },
	{ STR_INIT("emailaddress="), "" },
	{ STR_INIT("emailaddress"), "" },
	{ STR_INIT("emailaddress=%4"), NULL },
	{ STR_INIT("emailaddress=%zz"), NULL },
	{ STR_INIT("mail=emailaddress"), NULL },
	{ STR_INIT(""), NULL },
};
/* clang-format on */

static void see(struct httpd *h, struct buf *seen)
{
	enum httpd_event_type type;

	while (httpd_next(h, &type)) {
		const struct httpd_request *r = httpd_request(h);

		if (type == HTTPD_CLOSE) {
			if (seen->len == 0)
				buf_putu(seen, httpd_code(h));
			continue;
		}
		buf_printf(seen, "%d %.*s %.*s ?%.*s [%.*s]", (int)r->method, STR_ARG(r->host),
			STR_ARG(r->path), STR_ARG(r->query), STR_ARG(r->body));
		httpd_answer(h, 200, STR("text/plain"), STR(""), STR("page"));
	}
}

static void give(struct str in, size_t piece, struct buf *seen, struct buf *out)
{
	struct httpd *h = httpd_new(0);

	while (in.n > 0 && httpd_wants_input(h)) {
		buf_put(httpd_in(h), str_head(in, piece));
		in = str_from(in, piece);
		see(h, seen);
	}
	buf_put(out, buf_str(httpd_out(h)));
	httpd_free(h);
}

static void requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf whole = { 0 }, out = { 0 };

		give(rows[i].in, rows[i].in.n, &whole, &out);
		if (!str_eq(buf_str(&whole), str_c(rows[i].out)))
			fail_msg("%s: %.*s", rows[i].name, STR_ARG(buf_str(&whole)));
		for (size_t piece = 1; piece < rows[i].in.n; piece++) {
			struct buf seen = { 0 }, said = { 0 };

			give(rows[i].in, piece, &seen, &said);
			if (!str_eq(buf_str(&seen), buf_str(&whole)) ||
				!str_eq(buf_str(&said), buf_str(&out)))
				fail_msg("%s by %zu: %.*s", rows[i].name, piece,
					STR_ARG(buf_str(&seen)));
			buf_deinit(&seen);
			buf_deinit(&said);
		}
		buf_deinit(&whole);
		buf_deinit(&out);
	}
}

static void responses(void **state)
{
	struct buf seen = { 0 }, out = { 0 };
	struct str text;

	(void)state;
	give(STR("GET / HTTP/1.1\r\n" HOST "GET /second HTTP/1.1\r\n" HOST), 1000, &seen, &out);
	text = buf_str(&out);
	assert_true(str_starts(text, STR("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n")));
	assert_true(str_ends(text, STR("Connection: close\r\n\r\npage")));
	assert_true(str_eq(buf_str(&seen), STR("0 a.test / ? []")));
	buf_clear(&out);
	give(STR("HEAD / HTTP/1.1\r\n" HOST), 1000, &seen, &out);
	assert_true(str_ends(buf_str(&out), STR("\r\n\r\n")));
	buf_deinit(&seen);
	buf_deinit(&out);
}

static void waiting(void **state)
{
	struct httpd *h = httpd_new(1000);
	enum httpd_event_type type;

	(void)state;
	assert_int_equal(httpd_deadline(h), 1000 + HTTPD_TIMEOUT_MS);
	httpd_timeout(h); /* nobody said anything: nothing is said */
	assert_int_equal(httpd_out(h)->len, 0);
	httpd_free(h);

	h = httpd_new(0);
	buf_put(httpd_in(h),
		STR("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" HOST));
	assert_false(httpd_next(h, &type));
	assert_true(str_eq(buf_str(httpd_out(h)), STR("HTTP/1.1 100 Continue\r\n\r\n")));
	httpd_timeout(h);
	assert_int_equal(httpd_code(h), 408);
	httpd_free(h);
}

static void endless(void **state)
{
	char *line = mem_alloc(HTTPD_HEAD_MAX);
	struct buf seen = { 0 }, out = { 0 };

	(void)state;
	memset(line, 'x', HTTPD_HEAD_MAX);
	give(str_of(line, HTTPD_HEAD_MAX), 100, &seen, &out);
	assert_true(str_eq(buf_str(&seen), STR("431")));
	buf_deinit(&seen);
	buf_deinit(&out);
	free(line);
}

static void query_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
		struct buf to = { 0 };
		bool found = httpd_query(queries[i].query, STR("emailaddress"), &to);

		if (found != (queries[i].value != NULL) ||
			(found && !str_eq(buf_str(&to), str_c(queries[i].value))))
			fail_msg("%.*s: %.*s", STR_ARG(queries[i].query), STR_ARG(buf_str(&to)));
		buf_deinit(&to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(responses),
		cmocka_unit_test(waiting),
		cmocka_unit_test(endless),
		cmocka_unit_test(query_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
