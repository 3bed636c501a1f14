/* Messages out of files, separators, dates, and other servers' lists of UIDLs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "maildir/message_reader.h"
#include "maildir/source.h"
#include "maildir/uidlist.h"
#include "mime/mbox.h"

static int file_of(struct str s)
{
	int fd = memfd_create("message", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.p, s.n), s.n);
	return fd;
}

/* All messages of a file, each followed by "|". */
static void read_all(int fd, enum reader_form form, struct buf *out)
{
	uint64_t offset = 0;
	bool more = true;

	while (more) {
		struct message_reader r;
		struct err err = { ST_OK, "" };
		enum status status;

		message_reader_begin(&r, fd, form, offset);
		while ((status = message_reader_next(&r, out, &err)) == ST_MORE)
			continue;
		assert_int_equal(status, ST_OK);
		more = message_reader_next_offset(&r, &offset);
		message_reader_end(&r);
		buf_putc(out, '|');
	}
}

#define SEP "From a@b Sat Jan  3 01:05:34 1996\n"

static const struct {
	const char *special;
	enum reader_form form;
	struct str file, messages;
} readings[] = {
	{ "LF", READER_PLAIN, STR_INIT("a: b\n\nc\n"), STR_INIT("a: b\r\n\r\nc\r\n|") },
	{ "CRLF", READER_PLAIN, STR_INIT("a: b\r\n\r\nc\r\n"), STR_INIT("a: b\r\n\r\nc\r\n|") },
	{ "two CR before LF", READER_PLAIN, STR_INIT("a: b\r\r\nc: d\r\r\n"),
		STR_INIT("a: b\r\nc: d\r\n|") },
	{ "lone CR", READER_PLAIN, STR_INIT("a\rb\n\rc\n"), STR_INIT("a b\r\n c\r\n|") },
	{ "no end", READER_PLAIN, STR_INIT("a"), STR_INIT("a\r\n|") },
	{ "CR at the end", READER_PLAIN, STR_INIT("a\r"), STR_INIT("a\r\n|") },
	{ "NUL", READER_PLAIN, STR_INIT("a\0b\n"), STR_INIT("a\0b\r\n|") },
	{ "empty", READER_PLAIN, STR_INIT(""), STR_INIT("|") },
	{ "empty lines at the end", READER_PLAIN, STR_INIT("a\n\n\n"), STR_INIT("a\r\n\r\n\r\n|") },
	{ "a separator is text elsewhere", READER_PLAIN, STR_INIT("a\n\n" SEP),
		STR_INIT("a\r\n\r\nFrom a@b Sat Jan  3 01:05:34 1996\r\n|") },
	{ "two messages", READER_MBOXRD, STR_INIT(SEP "a\n\n" SEP "b\n\n"),
		STR_INIT("a\r\n|b\r\n|") },
	{ "no empty line between", READER_MBOXRD, STR_INIT(SEP "a\n" SEP "b\n"),
		STR_INIT("a\r\n|b\r\n|") },
	{ "only one empty line is taken", READER_MBOXRD, STR_INIT(SEP "a\n\n\n" SEP "b\n\n"),
		STR_INIT("a\r\n\r\n|b\r\n|") },
	{ "CRLF between", READER_MBOXRD, STR_INIT(SEP "a\r\n\r\n" SEP "b\r\n\r\n"),
		STR_INIT("a\r\n|b\r\n|") },
	{ "mboxrd unquotes once", READER_MBOXRD, STR_INIT(SEP ">From x\n>>From y\n>Fro\n"),
		STR_INIT("From x\r\n>From y\r\n>Fro\r\n|") },
	{ "mboxo leaves two", READER_MBOXO, STR_INIT(SEP ">From x\n>>From y\n"),
		STR_INIT("From x\r\n>>From y\r\n|") },
	{ "From without a date is text", READER_MBOXRD, STR_INIT(SEP "a\n\nFrom here on\n"),
		STR_INIT("a\r\n\r\nFrom here on\r\n|") },
	{ "first separator without date", READER_MBOXRD, STR_INIT("From nobody\na\n\n" SEP "b\n"),
		STR_INIT("a\r\n|b\r\n|") },
	{ "a message without octets", READER_MBOXRD, STR_INIT(SEP SEP "b\n"), STR_INIT("|b\r\n|") },
};

