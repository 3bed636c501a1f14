#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <time.h>

#include "mime/compose.h"
#include "mime/crlf.h"
#include "mime/date.h"
#include "mime/field.h"

static void date_is_what_strftime_says(void **state)
{
	static const int64_t days[] = { 0, 58, 59, 60, 365, 789, 790, 10956, 11016, 11017, 19782,
		20779, 47540, 47541, 47542, 146096, 146097, 2932896 };

	(void)state;
	for (int64_t day = 0, i = 0; i < 200000;
		i++, day = i < 18 ? days[i] : (i * 7919) % 2932897) {
		int64_t s = day * 86400 + (i * 12347) % 86400;
		time_t t = (time_t)s;
		struct buf got = { 0 };
		char want[64];
		struct tm tm;
		size_t n;

		gmtime_r(&t, &tm);
		n = strftime(want, sizeof want, "%a, %-d %b %Y %H:%M:%S +0000", &tm);
		date_put(&got, s * 1000 + 999);
		assert_true(str_eq(buf_str(&got), str_of(want, n)));
		buf_deinit(&got);
	}
}

static void odd_dates(void **state)
{
	struct buf got = { 0 };

	(void)state;
	date_put(&got, -1);
	date_put(&got, INT64_MAX);
	assert_true(str_eq(buf_str(&got),
		STR("Thu, 1 Jan 1970 00:00:00 +0000Fri, 31 Dec 9999 23:59:59 +0000")));
	buf_deinit(&got);
}

/* want: [name|body] for each field, then what is left. */
static const struct {
	const char *name;
	struct str in, want;
} headers[] = {
	{ "two", STR_INIT("A: 1\r\nB:2\r\n\r\nbody"), STR_INIT("[A| 1][B|2]\r\nbody") },
	{ "folded", STR_INIT("A: 1\r\n 2\r\n\t3\r\nB: 4\r\n"),
		STR_INIT("[A| 1\r\n 2\r\n\t3][B| 4]") },
	{ "blank first", STR_INIT("\r\nA: 1\r\n"), STR_INIT("\r\nA: 1\r\n") },
	{ "no header", STR_INIT("hello there\r\nA: 1\r\n"), STR_INIT("hello there\r\nA: 1\r\n") },
	{ "body unannounced", STR_INIT("A: 1\r\nhello\r\nB: 2\r\n"),
		STR_INIT("[A| 1]hello\r\nB: 2\r\n") },
	{ "blank before colon", STR_INIT("A \t: 1\r\n\r\n"), STR_INIT("[A| 1]\r\n") },
	{ "no name", STR_INIT(": 1\r\n"), STR_INIT(": 1\r\n") },
	{ "folded first", STR_INIT(" A: 1\r\n"), STR_INIT(" A: 1\r\n") },
	{ "empty body", STR_INIT("A:\r\n\r\n"), STR_INIT("[A|]\r\n") },
	{ "no CRLF at the end", STR_INIT("A: 1\r\nB: 2"), STR_INIT("[A| 1][B| 2]") },
	{ "8-bit name", STR_INIT("A\xc3\xa4: 1\r\n"), STR_INIT("A\xc3\xa4: 1\r\n") },
	{ "NUL in the body", STR_INIT("A: \0\r\n\r\n"), STR_INIT("[A| \0]\r\n") },
	{ "empty", STR_INIT(""), STR_INIT("") },
};

static void header_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		struct str rest = headers[i].in;
		struct header_search search = { 0 };
		struct buf got = { 0 };
		struct field f;
		size_t length = 0, n = 0;

		while (field_cut(&rest, &f)) {
			buf_putc(&got, '[');
			buf_put(&got, f.name);
			buf_putc(&got, '|');
			buf_put(&got, f.body);
			buf_putc(&got, ']');
		}
		buf_put(&got, rest);
		if (!str_eq(buf_str(&got), headers[i].want))
			fail_msg("%s: %.*s", headers[i].name, STR_ARG(buf_str(&got)));
		buf_deinit(&got);
		/* Found in pieces, the section is as long as the fields were. */
		while (!header_search(
			&search, str_head(headers[i].in, n), n == headers[i].in.n, &length))
			n++;
		if (length != headers[i].in.n - rest.n)
			fail_msg("%s: section of %zu octets", headers[i].name, length);
	}
}

