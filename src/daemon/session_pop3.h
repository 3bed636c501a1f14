/* session_pop3.h -- inside of the POP3 sessions of an edge: session_pop3.c has the session, its login and its
 * UPDATE, session_pop3_body.c the messages, from the question to the client. */
#ifndef RESTANTE_DAEMON_SESSION_POP3_H
#define RESTANTE_DAEMON_SESSION_POP3_H

#include "daemon/retrieved.h"
#include "daemon/session.h"
#include "mime/downgrade.h"
#include "store/store.h"

struct session_pop3 {
	struct session s;
	struct pop3d *engine;
	enum ipc_type asked;
	struct str user;           /* canonical address, heap */
	struct maildrop_view view; /* over `rows`, or over the mapping */
	void *rows, *mapping;
	size_t mapping_len, expunge_next;
	size_t count; /* as the store said at OPEN */
	uint64_t read_from,
		read_left; /* the open READ: its offset, and what is left of the message */
	struct {
		uint8_t slot; /* of the window, or WINDOW_NONE */
		size_t index; /* the first message there that was not used yet */
		size_t at, left;
		size_t next;  /* a client that goes on in order reads this one next */
		bool in_vain; /* it went unused: this client reads too slowly for it */
	} ahead;
	bool slow;      /* the client has not taken yet what came before this piece */
	bool surrogate; /* the message under way goes through `downgrade` */
	struct downgrade downgrade;
	struct retrieved retrieved;
	uint64_t retr;  /* replies that are in it */
	size_t in_left; /* octets of commands that serve() left */
	bool said_quit, timed_out;
};

static inline struct session_pop3 *pop3_of(const struct session *s)
{
	return (struct session_pop3 *)(uintptr_t)s;
}

static const struct str no_store = STR_INIT("the mail store is restarting, try again");

/* ---- session_pop3.c ---- */

bool pop3_ask(struct session_pop3 *p, enum ipc_type type, struct str fields);

/* ---- session_pop3_body.c ---- */

void pop3_ask_body(struct session_pop3 *p, const struct pop3d_event *ev);
void pop3_read_answered(struct session_pop3 *p, struct ipc_packet *packet);

#endif
