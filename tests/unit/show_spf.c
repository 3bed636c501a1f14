/* SPF for a program beside it: "check IP HELO SENDER", all in hexadecimal with "-" for nothing, then a line
 * "OUTCOME ROW ..." for each "ask TYPE NAME" that it prints, until it prints "is RESULT WHY". */
#include <stdio.h>
#include <stdlib.h>

#include "trust/spf.h"

enum { LINE = 1 << 20 };

static struct str unhex(struct str word, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < word.n; i += 2) {
		char two[3] = { word.p[i], word.p[i + 1], '\0' };

		to[n++] = (char)strtoul(two, NULL, 16);
	}
	return str_of(to, n);
}

static bool take_line(char *line, struct str *rest)
{
	if (fgets(line, LINE, stdin) == NULL)
		return false;
	*rest = str_c(line);
	if (str_ends(*rest, STR("\n")))
		rest->n--;
	return true;
}

static void answer(struct spf *s, char *line, char *octets)
{
	struct dns_row rows[DNS_ROWS_MAX];
	struct dns_answer a = { .rows = rows };
	struct str rest, word;

	if (!take_line(line, &rest))
		exit(1);
	word = str_cut(&rest, ' ');
	while (!str_eq(word, str_c(dns_outcome_name(a.outcome))) && a.outcome < DNS_BOGUS)
		a.outcome++;
	while (rest.n > 0 && a.count < DNS_ROWS_MAX) {
		struct str row = unhex(str_cut(&rest, ' '), octets);

		rows[a.count++] = (struct dns_row){ .data = row };
		octets += row.n;
	}
	spf_answer(s, &a);
}

static void check(struct str rest, char *line, char *octets)
{
	struct spf_client client = { .ipv6 = false };
	struct spf_question q;
	struct spf *s;
	struct str ip = unhex(str_cut(&rest, ' '), octets);

	client.ipv6 = ip.n == 16;
	memcpy(client.ip, ip.p, ip.n);
	client.helo = unhex(str_cut(&rest, ' '), octets);
	client.sender = unhex(rest, octets + client.helo.n);
	s = spf_new(&client);
	while (spf_asks(s, &q)) {
		printf("ask %s %.*s\n", dns_type_name(q.type), STR_ARG(q.name));
		fflush(stdout);
		answer(s, line, octets);
	}
	printf("is %.*s %s\n", STR_ARG(spf_result_name(spf_result(s))),
		spf_why(s) != NULL ? spf_why(s) : "");
	fflush(stdout);
	spf_free(s);
}

int main(void)
{
	char *line = malloc(LINE), *octets = malloc(LINE);
	struct str rest;

	while (line != NULL && octets != NULL && take_line(line, &rest)) {
		str_cut(&rest, ' ');
		check(rest, line, octets);
	}
	free(line);
	free(octets);
	return 0;
}