static const struct {
	const char *name;
	struct str in, want;
} submissions[] = {
	{ "complete", STR_INIT("Date: x\r\nmessage-id: y\r\nX: 1\r\n\r\nhi\r\n"),
		STR_INIT("Date: x\r\nmessage-id: y\r\nX: 1\r\n\r\nhi\r\n") },
	{ "no id", STR_INIT("Date: x\r\n\r\nhi\r\n"),
		STR_INIT("Message-ID: <00000000000000000000000000@h.example>\r\nDate: "
			 "x\r\n\r\nhi\r\n") },
	{ "no date", STR_INIT("Message-ID: y\r\n\r\n"),
		STR_INIT("Date: Thu, 1 Jan 1970 00:00:01 +0000\r\nMessage-ID: y\r\n\r\n") },
	{ "Bcc",
		STR_INIT(
			"Date: x\r\nBCC: a,\r\n b\r\nMessage-ID: y\r\nbcc: c\r\n\r\nBcc: body\r\n"),
		STR_INIT("Date: x\r\nMessage-ID: y\r\n\r\nBcc: body\r\n") },
	{ "only Bcc", STR_INIT("Bcc : a\r\n\r\nhi\r\n"),
		STR_INIT("Date: Thu, 1 Jan 1970 00:00:01 +0000\r\nMessage-ID: "
			 "<00000000000000000000000000@h.example>\r\n\r\nhi\r\n") },
	{ "no header", STR_INIT("hi\r\n"),
		STR_INIT("Date: Thu, 1 Jan 1970 00:00:01 +0000\r\nMessage-ID: "
			 "<00000000000000000000000000@h.example>\r\n\r\nhi\r\n") },
	{ "blank first", STR_INIT("\r\nhi\r\n"),
		STR_INIT("Date: Thu, 1 Jan 1970 00:00:01 +0000\r\nMessage-ID: "
			 "<00000000000000000000000000@h.example>\r\n\r\nhi\r\n") },
	{ "nothing", STR_INIT(""),
		STR_INIT("Date: Thu, 1 Jan 1970 00:00:01 +0000\r\nMessage-ID: "
			 "<00000000000000000000000000@h.example>\r\n") },
	{ "odd blanks stay", STR_INIT("Date:x\r\nMessage-ID:\r\n  y \r\nX :  \t\r\n \r\n\r\n"),
		STR_INIT("Date:x\r\nMessage-ID:\r\n  y \r\nX :  \t\r\n \r\n\r\n") },
	{ "Date in another's name", STR_INIT("Resent-Date: x\r\nMessage-ID: y\r\n\r\n"),
		STR_INIT("Date: Thu, 1 Jan 1970 00:00:01 +0000\r\nResent-Date: x\r\nMessage-ID: "
			 "y\r\n\r\n") },
};

static size_t header_end(struct str s)
{
	struct header_search search = { 0 };

	return compose_header_end(s, &search);
}

/* However the message is cut into a first piece and a rest, the result is the same. */
static void submission_rows(void **state)
{
	static const struct compose_fix fix = { .hostname = STR_INIT("h.example"),
		.wall_ms = 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof submissions / sizeof *submissions; i++) {
		struct header_search search = { 0 };

		for (size_t n = 0; n <= submissions[i].in.n; n++) {
			struct str in = submissions[i].in;
			size_t end = compose_header_end(str_head(in, n), &search);
			struct buf got = { 0 };

			assert_true(end <= n);
			assert_int_equal(end, header_end(str_head(in, n)));
			if (end == 0)
				end = in.n;
			compose_fix_header(&got, str_head(in, end), &fix);
			buf_put(&got, str_from(in, end));
			if (!str_eq(buf_str(&got), submissions[i].want))
				fail_msg("%s, %zu: %.*s", submissions[i].name, n,
					STR_ARG(buf_str(&got)));
			buf_deinit(&got);
		}
	}
}

static void long_text_without_header_is_known_at_once(void **state)
{
	(void)state;
	assert_int_equal(header_end(STR("hello there")), 11);
	assert_int_equal(header_end(STR("Subject")), 0);
	assert_int_equal(header_end(STR("\r")), 0);
	assert_int_equal(header_end(STR("A: 1\r\nB")), 0);
	assert_int_equal(header_end(STR("A: 1\r\n")), 0);
	assert_int_equal(header_end(STR("A: 1\r\n\r\n")), 8);
	assert_int_equal(header_end(STR("A: 1\r\nhello there")), 6);
}

