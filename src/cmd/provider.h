/* provider.h -- the directory of mail providers, for the commands that need it. */
#ifndef RESTANTE_CMD_PROVIDER_H
#define RESTANTE_CMD_PROVIDER_H

#include "base/buf.h"
#include "cmd/cmd.h"

/* The local directory and behind it the built-in one, for remote/provider.h; buf_deinit() it in any case.
 * A sysexits code, already told. */
int cmd_providers(struct cmd *c, struct buf *text);

#endif
