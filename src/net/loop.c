#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"

static_assert((int)LOOP_READ == (int)EV_READ && (int)LOOP_WRITE == (int)EV_WRITE,
	"events are passed on as they are");

struct loop {
	struct ev_loop *ev;
	ev_check woken;    /* first after the sleep: reads the clock */
	ev_prepare asleep; /* last before the sleep */
	int64_t now_ms;
	bool stopping;
	void (*turn_end)(void *arg);
	void *turn_end_arg;
};

static void on_woken(struct ev_loop *ev, ev_check *w, int events)
{
	struct loop *l = w->data;

	(void)ev, (void)events;
	l->now_ms = clock_mono_ms();
}

static void on_asleep(struct ev_loop *ev, ev_prepare *w, int events)
{
	struct loop *l = w->data;

	(void)ev, (void)events;
	if (l->turn_end != NULL)
		l->turn_end(l->turn_end_arg);
}

struct loop *loop_new(void)
{
	struct loop *l = NEW(struct loop);

	/* A peer that has gone is an error of the write, not the end of the process; OpenSSL's socket
	 * BIO cannot pass MSG_NOSIGNAL. */
	signal(SIGPIPE, SIG_IGN);
	l->ev = ev_loop_new(EVFLAG_NOENV);
	if (l->ev == NULL)
		abort();
	l->now_ms = clock_mono_ms();
	ev_check_init(&l->woken, on_woken);
	ev_set_priority(&l->woken, EV_MAXPRI);
	l->woken.data = l;
	ev_check_start(l->ev, &l->woken);
	ev_prepare_init(&l->asleep, on_asleep);
	ev_set_priority(&l->asleep, EV_MINPRI);
	l->asleep.data = l;
	ev_prepare_start(l->ev, &l->asleep);
	return l;
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	ev_loop_destroy(l->ev);
	free(l);
}

void loop_run(struct loop *l)
{
	while (!l->stopping)
		ev_run(l->ev, 0);
	l->stopping = false;
	/* The last turn did not come to its sleep. */
	on_asleep(l->ev, &l->asleep, 0);
}

void loop_stop(struct loop *l)
{
	l->stopping = true;
	ev_break(l->ev, EVBREAK_ALL);
}

void loop_turn(struct loop *l, bool wait)
{
	ev_run(l->ev, wait ? EVRUN_ONCE : EVRUN_NOWAIT);
	on_asleep(l->ev, &l->asleep, 0);
}

int64_t loop_now_ms(struct loop *l)
{
	return l->now_ms;
}

void loop_at_turn_end(struct loop *l, void (*call)(void *arg), void *arg)
{
	l->turn_end = call;
	l->turn_end_arg = arg;
}

static void on_io(struct ev_loop *ev, ev_io *w, int events)
{
	struct loop_io *io = w->data;

	(void)ev;
	/* libev reports a broken descriptor as EV_ERROR with both: the owner's read will find out. */
	io->ready(io, events & (LOOP_READ | LOOP_WRITE));
}

void loop_io_init(struct loop_io *io, struct loop *l, int fd, void (*ready)(struct loop_io *, int))
{
	io->loop = l;
	io->ready = ready;
	ev_io_init(&io->ev, on_io, fd, 0);
	io->ev.data = io;
}

void loop_io_want(struct loop_io *io, int events)
{
	if (io->loop == NULL)
		return;
	if (ev_is_active(&io->ev) && (io->ev.events & (LOOP_READ | LOOP_WRITE)) == events)
		return;
	ev_io_stop(io->loop->ev, &io->ev);
	if (events == 0)
		return;
	ev_io_set(&io->ev, io->ev.fd, events);
	ev_io_start(io->loop->ev, &io->ev);
}

void loop_io_again(struct loop_io *io, int events)
{
	if (io->loop != NULL && ev_is_active(&io->ev))
		ev_feed_event(io->loop->ev, &io->ev, events);
}

static void timer_arm(struct loop_timer *t)
{
	int64_t now = clock_mono_ms(), left = t->at > now ? t->at - now : 0;

	/* The library counts from its own reading of the clock, which a long callback makes stale. */
	ev_now_update(t->loop->ev);
	ev_timer_set(&t->ev, (double)left / 1000.0, 0.0);
	ev_timer_start(t->loop->ev, &t->ev);
	t->armed = t->at;
}

static void on_timer(struct ev_loop *ev, ev_timer *w, int events)
{
	struct loop_timer *t = w->data;

	(void)ev, (void)events;
	if (clock_mono_ms() < t->at)
		timer_arm(t);
	else
		t->expired(t);
}

void loop_timer_init(struct loop_timer *t, struct loop *l, void (*expired)(struct loop_timer *))
{
	t->loop = l;
	t->expired = expired;
	ev_timer_init(&t->ev, on_timer, 0.0, 0.0);
	t->ev.data = t;
}

void loop_timer_at(struct loop_timer *t, int64_t mono_ms)
{
	t->at = mono_ms;
	if ((ev_is_active(&t->ev) || ev_is_pending(&t->ev)) && t->armed <= mono_ms)
		return;
	ev_timer_stop(t->loop->ev, &t->ev);
	timer_arm(t);
}

void loop_timer_stop(struct loop_timer *t)
{
	if (t->loop != NULL)
		ev_timer_stop(t->loop->ev, &t->ev);
}

static void on_signal(struct ev_loop *ev, ev_signal *w, int events)
{
	struct loop_signal *s = w->data;

	(void)ev, (void)events;
	s->caught(s);
}

void loop_signal_init(
	struct loop_signal *s, struct loop *l, int signo, void (*caught)(struct loop_signal *))
{
	s->loop = l;
	s->caught = caught;
	ev_signal_init(&s->ev, on_signal, signo);
	s->ev.data = s;
	ev_signal_start(l->ev, &s->ev);
}

void loop_signal_stop(struct loop_signal *s)
{
	if (s->loop != NULL)
		ev_signal_stop(s->loop->ev, &s->ev);
}
