/* correspondent.h -- whom an account has written to, so that it is known who is new.  In the directory, gone with the
 * account: hashes, of each account the latest. */
#ifndef RESTANTE_ACCOUNT_CORRESPONDENT_H
#define RESTANTE_ACCOUNT_CORRESPONDENT_H

#include "account/account.h"

struct correspondent {
	uint64_t account;
	struct str address; /* in any form */
	int64_t now_ms;
	int64_t most; /* new ones in the 24 hours before */
	int64_t kept; /* of this account: older ones are forgotten, and new again */
};

/* YES: known, or new and noted from now on.  NO: there were too many new ones.  NOTHING: it cannot be read or
 * written now. */
enum said correspondent_take(struct directory *d, const struct correspondent *c, struct err *err);

#endif
