/* Reading mail: encoded words, parameters, transfer encodings, parts, text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "mime/charset.h"
#include "mime/html_text.h"
#include "mime/param.h"
#include "mime/text.h"
#include "mime/word.h"

static void same(const struct buf *got, struct str want)
{
	if (!str_eq(buf_str(got), want))
		print_error("got  '%.*s'\nwant '%.*s'\n", STR_ARG(buf_str(got)), STR_ARG(want));
	assert_true(str_eq(buf_str(got), want));
}

static void words(void **state)
{
	static const struct {
		struct str body, want;
	} rows[] = {
		{ STR_INIT(" plain\r\n"), STR_INIT("plain") },
		{ STR_INIT("=?UTF-8?B?R3LDvMOfZQ==?="), STR_INIT("Gr\u00fc\u00dfe") },
		{ STR_INIT("=?iso-8859-1?Q?a=E4_b?= <x@y.z>"), STR_INIT("a\u00e4 b <x@y.z>") },
		{ STR_INIT("=?utf-8*de?q?x?="), STR_INIT("x") },
		/* RFC 2047 8: blanks between words go, others stay */
		{ STR_INIT("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)"), STR_INIT("(ab)") },
		{ STR_INIT("=?ISO-8859-1?Q?a?= b"), STR_INIT("a b") },
		{ STR_INIT("=?ISO-8859-1?Q?a?=\r\n    =?utf-8?Q?b?="), STR_INIT("ab") },
		{ STR_INIT("=?ISO-8859-1?Q?a_?= =?ISO-8859-1?Q?b?="), STR_INIT("a b") },
		/* a character cut in two */
		{ STR_INIT("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?="), STR_INIT("\u00fc") },
		{ STR_INIT("=?gb2312?B?1tDOxA==?="), STR_INIT("\u4e2d\u6587") },
		{ STR_INIT("=?x-never?Q?=C3=BC?="), STR_INIT("\u00fc") },
		{ STR_INIT("=?x-never?Q?=FC?="), STR_INIT("\u00fc") },
		{ STR_INIT("=?utf-8?Q?a b?="), STR_INIT("a b") },
		/* none */
		{ STR_INIT("=?utf-8?X?a?="), STR_INIT("=?utf-8?X?a?=") },
		{ STR_INIT("=?utf-8?Q?a"), STR_INIT("=?utf-8?Q?a") },
		{ STR_INIT("=?=?=?"), STR_INIT("=?=?=?") },
		{ STR_INIT("=??Q?a?="), STR_INIT("=??Q?a?=") },
		{ STR_INIT("raw \xc3\xbc"), STR_INIT("raw \u00fc") },
		{ STR_INIT("raw \xfc"), STR_INIT("raw \u00fc") },
		{ STR_INIT("a\r\n b"), STR_INIT("a b") },
		{ STR_INIT(""), STR_INIT("") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = { 0 };

		word_decode(rows[i].body, &out);
		same(&out, rows[i].want);
		buf_deinit(&out);
	}
}

