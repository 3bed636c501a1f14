/* zone.h -- lines of a zone file (RFC 1035 5.1), for people to paste. */
#ifndef RESTANTE_CMD_ZONE_H
#define RESTANTE_CMD_ZONE_H

#include <jansson.h>
#include <stdio.h>

#include "base/buf.h"

/* `NAME. IN TXT "..." "..."`: strings of at most 255 octets (RFC 1035 3.3). */
void zone_txt(FILE *to, struct str name, struct str text);

/* The name of a key's record, of a row of dkim.list. */
void zone_dkim_name(const json_t *row, struct buf *out);

#endif
