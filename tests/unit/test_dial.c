/* Dialing on the loopback: ports that answer, refuse, and keep silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "net/dial.h"

enum { FILLERS = 8 };

static uint16_t answers, refuses, silent;
static int listeners[2], fillers[FILLERS];
static const struct nexthop_host first = { .name = "a" }, second = { .name = "b" };

struct rig {
	struct loop *loop;
	struct dial d;
	int done;
	int64_t took_ms;
};

static void on_done(struct dial *d)
{
	LIST_OF(d, struct rig, d)->done++;
}

static struct nexthop_target target(const struct nexthop_host *host, const char *ip, uint16_t port)
{
	struct nexthop_target t = { .host = host, .port = port };

	assert_true(cidr_address(str_c(ip), t.address));
	return t;
}

static void dial(struct rig *r, const struct dial_config *config, const struct nexthop_target *t,
	size_t count)
{
	int64_t start = clock_mono_ms();

	*r = (struct rig){ .loop = loop_new() };
	dial_start(&r->d, r->loop, config, t, count, on_done);
	assert_int_equal(r->done, 0);
	while (r->done == 0)
		loop_turn(r->loop, true);
	r->took_ms = clock_mono_ms() - start;
	for (int i = 0; i < 5; i++)
		loop_turn(r->loop, false);
	assert_int_equal(r->done, 1);
}

static void rig_close(struct rig *r)
{
	if (r->d.fd >= 0)
		close(r->d.fd);
	dial_cancel(&r->d);
	loop_free(r->loop);
}

static const struct dial_config quick = { .timeout_ms = 300, .stagger_ms = 60 };

static void connects(void **state)
{
	const struct nexthop_target t = target(&first, "127.0.0.1", answers);
	struct rig r;
	char text[64];

	(void)state;
	dial(&r, &quick, &t, 1);
	assert_true(r.d.fd >= 0);
	assert_int_equal(r.d.at, 0);
	assert_int_equal(ntohs(r.d.peer.v4.sin_port), answers);
	assert_true((fcntl(r.d.fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(r.d.fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_string_equal(dial_text(t.address, text), "127.0.0.1");
	rig_close(&r);
}

static void goes_on(void **state)
{
	const struct nexthop_target t[] = { target(&first, "127.0.0.1", refuses),
		target(&first, "::1", refuses), target(&second, "127.0.0.1", refuses),
		target(&second, "127.0.0.1", answers), target(&second, "127.0.0.2", answers) };
	struct rig r;

	(void)state;
	dial(&r, &quick, t, 5);
	assert_true(r.d.fd >= 0);
	assert_int_equal(r.d.at, 3);
	rig_close(&r);
	dial(&r, &quick, t, 3);
	assert_int_equal(r.d.fd, -1);
	assert_int_equal(r.d.at, 2);
	assert_string_equal(r.d.error, "Connection refused");
	rig_close(&r);
	dial(&r, &quick, t, 0);
	assert_int_equal(r.d.fd, -1);
	assert_string_equal(r.d.error, "no address");
	rig_close(&r);
}

static void silence_ends(void **state)
{
	const struct nexthop_target t[] = { target(&first, "127.0.0.1", silent),
		target(&second, "127.0.0.1", answers) };
	struct rig r;

	(void)state;
	dial(&r, &quick, t, 1);
	assert_int_equal(r.d.fd, -1);
	assert_string_equal(r.d.error, "Connection timed out");
	assert_in_range(r.took_ms, 300, 2000);
	rig_close(&r);
	/* Another host waits for the end of the first. */
	dial(&r, &quick, t, 2);
	assert_int_equal(r.d.at, 1);
	assert_true(r.d.fd >= 0);
	assert_in_range(r.took_ms, 300, 2000);
	rig_close(&r);
}

