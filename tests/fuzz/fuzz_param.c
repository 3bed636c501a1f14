/* Fields with parameters, dates, lines between the messages of an mbox file: what comes out of any octets is text
 * that may be used, and a date that was read is written and read again as the same. */
#include <stdlib.h>

#include "mime/date.h"
#include "mime/mbox.h"
#include "mime/param.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_date(struct str in)
{
	struct buf text = { 0 };
	int64_t ms, again;

	if (date_get(in, &ms) && ms >= 0 && ms < INT64_C(253402300800000)) {
		date_put(&text, ms);
		check(date_get(buf_str(&text), &again) && again == ms - ms % 1000);
	}
	if (date_day(in, &ms))
		check(ms % (24 * 3600 * 1000) == 0);
	buf_deinit(&text);
}

static void check_separator(struct str in)
{
	struct buf line = { 0 };
	struct str sender, back;
	int64_t ms, again;

	check(mbox_quotes(in) >= -1);
	if (in.n > MBOX_LINE_MAX - 40 || !mbox_separator(in, &sender, &ms))
		return;
	check(sender.n == 0 || (sender.p >= in.p && sender.p + sender.n <= in.p + in.n));
	if (ms < 0 || ms >= INT64_C(253402300800000) || str_find(sender, '\0') < sender.n)
		return;
	mbox_separator_put(&line, sender, ms);
	back = buf_str(&line);
	check(back.n > 0 && str_find(back, '\n') == back.n);
	check(mbox_separator(back, &sender, &again) && again == ms);
	buf_deinit(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str names[] = { STR_INIT("filename"), STR_INIT("charset"),
		STR_INIT("boundary"), STR_INIT("a") };
	struct str in = str_of(data, size);
	struct buf out = { 0 };

	param_main(in, &out);
	check(out.len <= size + 16);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		buf_clear(&out);
		if (!param_get(in, names[i], &out))
			check(out.len == 0);
		check(str_utf8(buf_str(&out)));
	}
	check_date(in);
	check_separator(str_head(in, str_find(in, '\n')));
	buf_deinit(&out);
	return 0;
}
