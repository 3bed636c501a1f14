/* knock.h -- does a service answer where it is said to be, with TLS that can be believed?  No login.  Blocking. */
#ifndef RESTANTE_REMOTE_KNOCK_H
#define RESTANTE_REMOTE_KNOCK_H

#include "base/err.h"
#include "remote/service.h"

struct knock {
	struct service at;
	bool sends;           /* SMTP, not POP3 */
	struct str roots;     /* PEM: who may vouch for it */
	struct str resolvers; /* as dns_resolver */
	struct str hostname;  /* what EHLO says */
	int64_t timeout_ms;   /* of each step */
};

/* ST_OK, ST_TEMP: nobody answers, ST_PERM: what answers is not believed, or has no TLS. */
enum status knock(const struct knock *k, struct err *err);

#endif
