/* word.h -- encoded words in header fields (RFC 2047).  Pure, linear in the octets. */
#ifndef RESTANTE_MIME_WORD_H
#define RESTANTE_MIME_WORD_H

#include "base/buf.h"

/* The body of a field as text in UTF-8: unfolded, encoded words decoded, the blanks between two of them left out
 * (RFC 2047 6.2).  A character that is cut in two by the end of a word is put together again.  Raw octets over
 * 0x7F are taken for UTF-8 when they are, else for windows-1252.  To be shown it goes through charset_put_line(). */
void word_decode(struct str body, struct buf *out);

#endif
