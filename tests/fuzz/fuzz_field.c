/* Header sections: cut into fields and put together again they are what they were, wherever the
 * octets were cut on their way; fix-ups add and remove only what they say. */
#include <stdlib.h>

#include "mime/compose.h"
#include "mime/field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static size_t count(struct str s, struct str name)
{
	struct field f;
	size_t n = 0;

	while (field_cut(&s, &f))
		n += str_ieq(f.name, name);
	return n;
}

static size_t fields_length(struct str in)
{
	struct str rest = in;
	struct field f;

	while (field_cut(&rest, &f)) {
		check(f.name.n > 0 && f.whole.n > f.name.n && f.body.n < f.whole.n);
		check(rest.p == f.whole.p + f.whole.n);
	}
	return in.n - rest.n;
}

static void check_search(struct str in, size_t length)
{
	struct header_search search = { 0 };
	size_t found = 0;

	for (size_t n = 0; n <= in.n; n++)
		if (header_search(&search, str_head(in, n), n == in.n, &found))
			break;
	/* Only a last line without its CRLF may be seen in two ways. */
	check(found == length || !str_ends(in, STR("\r\n")));
}

static void check_fix(struct str in)
{
	static const struct compose_fix fix = { .hostname = STR_INIT("h") };
	struct header_search search = { 0 };
	size_t end = compose_header_end(in, &search);
	struct buf whole = { 0 }, parts = { 0 };

	check(end <= in.n);
	if (end == 0)
		end = in.n;
	compose_fix_header(&whole, in, &fix);
	compose_fix_header(&parts, str_head(in, end), &fix);
	buf_put(&parts, str_from(in, end));
	check(str_eq(buf_str(&whole), buf_str(&parts)));
	check(count(buf_str(&whole), STR("Date")) > 0 || count(in, STR("Date")) > 0);
	check(count(buf_str(&whole), STR("Bcc")) == 0);
	buf_deinit(&whole);
	buf_deinit(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);
	struct compose_trace trace = { .helo = in,
		.client = in,
		.by = in,
		.with = in,
		.id = in,
		.tls_version = in,
		.tls_cipher = in,
		.recipient = in,
		.reverse_path = in,
		.utf8 = size % 2 == 0 };
	struct buf out = { 0 };
	struct str rest;

	if (size > 4096)
		return 0;
	check_search(in, fields_length(in));
	check_fix(in);
	compose_trace(&out, &trace);
	rest = buf_str(&out);
	check(count(rest, STR("Return-Path")) == 1 && count(rest, STR("Received")) == 1);
	check(fields_length(rest) == rest.n);
	buf_deinit(&out);
	return 0;
}
