/* secret.h -- the password or token of a mailbox at a provider, from where its owner keeps it. */
#ifndef RESTANTE_REMOTE_SECRET_H
#define RESTANTE_REMOTE_SECRET_H

#include "base/buf.h"
#include "base/err.h"

enum { SECRET_MAX = 64 * 1024, SECRET_TIMEOUT_MS = 60 * 1000 };

struct secret_source {    /* NULL or "": none */
	const char *base; /* where a relative password_file is looked for */
	const char *password_file, *password_command, *token_command;
	const char *netrc;     /* asked when none of the three is there */
	struct str host, user; /* for netrc */
};

/* out: becomes a secret buffer.  *token: it is an OAuth access token.  ST_NOTFOUND: nobody keeps one. */
enum status secret_get(
	const struct secret_source *s, struct buf *out, bool *token, struct err *err);

/* The whole of a file that nobody else may read: ST_USAGE when others may. */
enum status secret_file(const char *path, struct buf *out, struct err *err);

/* The password of the machine and login in the text of a netrc file; false: there is none. */
bool netrc_find(struct str text, struct str host, struct str user, struct buf *out);

#endif
