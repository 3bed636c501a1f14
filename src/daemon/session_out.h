/* session_out.h -- one connection to another server: drives the client engine with a socket on one side
 * and jobs on the other, one job after the other.  Without a job it waits a moment for the next one,
 * and then says QUIT.  Where a message takes next to no time, jobs wait for their turn, and the envelope of
 * the next one goes with the end of the message before it: half as many packets and round trips. */
#ifndef RESTANTE_DAEMON_SESSION_OUT_H
#define RESTANTE_DAEMON_SESSION_OUT_H

#include "account/sasl_client.h"
#include "daemon/carrier.h"
#include "net/conn.h"
#include "net/tls_client.h"
#include "proto/smtpc.h"

struct carrier_job;
struct route_rule;

struct out {
	struct link link; /* among the carrier's sessions: with a job, or idle */
	struct carrier *carrier;
	struct conn conn;
	struct smtpc *engine;
	struct carrier_job *job;  /* NULL: idle, or ending */
	struct carrier_job *next; /* the engine has its envelope */
	struct link behind;       /* jobs after that */
	int64_t began_ms;         /* the message */
	bool quick;               /* the last one was over at once */
	bool has_tls;
	struct tls_result tls;
	char *site; /* with rule, source and the two below: who may use it again */
	const struct route_rule *rule;
	const struct config_source *source;
	bool requiretls;
	bool tls_optional; /* it may be one that other mail must not take */
	char host[300];    /* "mx.example.org[192.0.2.1]" */
	unsigned messages; /* so many were sent through it */
	bool idle, closing, starting_tls, driving, ended;
	int64_t idle_until_ms;

	/* session_out_auth.c */
	struct sasl_client *sasl;
	struct buf offered, tried; /* mechanisms */
	unsigned logins;           /* that were refused */
	bool wants_secret;
};

struct out_peer {
	int fd; /* taken over */
	const struct sockaddr *address;
	struct str host; /* its name */
};

/* Begins a session with the job's message; what becomes of it is told with the job_*() calls of
 * carrier_job.h, maybe from inside. */
void out_start(struct carrier *c, const struct out_peer *peer, struct carrier_job *job);
/* The same on an idle session, when there is one that this job may use. */
bool out_use_idle(struct carrier *c, struct carrier_job *job);
/* The same behind the jobs of a session, when it is not worth while to have another. */
bool out_follow(struct carrier *c, struct carrier_job *job);
bool out_is_shared(const struct out *o); /* by more than one job */
/* The job's message is another one now: it is sent.  Or it cannot be sent, and the job is over here. */
void out_again(struct out *o);
void out_next(struct out *o);
/* The octets that job_wants_body() was asked for; empty: there are none, the message is given up. */
void out_body(struct out *o, struct str octets);
void out_drop(struct out *o);            /* at once, without a word, tells no job */
void out_quit_idle(struct carrier *c);   /* all of them */
bool out_knows_dsn(const struct out *o); /* the server tells the sender itself (RFC 3461 5.2) */
/* The level of TLS that was reached: "dane", "verified", "encrypted", "clear". */
const char *out_level(const struct out *o);

struct carrier_job *out_detach(struct out *o); /* the job goes on without it */
void out_drive(struct out *o);                 /* does all that can be done now */

/* session_out_auth.c */
void out_auth_begin(struct out *o, const struct smtpc_event *ev);
void out_auth_more(struct out *o, struct str challenge);
void out_auth_ok(struct out *o);
void out_auth_end(struct out *o);
void out_secret_came(struct carrier *c, const struct route_rule *rule);

#endif
