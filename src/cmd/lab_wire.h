/* lab_wire.h -- one connection of the laboratory: octets as they are, line by line, both ways.  Blocking.
 *
 * No engine stands between: it would end the session just where it becomes interesting.
 * Limits: a line of 64 KiB, what is longer comes in pieces; each line within the timeout; of what is kept for JSON
 * 16 MiB.
 * Secrets: a sent line is shown as far as its sender says. */
#ifndef RESTANTE_CMD_LAB_WIRE_H
#define RESTANTE_CMD_LAB_WIRE_H

#include <jansson.h>

#include "remote/server.h"

enum { WIRE_LINE_MAX = 64 * 1024 };
#define WIRE_ALL SIZE_MAX

enum wire_end { WIRE_UP, WIRE_LATE, WIRE_CLOSED };

struct wire {
	struct server server;
	struct buf in, out, line;
	struct buf odd; /* the first line that was no answer of the protocol, escaped */
	enum wire_end end;
	json_t *lines; /* where they are kept; NULL: nowhere */
	size_t kept;   /* octets of them */
	bool show;     /* on standard output, as they come */
	bool show_secrets;
	bool bare;       /* the line that came last ended with LF alone */
	bool whole;      /* it had an end at all */
	int64_t from_us; /* when it connected */
};

int64_t wire_now_us(void);

/* Connects, without TLS whatever want->tls says.  wire_close() in any case. */
enum status wire_open(struct wire *w, const struct server_want *want, struct err *err);
enum status wire_tls(struct wire *w, struct err *err);
void wire_close(struct wire *w);

/* Sends octets; the first `shown` of them may be seen by others. */
void wire_send(struct wire *w, struct str octets, size_t shown);
/* The next line, without its end; false: w->end tells why there is none. */
bool wire_line(struct wire *w, struct str *line);
/* Waits that long for something to come; true: something is there, or the end of the connection. */
bool wire_wait(struct wire *w, int64_t ms);

/* Printable ASCII stays, "\" is doubled, all else becomes \r, \n, \t or \xNN. */
void wire_escape(struct buf *to, struct str octets);
/* The other way round; false: no such escape. */
bool wire_unescape(struct buf *to, struct str text);

#endif
