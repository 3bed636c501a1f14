/* sandbox.h -- what a child gives up before it reads a byte from anybody.
 *
 * As root: chroot, then uid, gid and groups; otherwise landlock(7), where the kernel has it.  Always: no new privileges, no core dumps, and a seccomp
 * list of the system calls that this kind of process needs; others fail with EPERM, and those that only
 * an intruder would want end the process. */
#ifndef RESTANTE_DAEMON_SANDBOX_H
#define RESTANTE_DAEMON_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct child_identity {
	bool drop; /* the parent is root: change to uid and gid */
	uid_t uid;
	gid_t gid;
};

enum sandbox_kind { SANDBOX_EDGE, SANDBOX_STORE, SANDBOX_CARRIER, SANDBOX_WEB, SANDBOX_PARENT };

/* root: the directory that becomes "/" when identity->drop is set, and outside of which nothing can be
 * opened when it is not.  What is open already stays so. */
enum status sandbox_drop(const struct child_identity *identity, const char *root, struct err *err);
/* All threads of the process are bound too, and what it forks and runs; a child's own list comes on top. */
enum status sandbox_syscalls(enum sandbox_kind kind, struct err *err);

#endif
