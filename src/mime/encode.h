/* encode.h -- content transfer encodings for octets that come by in pieces (RFC 2045 6.7, 6.8).  Pure. */
#ifndef RESTANTE_MIME_ENCODE_H
#define RESTANTE_MIME_ENCODE_H

#include "base/buf.h"

struct encode { /* zeroed at the start */
	size_t column;
	char blank;     /* quoted-printable: a blank that may end the line; 0 none */
	char group[57]; /* base64: less than a line of it */
	size_t grouped;
};

/* Text without line ends, and a line end. */
void encode_quoted(struct encode *e, struct str s, struct buf *out);
void encode_quoted_line(struct encode *e, struct buf *out);
void encode_quoted_end(struct encode *e, struct buf *out);
/* Any octets.  Each line that is put ends with CRLF, but not the last. */
void encode_base64(struct encode *e, struct str s, struct buf *out);
void encode_base64_end(struct encode *e, struct buf *out);

#endif
