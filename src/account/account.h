/* account.h -- the directory: domains, accounts, aliases, credentials.  SQLite, synchronous=FULL:
 * a change that was answered survives a crash.
 *
 * Addresses are compared in canonical form: local part and domain lower-cased, domain as A-label
 * (RFC 5890; the user may type U-labels), trailing dot removed.  All SQL is prepared with
 * bound parameters.  Threads: the owner's only. */
#ifndef RESTANTE_ACCOUNT_ACCOUNT_H
#define RESTANTE_ACCOUNT_ACCOUNT_H

#include "base/codec.h"
#include "base/err.h"

struct directory;

/* Of a question with two answers; a directory that cannot be read now gives neither. */
enum said { SAID_NO, SAID_YES, SAID_NOTHING };

struct directory *directory_open(const char *path, struct err *err); /* makes it when missing */
/* Counts there, also now, whatever may change who gets mail. */
void directory_count_changes(struct directory *d, _Atomic uint64_t *changes);
void directory_close(struct directory *d);
/* All that will be asked, now: for who stays, and would rather not begin than find later that a table is gone. */
enum status directory_prepare(struct directory *d, struct err *err);

/* The changes in between are written with one sync, each for itself all or nothing.  Nothing of them is
 * promised before the end. */
enum status directory_batch_begin(struct directory *d, struct err *err);
enum status directory_batch_end(struct directory *d, struct err *err);

enum status directory_domain_add(struct directory *d, struct str domain, struct err *err);
/* Another name of the domain `of`, which is no such name itself. */
enum status directory_domain_alias(
	struct directory *d, struct str domain, struct str of, struct err *err);
/* Refused (ST_PERM) while an account, an alias or another name of it is left; the text names one. */
enum status directory_domain_del(struct directory *d, struct str domain, struct err *err);
enum said directory_is_local_domain(struct directory *d, struct str domain);
struct domain {
	struct str name, alias_of; /* alias_of "": a domain of its own; views */
	int64_t retention_days;    /* or RETENTION_* */
};
/* In the order in which they were added; false from each() stops. */
enum status directory_domain_each(struct directory *d,
	bool (*each)(void *arg, const struct domain *domain), void *arg, struct err *err);
/* For its accounts that have none of their own. */
enum status directory_domain_set_retention(
	struct directory *d, struct str domain, int64_t days, struct err *err);

enum { RETENTION_DEFAULT = -2, RETENTION_NEVER = -1, RETENTION_DAYS_MAX = 36500 };
enum { QUOTA_DEFAULT = -1, QUOTA_NONE = 0, QUOTA_KEEP = -2 };

struct account {
	uint64_t id; /* the maildrop's name in the store; never used again */
	char address[321];
	bool disabled;
	int64_t created_ms, password_changed_ms;
	int64_t quota_bytes, quota_messages; /* or QUOTA_DEFAULT, QUOTA_NONE */
	char pop3_folders[16];               /* a word of the setting, or "": as that says */
	int64_t retention_days;              /* or RETENTION_*; its own, else the domain's */
};

/* Credentials as they are kept: made by password_make(), away from the store's thread. */
struct credentials {
	char hash[256]; /* libsodium's or crypt(3)'s string */
	unsigned scram_iterations;
	unsigned char scram_salt[16], scram_stored_key[32], scram_server_key[32];
};
enum status password_make(struct str password, struct credentials *c, struct err *err);
/* A readable random password of about 80 bits. */
void password_generate(char text[32]);

/* A new name: letters and digits of any script, '.', '_', '-', '\''; no '+' (tags), at most 64 octets; the domain is
 * ours, and no alias has it. */
enum status account_add(struct directory *d, struct str address, const struct credentials *c,
	uint64_t *id, struct err *err);
/* Refused (ST_PERM) while an alias delivers to it; the text names one. */
enum status account_del(struct directory *d, struct str address, uint64_t *id, struct err *err);
enum status account_set_password(
	struct directory *d, struct str address, const struct credentials *c, struct err *err);
/* The same password, kept better; only while the version is still this one. */
enum status account_upgrade(struct directory *d, uint64_t id, uint64_t version,
	const struct credentials *c, struct err *err);
enum status account_set_disabled(
	struct directory *d, struct str address, bool disabled, struct err *err);
/* Each a number, QUOTA_DEFAULT, QUOTA_NONE, or QUOTA_KEEP: as it was. */
enum status account_set_quota(
	struct directory *d, struct str address, int64_t bytes, int64_t messages, struct err *err);
