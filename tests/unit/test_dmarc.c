#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "trust/dmarc.h"

/* A zone is lines "NAME RECORD" of TXT at _dmarc.NAME; "!" is an answer that does not come, "-" is a name with
 * nothing of the kind.  Names that end a line of the zone exist; all others are NXDOMAIN. */
struct row {
	const char *name, *zone, *author;
	const char *identities; /* "spf a.test dkim b.test spf? c.test": "?" is unsure */
	enum dmarc_result result;
	enum dmarc_policy asked; /* the disposition */
	const char *of;          /* whose record */
	const char *questions;   /* NULL: any */
};

static bool exists(struct str zone, struct str name)
{
	while (zone.n > 0) {
		struct str line = str_cut(&zone, '\n'), at = str_cut(&line, ' ');

		if (str_eq(at, name) ||
			(str_ends(at, name) && at.n > name.n && at.p[at.n - name.n - 1] == '.'))
			return true;
	}
	return false;
}

static void answer(struct dmarc *d, struct str zone, struct dmarc_question q)
{
	struct dns_row rows[8];
	struct dns_answer a = { .outcome = DNS_NXDOMAIN, .rows = rows };
	struct str name = q.name;

	if (q.type == DNS_TXT) {
		assert_true(str_starts(name, STR("_dmarc.")));
		name = str_from(name, STR("_dmarc.").n);
	} else if (exists(zone, name)) {
		a.outcome = DNS_NODATA;
	}
	while (q.type == DNS_TXT && zone.n > 0) {
		struct str line = str_cut(&zone, '\n'), at = str_cut(&line, ' ');

		if (!str_eq(at, name) || str_eq(line, STR("-")))
			continue;
		a.outcome = str_eq(line, STR("!")) ? DNS_FAILED : DNS_FOUND;
		if (a.outcome == DNS_FOUND)
			rows[a.count++].data = line;
	}
	dmarc_answer(d, &a);
}

static void ask(struct dmarc *d, const struct row *row, struct buf *asked, unsigned *count)
{
	struct dmarc_question q;

	while (dmarc_asks(d, &q)) {
		assert_true(++*count <= DMARC_QUESTIONS_MAX);
		buf_printf(asked, "%s%s%.*s", asked->len > 0 ? " " : "",
			q.type == DNS_A ? "A " : "",
			STR_ARG(q.type == DNS_A ? q.name : str_from(q.name, STR("_dmarc.").n)));
		answer(d, str_c(row->zone), q);
	}
}

static void check(const struct row *row)
{
	struct dmarc *d = dmarc_new(str_c(row->author));
	struct str rest = str_c(row->identities);
	struct buf asked = { 0 };
	unsigned count = 0;

	ask(d, row, &asked, &count);
	while (rest.n > 0) {
		struct str method = str_cut(&rest, ' '), domain = str_cut(&rest, ' ');

		dmarc_identity(d, str_istarts(method, STR("spf")) ? DMARC_SPF : DMARC_DKIM, domain,
			str_ends(method, STR("?")));
	}
	dmarc_judge(d);
	ask(d, row, &asked, &count);
	if (dmarc_result(d) != row->result || dmarc_disposition(d) != row->asked ||
		!str_eq(dmarc_policy_domain(d), str_c(row->of)) ||
		(row->questions != NULL && !str_eq(buf_str(&asked), str_c(row->questions))))
		fail_msg("%s: %.*s, %.*s of \"%.*s\", asked: %.*s", row->name,
			STR_ARG(dmarc_result_name(dmarc_result(d))),
			STR_ARG(dmarc_policy_name(dmarc_disposition(d))),
			STR_ARG(dmarc_policy_domain(d)), STR_ARG(buf_str(&asked)));
	buf_deinit(&asked);
	dmarc_free(d);
}

#define REJECT "v=DMARC1; p=reject\n"

