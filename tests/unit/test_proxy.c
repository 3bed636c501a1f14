#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "net/proxy.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define A4  "\xc0\x00\x02\x09\x7f\x00\x00\x01\x04\x01\x00\x19"
#define A6                                                                                         \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x04\x01"     \
	"\x00\x19"

struct row {
	const char *name;
	struct str in;
	enum proxy_result result;
	const char *client; /* NULL: not told */
	unsigned port;
};

static const struct row rows[] = {
	{ "1: IPv4", STR_INIT("PROXY TCP4 192.0.2.9 127.0.0.1 1025 25\r\n"), PROXY_DONE,
		"192.0.2.9", 1025 },
	{ "1: IPv6", STR_INIT("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n"), PROXY_DONE, "2001:db8::1",
		65535 },
	{ "1: unknown", STR_INIT("PROXY UNKNOWN\r\n"), PROXY_DONE, NULL, 0 },
	{ "1: unknown with words", STR_INIT("PROXY UNKNOWN a b c d e\r\n"), PROXY_DONE, NULL, 0 },
	{ "1: families differ", STR_INIT("PROXY TCP4 ::1 127.0.0.1 1 2\r\n"), PROXY_BAD, NULL, 0 },
	{ "1: bad target", STR_INIT("PROXY TCP4 127.0.0.1 x 1 2\r\n"), PROXY_BAD, NULL, 0 },
	{ "1: no target", STR_INIT("PROXY TCP4 127.0.0.1\r\n"), PROXY_BAD, NULL, 0 },
	{ "1: two spaces", STR_INIT("PROXY TCP4  127.0.0.1 127.0.0.1 1 2\r\n"), PROXY_BAD, NULL,
		0 },
	{ "1: port too high", STR_INIT("PROXY TCP4 127.0.0.1 127.0.0.1 65536 2\r\n"), PROXY_BAD,
		NULL, 0 },
	{ "1: port with zero", STR_INIT("PROXY TCP4 127.0.0.1 127.0.0.1 025 2\r\n"), PROXY_BAD,
		NULL, 0 },
	{ "1: a word more", STR_INIT("PROXY TCP4 127.0.0.1 127.0.0.1 1 2 3\r\n"), PROXY_BAD, NULL,
		0 },
	{ "1: bare LF", STR_INIT("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\n"), PROXY_BAD, NULL, 0 },
	{ "1: lower case", STR_INIT("proxy TCP4 127.0.0.1 127.0.0.1 1 2\r\n"), PROXY_BAD, NULL, 0 },
	{ "1: no line", STR_INIT("PROXY\r\n"), PROXY_BAD, NULL, 0 },
	{ "1: unfinished", STR_INIT("PROXY TCP4 127.0.0.1 127"), PROXY_MORE, NULL, 0 },
	{ "SMTP instead", STR_INIT("EHLO x\r\n"), PROXY_BAD, NULL, 0 },
	{ "TLS instead", STR_INIT("\x16\x03\x01"), PROXY_BAD, NULL, 0 },
	{ "2: IPv4", STR_INIT(SIG "\x21\x11\x00\x0c" A4), PROXY_DONE, "192.0.2.9", 1025 },
	{ "2: IPv6", STR_INIT(SIG "\x21\x21\x00\x24" A6), PROXY_DONE, "2001:db8::1", 1025 },
	{ "2: with a TLV", STR_INIT(SIG "\x21\x11\x00\x10" A4 "\x04\x00\x01\x00"), PROXY_DONE,
		"192.0.2.9", 1025 },
	{ "2: local", STR_INIT(SIG "\x20\x11\x00\x0c" A4), PROXY_DONE, NULL, 0 },
	{ "2: local without addresses", STR_INIT(SIG "\x20\x00\x00\x00"), PROXY_DONE, NULL, 0 },
	{ "2: unspecified", STR_INIT(SIG "\x21\x00\x00\x03xyz"), PROXY_DONE, NULL, 0 },
	{ "2: IPv4 cut short", STR_INIT(SIG "\x21\x11\x00\x0b" A4), PROXY_BAD, NULL, 0 },
	{ "2: IPv6 cut short", STR_INIT(SIG "\x21\x21\x00\x23" A6), PROXY_BAD, NULL, 0 },
	{ "2: UDP", STR_INIT(SIG "\x21\x12\x00\x0c" A4), PROXY_BAD, NULL, 0 },
	{ "2: version 3", STR_INIT(SIG "\x31\x11\x00\x0c" A4), PROXY_BAD, NULL, 0 },
	{ "2: command 2", STR_INIT(SIG "\x22\x11\x00\x0c" A4), PROXY_BAD, NULL, 0 },
	{ "2: too long", STR_INIT(SIG "\x21\x11\x10\x01" A4), PROXY_BAD, NULL, 0 },
	{ "2: other signature", STR_INIT("\r\n\r\n\0\r\nQUIT\r"), PROXY_BAD, NULL, 0 },
	{ "2: unfinished", STR_INIT(SIG "\x21\x11\x00\x0c\xc0"), PROXY_MORE, NULL, 0 },
};

