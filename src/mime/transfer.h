/* transfer.h -- decoding content transfer encodings (RFC 2045 6), as leniently as mail is written.  Pure.
 *
 * Give a body in pieces of any size to transfer_decode(), then transfer_end(). */
#ifndef RESTANTE_MIME_TRANSFER_H
#define RESTANTE_MIME_TRANSFER_H

#include "base/buf.h"

enum transfer_encoding {
	TRANSFER_PLAIN, /* 7bit, 8bit, binary, and what nobody knows */
	TRANSFER_QUOTED,
	TRANSFER_BASE64,
	TRANSFER_Q, /* of encoded words (RFC 2047 4.2): "_" is a blank */
};

struct transfer { /* zeroed besides the encoding */
	enum transfer_encoding encoding;
	uint32_t bits;   /* base64: what is not a whole octet yet */
	unsigned digits; /* how many letters of it */
	char held[80];   /* quoted: "=", "=4", blanks that may end a line */
	size_t held_n;
};

enum transfer_encoding transfer_named(struct str name); /* of Content-Transfer-Encoding */
void transfer_decode(struct transfer *t, struct str piece, struct buf *out);
void transfer_end(struct transfer *t, struct buf *out);

#endif