static void params(void **state)
{
	static const struct {
		struct str body, name, want;
		bool there;
	} rows[] = {
		{ STR_INIT("text/plain; charset=us-ascii (Plain)"), STR_INIT("charset"),
			STR_INIT("us-ascii"), true },
		{ STR_INIT("x; a=\"b;c\\\"d\" ; e = f"), STR_INIT("a"), STR_INIT("b;c\"d"), true },
		{ STR_INIT("x; a=\"b;c\" ; e = f"), STR_INIT("e"), STR_INIT("f"), true },
		{ STR_INIT("x; A=1"), STR_INIT("a"), STR_INIT("1"), true },
		{ STR_INIT("x; ab=1"), STR_INIT("a"), STR_INIT(""), false },
		{ STR_INIT("x"), STR_INIT("x"), STR_INIT(""), false },
		/* RFC 2231 3 and 4.1 */
		{ STR_INIT("message/external-body; access-type=URL; URL*0=\"ftp://\"; "
			   "URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\""),
			STR_INIT("url"),
			STR_INIT("ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"), true },
		{ STR_INIT("application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; "
			   "title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\""),
			STR_INIT("title"), STR_INIT("This is even more ***fun*** isn't it!"),
			true },
		{ STR_INIT("attachment; filename=\"EURO.txt\"; filename*=UTF-8''%e2%82%ac.txt"),
			STR_INIT("filename"), STR_INIT("\u20ac.txt"), true },
		{ STR_INIT("attachment; filename*=UTF-8''%e2%82%ac.txt; filename=\"EURO.txt\""),
			STR_INIT("filename"), STR_INIT("\u20ac.txt"), true },
		{ STR_INIT("x; f*1=b; f*0=a; f*3=d"), STR_INIT("f"), STR_INIT("ab"), true },
		{ STR_INIT("x; f*64=b"), STR_INIT("f"), STR_INIT(""), false },
		{ STR_INIT("attachment; filename=\"=?utf-8?Q?=C3=BC?=.txt\""), STR_INIT("filename"),
			STR_INIT("\u00fc.txt"), true },
		{ STR_INIT("attachment; filename=my file.txt"), STR_INIT("filename"),
			STR_INIT("my file.txt"), true },
		{ STR_INIT("x; f*=a%20b"), STR_INIT("f"), STR_INIT("a b"), true },
		{ STR_INIT("x; f=a\r\n ; g=b"), STR_INIT("f"), STR_INIT("a"), true },
		{ STR_INIT("x; f=a\r\n b ;g=b"), STR_INIT("f"), STR_INIT("a b"), true },
		{ STR_INIT("x; f*=utf-8''%zz%4"), STR_INIT("f"), STR_INIT("%zz%4"), true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = { 0 };

		assert_int_equal(param_get(rows[i].body, rows[i].name, &out), rows[i].there);
		same(&out, rows[i].want);
		buf_deinit(&out);
	}
}

static void transfers(void **state)
{
	static const struct {
		enum transfer_encoding encoding;
		struct str in, want;
	} rows[] = {
		{ TRANSFER_BASE64, STR_INIT("QQ=="), STR_INIT("A") },
		{ TRANSFER_BASE64, STR_INIT("QUI="), STR_INIT("AB") },
		{ TRANSFER_BASE64, STR_INIT("QU\r\nJD!*"), STR_INIT("ABC") },
		{ TRANSFER_BASE64, STR_INIT("QQ==QUI="), STR_INIT("AAB") },
		{ TRANSFER_BASE64, STR_INIT("AP/+"), STR_INIT("\0\xff\xfe") },
		{ TRANSFER_QUOTED, STR_INIT("a=3Db"), STR_INIT("a=b") },
		{ TRANSFER_QUOTED, STR_INIT("a=\r\nb"), STR_INIT("ab") },
		{ TRANSFER_QUOTED, STR_INIT("a= \t\r\nb"), STR_INIT("ab") },
		{ TRANSFER_QUOTED, STR_INIT("a  \r\nb \r\n"), STR_INIT("a\r\nb\r\n") },
		{ TRANSFER_QUOTED, STR_INIT("a =\r\nb"), STR_INIT("a b") },
		{ TRANSFER_QUOTED, STR_INIT("=e4=E4"), STR_INIT("\xe4\xe4") },
		{ TRANSFER_QUOTED, STR_INIT("=4\r\n"), STR_INIT("=4\r\n") },
		{ TRANSFER_QUOTED, STR_INIT("=zz=4=41"), STR_INIT("=zz=4A") },
		{ TRANSFER_QUOTED, STR_INIT("a_b="), STR_INIT("a_b") },
		{ TRANSFER_Q, STR_INIT("a_b "), STR_INIT("a b ") },
		{ TRANSFER_PLAIN, STR_INIT("=41 \r\n"), STR_INIT("=41 \r\n") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t cut = 0; cut <= rows[i].in.n; cut++) {
			struct transfer t = { .encoding = rows[i].encoding };
			struct buf out = { 0 };

			transfer_decode(&t, str_head(rows[i].in, cut), &out);
			transfer_decode(&t, str_from(rows[i].in, cut), &out);
			transfer_end(&t, &out);
			same(&out, rows[i].want);
			buf_deinit(&out);
		}
}

static const struct str mixed = STR_INIT(
	"From: a@b.c\r\n"
	"Content-Type: multipart/mixed; boundary=\"out er\"\r\n\r\n"
	"preamble\r\n--out er\r\n"
	"Content-Type: multipart/alternative; boundary=in\r\n\r\n"
	"--in\r\n\r\nplain text\r\n"
	"--in\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>html text\r\n--in--\r\n"
	"epilogue of in\r\n--out er  \r\n"
	"Content-Type: application/pdf; name=\"../../.x/re port.pdf\"\r\n"
	"Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n"
	"--out er\r\nContent-Type: message/rfc822\r\n\r\n"
	"Subject: =?utf-8?q?inn=C3=A9r?=\r\n\r\ninner body\r\n.\r\n--out er--\r\nepilogue\r\n");

/* Names of messages that nobody named. */
static void names_of_messages(void **state)
{
	static const struct {
		const char *subject;
		struct str name;
	} rows[] = {
		{ "Subject: a/b\\c: d", STR_INIT("a_b_c: d.eml") },
		{ "Subject: ../.. -x", STR_INIT("_.. -x.eml") },
		{ "Subject: ...", STR_INIT("message.eml") },
		{ "Subject: =?utf-8?q?a=00=0Ab=2Fc?=", STR_INIT("a? b_c.eml") },
		{ "From: x@y", STR_INIT("message.eml") },
	};
	struct buf text = { 0 }, name = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mime_tree t;

		buf_clear(&text);
		buf_clear(&name);
		buf_printf(&text, "Content-Type: message/rfc822\r\n\r\n%s\r\n\r\nx\r\n",
			rows[i].subject);
		mime_tree_parse(&t, buf_str(&text));
		mime_file_name(&t, 0, &name);
		same(&name, rows[i].name);
		mime_tree_free(&t);
	}
	buf_deinit(&text);
	buf_deinit(&name);
}

static void parts(void **state)
{
	static const struct {
		const char *type;
		int parent;
		struct str body;
	} rows[] = {
		{ "multipart/mixed", -1, STR_INIT("") },
		{ "multipart/alternative", 0, STR_INIT("") },
		{ "text/plain", 1, STR_INIT("plain text") },
		{ "text/html", 1, STR_INIT("<p>html text") },
		{ "application/pdf", 0, STR_INIT("QUJD") },
		{ "message/rfc822", 0, STR_INIT("") },
		{ "text/plain", 5, STR_INIT("inner body\r\n.") },
	};
	struct mime_tree t;
	struct buf out = { 0 };

	(void)state;
	mime_tree_parse(&t, mixed);
	assert_int_equal(t.count, sizeof rows / sizeof *rows);
	assert_false(t.cut);
	for (size_t i = 0; i < t.count; i++) {
		assert_string_equal(t.parts[i].type, rows[i].type);
		assert_int_equal(t.parts[i].parent, rows[i].parent);
		if (!t.parts[i].container)
			assert_true(str_eq(t.parts[i].body, rows[i].body));
		assert_int_equal(t.parts[i].container, rows[i].body.n == 0);
	}
	assert_true(mime_filename(&t.parts[4], &out));
	same(&out, STR("re port.pdf"));
	buf_clear(&out);
	assert_false(mime_filename(&t.parts[2], &out));
	for (size_t i = 0; i < t.count; i++)
		assert_int_equal(mime_is_file(&t.parts[i]), i == 4 || i == 5);
	mime_file_name(&t, 5, &out);
	same(&out, STR("innér.eml"));
	buf_clear(&out);
	mime_body(&t.parts[5], &out);
	same(&out, STR("Subject: =?utf-8?q?inn=C3=A9r?=\r\n\r\ninner body\r\n."));
	buf_clear(&out);
	mime_decode(&t.parts[4], &out);
	same(&out, STR("ABC"));
	buf_clear(&out);
	mime_text(&t, &out);
	same(&out, STR("plain text\n\n[attachment re port.pdf, application/pdf]\n\n"
		       "Subject: inn\u00e9r\n\ninner body\n.\n"));
	buf_deinit(&out);
	mime_tree_free(&t);
}

/* No boundary, none closed, one of an outer part inside, nothing at all. */
static void broken_parts(void **state)
{
	static const struct {
		struct str message;
		size_t count;
		struct str text;
	} rows[] = {
		{ STR_INIT(""), 1, STR_INIT("") },
		{ STR_INIT("no header\r\n"), 1, STR_INIT("no header\n") },
		{ STR_INIT("Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\na"), 1,
			STR_INIT("[attachment, multipart/mixed]\n") },
		{ STR_INIT("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\na"), 2,
			STR_INIT("a\n") },
		{ STR_INIT("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x--\r\n\r\na"), 1,
			STR_INIT("") },
		{ STR_INIT("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
			   "Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\na\r\n"
			   "--x\r\n\r\nb\r\n--y\r\nc"),
			4, STR_INIT("a\n\nb\n--y\nc\n") },
		/* a boundary with a colon is no field */
		{ STR_INIT("Content-Type: multipart/mixed; boundary=\"x:y\"\r\n\r\n--x:y\r\nTo: "
			   "b\r\n--x:y\r\n\r\na"),
			3, STR_INIT("a\n") },
		/* nor is it text: a blank at the front, what looks like an encoded word */
		{ STR_INIT("Content-Type: multipart/mixed; boundary=\" =?utf-8?q?x?=\"\r\n\r\n-- "
			   "=?utf-8?q?x?=\r\n\r\na"),
			2, STR_INIT("a\n") },
		{ STR_INIT("Content-Type: multipart/\r\n\r\na"), 1,
			STR_INIT("[attachment, application/octet-stream]\n") },
		{ STR_INIT("Content-Transfer-Encoding: (c) base64\r\n \r\n\r\nQQ=="), 1,
			STR_INIT("A\n") },
		{ STR_INIT("Content-Type: text\r\n\r\na"), 1, STR_INIT("a\n") },
		{ STR_INIT("Content-Type: text/html\r\n\r\n\x1b[2Ja\xe2\x80\xae<b"), 1,
			STR_INIT("?[2Ja?<b\n") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mime_tree t;
		struct buf out = { 0 };

		mime_tree_parse(&t, rows[i].message);
		assert_int_equal(t.count, rows[i].count);
		mime_text(&t, &out);
		same(&out, rows[i].text);
		buf_deinit(&out);
		mime_tree_free(&t);
	}
}

static void limits(void **state)
{
	struct buf deep = { 0 }, wide = { 0 };
	struct mime_tree t;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_printf(&deep, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i,
			i);
	mime_tree_parse(&t, buf_str(&deep));
	assert_int_equal(t.count, MIME_DEPTH_MAX + 1);
	assert_true(t.cut);
	mime_tree_free(&t);
	buf_clear(&deep);
	for (int i = 0; i < 100000; i++)
		buf_put(&deep, STR("Content-Type: message/rfc822\r\n\r\n"));
	mime_tree_parse(&t, buf_str(&deep));
	assert_int_equal(t.count, MIME_DEPTH_MAX + 1);
	mime_tree_free(&t);
	buf_put(&wide, STR("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
	for (int i = 0; i < 100000; i++)
		buf_put(&wide, STR("--b\r\n\r\nx\r\n"));
	mime_tree_parse(&t, buf_str(&wide));
	assert_int_equal(t.count, MIME_PARTS_MAX);
	assert_true(t.cut);
	mime_tree_free(&t);
	buf_deinit(&deep);
	buf_deinit(&wide);
}

/* Row 70 of doc/cve.md: pieces in order, backwards, all with one number, other parameters, encoded words.  A square of
 * them would be minutes. */
static void put_piece(struct buf *to, const char *piece, unsigned up, unsigned down)
{
	for (; *piece != '\0'; piece++)
		if (*piece == '<' || *piece == '>')
			buf_putu(to, *piece == '<' ? up : down);
		else
			buf_putc(to, *piece);
}

static void many_parameters(void **state)
{
	enum { COUNT = 100000 };
	static const struct {
		const char *name, *piece; /* '<' counts up, '>' down */
	} rows[] = {
		{ "in order", "; name*<=x" },
		{ "backwards", "; name*>=x" },
		{ "encoded backwards", "; name*>*=%41" },
		{ "one number", "; name*0=x" },
		{ "the same", "; name=x" },
		{ "others", "; a<=x" },
		{ "comments", "; (<) b=x" },
		{ "words", "; name=\"=?utf-8?q?=41?=\" =?utf-8?q?=41?=" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf body = { 0 }, out = { 0 };
		struct mime_tree t;
		clock_t before;

		buf_put(&body, STR("Content-Type: text/plain"));
		for (unsigned k = 0; k < COUNT; k++)
			put_piece(&body, rows[i].piece, k, COUNT - 1 - k);
		buf_put(&body, STR("\r\n\r\nx\r\n"));
		before = clock();
		(void)param_get(str_from(buf_str(&body), 14), STR("name"), &out);
		mime_tree_parse(&t, buf_str(&body));
		buf_clear(&out);
		(void)mime_filename(&t.parts[0], &out);
		buf_clear(&out);
		word_decode(buf_str(&body), &out);
		if (clock() - before > 4 * CLOCKS_PER_SEC)
			fail_msg("%s: %ld ms", rows[i].name,
				(long)((clock() - before) / (CLOCKS_PER_SEC / 1000)));
		mime_tree_free(&t);
		buf_deinit(&out);
		buf_deinit(&body);
	}
}

static void html(void **state)
{
	static const struct {
		struct str html, want;
	} rows[] = {
		{ STR_INIT("a  b\n c"), STR_INIT("a b c\n") },
		{ STR_INIT("<p>a<p>b<br>c<div>d</div>"), STR_INIT("a\n\nb\nc\nd\n") },
		{ STR_INIT("&lt;&amp;&auml;&#228;&#xe4;&nope;&#0;"),
			STR_INIT("<&\u00e4\u00e4\u00e4&nope;\ufffd\n") },
		{ STR_INIT("<style>p{}</style><script>a<b</script>x<title>t</title>"),
			STR_INIT("x\n") },
		{ STR_INIT("<!-- a > b -- c -->d<!-->"), STR_INIT("d\n") },
		{ STR_INIT("<a href=\"https://other.test/\">the bank</a>."),
			STR_INIT("the bank <https://other.test/>.\n") },
		{ STR_INIT("<a href='https://x.test'>https://x.test</a>"),
			STR_INIT("https://x.test\n") },
		{ STR_INIT("<ul><li>a<li>b</ul>c"), STR_INIT("- a\n- b\n\nc\n") },
		{ STR_INIT("<img alt='a &amp; b' src=http://spy.test/>"), STR_INIT("[a & b]\n") },
		{ STR_INIT("<img src=http://spy.test/>"), STR_INIT("") },
		{ STR_INIT("<table><tr><td>a<td>b<tr><td>c</table>"), STR_INIT("a b\nc\n") },
		{ STR_INIT("<pre>a  b\n  c</pre>d"), STR_INIT("a  b\n  c\n\nd\n") },
		{ STR_INIT("1 < 2 & 3"), STR_INIT("1 < 2 & 3\n") },
		{ STR_INIT("<b title=\"a>b\">x</b>"), STR_INIT("x\n") },
	};
	struct buf big = { 0 }, out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&out);
		html_text(rows[i].html, &out);
		same(&out, rows[i].want);
	}
	/* Ends within the test's time only when no octet is looked at again and again. */
	buf_clear(&out);
	buf_fill(&big, '<', 3000000);
	html_text(buf_str(&big), &out);
	assert_int_equal(out.len, 3000001);
	buf_deinit(&big);
	buf_deinit(&out);
}

static void shown_safely(void **state)
{
	struct buf out = { 0 };

	(void)state;
	charset_put_safe(&out, STR("a\tb\nc\x1b\x7f\xc2\x9b\xe2\x80\xae\xff\xed\xa0\x80\u00e9"));
	same(&out, STR("a\tb\nc????\ufffd\ufffd\ufffd\ufffd\u00e9"));
	buf_clear(&out);
	charset_put_line(&out, STR("a\tb\nc"));
	same(&out, STR("a b c"));
	buf_clear(&out);
	assert_true(charset_utf8(STR("ISO-2022-JP"), STR("\x1b$B$\"\x1b(B"), &out));
	same(&out, STR("\u3042"));
	buf_clear(&out);
	assert_true(charset_utf8(STR("shift_jis"), STR("\x82\xa0\x82"), &out));
	same(&out, STR("\u3042\ufffd"));
	buf_clear(&out);
	assert_false(charset_utf8(STR("ISO-2022-CN-EXT"), STR("a"), &out));
	same(&out, STR("a"));
	buf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(params),
		cmocka_unit_test(transfers),
		cmocka_unit_test(parts),
		cmocka_unit_test(names_of_messages),
		cmocka_unit_test(broken_parts),
		cmocka_unit_test(limits),
		cmocka_unit_test(many_parameters),
		cmocka_unit_test(html),
		cmocka_unit_test(shown_safely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
