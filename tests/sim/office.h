/* office.h -- a whole office on one machine: the real processes, and the parent played by the world. */
#ifndef RESTANTE_SIM_OFFICE_H
#define RESTANTE_SIM_OFFICE_H

#include "sim.h"

enum { PORT_SMTP = 25, PORT_SUBMISSION = 587, PORT_POP3 = 110, USERS = 3 };

/* Users of each office are "u0" .. with the password "secret". */
struct office_child {
	struct office_sim *office;
	int kind; /* enum kind of office.c */
	unsigned seat;
	struct sim_proc *proc; /* NULL: between two lives */
	int leash;             /* our end */
	int fds[8];            /* of the start: leash, channel, listeners */
	size_t fd_count;
	bool stopped;
	uint64_t faults; /* of the disk before it began */
};

enum { EDGES = 2, CHILDREN = EDGES + 2 };

struct office_sim {
	struct sim_host *host;
	char domain[16];
	char dir[64];
	struct sim_disk *disk;
	struct shared *shared;
	int listeners[3];
	struct office_child children[CHILDREN];
	bool stopping, down;
	uint64_t kills, cuts;
};

/* Once, before any world: its accounts are the same in each. */
void office_prepare(const char *domain);
void office_begin(struct office_sim *o, const char *domain, unsigned last);
void office_kill(struct office_sim *o, size_t child);
/* The child dies at one of its next calls. */
void office_fuse(struct office_sim *o, size_t child, unsigned calls);
/* Everything of the machine is gone; it comes back after a while. */
void office_power_cut(struct office_sim *o);
/* Politely; then everything must have ended by itself. */
void office_stop(struct office_sim *o);
bool office_stopped(const struct office_sim *o);
/* No session is open: an edge has what it had at the beginning. */
void office_check_leaks(struct office_sim *o);
/* After office_stop(): reads all that is kept. */
void office_fsck(struct office_sim *o);
/* And what of its queue waits, or is still to be told to its sender. */
void office_each_queued(
	struct office_sim *o, void (*each)(struct str octets, struct str recipient));
void office_end(struct office_sim *o);

#endif
