/* uidlist.h -- what UIDL another POP3 server gave to each file of a Maildir. */
#ifndef RESTANTE_MAILDIR_UIDLIST_H
#define RESTANTE_MAILDIR_UIDLIST_H

#include "base/buf.h"
#include "base/err.h"

enum uidlist_kind {
	UIDLIST_DOVECOT, /* dovecot-uidlist, version 3 */
	UIDLIST_COURIER, /* courierpop3dsizelist, versions 2 and 3 */
};

struct uidlist_row {
	struct str name; /* of the file, without directory and flags */
	uint32_t uid, uidvalidity;
	struct str uidl; /* Dovecot's own "P" field; "" is usual */
};

struct uidlist {
	enum uidlist_kind kind;
	struct buf text; /* the file; names and UIDLs are views into it */
	struct uidlist_row *rows;
	size_t count;
};

/* ST_NOTFOUND: dir has no such file.  ST_CORRUPT: it has another form. */
enum status uidlist_load(
	struct uidlist *l, const char *dir, enum uidlist_kind kind, struct err *err);
void uidlist_free(struct uidlist *l);
/* The part of a Maildir file's name that never changes: without ":2,flags". */
struct str maildir_base_name(struct str name);
const struct uidlist_row *uidlist_find(
	const struct uidlist *l, struct str base_name); /* NULL: none */
/* What the server that wrote the list answered to UIDL by default. */
void uidlist_uidl_put(const struct uidlist *l, const struct uidlist_row *row, struct buf *out);

#endif
