/* What the reader knows: queries, entries, the library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/list.h"
#include "reader/entry.h"
#include "reader/query.h"

static char dir[] = "/tmp/restante-reader-XXXXXX";

static void queries(void **state)
{
	static const struct {
		struct str text, match;
		const char *told;
	} rows[] = {
		{ STR_INIT("a b"), STR_INIT("\"a\" AND \"b\""), NULL },
		{ STR_INIT("\"a b\""), STR_INIT("\"a b\""), NULL },
		{ STR_INIT("from:ann \"x\""), STR_INIT("sender : \"ann\" AND \"x\""), NULL },
		{ STR_INIT("subject:\"a b\""), STR_INIT("subject : \"a b\""), NULL },
		{ STR_INIT("inv*"), STR_INIT("\"inv\" *"), NULL },
		{ STR_INIT("a OR NEAR(b) -c"),
			STR_INIT("\"a\" AND \"OR\" AND \"NEAR(b)\" AND \"-c\""), NULL },
		{ STR_INIT("\u4e2d\u6587"), STR_INIT("\"\u4e2d  \u6587\""), NULL },
		{ STR_INIT("after:2026-01-31"), STR_INIT(""), NULL },
		{ STR_INIT("has:attachment is:unseen"), STR_INIT(""), NULL },
		{ STR_INIT(""), STR_INIT(""), NULL },
		{ STR_INIT("\"a"), STR_INIT(""), "not closed" },
		{ STR_INIT("after:yesterday"), STR_INIT(""), "2026-01-31" },
		{ STR_INIT("after:2026-13-01"), STR_INIT(""), "2026-01-31" },
		{ STR_INIT("has:teeth"), STR_INIT(""), "has:attachment" },
		{ STR_INIT("frm:ann"), STR_INIT(""), "none of" },
		{ STR_INIT("from:"), STR_INIT(""), "needs something" },
		{ STR_INIT("\xff"), STR_INIT(""), "UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct library_query q;
		struct err err = { 0 };

		assert_int_equal(query_parse(&q, rows[i].text, &err),
			rows[i].told == NULL ? ST_OK : ST_USAGE);
		if (rows[i].told != NULL)
			assert_non_null(strstr(err.text, rows[i].told));
		else if (!str_eq(buf_str(&q.match), rows[i].match))
			fail_msg("%.*s", STR_ARG(buf_str(&q.match)));
		library_query_deinit(&q);
	}
}

static void entries(void **state)
{
	struct entry e;

	(void)state;
	entry_make(&e,
		STR("From: =?utf-8?q?=C3=84nn?= <ann@x.test>\r\nSubject: a\x1b[b\r\n c\r\n"
		    "Message-ID: <m3@x>\r\nIn-Reply-To: <m2@x> (Bob)\r\nReferences: "
		    "<m1@x>\r\n\t<m2@x>\r\n"
		    "Date: Sun, 22 Nov 2026 03:27:11 +0000\r\n\r\nhello\r\n"),
		5);
	assert_true(str_eq(buf_str(&e.from), STR("\u00c4nn <ann@x.test>")));
	assert_true(str_eq(buf_str(&e.subject), STR("a?[b c")));
	assert_true(str_eq(buf_str(&e.message_id), STR("m3@x")));
	assert_true(str_eq(buf_str(&e.references), STR("m2@x\nm2@x\nm1@x\n")));
	assert_true(str_eq(buf_str(&e.text), STR("hello\n")));
	assert_true(str_eq(buf_str(&e.attachments), STR("[]")));
	assert_int_equal(e.date_ms, 1795318031000);
	entry_deinit(&e);
	entry_make(&e,
		STR("Content-Type: application/pdf; name=\"a\\\"b.pdf\"\r\n"
		    "Content-Transfer-Encoding: base64\r\n\r\nQUJD"),
		5);
	assert_true(str_eq(
		buf_str(&e.attachments), STR("[{\"filename\":\"a\\\"b.pdf\",\"type\":\"application/"
					     "pdf\",\"part\":0,\"octets\":3}]")));
	assert_int_equal(e.date_ms, 5);
	entry_deinit(&e);
}

/* A source of messages whose ids are their places here. */
struct source {
	struct library_source source;
	const char *texts[8];
	int reads;
};

static enum status on_index(struct library_source *s, struct str account,
	void (*each)(void *arg, struct str id, struct str uidl), void *arg, struct err *err)
{
	struct source *x = LIST_OF(s, struct source, source);

	if (str_eq(account, STR("nobody")))
		return err_set(err, ST_NOTFOUND, "no such account");
	for (int i = 0; i < 8; i++) {
		char id[8];

		snprintf(id, sizeof id, "ID%d", i);
		if (x->texts[i] != NULL)
			each(arg, str_c(id), str_c(id));
	}
	return ST_OK;
}

