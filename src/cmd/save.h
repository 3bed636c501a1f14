/* save.h -- messages and attachments into files of the user's. */
#ifndef RESTANTE_CMD_SAVE_H
#define RESTANTE_CMD_SAVE_H

#include "cmd/reading.h"

struct save {
	const char *dir;   /* is made, if it is not there */
	struct str format; /* "eml", "mbox", "maildir", "attachments" */
	struct buf saved;  /* what was made: paths, each ended by LF */
};

enum status save_message(
	struct save *to, const struct library_row *row, struct str octets, struct err *err);
/* Under this name, or "name (2)" ... : never over a file that is there. */
enum status save_file(struct save *to, struct str name, struct str octets, struct err *err);

#endif
