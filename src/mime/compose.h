/* compose.h -- header fields that this server adds, and the mending of submitted headers.  Pure.
 *
 * The session code is written against this contract.  Whatever comes from a peer (HELO name, paths)
 * becomes harmless here: control octets, CR, LF, non-ASCII where it is not allowed, parentheses. */
#ifndef RESTANTE_MIME_COMPOSE_H
#define RESTANTE_MIME_COMPOSE_H

#include "base/buf.h"
#include "base/msgid.h"

struct compose_trace {
	struct str reverse_path;            /* without <>; "" for the null sender */
	struct str helo;                    /* what the client called itself */
	struct str client;                  /* text of its IP address; "" hides it (features.md F7) */
	struct str by;                      /* our host name */
	struct str with;                    /* "ESMTPSA" (RFC 3848) */
	struct str tls_version, tls_cipher; /* "" without TLS; a comment */
	struct str id;                      /* text of the message id */
	struct str recipient;               /* `for`: only when there is exactly one (RFC 5321 4.4) */
	int64_t wall_ms;
};

/* Puts the Return-Path and Received lines (RFC 5321 4.4), each ended by CRLF, folded. */
void compose_trace(struct buf *out, const struct compose_trace *t);

/* Octets of the header section that begins at `message`, with the empty line that ends it; 0 when its end
 * is not there yet.  A message that begins with CRLF has an empty header section of 2 octets. */
size_t compose_header_end(struct str message);

struct compose_fix {
	struct str hostname;
	struct msgid id;
	int64_t wall_ms;
};
/* A submitted header section, ended by an empty line or by the end of the message, becomes what goes on:
 * Date and Message-ID are added at its end when missing, Bcc (and Resent-Bcc) removed, all else octet for
 * octet as it was, the empty line too (RFC 6409 8).  A header without any field gets its empty
 * line. */
void compose_fix_header(struct buf *out, struct str header, const struct compose_fix *fix);

#endif
