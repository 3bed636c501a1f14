/* copy.h -- a copy of the directory while it is in use, made a slice at a time. */
#ifndef RESTANTE_ACCOUNT_COPY_H
#define RESTANTE_ACCOUNT_COPY_H

#include "account/account.h"

struct directory_copy;

/* path: a file that is made, or replaced. */
struct directory_copy *directory_copy_begin(struct directory *d, const char *path, struct err *err);
/* ST_MORE; ST_OK: the file is what the directory is now; ST_TEMP: it was finished before. */
enum status directory_copy_step(struct directory_copy *c, struct err *err);
/* Before the directory is closed.  Removes the file.  NULL is fine. */
void directory_copy_end(struct directory_copy *c);

#endif
