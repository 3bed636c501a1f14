/* net_int.h -- what fds.c, tcp.c and packets.c share. */
#ifndef RESTANTE_SIM_NET_INT_H
#define RESTANTE_SIM_NET_INT_H

#include "sim.h"

enum fd_kind { FD_FREE, FD_TCP, FD_LISTENER, FD_PACKETS, FD_BELL };

struct descriptor {
	enum fd_kind kind;
	void *object;
	int side; /* of the object, where it has two */
	struct sim_proc *owner;
};

/* NULL: not of that kind. */
struct descriptor *fd_of(int fd, enum fd_kind kind);
int fd_new(enum fd_kind kind, void *object, int side);
/* Whoever has it looks again. */
void fd_wake(const void *object, int side);
void fd_drop(int fd); /* one that was on its way, and is nobody's; -1 is fine */

int tcp_events(const void *tcp, int side);
void tcp_close(void *tcp, int side, bool silently);
bool listener_ready(const void *listener);
void listener_close(void *listener, bool silently);
void tcp_end(void); /* of the world */

int pair_events(const void *pair, int side);
void pair_close(void *pair, int side);

#endif