/* RFC 8305 5: another address of the same host does not. */
static void joins_the_same_host(void **state)
{
	const struct nexthop_target t[] = { target(&first, "127.0.0.1", silent),
		target(&first, "127.0.0.1", refuses), target(&first, "127.0.0.1", answers) };
	const struct dial_config slow = { .timeout_ms = 20000, .stagger_ms = 60 };
	struct rig r;

	(void)state;
	dial(&r, &slow, t, 3);
	assert_int_equal(r.d.at, 2);
	assert_true(r.d.fd >= 0);
	assert_in_range(r.took_ms, 60, 5000);
	rig_close(&r);
}

static void from_our_address(void **state)
{
	const struct nexthop_target t = target(&first, "127.0.0.1", answers);
	struct dial_config config = { .source4 = STR("127.0.0.9"), .source6 = STR("::1") };
	struct sockaddr_in a;
	socklen_t n = sizeof a;
	struct rig r;

	(void)state;
	dial(&r, &config, &t, 1);
	assert_true(r.d.fd >= 0);
	assert_return_code(getsockname(r.d.fd, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(a.sin_addr.s_addr, inet_addr("127.0.0.9"));
	rig_close(&r);
	config.source4 = STR("192.0.2.1"); /* not ours */
	dial(&r, &config, &t, 1);
	assert_int_equal(r.d.fd, -1);
	assert_string_equal(r.d.error, strerror(EADDRNOTAVAIL));
	rig_close(&r);
	config.source4 = STR("::1");
	dial(&r, &config, &t, 1);
	assert_int_equal(r.d.fd, -1);
	rig_close(&r);
}

static size_t open_fds(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void cancelled(void **state)
{
	const struct nexthop_target t[] = { target(&first, "127.0.0.1", silent),
		target(&first, "127.0.0.2", silent) };
	size_t before = open_fds();
	struct rig r = { .loop = loop_new() };
	struct dial idle = { 0 };

	(void)state;
	dial_cancel(&idle);
	dial_start(&r.d, r.loop, &quick, t, 2, on_done);
	for (int64_t end = clock_mono_ms() + 100; clock_mono_ms() < end;)
		loop_turn(r.loop, true);
	dial_cancel(&r.d);
	dial_cancel(&r.d);
	loop_turn(r.loop, false);
	assert_int_equal(r.done, 0);
	loop_free(r.loop);
	assert_int_equal(open_fds(), before);
}

/* Between the connection and the call that would tell of it. */
static void cancelled_when_connected(void **state)
{
	const struct nexthop_target t = target(&first, "127.0.0.1", answers);
	size_t before = open_fds();
	struct rig r = { .loop = loop_new() };

	(void)state;
	dial_start(&r.d, r.loop, &quick, &t, 1, on_done);
	while (r.d.fd < 0 && r.done == 0)
		loop_turn(r.loop, true);
	assert_int_equal(r.done, 0);
	dial_cancel(&r.d);
	loop_turn(r.loop, false);
	assert_int_equal(r.done, 0);
	loop_free(r.loop);
	assert_int_equal(open_fds(), before);
}

static int listen_on(uint16_t *port, int backlog)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_return_code(bind(fd, (struct sockaddr *)&a, n), 0);
	assert_return_code(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	if (backlog >= 0)
		assert_return_code(listen(fd, backlog), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

/* A queue that nobody takes from and that is full: the kernel leaves SYNs unanswered. */
static int set_up(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)state;
	listeners[0] = listen_on(&answers, 100);
	listeners[1] = listen_on(&silent, 0);
	close(listen_on(&refuses, -1));
	a.sin_port = htons(silent);
	for (int i = 0; i < FILLERS; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fillers[i], (struct sockaddr *)&a, sizeof a);
	}
	usleep(50000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < FILLERS; i++)
		close(fillers[i]);
	close(listeners[0]);
	return close(listeners[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connects),
		cmocka_unit_test(goes_on),
		cmocka_unit_test(silence_ends),
		cmocka_unit_test(joins_the_same_host),
		cmocka_unit_test(from_our_address),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(cancelled_when_connected),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
