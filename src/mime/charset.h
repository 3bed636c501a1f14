/* charset.h -- octets of any charset that mail is written in, as UTF-8.  Pure.
 *
 * Charsets come from a list of ours: a name that a sender chose never reaches iconv, whose rare
 * converters have had holes. */
#ifndef RESTANTE_MIME_CHARSET_H
#define RESTANTE_MIME_CHARSET_H

#include "base/buf.h"

/* Appends octets as UTF-8.  What is not valid in the charset becomes U+FFFD.  An unknown charset, or none,
 * is taken for UTF-8 when the octets are, else for windows-1252; then false. */
bool charset_utf8(struct str charset, struct str octets, struct buf *out);

/* Appends text, which is to be shown: octets that are no UTF-8 become U+FFFD; controls besides LF and HT, and what
 * turns the direction of writing, become "?", so that nobody draws on somebody else's terminal. */
void charset_put_safe(struct buf *out, struct str text);
/* The same, on one line: LF and HT become blanks. */
void charset_put_line(struct buf *out, struct str text);

#endif
