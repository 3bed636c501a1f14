/* source.h -- the messages below a path: an mbox, a Maildir, a directory of .eml files, one message. */
#ifndef RESTANTE_MAILDIR_SOURCE_H
#define RESTANTE_MAILDIR_SOURCE_H

#include "base/buf.h"
#include "base/err.h"

enum source_kind { SOURCE_MBOX, SOURCE_MAILDIR, SOURCE_FILES };

struct source_file {
	char *path;
	const char *name; /* its last part, in path */
	int64_t mtime_ms;
	int64_t order_ms; /* in a Maildir the time in the name, else that of the file */
	bool named_time;  /* order_ms comes from the name */
};

struct source {
	enum source_kind kind;
	char *dir;                 /* the Maildir itself, for its lists; NULL for an mbox */
	struct source_file *files; /* by time, then name */
	size_t count;
	uint64_t octets; /* of all files */
};

/* Looks what path is.  A Maildir's own messages only, not its folders'. */
enum status source_open(struct source *s, const char *path, struct err *err);
void source_close(struct source *s);

/* Maildir++: the folders of a Maildir, ".Sent" ..., each to be opened by itself.  In order of names. */
enum status source_folders(const char *path, char ***names, size_t *count, struct err *err);

#endif
