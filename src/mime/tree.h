/* tree.h -- what a message consists of (RFC 2045, 2046), as views of the original.  Pure.
 *
 * One pass over the octets whatever they nest; parts beyond the limits are left as octets of the part they stand
 * in, and `cut` tells. */
#ifndef RESTANTE_MIME_TREE_H
#define RESTANTE_MIME_TREE_H

#include "mime/field.h"
#include "mime/transfer.h"

enum { MIME_DEPTH_MAX = 32, MIME_PARTS_MAX = 2000, MIME_TYPE_MAX = 128 };

struct mime_part {
	int parent; /* index; -1: the message itself */
	unsigned depth;
	struct str header; /* without the blank line */
	struct str body;   /* encoded as it came */
	char type
		[MIME_TYPE_MAX]; /* "text/plain", lower case; what the RFC says when nothing was said */
	enum transfer_encoding encoding;
	bool attachment; /* Content-Disposition says so, or it has a file name and is no text */
	bool container;  /* multipart or message: its text is in its children */
};

struct mime_tree {
	struct mime_part *parts; /* a part comes before its children; heap */
	size_t count;
	bool cut;
};

void mime_tree_parse(struct mime_tree *t, struct str message);
void mime_tree_free(struct mime_tree *t);

/* The first field of this name in a header section; "" when there is none. */
struct str mime_field(struct str header, struct str name);
/* The file name a sender suggests, as UTF-8, as one harmless path component: no "/", no control, not hidden.
 * False: none. */
bool mime_filename(const struct mime_part *p, struct buf *out);
/* What is saved as a file: neither shown as text nor the frame of other parts; also a message in it. */
bool mime_is_file(const struct mime_part *p);
/* Its name, harmless as that above: what the sender suggests, the subject of a message, or "part-3". */
void mime_file_name(const struct mime_tree *t, size_t part, struct buf *out);
/* The decoded body, octet for octet. */
void mime_body(const struct mime_part *p, struct buf *out);
/* The same, but text in UTF-8. */
void mime_decode(const struct mime_part *p, struct buf *out);
static inline bool mime_is(const struct mime_part *p, struct str type_or_prefix)
{
	return str_starts(str_c(p->type), type_or_prefix);
}

#endif
