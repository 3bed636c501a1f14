/* Our clients against our servers, in memory: random messages, cut at random, come out as they went in, by
 * DATA and by BDAT, with one recipient refused here and there, and back by RETR and TOP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/pop3c.h"
#include "proto/pop3d.h"
#include "proto/smtpc.h"
#include "proto/smtpd.h"

enum { SESSIONS = 300, MESSAGES = 4, RCPTS = 3 };

static const struct smtpd_config smtpd_config = {
	.hostname = STR_INIT("b.example"),
	.message_size_limit = 1000000,
	.recipients_max = 100,
	.command_line_max = 2048,
	.errors_soft = 1000,
	.errors_hard = 2000,
	.received_max = 50,
	.header_max = 1000000,
	.greet_timeout_ms = 60000,
	.command_timeout_ms = 300000,
	.data_timeout_ms = 180000,
	.session_max_ms = 3600000,
	.smtputf8 = true,
	.chunking = true,
	.mechanisms = STR_INIT("PLAIN"),
};

static const struct smtpc_config smtpc_config = {
	.greeting_timeout_ms = 300000,
	.command_timeout_ms = 300000,
	.data_timeout_ms = 120000,
	.block_timeout_ms = 180000,
	.end_timeout_ms = 600000,
	.quit_timeout_ms = 5000,
};

static uint64_t seed;

static uint64_t rnd(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* Lines of dots, of little and of much, and lines that look like the end of something. */
static void random_message(struct buf *to)
{
	static const char *const lines[] = { "", ".", "..", ".x", "x.", "+OK", "250 ok", "." };
	size_t n = (size_t)rnd(12);

	buf_clear(to);
	for (size_t i = 0; i < n; i++) {
		uint64_t kind = rnd(10);

		if (kind < 8)
			buf_put(to, str_c(lines[kind]));
		else
			buf_fill(to, kind == 8 ? '.' : 'y', (size_t)rnd(60000));
		buf_put(to, STR("\r\n"));
	}
}

/* Some of what one side has to say goes to the other.  False: it had nothing to say. */
static bool carry(struct buf *from, struct buf *to)
{
	size_t n = from->len, room = to->max == 0 ? n : to->max - to->len;

	n = n < room ? n : room;
	if (n == 0)
		return false;
	n = rnd(4) == 0 ? 1 + (size_t)rnd(n) : n;
	buf_put(to, str_head(buf_str(from), n));
	buf_consume(from, n);
	return true;
}

struct meeting {
	struct smtpc *c;
	struct smtpd *d;
	struct buf message, draft;
	struct smtpc_message facts;
	bool refuse[RCPTS], refuse_end;
	size_t sent, accepted, results, done;
	bool closed;
};

static struct smtpc_rcpt rcpts[RCPTS] = { { STR_INIT("0@b.example"), 0, STR_INIT("") },
	{ STR_INIT("1@b.example"), 0, STR_INIT("") },
	{ STR_INIT("2@b.example"), 0, STR_INIT("") } };

static void serve_server(struct meeting *m, const struct smtpd_event *ev)
{
	bool refuse = false;

	if (ev->type == SMTPD_ASK_MAIL)
		buf_clear(&m->draft);
	if (ev->type == SMTPD_ASK_RCPT)
		refuse = m->refuse[ev->path.p[0] - '0'];
	if (ev->type == SMTPD_ASK_BODY)
		buf_put(&m->draft, ev->data);
	if (ev->type == SMTPD_ASK_COMMIT) {
		refuse = m->refuse_end;
		assert_true(str_eq(buf_str(&m->draft), buf_str(&m->message)));
	}
	smtpd_answer(m->d, refuse ? 550 : 0, refuse ? STR("5.1.1 no") : STR(""));
}

static void next_message(struct meeting *m)
{
	struct smtpc_result result;

	if (m->sent == MESSAGES) {
		smtpc_quit(m->c);
		return;
	}
	random_message(&m->message);
	for (size_t i = 0; i < RCPTS; i++)
		m->refuse[i] = rnd(3) == 0;
	m->refuse_end = rnd(5) == 0;
	m->facts = (struct smtpc_message){ .reverse_path = STR("a@a.example"),
		.rcpts = rcpts,
		.rcpt_count = RCPTS,
		.octets = m->message.len,
		.envid = STR("") };
	assert_true(smtpc_send(m->c, &m->facts, &result));
	m->sent++;
}

