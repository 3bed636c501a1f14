/* svc.h -- the store process's side of the wall: what it remembers of each session of each edge.
 *
 * The edge is not trusted: a session can only touch the account that authenticated on it here, a
 * maildrop it holds the lease of, and a draft of its own.  A packet that no honest edge sends ends that
 * edge's channel, and the parent replaces the edge. */
#ifndef RESTANTE_DAEMON_SVC_H
#define RESTANTE_DAEMON_SVC_H

#include "account/sasl.h"
#include "daemon/ipc.h"
#include "daemon/office.h"
#include "daemon/window.h"
#include "daemon/signer.h"

struct svc {
	struct loop *loop;
	struct office_sessions sessions;
	struct office office;
	struct authenticator *authenticator;
	_Atomic uint64_t *changes; /* of who gets mail; NULL: nobody may keep an answer */
	struct signer *signer;     /* NULL: nothing is signed */
	struct svc_queue *queue;   /* owned; NULL: nothing goes on */
	struct link edges, carriers, waits;
	struct svc_delays {
		struct svc_delay *slots;
		size_t count, cap;
	} delays;
	struct svc_lookups { /* svc_lookup.c */
		struct svc_lookup *places;
		size_t count;
		uint32_t seq;
	} lookups;
	struct svc_caps {
		struct svc_cap *slots;
		size_t count, room;
		bool changed; /* since it was kept */
	} caps;
	struct svc_nearly_full *nearly_full; /* being stored; each frees itself */
	int64_t disk_look_ms;                /* when the room on the disk is looked at again */
	bool disk_low;
};

struct svc_edge {
	struct link link;
	struct svc *svc;
	struct ipc *ipc;
	uint32_t pid;                  /* its other end's */
	bool dead;                     /* the channel is over; freed when no session is left */
	struct svc_session **sessions; /* by slot; NULL: nothing is known of it */
	size_t slots, live;
	uint32_t lookups; /* under way */
	char *window;     /* NULL until it is asked for */
};

enum { SVC_DROPS = 2 };

struct svc_session {
	struct svc_edge *edge;
	uint32_t slot;
	bool open;             /* a question is not answered yet */
	bool gone;             /* END came while it was open: free when answered */
	struct ipc_head asked; /* the open question */

	/* from HELLO, as the edge says */
	char protocol[16], sid[24], peer[64];
	int64_t since_ms; /* wall clock */

	struct sasl *sasl;
	uint64_t account;        /* who authenticated; 0 nobody */
	bool hands_out;          /* POP3: a login opens the maildrop */
	bool local;              /* a user of this machine, by submit.sock */
	uint32_t uid;            /* of that user */
	struct last_login login; /* where from and how */

	/* the SMTP transaction */
	struct maildrops *found; /* one set of maildrops per accepted recipient, in order */
	size_t nfound;
	struct buf recipients; /* of each: its text, notify, orcpt */
	struct buf srs;  /* the sender under which it is forwarded; or those of VERP, put_str() */
	struct buf full; /* LMTP: a bit for each that gets nothing */
	struct buf nearly_full; /* u64 accounts whose owners are to be told so */
	struct store_draft *draft;
	struct msgid draft_id;
	struct store_target *targets;
	char verp[2];           /* delimiters of STORE_VERP (proto/verp.h) */
	bool notice;            /* its reverse-path is <> */
	bool held;              /* it is not to be delivered yet */
	bool goes_on;           /* to another server too: the message is signed */
	bool owes;              /* its sender asked to be told that it is here */
	bool mistaken;          /* the edge said yes to a recipient that is refused now */
	struct dkim_hash *hash; /* of what is in the draft, when it will be signed */
	struct signing signing;

	/* the POP3 session */
	struct svc_drop {
		uint64_t maildrop, token; /* token 0: not open */
	} drops[SVC_DROPS];               /* the inbox, then what pop3_folders adds */
	size_t drop_count, drop_at;       /* drop_at: the one that the open question is about */
	uint64_t count, octets;           /* of those opened so far */
	uint64_t retrieved;               /* of them; the client got them whole */
	struct store_listing first;       /* of the inbox, while the other is listed */
	int64_t opened_ms;
	struct svc_wait *wait;       /* for a maildrop that another session has; NULL: none */
	struct buf login_answer;     /* to which what was opened is added */
	struct svc_capture *capture; /* NULL: nobody wants to see this session */
	struct buf expunged;         /* ids collected so far */
	char *room;                  /* READ's octets, when they go in a packet */
	struct svc_ahead {           /* READ into the window */
		char *to;
		size_t room, filled;
		struct buf ids; /* still to be read */
		struct buf lengths;
	} ahead;

	union {
		struct store_deliver deliver;
		struct store_open open_drop;
		struct store_listing listing;
		struct store_read read;
		struct store_expunge expunge;
	} op; /* of the open question */
};

