#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "mime/downgrade.h"
#include "mime/field.h"

#define NOBODY "<invalid@internationalized-address.invalid>"

static void fields(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str in, out;
	} rows[] = {
		{ "ASCII stays, folds and all", STR_INIT("To:  a@b,\r\n\t c@d (x)\r\n"), STR_INIT("To:  a@b,\r\n\t c@d (x)\r\n") },
		{ "Subject", STR_INIT("Subject: gr\xc3\xbc\xc3\x9f\r\n"), STR_INIT("Subject: =?UTF-8?B?Z3LDvMOf?=\r\n") },
		{ "Subject folded", STR_INIT("subject: a\r\n \xc3\xbc\r\n"), STR_INIT("subject: =?UTF-8?B?YSDDvA==?=\r\n") },
		{ "Subject in another charset", STR_INIT("Subject: \xfc\r\n"), STR_INIT("Subject: =?unknown-8bit?B?/A==?=\r\n") },
		{ "Subject longer than a word, cut between characters",
			STR_INIT("Subject: 01234567890123456789012345678901234567\xc3\xbc!\r\n"),
			STR_INIT("Subject: =?UTF-8?B?MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc=?=\r\n =?UTF-8?B?w7wh?=\r\n") },
		{ "only the name", STR_INIT("From: \"M\xc3\xbcller, H.\" <m@x.test>\r\n"),
			STR_INIT("From: =?UTF-8?B?TcO8bGxlciwgSC4=?=\r\n <m@x.test>\r\n") },
		{ "the address", STR_INIT("From: Fred <fr\xc3\xa9" "d@x.test>\r\n"),
			STR_INIT("From: =?UTF-8?B?RnJlZCBmcsOpZEB4LnRlc3Q=?=\r\n " NOBODY "\r\n") },
		{ "the bare address", STR_INIT("Reply-To: fr\xc3\xa9" "d@x.test\r\n"),
			STR_INIT("Reply-To: =?UTF-8?B?ZnLDqWRAeC50ZXN0?=\r\n " NOBODY "\r\n") },
		{ "a comment", STR_INIT("Sender: f@x.test (Fr\xc3\xa9" "d)\r\n"),
			STR_INIT("Sender: =?UTF-8?B?RnLDqWQ=?=\r\n <f@x.test>\r\n") },
		{ "others in the list stay", STR_INIT("To: a@b,\r\n \xc3\xbc <u@x>,\r\n c@d\r\n"),
			STR_INIT("To: a@b,\r\n =?UTF-8?B?w7w=?=\r\n <u@x>,\r\n c@d\r\n") },
		{ "a group", STR_INIT("Cc: gr\xc3\xbcn: a@b, c@d;\r\n"), STR_INIT("Cc: =?UTF-8?B?Z3LDvG4=?=:\r\n a@b,\r\n c@d;\r\n") },
		{ "a fold before a comma", STR_INIT("To: a@b\r\n , \xc3\xbc <u@x>\r\n"),
			STR_INIT("To: a@b,\r\n =?UTF-8?B?w7w=?=\r\n <u@x>\r\n") },
		{ "Return-Path is a path", STR_INIT("Return-Path: <\xc3\xbc@x>\r\n"), STR_INIT("Return-Path: " NOBODY "\r\n") },
		{ "a parameter goes", STR_INIT("Content-Disposition: attachment; filename=\"\xc3\xbc;.txt\"; size=3\r\n"),
			STR_INIT("Content-Disposition: attachment;\r\n size=3\r\n") },
		{ "a type goes", STR_INIT("Content-Type: t\xc3\xbcxt/plain; charset=utf-8\r\n"), STR_INIT("") },
		{ "another field goes", STR_INIT("X-Note: \xc3\xbc\r\n"), STR_INIT("") },
		{ "a bare LF at the end", STR_INIT("To: \xc3\xbc@x, a@b\n"),
			STR_INIT("To: =?UTF-8?B?w7xAeA==?=\r\n " NOBODY ",\r\n a@b\r\n") },
		{ "nothing but a quote", STR_INIT("To: \"\xc3\xbc\r\n"), STR_INIT("To: =?UTF-8?B?IsO8?=\r\n " NOBODY "\r\n") },
	};
	/* clang-format on */
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = { 0 };

		downgrade_field(rows[i].in, &out);
		if (!str_eq(buf_str(&out), rows[i].out)) {
			print_error("%s: got <%.*s>\n", rows[i].name, STR_ARG(buf_str(&out)));
			failed++;
		}
		buf_deinit(&out);
	}
	assert_int_equal(failed, 0);
}

static void names_of_files_go_on(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name;
		struct str in, out;
	} rows[] = {
		{ "quoted", STR_INIT("Content-Disposition: attachment; filename=\"\xc3\xbc; 1.txt\"; size=3\r\n"),
			STR_INIT("Content-Disposition: attachment;\r\n filename*=UTF-8''%C3%BC%3B%201.txt;\r\n size=3\r\n") },
		{ "not UTF-8", STR_INIT("Content-Type: text/plain; name=\xfc.txt\r\n"),
			STR_INIT("Content-Type: text/plain;\r\n name*=unknown-8bit''%FC.txt\r\n") },
		{ "said twice", STR_INIT("Content-Disposition: inline; filename=\"\xc3\xbc\"; filename*=UTF-8''%C3%BC\r\n"),
			STR_INIT("Content-Disposition: inline;\r\n filename*=UTF-8''%C3%BC\r\n") },
		{ "raw octets in what is extended", STR_INIT("Content-Disposition: inline; filename*=\xc3\xbc\r\n"),
			STR_INIT("Content-Disposition: inline\r\n") },
		{ "no parameter", STR_INIT("Content-Disposition: inline; \xc3\xbc\r\n"), STR_INIT("Content-Disposition: inline\r\n") },
		{ "longer than a line, not cut inside of an octet",
			STR_INIT("Content-Type: a/b; name=\"0123456789012345678901234567890123456789012345678901\xc3\xbc\xc3\xbc.txt\"\r\n"),
			STR_INIT("Content-Type: a/b;\r\n name*0*=UTF-8''0123456789012345678901234567890123456789012345678901"
				";\r\n name*1*=%C3%BC%C3%BC.txt\r\n") },
		{ "other fields as for clients", STR_INIT("X-Note: \xc3\xbc\r\n"), STR_INIT("") },
	};
	/* clang-format on */
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = { 0 };

		downgrade_field_onward(rows[i].in, &out);
		if (!str_eq(buf_str(&out), rows[i].out)) {
			print_error("%s: got <%.*s>\n", rows[i].name, STR_ARG(buf_str(&out)));
			failed++;
		}
		buf_deinit(&out);
	}
	assert_int_equal(failed, 0);
}

