#include "net/resolve_event.h"

#include <stdlib.h>
#include <sys/time.h>

#include "base/list.h"
#include "base/mem.h"

struct event {
	struct ub_event as_ub; /* first: the library casts */
	struct resolve_events *events;
	struct loop_io io;
	struct loop_timer timer;
	int fd;
	short bits;
	int64_t timeout_ms; /* of UB_EV_PERSIST: again after each call; 0: none */
	void (*call)(int fd, short bits, void *arg);
	void *arg;
};

static struct event *event_of(struct ub_event *e)
{
	return (struct event *)(void *)e;
}

static void stop(struct event *e)
{
	if (e->fd >= 0)
		loop_io_want(&e->io, 0);
	loop_timer_stop(&e->timer);
}

static void arm(struct event *e)
{
	if (e->timeout_ms > 0)
		loop_timer_at(&e->timer, loop_now_ms(e->events->loop) + e->timeout_ms);
}

/* The callee may free the event. */
static void fire(struct event *e, short bits)
{
	if ((e->bits & UB_EV_PERSIST) == 0)
		stop(e);
	else
		arm(e);
	e->call(e->fd, bits, e->arg);
}

static void on_ready(struct loop_io *io, int events)
{
	struct event *e = LIST_OF(io, struct event, io);

	fire(e, (short)(((events & LOOP_READ) != 0 ? UB_EV_READ : 0) |
			((events & LOOP_WRITE) != 0 ? UB_EV_WRITE : 0)));
}

static void on_expired(struct loop_timer *t)
{
	fire(LIST_OF(t, struct event, timer), UB_EV_TIMEOUT);
}

static int start(struct event *e, const struct timeval *timeout)
{
	int wanted = ((e->bits & UB_EV_READ) != 0 ? LOOP_READ : 0) |
		     ((e->bits & UB_EV_WRITE) != 0 ? LOOP_WRITE : 0);

	e->timeout_ms = 0;
	if (timeout != NULL) /* rounded up: a timer of the library never fires early */
		e->timeout_ms = (int64_t)timeout->tv_sec * 1000 + timeout->tv_usec / 1000 + 1;
	if (e->fd >= 0)
		loop_io_want(&e->io, wanted);
	loop_timer_stop(&e->timer);
	arm(e);
	return 0;
}

static void add_bits(struct ub_event *u, short bits)
{
	event_of(u)->bits |= bits;
}

static void del_bits(struct ub_event *u, short bits)
{
	event_of(u)->bits &= (short)~bits;
}

static void set_fd(struct ub_event *u, int fd)
{
	struct event *e = event_of(u);

	stop(e);
	e->fd = fd;
	if (fd >= 0)
		loop_io_init(&e->io, e->events->loop, fd, on_ready);
}

static void free_event(struct ub_event *u)
{
	stop(event_of(u));
	free(u);
}

static int add(struct ub_event *u, struct timeval *timeout)
{
	return start(event_of(u), timeout);
}

static int del(struct ub_event *u)
{
	stop(event_of(u));
	return 0;
}

static int add_timer(struct ub_event *u, struct ub_event_base *base,
	void (*call)(int, short, void *), void *arg, struct timeval *timeout)
{
	struct event *e = event_of(u);

	(void)base;
	e->call = call;
	e->arg = arg;
	return start(e, timeout);
}

/* Those for Windows and for signals are never called. */
static struct ub_event_vmt event_calls = { .add_bits = add_bits,
	.del_bits = del_bits,
	.set_fd = set_fd,
	.free = free_event,
	.add = add,
	.del = del,
	.add_timer = add_timer,
	.del_timer = del };

static struct ub_event *new_event(
	struct ub_event_base *base, int fd, short bits, void (*call)(int, short, void *), void *arg)
{
	struct event *e = NEW(struct event);

	e->as_ub = (struct ub_event){ .magic = UB_EVENT_MAGIC, .vmt = &event_calls };
	e->events = (struct resolve_events *)(void *)base;
	e->bits = bits;
	e->call = call;
	e->arg = arg;
	e->fd = -1;
	loop_timer_init(&e->timer, e->events->loop, on_expired);
	set_fd(&e->as_ub, fd);
	return &e->as_ub;
}

static struct ub_event_base_vmt base_calls = { .new_event = new_event };

void resolve_events_init(struct resolve_events *e, struct loop *l)
{
	*e = (struct resolve_events){ .base = { .magic = UB_EVENT_MAGIC, .vmt = &base_calls },
		.loop = l };
}
