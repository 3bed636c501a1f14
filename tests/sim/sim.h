/* sim.h -- a world in one process: machines, processes, a network and a clock, all driven by one seed.
 *
 * A simulated process is a coroutine that runs the code of a real one.  It gives way where the real one
 * would wait; what happens next is decided by one queue of events in the order of simulated time, so
 * that a seed always plays the same.  Sockets, processes' ends and the clock are simulated below the
 * system calls (calls.c); the loop, worker threads, DNS and the log are simulated in place of the modules
 * of that name. */
#ifndef RESTANTE_SIM_H
#define RESTANTE_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/list.h"

#define MS(x) ((int64_t)(x)*1000)
#define S(x)  MS((x)*INT64_C(1000))

/* ---- world.c: time, chance, events, what is said about the run ---- */

extern int64_t sim_now_us;
extern int sim_verbose;
extern uint64_t sim_seed;

void sim_begin(uint64_t seed);
void sim_end(void);
void sim_at(int64_t us, void (*call)(uint64_t arg), uint64_t arg);
/* Plays what is due before that time, and sets the clock to it. */
void sim_play(int64_t until_us);
uint64_t sim_random(uint64_t below);
int64_t sim_between(int64_t least, int64_t most);
bool sim_chance(unsigned per_mille);
/* Is part of the trace: a seed that is played again must come to the same sum. */
void sim_trace(const char *what, uint64_t a, uint64_t b);
void sim_trace_octets(struct str octets);
uint64_t sim_trace_sum(void);
uint64_t sim_events(void);
_Noreturn void sim_broken(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- machines ---- */

struct sim_host {
	const char *name;
	unsigned char address[4];
	bool up;
	int64_t booted_us;
	int64_t wall_ms; /* its clock is so far from the simulated time's */
	bool frozen;     /* its wall clock stands still */
	int64_t frozen_ms;
	int64_t steady_from; /* of its parent: steady - monotonic time */
};
enum { SIM_HOSTS = 16, SIM_ELSEWHERE = 200 };
extern struct sim_host sim_hosts[SIM_HOSTS];
extern size_t sim_host_count;
const char *sim_directory(void);   /* of this run, for what stands on a real disk */
void sim_remove(const char *path); /* with all that is below */
/* last: of its address; from SIM_ELSEWHERE on it is in another network. */
struct sim_host *sim_host_add(const char *name, unsigned last);
int64_t sim_wall_ms(const struct sim_host *h);
int64_t sim_steady_from(const struct sim_host *h);

/* ---- proc.c: processes ---- */

struct sim_proc {
	unsigned id;
	char name[24];
	struct sim_host *host;
	void (*run)(void *arg);
	void *arg;
	void (*ended)(struct sim_proc *p, int status); /* from the scheduler */
	void *owner;                                   /* of whoever started it */
	int64_t steady_from;
	bool dead;
	int status;
	unsigned fuse;   /* dies at so many calls from now; 0: does not */
	int64_t wake_us; /* when it goes on; INT64_MAX: when something happens */
	size_t blocks;   /* of memory that it holds */
	struct sim_context *context;
	struct link link;
};
enum { SIM_KILLED = -9 };

extern struct sim_proc *sim_self; /* NULL: the scheduler */
struct sim_proc *proc_start(struct sim_host *h, const char *name, void (*run)(void *arg), void *arg,
	void (*ended)(struct sim_proc *p, int status));
/* At once, with everything that it has; also of itself. */
void proc_kill(struct sim_proc *p);
_Noreturn void proc_exit(int status);
/* Gives way until then, or until something happens. */
void proc_park(int64_t until_us);
void proc_sleep(int64_t us);
void proc_wake(struct sim_proc *p, int64_t at_us);
/* Each call of a process passes here, and may be its last. */
void proc_tick(void);
struct sim_proc *proc_find(unsigned id);
size_t proc_count(void);
void proc_end(void); /* of a run: ends what is left */

/* ---- memory.c: what a process has of the heap, its mappings and its databases ---- */

/* What is allocated in between is the world's, not the process's. */
struct sim_proc *memory_world(void);
void memory_owner(struct sim_proc *p);
void memory_reap(struct sim_proc *p);
void memory_unmap(void *at); /* whatever its size */

/* ---- fds.c, tcp.c, packets.c ---- */

enum { SIM_FD = 1 << 20 };

int net_events(int fd); /* LOOP_READ | LOOP_WRITE */
void net_reap(struct sim_proc *p, bool silently);
void net_give(int fd, struct sim_proc *p);
int net_dup(int fd);
size_t net_count(const struct sim_proc *p);
int net_listen(struct sim_host *h, uint16_t port);
int net_bell(void); /* a descriptor that is readable while it is rung */
void net_ring(int fd, bool rung);
bool net_is_bell(int fd);
void net_host_down(struct sim_host *h);
void net_partition(struct sim_host *a, struct sim_host *b, int64_t until_us);
void net_end(void);

/* Faults of the network, per mille of connections, or of octets' journeys. */
struct net_faults {
	unsigned cut, tiny, slow;
};
extern struct net_faults net_faults;
extern uint64_t net_cuts;

int net_socket(void);
int net_pair(int fds[2]);
int net_connect(int fd, const struct sockaddr *to);
int net_accept(int fd, struct sockaddr *peer, socklen_t *n);
ssize_t net_receive(int fd, void *to, size_t n, int flags);
ssize_t net_send(int fd, const void *from, size_t n);
ssize_t net_send_packet(int fd, const struct msghdr *msg);
ssize_t net_receive_packet(int fd, struct msghdr *msg);
int net_error(int fd);
int net_name(int fd, bool peer, struct sockaddr *to, socklen_t *n);
int net_close(int fd);

/* ---- disk.c ---- */

struct sim_disk;
struct sim_disk *sim_disk_new(struct sim_host *h, const char *root);
void sim_disk_free(struct sim_disk *d);
void sim_disk_reap(struct sim_proc *p);
void sim_disk_cut(struct sim_disk *d);
struct disk *sim_disk_inner(struct sim_disk *d);
/* Its calls fail now and then, or all, for so long; some of them, with one error. */
void sim_disk_trouble(struct sim_disk *d, int64_t for_us);
void sim_disk_mend(struct sim_disk *d);
uint64_t sim_disk_faults(const struct sim_disk *d);
uint64_t sim_disk_database_faults(const struct sim_disk *d); /* of them */
enum sim_disk_call {
	SIM_DISK_OPEN = 1,
	SIM_DISK_MAKE = 2,
	SIM_DISK_READ = 4,
	SIM_DISK_WRITE = 8,
	SIM_DISK_SYNC = 16,
	SIM_DISK_NAME = 32,
	SIM_DISK_CUT = 64,
	SIM_DISK_ROOM = 128,
};
/* For what SQLite does there: 0, or a negative errno when it has to fail. */
int sim_disk_fault(enum sim_disk_call call);
bool sim_disk_in_trouble(void); /* of the machine that runs now */
extern struct disk_faults {
	unsigned slow; /* per mille of commits */
} disk_faults;

/* ---- database.c ---- */

void sim_databases(void); /* at the beginning of a world */

/* ---- resolve.c ---- */

struct dns_faults {
	unsigned fail, slow; /* per mille of questions */
};
extern struct dns_faults dns_faults;

#endif
