/* backup_dest.h -- where backups are: DEST/20261122T060000Z/, one directory each; a directory of such
 * a name without a manifest is one that was not finished. */
#ifndef RESTANTE_CMD_BACKUP_DEST_H
#define RESTANTE_CMD_BACKUP_DEST_H

#include "cmd/cmd.h"
#include "cmd/progress.h"
#include "store/backup.h"

struct backup_dest {
	int lock;    /* of DEST: one backup into it at a time; -1 */
	char *dir;   /* the new one; heap */
	char *older; /* the newest complete one; heap, or NULL */
};

/* Makes DEST when it is missing, removes what was not finished, makes the new directory. */
enum status backup_dest_open(
	struct backup_dest *d, struct disk *disk, const char *dest, struct err *err);
void backup_dest_close(struct backup_dest *d);

/* src is a backup, or the newest in it is.  *dir: heap. */
enum status backup_find(
	struct disk *disk, const char *src, char **dir, struct backup_manifest *m, struct err *err);
/* Makes the directories above name, below dir. */
enum status backup_make_parents(const char *dir, const char *name, struct err *err);

/* As of one moment; store: the directory whose owner keeps the database. */
enum status backup_copy_sqlite(
	const char *from, const char *to, const char *store, struct err *err);

/* ---- backup_verify.c: what is damaged ---- */

struct damage {
	bool json, colour;
	json_t *lines; /* array */
	uint64_t count;
};

void damage_init(struct damage *d, const struct cmd *c);
void damage_deinit(struct damage *d);
void damage_say(void *arg, const char *line);                /* arg: struct damage */
void damage_found(void *arg, const struct check_finding *f); /* the same */
/* Reads all of a store's directory with a progress bar. */
enum status damage_check(struct damage *d, struct check_source *source, struct check_report *report,
	struct err *err);

#endif
