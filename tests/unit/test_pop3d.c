/* What transcripts cannot say: sizes, deadlines, pieces, and messages that come back exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <malloc.h>
#include <time.h>
#include <cmocka.h>

#include "base/mem.h"
#include "proto/pop3d.h"

enum { LOGIN_MS = 180000, IDLE_MS = 600000 };

static const struct pop3d_config config = {
	.hostname = STR_INIT("dewey"),
	.login_timeout_ms = LOGIN_MS,
	.autologout_ms = IDLE_MS,
	.errors_before_login = 3,
	.errors_after_login = 20,
	.auth_failures = 3,
	.mechanisms = STR_INIT("PLAIN LOGIN"),
};
static const struct pop3d_peer tls = { .tls_available = true, .tls_active = true };

static uint64_t seed;

static uint64_t rnd(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % below;
}

static void say(struct pop3d *p, const char *text)
{
	buf_put(pop3d_in(p), str_c(text));
}

static void out_is(struct pop3d *p, struct str want)
{
	struct str got = buf_str(pop3d_out(p));

	if (!str_eq(got, want))
		fail_msg("came: %.*s", STR_ARG(got));
	buf_clear(pop3d_out(p));
}

static struct pop3d *logged_in(int64_t now, uint64_t count, uint64_t octets)
{
	struct pop3d *p = pop3d_new(&config, &tls, now);
	struct pop3d_event ev;

	say(p, "USER mrose\r\nPASS secret\r\n");
	assert_true(pop3d_next(p, now, &ev));
	assert_int_equal(ev.type, POP3D_ASK_LOGIN);
	assert_true(str_eq(ev.user, STR("mrose")));
	assert_true(str_eq(ev.password, STR("secret")));
	pop3d_login_ok(p, ev.user, count, octets);
	assert_false(pop3d_next(p, now, &ev));
	buf_clear(pop3d_out(p));
	return p;
}

static void question_stops_input(void **state)
{
	struct pop3d *p = pop3d_new(&config, &tls, 0);
	struct pop3d_event ev;

	(void)state;
	assert_true(pop3d_wants_input(p));
	say(p, "USER a\r\nPASS b\r\nSTAT\r\n");
	assert_true(pop3d_next(p, 0, &ev));
	assert_false(pop3d_wants_input(p));
	assert_false(pop3d_next(p, 0, &ev));
	out_is(p, STR("+OK send PASS\r\n"));
	/* While the password is being checked nobody is idle. */
	assert_true(pop3d_deadline(p) == INT64_MAX);
	pop3d_login_failed(p, POP3D_SYS_TEMP, STR("later"));
	assert_int_equal(pop3d_deadline(p), LOGIN_MS);
	assert_false(pop3d_next(p, 0, &ev));
	out_is(p, STR("-ERR [SYS/TEMP] later\r\n-ERR log in first\r\n"));
	/* An answer that nobody waits for changes nothing. */
	pop3d_login_ok(p, STR("a"), 1, 1);
	pop3d_updated(p, true);
	pop3d_body(p, STR("x"));
	pop3d_auth_challenge(p, STR("x"));
	assert_false(pop3d_in_transaction(p));
	out_is(p, STR(""));
	pop3d_free(p);
}

