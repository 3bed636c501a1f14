/* password.h -- where a new password comes from, and what is sent of it. */
#ifndef RESTANTE_CMD_PASSWORD_H
#define RESTANTE_CMD_PASSWORD_H

#include "base/buf.h"
#include "cmd/cmd.h"

/* --hash '{SCHEME}...': that; --password-stdin: its first line; on a terminal: asked for twice without echo; else generated, and
 * `generated` is it.  *credentials: the JSON that the verbs want.  A sysexits code, already told. */
int password_new(struct cmd *c, char generated[32], json_t **credentials);
/* Asks on the terminal, without echo; false: there is none, or the line is empty or too long. */
bool password_ask(const char *prompt, struct buf *line);
/* Of a line of a file: '{SCHEME}...' is taken over, else it is a password. */
enum status password_of_text(struct cmd *c, struct str text, json_t **credentials, struct err *err);

#endif