static void test_reader(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
		int fd = file_of(readings[i].file);
		struct buf out;

		buf_init(&out, 0);
		read_all(fd, readings[i].form, &out);
		if (!str_eq(buf_str(&out), readings[i].messages))
			fail_msg("%s: \"%.*s\"", readings[i].special, STR_ARG(buf_str(&out)));
		buf_deinit(&out);
		close(fd);
	}
}

/* Every line end, CR and separator once at each place around the end of the window. */
static void test_reader_window(void **state)
{
	static const struct {
		enum reader_form form;
		struct str tail, read;
	} rows[] = {
		{ READER_PLAIN, STR_INIT("\r\nb\n"), STR_INIT("\r\nb\r\n|") },
		{ READER_PLAIN, STR_INIT("\r\r\nb\n"), STR_INIT("\r\nb\r\n|") },
		{ READER_PLAIN, STR_INIT("\rb\n"), STR_INIT(" b\r\n|") },
		{ READER_MBOXRD, STR_INIT("\n\n" SEP "b\n"), STR_INIT("\r\n|b\r\n|") },
		{ READER_MBOXRD, STR_INIT("\n\n>From c\n"), STR_INIT("\r\n\r\nFrom c\r\n|") },
	};
	static char line[70000];
	const size_t window = 65536;

	(void)state;
	memset(line, 'x', sizeof line);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t n = window - 60; n < window + 4; n++) {
			struct buf file, out;
			struct str s;
			int fd;

			buf_init(&file, 0);
			buf_init(&out, 0);
			if (rows[i].form == READER_MBOXRD)
				buf_put(&file, STR(SEP));
			buf_put(&file, str_of(line, n));
			buf_put(&file, rows[i].tail);
			fd = file_of(buf_str(&file));
			read_all(fd, rows[i].form, &out);
			s = buf_str(&out);
			assert_int_equal(s.n, n + rows[i].read.n);
			assert_memory_equal(s.p, line, n);
			assert_memory_equal(s.p + n, rows[i].read.p, rows[i].read.n);
			close(fd);
			buf_deinit(&file);
			buf_deinit(&out);
		}
}

static const struct {
	struct str line;
	int64_t ms; /* -1: no separator */
	struct str sender;
} separators[] = {
	{ STR_INIT("From a@b Sat Jan  3 01:05:34 1996"), 820631134000, STR_INIT("a@b") },
	{ STR_INIT("From a@b Sat Jan 3 01:05 1996"), 820631100000, STR_INIT("a@b") },
	{ STR_INIT("From a@b Sat Jan  3 01:05:34 EST 1996"), 820649134000, STR_INIT("a@b") },
	{ STR_INIT("From a@b Sat Jan  3 01:05:34 1996 +0100"), 820627534000, STR_INIT("a@b") },
	{ STR_INIT("From Sat Jan  3 01:05:34 1996"), 820631134000, STR_INIT("") },
	{ STR_INIT("From \"a b\"@c Sat Jan  3 01:05:34 1996"), 820631134000,
		STR_INIT("\"a b\"@c") },
	{ STR_INIT("From MAILER-DAEMON Sun Nov 22 04:35:00 2026"), 1795322100000,
		STR_INIT("MAILER-DAEMON") },
	{ STR_INIT("From here on it is Saturday"), -1, STR_INIT("") },
	{ STR_INIT("From a@b Sat Jan 32 01:05:34 1996"), -1, STR_INIT("") },
	{ STR_INIT("From a@b Sat Jan  3 24:05:34 1996"), -1, STR_INIT("") },
	{ STR_INIT("From a@b Sat Jan  3 01:05:34 96"), -1, STR_INIT("") },
	{ STR_INIT(">From a@b Sat Jan  3 01:05:34 1996"), -1, STR_INIT("") },
	{ STR_INIT("From: a@b Sat Jan  3 01:05:34 1996"), -1, STR_INIT("") },
};

