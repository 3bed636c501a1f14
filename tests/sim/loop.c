/* net/loop.h over the simulated world.  A turn handles what is ready in an order of chance, as no order is
 * promised; then the process gives way. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"
#include "sim.h"

struct loop {
	struct loop_io **io; /* by ev.active - 1 */
	struct loop_timer **timers;
	size_t io_count, io_room, timer_count, timer_room;
	int64_t now_ms;
	bool stopping;
	void (*turn_end)(void *arg);
	void *turn_end_arg;
};

struct loop *loop_new(void)
{
	struct loop *l = NEW(struct loop);

	l->now_ms = clock_mono_ms();
	return l;
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	free(l->io);
	free(l->timers);
	free(l);
}

int64_t loop_now_ms(struct loop *l)
{
	return l->now_ms;
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
}

void loop_at_turn_end(struct loop *l, void (*call)(void *arg), void *arg)
{
	l->turn_end = call;
	l->turn_end_arg = arg;
}

static void end_turn(struct loop *l)
{
	if (l->turn_end != NULL)
		l->turn_end(l->turn_end_arg);
}

static int io_ready(const struct loop_io *io)
{
	return (net_events(io->ev.fd) & io->ev.events) | io->ev.pending;
}

static void serve_io(struct loop *l)
{
	size_t n = l->io_count, first = n == 0 ? 0 : sim_random(n);

	for (size_t i = 0; i < n; i++) {
		struct loop_io *io = l->io[(first + i) % n];
		int events = io == NULL ? 0 : io_ready(io);

		if (events == 0)
			continue;
		io->ev.pending = 0;
		io->ready(io, events);
	}
}

static void serve_timers(struct loop *l)
{
	size_t n = l->timer_count;

	for (size_t i = 0; i < n; i++) {
		struct loop_timer *t = l->timers[i];

		if (t == NULL || t->at > l->now_ms)
			continue;
		loop_timer_stop(t);
		t->expired(t);
	}
}

/* What was stopped leaves a gap. */
static void close_gaps(struct loop *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->io_count; i++)
		if (l->io[i] != NULL) {
			l->io[n++] = l->io[i];
			l->io[n - 1]->ev.active = (int)n;
		}
	l->io_count = n;
	n = 0;
	for (size_t i = 0; i < l->timer_count; i++)
		if (l->timers[i] != NULL) {
			l->timers[n++] = l->timers[i];
			l->timers[n - 1]->ev.active = (int)n;
		}
	l->timer_count = n;
}

/* When there is something to do next. */
static int64_t next_us(const struct loop *l)
{
	int64_t next_ms = INT64_MAX, now_ms = clock_mono_ms();

	for (size_t i = 0; i < l->io_count; i++)
		if (io_ready(l->io[i]))
			return sim_now_us;
	for (size_t i = 0; i < l->timer_count; i++)
		if (l->timers[i]->at < next_ms)
			next_ms = l->timers[i]->at;
	if (next_ms == INT64_MAX)
		return INT64_MAX;
	return next_ms <= now_ms ? sim_now_us : sim_now_us + MS(next_ms - now_ms);
}

static void turn(struct loop *l)
{
	l->now_ms = clock_mono_ms();
	serve_io(l);
	serve_timers(l);
	end_turn(l);
	close_gaps(l);
}

void loop_run(struct loop *l)
{
	while (!l->stopping) {
		turn(l);
		if (!l->stopping)
			proc_park(next_us(l));
	}
	l->stopping = false;
	end_turn(l);
}

void loop_turn(struct loop *l, bool wait)
{
	close_gaps(l);
	if (wait)
		proc_park(next_us(l));
	turn(l);
}

void loop_io_init(struct loop_io *io, struct loop *l, int fd, void (*ready)(struct loop_io *, int))
{
	*io = (struct loop_io){ .loop = l, .ready = ready };
	io->ev.fd = fd;
}

void loop_io_want(struct loop_io *io, int events)
{
	struct loop *l = io->loop;

	if (l == NULL)
		return;
	io->ev.events = events;
	if (events == 0 && io->ev.active != 0) {
		l->io[io->ev.active - 1] = NULL;
		io->ev.active = 0;
		io->ev.pending = 0;
	}
	if (events == 0 || io->ev.active != 0)
		return;
	if (l->io_count == l->io_room) {
		l->io_room = l->io_room == 0 ? 16 : l->io_room * 2;
		l->io = mem_array(l->io, l->io_room, sizeof(struct loop_io *));
	}
	l->io[l->io_count++] = io;
	io->ev.active = (int)l->io_count;
}

void loop_io_again(struct loop_io *io, int events)
{
	if (io->loop != NULL && io->ev.active != 0)
		io->ev.pending |= events;
}

void loop_timer_init(struct loop_timer *t, struct loop *l, void (*expired)(struct loop_timer *))
{
	*t = (struct loop_timer){ .loop = l, .expired = expired };
}

void loop_timer_at(struct loop_timer *t, int64_t mono_ms)
{
	struct loop *l = t->loop;

	t->at = mono_ms;
	if (t->ev.active != 0)
		return;
	if (l->timer_count == l->timer_room) {
		l->timer_room = l->timer_room == 0 ? 16 : l->timer_room * 2;
		l->timers = mem_array(l->timers, l->timer_room, sizeof(struct loop_timer *));
	}
	l->timers[l->timer_count++] = t;
	t->ev.active = (int)l->timer_count;
}

void loop_timer_stop(struct loop_timer *t)
{
	if (t->loop == NULL || t->ev.active == 0)
		return;
	t->loop->timers[t->ev.active - 1] = NULL;
	t->ev.active = 0;
}

/* Nobody interrupts a simulated process but by ending it. */
void loop_signal_init(
	struct loop_signal *s, struct loop *l, int signo, void (*caught)(struct loop_signal *))
{
	(void)signo;
	s->loop = l;
	s->caught = caught;
}

void loop_signal_stop(struct loop_signal *s)
{
	(void)s;
}
