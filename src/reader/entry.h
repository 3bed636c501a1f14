/* entry.h -- what of a message goes into the library.  Pure. */
#ifndef RESTANTE_READER_ENTRY_H
#define RESTANTE_READER_ENTRY_H

#include "mime/tree.h"

enum { ENTRY_TEXT_MAX = 256 * 1024 };

struct entry {
	struct buf from, to, subject; /* safe to show, on one line */
	struct buf message_id;        /* without < > */
	struct buf references;  /* ids of older messages, each followed by LF, the nearest first */
	struct buf attachments; /* JSON: [{"filename":..., "type":..., "octets":...}] */
	struct buf text;        /* bounded */
	int64_t date_ms;
};

/* received_ms: when the message has no date that can be read. */
void entry_make(struct entry *e, struct str message, int64_t received_ms);
void entry_deinit(struct entry *e);

/* For the index: characters of scripts that are written without blanks stand alone, so that any two neighbours can
 * be found as a phrase. */
void entry_index_text(struct buf *out, struct str text);

#endif