static void test_separators(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof separators / sizeof *separators; i++) {
		struct str sender = STR("");
		int64_t ms = -1;

		if (!mbox_separator(separators[i].line, &sender, &ms))
			ms = -1;
		if (ms != separators[i].ms || (ms >= 0 && !str_eq(sender, separators[i].sender)))
			fail_msg("%.*s: %lld, %.*s", STR_ARG(separators[i].line), (long long)ms,
				STR_ARG(sender));
	}
}

static void test_separator_put(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	mbox_separator_put(&out, STR("a@b"), 820631134000);
	assert_true(str_eq(buf_str(&out), STR("From a@b Wed Jan  3 01:05:34 1996")));
	buf_clear(&out);
	mbox_separator_put(&out, STR(""), 1795322100000);
	assert_true(str_eq(buf_str(&out), STR("From MAILER-DAEMON Sun Nov 22 04:35:00 2026")));
	buf_deinit(&out);
}

static const struct {
	struct str text;
	int64_t ms; /* -1: no date */
} dates[] = {
	{ STR_INIT("Fri, 21 Nov 1997 09:55:06 -0600"), 880127706000 },
	{ STR_INIT("21 Nov 97 09:55:06 GMT"), 880106106000 },
	{ STR_INIT(" Thu,\r\n\t13 Feb 1969 23:32 -0330"), -1 },
	{ STR_INIT("Thu,\r\n\t13 Feb 2020 23:32 -0330 (NST)"), 1581649320000 },
	{ STR_INIT("29 Feb 2024 00:00:00 +0000"), 1709164800000 },
	{ STR_INIT("29 Feb 2100 00:00:00 +0000"), -1 },
	{ STR_INIT("Sat, 31 Feb 2026 10:00:00 +0800"), -1 },
	{ STR_INIT("31 Dec 1999 23:59:60 +0000"), 946684799000 },
	{ STR_INIT("1 Jan 1970 00:00:00 +0000"), 0 },
	{ STR_INIT("1 Jan 2020 00:00:00 Nowhere"), 1577836800000 },
	{ STR_INIT("yesterday"), -1 },
	{ STR_INIT(""), -1 },
	{ STR_INIT("1 Foo 2020 00:00:00 +0000"), -1 },
	{ STR_INIT("1 Jan 2020 00:60:00 +0000"), -1 },
};

static void test_dates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
		int64_t ms = -1;

		if (!date_get(dates[i].text, &ms))
			ms = -1;
		if (ms != dates[i].ms)
			fail_msg("%.*s: %lld", STR_ARG(dates[i].text), (long long)ms);
	}
}

struct fixture {
	char dir[64];
};