static void serve_client(struct meeting *m, const struct smtpc_event *ev)
{
	struct str rest = str_from(buf_str(&m->message), (size_t)ev->offset);

	switch (ev->type) {
	case SMTPC_EV_READY: next_message(m); break;
	case SMTPC_ASK_BODY: smtpc_body(m->c, str_head(rest, 1 + (size_t)rnd(ev->want))); break;
	case SMTPC_EV_RCPT:
		m->results++;
		assert_int_equal(ev->result.outcome,
			m->refuse[ev->index] || m->refuse_end ? SMTPC_FAILED : SMTPC_DELIVERED);
		assert_int_equal(
			ev->result.at, m->refuse[ev->index] ? SMTPC_AT_RCPT : SMTPC_AT_END);
		break;
	case SMTPC_EV_DONE: m->done++; break;
	case SMTPC_EV_CLOSE: m->closed = true; break;
	case SMTPC_EV_STARTTLS:
	case SMTPC_ASK_AUTH:
	case SMTPC_ASK_AUTH_MORE:
	case SMTPC_EV_AUTH_OK: fail();
	}
}

static void meet(bool lmtp, unsigned ignore)
{
	struct smtpc_peer client = { .lmtp = lmtp, .hostname = STR("c.example"), .ignore = ignore };
	struct smtpd_peer server = { .role = lmtp ? SMTPD_LMTP : SMTPD_MX, .address = STR("::1") };
	struct meeting m = { .c = smtpc_new(&smtpc_config, &client, 0),
		.d = smtpd_new(&smtpd_config, &server, 0) };
	struct smtpc_event ce;
	struct smtpd_event de;
	bool moved = true;

	smtpd_greet(m.d);
	while (moved && !m.closed) {
		while (smtpd_next(m.d, 0, &de))
			serve_server(&m, &de);
		moved = carry(smtpd_out(m.d), smtpc_in(m.c));
		while (smtpc_next(m.c, 0, &ce))
			serve_client(&m, &ce);
		moved = carry(smtpc_out(m.c), smtpd_in(m.d)) || moved;
	}
	if (!m.closed || m.done != MESSAGES || m.results != MESSAGES * RCPTS)
		fail_msg("%zu messages, %zu results", m.done, m.results);
	smtpc_free(m.c);
	smtpd_free(m.d);
	buf_deinit(&m.message);
	buf_deinit(&m.draft);
}

static void mail_arrives(void **state)
{
	static const unsigned ignore[] = { 0, SMTPC_X_PIPELINING, SMTPC_X_CHUNKING,
		SMTPC_X_PIPELINING | SMTPC_X_CHUNKING };

	(void)state;
	for (size_t i = 0; i < SESSIONS; i++)
		meet(i % 5 == 4, ignore[i % 4]);
}

struct maildrop {
	struct pop3c *c;
	struct pop3d *d;
	struct buf messages[MESSAGES], got;
	struct maildrop_view view;
	size_t over;
	bool closed;
};

static void serve_maildrop(struct maildrop *m, const struct pop3d_event *ev)
{
	struct str rest;

	switch (ev->type) {
	case POP3D_ASK_LOGIN: pop3d_login_ok(m->d, STR("joe"), MESSAGES, 1); break;
	case POP3D_ASK_LISTING: pop3d_listing(m->d, &m->view); break;
	case POP3D_ASK_BODY:
		rest = str_from(buf_str(&m->messages[ev->index]), (size_t)ev->offset);
		assert_true(rest.n > 0 && ev->want > 0);
		pop3d_body(m->d, str_head(rest, 1 + (size_t)rnd(rest.n)));
		break;
	case POP3D_ASK_UPDATE: pop3d_updated(m->d, true); break;
	case POP3D_EV_CLOSE: break;
	case POP3D_EV_STLS:
	case POP3D_ASK_XCLIENT:
	case POP3D_ASK_AUTH:
	case POP3D_ASK_AUTH_MORE:
	case POP3D_EV_AUTH_CANCEL: fail();
	}
}

