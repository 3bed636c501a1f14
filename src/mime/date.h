/* date.h -- dates as RFC 5322 3.3 writes them.  Pure: the time is an argument. */
#ifndef RESTANTE_MIME_DATE_H
#define RESTANTE_MIME_DATE_H

#include "base/buf.h"

/* "Sun, 22 Nov 2026 03:27:11 +0000", always UTC.  Times outside the years 1970 to 9999 are moved to
 * the nearest of these. */
void date_put(struct buf *out, int64_t wall_ms);
/* "2026-11-22T03:27:11Z" (RFC 3339), of the same times. */
void date_put_internet(struct buf *out, int64_t wall_ms);

#endif
