/* store/disk.h for the processes of a machine: the simulated disk that forgets, and takes its time.  A
 * process may end at each of its calls. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sim.h"
#include "store/disk_sim.h"

enum { DISKS = 4, HANDLES = 4096, QUEUED = 64 };

struct sim_disk {
	struct disk disk;
	struct sim_host *host;
	struct disk *inner;
	struct sim_proc *user;
	bool open[HANDLES];
	int bell;
	struct disk_commit *queued[QUEUED];
	int64_t ready_us[QUEUED];
	size_t count;
	const struct trouble *trouble;
	unsigned often; /* per mille of the calls that it is about */
	int64_t over_us;
	bool databases; /* SQLite's calls too; else a store gets past them to its journal */
	uint64_t faults;
	uint64_t database_faults; /* of them */
};

static const struct trouble {
	unsigned calls; /* of enum sim_disk_call */
	int error;
} troubles[] = {
	{ SIM_DISK_OPEN | SIM_DISK_MAKE | SIM_DISK_READ | SIM_DISK_WRITE | SIM_DISK_SYNC |
			SIM_DISK_NAME | SIM_DISK_CUT | SIM_DISK_ROOM,
		-EIO },
	{ SIM_DISK_READ, -EIO },
	{ SIM_DISK_SYNC, -EIO },
	{ SIM_DISK_MAKE | SIM_DISK_WRITE | SIM_DISK_ROOM | SIM_DISK_NAME, -ENOSPC },
	{ SIM_DISK_WRITE | SIM_DISK_SYNC, -ENOSPC },
	{ SIM_DISK_OPEN | SIM_DISK_MAKE, -EMFILE },
};

struct disk_faults disk_faults;

static struct sim_disk *disks[DISKS];

static struct sim_disk *of(struct disk *d)
{
	return (struct sim_disk *)(void *)d;
}

/* A negative errno when this call has to fail. */
static int fault(struct disk *d, unsigned call)
{
	struct sim_disk *s = of(d);

	if (sim_now_us >= s->over_us || (s->trouble->calls & call) == 0 || !sim_chance(s->often))
		return 0;
	s->faults++;
	sim_trace("disk-fault", call, (uint64_t)-s->trouble->error);
	/* These two do half their work. */
	if (call == SIM_DISK_WRITE || call == SIM_DISK_SYNC)
		disk_sim_fail(s->inner, call == SIM_DISK_WRITE ? SIM_WRITE : SIM_SYNC, 1,
			s->trouble->error, false);
	return call == SIM_DISK_WRITE || call == SIM_DISK_SYNC ? 0 : s->trouble->error;
}

/* Of the machine that runs now, when its disk is in trouble that SQLite meets. */
static struct sim_disk *troubled(void)
{
	for (size_t i = 0; sim_self != NULL && i < DISKS; i++)
		if (disks[i] != NULL && disks[i]->user == sim_self && disks[i]->databases &&
			sim_now_us < disks[i]->over_us)
			return disks[i];
	return NULL;
}

bool sim_disk_in_trouble(void)
{
	return troubled() != NULL;
}

int sim_disk_fault(enum sim_disk_call call)
{
	struct sim_disk *s = troubled();

	if (s == NULL || (s->trouble->calls & call) == 0 || !sim_chance(s->often))
		return 0;
	s->faults++;
	s->database_faults++;
	sim_trace("database-fault", call, (uint64_t)-s->trouble->error);
	return s->trouble->error;
}

#define ON_INNER(type, kind, call)                                                                 \
	do {                                                                                       \
		struct disk *i;                                                                    \
		struct sim_proc *was_;                                                             \
		type result_;                                                                      \
		int fault_;                                                                        \
                                                                                                   \
		proc_tick();                                                                       \
		was_ = memory_world();                                                             \
		i = of(d)->inner;                                                                  \
		fault_ = fault(d, kind);                                                           \
		result_ = fault_ == 0 ? (call) : fault_;                                           \
		memory_owner(was_);                                                                \
		return result_;                                                                    \
	} while (0)

