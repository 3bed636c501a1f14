/* sasl_client.h -- client side of SASL, for smarthosts and for fetching mail (RFC 4422, 4616, 5802, 7677,
 * 7628, 9266, 2195).  No I/O; slow only in SCRAM's PBKDF2 (bounded iterations).
 *
 * Here and not in src/proto, because it needs OpenSSL and libgsasl's SASLprep; the engines carry challenges
 * and responses only.  Raw octets in and out: base64 is the engine's.
 *
 *   c = sasl_client_new(&facts, &err); send sasl_client_mechanism(c), with sasl_client_initial(c) or
 *   without; answer each challenge by sasl_client_step(); success counts when sasl_client_through(c).
 *
 * Chooses the strongest mechanism that both have: EXTERNAL when asked for; with a token OAUTHBEARER,
 * XOAUTH2; with a password SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS, SCRAM-SHA-256, SCRAM-SHA-1, PLAIN,
 * LOGIN, CRAM-MD5.  Secrets are wiped. */
#ifndef RESTANTE_ACCOUNT_SASL_CLIENT_H
#define RESTANTE_ACCOUNT_SASL_CLIENT_H

#include "base/buf.h"
#include "base/err.h"

struct sasl_client;

struct sasl_client_facts {   /* copied where needed */
	struct str offered;  /* by the server: "PLAIN SCRAM-SHA-256" */
	struct str only;     /* one mechanism and no other; "": the best */
	struct str tried;    /* failed before on this session: not again */
	struct str user;     /* authentication identity */
	struct str authzid;  /* "": the same */
	struct str password; /* "" when there is none */
	struct str token;    /* OAuth bearer token, "" when there is none */
	struct str host;     /* the server, for OAUTHBEARER */
	uint64_t port;
	struct str exporter; /* tls-exporter channel binding, "" when there is none */
	struct str nonce;    /* for SCRAM: printable without ","; "": a random one */
	bool tls;
	bool cleartext; /* log in without TLS too */
	bool external;  /* TLS showed a certificate of ours */
	bool cram_md5;  /* allowed: an old provider, and the password is known to the server */
};

/* NULL: no mechanism fits, and err says why. */
struct sasl_client *sasl_client_new(const struct sasl_client_facts *facts, struct err *err);
void sasl_client_free(struct sasl_client *c);

struct str sasl_client_mechanism(const struct sasl_client *c);

/* The initial response; false when the mechanism has none.  Not calling it is allowed (servers of XOAUTH2
 * exist that take no initial response): the first challenge is then answered with it. */
bool sasl_client_initial(struct sasl_client *c, struct str *initial);

/* Views live until the next call.  False: give the exchange up (cancel it), err says why. */
bool sasl_client_step(
	struct sasl_client *c, struct str challenge, struct str *response, struct err *err);

/* The server may be believed: it has proved what its mechanism makes it prove. */
bool sasl_client_through(const struct sasl_client *c);

#endif