static void autologout_moves(void **state)
{
	struct pop3d *p = logged_in(1000, 1, 400000);
	struct maildrop_row row = { .octets = 400000 };
	struct maildrop_view view = { &row, 1, STR("") };
	static char body[200000];
	struct pop3d_event ev;
	int64_t now = 1000;

	(void)state;
	assert_int_equal(pop3d_deadline(p), 1000 + IDLE_MS);
	say(p, "RETR 1\r\n");
	now += IDLE_MS - 1;
	assert_true(pop3d_next(p, now, &ev));
	assert_int_equal(ev.type, POP3D_ASK_LISTING);
	pop3d_listing(p, &view);
	for (uint64_t at = 0; at < row.octets; at += sizeof body) {
		assert_true(pop3d_next(p, now, &ev));
		assert_int_equal(ev.type, POP3D_ASK_BODY);
		assert_int_equal(ev.offset, at);
		assert_int_equal(ev.want, row.octets - at);
		pop3d_body(p, str_of(body, sizeof body));
		assert_false(pop3d_next(p, now, &ev));
		assert_int_equal(pop3d_deadline(p), now + IDLE_MS);
		/* A thousand octets in nine minutes: slow, but no silence. */
		while (pop3d_out(p)->len > 163840) {
			now += IDLE_MS - 60000;
			assert_true(now < pop3d_deadline(p));
			buf_consume(pop3d_out(p), 1000);
			if (pop3d_out(p)->len >= 163840)
				assert_false(pop3d_next(p, now, &ev));
		}
	}
	buf_clear(pop3d_out(p));
	assert_false(pop3d_next(p, now, &ev));
	out_is(p, STR("\r\n.\r\n"));
	/* A client that takes nothing is cut off. */
	assert_false(pop3d_next(p, now + 5000, &ev));
	assert_true(pop3d_deadline(p) <= now + 5000 + IDLE_MS);
	now = pop3d_deadline(p);
	assert_false(pop3d_next(p, now, &ev));
	assert_int_equal(pop3d_deadline(p), now);
	say(p, "DELE 1\r\nUI");
	assert_false(pop3d_next(p, now - 1, &ev));
	pop3d_timeout(p);
	out_is(p, STR(""));
	assert_true(pop3d_next(p, now, &ev));
	assert_int_equal(ev.type, POP3D_EV_CLOSE);
	assert_false(pop3d_next(p, now, &ev));
	assert_false(pop3d_wants_input(p));
	assert_null(pop3d_in(p)->data);
	assert_int_equal(pop3d_stats(p)->deleted, 0);
	pop3d_free(p);
}

static void silence_is_not_progress(void **state)
{
	struct pop3d *p = logged_in(0, 0, 0);
	struct pop3d_event ev;

	(void)state;
	say(p, "NOOP\r\n");
	assert_false(pop3d_next(p, 10, &ev));
	for (int64_t now = 20; now < 100; now += 10)
		assert_false(pop3d_next(p, now, &ev));
	assert_int_equal(pop3d_deadline(p), 10 + IDLE_MS);
	/* Half a command is none. */
	say(p, "NOO");
	assert_false(pop3d_next(p, 200, &ev));
	assert_int_equal(pop3d_deadline(p), 10 + IDLE_MS);
	pop3d_free(p);
}

static void idle_is_small(void **state)
{
	struct pop3d *p = logged_in(0, 100000, 100000);
	struct pop3d_event ev;

	(void)state;
	buf_put(pop3d_in(p), STR("NOOP\r\n"));
	assert_false(pop3d_next(p, 0, &ev));
	buf_consume(pop3d_out(p), 1000);
	assert_false(pop3d_next(p, 0, &ev));
	assert_null(pop3d_in(p)->data);
	assert_null(pop3d_out(p)->data);
	assert_true(malloc_usable_size(p) <= 512);
	pop3d_free(p);
}

/* The password is in no memory of the engine once the owner has answered. */
static void password_is_wiped(void **state)
{
	struct pop3d *p = pop3d_new(&config, &tls, 0);
	struct pop3d_event ev;
	const char *in;

	(void)state;
	say(p, "USER mrose\r\nPASS sesame\r\nNOOP");
	assert_true(pop3d_next(p, 0, &ev));
	in = buf_str(pop3d_in(p)).p; /* "NOOP"; before it stood the password */
	assert_true(str_eq(buf_str(pop3d_in(p)), STR("NOOP")));
	assert_null(memmem(in - 25, 25, "sesame", 6));
	pop3d_login_failed(p, POP3D_AUTH, STR("no"));
	pop3d_free(p);
}

