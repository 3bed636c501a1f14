/* sasl_internal.h -- one exchange as its mechanism sees it. */
#ifndef RESTANTE_ACCOUNT_SASL_INTERNAL_H
#define RESTANTE_ACCOUNT_SASL_INTERNAL_H

#include "account/authenticator.h"
#include "account/password.h"

enum { SASL_INPUT_MAX = 12288 }; /* RFC 4954 4 */

enum mechanism {
	MECH_UNKNOWN,
	MECH_PLAIN,
	MECH_LOGIN,
	MECH_SCRAM,
	MECH_SCRAM_PLUS,
	MECH_OAUTHBEARER,
	MECH_XOAUTH2,
	MECH_EXTERNAL,
};

struct sasl {
	struct authenticator *a;
	sasl_done *done;
	void *owner;
	enum mechanism mechanism;
	enum login_scope scope;
	struct app_password app; /* the one that was used; id 0: none */
	unsigned step;           /* responses taken; the mechanism counts it up */
	bool over;               /* told the end */
	bool freed;
	unsigned answering; /* done() calls running: sasl_free() only marks */
	bool tls, plus_offered;
	unsigned flow; /* authenticator_flow() */
	unsigned char client_key[CERTIFICATE_KEY];
	struct buf exporter;
	struct buf user; /* what the client called itself */
	struct token_check token;
	bool token_asked;                                /* token is under way */
	struct check *check;                             /* under way, owned by the pool */
	struct login login;                              /* of user */
	struct buf first_bare, server_first, gs2, nonce; /* SCRAM: kept for AuthMessage */
};

/* The answer to the step: exactly one of these. */
void sasl_challenge(struct sasl *x, struct str output);
void sasl_end(struct sasl *x, enum sasl_result result);
void sasl_ok(struct sasl *x); /* for x->login */
/* What the directory said of the last doubt. */
void sasl_decide(struct sasl *x, enum said answer);

/* Looks x->user up; false: answered already. */
bool sasl_look_up(struct sasl *x);
void sasl_check_password(struct sasl *x, struct str password);

void sasl_step_plain(struct sasl *x, struct str input, bool has_input);
void sasl_step_login(struct sasl *x, struct str input, bool has_input);
void sasl_step_external(struct sasl *x, struct str input, bool has_input);
void sasl_step_oauth(struct sasl *x, struct str input, bool has_input);
void sasl_step_scram(struct sasl *x, struct str input, bool has_input);

#endif
