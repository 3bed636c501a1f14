/* authres.h -- the header field Authentication-Results (RFC 8601): writing ours, and leaving out those of
 * others that pass themselves off as ours.  Pure.
 *
 * Whatever a peer chose is made harmless here: it cannot end a value or a line. */
#ifndef RESTANTE_TRUST_AUTHRES_H
#define RESTANTE_TRUST_AUTHRES_H

#include "base/buf.h"

enum { AUTHRES_VALUE_MAX = 255 }; /* octets; properties with longer values are left out */

/* ---- writing ---- */

/* "Authentication-Results: ID", then a line for each result with its properties, then the end.  Without a
 * result it says "none". */
struct authres {
	struct buf *out;
	bool any;
};

void authres_begin(struct authres *a, struct buf *out, struct str id);
void authres_result(struct authres *a, struct str method, struct str result);
/* In parentheses; letters, digits, blanks and "=-." only. */
void authres_comment(struct authres *a, struct str comment);
/* name: "smtp.mailfrom".  value: a token as it is, other printable ASCII in quotes; anything else is left out
 * with its name. */
void authres_property(struct authres *a, struct str name, struct str value);
void authres_end(struct authres *a);

/* ---- those that are there ---- */

/* The authserv-id of a field's body, without quotes and comments.  False: the field cannot be read, or is of a
 * version that is not 1. */
bool authres_id(struct str body, struct buf *id);

/* Among the results of a field's body, the authserv-id and all, is one of this method with this result. */
bool authres_says(struct str body, struct str method, struct str result);

/* Puts the header section without the fields of this name that claim to be from `id`, and without those of
 * which that cannot be told: the ones that cannot be read, are of another version (RFC 8601 5), or name an
 * id that is not ASCII, which is none of ours and may look like it.  header: up to the blank line or with
 * it; lines that are no fields stay, and do not end it, for they do not for every mail client.  How many were
 * left out. */
size_t authres_strip(struct buf *out, struct str header, struct str id);

#endif