static enum status on_read(struct library_source *s, struct str account, struct str id,
	uint64_t max, struct buf *octets, uint64_t *total, int64_t *received_ms, struct err *err)
{
	struct source *x = LIST_OF(s, struct source, source);
	struct str text = str_c(x->texts[id.p[2] - '0']);

	(void)account;
	(void)err;
	(void)max;
	x->reads++;
	buf_put(octets, text);
	*total = text.n;
	*received_ms = 1000 * (id.p[2] - '0');
	return ST_OK;
}

static bool on_found(void *arg, const struct library_row *row)
{
	buf_printf(arg, "%.*s/%lld ", STR_ARG(row->id), (long long)row->thread);
	return true;
}

static void expect(struct library *l, const char *query, const char *want)
{
	struct library_query q;
	struct buf found = { 0 };
	struct err err = { 0 };

	assert_int_equal(query_parse(&q, str_c(query), &err), ST_OK);
	assert_int_equal(library_find(l, STR("a@b"), &q, on_found, &found, &err), ST_OK);
	if (!str_eq(buf_str(&found), str_c(want)))
		fail_msg("%s: %.*s", query, STR_ARG(buf_str(&found)));
	buf_deinit(&found);
	library_query_deinit(&q);
}

static void library(void **state)
{
	struct source s = {
		.source = {on_index, on_read, NULL},
		.texts = {
			"Message-ID: <1@x>\r\nSubject: Trip\r\nFrom: ann@x.test\r\n\r\nlet us go to Z\xc3\xbcrich\r\n",
			"Message-ID: <3@x>\r\nIn-Reply-To: <2@x>\r\nSubject: Re: Trip\r\nFrom: bob@x.test\r\n\r\nyes\r\n",
			"Message-ID: <2@x>\r\nReferences: <1@x>\r\nSubject: Re: Trip\r\n\r\n\xe6\x88\x91\xe4\xbb\xac\xe8\xb5\xb0\r\n",
			"Subject: bill\r\nContent-Type: application/pdf; name=b.pdf\r\n\r\nx",
		},
	};
	struct err err = { 0 };
	struct library_row row;
	char path[100];
	struct library *l;

	(void)state;
	snprintf(path, sizeof path, "%s/reader.db", dir);
	l = library_open(path, &err);
	assert_non_null(l);
	assert_int_equal(library_update(l, &s.source, STR("nobody"), &err), ST_NOTFOUND);
	assert_int_equal(library_update(l, &s.source, STR("a@b"), NULL), ST_OK);
	assert_int_equal(s.reads, 4);
	/* one thread, although the answer came before what it answers */
	expect(l, "", "ID3/4 ID2/1 ID1/1 ID0/1 ");
	expect(l, "trip", "ID2/1 ID1/1 ID0/1 ");
	expect(l, "zurich", "ID0/1 ");
	expect(l, "from:bob", "ID1/1 ");
	expect(l, "bob trip", "ID1/1 ");
	expect(l, "\"us go\"", "ID0/1 ");
	expect(l, "\"go us\"", "");
	expect(l, "\xe4\xbb\xac\xe8\xb5\xb0", "ID2/1 ");
	expect(l, "\xe8\xb5\xb0\xe4\xbb\xac", "");
	expect(l, "has:attachment", "ID3/4 ");
	expect(l, "before:2026-01-01 bil*", "ID3/4 ");
	expect(l, "after:2026-01-01", "");
	/* nothing changed, nothing is read */
	assert_int_equal(library_update(l, &s.source, STR("a@b"), &err), ST_OK);
	assert_int_equal(s.reads, 4);
	assert_int_equal(library_set(l, STR("ID1"), true, true, &err), ST_OK);
	expect(l, "is:marked", "ID1/1 ");
	expect(l, "is:unseen", "ID3/4 ID2/1 ID0/1 ");
	/* one goes, one comes */
	s.texts[0] = NULL;
	s.texts[4] = "Subject: new\r\n\r\n";
	assert_int_equal(library_update(l, &s.source, STR("a@b"), &err), ST_OK);
	assert_int_equal(s.reads, 5);
	expect(l, "zurich", "");
	expect(l, "new", "ID4/5 ");
	err = (struct err){ 0 };
	assert_int_equal(library_get(l, STR("a@b"), STR("ID"), &row, &err), ST_USAGE);
	err = (struct err){ 0 };
	assert_int_equal(library_get(l, STR("c@d"), STR("ID1"), &row, &err), ST_NOTFOUND);
	assert_int_equal(library_get(l, STR("c@d\na@b"), STR("ID1"), &row, NULL), ST_OK);
	assert_true(row.marked && str_eq(row.from, STR("bob@x.test")));
	library_close(l);
	/* a damaged one is made anew */
	assert_int_equal(truncate(path, 5000), 0);
	l = library_open(path, &err);
	assert_non_null(l);
	assert_int_equal(library_update(l, &s.source, STR("a@b"), NULL), ST_OK);
	expect(l, "from:bob", "ID1/2 ");
	library_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries),
		cmocka_unit_test(entries),
		cmocka_unit_test(library),
	};
	char command[100];
	int failed;

	if (mkdtemp(dir) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof command, "rm -r %s", dir);
	return system(command) == 0 ? failed : 1;
}
