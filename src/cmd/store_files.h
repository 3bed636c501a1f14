/* store_files.h -- the store's own files, read by this process beside a server or without one: as their
 * owner, so that what SQLite makes meanwhile belongs to the server. */
#ifndef RESTANTE_CMD_STORE_FILES_H
#define RESTANTE_CMD_STORE_FILES_H

#include "daemon/control.h"
#include "store/disk.h"

struct store_files {
	char *dir;         /* <state>/store */
	struct disk *disk; /* NULL when it could not be opened */
	struct borrowed_rights rights;
};

/* store_files_close() in any case. */
enum status store_files_open(struct store_files *f, const char *state, struct err *err);
void store_files_close(struct store_files *f);

#endif