/* RFC 9989 4.10.1, 4.7 */
static void policies(void **state)
{
	static const struct row rows[] = {
		{ "own record", "a.test " REJECT, "a.test", "", DMARC_FAIL, DMARC_REJECT, "a.test",
			"a.test" },
		{ "no record", "b.test -\n", "a.test", "spf a.test", DMARC_NONE, DMARC_ACCEPT, "",
			"a.test test" },
		{ "of the organization", "a.test " REJECT, "x.y.a.test", "", DMARC_FAIL,
			DMARC_REJECT, "a.test", "x.y.a.test y.a.test a.test test" },
		{ "what stands between is not asked what it wants",
			"a.test " REJECT "y.a.test v=DMARC1; p=none\n", "x.y.a.test", "",
			DMARC_FAIL, DMARC_REJECT, "a.test", NULL },
		{ "sp of the organization", "a.test v=DMARC1; p=reject; sp=quarantine\n",
			"x.a.test", "", DMARC_FAIL, DMARC_QUARANTINE, "a.test", NULL },
		{ "sp is for names below", "a.test v=DMARC1; p=reject; sp=none\n", "a.test", "",
			DMARC_FAIL, DMARC_REJECT, "a.test", NULL },
		{ "np of a name that is not there", "a.test v=DMARC1; p=none; np=reject\n",
			"x.a.test", "", DMARC_FAIL, DMARC_REJECT, "a.test",
			"x.a.test a.test test A x.a.test" },
		{ "np of one that is", "a.test v=DMARC1; p=none; np=reject\nx.a.test -\n",
			"x.a.test", "", DMARC_FAIL, DMARC_ACCEPT, "a.test",
			"x.a.test a.test test A x.a.test" },
		{ "np as sp is not asked for", "a.test v=DMARC1; p=none; sp=reject; np=reject\n",
			"x.a.test", "", DMARC_FAIL, DMARC_REJECT, "a.test",
			"x.a.test a.test test" },
		{ "public suffix, without an organization", "test v=DMARC1; p=reject; psd=y\n",
			"x.a.test", "", DMARC_FAIL, DMARC_REJECT, "test", "x.a.test a.test test" },
		{ "public suffix, with one",
			"test v=DMARC1; p=reject; psd=y\na.test v=DMARC1; p=none\n", "x.a.test", "",
			DMARC_FAIL, DMARC_ACCEPT, "a.test", "x.a.test a.test test" },
		{ "the walk ends at a public suffix", "b.test v=DMARC1; p=reject; psd=y\n",
			"x.a.b.test", "", DMARC_FAIL, DMARC_REJECT, "b.test",
			"x.a.b.test a.b.test b.test" },
		{ "and at an organization that says so",
			"a.b.test v=DMARC1; p=quarantine; psd=n\nb.test " REJECT, "x.a.b.test", "",
			DMARC_FAIL, DMARC_QUARANTINE, "a.b.test", "x.a.b.test a.b.test" },
		{ "else the shortest name counts",
			"a.b.test v=DMARC1; p=quarantine\nb.test " REJECT, "x.a.b.test", "",
			DMARC_FAIL, DMARC_REJECT, "b.test", "x.a.b.test a.b.test b.test test" },
		{ "t: one level less", "a.test v=DMARC1; p=reject; t=y\n", "a.test", "", DMARC_FAIL,
			DMARC_QUARANTINE, "a.test", NULL },
		{ "t: of quarantine", "a.test v=DMARC1; p=quarantine; t=y\n", "a.test", "",
			DMARC_FAIL, DMARC_ACCEPT, "a.test", NULL },
		{ "pct does not count any more", "a.test v=DMARC1; p=reject; pct=0\n", "a.test", "",
			DMARC_FAIL, DMARC_REJECT, "a.test", NULL },
		{ "two records are none", "a.test " REJECT "a.test " REJECT, "a.test", "",
			DMARC_NONE, DMARC_ACCEPT, "", NULL },
		{ "others do not count", "a.test v=spf1 -all\na.test " REJECT, "a.test", "",
			DMARC_FAIL, DMARC_REJECT, "a.test", NULL },
		{ "no answer", "a.test !\n", "a.test", "spf a.test", DMARC_TEMPERROR, DMARC_ACCEPT,
			"", "a.test" },
		{ "no answer above", "a.test !\n", "x.a.test", "spf x.a.test", DMARC_TEMPERROR,
			DMARC_ACCEPT, "", NULL },
		{ "a policy that is none, and nobody to tell", "a.test v=DMARC1; p=refuse\n",
			"a.test", "", DMARC_PERMERROR, DMARC_ACCEPT, "a.test", NULL },
		{ "a policy that is none, and somebody to tell",
			"a.test v=DMARC1; p=refuse; rua=mailto:d@a.test\n", "a.test", "",
			DMARC_FAIL, DMARC_ACCEPT, "a.test", NULL },
		{ "sp that is none", "a.test v=DMARC1; p=reject; sp=x; rua=mailto:d@a.test\n",
			"a.test", "", DMARC_FAIL, DMARC_ACCEPT, "a.test", NULL },
		{ "no policy", "a.test v=DMARC1; rua=mailto:d@a.test\n", "a.test", "", DMARC_FAIL,
			DMARC_ACCEPT, "a.test", NULL },
		{ "no name", "", "[192.0.2.1]", "spf a.test", DMARC_PERMERROR, DMARC_ACCEPT, "",
			"" },
		{ "nothing", "", "", "", DMARC_PERMERROR, DMARC_ACCEPT, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(&rows[i]);
}

/* RFC 9989 4.4, 4.10.2 */
static void alignment(void **state)
{
	static const struct row rows[] = {
		{ "the same, SPF", "a.test " REJECT, "a.test", "spf a.test", DMARC_PASS,
			DMARC_ACCEPT, "a.test", "a.test" },
		{ "the same, DKIM, in other letters and with a dot", "a.test " REJECT, "A.Test.",
			"dkim A.TEST.", DMARC_PASS, DMARC_ACCEPT, "a.test", "a.test" },
		{ "another", "a.test " REJECT "b.test " REJECT, "a.test", "spf b.test dkim b.test",
			DMARC_FAIL, DMARC_REJECT, "a.test", "a.test test" },
		{ "of another top level nobody is asked", "a.test " REJECT, "a.test",
			"spf b.example", DMARC_FAIL, DMARC_REJECT, "a.test", "a.test" },
		{ "below", "a.test " REJECT, "a.test", "dkim x.a.test", DMARC_PASS, DMARC_ACCEPT,
			"a.test", "a.test test x.a.test" },
		{ "above", "a.test " REJECT "x.a.test " REJECT, "x.a.test", "spf a.test",
			DMARC_PASS, DMARC_ACCEPT, "x.a.test", "x.a.test a.test test" },
		{ "beside", "a.test " REJECT, "x.a.test", "spf y.a.test", DMARC_PASS, DMARC_ACCEPT,
			"a.test", "x.a.test a.test test y.a.test" },
		{ "not below: only the ends are alike", "a.test " REJECT, "a.test", "spf xa.test",
			DMARC_FAIL, DMARC_REJECT, "a.test", NULL },
		{ "strict DKIM", "a.test v=DMARC1; p=reject; adkim=s\n", "a.test", "dkim x.a.test",
			DMARC_FAIL, DMARC_REJECT, "a.test", "a.test" },
		{ "strict DKIM, relaxed SPF", "a.test v=DMARC1; p=reject; adkim=s\n", "a.test",
			"spf x.a.test", DMARC_PASS, DMARC_ACCEPT, "a.test", NULL },
		{ "strict SPF", "a.test v=DMARC1; p=reject; aspf=s\n", "a.test", "spf x.a.test",
			DMARC_FAIL, DMARC_REJECT, "a.test", NULL },
		{ "strict, and the same", "a.test v=DMARC1; p=reject; aspf=s; adkim=s\n", "a.test",
			"dkim b.test spf a.test", DMARC_PASS, DMARC_ACCEPT, "a.test", "a.test" },
		{ "below a public suffix two are strangers", "b.test v=DMARC1; p=reject; psd=y\n",
			"a.b.test", "spf c.b.test", DMARC_FAIL, DMARC_REJECT, "b.test",
			"a.b.test b.test" },
		{ "and below an organization that says so",
			"a.test " REJECT "x.a.test v=DMARC1; p=none; psd=n\n", "a.test",
			"spf x.a.test", DMARC_FAIL, DMARC_REJECT, "a.test",
			"a.test test x.a.test" },
		{ "a public suffix that sends mail itself", "b.test v=DMARC1; p=reject; psd=y\n",
			"b.test", "spf b.test", DMARC_PASS, DMARC_ACCEPT, "b.test", "b.test" },
		{ "at the first name psd=y says nothing",
			"b.test v=DMARC1; p=reject; psd=y\ntest v=DMARC1; p=none\n", "b.test",
			"spf c.test", DMARC_PASS, DMARC_ACCEPT, "b.test", "b.test test c.test" },
		{ "one of several", "a.test " REJECT, "a.test",
			"spf b.test dkim c.test dkim b.example dkim a.test", DMARC_PASS,
			DMARC_ACCEPT, "a.test", NULL },
		{ "no identity", "a.test " REJECT, "a.test", "", DMARC_FAIL, DMARC_REJECT, "a.test",
			NULL },
		{ "one that is not known would do", "a.test " REJECT, "a.test", "spf? a.test",
			DMARC_TEMPERROR, DMARC_ACCEPT, "a.test", NULL },
		{ "one that is not known would not do", "a.test " REJECT, "a.test",
			"spf? b.test dkim? x.example", DMARC_FAIL, DMARC_REJECT, "a.test", NULL },
		{ "one is not known and another does", "a.test " REJECT, "a.test",
			"spf? a.test dkim a.test", DMARC_PASS, DMARC_ACCEPT, "a.test", NULL },
		{ "whose it is cannot be found out", "a.test " REJECT "x.a.test !\n", "a.test",
			"dkim x.a.test", DMARC_TEMPERROR, DMARC_ACCEPT, "a.test", NULL },
		{ "names that are none", "a.test " REJECT, "a.test", "spf a..test dkim a.test;x",
			DMARC_FAIL, DMARC_REJECT, "a.test", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(&rows[i]);
}

/* RFC 9989 4.10: the whole name, then its last seven labels, eight questions in all. */
static void long_names(void **state)
{
	static const struct row rows[] = {
		{ "nine labels", "x.test -\n", "a.b.c.d.e.f.g.mail.test", "", DMARC_NONE,
			DMARC_ACCEPT, "",
			"a.b.c.d.e.f.g.mail.test c.d.e.f.g.mail.test d.e.f.g.mail.test "
			"e.f.g.mail.test f.g.mail.test g.mail.test mail.test test" },
		{ "eight labels", "x.test -\n", "b.c.d.e.f.g.mail.test", "", DMARC_NONE,
			DMARC_ACCEPT, "",
			"b.c.d.e.f.g.mail.test c.d.e.f.g.mail.test d.e.f.g.mail.test "
			"e.f.g.mail.test f.g.mail.test g.mail.test mail.test test" },
		{ "a record among those that are left out", "b.c.d.e.f.g.mail.test " REJECT,
			"a.b.c.d.e.f.g.mail.test", "", DMARC_NONE, DMARC_ACCEPT, "", NULL },
		{ "a public suffix just above them",
			"c.d.e.f.g.mail.test v=DMARC1; p=reject; psd=y\n",
			"a.b.c.d.e.f.g.mail.test", "spf z.b.c.d.e.f.g.mail.test", DMARC_PASS,
			DMARC_ACCEPT, "c.d.e.f.g.mail.test", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check(&rows[i]);
}

/* RFC 9989 4.7 */
static void records(void **state)
{
	static const struct {
		const char *text;
		bool is_record;
		struct dmarc_record r;
	} rows[] = {
		{ "v=DMARC1", true, { 0 } },
		{ " v = DMARC1 ; p = Reject ", true, { DMARC_REJECT, DMARC_REJECT, DMARC_REJECT } },
		{ "v=DMARC1;P=reject;SP=none", true, { DMARC_REJECT } },
		{ "v=DMARC1;p=none;sp=quarantine;np=reject", true,
			{ DMARC_ACCEPT, DMARC_QUARANTINE, DMARC_REJECT } },
		{ "v=DMARC1;p=none;np=reject;;foo;bar=1", true,
			{ DMARC_ACCEPT, DMARC_ACCEPT, DMARC_REJECT } },
		{ "v=DMARC1;adkim=s;aspf=r;t=y;psd=n", true,
			{ .strict_dkim = true, .testing = true, .psd = DMARC_PSD_NO } },
		{ "v=DMARC1;adkim=x;aspf=S;t=n;psd=u", true, { .strict_spf = true } },
		{ "v=DMARC1;psd=y;psd=n", true, { .psd = DMARC_PSD_YES } },
		{ "v=DMARC1;p=;rua=mailto:x", true, { .bad = true } },
		{ "v=DMARC1;p=;rua=http://x@y , mailto:x@y!10m", true, { 0 } },
		{ "v=dmarc1;p=reject", false, { 0 } },
		{ "v=DMARC11;p=reject", false, { 0 } },
		{ "p=reject;v=DMARC1", false, { 0 } },
		{ "", false, { 0 } },
		{ ";", false, { 0 } },
		{ "v", false, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct dmarc_record *want = &rows[i].r;
		struct dmarc_record got;
		bool is = dmarc_record_parse(str_c(rows[i].text), &got);

		if (is != rows[i].is_record ||
			(is && (got.p != want->p || got.sp != want->sp || got.np != want->np ||
				       got.strict_dkim != want->strict_dkim ||
				       got.strict_spf != want->strict_spf ||
				       got.testing != want->testing || got.psd != want->psd ||
				       got.bad != want->bad)))
			fail_msg("%s", rows[i].text);
	}
}

static void many_identities(void **state)
{
	struct dmarc *d = dmarc_new(STR("a.test"));
	struct buf name = { 0 }, asked = { 0 };
	struct row row = { .zone = "a.test " REJECT };
	unsigned count = 0;

	(void)state;
	ask(d, &row, &asked, &count);
	for (int i = 0; i < 100; i++) {
		buf_clear(&name);
		buf_printf(&name, "a%d.b.c.d.e.f.g.h.i.a.test", i);
		dmarc_identity(d, DMARC_DKIM, buf_str(&name), false);
	}
	dmarc_judge(d);
	ask(d, &row, &asked, &count);
	assert_int_equal(dmarc_result(d), DMARC_PASS); /* with the first */
	assert_true(count <= 2 + DMARC_WALK_MAX);
	buf_deinit(&name);
	buf_deinit(&asked);
	dmarc_free(d);
	dmarc_free(NULL);
}

/* Whoever a mail client could show as the author. */
static void authors(void **state)
{
	static const struct {
		const char *header, *domains;
	} rows[] = {
		{ "From: a@x.test\r\n\r\n", "x.test\n" },
		{ "from : =?utf-8?q?b?= <a@x.test> (c@y.test)\r\nTo: d@z.test\r\n", "x.test\n" },
		{ "From: \"c@y.test\"\r\n <a@x.test>\r\n", "x.test\n" },
		{ "From: a@x.test, B <b@y.test>\r\n", "x.test\ny.test\n" },
		{ "From: a@x.test\r\nFrom: b@y.test\r\n", "x.test\ny.test\n" },
		{ "From: a@x.test\r\nno field\r\nFrom: b@y.test\r\n", "x.test\ny.test\n" },
		{ "From: Boss, The Great <b@y.test>\r\n", "y.test\n" },
		{ "From: a@x.test b@y.test\r\n", "x.test\nx.test\ny.test\n" },
		{ "From: <b@y.test\r\n", "y.test\n" },
		{ "From: a@\r\n", "" },
		{ "From:\r\n", "" },
		{ "X-From: a@x.test\r\n", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf domains = { 0 };

		assert_true(dmarc_from(str_c(rows[i].header), &domains));
		if (!str_eq(buf_str(&domains), str_c(rows[i].domains)))
			fail_msg("%s: %.*s", rows[i].header, STR_ARG(buf_str(&domains)));
		buf_deinit(&domains);
	}
}

/* However many there are, it is told that there are too many. */
static void a_flood_of_authors(void **state)
{
	struct buf header = { 0 }, domains = { 0 };

	(void)state;
	for (int i = 0; i < 20000; i++)
		buf_printf(&header, "From: a@x%d.test, b@y%d.test\r\n", i, i);
	assert_false(dmarc_from(buf_str(&header), &domains));
	buf_deinit(&domains);
	buf_clear(&header);
	buf_put(&header, STR("From: "));
	for (int i = 0; i < 20000; i++)
		buf_printf(&header, "a@x%d.test ", i);
	assert_false(dmarc_from(buf_str(&header), &domains));
	/* One that is too long hides nobody behind it. */
	buf_deinit(&domains);
	buf_clear(&header);
	buf_put(&header, STR("From: a@"));
	buf_fill(&header, 'x', DMARC_FROM_MAX);
	buf_put(&header, STR("\r\nFrom: b@y.test\r\n"));
	assert_false(dmarc_from(buf_str(&header), &domains));
	buf_deinit(&domains);
	buf_deinit(&header);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies),
		cmocka_unit_test(alignment),
		cmocka_unit_test(long_names),
		cmocka_unit_test(records),
		cmocka_unit_test(many_identities),
		cmocka_unit_test(authors),
		cmocka_unit_test(a_flood_of_authors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