/* Each message by RETR, and by TOP with more lines than it has. */
static void serve_fetcher(struct maildrop *m, const struct pop3c_event *ev)
{
	switch (ev->type) {
	case POP3C_ASK_LOGIN: assert_true(pop3c_user(m->c, STR("joe"), STR("secret"))); break;
	case POP3C_EV_LOGGED_IN:
		for (uint64_t i = 1; i <= MESSAGES; i++) {
			assert_true(pop3c_request(m->c, POP3C_RETR, i, 0));
			assert_true(pop3c_request(m->c, POP3C_TOP, i, 1000));
		}
		pop3c_quit(m->c);
		break;
	case POP3C_EV_BODY: buf_put(&m->got, ev->data); break;
	case POP3C_EV_DONE:
		assert_int_equal(ev->result.outcome, POP3C_OK);
		if (ev->request != POP3C_QUIT)
			assert_true(
				str_eq(buf_str(&m->got), buf_str(&m->messages[ev->number - 1])));
		buf_clear(&m->got);
		m->over++;
		break;
	case POP3C_EV_CLOSE: m->closed = true; break;
	case POP3C_EV_STLS:
	case POP3C_ASK_AUTH_MORE:
	case POP3C_EV_ROW: fail();
	}
}

static const struct pop3d_config pop3d_config = {
	.hostname = STR_INIT("b.example"),
	.implementation = STR_INIT(""),
	.login_timeout_ms = 180000,
	.autologout_ms = 600000,
	.errors_before_login = 3,
	.errors_after_login = 20,
	.auth_failures = 3,
	.mechanisms = STR_INIT(""),
	.mechanisms_plus = STR_INIT(""),
	.cleartext_auth = true,
	.language = STR_INIT("de"),
};

static const struct pop3c_config pop3c_config = {
	.greeting_timeout_ms = 60000, .command_timeout_ms = 60000, .window = 4
};

static void run_maildrop(struct maildrop *m)
{
	struct pop3c_event ce;
	struct pop3d_event de;
	bool moved = true;

	while (moved && !m->closed) {
		while (pop3d_next(m->d, 0, &de))
			serve_maildrop(m, &de);
		moved = carry(pop3d_out(m->d), pop3c_in(m->c));
		while (pop3c_next(m->c, 0, &ce))
			serve_fetcher(m, &ce);
		moved = carry(pop3c_out(m->c), pop3d_in(m->d)) || moved;
	}
	assert_true(m->closed);
	assert_int_equal(m->over, 2 * MESSAGES + 1);
}

static void fetch(unsigned ignore)
{
	struct pop3c_peer client = { .ignore = ignore };
	struct pop3d_peer server = { .tls_available = false };
	struct maildrop_row rows[MESSAGES] = { 0 };
	struct maildrop m = { .c = pop3c_new(&pop3c_config, &client, 0),
		.d = pop3d_new(&pop3d_config, &server, 0),
		.view = { rows, MESSAGES, STR_INIT("") } };

	for (size_t i = 0; i < MESSAGES; i++) {
		random_message(&m.messages[i]);
		rows[i].octets = m.messages[i].len;
		rows[i].flags = MAILDROP_ROW_DOTS;
	}
	pop3d_greet(m.d);
	run_maildrop(&m);
	pop3c_free(m.c);
	pop3d_free(m.d);
	for (size_t i = 0; i < MESSAGES; i++)
		buf_deinit(&m.messages[i]);
	buf_deinit(&m.got);
}

static void mail_is_fetched(void **state)
{
	(void)state;
	for (size_t i = 0; i < SESSIONS; i++)
		fetch(i % 2 == 0 ? 0 : POP3C_C_PIPELINING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_arrives),
		cmocka_unit_test(mail_is_fetched),
	};
	const char *given = getenv("MEET_SEED");

	seed = given != NULL ? strtoull(given, NULL, 10) : 0x9e3779b97f4a7c15u;
	printf("MEET_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
