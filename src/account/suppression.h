/* suppression.h -- whom an account should not send to any more: servers said that they do not exist.  In the
 * directory, gone with the account. */
#ifndef RESTANTE_ACCOUNT_SUPPRESSION_H
#define RESTANTE_ACCOUNT_SUPPRESSION_H

#include "account/account.h"

/* Addresses in any form; kept and compared canonical.  Again: only the time is new. */
enum status suppression_add(struct directory *d, uint64_t account, struct str address,
	int64_t wall_ms, struct err *err);
/* False also when it cannot be read now: mail is rather sent. */
enum said suppression_has(struct directory *d, uint64_t account, struct str address);
/* ST_NOTFOUND: it is not there. */
enum status suppression_del(
	struct directory *d, struct str account, struct str address, struct err *err);
enum status suppression_each(struct directory *d,
	bool (*each)(void *arg, struct str account, struct str address, int64_t at_ms), void *arg,
	struct err *err);

#endif
