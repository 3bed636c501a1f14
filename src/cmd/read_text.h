/* read_text.h -- text in the cells of a terminal, as its own library counts them (wcwidth). */
#ifndef RESTANTE_CMD_READ_TEXT_H
#define RESTANTE_CMD_READ_TEXT_H

#include "base/buf.h"

/* Characters of UTF-8 have widths only in a locale that has it. */
void text_begin(void);
/* As much of a line as fits, ended with "…" when something is missing; what cannot be shown becomes "?". */
void text_fit(struct buf *out, struct str line, size_t columns);
/* Cuts from *text the next line that fits, at a blank where there is one.  columns > 1. */
struct str text_wrap(struct str *text, size_t columns);
/* With blanks for each HT (every eighth column). */
void text_expand(struct buf *out, struct str text);
/* Without its last character. */
struct str text_shorter(struct str text);

#endif
