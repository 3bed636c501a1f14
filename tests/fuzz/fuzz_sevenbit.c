/* What was made 7-bit is 7-bit, the same wherever the octets were cut, and needs nothing more. */
#include <stdlib.h>

#include "mime/sevenbit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum sevenbit_result convert(struct str message, size_t cut, struct buf *out)
{
	struct sevenbit *s = sevenbit_new();
	enum sevenbit_result result;

	sevenbit_scan(s, str_head(message, cut));
	sevenbit_scan(s, str_from(message, cut));
	result = sevenbit_scanned(s);
	if (result == SEVENBIT_POSSIBLE) {
		sevenbit_convert(s, str_head(message, cut), false, out);
		sevenbit_convert(s, str_from(message, cut), true, out);
	}
	sevenbit_free(s);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str message = str_of(data, size);
	struct buf whole = { 0 }, cut = { 0 }, none = { 0 };
	enum sevenbit_result result;

	if (size > 16384 || size == 0)
		return 0;
	result = convert(message, 0, &whole);
	if (convert(message, data[0] * size / 256, &cut) != result ||
		!str_eq(buf_str(&whole), buf_str(&cut)))
		abort();
	if (result == SEVENBIT_IS && !str_ascii(message))
		abort();
	if (result == SEVENBIT_POSSIBLE &&
		(!str_ascii(buf_str(&whole)) ||
			convert(buf_str(&whole), 0, &none) == SEVENBIT_POSSIBLE))
		abort();
	buf_deinit(&whole);
	buf_deinit(&cut);
	buf_deinit(&none);
	return 0;
}
