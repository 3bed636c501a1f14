/* password.h -- where a new password comes from, and what is sent of it. */
#ifndef RESTANTE_CMD_PASSWORD_H
#define RESTANTE_CMD_PASSWORD_H

#include "cmd/cmd.h"

/* --hash '{SCHEME}...': that; --password-stdin: its first line; on a terminal: asked for twice without echo; else generated, and
 * `generated` is it.  *credentials: the JSON that the verbs want.  A sysexits code, already told. */
int password_new(struct cmd *c, char generated[32], json_t **credentials);
/* Of a line of a file: '{SCHEME}...' is taken over, else it is a password. */
enum status password_of_text(struct cmd *c, struct str text, json_t **credentials, struct err *err);

#endif