/* What this account itself says; no lookup when none does.  QUOTA_DEFAULT when it cannot be read. */
void account_quota(struct directory *d, uint64_t id, int64_t *bytes, int64_t *messages);
/* quota_told.c: he knows that his mailbox is nearly full. */
enum said account_quota_told(struct directory *d, uint64_t id);
enum status account_set_quota_told(struct directory *d, uint64_t id, bool told);
/* A word of the setting pop3_folders, or "". */
enum status account_set_folders(
	struct directory *d, struct str address, struct str folders, struct err *err);
/* The maildrop of the junk folder: an account's other id. */
static inline uint64_t account_junk(uint64_t id)
{
	return id | UINT64_C(1) << 62;
}
/* Days, RETENTION_NEVER or RETENTION_DEFAULT. */
enum status account_set_retention(
	struct directory *d, struct str address, int64_t days, struct err *err);
/* What account and domain say; no lookup when none does. */
int64_t account_retention(struct directory *d, uint64_t id);
/* The least that any of them says, 0 none; false: they say nothing. */
bool directory_retention(struct directory *d, int64_t *least);
enum status account_get(
	struct directory *d, struct str address, struct account *a, struct err *err);
enum status account_by_id(struct directory *d, uint64_t id, struct account *a, struct err *err);
/* Calls each() in order of address, for those behind `after`; false from it stops. */
enum status account_each(struct directory *d, struct str after,
	bool (*each)(void *arg, const struct account *a), void *arg, struct err *err);

/* ---- application passwords: made here, shown once, for PLAIN and LOGIN ---- */

enum login_scope { LOGIN_POP3 = 1, LOGIN_SMTP = 2, LOGIN_ALL = 3 };
enum { APP_NAME_MAX = 64, APP_PASSWORDS_MAX = 100 };

struct app_password {
	uint64_t id;
	char name[APP_NAME_MAX + 1];
	enum login_scope scope;
	int64_t created_ms, expires_ms, used_ms; /* 0: never */
};
enum status app_password_add(struct directory *d, struct str address, struct str name,
	struct str password, enum login_scope scope, int64_t expires_ms, struct err *err);
enum status app_password_del(
	struct directory *d, struct str address, struct str name, struct err *err);
enum status app_password_each(struct directory *d, struct str address,
	bool (*each)(void *arg, const struct app_password *p), void *arg, struct err *err);
/* One that is valid now for this scope; with SAID_YES *found has its id and name. */
enum said app_password_find(struct directory *d, uint64_t account, struct str password,
	enum login_scope scope, struct app_password *found);

/* ---- keys of client certificates, for EXTERNAL ---- */

enum { CERTIFICATE_KEY = 32, CERTIFICATES_PER_ACCOUNT = 100, CERTIFICATE_NAME_MAX = 200 };

struct certificate {
	unsigned char key[CERTIFICATE_KEY];  /* SHA-256 of its SubjectPublicKeyInfo */
	char name[CERTIFICATE_NAME_MAX + 1]; /* for people: the certificate's subject */
	int64_t added_ms;
};
/* One key may open several accounts. */
enum status certificate_add(struct directory *d, struct str address,
	const unsigned char key[CERTIFICATE_KEY], struct str name, struct err *err);
enum status certificate_del(struct directory *d, struct str address,
	const unsigned char key[CERTIFICATE_KEY], struct err *err);
enum status certificate_each(struct directory *d, struct str address,
	bool (*each)(void *arg, const struct certificate *c), void *arg, struct err *err);
enum said certificate_opens(
	struct directory *d, uint64_t account, const unsigned char key[CERTIFICATE_KEY]);
/* The one account that it opens; SAID_NO: none, or several. */
enum said certificate_account(
	struct directory *d, const unsigned char key[CERTIFICATE_KEY], struct account *a);

/* ---- bans, kept over a restart: what the fields mean is their owner's affair ---- */

struct kept_ban {
	struct str network;
	int why;
	int64_t since_ms, until_ms;
};
/* These instead of all that are kept: all or nothing. */
enum status directory_keep_bans(
	struct directory *d, const struct kept_ban *bans, size_t count, struct err *err);
enum status directory_kept_bans(struct directory *d,
	void (*each)(void *arg, const struct kept_ban *ban), void *arg, struct err *err);

/* ---- what each account has sent elsewhere, kept over a restart: the bounds are their owner's affair ---- */

struct kept_sent {
	uint64_t account;
	double hour, day; /* recipients, as they stood at that time */
	int64_t at_ms;
};
/* These instead of all that are kept: all or nothing. */
enum status directory_keep_sent(
	struct directory *d, const struct kept_sent *rows, size_t count, struct err *err);
