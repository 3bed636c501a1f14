/* maildrop.h -- what a POP3 session sees of a maildrop: rows in message-number order.  Pure data.
 *
 * Made by the store, carried to the edge in one packet or one sealed read-only mapping, read by the
 * pop3d engine.  Rows never change while a session lives (RFC 1939 3: numbers are fixed). */
#ifndef RESTANTE_BASE_MAILDROP_H
#define RESTANTE_BASE_MAILDROP_H

#include "base/msgid.h"

enum { MAILDROP_ROW_DOTS = 1 }; /* some line begins with "." and needs stuffing */

struct maildrop_row {
	struct msgid id;
	uint64_t octets;   /* as sent: CRLF line ends, not dot-stuffed */
	uint32_t uidl_at;  /* offset in uidls, when uidl_len > 0 */
	uint16_t uidl_len; /* 0: the UIDL is the text of id */
	uint16_t flags;    /* MAILDROP_ROW_* */
};

struct maildrop_view { /* borrowed */
	const struct maildrop_row *rows;
	size_t count;
	struct str uidls;
};

/* The UIDL of row i, in `text` or in the view; false when the row points outside uidls. */
bool maildrop_uidl(
	const struct maildrop_view *v, size_t i, char text[MSGID_TEXT + 1], struct str *uidl);

#endif
