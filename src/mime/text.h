/* text.h -- the readable text of a message.  Pure. */
#ifndef RESTANTE_MIME_TEXT_H
#define RESTANTE_MIME_TEXT_H

#include "mime/tree.h"

/* What a person reads of it, in UTF-8 that is safe to show (charset_put_safe()), lines ended by LF: of alternatives
 * the plain one, HTML as text, what is enclosed with its header, and a line for each attachment. */
void mime_text(const struct mime_tree *t, struct buf *out);

#endif
