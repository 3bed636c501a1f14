/* srs.h -- the sender rewriting scheme: mail that we forward leaves with an address of ours, and what
 * bounces to that address finds its way back.  Pure: the secret and the time are arguments.
 *
 *   bob@example.org           ->  SRS0=HHHHHH=TT=example.org=bob@ours.test
 *   SRS0=hash=...@first.test  ->  SRS1=HHHHHH=first.test==hash=...@ours.test
 *
 * HHHHHH: 30 bits of HMAC-SHA-256 over the rest, in lower case, for servers fold case.  TT: days, in
 * base32, modulo 1024.  A forged or outdated address is nobody's: otherwise we would be an open relay for
 * bounces.  It comes back in any case of letters. */
#ifndef RESTANTE_TRUST_SRS_H
#define RESTANTE_TRUST_SRS_H

#include "base/buf.h"

enum {
	SRS_VALID_DAYS = 21,
	SRS_SECRET = 32,
	/* RFC 5321 4.5.3.1.1 says 64 and hopes for more; a longer one our own server takes neither on nor back. */
	SRS_LOCAL_MAX = 128,
};

struct srs {
	unsigned char secret[SRS_SECRET];
	struct str domain; /* ours: what is behind the "@" of addresses made here */
	int64_t wall_ms;
};

/* Puts the reverse-path under which mail of `sender` is forwarded: <> and our own addresses stay.  False,
 * and out as it was, when it cannot be made: no address, or the new one would be too long. */
bool srs_forward(const struct srs *s, struct str sender, struct buf *out);

/* By its form, an address that srs_reverse() knows, whoever made it. */
bool srs_is_made(struct str address);

enum srs_result {
	SRS_NOT,     /* no such address: look it up as any other */
	SRS_BACK,    /* out has the address to send it on to */
	SRS_FORGED,  /* hash or form is not ours: no such mailbox */
	SRS_EXPIRED, /* ours once: no such mailbox any more */
};
/* recipient: local@domain, the domain is known to be ours. */
enum srs_result srs_reverse(const struct srs *s, struct str recipient, struct buf *out);

#endif
