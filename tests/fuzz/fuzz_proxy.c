/* The header of the PROXY protocol, octet by octet and at once: the same verdict, the same client, and nothing
 * behind it is touched.  And lists of networks: what is read is written and read again as the same. */
#include <stdlib.h>
#include <string.h>

#include "net/cidr.h"
#include "net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_proxy(struct str in)
{
	struct proxy at_once = { .n = 0 }, one_by_one = { .n = 0 };
	size_t used = 0, sum = 0, n;
	enum proxy_result first = proxy_feed(&at_once, in, &used), second = PROXY_MORE;

	check(used <= in.n);
	for (size_t i = 0; i < in.n && second == PROXY_MORE; i++) {
		second = proxy_feed(&one_by_one, str_of(in.p + i, 1), &n);
		check(n <= 1);
		sum += n;
	}
	check(first == second);
	if (first != PROXY_DONE)
		return;
	check(used == sum && at_once.told == one_by_one.told);
	check(!at_once.told ||
		memcmp(&at_once.client, &one_by_one.client, sizeof at_once.client) == 0);
}

static void check_cidr(struct str in)
{
	struct cidr net, again;
	struct cidr_set set;
	struct str bad = STR("");
	char text[CIDR_TEXT];

	if (cidr_parse(in, &net)) {
		cidr_text(&net, text);
		check(cidr_parse(str_c(text), &again) && memcmp(&net, &again, sizeof net) == 0);
		check(cidr_has(&net, net.address));
	}
	if (!cidr_set_parse(&set, in, &bad))
		check(set.count == 0 && bad.p >= in.p && bad.p + bad.n <= in.p + in.n);
	cidr_set_free(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_proxy(str_of(data, size));
	check_cidr(str_of(data, size));
	return 0;
}
