/* export_file.h -- a maildrop written for other programs: a new Maildir, or a new mbox (mboxrd).
 *
 * Everything is made beside its place under the name PATH.part and gets its name when it is whole and
 * synced; nothing that exists is touched.  Lines end with LF, as those programs have it. */
#ifndef RESTANTE_CMD_EXPORT_FILE_H
#define RESTANTE_CMD_EXPORT_FILE_H

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

struct export
{
	bool maildir;
	char *path, *part;
	FILE *file;       /* the mbox, or the message at hand */
	FILE *list;       /* dovecot-uidlist */
	char *now;        /* the message at hand, in part/tmp */
	uint64_t written; /* of the message */
	long start;       /* of the message, in an mbox */
	uint64_t uid;
	/* lines as they come */
	bool cr_held, inside_line;
	size_t quotes, matched; /* ">"s and octets of "From " at the start of this line */
};

enum status export_begin(
	struct export *x, const char *path, bool maildir, uint64_t messages, struct err *err);
enum status export_message(
	struct export *x, struct str sender, int64_t received_ms, struct str id, struct err *err);
void export_octets(struct export *x, struct str octets);
enum status export_message_end(
	struct export *x, struct str id, struct str uidl, int64_t received_ms, struct err *err);
/* Instead of that: the message cannot be read to its end, and what is there of it goes again. */
enum status export_message_drop(struct export *x, struct err *err);
/* Syncs and gives everything its name. */
enum status export_finish(struct export *x, struct err *err);
/* Always; without export_finish() before, what was made is left under PATH.part. */
void export_end(struct export *x);

#endif