static void huge_listing(void **state)
{
	enum { ROWS = 1000000 };
	struct maildrop_row *rows = mem_zalloc(ROWS * sizeof *rows);
	struct maildrop_view view = { rows, ROWS, STR("") };
	static const char *const commands[] = { "LIST\r\n", "UIDL\r\n" };
	struct pop3d *p = logged_in(0, ROWS, ROWS * (uint64_t)1000);
	struct buf want = { 0 };
	struct pop3d_event ev;
	size_t most = 0;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		rows[i].octets = 1000;
		memcpy(rows[i].id.b + 8, &i, sizeof i);
	}
	for (int c = 0; c < 2; c++) {
		struct str rest;

		say(p, "DELE 500000\r\n");
		say(p, commands[c]);
		while (pop3d_next(p, 0, &ev))
			pop3d_listing(p, &view);
		buf_clear(&want);
		while (pop3d_out(p)->len > 0) {
			most = pop3d_out(p)->len > most ? pop3d_out(p)->len : most;
			buf_put(&want, buf_str(pop3d_out(p)));
			buf_clear(pop3d_out(p));
			assert_false(pop3d_next(p, 0, &ev));
		}
		rest = buf_str(&want);
		str_cut(&rest, '\n'); /* DELE */
		assert_true(str_eq(
			str_cut(&rest, '\n'), STR("+OK 999999 messages (999999000 octets)\r")));
		for (uint64_t n = 1; n <= ROWS; n++) {
			struct str line;
			uint64_t number;

			if (n == 500000)
				continue;
			line = str_cut(&rest, '\n');
			assert_true(str_u64(str_cut(&line, ' '), &number));
			assert_int_equal(number, n);
			assert_int_equal(line.n, c == 0 ? 5 : MSGID_TEXT + 1);
		}
		assert_true(str_eq(rest, STR(".\r\n")));
		say(p, "RSET\r\n");
		assert_false(pop3d_next(p, 0, &ev));
		buf_clear(pop3d_out(p));
	}
	assert_true(most < 32768 + 128);
	buf_deinit(&want);
	pop3d_free(p);
	free(rows);
}

/* A listing that is not the one of the login is refused; nothing is read past its end. */
static void wrong_count(void **state)
{
	struct maildrop_row row = { .octets = 10 };
	struct maildrop_view view = { &row, 1, STR("") };
	struct pop3d *p = logged_in(0, 2, 20);
	struct pop3d_event ev;

	(void)state;
	say(p, "LIST\r\n");
	assert_true(pop3d_next(p, 0, &ev));
	pop3d_listing(p, &view);
	assert_false(pop3d_next(p, 0, &ev));
	out_is(p, STR("-ERR [SYS/PERM] maildrop is damaged\r\n"));
	pop3d_free(p);
}

/* More than `want` is not taken: it could only be octets of another message. */
static void body_too_long(void **state)
{
	struct maildrop_row row = { .octets = 3, .flags = MAILDROP_ROW_DOTS };
	struct maildrop_view view = { &row, 1, STR("") };
	struct pop3d *p = logged_in(0, 1, 3);
	struct pop3d_event ev;

	(void)state;
	say(p, "RETR 1\r\n");
	assert_true(pop3d_next(p, 0, &ev));
	pop3d_listing(p, &view);
	assert_true(pop3d_next(p, 0, &ev));
	pop3d_body(p, STR(".\r\n.more\r\n"));
	assert_false(pop3d_next(p, 0, &ev));
	out_is(p, STR("+OK 3 octets\r\n..\r\n.\r\n"));
	pop3d_free(p);
}

/* The store keeps no bare LF.  Were there one: what begins after it is stuffed, so that no client
 * sees the end too early, and it does not count as the CRLF before the last dot. */
static void bare_lf(void **state)
{
	struct maildrop_row row = { .octets = 5, .flags = MAILDROP_ROW_DOTS };
	struct maildrop_view view = { &row, 1, STR("") };
	struct pop3d *p = logged_in(0, 1, 5);
	struct pop3d_event ev;

	(void)state;
	say(p, "RETR 1\r\n");
	assert_true(pop3d_next(p, 0, &ev));
	pop3d_listing(p, &view);
	assert_true(pop3d_next(p, 0, &ev));
	pop3d_body(p, STR("a\n.b\n"));
	assert_false(pop3d_next(p, 0, &ev));
	out_is(p, STR("+OK 5 octets\r\na\n..b\n\r\n.\r\n"));
	pop3d_free(p);
}

