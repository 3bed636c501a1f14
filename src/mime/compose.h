/* compose.h -- header fields that this office adds, and what it mends in submitted mail.  Pure.
 *
 * Whatever a peer chose (HELO name, paths) is made harmless here: it cannot end a line or open a
 * comment. */
#ifndef RESTANTE_MIME_COMPOSE_H
#define RESTANTE_MIME_COMPOSE_H

#include "base/buf.h"
#include "base/msgid.h"
#include "mime/field.h"

enum { COMPOSE_RETURN_PATH_MAX = 1000 };

struct compose_trace {
	struct str reverse_path; /* "" for <> */
	struct str helo;         /* what HELO or EHLO said */
	struct str client;       /* text of the client's IP address, "" when it is not to be told */
	struct str by;           /* our host name */
	struct str with;         /* "ESMTPS": smtpd_with() */
	struct str id;
	struct str tls_version, tls_cipher; /* "" without TLS */
	struct str recipient; /* the only one; "" when there are more (RFC 5321 7.2) */
	bool utf8;            /* SMTPUTF8: octets over 0x7F may stay (RFC 6531 3.7.3) */
	int64_t wall_ms;
};

/* Return-Path (RFC 5321 4.4: at final delivery, in front of everything) and Received. */
void compose_trace(struct buf *out, const struct compose_trace *trace);
void compose_return_path(struct buf *out, struct str reverse_path);
/* Of a message as it is kept, how many octets in front go no further: Return-Path is for readers, whoever relays
 * takes it away (RFC 5321 4.4).  s: its beginning, at least COMPOSE_RETURN_PATH_MAX of it or all. */
size_t compose_return_path_length(struct str s);
void compose_received(struct buf *out, const struct compose_trace *trace);

/* What the client called itself, by a field of compose_received() at the beginning of s; "": there is none. */
struct str compose_received_helo(struct str s);

/* How many octets of a message, of which s is the beginning, compose_fix_header() wants: the header
 * section with its blank line, or some text that follows when there is none.  0: more is needed.
 * search: zeroed at the start of a message; s is the same message at each call, longer. */
size_t compose_header_end(struct str s, struct header_search *search);

struct compose_fix {
	struct str hostname; /* the right side of a new Message-ID */
	struct msgid id;     /* its left side */
	int64_t wall_ms;
};

/* RFC 6409 8: puts the header section of a submitted message: Date and Message-ID in front when they
 * are missing, without Bcc and Resent-Bcc (RFC 5322 3.6.3), all else octet by octet as it was.
 * header: the whole message, or its first compose_header_end() octets.  A message that began with
 * neither header nor blank line gets its blank line. */
void compose_fix_header(struct buf *out, struct str header, const struct compose_fix *fix);

#endif
