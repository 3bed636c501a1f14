/* compose.h -- header fields that this office adds, and what it mends in submitted mail.  Pure.
 *
 * Whatever a peer chose (HELO name, paths) is made harmless here: it cannot end a line or open a
 * comment. */
#ifndef RESTANTE_MIME_COMPOSE_H
#define RESTANTE_MIME_COMPOSE_H

#include "base/buf.h"

/* RFC 5321 4.4: added at final delivery, in front of everything. */
void compose_return_path(struct buf *out, struct str reverse_path);

struct compose_trace {
	struct str helo;     /* what HELO or EHLO said */
	struct str address;  /* text of the client's IP address, "" when it is not to be told */
	struct str hostname; /* ours */
	struct str with;     /* "ESMTPS": smtpd_with() */
	struct str id;
	struct str tls_version, tls_cipher; /* "" without TLS */
	struct str recipient; /* the only one; "" when there are more (RFC 5321 7.2) */
	bool utf8;            /* SMTPUTF8: octets over 0x7F may stay (RFC 6531 3.7.3) */
	int64_t wall_ms;
};

/* One Received field (RFC 5321 4.4), folded, with its CRLF. */
void compose_received(struct buf *out, const struct compose_trace *trace);

struct compose_submission {
	struct str hostname; /* the right side of a new Message-ID */
	struct str id;       /* its left side */
	int64_t wall_ms;
};

/* RFC 6409 8: puts the header section of a submitted message: Date and Message-ID in front when they
 * are missing, without Bcc and Resent-Bcc (RFC 5322 3.6.3), all else octet by octet as it was.
 * header: the fields, as header_search() measured them; after: what follows (its first two octets
 * are enough).  A body that began without header and blank line gets its blank line. */
void compose_submission(struct buf *out, struct str header, struct str after,
	const struct compose_submission *submission);

#endif
