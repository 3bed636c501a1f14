/* own.h -- gives what root made in the store's directory to the store's user. */
#ifndef RESTANTE_DAEMON_OWN_H
#define RESTANTE_DAEMON_OWN_H

#include <sys/types.h>

#include "base/err.h"

/* Changes the owner of `name` below the directory `parent`, and of all below it, where it is another one.
 * Does not follow symbolic links; a file with a second name elsewhere is refused, since it
 * could be anybody's. */
enum status own_tree(int parent, const char *name, uid_t uid, gid_t gid, struct err *err);

#endif
