/* What session files cannot show: output that the connection does not take, and size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"
#include "proto/smtpc.h"

enum { RCPTS = 10000 };

static const struct smtpc_config config = {
	.greeting_timeout_ms = 300000,
	.command_timeout_ms = 300000,
	.data_timeout_ms = 120000,
	.block_timeout_ms = 180000,
	.end_timeout_ms = 600000,
	.quit_timeout_ms = 5000,
};

static struct smtpc *c;
static struct smtpc_event ev;
static int64_t now;

static void say(const char *replies)
{
	buf_put(smtpc_in(c), str_c(replies));
}

static void begin(bool authenticate)
{
	struct smtpc_peer peer = { .hostname = STR("c.example"), .authenticate = authenticate };

	now = 0;
	c = smtpc_new(&config, &peer, now);
	say("220 b\r\n");
	assert_false(smtpc_next(c, now, &ev));
	buf_clear(smtpc_out(c));
	say("250-b\r\n250-AUTH PLAIN\r\n250 PIPELINING\r\n");
	assert_true(smtpc_next(c, now, &ev));
}

static void assert_next(enum smtpc_event_type type)
{
	assert_true(smtpc_next(c, now, &ev));
	assert_int_equal(ev.type, type);
}

/* Up to the first question for octets. */
static void send_to_body(const struct smtpc_message *m)
{
	struct smtpc_result result;

	assert_int_equal(ev.type, SMTPC_EV_READY);
	assert_true(smtpc_send(c, m, &result));
	assert_false(smtpc_next(c, now, &ev));
	buf_clear(smtpc_out(c));
	say("250 ok\r\n250 ok\r\n354 go\r\n");
	assert_next(SMTPC_ASK_BODY);
}

static struct smtpc_rcpt joe = { STR_INIT("joe@b.example"), 0, STR_INIT("") };

/* The final dot is in out, but the connection never took it: the server cannot have the message. */
static void dot_not_taken(void **state)
{
	struct smtpc_message m = { .reverse_path = STR(""),
		.rcpts = &joe,
		.rcpt_count = 1,
		.octets = 3,
		.envid = STR("") };

	(void)state;
	for (size_t left = 0; left < 2; left++) {
		begin(false);
		send_to_body(&m);
		smtpc_body(c, STR("x\r\n"));
		assert_false(smtpc_next(c, now, &ev));
		buf_consume(smtpc_out(c), smtpc_out(c)->len - left);
		smtpc_closed(c);
		assert_next(SMTPC_EV_RCPT);
		assert_int_equal(ev.result.outcome, left == 0 ? SMTPC_UNKNOWN : SMTPC_DEFERRED);
		assert_next(SMTPC_EV_DONE);
		assert_next(SMTPC_EV_CLOSE);
		smtpc_free(c);
	}
}

/* The same when the envelope of the next message is behind the dot. */
static void dot_taken_before_envelope(void **state)
{
	static const struct str envelope =
		STR_INIT("MAIL FROM:<>\r\nRCPT TO:<joe@b.example>\r\nDATA\r\n");
	struct smtpc_message m = { .reverse_path = STR(""),
		.rcpts = &joe,
		.rcpt_count = 1,
		.octets = 3,
		.envid = STR("") };

	(void)state;
	for (size_t left = 0; left < 2; left++) {
		begin(false);
		send_to_body(&m);
		assert_true(smtpc_follow(c, &m));
		smtpc_body(c, STR("x\r\n"));
		assert_false(smtpc_next(c, now, &ev));
		assert_true(str_ends(buf_str(smtpc_out(c)), envelope));
		buf_consume(smtpc_out(c), smtpc_out(c)->len - envelope.n - left);
		smtpc_closed(c);
		assert_next(SMTPC_EV_RCPT);
		assert_int_equal(ev.result.outcome, left == 0 ? SMTPC_UNKNOWN : SMTPC_DEFERRED);
		assert_next(SMTPC_EV_DONE);
		assert_next(SMTPC_EV_RCPT);
		assert_int_equal(ev.result.outcome, SMTPC_DEFERRED);
		assert_next(SMTPC_EV_DONE);
		assert_next(SMTPC_EV_CLOSE);
		smtpc_free(c);
	}
}

