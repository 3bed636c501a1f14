/* What session files cannot show: a maildrop of a million, and how little is kept of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/pop3c.h"

enum { ROWS = 1000000, OCTETS = 100000000 };

static const struct pop3c_config config = {
	.greeting_timeout_ms = 60000, .command_timeout_ms = 60000, .window = 8
};

static struct pop3c *p;
static struct pop3c_event ev;

static void say(const char *text)
{
	buf_put(pop3c_in(p), str_c(text));
}

static void begin(void)
{
	struct pop3c_peer peer = { .stls = POP3C_TLS_NEVER };

	p = pop3c_new(&config, &peer, 0);
	say("+OK\r\n");
	assert_false(pop3c_next(p, 0, &ev));
	say("+OK\r\nPIPELINING\r\n.\r\n");
	assert_true(pop3c_next(p, 0, &ev));
	assert_int_equal(ev.type, POP3C_ASK_LOGIN);
	assert_true(pop3c_user(p, STR("joe"), STR("secret")));
	say("+OK\r\n+OK\r\n");
	assert_true(pop3c_next(p, 0, &ev));
	assert_int_equal(ev.type, POP3C_EV_LOGGED_IN);
}

static void million_rows(void **state)
{
	uint64_t told = 0;

	(void)state;
	begin();
	assert_true(pop3c_request(p, POP3C_UIDL, 0, 0));
	assert_false(pop3c_next(p, 0, &ev));
	say("+OK\r\n");
	for (uint64_t i = 1; i <= ROWS; i++) {
		buf_printf(pop3c_in(p), "%llu uid-%llu\r\n", (unsigned long long)i,
			(unsigned long long)i);
		if (i % 1000 != 0)
			continue;
		while (pop3c_next(p, 0, &ev)) {
			assert_int_equal(ev.type, POP3C_EV_ROW);
			assert_int_equal(ev.number, ++told);
		}
	}
	say(".\r\n");
	assert_true(pop3c_next(p, 0, &ev));
	assert_int_equal(ev.type, POP3C_EV_DONE);
	assert_int_equal(ev.count, ROWS);
	assert_true(pop3c_in(p)->cap <= 128 * 1024);
	pop3c_free(p);
}

/* One line of 100 MB: passed on as it comes, without being searched again. */
static void endless_line(void **state)
{
	static char piece[32768];
	uint64_t got = 0;

	(void)state;
	begin();
	assert_true(pop3c_request(p, POP3C_RETR, 1, 0));
	assert_false(pop3c_next(p, 0, &ev));
	say("+OK\r\n");
	for (size_t i = 0; i < sizeof piece; i++)
		piece[i] = i % 2 == 0 ? '.' : 'x';
	for (size_t sent = 0; sent < OCTETS; sent += sizeof piece) {
		buf_put(pop3c_in(p), str_of(piece, sizeof piece));
		while (pop3c_next(p, 0, &ev)) {
			assert_int_equal(ev.type, POP3C_EV_BODY);
			got += ev.data.n;
		}
	}
	assert_int_equal(got, (OCTETS + sizeof piece - 1) / sizeof piece * sizeof piece - 1);
	assert_true(pop3c_in(p)->cap <= 128 * 1024);
	pop3c_free(p);
}

/* Requests beyond the room are refused, and no more than the window are in flight. */
static void room(void **state)
{
	size_t made = 0, sent = 0;

	(void)state;
	begin();
	buf_clear(pop3c_out(p));
	while (pop3c_request(p, POP3C_NOOP, 0, 0))
		made++;
	assert_int_equal(made, POP3C_REQUESTS_MAX);
	assert_int_equal(pop3c_room(p), 0);
	assert_false(pop3c_next(p, 0, &ev));
	for (struct str rest = buf_str(pop3c_out(p)); rest.n > 0; sent++)
		assert_true(str_eq(str_cut(&rest, '\n'), STR("NOOP\r")));
	assert_int_equal(sent, config.window);
	for (size_t i = 0; i < made; i++) {
		say("+OK\r\n");
		assert_true(pop3c_next(p, 0, &ev));
		assert_int_equal(ev.type, POP3C_EV_DONE);
		assert_false(pop3c_next(p, 0, &ev));
	}
	assert_int_equal(pop3c_room(p), POP3C_REQUESTS_MAX);
	assert_int_equal(pop3c_deadline(p), INT64_MAX);
	pop3c_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(million_rows),
		cmocka_unit_test(endless_line),
		cmocka_unit_test(room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
