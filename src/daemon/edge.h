/* edge.h -- one edge process: listeners, sessions, and its channel to the store. */
#ifndef RESTANTE_DAEMON_EDGE_H
#define RESTANTE_DAEMON_EDGE_H

#include "daemon/child.h"
#include "daemon/edge_lookup.h"
#include "daemon/rcpt_memory.h"
#include "daemon/relief.h"
#include "daemon/shared.h"
#include "daemon/window.h"
#include "net/cidr.h"
#include "net/conn.h"
#include "proto/pop3d.h"
#include "proto/smtpd.h"

struct session;

struct edge_listener {
	struct listener listener;
	struct edge *edge;
	const struct config_listen *row;
	unsigned discard;        /* enum smtpd_extension */
	struct cidr_set proxies; /* who speaks the PROXY protocol */
};

struct edge {
	struct loop *loop;
	struct child_start *start;
	const struct config *config;
	struct tls_server *tls;    /* NULL: no certificate, nothing that needs TLS is offered */
	struct ipc *leash, *store; /* store: NULL between its crash and the next one */
	struct window window;      /* of that store */
	struct rcpt_memory known;
	struct edge_lookups lookups;
	bool store_lost;         /* no use any more; the parent sends another */
	struct loop_timer later; /* what is for the store and can wait goes then */
	bool later_set;
	struct loop_timer orphaned; /* it did not: end, and be started again */
	struct edge_listener *listeners;
	struct relief relief;
	struct session **slots; /* by slot; NULL: free */
	uint32_t slot_count, slot_hint, live;
	uint32_t seq, born; /* last question's number; sessions so far, for their ids */
	char sid_head[16];  /* seat and process: what those ids begin with */
	bool draining;
	struct buf implementation, plain, plus, certificate; /* texts of the engines' settings */
	struct smtpd_config mx, submission, lmtp;
	struct pop3d_config pop3;
	struct loop_timer load; /* while there is overload: is it over? */
	bool overloaded;        /* mx, submission and pop3 are less than usual: overload.h */
	struct {
		struct smtpd_config mx, submission;
		struct pop3d_config pop3;
	} usual;
	struct shared_rule bans;
	struct cidr_set ban_exempt;
	struct cidr_set lmtp_clients, xclient_networks, etrn_networks, check_exempt;
};

/* Asks the store on behalf of a session; the answer comes to session_answered().  False when there
 * is no store now: the session answers its client with a temporary failure. */
bool edge_ask(struct edge *e, struct session *s, enum ipc_type type, struct str fields,
	struct str octets);
/* Shows the store the session's socket: is that a user of this machine? */
bool edge_ask_local(struct edge *e, struct session *s);
/* Room that the store may read messages into; asks for it when there is none yet. */
struct window *edge_window(struct edge *e);
/* No answer.  type: enum ipc_note, or IPC_DRAFT. */
void edge_note(
	struct edge *e, struct session *s, unsigned type, struct str fields, struct str octets);
void edge_tell(struct edge *e, struct session *s, enum ipc_type type);
/* END, soon; at once when others wait for what it holds. */
void edge_tell_end(struct edge *e, struct session *s);

/* Connections came or went: is there overload? */
void edge_check_load(struct edge *e);

bool edge_add_session(struct edge *e, struct session *s);
void edge_remove_session(struct edge *e, struct session *s);

#endif