static int opened(struct disk *d, int file)
{
	if (file >= 0)
		of(d)->open[file] = true;
	return file;
}

static int do_open(struct disk *d, const char *path, bool create)
{
	ON_INNER(int, create ? SIM_DISK_MAKE : SIM_DISK_OPEN,
		opened(d, i->ops->open(i, path, create)));
}

static int do_open_dir(struct disk *d, const char *path, bool create)
{
	ON_INNER(int, create ? SIM_DISK_MAKE : SIM_DISK_OPEN,
		opened(d, i->ops->open_dir(i, path, create)));
}

static int do_unnamed(struct disk *d, const char *dir)
{
	ON_INNER(int, SIM_DISK_MAKE, opened(d, i->ops->unnamed(i, dir)));
}

static int do_close(struct disk *d, int file)
{
	of(d)->open[file] = false;
	ON_INNER(int, 0, i->ops->close(i, file));
}

static int64_t do_read(struct disk *d, int file, void *to, size_t n, uint64_t offset)
{
	ON_INNER(int64_t, SIM_DISK_READ, i->ops->read(i, file, to, n, offset));
}

static int64_t do_write(
	struct disk *d, int file, const struct iovec *iov, int iovcnt, uint64_t offset)
{
	ON_INNER(int64_t, SIM_DISK_WRITE, i->ops->write(i, file, iov, iovcnt, offset));
}

static int do_allocate(struct disk *d, int file, uint64_t octets)
{
	ON_INNER(int, SIM_DISK_ROOM, i->ops->allocate(i, file, octets));
}

static int64_t do_size(struct disk *d, int file)
{
	ON_INNER(int64_t, 0, i->ops->size(i, file));
}

static int do_sync(struct disk *d, int file)
{
	ON_INNER(int, SIM_DISK_SYNC, i->ops->sync(i, file));
}

static int do_truncate(struct disk *d, int file, uint64_t octets)
{
	ON_INNER(int, SIM_DISK_CUT, i->ops->truncate(i, file, octets));
}

static int do_rename(struct disk *d, const char *from, const char *to)
{
	ON_INNER(int, SIM_DISK_NAME, i->ops->rename(i, from, to));
}

static int do_hardlink(struct disk *d, const char *from, const char *to)
{
	ON_INNER(int, SIM_DISK_NAME, i->ops->hardlink(i, from, to));
}

static int do_unlink(struct disk *d, const char *path)
{
	ON_INNER(int, SIM_DISK_NAME, i->ops->unlink(i, path));
}

static int do_link(struct disk *d, int file, const char *path)
{
	ON_INNER(int, SIM_DISK_NAME, i->ops->link(i, file, path));
}

static int do_list(
	struct disk *d, const char *dir, void (*each)(void *arg, const char *name), void *arg)
{
	int rc = fault(d, SIM_DISK_READ);

	/* each() is the process's own: its memory too. */
	return rc != 0 ? rc : of(d)->inner->ops->list(of(d)->inner, dir, each, arg);
}

/* ---- commits ---- */

static void ring(uint64_t fd)
{
	if (net_is_bell((int)fd))
		net_ring((int)fd, true);
}

static int do_commit(struct disk *d, struct disk_commit *c)
{
	struct sim_disk *s = of(d);

	if (s->count == QUEUED)
		return -EAGAIN;
	s->queued[s->count] = c;
	s->ready_us[s->count] =
		sim_now_us + (sim_chance(disk_faults.slow) ? sim_between(MS(20), S(40))
							   : sim_between(100, MS(8)));
	/* One committer: in their order. */
	if (s->count > 0 && s->ready_us[s->count] < s->ready_us[s->count - 1])
		s->ready_us[s->count] = s->ready_us[s->count - 1];
	sim_at(s->ready_us[s->count++], ring, (uint64_t)s->bell);
	return 0;
}

static int do_fd(struct disk *d)
{
	return of(d)->bell;
}

