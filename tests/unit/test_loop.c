#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "net/loop.h"

static struct loop *loop;
static int calls;

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	calls = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void run_for(int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end) {
		loop_turn(loop, false);
		usleep(500);
	}
}

static int64_t fired_at;

static void on_timer(struct loop_timer *t)
{
	(void)t;
	calls++;
	fired_at = clock_mono_ms();
}

static void a_deadline_moves(void **state)
{
	static const struct {
		const char *name;
		int first, then; /* ms from now; 0: stop */
		int fires;
	} rows[] = {
		{ "put off", 20, 60, 1 },
		{ "brought forward", 3000, 20, 1 },
		{ "stopped", 20, 0, 0 },
		{ "past already", -5, -5, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct loop_timer t = { 0 };
		int64_t start = clock_mono_ms();

		calls = 0;
		loop_timer_init(&t, loop, on_timer);
		loop_timer_at(&t, start + rows[i].first);
		if (rows[i].then == 0)
			loop_timer_stop(&t);
		else
			loop_timer_at(&t, start + rows[i].then);
		for (int k = 0; k < 40 && (calls < rows[i].fires || k < 1); k++)
			run_for(100);
		assert_int_equal(calls, rows[i].fires);
		if (rows[i].fires > 0)
			assert_true(fired_at >= start + rows[i].then);
		if (rows[i].first > rows[i].then)
			assert_true(fired_at < start + rows[i].first);
		loop_timer_stop(&t);
	}
}

static void on_timer_again(struct loop_timer *t)
{
	on_timer(t);
	if (calls < 3)
		loop_timer_at(t, clock_mono_ms() + 5);
	else
		loop_stop(loop);
}

static void a_timer_sets_itself_anew(void **state)
{
	struct loop_timer t = { 0 };

	(void)state;
	loop_timer_init(&t, loop, on_timer_again);
	loop_timer_at(&t, clock_mono_ms() + 5);
	loop_run(loop);
	assert_int_equal(calls, 3);
}

struct pair {
	struct loop_io io;
	int peer;
	struct pair *stops;
};

static void on_ready(struct loop_io *io, int events)
{
	struct pair *p = LIST_OF(io, struct pair, io);

	assert_int_equal(events & LOOP_READ, LOOP_READ);
	calls++;
	if (p->stops != NULL)
		loop_io_want(&p->stops->io, 0);
}

static void pair_open(struct pair *p)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	*p = (struct pair){ .peer = fds[1] };
	loop_io_init(&p->io, loop, fds[0], on_ready);
	loop_io_want(&p->io, LOOP_READ);
	assert_int_equal(write(p->peer, "x", 1), 1);
}

static void pair_close(struct pair *p)
{
	int fd = p->io.ev.fd;

	loop_io_want(&p->io, 0);
	close(fd);
	close(p->peer);
}

static void a_stopped_watcher_never_calls(void **state)
{
	struct pair a, b;

	(void)state;
	pair_open(&a);
	pair_open(&b);
	a.stops = &b; /* both are ready: whichever comes first silences the other */
	b.stops = &a;
	loop_turn(loop, true);
	assert_int_equal(calls, 1);
	pair_close(&a);
	pair_close(&b);
}

static void on_ready_free(struct loop_io *io, int events)
{
	struct pair *p = LIST_OF(io, struct pair, io);

	on_ready(io, events);
	pair_close(p);
	free(p);
}

static void a_watcher_may_free_itself(void **state)
{
	struct pair *p = mem_alloc(sizeof *p);

	(void)state;
	pair_open(p);
	p->io.ready = on_ready_free;
	loop_turn(loop, true);
	loop_turn(loop, false);
	assert_int_equal(calls, 1);
}

static void again_needs_no_socket(void **state)
{
	struct pair p;
	char c;

	(void)state;
	pair_open(&p);
	assert_int_equal(read(p.io.ev.fd, &c, 1), 1);
	loop_turn(loop, false);
	assert_int_equal(calls, 0);
	loop_io_again(&p.io, LOOP_READ);
	loop_turn(loop, false);
	assert_int_equal(calls, 1);
	loop_io_again(&p.io, LOOP_READ);
	loop_io_want(&p.io, 0);
	loop_turn(loop, false);
	assert_int_equal(calls, 1);
	pair_close(&p);
}

static int ends;

static void on_turn_end(void *arg)
{
	assert_ptr_equal(arg, &ends);
	ends++;
}

static void on_ready_stop(struct loop_io *io, int events)
{
	on_ready(io, events);
	ends = 0;
	loop_stop(loop);
}

static void a_turn_ends_even_when_it_is_the_last(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	p.io.ready = on_ready_stop;
	loop_at_turn_end(loop, on_turn_end, &ends);
	loop_run(loop);
	assert_int_equal(calls, 1);
	assert_true(ends >= 1);
	loop_stop(loop); /* before it runs: returns at once */
	loop_run(loop);
	assert_int_equal(calls, 1);
	pair_close(&p);
}

static void on_signal(struct loop_signal *s)
{
	(void)s;
	calls++;
}

static void signals(void **state)
{
	struct loop_signal s = { 0 };

	(void)state;
	loop_signal_stop(&s);
	loop_signal_init(&s, loop, SIGUSR1, on_signal);
	raise(SIGUSR1);
	run_for(20);
	assert_int_equal(calls, 1);
	loop_signal_stop(&s);
	loop_signal_stop(&s);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(a_deadline_moves),
		ROW(a_timer_sets_itself_anew),
		ROW(a_stopped_watcher_never_calls),
		ROW(a_watcher_may_free_itself),
		ROW(again_needs_no_socket),
		ROW(a_turn_ends_even_when_it_is_the_last),
		ROW(signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