/* The client's half: takes the lines of a multi-line reply off `reply` and unstuffs them. */
static bool unstuff(struct str *reply, struct buf *message)
{
	bool first = true;

	while (reply->n > 0) {
		size_t n = 0;
		struct str line;

		while (n + 1 < reply->n && (reply->p[n] != '\r' || reply->p[n + 1] != '\n'))
			n++;
		if (n + 1 >= reply->n)
			return false;
		line = str_head(*reply, n);
		*reply = str_from(*reply, n + 2);
		if (first) {
			first = false;
			if (!str_starts(line, STR("+OK")))
				return false;
			continue;
		}
		if (str_eq(line, STR(".")))
			return true;
		buf_put(message, str_starts(line, STR(".")) ? str_from(line, 1) : line);
		buf_put(message, STR("\r\n"));
	}
	return false;
}

/* Made of what has broken servers: dots everywhere, blank lines, 8-bit, NUL, a lone CR, no end. */
static void random_message(struct buf *m)
{
	static const struct str parts[] = {
		STR_INIT("."),
		STR_INIT(".."),
		STR_INIT("\r\n"),
		STR_INIT("\r\n"),
		STR_INIT("\r\n."),
		STR_INIT("\r\n.\r\n"),
		STR_INIT("\r\n..\r\n"),
		STR_INIT("a"),
		STR_INIT("Subject: x"),
		STR_INIT("\0"),
		STR_INIT("\xff\xc3"),
		STR_INIT("\r"),
		STR_INIT("\r\n\r\n"),
		STR_INIT(" "),
		STR_INIT("+OK"),
		STR_INIT("-ERR"),
	};

	buf_clear(m);
	for (uint64_t n = rnd(30); n > 0; n--)
		buf_put(m, parts[rnd(sizeof parts / sizeof *parts)]);
}

static bool has_dots(struct str s)
{
	return str_starts(s, STR(".")) || (s.n > 0 && memmem(s.p, s.n, "\n.", 2) != NULL);
}

/* An independent TOP: whole lines, one after the other. */
static struct str top_of(struct str m, uint64_t lines)
{
	size_t at = 0;
	bool body = false;

	while (at < m.n && (!body || lines > 0)) {
		const char *end = memmem(m.p + at, m.n - at, "\r\n", 2);
		size_t n = end == NULL ? m.n - at : (size_t)(end - m.p) - at;

		if (body)
			lines--;
		else if (n == 0)
			body = true;
		at += n + (end == NULL ? 0 : 2);
	}
	return str_head(m, at);
}

/* Serves one command; bodies come in random pieces, out is drained in random pieces. */
static void serve(
	struct pop3d *p, const struct maildrop_view *view, struct str message, struct buf *got)
{
	struct pop3d_event ev;
	bool more = true;

	while (more) {
		more = pop3d_next(p, 0, &ev);
		if (more && ev.type == POP3D_ASK_LISTING)
			pop3d_listing(p, view);
		if (more && ev.type == POP3D_ASK_BODY) {
			struct str piece = str_from(message, (size_t)ev.offset);

			piece = str_head(piece, 1 + (size_t)rnd(rnd(2) ? 3 : 200));
			assert_int_equal(ev.want, message.n - ev.offset);
			if (ev.direct && rnd(2)) {
				char last[2] = { piece.n > 1 ? piece.p[piece.n - 2] : '?',
					piece.p[piece.n - 1] };

				pop3d_body_direct(p, piece.n, last);
				buf_put(got, buf_str(pop3d_out(p)));
				buf_clear(pop3d_out(p));
				buf_put(got, piece);
			} else {
				/* A copy of just that size: reading past it is seen by ASan. */
				char *exact = mem_alloc(piece.n);

				memcpy(exact, piece.p, piece.n);
				pop3d_body(p, str_of(exact, piece.n));
				free(exact);
			}
		}
	}
	buf_put(got, buf_str(pop3d_out(p)));
	buf_clear(pop3d_out(p));
}

