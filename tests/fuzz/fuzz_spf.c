/* SPF: whatever records, names and answers say, the questions are few, each names what can be asked for, and
 * an end comes.  The first line is the client's address (16 octets or 4), then HELO, the sender, and answers in
 * turn: a letter for the outcome, and rows between "|"; a row "=" is the client's address. */
#include <stdlib.h>

#include "trust/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 16 };

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_name(struct str name)
{
	size_t octets = 0, label = 0;

	check(name.n > 0);
	for (size_t i = 0; i < name.n; i++, octets++) {
		check(name.p[i] > ' ' && name.p[i] <= '~');
		check(name.p[i] != '.' || label > 0);
		label = name.p[i] == '.' ? 0 : label + 1;
		check(label <= 63);
		i += name.p[i] == '\\' ? 3 : 0;
	}
	check(label > 0 && octets <= SPF_NAME_MAX);
}

/* dns_parse() makes names that can be asked for. */
static void put_name(struct buf *to, struct str row)
{
	row = str_head(row, 60);
	for (size_t i = 0; i < row.n; i++) {
		char c = ascii_lower(row.p[i]);

		buf_putc(to, (c >= 'a' && c <= 'z') || ascii_digit(c) ? c : 'x');
		if (c == '.' && i + 1 < row.n)
			buf_put(to, STR(".y"));
	}
}

static void answer(struct spf *s, struct str line, enum dns_type type, struct str ip)
{
	struct dns_row rows[ROWS];
	struct dns_answer a = { .rows = rows };
	struct buf text = { 0 };
	size_t at[ROWS + 1] = { 0 };

	a.outcome = line.n > 0 ? (enum dns_outcome)((unsigned char)line.p[0] % 5) : DNS_NODATA;
	line = str_from(line, 1);
	while (a.outcome == DNS_FOUND && line.n > 0 && a.count < ROWS) {
		struct str row = str_cut(&line, '|');

		if (type == DNS_MX || type == DNS_PTR)
			put_name(&text, row);
		else if (str_eq(row, STR("=")))
			buf_put(&text, ip);
		else
			buf_put(&text, row);
		at[++a.count] = text.len;
	}
	for (size_t i = 0; i < a.count; i++)
		rows[i] = (struct dns_row){ .data = str_of(
						    buf_str(&text).p + at[i], at[i + 1] - at[i]) };
	spf_answer(s, &a);
	buf_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = str_of(data, size), ip = str_cut(&all, '\n'), answers;
	struct spf_client client = { .ipv6 = ip.n >= 16 };
	struct spf_question q;
	struct spf *s;
	unsigned questions = 0;
	enum spf_result result;

	if (size > 16384)
		return 0;
	ip = str_head(ip, client.ipv6 ? 16 : 4);
	memcpy(client.ip, ip.p, ip.n);
	client.helo = str_cut(&all, '\n');
	client.sender = str_cut(&all, '\n');
	s = spf_new(&client);
	for (answers = all; spf_asks(s, &q); questions++) {
		check(questions < SPF_QUESTIONS_MAX && spf_result(s) == SPF_PENDING);
		check_name(q.name);
		if (answers.n == 0)
			answers = all;
		answer(s, str_cut(&answers, '\n'), q.type, ip);
	}
	result = spf_result(s);
	check(result != SPF_PENDING);
	check((spf_why(s) != NULL) == (result == SPF_TEMPERROR || result == SPF_PERMERROR));
	check(result == SPF_NONE || result == SPF_TEMPERROR || result == SPF_PERMERROR ||
		spf_domain(s).n > 2);
	spf_free(s);
	return 0;
}
