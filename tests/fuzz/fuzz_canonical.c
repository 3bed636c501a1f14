/* Addresses, names and domains in canonical form: whatever comes in, what comes out has the shape that the
 * directory relies on, and is its own canonical form. */
#include <stdlib.h>

#include "account/canonical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_shape(const struct canonical *c)
{
	struct str domain = canonical_domain(c), local = canonical_local(c);

	check(c->n <= ADDRESS_MAX && c->text[c->n] == '\0');
	check(str_find(canonical_str(c), '\0') == c->n && str_utf8(canonical_str(c)));
	check(local.n > 0 && domain.n > 0 && c->text[c->local_n] == '@');
	check(str_ascii(domain) && domain.p[domain.n - 1] != '.');
	for (size_t i = 0; i < domain.n; i++)
		check(domain.p[i] == ascii_lower(domain.p[i]) && domain.p[i] != '@' &&
			domain.p[i] != '%');
}

/* A name that may be given to a mailbox needs no quotes, so it can be read again. */
static void check_again(const struct canonical *c)
{
	struct canonical again;

	if (canonical_check_local(canonical_local(c), NULL) != ST_OK)
		return;
	check(canonical_address(canonical_str(c), &again));
	check(str_eq(canonical_str(c), canonical_str(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);
	char name[ADDRESS_MAX + 1];
	struct canonical c;
	struct err err = { .code = ST_OK };
	size_t n;

	if (size > 4096)
		return 0;
	if (canonical_address(in, &c)) {
		check_shape(&c);
		check_again(&c);
	}
	if (canonical_name(in, &c))
		check(c.n > 0 && c.n <= ADDRESS_MAX && str_find(canonical_str(&c), '@') == c.n);
	if (canonical_domain_name(in, name, &n))
		check(n > 0 && n <= DOMAIN_MAX && name[n] == '\0');
	canonical_check_local(in, &err);
	return 0;
}
