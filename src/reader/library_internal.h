/* library_internal.h -- inside of library.c and library_update.c. */
#ifndef RESTANTE_READER_LIBRARY_INTERNAL_H
#define RESTANTE_READER_LIBRARY_INTERNAL_H

#include <sqlite3.h>

#include "reader/library.h"

enum { LIBRARY_VERSION = 1 };

enum library_statement {
	LIBRARY_TOUCH,
	LIBRARY_ADD,
	LIBRARY_ADD_WORDS,
	LIBRARY_THREAD_OF,
	LIBRARY_OWN_THREAD,
	LIBRARY_JOIN,
	LIBRARY_SWEEP,
	LIBRARY_ROUND,
	LIBRARY_DIGEST,
	LIBRARY_DIGEST_SET,
	LIBRARY_PREFIX,
	LIBRARY_MARK,
	LIBRARY_STATEMENTS,
};

struct library {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *stmt[LIBRARY_STATEMENTS];
};

sqlite3_stmt *library_take(struct library *l, enum library_statement which);
enum status library_error(struct library *l, const char *what, struct err *err);

#endif
