/* The descriptors of all processes, and bells, which are readable while they are rung. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "calls.h"
#include "net/loop.h"
#include "net_int.h"

enum { FDS = 4096, REAL_FDS = 256 };

struct bell {
	bool rung;
};

static struct descriptor fds[FDS];
static int fd_top; /* none is used from here on */
static struct sim_proc *real_owner[REAL_FDS];

struct descriptor *fd_of(int fd, enum fd_kind kind)
{
	struct descriptor *d = fd < SIM_FD || fd >= SIM_FD + FDS ? NULL : &fds[fd - SIM_FD];

	if (d == NULL || d->kind != kind)
		return NULL;
	if (sim_self != NULL && d->owner != sim_self)
		sim_broken("%s uses descriptor %d of another process", sim_self->name, fd);
	return d;
}

int fd_new(enum fd_kind kind, void *object, int side)
{
	for (int i = 0; i < FDS; i++) {
		if (fds[i].kind != FD_FREE)
			continue;
		fds[i] = (struct descriptor){ kind, object, side, sim_self };
		fd_top = i < fd_top ? fd_top : i + 1;
		return SIM_FD + i;
	}
	errno = EMFILE;
	return -1;
}

static bool is_open(const void *object, int side)
{
	for (int i = 0; i < fd_top; i++)
		if (fds[i].kind != FD_FREE && fds[i].object == object && fds[i].side == side)
			return true;
	return false;
}

void fd_wake(const void *object, int side)
{
	for (int i = 0; i < fd_top; i++)
		if (fds[i].kind != FD_FREE && fds[i].object == object && fds[i].side == side)
			proc_wake(fds[i].owner, sim_now_us);
}

int net_dup(int fd)
{
	struct descriptor *d = fd < SIM_FD ? NULL : &fds[fd - SIM_FD];
	int copy;

	if (d != NULL)
		return fd_new(d->kind, d->object, d->side);
	copy = __real_dup(fd);
	net_give(copy, sim_self);
	return copy;
}

void net_give(int fd, struct sim_proc *p)
{
	if (fd >= SIM_FD)
		fds[fd - SIM_FD].owner = p;
	else if (fd >= 0 && fd < REAL_FDS)
		real_owner[fd] = p;
}

size_t net_count(const struct sim_proc *p)
{
	size_t n = 0;

	for (int i = 0; i < fd_top; i++)
		n += fds[i].kind != FD_FREE && fds[i].owner == p;
	for (int i = 0; i < REAL_FDS; i++)
		n += real_owner[i] == p;
	return n;
}

int net_bell(void)
{
	return fd_new(FD_BELL, NEW(struct bell), 0);
}

bool net_is_bell(int fd)
{
	return fds[fd - SIM_FD].kind == FD_BELL;
}

void net_ring(int fd, bool rung)
{
	struct bell *b = fds[fd - SIM_FD].object;

	b->rung = rung;
	if (rung)
		fd_wake(b, 0);
}

int net_events(int fd)
{
	const struct descriptor *d = &fds[fd - SIM_FD];

	switch (d->kind) {
	case FD_FREE: break;
	case FD_TCP: return tcp_events(d->object, d->side);
	case FD_LISTENER: return listener_ready(d->object) ? LOOP_READ : 0;
	case FD_BELL: return ((struct bell *)d->object)->rung ? LOOP_READ : 0;
	case FD_PACKETS: return pair_events(d->object, d->side);
	}
	return 0;
}

static int close_any(int fd, bool silently)
{
	struct descriptor d = fds[fd - SIM_FD];

	fds[fd - SIM_FD] = (struct descriptor){ .kind = FD_FREE };
	if (is_open(d.object, d.side))
		return 0;
	switch (d.kind) {
	case FD_FREE: errno = EBADF; return -1;
	case FD_TCP: tcp_close(d.object, d.side, silently); break;
	case FD_LISTENER: listener_close(d.object, silently); break;
	case FD_PACKETS: pair_close(d.object, d.side); break;
	case FD_BELL: free(d.object); break;
	}
	return 0;
}

void fd_drop(int fd)
{
	if (fd >= SIM_FD)
		close_any(fd, false);
	else if (fd >= 0)
		__real_close(fd);
}

int net_close(int fd)
{
	if (fd >= SIM_FD &&
		(fds[fd - SIM_FD].kind == FD_FREE || fds[fd - SIM_FD].owner != sim_self))
		sim_broken("%s closes descriptor %d, which is not its own",
			sim_self == NULL ? "the world" : sim_self->name, fd);
	if (fd >= SIM_FD)
		return close_any(fd, false);
	if (fd >= 0 && fd < REAL_FDS)
		real_owner[fd] = NULL;
	return __real_close(fd);
}

void net_reap(struct sim_proc *p, bool silently)
{
	for (int i = 0; i < fd_top; i++)
		if (fds[i].kind != FD_FREE && fds[i].owner == p)
			close_any(SIM_FD + i, silently);
	for (int i = 0; i < REAL_FDS; i++)
		if (real_owner[i] == p)
			net_close(i);
}

void net_end(void)
{
	for (int i = 0; i < fd_top; i++)
		if (fds[i].kind != FD_FREE)
			close_any(SIM_FD + i, true);
	fd_top = 0;
	tcp_end();
}
