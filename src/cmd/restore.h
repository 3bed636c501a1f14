/* restore.h -- the two halves of restante restore. */
#ifndef RESTANTE_CMD_RESTORE_H
#define RESTANTE_CMD_RESTORE_H

#include "cmd/backup_dest.h"

/* --message ID --to ADDRESS, or --account ADDRESS: from the backup src into the office. */
int restore_mail(struct cmd *c, struct disk *disk, const char *src);

#endif
