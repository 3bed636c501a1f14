/* word.h -- encoded words in header fields (RFC 2047).  Pure, linear in the octets. */
#ifndef RESTANTE_MIME_WORD_H
#define RESTANTE_MIME_WORD_H

#include "base/buf.h"

/* The body of a field as text in UTF-8: unfolded, encoded words decoded, the blanks between two of them left out
 * (RFC 2047 6.2).  A character that is cut in two by the end of a word is put together again.  Raw octets over
 * 0x7F are taken for UTF-8 when they are, else for windows-1252.  To be shown it goes through charset_put_line(). */
void word_decode(struct str body, struct buf *out);

/* Text as it is when it is ASCII, else as encoded words in UTF-8. */
void word_encode(struct str text, struct buf *out);
/* "name" <address>, without control characters; an address alone when the name is empty.  A name that is not ASCII
 * becomes encoded words: raw, it would need SMTPUTF8 all the way (RFC 6532). */
void word_mailbox(struct str name, struct str address, struct buf *out);

#endif
