/* send.h -- inside of restante send: mail goes into the office's own queue first, always, and from there on.
 *
 * What was handed in through a remote says so in its record ("outbox NAME"), so that it goes that way at each
 * attempt, by the settings that hold then. */
#ifndef RESTANTE_CMD_SEND_H
#define RESTANTE_CMD_SEND_H

#include "cmd/cmd.h"
#include "daemon/config_remote.h"
#include "daemon/control.h"
#include "proto/dsn.h"

#define OUTBOX_CLIENT "outbox "

struct outgoing {
	const struct config_remote *remote;
	struct buf sender;  /* reverse-path; "" for <> */
	json_t *recipients; /* array of addresses, each once */
	struct buf message; /* lines end in CRLF; Date and Message-ID are there, Bcc is not */
	bool utf8;          /* an address needs SMTPUTF8 */
	struct str name;    /* for a From that is missing; "" */
	unsigned notify;    /* enum dsn_notify */
	enum dsn_ret ret;
};

/* send_queue.c */

/* Into the queue, durably.  id: its text. */
enum status outgoing_queue(const char *state, const struct outgoing *m, char id[], struct err *err);
/* Adds one; false: it is no address. */
bool outgoing_recipient(struct outgoing *m, struct str address);
/* Octets as a message: line ends, Date, Message-ID, From; recipients out of the header when `read`. */
enum status outgoing_message(struct outgoing *m, struct str octets, const struct config *config,
	bool read, struct err *err);
void outgoing_free(struct outgoing *m);
/* Rows of queue.list that were handed in here.  A sysexits code, already told; json_decref(). */
int outbox_rows(struct cmd *c, json_t **rows);

/* send_run.c: all that waits and is due, unless a server runs, which does it.  id: the result is that of this message
 * (EX_UNAVAILABLE: refused, EX_TEMPFAIL: it waits); "": of all, also of what waits for a later attempt. */
int outbox_run(struct cmd *c, const struct config *config, struct str id);

/* send_info.c: connects, logs in unless remote is NULL (then --host says where), tells what the server offers. */
int send_serverinfo(struct cmd *c, const struct config *config, const struct config_remote *remote);

#endif
