/* restante.conf from anybody: an error or a configuration, and what is printed reads back the same. */
#include <stdlib.h>

#include "daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { ST_OK, "" };
	struct config *c = config_parse(str_of(data, size), "fuzz.conf", &err), *again;
	struct buf printed = { 0 }, twice = { 0 };

	if (c == NULL) {
		if (err.code == ST_OK || err.text[0] == '\0')
			abort(); /* refused without a word */
		return 0;
	}
	config_print(&printed, c, false);
	again = config_parse(buf_str(&printed), "printed.conf", &err);
	if (again == NULL)
		abort();
	config_print(&twice, again, false);
	if (!str_eq(buf_str(&printed), buf_str(&twice)))
		abort();
	config_free(again);
	config_free(c);
	buf_deinit(&printed);
	buf_deinit(&twice);
	return 0;
}
