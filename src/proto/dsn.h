/* dsn.h -- parameters of MAIL and RCPT for delivery status notifications (RFC 3461 4).  Pure.
 *
 * Kept as they were sent: ENVID and ORCPT stay xtext, so that they can go into a message or on to the
 * next server without being made anew. */
#ifndef RESTANTE_PROTO_DSN_H
#define RESTANTE_PROTO_DSN_H

#include "base/str.h"

enum { DSN_ENVID_MAX = 100, DSN_ORCPT_MAX = 500 }; /* RFC 3461 4.4, 4.2 */

enum dsn_ret { DSN_RET_UNSAID, DSN_RET_FULL, DSN_RET_HDRS };

/* A set; 0: the client did not say. */
enum dsn_notify { DSN_NEVER = 1, DSN_SUCCESS = 2, DSN_FAILURE = 4, DSN_DELAY = 8 };

bool dsn_ret(struct str value, enum dsn_ret *ret);
bool dsn_notify(struct str value, unsigned *notify);
bool dsn_envid(struct str value);
/* utf8: SMTPUTF8 was said, so that "utf-8" addresses may hold more than ASCII (RFC 6533 3). */
bool dsn_orcpt(struct str value, bool utf8);

#endif