static void received_full(void **state)
{
	struct compose_trace t = {
		.helo = STR("client.example.net"),
		.client = STR("2001:db8::1"),
		.by = STR("mx.example.org"),
		.with = STR("ESMTPS"),
		.id = STR("01ABC"),
		.tls_version = STR("TLSv1.3"),
		.tls_cipher = STR("TLS_AES_256_GCM_SHA384"),
		.recipient = STR("joe@example.org"),
		.wall_ms = 0,
	};
	struct buf got = { 0 };

	(void)state;
	compose_received(&got, &t);
	assert_true(str_eq(buf_str(&got),
		STR("Received: from client.example.net ([IPv6:2001:db8::1])\r\n"
		    "\tby mx.example.org with ESMTPS id 01ABC\r\n"
		    "\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
		    "\tfor <joe@example.org>;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n")));
	buf_deinit(&got);
}

static void peers_words_are_harmless(void **state)
{
	struct compose_trace t = {
		.helo = STR("a b(c)\\\"<x>\r\nBcc: e\xc3\xa4\0"),
		.client = STR("192.0.2.1"),
		.by = STR("mx"),
		.with = STR("SMTP"),
		.id = STR("1"),
		.recipient = STR("x\r\ny\0@z"),
	};
	struct buf got = { 0 };

	(void)state;
	compose_received(&got, &t);
	assert_true(str_eq(
		buf_str(&got), STR("Received: from a?b?c????x???Bcc:?e??? ([192.0.2.1])\r\n\tby mx "
				   "with SMTP id 1\r\n"
				   "\tfor <x??y?@z>;\r\n\tThu, 1 Jan 1970 00:00:00 +0000\r\n")));
	buf_clear(&got);
	compose_return_path(&got, STR("a\r\nX: y@b"));
	assert_true(str_eq(buf_str(&got), STR("Return-Path: <a??X: y@b>\r\n")));
	buf_clear(&got);
	compose_return_path(&got, STR(""));
	assert_true(str_eq(buf_str(&got), STR("Return-Path: <>\r\n")));
	buf_deinit(&got);
}

static void return_path_goes_no_further(void **state)
{
	static const struct {
		struct str s;
		size_t n;
	} rows[] = {
		{ STR_INIT("Return-Path: <a@b>\r\nReceived: x\r\n"), 20 },
		{ STR_INIT("return-path:\r\n <>\r\nA: b\r\n"), 19 },
		{ STR_INIT("Received: x\r\nReturn-Path: <a@b>\r\n"), 0 },
		{ STR_INIT("Return-Path: <a@b>"), 0 },
		{ STR_INIT("\r\nReturn-Path: <a@b>\r\n"), 0 },
		{ STR_INIT(""), 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(compose_return_path_length(rows[i].s), rows[i].n);
}

/* Whole, and cut at any octet. */
static void line_ends(void **state)
{
	static const struct {
		struct str in, out;
	} rows[] = {
		{ STR_INIT("a\r\nb\r\n"), STR_INIT("a\r\nb\r\n") },
		{ STR_INIT("a\nb"), STR_INIT("a\r\nb\r\n") },
		{ STR_INIT("a\rb\r"), STR_INIT("a\r\nb\r\n") },
		{ STR_INIT("\n\n\r\r\n\n\r"), STR_INIT("\r\n\r\n\r\n\r\n\r\n\r\n") },
		{ STR_INIT("\0\n.\n\xff"), STR_INIT("\0\r\n.\r\n\xff\r\n") },
		{ STR_INIT(""), STR_INIT("") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t cut = 0; cut <= rows[i].in.n; cut++) {
			struct crlf c = { .cr = false };
			struct buf got = { 0 };

			crlf_put(&c, str_head(rows[i].in, cut), &got);
			crlf_put(&c, str_from(rows[i].in, cut), &got);
			crlf_end(&c, &got);
			assert_true(str_eq(buf_str(&got), rows[i].out));
			buf_deinit(&got);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_ends),
		cmocka_unit_test(date_is_what_strftime_says),
		cmocka_unit_test(odd_dates),
		cmocka_unit_test(header_rows),
		cmocka_unit_test(return_path_goes_no_further),
		cmocka_unit_test(submission_rows),
		cmocka_unit_test(long_text_without_header_is_known_at_once),
		cmocka_unit_test(received_full),
		cmocka_unit_test(peers_words_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
