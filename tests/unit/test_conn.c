/* Plain connections and the listener; TLS is in test_tls.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/conn.h"

struct rig {
	struct loop *loop;
	struct conn c;
	struct buf in, out;
	int peer;
	int events[4]; /* by enum conn_event */
	int64_t last_read, last_write;
};

static void on_event(struct conn *c, enum conn_event e)
{
	struct rig *r = LIST_OF(c, struct rig, c);

	r->events[e]++;
	if (e != CONN_READY)
		return;
	r->last_read = conn_read(c, &r->in, 4096);
	r->last_write = conn_write(c, &r->out);
	conn_want(c, (r->last_read < 0 ? 0 : LOOP_READ) | (r->out.len > 0 ? LOOP_WRITE : 0));
}

static void rig_open(struct rig *r)
{
	int fds[2];

	*r = (struct rig){ .loop = loop_new() };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	r->peer = fds[1];
	conn_init(&r->c, r->loop, fds[0], NULL, on_event);
	conn_want(&r->c, LOOP_READ);
}

static void rig_close(struct rig *r)
{
	conn_close(&r->c);
	conn_close(&r->c);
	assert_int_equal(r->c.fd, -1);
	if (r->peer >= 0)
		close(r->peer);
	buf_deinit(&r->in);
	buf_deinit(&r->out);
	loop_free(r->loop);
}

/* At least ten turns, however slow the machine is. */
static void turns(struct loop *l, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	for (int i = 0; i < 10 || clock_mono_ms() < end; i++) {
		loop_turn(l, false);
		usleep(200);
	}
}

/* Turns until the count is reached; five seconds are forever. */
static void turns_until(struct loop *l, const int *count, int wanted)
{
	int64_t end = clock_mono_ms() + 5000;

	while (*count < wanted && clock_mono_ms() < end)
		turns(l, 1);
	assert_int_equal(*count, wanted);
}

static void half_closed_is_still_answered(void **state)
{
	struct rig r;
	char got[8];

	(void)state;
	rig_open(&r);
	assert_int_equal(write(r.peer, "QUIT\r\n", 6), 6);
	shutdown(r.peer, SHUT_WR);
	turns(r.loop, 5);
	assert_true(str_eq(buf_str(&r.in), STR("QUIT\r\n")));
	assert_int_equal(r.last_read, CONN_EOF);
	buf_put(&r.out, STR("+OK\r\n"));
	assert_int_equal(conn_write(&r.c, &r.out), 5);
	assert_int_equal(r.out.len, 0);
	assert_int_equal(read(r.peer, got, sizeof got), 5);
	rig_close(&r);
}

static void a_peer_that_is_gone_is_an_error(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	close(r.peer);
	r.peer = -1;
	buf_put(&r.out, STR("221 2.0.0 bye\r\n"));
	assert_int_equal(conn_write(&r.c, &r.out), CONN_ERROR);
	assert_int_equal(conn_write(&r.c, &r.out), CONN_ERROR);
	assert_int_equal(conn_read(&r.c, &r.in, 10), CONN_ERROR);
	assert_true(str_starts(str_c(r.c.error), STR("write: ")));
	rig_close(&r);
}

static void a_full_buffer_reads_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	buf_init(&r.in, 5);
	assert_int_equal(write(r.peer, "12345678", 8), 8);
	assert_int_equal(conn_read(&r.c, &r.in, 100), 5);
	assert_int_equal(conn_read(&r.c, &r.in, 100), 0);
	assert_false(r.in.full);
	buf_consume(&r.in, 2);
	assert_int_equal(conn_read(&r.c, &r.in, 100), 2);
	buf_clear(&r.in);
	assert_int_equal(conn_read(&r.c, &r.in, 100), 1);
	buf_clear(&r.in);
	assert_int_equal(conn_read(&r.c, &r.in, 100), 0);
	assert_null(r.in.data); /* an idle session holds no buffer */
	rig_close(&r);
}

static void a_peer_that_stops_reading_costs_no_turns(void **state)
{
	struct rig r;
	size_t sent = 4 << 20, got = 0, ready;
	char chunk[60000];
	ssize_t n;

	(void)state;
	rig_open(&r);
	buf_fill(&r.out, 'x', sent);
	assert_true(conn_write(&r.c, &r.out) > 0);
	assert_true(r.out.len > 0);
	conn_want(&r.c, LOOP_READ | LOOP_WRITE);
	conn_deadline(&r.c, clock_mono_ms() + 30);
	turns_until(r.loop, &r.events[CONN_DEADLINE], 1);
	assert_int_equal(r.events[CONN_READY], 0);
	while (got < sent) {
		while ((n = read(r.peer, chunk, sizeof chunk)) > 0)
			got += (size_t)n;
		loop_turn(r.loop, false);
	}
	ready = (size_t)r.events[CONN_READY];
	assert_true(ready > 0);
	assert_int_equal(got, sent);
	assert_int_equal(r.out.len, 0);
	rig_close(&r);
}

