/* fetch.h -- inside of restante fetch: one remote, from its listing to QUIT.
 *
 * What may be deleted on the server was durable here before: a message is stored, then DELE, then QUIT is answered,
 * then it is forgotten. */
#ifndef RESTANTE_CMD_FETCH_H
#define RESTANTE_CMD_FETCH_H

#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "daemon/config_remote.h"
#include "daemon/control.h"
#include "daemon/remote_state.h"
#include "maildir/deliver.h"
#include "mime/crlf.h"
#include "remote/command.h"
#include "remote/pop.h"
#include "remote/smtp.h"

enum fetch_action {
	FETCH_KEEP,   /* known, or to be left alone */
	FETCH_WHOLE,  /* RETR */
	FETCH_BEGIN,  /* TOP: a stub */
	FETCH_DELETE, /* known, or too large by kill_size: DELE */
};

struct fetch_message {
	uint64_t number, octets; /* octets: as LIST says, which may be wrong */
	size_t uidl_at;          /* in fetch.uidls, ended by LF; SIZE_MAX: the server gave none */
	enum fetch_action action;
	bool stored, failed, known; /* known: from an earlier time */
	bool look, has_header;      /* its header is wanted, is digested */
	bool doubted;               /* known: is it that one? */
	int64_t first_ms;
	uint64_t received; /* octets */
	unsigned char header[REMOTE_DIGEST],
		message_id[REMOTE_DIGEST]; /* digests; of Message-ID zeros: none */
};

struct fetch_counts {
	uint64_t on_server, new_ones, stored, present, stubs, deleted, failed, octets, recognised,
		left, no_room;
};

/* A mail server that gets the messages. */
struct handover {
	struct remote_target to;
	struct smtp smtp;
	struct crlf lines;
	bool eight; /* an octet over 0x7F came */
};

/* fetch_envelope.c: to whom a message goes; count 0: its field names nobody of ours. */
enum { ENVELOPE_MAX = 100 };
struct envelope {
	struct buf addresses[ENVELOPE_MAX];
	struct smtpc_rcpt rcpts[ENVELOPE_MAX];
	size_t count;
};
void envelope_read(const struct config_remote *r, struct str header, struct envelope *to);
void envelope_free(struct envelope *to);

enum { FETCH_AT_ONCE = 32 };

struct fetch_sink {
	enum remote_delivery kind;
	const char *where;              /* what stands behind the colon of `delivery` */
	struct maildir_message maildir; /* what comes in */
	struct maildir_message written[FETCH_AT_ONCE]; /* not durable yet */
	struct fetch_message *owners[FETCH_AT_ONCE];
	size_t written_count;
	struct handover handover;
	FILE *spool; /* for what gets whole messages only; NULL: none is under way */
};

struct fetch {
	struct cmd *cmd;
	const struct config *config;
	const struct config_remote *remote;
	const struct fetch_server *server;
	struct control_session *session;
	struct office_reply reply;
	json_t *row; /* of the last request */
	bool importing;
	struct buf address; /* of the maildrop */
	uint64_t maildrop;
	int64_t ahead_ms; /* fetch_now_ms() */
	struct buf last;  /* digest of a listing of which nothing was to be done; "": none */
	struct buf now;   /* of this one, when each message has a UIDL of its own */
	struct pop pop;
	uint64_t login_delay_s;
	struct fetch_sink sink;
	struct fetch_message *messages;
	size_t count, cap;
	size_t next;     /* whose UIDL is likely to come */
	struct str full; /* the id of the one beginning whose rest is wanted; "": all that is new */
	bool found;      /* it is listed */
	bool unsorted, refused_uidl, refused_top, filtering;
	struct buf uidls;
	bool crowded;            /* there was no room for a message */
	uint64_t crowded_octets; /* of the smallest such one */
	json_t *named;           /* how many messages have which name of fetch_name(); NULL: none */
	struct fetch_counts counts;
	struct progress progress;
	uint64_t wanted_octets, done_octets;
};

/* fetch_plan.c: asks the server what it has and the office what it knows of it. */
enum status fetch_list(struct fetch *f, struct err *err);
enum status fetch_decide(struct fetch *f, struct err *err);
enum status fetch_decide_some(struct fetch *f, size_t from, size_t to, struct err *err);
struct str fetch_uidl(const struct fetch *f, const struct fetch_message *m);
/* The time of the office, which no step of the wall clock touches: this process may have begun after one. */
int64_t fetch_now_ms(const struct fetch *f);
struct fetch_message *fetch_by_number(struct fetch *f, uint64_t number); /* NULL: not listed */
/* What is to be done with a message that the office has as `seen`. */
void fetch_known(const struct fetch *f, struct fetch_message *m, const json_t *state_of,
	const json_t *since);

/* What is to be done with one that it does not have. */
enum fetch_action fetch_unknown(struct fetch *f, const struct fetch_message *m);

/* fetch_reused.c: a UIDL that the server gave to another message before. */
bool fetch_doubts(const struct fetch_message *m, const json_t *octets);
enum status fetch_reused(struct fetch *f, struct err *err);

