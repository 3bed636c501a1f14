/* deliver.h -- one message into a Maildir, as its specification has it: written to tmp/, synced, given its name in
 * new/, the directory synced.  For tools. */
#ifndef RESTANTE_MAILDIR_DELIVER_H
#define RESTANTE_MAILDIR_DELIVER_H

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

struct maildir_message {
	char *dir, *name;
	FILE *file;
	bool cr_held;
};

/* Makes the Maildir when there is none.  unique: the name's first part, the same for the same message: one that is
 * there already, octet for octet, is not delivered again. */
enum status maildir_begin(
	struct maildir_message *m, const char *dir, struct str unique, struct err *err);
/* Line ends become LF, as other programs have them there. */
void maildir_octets(struct maildir_message *m, struct str octets);
/* Its octets were all given; they are on their way to the disk. */
enum status maildir_written(struct maildir_message *m, struct err *err);
/* Messages of one Maildir that are written.  ST_OK: they will be there after a crash. */
enum status maildir_commit(struct maildir_message *m, size_t count, struct err *err);
/* Always; without a commit before, nothing is left. */
void maildir_end(struct maildir_message *m);

#endif
