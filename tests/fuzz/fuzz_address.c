/* Address lists: each cut makes progress and gives one local@domain without blanks outside quotes,
 * controls or line ends; cutting what was cut gives it again. */
#include <stdint.h>
#include <stdlib.h>

#include "mime/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_address(struct str s)
{
	struct address_list again = { .rest = s };
	struct buf one = { 0 };

	check(s.n >= 3 && s.n <= ADDRESS_MAX && str_find(s, '@') < s.n && str_utf8(s));
	for (size_t i = 0; i < s.n; i++)
		check(((unsigned char)s.p[i] >= ' ' || s.p[i] == '\t') && s.p[i] != 0x7f);
	check(address_cut(&again, &one) == ADDRESS_CUT && str_eq(buf_str(&one), s));
	check(address_cut(&again, &one) == ADDRESS_END);
	buf_deinit(&one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct address_list l = { .rest = str_of(data, size) };
	struct buf one = { 0 };
	size_t left = size + 1;

	while (address_cut(&l, &one) == ADDRESS_CUT) {
		check(l.rest.n < left);
		left = l.rest.n;
		check_address(buf_str(&one));
	}
	buf_deinit(&one);
	return 0;
}
