/* kept_bans.h -- bans outlive the server: they are written to the directory now and then, when somebody adds
 * or deletes one by hand, and at the end. */
#ifndef RESTANTE_DAEMON_KEPT_BANS_H
#define RESTANTE_DAEMON_KEPT_BANS_H

#include "daemon/office.h"

/* A new server's: puts those that still hold into its empty table.  A table that was used already knows
 * more than the directory. */
void kept_bans_load(struct office *o);
/* Writes them when they are others than those written last. */
void kept_bans_save(struct office *o);

#endif
