/* line.h -- cuts CRLF-terminated command lines off an input buffer.  Pure.
 *
 * Only CRLF ends a line (RFC 5321 2.3.8); a bare CR, a bare LF and a NUL are octets of the line and
 * set `odd`, for the caller to refuse it.  The search resumes where it stopped, so a peer who
 * sends one octet at a time costs linear work.  A line over the limit is dropped as it comes in
 * and reported once, when its CRLF is there: one command, one reply. */
#ifndef RESTANTE_PROTO_LINE_H
#define RESTANTE_PROTO_LINE_H

#include "base/buf.h"

struct line_cutter {     /* zeroed: at the start of a line */
	size_t searched; /* octets of the buffer known to hold no CRLF */
	bool dropping;   /* inside a line over the limit */
};

struct line {
	struct str text; /* without CRLF; into the buffer, until something is put there */
	bool odd;        /* holds a bare CR, a bare LF or a NUL */
};

enum line_result {
	LINE_MORE, /* no whole line yet */
	LINE_CUT,  /* line->text was consumed from the buffer */
	LINE_LONG, /* a line of more than max octets was dropped; line->text is empty */
};

/* max counts the CRLF too.  It may change between calls (AUTH lines are longer). */
enum line_result line_cut(struct line_cutter *c, struct buf *in, size_t max, struct line *line);

#endif
