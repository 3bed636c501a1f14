/* svc_token.h -- the store's side of OAUTHBEARER and XOAUTH2: whose token is this?  Answers come within ten
 * seconds, or the login fails for now. */
#ifndef RESTANTE_DAEMON_SVC_TOKEN_H
#define RESTANTE_DAEMON_SVC_TOKEN_H

#include "account/sasl.h"
#include "daemon/child.h"

struct svc_tokens {
	struct token_checker checker;
	struct loop *loop;
	struct ipc *leash;
	struct link waiting; /* for a socket, in the order in which they were asked for */
	size_t open;
};

void svc_tokens_init(struct svc_tokens *t, struct loop *loop, struct ipc *leash);
/* The parent's answer to LEASH_TOKENS: a connected socket, taken over, or -1. */
void svc_tokens_socket(struct svc_tokens *t, int fd);

#endif
