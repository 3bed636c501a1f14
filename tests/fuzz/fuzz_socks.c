/* A SOCKS proxy that says anything: an end comes, and no more is asked for than it can have; and settings of any
 * octets. */
#include <stdlib.h>

#include "proto/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void converse(struct str in, bool secret)
{
	struct socks s = { .host = STR("p.test"), .port = 995 };
	struct buf out = { 0 };
	int turns = 0;
	enum status status;

	if (secret)
		s.user = s.password = STR("ann");
	status = socks_begin(&s, &out, NULL);
	while (status == ST_MORE) {
		size_t n = s.wants;

		if (++turns > 4 || n == 0 || n > SOCKS_TEXT_MAX + 2)
			abort();
		status = socks_take(&s, str_head(in, n), &out, NULL);
		in = str_from(in, n);
	}
	if ((status == ST_OK) != (s.stage == SOCKS_THROUGH))
		abort();
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size), host, user, password;
	uint16_t port;

	converse(in, false);
	converse(in, true);
	if (socks_parse(in, &host, &port, &user, &password) &&
		(port == 0 || host.n == 0 || (user.n == 0) != (password.n == 0)))
		abort();
	return 0;
}
