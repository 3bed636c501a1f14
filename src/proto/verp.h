/* verp.h -- variable envelope return paths: each recipient of a message has a reverse-path of its own, so that a
 * list knows of a bounce whom it is about.  As Postfix writes them: a tag behind the owner's name.  Pure.
 *
 *   owner@lists.test, to bob@example.org  ->  owner+bob=example.org@lists.test
 *
 * The two delimiters are the sender's choice among "-=+", as Postfix has them by default (verp_delimiter_filter).  Only
 * behind '+' does a bounce find a mailbox of this office by itself. */
#ifndef RESTANTE_PROTO_VERP_H
#define RESTANTE_PROTO_VERP_H

#include "base/buf.h"

enum { VERP_DELIMITERS = 2 };
bool verp_delimiters(struct str s, char delimiters[VERP_DELIMITERS]); /* false: they are none */

/* False, and out as it was, when there is no such address: quoted, too long, not ASCII, a literal. */
bool verp_put(struct buf *out, struct str owner, struct str recipient,
	const char delimiters[VERP_DELIMITERS]);

#endif
