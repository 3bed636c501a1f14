/* verp.h -- variable envelope return paths: each recipient of a message has a reverse-path of its own, so that a
 * list knows of a bounce whom it is about.  As Postfix writes them: a tag behind the owner's name.  Pure.
 *
 *   owner@lists.test, to bob@example.org  ->  owner+bob=example.org@lists.test */
#ifndef RESTANTE_PROTO_VERP_H
#define RESTANTE_PROTO_VERP_H

#include "base/buf.h"

/* False, and out as it was, when there is no such address: quoted, too long, not ASCII, a literal. */
bool verp_put(struct buf *out, struct str owner, struct str recipient);

#endif
