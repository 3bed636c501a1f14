/* reading.h -- what list, search, show, save and read share: the accounts, the office, the library. */
#ifndef RESTANTE_CMD_READING_H
#define RESTANTE_CMD_READING_H

#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "daemon/control.h"
#include "reader/library.h"

struct reading {
	struct cmd *cmd;
	struct control_session *session;
	struct library *library;
	struct buf accounts; /* addresses, separated by LF */
	struct library_source source;
	struct progress progress;
	struct office_reply reply;
	struct buf octets; /* of the answer to the last request */
	json_t *row;
};

/* The maildrops of the remotes that are named, or of all; or of --account.  Opens the office and brings the library
 * up to date.  A sysexits code, already told; reading_close() in any case. */
int reading_open(struct reading *r, struct cmd *c, char **names, int count);
void reading_close(struct reading *r);
/* For who stays long: gives the office up until reading_begin(), so that others may have it. */
void reading_rest(struct reading *r);
enum status reading_begin(struct reading *r, struct err *err);
/* Brings the library up to date. */
enum status reading_update(struct reading *r, struct err *err);

/* The address of the maildrop of a remote: "home@remote". */
void reading_address(struct buf *out, struct str remote);
/* The name that people know an account by: that of the remote, else the address. */
struct str reading_name(struct str address);

/* What scripts are told of a message, without its text; new references. */
json_t *reading_json(const struct library_row *row);
json_t *reading_date(int64_t ms);

/* Only its beginning was fetched. */
bool reading_partial(struct reading *r, const struct library_row *row);
/* The whole message, at most max octets of it. */
enum status reading_message(struct reading *r, const struct library_row *row, uint64_t max,
	struct buf *out, struct err *err);

#endif
