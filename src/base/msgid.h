/* msgid.h -- the identity of a message: 48 bits of milliseconds, 80 random bits, big-endian.
 *
 * Time-ordered, chosen by whoever accepts the message, needs no counter and so no agreement
 * between nodes.  Its text form, 26 digits of Crockford's base32 in upper case, is at once the
 * queue id in the 250 reply, the id in the log, and the UIDL (RFC 1939 7: 1 to 70 octets
 * of 0x21 to 0x7E). */
#ifndef RESTANTE_BASE_MSGID_H
#define RESTANTE_BASE_MSGID_H

#include "base/str.h"

enum { MSGID_TEXT = 26 };

struct msgid {
	unsigned char b[16];
};

struct msgid msgid_new(int64_t wall_ms); /* with random_bytes() */
void msgid_text(struct msgid id, char text[MSGID_TEXT + 1]);
bool msgid_parse(struct str s, struct msgid *id);
int64_t msgid_time_ms(struct msgid id);

static inline bool msgid_eq(struct msgid a, struct msgid b)
{
	return memcmp(a.b, b.b, sizeof a.b) == 0;
}

#endif
