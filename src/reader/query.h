/* query.h -- what people type to find mail.  Pure.
 *
 *   invoice "see you" from:ann subject:trip after:2026-01-31 has:attachment is:unseen account:home
 *
 * Words and phrases must all be there; a word that ends with "*" is a beginning. */
#ifndef RESTANTE_READER_QUERY_H
#define RESTANTE_READER_QUERY_H

#include "reader/library.h"

/* ST_USAGE: err says what cannot be understood. */
enum status query_parse(struct library_query *q, struct str text, struct err *err);

#endif
