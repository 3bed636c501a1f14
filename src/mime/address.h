/* address.h -- the addresses in From, Sender, To and their like (RFC 5322 3.4, 4.4, RFC 6532).  Pure.
 *
 * One pass, nothing recurses, linear in the octets.  Comments, folding, display names and source routes
 * are read over; groups are entered.  What is no address list is BAD: where it decides who may send,
 * whoever guesses differently from the reader's mail client is deceived. */
#ifndef RESTANTE_MIME_ADDRESS_H
#define RESTANTE_MIME_ADDRESS_H

#include "base/buf.h"

enum { ADDRESS_MAX = 512 };

struct address_list { /* rest: the field's body; the others zeroed at the start */
	struct str rest;
	bool in_group;
	bool after; /* an address or group came last: only "," or the end may follow */
};

enum address_result { ADDRESS_CUT, ADDRESS_END, ADDRESS_BAD };

/* Cuts the next address: to becomes local@domain without comments and blanks; quoted strings and domain
 * literals as they were written, unfolded.  After BAD the rest means nothing. */
enum address_result address_cut(struct address_list *l, struct buf *to);

#endif
