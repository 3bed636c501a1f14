/* crlf.h -- line ends as mail has them (RFC 5322 2.3): a bare CR or LF becomes CRLF, for servers refuse those (RFC 5321
 * 2.3.8).  Pure; the octets may be cut anywhere. */
#ifndef RESTANTE_MIME_CRLF_H
#define RESTANTE_MIME_CRLF_H

#include "base/buf.h"

struct crlf {      /* zeroed at the start */
	bool cr;   /* the last octet was a CR: an LF behind it is of the same line end */
	bool open; /* a line has begun */
};

void crlf_put(struct crlf *c, struct str octets, struct buf *out);
void crlf_end(struct crlf *c, struct buf *out); /* ends the last line */

#endif
