/* field.h -- header sections and their fields (RFC 5322 2.2), as views of the original.  Pure.
 *
 * Nothing is copied, unfolded or decoded, and nothing recurses: one pass, linear in the octets.
 * A line that is neither a field nor the continuation of one ends the section, as a blank line
 * does: what follows is body. */
#ifndef RESTANTE_MIME_FIELD_H
#define RESTANTE_MIME_FIELD_H

#include "base/buf.h"

struct field {
	struct str whole; /* name, colon, body, continuation lines and the last CRLF */
	struct str name;
	struct str body; /* after the colon: folded as it came, without the last CRLF */
};

/* Cuts the next field off *rest; false at the end of the section, *rest is then what follows.
 * A last field without CRLF is taken to the end. */
bool field_cut(struct str *rest, struct field *field);

struct header_search { /* zeroed at the start */
	size_t from;   /* start of the first line not looked at */
	bool inside;   /* a field came before it */
};

/* Looks for the end of the header section in the octets of a message that are there; s is the same
 * message at each call, longer.  whole: nothing follows s.  False: more is needed to say.  True:
 * the fields are the first *length octets, without the blank line. */
bool header_search(struct header_search *h, struct str s, bool whole, size_t *length);

#endif
