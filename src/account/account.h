/* account.h -- the directory: domains, accounts, aliases, credentials.  SQLite, synchronous=FULL:
 * a change that was answered survives a crash.
 *
 * Addresses are compared in canonical form: local part and domain lower-cased, domain as A-label
 * (RFC 5890; the user may type U-labels), trailing dot removed.  All SQL is prepared with
 * bound parameters.  Threads: the owner's only. */
#ifndef RESTANTE_ACCOUNT_ACCOUNT_H
#define RESTANTE_ACCOUNT_ACCOUNT_H

#include "base/buf.h"
#include "base/err.h"

struct directory;

struct directory *directory_open(const char *path, struct err *err); /* makes it when missing */
void directory_close(struct directory *d);

enum status directory_domain_add(struct directory *d, struct str domain, struct err *err);
bool directory_is_local_domain(struct directory *d, struct str domain);
/* In the order in which they were added; false from each() stops. */
enum status directory_domain_each(struct directory *d, bool (*each)(void *arg, struct str domain),
	void *arg, struct err *err);

struct account {
	uint64_t id; /* the maildrop's name in the store; never used again */
	char address[321];
	bool disabled;
	int64_t created_ms, password_changed_ms;
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

/* A new name: letters and digits of any script, '.', '_', '-'; no '+' (tags), at most 64 octets; the domain is
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
enum status account_get(
	struct directory *d, struct str address, struct account *a, struct err *err);
enum status account_by_id(struct directory *d, uint64_t id, struct account *a, struct err *err);
/* Calls each() in order of address; false from it stops. */
enum status account_each(struct directory *d, bool (*each)(void *arg, const struct account *a),
	void *arg, struct err *err);

/* Targets are addresses, local ones.  Refuses loops, more than 16 levels, and targets that
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
	RESOLVED,          /* ids[] holds at least one maildrop */
	RESOLVED_NOWHERE,  /* the domain is ours, the mailbox does not exist: 550 5.1.1 */
	RESOLVED_FOREIGN,  /* not our domain: relaying */
	RESOLVED_DISABLED, /* the account is disabled: 550 5.2.1 */
	RESOLVED_TEMP,     /* the directory cannot be read now: 451 4.3.0 */
};
struct maildrops { /* ids without duplicates; free(ids) */
	uint64_t *ids;
	size_t count, cap;
};
/* An envelope recipient, `local@domain` or `postmaster` (RFC 5321 4.5.1: always deliverable: to the
 * account or alias postmaster@, else to the oldest account).  Exact match first, then without the
 * "+tag".  Quoted local parts match unquoted.  A local part with '%', '!' or '@' in it is never routed
 * on: it is a mailbox of that name, or nowhere.  What is no address at all is nowhere, too.  Disabled members
 * of a group are passed over.  Adds to *out, sorted, each once; only RESOLVED adds. */
enum resolved directory_resolve(struct directory *d, struct str recipient, struct maildrops *out);

/* May account `id` use this address as sender: its own, with any tag, or an alias that
 * leads to it (F2). */
bool directory_may_send_as(struct directory *d, uint64_t id, struct str address);

#endif