/* fetch_same.c: the listing is one that was settled; what was settled now is told to the office. */
bool fetch_same(struct fetch *f);
enum status fetch_settled(struct fetch *f, struct err *err);

/* fetch_header.c: messages told by their header.  identify: those without a UIDL of their own; changed: all, when none of
 * them is known and many were. */
enum status fetch_identify(struct fetch *f, struct err *err);
enum status fetch_changed(struct fetch *f, struct err *err);
/* TOP n 0 of all that are to be looked at. */
enum status fetch_headers(struct fetch *f, struct err *err);
bool fetch_has_top(const struct fetch *f);
void fetch_digest(struct fetch_message *m, struct str header);
void fetch_name(struct fetch *f, struct fetch_message *m);

/* fetch_filter.c: asks the user's command about a header. */
enum status fetch_filter(
	struct fetch *f, struct fetch_message *m, struct str header, struct err *err);
enum status fetch_filter_all(struct fetch *f, struct err *err);

/* fetch_sink.c: open, then begin, octets and commit (or abandon) for each message, then close. */
enum status sink_open(struct fetch *f, struct err *err);
enum status sink_begin(struct fetch *f, struct fetch_message *m, struct err *err);
enum status sink_octets(struct fetch *f, struct str octets, struct err *err);
enum status sink_commit(struct fetch *f, struct fetch_message *m, struct err *err);
void sink_abandon(struct fetch *f);
enum status sink_close(struct fetch *f, struct err *err);

/* fetch_maildir.c: commit leaves it to flush that messages are durable, and noted. */
enum status maildir_sink_begin(struct fetch *f, struct str id, struct err *err);
enum status maildir_sink_commit(struct fetch *f, struct fetch_message *m, struct err *err);
enum status maildir_sink_flush(struct fetch *f, struct err *err);

/* fetch_handover.c: a message's octets go to the spool; commit: ST_PERM: this one is refused, ST_TEMP: so are all. */
enum status handover_open(struct fetch *f, struct err *err);
void handover_octets(struct fetch *f, struct str octets, bool end);
enum status handover_commit(struct fetch *f, struct err *err);
void handover_close(struct fetch *f);

/* fetch_full.c: find: which remote has the message of --full; a sysexits code, already told. */
int fetch_full_find(struct cmd *c, struct buf *remote, struct buf *id);
void fetch_full_choose(struct fetch *f, struct fetch_message *m, const json_t *seen);
enum status fetch_full_check(const struct fetch *f, struct err *err);
/* What is whole here now has no beginning here any more. */
enum status fetch_full_end(struct fetch *f, struct err *err);

/* fetch_run.c */
enum status fetch_messages(struct fetch *f, struct err *err);
/* Rows of remote.note and what is to be forgotten; both are taken. */
enum status fetch_tell(struct fetch *f, json_t *rows, json_t *gone, struct err *err);
/* What was stored becomes known. */
enum status fetch_note(
	struct fetch *f, const struct fetch_message *messages, size_t count, struct err *err);
/* DELE, QUIT, and what the server has no more is forgotten. */
enum status fetch_delete(struct fetch *f, struct err *err);

/* One request; its last row is f->row.  The request is taken. */
enum status fetch_ask(struct fetch *f, json_t *request, struct err *err);

/* fetch.c: the remotes that are named, or all.  A sysexits code. */
struct fetch_round {
	json_t *rows;
	struct fetch_schedule *schedule; /* only those that are due; NULL: all */
	bool interrupted, cut_short;     /* cut_short: not all that is new was asked for */
	struct buf full, owner;          /* of --full: the message, the remote that has it */
};
int fetch_round(struct cmd *c, struct fetch_round *round);

/* fetch_daemon.c: round after round. */
enum { FETCH_DAY_MS = 24 * 3600 * 1000 };
struct fetch_schedule {
	int64_t interval_ms, now_ms; /* now: as the round began */
	struct fetch_due *rows;
	size_t count;
};
bool schedule_is_due(const struct fetch_schedule *s, const char *name);
void schedule_set(
	struct fetch_schedule *s, const struct config_remote *r, bool good, uint64_t login_delay_s);
int fetch_daemon(struct cmd *c, int64_t interval_ms);

/* fetch_import.c: remotes and state out of the configuration of other programs. */
int fetch_import(struct cmd *c);

/* fetch_server.c: where and how, out of the configuration and the providers. */
struct fetch_server {
	bool sends; /* in: its SMTP, not its POP3 */
	struct buf host, user, secret, roots, certificate, key;
	struct pop_want want;
};
enum status fetch_server(struct fetch_server *s, struct cmd *c, const struct config *config,
	const struct config_remote *remote, struct err *err);
/* Who may vouch for a server, in PEM; ca_file "": the system's. */
enum status fetch_roots(struct buf *to, const char *ca_file, struct err *err);
void fetch_server_free(struct fetch_server *s);
int fetch_exit_code(const struct err *err);

#endif
