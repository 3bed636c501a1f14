/* MTA-STS records and policies: what is taken keeps the limits, and its patterns match themselves. */
#include <stdlib.h>

#include "trust/mtasts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_policy(struct str body)
{
	struct mtasts_policy p;
	struct str rest;
	size_t count = 0;

	if (mtasts_parse(&p, body, NULL) != ST_OK)
		return;
	check(p.max_age <= MTASTS_AGE_MAX);
	for (rest = buf_str(&p.mx); rest.n > 0; count++) {
		struct str mx = str_cut(&rest, '\n');

		check(mx.n > 0 && mx.n <= 255 && str_ascii(mx));
		check(str_starts(mx, STR("*.")) || mtasts_mx_allowed(&p, mx));
	}
	check(count <= MTASTS_MX_MAX && (count > 0 || p.mode == MTASTS_OFF));
	mtasts_policy_deinit(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_row row = { .data = str_of(data, size) };
	struct dns_answer txt = { .outcome = DNS_FOUND, .rows = &row, .count = 1 };
	struct str id = { 0 };

	if (mtasts_record(&txt, &id))
		check(id.n > 0 && id.n <= MTASTS_ID_MAX && str_ascii(id));
	check_policy(row.data);
	return 0;
}