static void deadlines(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	conn_deadline(&r.c, clock_mono_ms() + 20);
	conn_deadline(&r.c, clock_mono_ms() + 1000);
	turns(r.loop, 50);
	assert_int_equal(r.events[CONN_DEADLINE], 0);
	conn_deadline(&r.c, clock_mono_ms() + 20);
	turns_until(r.loop, &r.events[CONN_DEADLINE], 1);
	conn_deadline(&r.c, clock_mono_ms() + 10);
	conn_deadline(&r.c, 0);
	turns(r.loop, 50);
	assert_int_equal(r.events[CONN_DEADLINE], 1);
	rig_close(&r);
}

static void on_event_free(struct conn *c, enum conn_event e)
{
	(void)e;
	conn_close(c);
	free(c);
}

static void an_owner_may_free_it_in_an_event(void **state)
{
	struct loop *l = loop_new();
	struct conn *c = mem_alloc(sizeof *c);
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	conn_init(c, l, fds[0], NULL, on_event_free);
	conn_deadline(c, clock_mono_ms());
	conn_want(c, LOOP_READ | LOOP_WRITE);
	turns(l, 5);
	assert_int_equal(read(fds[1], (char[1]){ 0 }, 1), 0);
	close(fds[1]);
	loop_free(l);
}

