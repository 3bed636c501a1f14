/* html_text.h -- HTML as plain text for a terminal.  Pure; one pass, nothing recurses.
 *
 * Nothing is loaded, run or styled.  What a link shows and where it leads are both told, since they may differ:
 * "the bank <https://other.test/>". */
#ifndef RESTANTE_MIME_HTML_TEXT_H
#define RESTANTE_MIME_HTML_TEXT_H

#include "base/buf.h"

/* html: UTF-8.  Lines end with LF and are not broken. */
void html_text(struct str html, struct buf *out);

#endif
