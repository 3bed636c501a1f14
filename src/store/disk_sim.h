/* disk_sim.h -- a disk in memory that forgets, for tests; not part of the release.
 *
 * It keeps apart what is durable and what is only written.  When power is cut, each unsynced write
 * survives or not by sector of 512 octets, each unsynced change of a directory survives or not on
 * its own: everything that POSIX allows and a real disk does now and then.  What a failed sync did
 * not write stays undurable for good: a later sync of the same file says yes and does nothing for
 * it, as Linux does.  Commits run when polled, or at once. */
#ifndef RESTANTE_STORE_DISK_SIM_H
#define RESTANTE_STORE_DISK_SIM_H

#include "store/disk.h"

enum disk_sim_call { SIM_OPEN, SIM_READ, SIM_WRITE, SIM_ALLOCATE, SIM_SYNC, SIM_LINK, SIM_CALLS };

/* root: the one directory that is there from the beginning. */
struct disk *disk_sim_new(const char *root);

/* From now on commits run before commit() returns, as on a swift disk. */
void disk_sim_at_once(struct disk *d);

/* The k-th (1..) such call from now on fails with a negative errno; a write does half first.
 * forever: and all after it.  k = 0 takes the fault away. */
void disk_sim_fail(struct disk *d, enum disk_sim_call call, unsigned k, int error, bool forever);
/* Room for so many octets in all files; UINT64_MAX: no limit. */
void disk_sim_capacity(struct disk *d, uint64_t octets);
uint64_t disk_sim_used(const struct disk *d);

/* After so many more changing calls the disk is dead: everything fails with EIO. */
void disk_sim_die_after(struct disk *d, unsigned steps);
bool disk_sim_dead(const struct disk *d);
/* Alive again, once every handle was closed: as after a power cut, or (kill -9 only) with
 * everything that was written, synced or not. */
void disk_sim_power_cut(struct disk *d, uint64_t seed);
void disk_sim_killed(struct disk *d);

/* Damages octets that are durable. */
void disk_sim_damage(struct disk *d, const char *path, uint64_t at, size_t n);

#endif