/* A big message waits for the connection, and the time of a block begins anew when something moved. */
static void back_pressure(void **state)
{
	struct smtpc_message m = { .reverse_path = STR(""),
		.rcpts = &joe,
		.rcpt_count = 1,
		.octets = 10000000,
		.envid = STR("") };
	struct buf lines = { 0 };
	size_t most = 0;

	(void)state;
	for (size_t i = 0; i < 10000000 / 4; i++)
		buf_put(&lines, STR(".x\r\n"));
	begin(false);
	send_to_body(&m);
	do {
		smtpc_body(c, str_head(str_from(buf_str(&lines), (size_t)ev.offset), ev.want));
		if (smtpc_out(c)->len > most)
			most = smtpc_out(c)->len;
		while (!smtpc_next(c, now, &ev) && smtpc_out(c)->len > 0) {
			assert_int_equal(smtpc_deadline(c), now + 180000);
			now += 179999;
			buf_consume(smtpc_out(c), smtpc_out(c)->len / 2 + 1);
		}
	} while (ev.type == SMTPC_ASK_BODY && ev.want > 0);
	assert_true(most < 200000);
	assert_int_equal(smtpc_deadline(c), now + 600000);
	smtpc_free(c);
	buf_deinit(&lines);
}

/* The commands for many recipients go out as the connection takes them; every third is refused. */
static void many_recipients(void **state)
{
	struct smtpc_rcpt *rcpts = mem_array(NULL, RCPTS, sizeof *rcpts);
	struct smtpc_message m = { .reverse_path = STR(""),
		.rcpts = rcpts,
		.rcpt_count = RCPTS,
		.octets = 0,
		.envid = STR("") };
	struct smtpc_result result;
	size_t refused = 0, answered = 0, most = 0;

	(void)state;
	for (size_t i = 0; i < RCPTS; i++)
		rcpts[i] = joe;
	begin(false);
	assert_true(smtpc_send(c, &m, &result));
	assert_false(smtpc_next(c, now, &ev));
	say("250 ok\r\n");
	while (answered < RCPTS) {
		while (smtpc_next(c, now, &ev)) {
			assert_int_equal(ev.type, SMTPC_EV_RCPT);
			assert_int_equal(ev.index % 3, 1);
			refused++;
		}
		if (smtpc_out(c)->len > most)
			most = smtpc_out(c)->len;
		buf_clear(smtpc_out(c));
		for (int i = 0; i < 100 && answered < RCPTS; i++)
			say(answered++ % 3 == 1 ? "550 no\r\n" : "250 ok\r\n");
	}
	while (smtpc_next(c, now, &ev))
		refused++;
	assert_int_equal(refused, RCPTS / 3);
	assert_true(most < 100000);
	buf_clear(smtpc_out(c));
	say("354 go\r\n");
	assert_false(smtpc_next(c, now, &ev));
	say("250 ok\r\n");
	for (size_t i = 0; i < RCPTS - refused; i++) {
		assert_next(SMTPC_EV_RCPT);
		assert_int_equal(ev.result.outcome, SMTPC_DELIVERED);
	}
	assert_next(SMTPC_EV_DONE);
	smtpc_free(c);
	free(rcpts);
}

/* RFC 4954 4: an initial response that is too long for the line waits for an empty challenge. */
static void long_initial(void **state)
{
	struct buf token = { 0 }, want = { 0 };

	(void)state;
	buf_fill(&token, 'x', 20000);
	base64_put(&want, buf_str(&token));
	buf_put(&want, STR("\r\n"));
	begin(true);
	assert_int_equal(ev.type, SMTPC_ASK_AUTH);
	smtpc_auth(c, STR("XOAUTH2"), buf_str(&token), true);
	assert_true(str_eq(buf_str(smtpc_out(c)), STR("AUTH XOAUTH2\r\n")));
	buf_clear(smtpc_out(c));
	say("334 \r\n");
	assert_false(smtpc_next(c, now, &ev));
	assert_true(str_eq(buf_str(smtpc_out(c)), buf_str(&want)));
	smtpc_free(c);
	buf_deinit(&token);
	buf_deinit(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dot_not_taken),
		cmocka_unit_test(dot_taken_before_envelope),
		cmocka_unit_test(back_pressure),
		cmocka_unit_test(many_recipients),
		cmocka_unit_test(long_initial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
