/* dkim_tags.h -- lists of tag=value (RFC 6376 3.2), of signatures and keys; private to the files of dkim. */
#ifndef RESTANTE_TRUST_DKIM_TAGS_H
#define RESTANTE_TRUST_DKIM_TAGS_H

#include "base/buf.h"

/* The whole of s is a tag list without duplicates, as a key or signature must be. */
bool dkim_tags_valid(struct str s);
/* The value of a tag without blanks around it; false when it is not there. */
bool dkim_tag(struct str s, struct str name, struct str *value);
/* The item is in a list that is separated by colons, blanks do not count, letters in any case. */
bool dkim_list_has(struct str list, struct str item);
/* The next item of such a list. */
struct str dkim_list_cut(struct str *list);
/* Base64 with blanks in it, as values are folded. */
bool dkim_base64(struct str value, struct buf *out);

#endif
