/* lab_pop.h -- asks a POP3 server one thing on a laboratory wire, and takes apart what comes.
 *
 * Limits: 32 MiB of a long response are kept, 64 MiB are read, in ten times the timeout. */
#ifndef RESTANTE_CMD_LAB_POP_H
#define RESTANTE_CMD_LAB_POP_H

#include "cmd/lab_wire.h"

enum pop_kind {
	POP_OK,
	POP_ERR,
	POP_ODD,  /* a line that is neither */
	POP_GONE, /* nothing came: see the wire */
};

struct pop_reply {
	enum pop_kind kind;
	struct buf text;        /* the whole status line */
	struct buf body;        /* lines without dot-stuffing, each with CRLF */
	uint64_t lines, octets; /* of the body */
	bool bare, undotted;    /* it had a bare LF; a line began with a dot that was not doubled */
	size_t longest;         /* line, with its end */
};

void pop_reply_deinit(struct pop_reply *r);
/* Reads a response; `many`: when it is +OK lines follow. */
enum pop_kind pop_hear(struct wire *w, struct pop_reply *r, bool many);
enum pop_kind pop_ask(struct wire *w, struct pop_reply *r, bool many, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Is there such a capability in the body of CAPA?  args: what stands behind it; may be NULL. */
bool pop_offers(const struct pop_reply *capa, struct str name, struct str *args);
/* The <timestamp> of a greeting; "" when there is none. */
struct str pop_timestamp(struct str greeting);

#endif
