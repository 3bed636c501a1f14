/* Answers of DNS servers: what is taken keeps the limits and is printable where it is a name. */
#include <stdlib.h>

#include "base/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_name(struct str name)
{
	check(name.n <= DNS_NAME_MAX);
	for (size_t i = 0; i < name.n; i++)
		check(name.p[i] > ' ' && name.p[i] <= '~');
}

/* The first octet chooses the type. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA,
		DNS_SRV, DNS_TLSA };
	enum dns_type type;
	struct dns_answer a;

	if (size == 0)
		return 0;
	type = types[data[0] % 8];
	dns_parse(&a, str_of(data + 1, size - 1), STR("a.b"), type);
	check((a.count > 0) == (a.outcome == DNS_FOUND) && a.count <= DNS_ROWS_MAX);
	check_name(a.name);
	for (size_t i = 0; i < a.count; i++) {
		if (type == DNS_A || type == DNS_AAAA)
			check(a.rows[i].data.n == (type == DNS_A ? 4 : 16));
		else if (type == DNS_TLSA)
			check(a.rows[i].data.n > 0);
		else if (type != DNS_TXT)
			check_name(a.rows[i].data);
	}
	dns_answer_free(&a);
	return 0;
}
