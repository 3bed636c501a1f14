/* mbox.h -- the lines between the messages of an mbox file, and the dates in messages.  Pure.
 *
 * "From ann@example.org Sat Jan  3 01:05:34 1996" begins a message (RFC 4155 Appendix A).  A line that
 * only begins so, without a date at its end, is text: many mailboxes hold such lines unquoted. */
#ifndef RESTANTE_MIME_MBOX_H
#define RESTANTE_MIME_MBOX_H

#include "base/buf.h"

enum { MBOX_LINE_MAX = 512 }; /* a longer line is no separator */

/* line: without its end.  sender: a view into it, may be empty; time: UTC where no zone is named. */
bool mbox_separator(struct str line, struct str *sender, int64_t *wall_ms);
void mbox_separator_put(struct buf *out, struct str sender, int64_t wall_ms);
/* ">From ", ">>From " ...: how many ">" stand before "From "; -1: it is another line. */
int mbox_quotes(struct str line);

/* A date as RFC 5322 3.3 and 4.3 have it, with or without day of the week, seconds and comment. */
bool date_get(struct str s, int64_t *wall_ms);
/* "2026-01-31": its beginning, UTC. */
bool date_day(struct str s, int64_t *wall_ms);

#endif
