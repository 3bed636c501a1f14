/* dkim_message.h -- the header section of a message as DKIM looks at it, collected while the octets come by;
 * private to the files of dkim. */
#ifndef RESTANTE_TRUST_DKIM_MESSAGE_H
#define RESTANTE_TRUST_DKIM_MESSAGE_H

#include "mime/field.h"
#include "trust/dkim.h"

struct dkim_message { /* zeroed at the start; dkim_message_deinit() */
	struct buf header;
	struct header_search search;
	bool in_body;
	bool too_long;        /* of the header, or of its fields: nothing is signed or verified */
	struct field *fields; /* views of header, in their order; valid once in_body */
	bool *used;           /* of each field: chosen already */
	size_t count;
};

/* Takes what belongs to the header and returns what belongs to the body. */
struct str dkim_message_feed(struct dkim_message *m, struct str octets);
/* Nothing follows. */
void dkim_message_end(struct dkim_message *m);
void dkim_message_deinit(struct dkim_message *m);

/* RFC 6376 5.4.2: the last field of that name that was not chosen yet, or NULL. */
const struct field *dkim_message_choose(struct dkim_message *m, struct str name);
void dkim_message_choose_anew(struct dkim_message *m);

#endif
