/* office_queue_select.h -- which of the mail that goes on a request is about; private to the office.
 *
 * A request looks at a part of the queue only, and says where the next one goes on: neither its time nor
 * its answer grows with the queue. */
#ifndef RESTANTE_DAEMON_OFFICE_QUEUE_SELECT_H
#define RESTANTE_DAEMON_OFFICE_QUEUE_SELECT_H

#include "daemon/office.h"

enum { SELECT_CURSOR_MAX = MSGID_TEXT + 12 };

struct queue_selection {
	bool one;        /* this message, settled or not */
	bool inside;     /* the first message is `after` itself, from number `from` on */
	struct msgid id; /* one: which */
	struct msgid after;
	uint32_t from;
	struct str sender, recipient, domain, error; /* .p NULL: any */
	int64_t before_ms;                           /* received before */
	bool held;
	bool below;    /* domain: and those below it */
	size_t looked; /* messages */

	struct msgid ids[64];
	size_t at, count;
};

/* "id", or "after" and "sender", "recipient", "domain", "error", "older_than" (seconds) and "held". */
enum status queue_select(struct queue_selection *s, const json_t *q, struct err *err);
/* Opens the next message in which something may be meant: OK; NOT_FOUND at the end; else it is damaged
 * (out->id says which), and the next call goes on. */
enum store_result queue_select_next(
	struct queue_selection *s, struct store *store, struct store_out *out);
/* Enough was looked at for one request. */
bool queue_select_is_long(const struct queue_selection *s);
bool queue_select_has(const struct queue_selection *s, const struct store_out *out,
	const struct store_out_rcpt *r);
/* For "after": behind this message, or inside of it, from a number on. */
void queue_select_cursor(char to[SELECT_CURSOR_MAX], struct msgid id, const uint32_t *from);

#endif