static void feed(struct str message, size_t piece, struct buf *out)
{
	struct downgrade d = { .in_body = false };
	struct str rest = message;

	do {
		struct str head = str_head(rest, piece);

		rest = str_from(rest, head.n);
		downgrade_feed(&d, head, rest.n == 0, out);
	} while (rest.n > 0);
	downgrade_deinit(&d);
}

static void the_body_stays(void **state)
{
	static const struct str message = STR_INIT(
		"X: \xc3\xbc\r\nSubject: \xc3\xbc\r\nA: b\r\n\r\nSubject: \xc3\xbc\r\n\xff\0.\r\n");
	static const struct str want = STR_INIT("Subject: =?UTF-8?B?w7w=?=\r\nA: b\r\n\r\nSubject: "
						"\xc3\xbc\r\n\xff\0.\r\n");

	(void)state;
	for (size_t piece = 1; piece <= message.n; piece++) {
		struct buf out = { 0 };

		feed(message, piece, &out);
		assert_true(str_eq(buf_str(&out), want));
		buf_deinit(&out);
	}
}

static void an_overlong_field_is_masked(void **state)
{
	struct buf message = { 0 }, out = { 0 }, again = { 0 };

	(void)state;
	buf_put(&message, STR("To: "));
	for (int i = 0; i < 10000; i++)
		buf_put(&message, STR("\xc3\xbc@x.test,\r\n "));
	buf_put(&message, STR("z@x\r\nSubject: \xc3\xbc\r\n\r\n\xc3"));
	feed(buf_str(&message), 1000, &out);
	assert_int_equal(out.len, message.len + 14); /* the encoded word is longer by so much */
	assert_true(str_starts(buf_str(&out), STR("To: ??@x.test,\r\n ??@x.test")));
	assert_true(str_ends(buf_str(&out), STR("z@x\r\nSubject: =?UTF-8?B?w7w=?=\r\n\r\n\xc3")));
	feed(buf_str(&message), 1, &again);
	assert_true(str_eq(buf_str(&out), buf_str(&again)));
	buf_deinit(&message);
	buf_deinit(&out);
	buf_deinit(&again);
}

static bool has_empty_line(struct str s)
{
	while (s.n > 0) {
		struct str line = str_cut(&s, '\n');

		if (str_trim(line).n == 0 || str_eq(str_trim(line), STR("\r")))
			return true;
	}
	return false;
}

/* Whatever the header is: ASCII comes out, no line is empty, and cuts do not matter. */
static void anything_becomes_ascii(void **state)
{
	static const struct str parts[] = { STR_INIT("To:"), STR_INIT("From: "),
		STR_INIT("Subject:"), STR_INIT("Content-Type: a/b"), STR_INIT("X:"),
		STR_INIT("\r\n"), STR_INIT("\r\n "), STR_INIT(","), STR_INIT(";"), STR_INIT(":"),
		STR_INIT("\""), STR_INIT("("), STR_INIT(")"), STR_INIT("<"), STR_INIT(">"),
		STR_INIT("\\"), STR_INIT(" "), STR_INIT("a@b"), STR_INIT("\xc3\xbc"),
		STR_INIT("\xfc"), STR_INIT("\xe4\xb8\xad"), STR_INIT("x=\xc3\xbc") };
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct buf message = { 0 }, whole = { 0 }, cut = { 0 };
		struct str header;

		buf_put(&message, parts[round % 4]);
		for (int i = 0; i < 12; i++) {
			seed = seed * 1103515245u + 12345u;
			buf_put(&message, parts[(seed >> 16) % (sizeof parts / sizeof *parts)]);
		}
		buf_put(&message, STR("x\r\nTo: \xc3\xbc@z\r\n"));
		feed(buf_str(&message), message.len, &whole);
		feed(buf_str(&message), 1 + seed % 7, &cut);
		assert_true(str_eq(buf_str(&whole), buf_str(&cut)));
		/* What of it is header: a line without a name ends the section. */
		header = buf_str(&message);
		for (struct field f; field_cut(&header, &f);)
			continue;
		if (header.n == 0) {
			assert_true(str_ascii(buf_str(&whole)));
			if (!has_empty_line(buf_str(&message)))
				assert_false(has_empty_line(buf_str(&whole)));
		} else {
			assert_true(str_ends(buf_str(&whole), header));
			assert_true(str_ascii(str_head(buf_str(&whole), whole.len - header.n)));
		}
		buf_deinit(&message);
		buf_deinit(&whole);
		buf_deinit(&cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(names_of_files_go_on),
		cmocka_unit_test(the_body_stays),
		cmocka_unit_test(an_overlong_field_is_masked),
		cmocka_unit_test(anything_becomes_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
