/* rc.h -- what the configuration of another program says of mailboxes, as settings of ours.  Pure.
 *
 * Whatever is not taken over is noted with its line: nothing is dropped in silence. */
#ifndef RESTANTE_REMOTE_RC_H
#define RESTANTE_REMOTE_RC_H

#include "base/buf.h"

enum { RC_SETTINGS_MAX = 32, RC_ACCOUNTS_MAX = 200, RC_FILE_MAX = 1024 * 1024 };

struct rc_setting {
	const char *name; /* of restante.conf */
	char *value;
};

struct rc_account {
	char *name;             /* what it might be called */
	char *pop3_host, *user; /* by which its state is found; pop3_host "": it only sends */
	char *address;          /* "": not known */
	char *state_file;       /* "": not named */
	uint64_t port;          /* as written; 0: not */
	struct rc_setting settings[RC_SETTINGS_MAX];
	size_t count;
	struct buf secret; /* a password that stands in the file; secret */
	struct buf seen;   /* of each message fetched before: "MS UIDL" and LF; MS 0: not known */
	size_t seen_count;
};

struct rc {
	const char *file, *home,
		*login; /* the caller's; for notes, for "~/", for who names no user */
	struct rc_account *accounts;
	size_t count;
	struct buf notes; /* lines */
};

void rc_free(struct rc *rc);

/* ---- the programs; each adds to rc ---- */

void rc_fetchmail(struct rc *rc, struct str text);
/* .fetchids: for the accounts that are there. */
void rc_fetchmail_ids(struct rc *rc, struct str text);

/* mpop's configuration; sends: msmtp's, which goes to the account of the same address or user, else to a new one. */
void rc_mpop(struct rc *rc, struct str text, bool sends);
void rc_mpop_uidls(struct rc_account *a, struct str text);

void rc_getmail(struct rc *rc, struct str text);
void rc_getmail_oldmail(struct rc_account *a, struct str text);

/* ---- inside ---- */

struct rc_account *rc_add(struct rc *rc, struct str name); /* NULL: too many, noted */
void rc_set(struct rc_account *a, const char *setting, struct str value);
/* A file of theirs, "~" replaced; nothing when there is none. */
void rc_set_file(struct rc *rc, struct rc_account *a, const char *setting, struct str theirs);
void rc_note(struct rc *rc, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* host, user, TLS and port of POP3 or SMTP. */
void rc_server(struct rc_account *a, bool sends, struct str host, uint64_t port, const char *tls);
void rc_seen(struct rc_account *a, struct str uidl, uint64_t ms);
/* "~/x" with home in front. */
char *rc_path(const struct rc *rc, struct str path);
/* SHA-256 in hex, with or without colons. */
bool rc_fingerprint(struct str s);

#endif
