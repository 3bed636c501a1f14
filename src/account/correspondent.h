/* correspondent.h -- whom an account has written to, so that it is known who is new.  In the directory, gone with the
 * account: hashes, of each account the latest. */
#ifndef RESTANTE_ACCOUNT_CORRESPONDENT_H
#define RESTANTE_ACCOUNT_CORRESPONDENT_H

#include "account/account.h"

enum { CORRESPONDENTS_KEPT = 20000, CORRESPONDENT_DAY_MS = 24 * 60 * 60 * 1000 };

struct correspondent {
	uint64_t account;
	struct str address; /* in any form */
	int64_t now_ms;
	int64_t most; /* new ones in the 24 hours before */
	int64_t kept; /* of this account, CORRESPONDENTS_KEPT: older ones are forgotten, and new again */
};

/* YES: known, or new and noted from now on.  NO: there were too many new ones.  NOTHING: it cannot be read or
 * written now. */
enum said correspondent_take(struct directory *d, const struct correspondent *c, struct err *err);
/* Makes it known, but not new: it counts as of a day ago.  room: how many more are kept.  ST_USAGE: no address. */
enum status correspondent_import(
	struct directory *d, const struct correspondent *c, int64_t *room, struct err *err);
/* Since when it is known; 0: it is not. */
enum status correspondent_since(
	struct directory *d, const struct correspondent *c, int64_t *since_ms, struct err *err);
/* How many the account knows, who became so after that. */
enum status correspondent_count(
	struct directory *d, uint64_t account, int64_t after_ms, int64_t *count, struct err *err);

#endif
