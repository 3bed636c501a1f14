/* Paths and parameters: what is taken keeps its promises, and is taken again when printed. */
#include <stdlib.h>

#include "proto/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void check_octets(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		check((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f);
}

static void check_path(struct str in, enum path_kind kind)
{
	struct str rest = in;
	struct path path, again;

	if (!path_cut(&rest, kind, &path))
		return;
	check_octets(path.mailbox);
	check(str_utf8(path.mailbox));
	check(path.utf8 == !str_ascii(path.mailbox));
	check(path.local.n <= PATH_LOCAL_MAX && path.domain.n <= PATH_DOMAIN_MAX);
	check(rest.p + rest.n == in.p + in.n && rest.n < in.n);
	if (path.domain.n == 0)
		return;
	check(path.mailbox.n == path.local.n + 1 + path.domain.n);
	check(path_mailbox(path.mailbox, &again));
	check(str_eq(again.local, path.local) && str_eq(again.domain, path.domain));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size), rest = in;
	struct buf plain = { 0 };
	struct param param;

	check_path(in, PATH_REVERSE);
	check_path(in, PATH_FORWARD);
	while (param_cut(&rest, &param) == PARAM_CUT)
		check_octets(param.value);
	if (xtext_get(in, &plain))
		check(plain.len <= size);
	buf_deinit(&plain);
	return 0;
}