/* pid: of the process at the other end; a channel that it had before is over.  0: not known. */
void svc_add_edge(struct svc *s, int fd, uint32_t pid);
void svc_reap(
	struct svc *s); /* at the end of a turn: sends the answers, frees edges that are over */
void svc_close(struct svc *s); /* ends all sessions and edges */

/* Answers the open question and, when the session is gone meanwhile, frees it: do not touch it
 * afterwards. */
void svc_answer(struct svc_session *x, unsigned result, struct str a, struct str b, int fd);

/* One handler per ipc_type; false: not what an honest edge sends. */
bool svc_auth(struct svc_session *x, struct reader *r);
bool svc_auth_step(struct svc_session *x, struct reader *r);
/* svc_local.c: the fd of the packet is taken over. */
bool svc_local(struct svc_edge *e, struct svc_session *x, struct ipc_packet *p);
/* What the bounds of an account are counted under; 0: a stranger. */
static inline uint64_t svc_sends_as(const struct svc_session *x)
{
	return x->local ? UINT64_C(1) << 63 | x->uid : x->account;
}
bool svc_sender(struct svc_session *x, struct reader *r);
bool svc_rcpt(struct svc_session *x, struct reader *r);
bool svc_draft(struct svc_session *x, struct reader *r);
bool svc_commit(struct svc_session *x, struct reader *r);
void svc_open(struct svc_session *x); /* behind x->login_answer */
bool svc_list(struct svc_session *x, struct reader *r);
static inline bool svc_is_open(const struct svc_session *x)
{
	return x->drops[0].token != 0;
}
void svc_close_drops(struct svc_session *x);
bool svc_read(struct svc_session *x, struct reader *r);
bool svc_expunge(struct svc_session *x, struct reader *r);
bool svc_retrieved(struct svc_session *x, struct reader *r);
bool svc_etrn(struct svc_session *x, struct reader *r);
bool svc_hello(struct svc_session *x, struct reader *r); /* before the first question */
/* What office.sessions does. */
void svc_sessions_init(struct svc *s);
/* svc_capture.c: begins when the account is captured; octets that it will take, 0 none. */
uint64_t svc_capture_begin(struct svc_session *x);
bool svc_capture_put(struct svc_session *x, struct reader *r);
void svc_capture_end(struct svc_session *x);
/* svc_delay.c: POP3 logins that begin a delay (RFC 2449 6.5).  Milliseconds left, 0 none. */
int64_t svc_delay_left(struct svc *s, uint64_t account);
void svc_delay_begin(struct svc *s, uint64_t account, int64_t login_ms);
void svc_delay_free(struct svc *s);
/* svc_wait.c: the login's maildrop is open: is it tried again when it was closed, or in a moment?  false: no. */
bool svc_wait(struct svc_session *x);
void svc_wait_stop(struct svc_session *x);
void svc_wait_closed(struct svc *s, uint64_t maildrop);
void svc_wait_turn(struct svc *s); /* who waits for what was closed opens it */
/* svc_quota.c: no room for one more message in any of its maildrops; the same for every recipient. */
bool svc_is_full(struct svc *s, const struct maildrops *recipient, uint64_t octets);
bool svc_all_full(struct svc_session *x, uint64_t octets);
/* Leaves the recipients without room out, and marks them in x->full. */
void svc_leave_out_full(struct svc_session *x, uint64_t octets);
/* svc_nearly_full.c: before a commit of so many octets, and after it. */
void svc_nearly_full_look(struct svc_session *x, uint64_t octets);
void svc_nearly_full_tell(struct svc_session *x);
/* svc_relay.c: who gets it, also elsewhere: for who logged in, and for what the configuration takes for others. */
enum resolved svc_resolve(struct svc_session *x, struct str recipient, struct maildrops *found);
/* The reverse-path of what aliases send on; SAID_NO: as it is. */
enum said svc_srs(struct svc_session *x, struct str sender, struct buf *out);
/* An alias sends it there: nobody asked for that address, and it is no address that we made. */
bool svc_forwarded(struct str recipient, struct str address);
/* svc_limits.c: one more recipient elsewhere; false: the account had too many. */
bool svc_cap_take(struct svc *s, uint64_t account);
/* He is one whom the account may write to, known or new; false: it had too many new ones. */
bool svc_may_write_to(struct svc *s, uint64_t account, struct str recipient);
void svc_caps_free(struct svc *s);
/* Over a restart; what was sent since the last time it was kept is forgotten by a crash. */
void svc_caps_load(struct svc *s);
void svc_caps_save(struct svc *s);
bool svc_disk_low(struct svc *s);                /* disk_free_min */
void svc_transaction_end(struct svc_session *x); /* recipients and draft; also after COMMIT */

#endif
