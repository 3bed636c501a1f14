/* Reads a message from standard input, puts what sevenbit_scanned() says of it on a line, and the 7-bit message
 * after that: for check_sevenbit.py.  Usage: show_sevenbit OCTETS-AT-A-TIME */
#include <stdio.h>
#include <stdlib.h>

#include "mime/sevenbit.h"

int main(int argc, char **argv)
{
	static const char *const results[] = { "is", "possible", "impossible" };
	struct sevenbit *s = sevenbit_new();
	struct buf message = { 0 }, out = { 0 };
	enum sevenbit_result result;
	uint64_t step = 0;
	char *room = buf_reserve(&message, 8 * 1024 * 1024);

	if (argc != 2 || !str_u64(str_c(argv[1]), &step) || step == 0)
		return 1;
	buf_grew(&message, fread(room, 1, 8 * 1024 * 1024, stdin));
	for (size_t i = 0; i < message.len; i += step)
		sevenbit_scan(s, str_head(str_from(buf_str(&message), i), step));
	result = sevenbit_scanned(s);
	printf("%s\n", results[result]);
	if (result == SEVENBIT_POSSIBLE) {
		for (size_t i = 0; i < message.len; i += step)
			sevenbit_convert(
				s, str_head(str_from(buf_str(&message), i), step), false, &out);
		sevenbit_convert(s, STR(""), true, &out);
	}
	fwrite(buf_str(&out).p, 1, out.len, stdout);
	sevenbit_free(s);
	buf_deinit(&message);
	buf_deinit(&out);
	return 0;
}