static void comes_back_exactly(void **state)
{
	const char *given = getenv("POP3D_SEED");
	uint64_t first =
		given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 7919 + 1;
	struct buf message = { 0 }, got = { 0 }, back = { 0 }, want = { 0 };

	(void)state;
	seed = first;
	for (int round = 0; round < 20000; round++) {
		struct maildrop_row row = { 0 };
		struct maildrop_view view = { &row, 1, STR("") };
		uint64_t lines = rnd(6);
		bool top = rnd(2) != 0;
		struct str reply, m;
		struct pop3d *p;

		random_message(&message);
		m = buf_str(&message);
		row.octets = m.n;
		row.flags = has_dots(m) || rnd(2) ? MAILDROP_ROW_DOTS : 0;
		p = logged_in(0, 1, m.n);
		buf_clear(&got);
		buf_clear(&back);
		buf_clear(&want);
		if (top)
			buf_printf(pop3d_in(p), "TOP 1 %u\r\n", (unsigned)lines);
		else
			say(p, "RETR 1\r\n");
		serve(p, &view, m, &got);
		reply = buf_str(&got);
		if (!unstuff(&reply, &back) || reply.n > 0)
			fail_msg("POP3D_SEED=%llu round %d: reply does not end where it should",
				(unsigned long long)first, round);
		buf_put(&want, top ? top_of(m, lines) : m);
		if (want.len > 0 && !str_ends(buf_str(&want), STR("\r\n")))
			buf_put(&want, STR("\r\n"));
		if (!str_eq(buf_str(&back), buf_str(&want)))
			fail_msg("POP3D_SEED=%llu round %d: another message came back",
				(unsigned long long)first, round);
		pop3d_free(p);
	}
	buf_deinit(&message);
	buf_deinit(&got);
	buf_deinit(&back);
	buf_deinit(&want);
}

/* The connection may end after any octet of any session: nothing leaks, nothing was deleted. */
static void ends_after_any_octet(void **state)
{
	static const struct str session =
		STR_INIT("USER mrose\r\nPASS secret\r\nUIDL\r\nLIST\r\n"
			 "RETR 1\r\nTOP 1 1\r\nDELE 1\r\nAUTH\r\n:\r\nQUIT\r\n");
	struct maildrop_row row = { .octets = 5 };
	struct maildrop_view view = { &row, 1, STR("") };

	(void)state;
	for (size_t n = 0; n < session.n; n++) {
		struct pop3d *p = pop3d_new(&config, &tls, 0);
		struct pop3d_event ev;

		buf_put(pop3d_in(p), str_head(session, n));
		while (pop3d_next(p, 0, &ev)) {
			assert_int_not_equal(ev.type, POP3D_ASK_UPDATE);
			if (ev.type == POP3D_ASK_LOGIN)
				pop3d_login_ok(p, ev.user, 1, 5);
			else if (ev.type == POP3D_ASK_LISTING)
				pop3d_listing(p, &view);
			else if (ev.type == POP3D_ASK_BODY)
				pop3d_body(p, STR("a\r\n\r\n"));
		}
		assert_int_equal(pop3d_stats(p)->deleted, 0);
		pop3d_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_stops_input),
		cmocka_unit_test(autologout_moves),
		cmocka_unit_test(silence_is_not_progress),
		cmocka_unit_test(idle_is_small),
		cmocka_unit_test(password_is_wiped),
		cmocka_unit_test(huge_listing),
		cmocka_unit_test(wrong_count),
		cmocka_unit_test(body_too_long),
		cmocka_unit_test(bare_lf),
		cmocka_unit_test(comes_back_exactly),
		cmocka_unit_test(ends_after_any_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
