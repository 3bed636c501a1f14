/* The command line: words separated by NUL, for any command of the table.  Options and arguments that come out
 * are those that went in, and what is refused is told (libFuzzer: -close_fd_mask=2). */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "account/account.h"
#include "base/buf.h"
#include "base/codec.h"
#include "cmd/cmd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 32 };

static void check(bool truth)
{
	if (!truth)
		abort();
}

static bool is_word(const char *s, const struct buf *text)
{
	return s == NULL || s[0] == '\0' || (s >= text->data && s < text->data + text->len);
}

static void check_values(struct str in)
{
	int64_t n;

	if (value_quota(in, true, &n))
		check(n >= QUOTA_DEFAULT);
	if (value_duration(in, &n))
		check(n >= 0);
	(void)value_moment(in, &n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);
	struct cmd c = { .row = size == 0 ? commands : &commands[data[0] % commands_count] };
	struct buf text = { 0 };
	char *words[WORDS_MAX + 1] = { NULL };
	int n = 0, code;

	buf_put(&text, str_from(in, 1));
	buf_putc(&text, '\0');
	for (size_t at = 0; at < text.len && n < WORDS_MAX; at += strlen(text.data + at) + 1)
		words[n++] = text.data + at;
	code = cmd_options(&c, n, words);
	check(code == EX_OK || code == EX_USAGE);
	if (code == EX_OK) {
		check(c.nargs <= n && c.state != NULL);
		for (size_t i = 0; i < OPTION_COUNT; i++) {
			check(is_word(c.value[i], &text));
			check(c.value[i] == NULL || command_takes(c.row, (enum option_id)i));
		}
		for (int i = 0; i < c.nargs; i++)
			check(is_word(c.args[i], &text));
	}
	check_values(in);
	buf_deinit(&text);
	return 0;
}
