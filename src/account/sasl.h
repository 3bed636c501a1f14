/* sasl.h -- server side of SASL, in the store process: the edge carries decoded messages and the
 * channel binding and learns neither hash nor key (RFC 4422, 4616, 5802, 7677, 9266).
 *
 * Mechanisms: PLAIN, LOGIN, SCRAM-SHA-256, SCRAM-SHA-256-PLUS; for who showed a certificate EXTERNAL
 * (RFC 4422 A); with a token checker also OAUTHBEARER
 * (RFC 7628) and XOAUTH2.  Unknown and disabled users cost the same
 * time and get the same answer as a wrong password.  Hashing runs in a bounded pool; a keyed
 * cache in memory remembers recent successes. */
#ifndef RESTANTE_ACCOUNT_SASL_H
#define RESTANTE_ACCOUNT_SASL_H

#include "account/account.h"

struct authenticator; /* pool, cache, dummy keys */

/* d outlives it.  authenticator_free() finishes the hashes under way and answers the exchanges that wait for
 * them: free those first. */
struct authenticator *authenticator_new(struct directory *d, unsigned threads, size_t max_waiting);
void authenticator_free(struct authenticator *a);
/* Who knows whose a bearer token is: outside of this library.  start() is answered by exactly one done(), perhaps
 * before it returns, or by none after abandon(). */
enum token_result { TOKEN_GOOD, TOKEN_BAD, TOKEN_UNREACHABLE };
struct token_check {
	void (*done)(struct token_check *c, enum token_result result, struct str username);
	void *question; /* the checker's */
};
struct token_checker {
	/* user: whom the client named, or "".  Views, for this call only. */
	void (*start)(
		struct token_checker *t, struct token_check *c, struct str token, struct str user);
	void (*abandon)(struct token_checker *t, struct token_check *c);
};
/* Outlives the authenticator; NULL takes the mechanisms away. */
void authenticator_tokens(struct authenticator *a, struct token_checker *t);
/* Replaces imported hashes at the next login with the password; off until said. */
void authenticator_upgrade(struct authenticator *a, bool on);
int authenticator_fd(const struct authenticator *a);
void authenticator_poll(struct authenticator *a);
void authenticator_wait(struct authenticator *a); /* for tools and tests */

enum sasl_result {
	SASL_CHALLENGE, /* send output, expect a response */
	SASL_OK,        /* account and address are set */
	SASL_FAILED,    /* wrong credentials, unknown user, authzid of somebody else: one answer */
	SASL_MALFORMED, /* 501 / -ERR: not what the mechanism's grammar allows */
	SASL_UNKNOWN_MECHANISM,
	SASL_TEMP, /* the pool is full or the directory unreadable: 454, [SYS/TEMP] */
};

struct sasl; /* one exchange */

struct sasl_start {
	struct str mechanism;
	enum login_scope scope; /* what it is for; 0 is LOGIN_ALL: no application passwords */
	bool tls;
	struct str exporter; /* tls-exporter channel binding, "" when there is none */
	struct str
		client_key; /* digest of the key of the client's certificate, "" when there is none */
	bool plus_offered;  /* -PLUS was announced: a client that says it saw none is attacked */
	struct str network; /* where the client is, in any form: who waits for whom */
};

/* done() is called exactly once per sasl_step(), perhaps before it returns; sasl_new() asks nothing.  It
 * may call sasl_step() or sasl_free().  SASL_OK never has output: SCRAM's verifier is the challenge
 * before it, answered by an empty response (RFC 4422 3), as SMTP and POP3 need it. */
struct sasl_reply {
	enum sasl_result result;
	struct str output; /* view, valid during done() */
	bool has_output;
	uint64_t account;
	struct str address; /* canonical address, view */
	uint64_t app;       /* the application password that was used, else 0 */
	struct str app_name, mechanism;
	struct str user; /* what the client called itself, for the log, view */
};
typedef void sasl_done(void *owner, const struct sasl_reply *reply);

struct sasl *sasl_new(
	struct authenticator *a, const struct sasl_start *start, sasl_done *done, void *owner);
/* has_input false: no initial response.  Only one step at a time.  After an end: SASL_MALFORMED. */
void sasl_step(struct sasl *x, struct str input, bool has_input);
/* Also in the middle of a step: done() will not be called then. */
void sasl_free(struct sasl *x);

#endif