static bool same_client(const struct proxy *p, const struct row *row)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&p->client;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&p->client;
	bool is_v4 = v4->sin_family == AF_INET;
	char text[INET6_ADDRSTRLEN] = "";

	if (row->client == NULL)
		return !p->told;
	inet_ntop(v4->sin_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, text,
		sizeof text);
	return p->told && str_eq(str_c(text), str_c(row->client)) &&
	       ntohs(is_v4 ? v4->sin_port : v6->sin6_port) == row->port;
}

/* At once, with more behind it, and octet by octet: nothing behind the header is taken. */
static void header_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct proxy at_once = { 0 }, slow = { 0 };
		struct buf in = { 0 };
		size_t used, taken = 0;
		enum proxy_result result = PROXY_MORE;

		buf_put(&in, rows[i].in);
		if (rows[i].result == PROXY_DONE)
			buf_put(&in, STR("EHLO x\r\n"));
		if (proxy_feed(&at_once, buf_str(&in), &used) != rows[i].result ||
			!same_client(&at_once, &rows[i]))
			fail_msg("%s", rows[i].name);
		if (rows[i].result == PROXY_DONE)
			assert_int_equal(used, rows[i].in.n);
		for (size_t at = 0; at < in.len && result == PROXY_MORE; at++, taken += used)
			result = proxy_feed(&slow, str_head(str_from(buf_str(&in), at), 1), &used);
		if (result != rows[i].result || !same_client(&slow, &rows[i]))
			fail_msg("%s, slowly", rows[i].name);
		if (result == PROXY_DONE)
			assert_int_equal(taken, rows[i].in.n);
		buf_deinit(&in);
	}
}

static void lengths(void **state)
{
	struct proxy longest = { 0 }, over = { 0 }, tlvs = { 0 };
	struct buf in = { 0 };
	size_t used;

	(void)state;
	buf_put(&in, STR("PROXY UNKNOWN "));
	buf_fill(&in, 'x', PROXY_V1_MAX - 2 - in.len);
	buf_put(&in, STR("\r\n"));
	assert_int_equal(proxy_feed(&longest, buf_str(&in), &used), PROXY_DONE);
	buf_truncate(&in, in.len - 2);
	buf_put(&in, STR("x\r\n"));
	assert_int_equal(proxy_feed(&over, buf_str(&in), &used), PROXY_BAD);
	buf_clear(&in);
	buf_put(&in, STR(SIG "\x21\x11\x10\x00" A4));
	buf_fill(&in, 'x', PROXY_V2_MAX - 12);
	assert_int_equal(proxy_feed(&tlvs, buf_str(&in), &used), PROXY_DONE);
	assert_int_equal(used, 16 + PROXY_V2_MAX);
	buf_deinit(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_rows),
		cmocka_unit_test(lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