enum status directory_kept_sent(struct directory *d,
	void (*each)(void *arg, const struct kept_sent *row), void *arg, struct err *err);

/* ---- the last login of each account: kept in memory, written by directory_flush_logins() ---- */

struct last_login {
	int64_t at_ms;
	char ip[48], tls[16], mechanism[32], protocol[16], app[APP_NAME_MAX + 1];
};
/* app_id: of the application password that was used, else 0. */
void directory_note_login(
	struct directory *d, uint64_t account, uint64_t app_id, const struct last_login *l);
bool directory_logins_pending(const struct directory *d);
void directory_flush_logins(struct directory *d); /* one sync for all */
/* found false: never. */
enum status account_last_login(
	struct directory *d, uint64_t id, struct last_login *l, bool *found, struct err *err);

/* An alias "@domain" is that domain's catch-all: who gets what no other name there gets.
 * Targets are addresses, local ones.  Refuses loops, more than 16 levels, and targets that
 * do not exist, and the name of an account.  Adding to an alias that exists adds targets.  All or nothing. */
enum status alias_add(struct directory *d, struct str alias, const struct str *targets, size_t n,
	struct err *err);
/* n == 0 deletes the alias, else only these targets; without its last one it is gone.  Refused while another
 * alias delivers to what would be gone. */
enum status alias_del(struct directory *d, struct str alias, const struct str *targets, size_t n,
	struct err *err);
enum status alias_each(struct directory *d,
	bool (*each)(void *arg, struct str alias, struct str target), void *arg, struct err *err);

enum resolved {
	RESOLVED,          /* at least one maildrop, or address elsewhere */
	RESOLVED_NOWHERE,  /* the domain is ours, the mailbox does not exist: 550 5.1.1 */
	RESOLVED_FOREIGN,  /* not our domain: relaying */
	RESOLVED_DISABLED, /* the account is disabled: 550 5.2.1 */
	RESOLVED_TEMP,     /* the directory cannot be read now: 451 4.3.0 */
	/* not said here: */
	RESOLVED_FULL,         /* its quota is used up: 452 4.2.2, or 552 5.2.2 */
	RESOLVED_CAPPED,       /* the account sent to too many: 450 4.7.28 */
	RESOLVED_CAPPED_NEW,   /* to too many for the first time: 450 4.7.28 */
	RESOLVED_SUPPRESSED,   /* it was reported not to exist: 550 5.1.1 */
	RESOLVED_NO_DISK,      /* too little room on the disk: 452 4.3.1 */
	RESOLVED_NOT_A_NOTICE, /* an address that only notices may be sent to: 550 5.7.1 */
	RESOLVED_NOT_HELD,     /* a mailbox here, of mail that is to be held: 550 5.3.3 */
};
struct maildrops { /* ids without duplicates; maildrops_free() */
	uint64_t *ids;
	size_t count, cap;
	struct buf onward; /* addresses elsewhere that an alias leads to: put_str() of each */
	size_t onward_count;
};
void maildrops_free(struct maildrops *m);
/* An envelope recipient, `local@domain` or `postmaster` (RFC 5321 4.5.1: always deliverable: to the
 * account or alias postmaster@, else to the oldest account).  Exact match first, then without the
 * "+tag", then without dropped characters too.  Quoted local parts match unquoted.  A local part with '%', '!' or '@' in it is never routed
 * on: it is a mailbox of that name, or nowhere.  Then the catch-all of the domain, and last, for postmaster, the
 * oldest account.  A domain that is another name of one is replaced first.  A disabled account is never caught.
 * What is no address at all is nowhere, too.  Disabled members
 * of a group are passed over.  Adds to *out, sorted, each once; only RESOLVED adds. */
enum resolved directory_resolve(struct directory *d, struct str recipient, struct maildrops *out);

/* Characters that need not be told in a local part: those of ".-_'" that are in the text.  A name that was given
 * with some is reached by itself alone. */
void directory_drop_characters(struct directory *d, struct str text);
/* Under which name the recipient has a mailbox or an alias here. */
enum stands { STANDS_NOWHERE, STANDS_AS_WRITTEN, STANDS_WITHOUT_TAG, STANDS_WITHOUT_DROPPED };
enum stands directory_stands(struct directory *d, struct str recipient, struct buf *name);

/* May account `id` use this address as sender: its own, with any tag and dropped characters, or an alias that
 * leads to it (F2).  A catch-all gives no such right. */
enum said directory_may_send_as(struct directory *d, uint64_t id, struct str address);

#endif
