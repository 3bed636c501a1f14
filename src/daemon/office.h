/* office.h -- one opened state directory, and the verbs that administrate it.
 *
 * The same office_execute() runs in the store process behind the control socket and inside the
 * command-line client when no server runs, so a command does the same either way.  A request is
 * {"verb": "account.add", ...}; the answer is rows ({...} each), octets, and one end.
 * Verbs are short: hashing of passwords happens in the client. */
#ifndef RESTANTE_DAEMON_OFFICE_H
#define RESTANTE_DAEMON_OFFICE_H

#include <jansson.h>

#include "account/account.h"
#include "daemon/config.h"
#include "store/local.h"

struct office_session {
	struct str protocol, user, ip, sid, state;
	int64_t since_ms; /* wall clock */
};

/* Live sessions; the store process has them. */
struct office_sessions {
	void (*each)(struct office_sessions *s,
		void (*say)(void *arg, const struct office_session *row), void *arg);
	/* By session id, or all of a canonical address; how many were told to end. */
	size_t (*kick)(struct office_sessions *s, struct str sid_or_user);
};

enum { MAILBOX_FACTS_MAX = 1000 }; /* ids of one request mailbox.facts */

/* In the store's directory, while a backup is made. */
#define OFFICE_ACCOUNTS_COPY "accounts.backup"

struct queue;

struct office {
	char *dir; /* the store's directory: <state>/store */
	struct config *config;
	struct directory *directory;
	struct disk *disk;
	struct store *store;
	struct remote_state *remotes;     /* NULL: not asked for yet */
	struct queue *queue;              /* not owned; NULL: no server runs */
	struct office_sessions *sessions; /* not owned; NULL: no server runs */
	struct bans *bans;                /* not owned; NULL: no server runs */
	unsigned dns_state;               /* enum dns_state, as a carrier said last */
	uint32_t bans_kept;               /* checksum of those written last: kept_bans.c */
	enum {
		CAPTURES_UNKNOWN,
		CAPTURES_NONE,
		CAPTURES_SOME
	} captures;  /* capture/ is there: capture.c */
	bool served; /* set by control_serve(): others use the store, so a verb may not close it */
	struct scrub *scrub;                  /* scrub.h */
	struct directory_copy *accounts_copy; /* of a backup that began; NULL: of none */
	enum { COMPACT_NOT, COMPACT_WORTH, COMPACT_ALL } compact; /* asked for */
	struct dkim_pair *pair; /* made for the request that runs now; NULL: none */
	bool restart; /* set by a verb that is done by the next office_open(): end this process */
};

/* Opens directory and store below `dir`.  config is taken over, also on failure. */
enum status office_open(struct office *o, const char *dir, struct config *config, struct err *err);
void office_close(struct office *o);

/* pop3_folders, of the account or of the configuration. */
bool office_hands_out_junk(struct office *o, uint64_t account);

/* What of a request takes long and needs no office: the server does it in a thread, and has it in o->pair when
 * the request runs.  NULL: nothing does. */
struct dkim_pair *office_long_work(const json_t *request);

struct office_reply {
	void (*row)(struct office_reply *r, json_t *row);          /* takes the reference */
	void (*octets)(struct office_reply *r, struct str octets); /* the message itself */
};
/* Verbs: account.add/set/del/passwd/list/show/disable/enable, app-password.add/del/list,
 * alias.add/del/list, domain.add/del/list,
 * mailbox.index/facts/show, queue.list/order, store.status/compact, who, kick, ban.add/del/list, fsck.rebuild/orphans, status.  ST_* and err.text as the
 * administrator shall see it. */
enum status office_execute(
	struct office *o, const json_t *request, struct office_reply *reply, struct err *err);

/* Tries mail to this domain, and with `below` to those below it, as far as one request looks at the queue:
 * how many messages it was. */
size_t office_retry_domain(struct office *o, struct str domain, bool below);

#endif
