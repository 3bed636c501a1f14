/* facts.h -- what is computed once, while a message passes: header length, lines that begin with a
 * dot, Message-ID, TLS-Required.  Fed in pieces of any size.  Pure. */
#ifndef RESTANTE_STORE_LOCAL_FACTS_H
#define RESTANTE_STORE_LOCAL_FACTS_H

#include "base/buf.h"

enum { MESSAGE_ID_MAX = 998 };

struct facts {
	uint64_t header_octets; /* with the empty line; all of it when there is none */
	bool dots;
	bool eight_header, eight_body; /* an octet over 127 */
	bool header_over;
	char last;          /* octet before the next piece; LF at the beginning */
	struct buf line;    /* the header line so far, cut at MESSAGE_ID_MAX + name */
	size_t line_octets; /* its whole length */
	struct buf message_id;
	enum { ID_NONE, ID_HERE, ID_OVER } id_state;
	bool tls_here; /* the field TLS-Required goes on */
	enum { TLS_NOT_TOLD, TLS_NO, TLS_OTHER } tls_required;
};

void facts_init(struct facts *f);
void facts_deinit(struct facts *f);
void facts_feed(struct facts *f, struct str s);
struct str facts_message_id(const struct facts *f); /* "" when there is none */

#endif
