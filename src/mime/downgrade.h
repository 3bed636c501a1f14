/* downgrade.h -- the surrogate header of an internationalized message, for clients that know ASCII headers
 * only (RFC 6858).  Pure, streaming: at most one field is held, and at most DOWNGRADE_FIELD_MAX of it.
 *
 * RFC 6858 and not 6857: the latter keeps every original value in Downgraded-* fields that no client
 * shows, at several times the code.  Here addresses keep their ASCII part or become one that
 * belongs to nobody (2.1), MIME parameters that are not ASCII go (2.2), Subject becomes encoded words
 * (2.3), other fields that are not ASCII go (2.4).  Octets that are not UTF-8 are labelled
 * unknown-8bit (RFC 1428 3).  Fields in ASCII, and the body, stay octet for octet. */
#ifndef RESTANTE_MIME_DOWNGRADE_H
#define RESTANTE_MIME_DOWNGRADE_H

#include "base/buf.h"

/* A longer field has '?' for each octet that is not ASCII. */
enum { DOWNGRADE_FIELD_MAX = 64 * 1024 };

struct downgrade {        /* zeroed at the start; downgrade_deinit() */
	struct buf field; /* pending: it ends where the next line is no continuation */
	size_t line_at;   /* in field: where its last line begins */
	bool overlong;    /* the field was let go, masked, and is not over */
	bool mid_line;    /* overlong: its line is not over */
	bool in_body;     /* from here on octets are only passed on */
};

/* The next octets of the message; what is certain goes to out.  last: nothing follows. */
void downgrade_feed(struct downgrade *d, struct str octets, bool last, struct buf *out);
void downgrade_deinit(struct downgrade *d);

/* One whole field with its CRLF, for the tests: as downgrade_feed() would put it. */
void downgrade_field(struct str field, struct buf *out);
/* The same for mail that goes on to a server without 8BITMIME: a parameter, such as the name of a file, is said by RFC 2231
 * instead of going; RFC 6858 speaks of clients of POP3 and IMAP. */
void downgrade_field_onward(struct str field, struct buf *out);

#endif
