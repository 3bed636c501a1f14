/* lab.h -- the laboratory: sessions with any POP3 or SMTP server, shown line by line, and what its command
 * line says of the server.
 *
 * lab pop3 and lab smtp are a table of steps each; lab check (lab_check.h) uses the same wire and login. */
#ifndef RESTANTE_CMD_LAB_H
#define RESTANTE_CMD_LAB_H

#include "cmd/cmd.h"
#include "cmd/lab_wire.h"

struct lab_target {
	struct server_want want; /* borrows from here and from the command line */
	struct buf roots, secret;
	struct str user, mechanism; /* "": none, the best */
	bool smtp, insecure;
};
/* EX_OK, or what was told.  lab_target_deinit() in any case. */
int lab_target_init(struct lab_target *t, struct cmd *c, bool smtp);
void lab_target_deinit(struct lab_target *t);

/* ---- lab_login.c ---- */

struct lab_offers {
	struct str mechanisms;
	struct str timestamp; /* of POP3, for APOP */
};
/* ST_OK: the server says that it is done, and has proved what the mechanism demands.  ST_PERM: refused, err has its
 * words.  ST_PROTO, ST_TEMP: it did something else, or nothing. */
enum status lab_login(struct wire *w, const struct lab_target *t, const struct lab_offers *offers,
	struct err *err);

/* ---- one run of lab pop3 or lab smtp ---- */

struct lab {
	struct cmd *c;
	struct lab_target target;
	struct wire wire;
	json_t *phases, *tls, *said; /* said: the capabilities */
	struct buf mechanisms, timestamp;
	struct err err;
	bool greeted, starttls; /* the latter is offered */
};

enum { LAB_SKIPPED = -1 }; /* nothing to do in this step */

struct lab_step {
	const char *name;
	int (*run)(struct lab *l); /* EX_OK, LAB_SKIPPED, or the exit code with l->err */
};

int lab_run(struct cmd *c, bool smtp, const struct lab_step *steps, size_t count);
/* Fails a step. */
int lab_fail(struct lab *l, enum status status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int lab_connect(struct lab *l);
int lab_implicit(struct lab *l);
int lab_tls(struct lab *l); /* the handshake itself */
int lab_auth(struct lab *l);
/* A line of ours, with the end that was asked for. */
void lab_say(struct lab *l, struct str line);

#endif