static void run_first(struct sim_disk *s)
{
	struct disk_commit *c = s->queued[0];

	memmove(s->queued, s->queued + 1, --s->count * sizeof(c));
	memmove(s->ready_us, s->ready_us + 1, s->count * sizeof s->ready_us[0]);
	disk_commit_run(&s->disk, c);
	sim_trace("commit", (uint64_t)c->iovcnt, (uint64_t)-c->result);
	c->done(c);
}

static void do_poll(struct disk *d)
{
	struct sim_disk *s = of(d);

	net_ring(s->bell, false);
	while (s->count > 0 && s->ready_us[0] <= sim_now_us)
		run_first(s);
}

static void do_wait(struct disk *d)
{
	struct sim_disk *s = of(d);

	if (s->count > 0)
		run_first(s);
}

static void leave(struct sim_disk *s)
{
	struct sim_proc *was = memory_world();

	for (int i = 0; i < HANDLES; i++)
		if (s->open[i])
			s->inner->ops->close(s->inner, i);
	memset(s->open, 0, sizeof s->open);
	s->count = 0;
	s->user = NULL;
	memory_owner(was);
}

static void do_free(struct disk *d)
{
	struct sim_disk *s = of(d);

	net_close(s->bell);
	leave(s);
}

static const struct disk_ops ops = {
	.open = do_open,
	.open_dir = do_open_dir,
	.unnamed = do_unnamed,
	.close = do_close,
	.read = do_read,
	.write = do_write,
	.allocate = do_allocate,
	.size = do_size,
	.sync = do_sync,
	.truncate = do_truncate,
	.rename = do_rename,
	.hardlink = do_hardlink,
	.unlink = do_unlink,
	.link = do_link,
	.list = do_list,
	.commit = do_commit,
	.fd = do_fd,
	.poll = do_poll,
	.wait = do_wait,
	.free = do_free,
};

void disk_real_prepare(void)
{
}

struct disk *disk_real(void)
{
	struct sim_proc *was = memory_world();

	for (size_t i = 0; i < DISKS; i++)
		if (disks[i] != NULL && disks[i]->host == sim_self->host) {
			if (disks[i]->user != NULL)
				sim_broken(
					"two processes have the disk of %s", sim_self->host->name);
			disks[i]->user = sim_self;
			disks[i]->bell = net_bell();
			memory_owner(was);
			return &disks[i]->disk;
		}
	sim_broken("%s has no disk", sim_self->host->name);
}

struct sim_disk *sim_disk_new(struct sim_host *h, const char *root)
{
	struct sim_disk *s = NEW(struct sim_disk);
	size_t i = 0;

	s->disk.ops = &ops;
	s->host = h;
	s->inner = disk_sim_new(root);
	while (disks[i] != NULL)
		i++;
	disks[i] = s;
	return s;
}

void sim_disk_free(struct sim_disk *s)
{
	for (size_t i = 0; i < DISKS; i++)
		if (disks[i] == s)
			disks[i] = NULL;
	s->inner->ops->free(s->inner);
	free(s);
}

struct disk *sim_disk_inner(struct sim_disk *s)
{
	return s->inner;
}

void sim_disk_reap(struct sim_proc *p)
{
	for (size_t i = 0; i < DISKS; i++)
		if (disks[i] != NULL && disks[i]->user == p)
			leave(disks[i]);
}

void sim_disk_trouble(struct sim_disk *s, int64_t for_us)
{
	s->trouble = &troubles[sim_random(sizeof troubles / sizeof *troubles)];
	s->often = sim_chance(300) ? 1000 : (unsigned)sim_between(5, 500);
	s->over_us = sim_now_us + for_us;
	s->databases = sim_chance(500);
	sim_trace("disk-trouble", s->trouble->calls, s->often);
}

void sim_disk_mend(struct sim_disk *s)
{
	s->over_us = 0;
}

uint64_t sim_disk_faults(const struct sim_disk *s)
{
	return s->faults;
}

uint64_t sim_disk_database_faults(const struct sim_disk *s)
{
	return s->database_faults;
}

void sim_disk_cut(struct sim_disk *s)
{
	disk_sim_power_cut(s->inner, sim_random(UINT32_MAX));
}