static void peer_addresses(void **state)
{
	static const struct {
		const char *name, *address, *text;
	} rows[] = {
		{ "IPv4", "192.0.2.7", "192.0.2.7" },
		{ "IPv6", "2001:db8::1", "2001:db8::1" },
		{ "mapped is IPv4", "::ffff:192.0.2.7", "192.0.2.7" },
		{ "longest", "2001:db8:1111:2222:3333:4444:5555:6666",
			"2001:db8:1111:2222:3333:4444:5555:6666" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sockaddr_storage ss = { 0 };
		struct sockaddr_in *v4 = (struct sockaddr_in *)&ss;
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ss;
		struct loop *l = loop_new();
		struct conn c;

		if (inet_pton(AF_INET, rows[i].address, &v4->sin_addr) == 1)
			ss.ss_family = AF_INET;
		else if (inet_pton(AF_INET6, rows[i].address, &v6->sin6_addr) == 1)
			ss.ss_family = AF_INET6;
		v4->sin_port = htons(4711);
		conn_init(&c, l, dup(0), (struct sockaddr *)&ss, on_event);
		assert_string_equal(c.peer, rows[i].text);
		assert_int_equal(c.peer_port, 4711);
		conn_close(&c);
		loop_free(l);
	}
}

static int accepted_fds[64];
static int accepted;
static bool stop_at_once;

static void on_accepted(struct listener *l, int fd, const struct sockaddr *peer)
{
	assert_int_equal(peer->sa_family, AF_INET);
	assert_true(accepted < 64);
	accepted_fds[accepted++] = fd;
	if (stop_at_once)
		listener_stop(l);
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t n = sizeof a;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	return ntohs(a.sin_port);
}

static int dial(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

static void a_listener_accepts(void **state)
{
	struct loop *loop = loop_new();
	struct err err = { 0 };
	struct listener l;
	int fd = listen_tcp("127.0.0.1", 0, 10, &err), peers[20], on = 0;
	socklen_t n = sizeof on;

	(void)state;
	assert_true(fd >= 0);
	accepted = 0;
	stop_at_once = false;
	listener_init(&l, loop, fd, on_accepted);
	for (int i = 0; i < 10; i++)
		peers[i] = dial(port_of(fd));
	turns(loop, 10);
	assert_int_equal(accepted, 10);
	assert_int_equal(getsockopt(accepted_fds[0], IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
	assert_int_equal(on, 1);
	assert_true((fcntl(accepted_fds[0], F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(accepted_fds[0], F_GETFD) & FD_CLOEXEC) != 0);

	stop_at_once = true;
	peers[10] = dial(port_of(fd));
	peers[11] = dial(port_of(fd));
	turns(loop, 10);
	assert_int_equal(accepted, 11);
	for (int i = 0; i < 12; i++)
		close(peers[i]);
	for (int i = 0; i < accepted; i++)
		close(accepted_fds[i]);
	close(fd);
	loop_free(loop);
}

/* One that rests waits for nobody, and takes who waits when told to. */
static void a_listener_rests(void **state)
{
	struct loop *loop = loop_new();
	struct err err = { 0 };
	struct listener l;
	int fd = listen_tcp("127.0.0.1", 0, 10, &err), peers[3];

	(void)state;
	accepted = 0;
	stop_at_once = false;
	listener_init(&l, loop, fd, on_accepted);
	listener_rest(&l, true);
	assert_false(listener_take(&l));
	peers[0] = dial(port_of(fd));
	peers[1] = dial(port_of(fd));
	turns(loop, 10);
	assert_int_equal(accepted, 0);
	assert_true(listener_take(&l));
	assert_int_equal(accepted, 2);
	listener_rest(&l, false);
	peers[2] = dial(port_of(fd));
	turns_until(loop, &accepted, 3);
	for (int i = 0; i < 3; i++) {
		close(peers[i]);
		close(accepted_fds[i]);
	}
	listener_stop(&l);
	close(fd);
	loop_free(loop);
}

/* RLIMIT_NOFILE reached: the listener rests, spends no turns, and goes on when there is room. */
static void no_descriptors_left(void **state)
{
	struct loop *loop = loop_new();
	struct err err = { 0 };
	struct rlimit was, none;
	struct listener l;
	int fd = listen_tcp("127.0.0.1", 0, 10, &err), peer, spare;

	(void)state;
	accepted = 0;
	stop_at_once = false;
	listener_init(&l, loop, fd, on_accepted);
	loop_turn(loop, false); /* the loop has all the descriptors it needs */
	peer = dial(port_of(fd));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	spare = dup(0); /* the lowest that is free */
	none.rlim_cur = (rlim_t)spare;
	close(spare);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	turns(loop, 20);
	assert_int_equal(accepted, 0);
	assert_false(ev_is_active(&l.io.ev));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	turns_until(loop, &accepted, 1);
	close(accepted_fds[0]);
	close(peer);
	listener_stop(&l);
	close(fd);
	loop_free(loop);
}

static void listen_refuses(void **state)
{
	struct err err = { 0 };
	int fd = listen_tcp("127.0.0.1", 0, 10, &err);

	(void)state;
	assert_int_equal(listen_tcp("localhost", 0, 10, &err), -1);
	assert_int_equal(err.code, ST_USAGE);
	err = (struct err){ 0 };
	assert_int_equal(listen_tcp("127.0.0.1", port_of(fd), 10, &err), -1);
	assert_int_equal(err.code, ST_IO);
	assert_non_null(strstr(err.text, "bind: "));
	close(fd);
}

/* What the peer sent and we never read must not turn our last reply into a reset. */
static void the_last_reply_arrives(void **state)
{
	struct loop *loop = loop_new();
	struct err err = { 0 };
	struct listener l;
	int fd = listen_tcp("127.0.0.1", 0, 10, &err), peer;
	struct buf out = { 0 };
	struct conn c;
	char junk[3000] = { 0 }, got[16];

	(void)state;
	accepted = 0;
	stop_at_once = false;
	listener_init(&l, loop, fd, on_accepted);
	peer = dial(port_of(fd));
	assert_int_equal(write(peer, junk, sizeof junk), sizeof junk);
	turns(loop, 10);
	assert_int_equal(accepted, 1);
	conn_init(&c, loop, accepted_fds[0], NULL, on_event);
	buf_put(&out, STR("421 bye\r\n"));
	assert_int_equal(conn_write(&c, &out), 9);
	conn_close(&c);
	assert_int_equal(read(peer, got, sizeof got), 9);
	assert_int_equal(read(peer, got, sizeof got), 0);
	buf_deinit(&out);
	close(peer);
	listener_stop(&l);
	close(fd);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_closed_is_still_answered),
		cmocka_unit_test(a_peer_that_is_gone_is_an_error),
		cmocka_unit_test(a_full_buffer_reads_nothing),
		cmocka_unit_test(a_peer_that_stops_reading_costs_no_turns),
		cmocka_unit_test(deadlines),
		cmocka_unit_test(an_owner_may_free_it_in_an_event),
		cmocka_unit_test(peer_addresses),
		cmocka_unit_test(a_listener_accepts),
		cmocka_unit_test(a_listener_rests),
		cmocka_unit_test(no_descriptors_left),
		cmocka_unit_test(listen_refuses),
		cmocka_unit_test(the_last_reply_arrives),
	};

	log_init(2, LOG_L_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
