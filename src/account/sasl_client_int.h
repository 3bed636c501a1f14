/* sasl_client_int.h -- what the files of the SASL client share. */
#ifndef RESTANTE_ACCOUNT_SASL_CLIENT_INT_H
#define RESTANTE_ACCOUNT_SASL_CLIENT_INT_H

#include "account/sasl_client.h"

enum { SASL_CLIENT_MESSAGE_MAX = 8192 };

enum sasl_client_kind { BY_EXTERNAL, BY_OAUTH, BY_XOAUTH, BY_SCRAM, BY_PLAIN, BY_LOGIN, BY_CRAM };

struct sasl_client_row {
	struct str name;
	enum sasl_client_kind kind;
	const char *digest; /* SCRAM */
	bool plus;
};

struct sasl_client {
	const struct sasl_client_row *row;
	struct buf user, authzid, password, token, host, exporter, nonce;
	uint64_t port;
	bool plus_offered; /* SCRAM: some -PLUS was in the list */
	size_t step;       /* messages of ours so far */
	bool through;
	struct buf out;
	struct buf gs2, first_bare, auth_message, verifier; /* SCRAM */
};

/* gs2-header and saslname of RFC 5801 and 5802, which OAUTHBEARER uses too. */
void sasl_client_saslname(struct buf *out, struct str name);

/* sasl_client_scram.c; each puts its answer into c->out. */
bool sasl_client_scram_prepare(struct sasl_client *c, struct err *err);
bool sasl_client_scram(struct sasl_client *c, struct str challenge, struct err *err);

#endif
