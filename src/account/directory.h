/* directory.h -- what the files of this library share of the directory: statements, transactions,
 * login rows.  Not for other libraries: they take account.h and sasl.h. */
#ifndef RESTANTE_ACCOUNT_DIRECTORY_H
#define RESTANTE_ACCOUNT_DIRECTORY_H

#include <sqlite3.h>

#include "account/account.h"
#include "account/canonical.h"

enum { ALIAS_DEPTH_MAX = 16 };

enum statement {
	SQL_LOOK,
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SAVEPOINT,
	SQL_RELEASE,
	SQL_ROLLBACK_TO,
	SQL_DOMAIN_ADD,
	SQL_DOMAIN_DEL,
	SQL_DOMAIN_GET,
	SQL_DOMAIN_EACH,
	SQL_DOMAIN_USED,
	SQL_ACCOUNT_ADD,
	SQL_ACCOUNT_DEL,
	SQL_ACCOUNT_PASSWORD,
	SQL_ACCOUNT_UPGRADE,
	SQL_ACCOUNT_DISABLED,
	SQL_ACCOUNT_QUOTA_SET,
	SQL_ACCOUNT_QUOTA,
	SQL_ACCOUNT_QUOTAS,
	SQL_ACCOUNT_RETENTION,
	SQL_ACCOUNT_FOLDERS,
	SQL_DOMAIN_RETENTION,
	SQL_RETENTION_LEAST,
	SQL_APP_ADD,
	SQL_APP_DEL,
	SQL_APP_EACH,
	SQL_APP_FIND,
	SQL_APP_USED,
	SQL_CERT_ADD,
	SQL_CERT_DEL,
	SQL_CERT_EACH,
	SQL_CERT_OPENS,
	SQL_CERT_ACCOUNTS,
	SQL_SENT_DEL,
	SQL_SENT_ADD,
	SQL_SENT_EACH,
	SQL_BANS_DEL,
	SQL_BAN_ADD,
	SQL_BAN_EACH,
	SQL_LAST_LOGIN_SET,
	SQL_LAST_LOGIN_GET,
	SQL_ACCOUNT_GET,
	SQL_ACCOUNT_BY_ID,
	SQL_ACCOUNT_EACH,
	SQL_ACCOUNT_FIRST,
	SQL_LOGIN_GET,
	SQL_LOGIN_VERSION,
	SQL_ALIAS_ADD,
	SQL_ALIAS_DEL,
	SQL_ALIAS_DEL_ALL,
	SQL_ALIAS_GET,
	SQL_ALIAS_EACH,
	SQL_ALIAS_POINTING_AT,
	SQL_ALIAS_DOWN,
	SQL_ALIAS_UP,
	SQL_ALIAS_ACCOUNTS,
	SQL_ACCOUNT_STATE,
	SQL_ALIAS_ONWARD,
	SQL_SUPPRESSION_ADD,
	SQL_SUPPRESSION_GET,
	SQL_SUPPRESSION_DEL,
	SQL_SUPPRESSION_EACH,
	SQL_CORRESPONDENT_GET,
	SQL_CORRESPONDENT_NEW,
	SQL_CORRESPONDENT_ADD,
	SQL_CORRESPONDENT_TRIM,
	SQL_DKIM_ADD,
	SQL_DKIM_DEL,
	SQL_DKIM_EACH,
	SQL_DKIM_RETIRE,
	SQL_DKIM_RETIRE_NOW,
	SQL_DKIM_ACTIVATE,
	SQL_SRS_SECRET,
	SQL_QUOTA_TOLD,
	SQL_QUOTA_TOLD_ADD,
	SQL_QUOTA_TOLD_DEL,
	SQL_COUNT,
};

struct resolve_cache;

struct directory {
	sqlite3 *db;
	sqlite3_stmt *stmt[SQL_COUNT];
	char dropped[8];             /* directory_drop_characters() */
	unsigned char secret[32];    /* for the salts of users that do not exist */
	struct resolve_cache *cache; /* owned */
	uint64_t generation;         /* directory_generation() */
	_Atomic uint64_t *changes;   /* or NULL: told to others */
	bool quotas_known, quotas;   /* does any account have a quota of its own? */
	bool retention_known, retention;
	int64_t retention_least;
	bool looking;               /* in the transaction of questions: sql_take() */
	bool batch;                 /* directory_batch_begin(): changes are savepoints */
	struct noted_login *logins; /* not written yet: logins.c */
	size_t login_count;
	uint16_t *login_at; /* where an account may stand in logins */
};

/* The statement, reset and with its bindings gone.  Bind with the helpers: they keep no copy, the text must
 * live until sql_done(). */
sqlite3_stmt *sql_take(struct directory *d, enum statement which);
void sql_bind(sqlite3_stmt *s, int at, struct str text);
void sql_bind_blob(sqlite3_stmt *s, int at, const void *p, size_t n);
struct str sql_text(sqlite3_stmt *s, int column);

/* SQLITE_ROW or SQLITE_DONE gives ST_OK; anything else is told in err ("doing what"). */
enum status sql_step(
	struct directory *d, sqlite3_stmt *s, bool *row, const char *what, struct err *err);
void sql_done(sqlite3_stmt *s);
/* Take, step to the end, done; for statements without rows that bind nothing. */
enum status sql_run(struct directory *d, enum statement which, const char *what, struct err *err);

enum status directory_begin(struct directory *d, struct err *err);
/* Commits when status is ST_OK, else rolls back; returns what became of it.  A failed COMMIT is
 * rolled back and reported. */
enum status directory_end(struct directory *d, enum status status, struct err *err);

/* The same after a change that means nothing to who gets mail or who may log in: what was answered still holds. */
enum status directory_end_unseen(struct directory *d, enum status status, struct err *err);

/* c of an administrator's argument; ST_USAGE with a text when it is no address. */
enum status directory_parse(struct str address, struct canonical *c, struct err *err);
/* The same for a name about to be made: sensible local part, and the domain is ours. */
enum status directory_parse_new(
	struct directory *d, struct str address, struct canonical *c, struct err *err);

enum status directory_has_domain(
	struct directory *d, struct str canonical, bool *has, struct err *err);
/* A domain that is another name of one becomes that one. */
enum status directory_map_domain(
	struct directory *d, struct canonical *c, bool *has, struct err *err);
/* The name is taken neither by an account nor by an alias: ST_OK, else ST_EXISTS. */
enum status directory_name_free(struct directory *d, struct str canonical, struct err *err);

/* What a login needs.  found false: unknown; the rest is then zero, but name is set. */
struct login {
	bool found, disabled;
	uint64_t id, version; /* version changes with the password and with disable or enable */
	struct str
		name; /* canonical, or what the client sent when that is no address; view of text */
	char text[ADDRESS_MAX + 1];
	struct credentials credentials; /* login_wipe() */
};
/* user: as the client wrote it; without a domain it gets the only one there is. */
enum status directory_login(struct directory *d, struct str user, struct login *l, struct err *err);
void login_wipe(struct login *l);
/* Still enabled, with this version?  Asked right before a login is granted. */
enum said directory_login_valid(struct directory *d, uint64_t id, uint64_t version);
/* Do both names mean the same login? */
enum said directory_same_user(struct directory *d, struct str a, struct str b);

struct resolve_cache *resolve_cache_new(void);
void resolve_cache_free(struct resolve_cache *c);
void resolve_cache_flush(struct resolve_cache *c);

#endif