static int make_dir(void **state)
{
	struct fixture *f = NEW(struct fixture);

	snprintf(f->dir, sizeof f->dir, "/tmp/restante-maildir.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static int remove_dir(void **state)
{
	struct fixture *f = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void write_file(const struct fixture *f, const char *name, struct str s)
{
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.p, s.n), s.n);
	close(fd);
}

static const struct {
	enum uidlist_kind kind;
	struct str name, uidl;
} uidls[] = {
	{ UIDLIST_DOVECOT, STR_INIT("1.M1.h"), STR_INIT("0000000165b0c0de") },
	{ UIDLIST_DOVECOT, STR_INIT("2.M2.h,S=5"), STR_INIT("my-uidl") },
	{ UIDLIST_DOVECOT, STR_INIT("3.M3.h"), STR_INIT("0000000a65b0c0de") },
	{ UIDLIST_DOVECOT, STR_INIT("4.M4.h"), STR_INIT("") },
	{ UIDLIST_COURIER, STR_INIT("1.M1.h"), STR_INIT("UID7-1700000000") },
	{ UIDLIST_COURIER, STR_INIT("a b.h"), STR_INIT("UID8") },
	{ UIDLIST_COURIER, STR_INIT("3+'.h"), STR_INIT("3+2B+27.h") },
	{ UIDLIST_COURIER, STR_INIT("4.h"), STR_INIT("") },
};

static void test_uidlists(void **state)
{
	const struct fixture *f = *state;

	write_file(f, "dovecot-uidlist",
		STR("3 V1706082526 N11 Gdeadbeef\n1 :1.M1.h\n2 W123 Pmy-uidl S5 :2.M2.h,S=5\n"
		    "junk\n10 :3.M3.h:2,S\n"));
	write_file(f, "courierpop3dsizelist",
		STR("/3 9 1700000000\n1.M1.h 100 7:1700000000:0\na b.h 5 8:0\n"
		    "3+'.h 5 0:0:1\njunk\n"));
	for (size_t i = 0; i < sizeof uidls / sizeof *uidls; i++) {
		const struct uidlist_row *row;
		struct err err = { ST_OK, "" };
		struct uidlist l;
		struct buf out;

		buf_init(&out, 0);
		assert_int_equal(uidlist_load(&l, f->dir, uidls[i].kind, &err), ST_OK);
		row = uidlist_find(&l, uidls[i].name);
		if (row != NULL)
			uidlist_uidl_put(&l, row, &out);
		if (!str_eq(buf_str(&out), uidls[i].uidl))
			fail_msg("%.*s: \"%.*s\"", STR_ARG(uidls[i].name), STR_ARG(buf_str(&out)));
		buf_deinit(&out);
		uidlist_free(&l);
	}
}

static void test_uidlist_refused(void **state)
{
	const struct fixture *f = *state;
	struct uidlist l;

	assert_int_equal(uidlist_load(&l, f->dir, UIDLIST_DOVECOT, NULL), ST_NOTFOUND);
	write_file(f, "dovecot-uidlist", STR("1 1706082526 11\n1 1.M1.h\n"));
	assert_int_equal(uidlist_load(&l, f->dir, UIDLIST_DOVECOT, NULL), ST_CORRUPT);
	write_file(f, "courierpop3dsizelist", STR("9\n1.M1.h 100\n"));
	assert_int_equal(uidlist_load(&l, f->dir, UIDLIST_COURIER, NULL), ST_CORRUPT);
}

static void sub_dir(const struct fixture *f, const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* By the time in the name, then the name; folders are apart; dot files are none. */
static void test_maildir_order(void **state)
{
	static const char *const order[] = { "9.a", "100.a:2,S", "100.b", "101.z" };
	const struct fixture *f = *state;
	struct err err = { ST_OK, "" };
	struct source s;
	char **folders;
	size_t count;

	sub_dir(f, "cur");
	sub_dir(f, "new");
	sub_dir(f, ".Sent");
	sub_dir(f, ".Sent/cur");
	sub_dir(f, ".Sent/new");
	sub_dir(f, ".nothing");
	write_file(f, "cur/100.a:2,S", STR("x"));
	write_file(f, "new/100.b", STR("x"));
	write_file(f, "new/9.a", STR("x"));
	write_file(f, "cur/101.z", STR("xyz"));
	write_file(f, "cur/.hidden", STR("x"));
	write_file(f, ".Sent/cur/1.a", STR("x"));
	assert_int_equal(source_open(&s, f->dir, &err), ST_OK);
	assert_int_equal(s.kind, SOURCE_MAILDIR);
	assert_int_equal(s.count, 4);
	assert_int_equal(s.octets, 6);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(s.files[i].name, order[i]);
	source_close(&s);
	assert_int_equal(source_folders(f->dir, &folders, &count, &err), ST_OK);
	assert_int_equal(count, 1);
	assert_true(str_ends(str_c(folders[0]), STR("/.Sent")));
	free(folders[0]);
	free((void *)folders);
}

static void test_no_source(void **state)
{
	const struct fixture *f = *state;
	struct err err = { ST_OK, "" };
	struct source s;

	assert_int_equal(source_open(&s, f->dir, &err), ST_USAGE);
	write_file(f, "a.txt", STR("x"));
	assert_int_equal(source_open(&s, f->dir, &err), ST_USAGE);
	write_file(f, "a.eml", STR("x"));
	assert_int_equal(source_open(&s, f->dir, &err), ST_OK);
	assert_int_equal(s.count, 1);
	source_close(&s);
	assert_int_equal(source_open(&s, "/nonexistent/x", &err), ST_NOTFOUND);
}

#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader),
		cmocka_unit_test(test_reader_window),
		cmocka_unit_test(test_separators),
		cmocka_unit_test(test_separator_put),
		cmocka_unit_test(test_dates),
		WITH_DIR(test_uidlists),
		WITH_DIR(test_uidlist_refused),
		WITH_DIR(test_maildir_order),
		WITH_DIR(test_no_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
