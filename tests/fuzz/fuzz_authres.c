/* Authentication-Results: what is left of a header claims nothing any more, what was left out is all that is
 * missing, and our own field can be read back whatever peers put into it.  The first line is a value. */
#include <stdlib.h>

#include "trust/authres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str header = str_of(data, size), value = str_cut(&header, '\n'), ours, rest;
	struct buf once = { 0 }, twice = { 0 }, id = { 0 };
	struct authres a;
	size_t lines = 0;

	if (size > 16384)
		return 0;
	check((authres_strip(&once, header, STR("mx.test")) == 0) == (once.len == header.n));
	check(authres_strip(&twice, buf_str(&once), STR("mx.test")) == 0);
	check(str_eq(buf_str(&once), buf_str(&twice)));
	(void)authres_says(header, STR("dmarc"), STR("pass"));

	buf_clear(&once);
	authres_begin(&a, &once, STR("mx.test"));
	authres_result(&a, STR("dkim"), STR("pass"));
	authres_comment(&a, value);
	authres_property(&a, STR("header.d"), value);
	authres_result(&a, STR("spf"), STR("none"));
	authres_end(&a);
	ours = str_from(buf_str(&once), STR("Authentication-Results:").n);
	check(authres_id(ours, &id) && str_eq(buf_str(&id), STR("mx.test")));
	for (rest = buf_str(&once); rest.n > 0; lines++)
		check(str_ends(str_cut(&rest, '\n'), STR("\r")));
	check(lines == 3);
	check(authres_says(ours, STR("spf"), STR("none")) &&
		!authres_says(ours, STR("spf"), STR("pass")));
	buf_clear(&twice);
	check(authres_strip(&twice, buf_str(&once), STR("mx.test")) == 1 && twice.len == 0);
	buf_deinit(&once);
	buf_deinit(&twice);
	buf_deinit(&id);
	return 0;
}
