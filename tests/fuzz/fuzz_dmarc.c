/* DMARC: whatever records say, the questions are few, none is asked twice, and an end comes.  The first line is
 * the author domain, the second the identities between blanks ("+" in front: of SPF, "?": unsure), then answers in
 * turn: a letter for the outcome, and rows between "|". */
#include <stdlib.h>

#include "trust/dmarc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 4 };

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void answer(struct dmarc *d, struct str line)
{
	struct dns_row rows[ROWS];
	struct dns_answer a = { .rows = rows };

	a.outcome = line.n > 0 ? (enum dns_outcome)((unsigned char)line.p[0] % 5) : DNS_NODATA;
	line = str_from(line, 1);
	while (a.outcome == DNS_FOUND && line.n > 0 && a.count < ROWS)
		rows[a.count++] = (struct dns_row){ .data = str_cut(&line, '|') };
	dmarc_answer(d, &a);
}

static void ask(struct dmarc *d, struct str all, struct str *answers, struct buf *asked)
{
	struct dmarc_question q;
	struct buf now = { 0 };
	size_t questions = 0;

	while (dmarc_asks(d, &q)) {
		struct str rest = buf_str(asked);

		check(q.name.n > 0 && q.name.n <= DNS_HOST_MAX + STR("_dmarc.").n);
		buf_clear(&now);
		buf_put(&now, str_c(dns_type_name(q.type)));
		buf_put(&now, q.name);
		for (; rest.n > 0; questions++)
			check(!str_eq(str_cut(&rest, '\n'), buf_str(&now)));
		check(questions < DMARC_QUESTIONS_MAX);
		questions = 0;
		buf_put(asked, buf_str(&now));
		buf_putc(asked, '\n');
		if (answers->n == 0)
			*answers = all;
		answer(d, str_cut(answers, '\n'));
	}
	buf_deinit(&now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = str_of(data, size), author = str_cut(&all, '\n'),
		   identities = str_cut(&all, '\n'), answers = all;
	struct buf asked = { 0 };
	struct dmarc *d;
	enum dmarc_result result;

	if (size > 8192)
		return 0;
	(void)dmarc_from(str_of(data, size), &asked);
	check(asked.len <= DMARC_FROM_MAX);
	buf_deinit(&asked);
	asked = (struct buf){ 0 };
	d = dmarc_new(author);
	ask(d, all, &answers, &asked);
	while (identities.n > 0) {
		struct str one = str_cut(&identities, ' ');
		bool spf = str_starts(one, STR("+")), unsure = str_starts(one, STR("?"));

		dmarc_identity(
			d, spf ? DMARC_SPF : DMARC_DKIM, str_from(one, spf || unsure), unsure);
	}
	dmarc_judge(d);
	ask(d, all, &answers, &asked);
	result = dmarc_result(d);
	check(result != DMARC_PENDING);
	check(dmarc_disposition(d) == DMARC_ACCEPT || result == DMARC_FAIL);
	check(dmarc_disposition(d) <= dmarc_policy(d));
	check(dmarc_policy_domain(d).n > 0 || (result != DMARC_PASS && result != DMARC_FAIL));
	buf_deinit(&asked);
	dmarc_free(d);
	return 0;
}
