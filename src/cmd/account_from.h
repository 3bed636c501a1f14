/* account_from.h -- many accounts from a file: ADDRESS TAB PASSWORD, or TAB {SCHEME}HASH, a line. */
#ifndef RESTANTE_CMD_ACCOUNT_FROM_H
#define RESTANTE_CMD_ACCOUNT_FROM_H

#include "cmd/cmd.h"

/* Each line for itself: what is wrong is told with its number, the others are added. */
int account_add_from(struct cmd *c);
/* Quotas and retention that the options say, for one account; EX_OK, or what was told. */
int cmd_account_defaults(struct cmd *c, json_t *q);

#endif
