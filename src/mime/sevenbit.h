/* sevenbit.h -- makes a message 7-bit for a server without 8BITMIME (RFC 6152 3).  Pure.
 *
 * Each part with octets over 127 gets a Content-Transfer-Encoding of quoted-printable or base64; parts without
 * stay octet for octet.  Header fields become what downgrade_field_onward() makes of them.  Messages in messages are
 * entered: their encoding may not change (RFC 2046 5.2.1), that of their parts may.  What is signed (RFC 1847)
 * must not be touched, and then the mail cannot go on (5.6.3).
 *
 * A message is read twice, because a header is written before its body is known: first all of it to
 * sevenbit_scan(), then again to sevenbit_convert().  Memory is constant but for one header section. */
#ifndef RESTANTE_MIME_SEVENBIT_H
#define RESTANTE_MIME_SEVENBIT_H

#include "base/buf.h"

enum { SEVENBIT_DEPTH_MAX = 16, SEVENBIT_PARTS_MAX = 2000, SEVENBIT_HEADER_MAX = 1024 * 1024 };

enum sevenbit_result {
	SEVENBIT_IS,       /* nothing is to be done */
	SEVENBIT_POSSIBLE, /* sevenbit_convert() it */
	SEVENBIT_IMPOSSIBLE, /* 5.6.3: signed, nested too deep, or of a type that allows no encoding */
};

struct sevenbit;

struct sevenbit *sevenbit_new(void);
void sevenbit_free(struct sevenbit *s);

void sevenbit_scan(struct sevenbit *s, struct str octets);
enum sevenbit_result sevenbit_scanned(struct sevenbit *s); /* nothing follows */

/* The same message from its beginning; last: nothing follows.  What is certain goes to out. */
void sevenbit_convert(struct sevenbit *s, struct str octets, bool last, struct buf *out);

#endif
