/* The client's side of SOCKS 5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/socks.h"

#define OPEN  "\x05\0"
#define WANTS "\x05\x02"
#define V4    "\x05\0\0\x01\x7f\0\0\x01\0\x19"
#define V6    "\x05\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x19"
#define NAME                                                                                       \
	"\x05\0\0\x03\x03"                                                                         \
	"abc"                                                                                      \
	"\0\x19"
#define ASKED                                                                                      \
	"\x05\x01\0\x03\x06"                                                                       \
	"p.test"                                                                                   \
	"\x03\xe3"
#define HELLO "\x05\x01\0"

/* clang-format off */
static const struct {
	const char *name;
	struct str user, in, out;
	enum status end;
	const char *says;
} rows[] = {
	{ "IPv4", STR_INIT(""), STR_INIT(OPEN V4), STR_INIT(HELLO ASKED), ST_OK, "" },
	{ "IPv6", STR_INIT(""), STR_INIT(OPEN V6), STR_INIT(HELLO ASKED), ST_OK, "" },
	{ "a name", STR_INIT(""), STR_INIT(OPEN NAME), STR_INIT(HELLO ASKED), ST_OK, "" },
	{ "a password", STR_INIT("ann"), STR_INIT(WANTS "\x01\0" V4),
		STR_INIT("\x05\x02\0\x02" "\x01\x03" "ann" "\x02" "pw" ASKED), ST_OK, "" },
	{ "a password is not wanted", STR_INIT("ann"), STR_INIT(OPEN V4), STR_INIT("\x05\x02\0\x02" ASKED), ST_OK, "" },
	{ "a wrong password", STR_INIT("ann"), STR_INIT(WANTS "\x01\x01"),
		STR_INIT("\x05\x02\0\x02" "\x01\x03" "ann" "\x02" "pw"), ST_PERM, "the proxy refused the password" },
	{ "a password that nobody has", STR_INIT(""), STR_INIT("\x05\xff"), STR_INIT(HELLO), ST_PERM,
		"the proxy wants a user and a password" },
	{ "a method that was not offered", STR_INIT(""), STR_INIT(WANTS), STR_INIT(HELLO), ST_PERM,
		"the proxy wants a user and a password" },
	{ "an unknown method", STR_INIT("ann"), STR_INIT("\x05\x01"), STR_INIT("\x05\x02\0\x02"), ST_PERM,
		"the proxy wants another way to log in" },
	{ "SOCKS 4", STR_INIT(""), STR_INIT("\0\x5a"), STR_INIT(HELLO), ST_PROTO, "the proxy does not speak SOCKS 5" },
	{ "HTTP", STR_INIT(""), STR_INIT("HT"), STR_INIT(HELLO), ST_PROTO, "the proxy does not speak SOCKS 5" },
	{ "forbidden", STR_INIT(""), STR_INIT(OPEN "\x05\x02\0\x01\0"), STR_INIT(HELLO ASKED), ST_PERM,
		"the proxy: its rules forbid it" },
	{ "refused", STR_INIT(""), STR_INIT(OPEN "\x05\x05\0\x01\0"), STR_INIT(HELLO ASKED), ST_TEMP,
		"the proxy: connection refused" },
	{ "unknown failure", STR_INIT(""), STR_INIT(OPEN "\x05\xfe\0\x01\0"), STR_INIT(HELLO ASKED), ST_TEMP,
		"the proxy: unknown failure" },
	{ "another kind of address", STR_INIT(""), STR_INIT(OPEN "\x05\0\0\x02\0"), STR_INIT(HELLO ASKED), ST_PROTO,
		"the proxy does not speak SOCKS 5" },
	{ "cut", STR_INIT(""), STR_INIT(OPEN "\x05\0\0\x01\x7f\0\0"), STR_INIT(HELLO ASKED), ST_PROTO,
		"the proxy closed the connection" },
};
static const struct {
	struct str text;
	bool good;
	const char *host;
	uint16_t port;
	const char *user, *password;
} texts[] = {
	{ STR_INIT("socks5://p"), true, "p", 1080, "", "" },
	{ STR_INIT("socks5://127.0.0.1:9050"), true, "127.0.0.1", 9050, "", "" },
	{ STR_INIT("socks5://[::1]:9"), true, "::1", 9, "", "" },
	{ STR_INIT("socks5://[::1]"), true, "::1", 1080, "", "" },
	{ STR_INIT("socks5://a:b:c@d@p:1"), true, "p", 1, "a", "b:c@d" },
	{ STR_INIT("socks5://a@p"), false, "", 0, "", "" },
	{ STR_INIT("socks5://:b@p"), false, "", 0, "", "" },
	{ STR_INIT("socks5://a:@p"), false, "", 0, "", "" },
	{ STR_INIT("socks5://"), false, "", 0, "", "" },
	{ STR_INIT("socks5://p:0"), false, "", 0, "", "" },
	{ STR_INIT("socks5://p:65536"), false, "", 0, "", "" },
	{ STR_INIT("socks5://p:x"), false, "", 0, "", "" },
	{ STR_INIT("socks5://[::1]x"), false, "", 0, "", "" },
	{ STR_INIT("http://p:1"), false, "", 0, "", "" },
	{ STR_INIT(""), false, "", 0, "", "" },
};
/* clang-format on */

static void conversations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct socks s = { .host = STR("p.test"),
			.port = 995,
			.user = rows[i].user,
			.password = rows[i].user.n > 0 ? STR("pw") : STR("") };
		struct buf out = { 0 };
		struct err err = { ST_OK, "" };
		struct str in = rows[i].in;
		enum status status = socks_begin(&s, &out, &err);

		while (status == ST_MORE) {
			size_t n = s.wants;

			assert_in_range(n, 1, 257);
			status = socks_take(&s, str_head(in, n), &out, &err);
			in = str_from(in, n);
		}
		if (status != rows[i].end || in.n > 0 || !str_eq(buf_str(&out), rows[i].out) ||
			strcmp(err.text, rows[i].says) != 0)
			fail_msg("%s: %d, %s", rows[i].name, (int)status, err.text);
		buf_deinit(&out);
	}
}

static void what_does_not_fit(void **state)
{
	char wide[256];
	struct buf out = { 0 };

	(void)state;
	memset(wide, 'x', sizeof wide);
	for (int i = 0; i < 4; i++) {
		struct str text = str_of(wide, sizeof wide);
		struct socks s = { .host = i == 0 ? text : STR("h"),
			.user = i == 1 ? text : STR("u"),
			.password = i == 2   ? text
				    : i == 3 ? STR("")
					     : STR("p") };

		assert_int_equal(socks_begin(&s, &out, NULL), ST_USAGE);
	}
	assert_int_equal(out.len, 0);
}

static void settings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct str host, user, password;
		uint16_t port;

		if (socks_parse(texts[i].text, &host, &port, &user, &password) != texts[i].good)
			fail_msg("%.*s", STR_ARG(texts[i].text));
		if (!texts[i].good)
			continue;
		assert_true(str_eq(host, str_c(texts[i].host)) && port == texts[i].port);
		assert_true(str_eq(user, str_c(texts[i].user)));
		assert_true(str_eq(password, str_c(texts[i].password)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations),
		cmocka_unit_test(what_does_not_fit),
		cmocka_unit_test(settings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
