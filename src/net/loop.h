/* loop.h -- one event loop per process, one thread: sockets, timers, signals.  libev behind it.
 *
 * Watchers are embedded in their owners; start and stop are idempotent; a stopped watcher never
 * calls; stopping a zeroed watcher is harmless.  A callback may stop or free any watcher, its own
 * included. */
#ifndef RESTANTE_NET_LOOP_H
#define RESTANTE_NET_LOOP_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_io {
	ev_io ev;
	struct loop *loop;
	void (*ready)(struct loop_io *io, int events);
};

struct loop_timer {
	ev_timer ev;
	struct loop *loop;
	void (*expired)(struct loop_timer *t);
	int64_t at, armed; /* the deadline; the time the library will wake us for it, not later */
};

struct loop_signal {
	ev_signal ev;
	struct loop *loop;
	void (*caught)(struct loop_signal *s);
};

/* Also sets SIGPIPE to be ignored: a peer that has gone is an error of the write. */
struct loop *loop_new(void);
void loop_free(struct loop *l);
void loop_run(struct loop *l); /* until loop_stop() */
void loop_stop(struct loop *l);
void loop_turn(struct loop *l, bool wait); /* one turn; for tests */
/* Monotonic ms, read once a turn. */
int64_t loop_now_ms(struct loop *l);
/* Called at the end of every turn, before the loop sleeps: group commits, log flush. */
void loop_at_turn_end(struct loop *l, void (*call)(void *arg), void *arg);

void loop_io_init(struct loop_io *io, struct loop *l, int fd, void (*ready)(struct loop_io *, int));
void loop_io_want(struct loop_io *io, int events); /* LOOP_READ | LOOP_WRITE, 0 stops */
/* Calls ready() once more without waiting for the socket, when the watcher is not stopped before:
 * for octets that a layer above the socket still holds. */
void loop_io_again(struct loop_io *io, int events);
void loop_timer_init(struct loop_timer *t, struct loop *l, void (*expired)(struct loop_timer *));
/* Absolute monotonic ms.  Setting a later time costs nothing: the timer re-arms itself when it fires
 * early. */
void loop_timer_at(struct loop_timer *t, int64_t mono_ms);
void loop_timer_stop(struct loop_timer *t);
/* Starts at once.  A signal belongs to one loop of the process; a child that makes a loop of its own
 * after fork() first stops what it inherited. */
void loop_signal_init(
	struct loop_signal *s, struct loop *l, int signo, void (*caught)(struct loop_signal *));
void loop_signal_stop(struct loop_signal *s);

#endif
