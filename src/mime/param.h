/* param.h -- fields of the form "value; name=value; ..." (RFC 2045 5.1, RFC 2183, RFC 2231).  Pure, linear. */
#ifndef RESTANTE_MIME_PARAM_H
#define RESTANTE_MIME_PARAM_H

#include "base/buf.h"

/* What stands before the parameters, in lower case, without comments and blanks: "text/plain". */
void param_main(struct str body, struct buf *out);

/* The parameter of this name (lower case), as UTF-8: quoted strings, the pieces, languages and charsets of RFC 2231,
 * and the encoded words that many programs write there.  False when it is not there. */
bool param_get(struct str body, struct str name, struct buf *out);
/* The same as octets, for boundaries: "=?" is nothing special there, nor is a blank at the front (RFC 2046 5.1.1). */
bool param_octets(struct str body, struct str name, struct buf *out);

/* One parameter whose value has octets that are not ASCII, as RFC 2231 writes it in ASCII, folded where it is long.  False
 * when it has no name for that, or is longer than any program puts together again. */
bool param_put_ascii(struct buf *out, struct str parameter);

#endif
