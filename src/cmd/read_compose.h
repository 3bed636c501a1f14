/* read_compose.h -- mail that a person writes: the text they edit, and the message made of it.  Pure. */
#ifndef RESTANTE_CMD_READ_COMPOSE_H
#define RESTANTE_CMD_READ_COMPOSE_H

#include "base/buf.h"
#include "base/err.h"

enum write_kind { WRITE_NEW, WRITE_REPLY, WRITE_REPLY_ALL, WRITE_FORWARD };

/* The text to edit: header fields in UTF-8, a blank line, the body; lines end with LF.  octets: the message that is
 * answered or passed on.  from: who writes. */
void compose_draft(struct buf *out, enum write_kind kind, struct str from, struct str octets);

struct composed {
	struct str draft;    /* as it was edited */
	struct str forward;  /* a message that goes with it; "" */
	struct str boundary; /* what no part holds */
	/* "Attach: PATH": what the file has; false: err says why. */
	bool (*file)(void *arg, struct str path, struct buf *octets, struct err *err);
	void *arg;
};
/* The message: header in ASCII (RFC 2047), body quoted-printable, files as base64.  Lines end with CRLF. */
enum status compose_message(struct buf *out, const struct composed *c, struct err *err);

#endif
