/* backup.h -- a copy of an office that can be given back whole: DEST/<time>/, one directory for each
 * backup, complete in itself.
 *
 *   manifest            last to be written: without it the backup is not one
 *   restante.conf ...   small files, each with its checksum in the manifest
 *   store/journal/, store/blob/   as in the office, the last segment cut at the backup's moment
 *
 * Segments and large files never change once they are closed, so what an older backup in DEST has
 * already, or what is on the same file system, gets a second name instead of a second copy.  All disk
 * access is through struct disk.  Whoever calls holds the journal's directory, as fsck does, so that
 * nothing is removed meanwhile. */
#ifndef RESTANTE_STORE_BACKUP_H
#define RESTANTE_STORE_BACKUP_H

#include "store/check.h"

struct backup_copy {
	struct disk *disk;
	const char *from, *to; /* store directories; `to` is made */
	const char *older;     /* store directory of an older backup, or NULL */
	uint64_t segment, end; /* the moment: the journal up to here */
	bool apart;            /* give the files in `from` no second name */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
	/* out */
	uint64_t segments, files;
	uint64_t copied, linked, total; /* octets */
	uint64_t unreadable;            /* sectors; they are zeros in the copy */
};

/* Everything up to the moment, durable. */
enum status backup_copy(struct backup_copy *b, struct err *err);
/* Takes what this finding is about from the office again, not from the older backup. */
enum status backup_copy_again(
	struct backup_copy *b, const struct check_finding *f, struct err *err);
/* A small file, all or an error. */
enum status backup_copy_file(struct disk *d, const char *from, const char *to, struct err *err);

enum { BACKUP_FILES_MAX = 64, BACKUP_NAME_MAX = 256 };

struct backup_file {
	char name[BACKUP_NAME_MAX];
	uint64_t octets;
	uint32_t crc;
};

struct backup_manifest {
	int64_t taken_ms;
	uint64_t segment, end; /* last segment and its size */
	uint64_t segments;
	uint64_t damaged; /* findings when it was made */
	struct backup_file files[BACKUP_FILES_MAX];
	size_t file_count;
};

/* Adds a file that is in `dir` already; ST_LIMIT, ST_IO. */
enum status backup_manifest_add(struct backup_manifest *m, struct disk *d, const char *dir,
	const char *name, struct err *err);
/* Writes dir/manifest, durable: now it is a backup. */
enum status backup_manifest_write(
	const struct backup_manifest *m, struct disk *d, const char *dir, struct err *err);
/* ST_NOTFOUND: this is no complete backup.  ST_CORRUPT, ST_PERM (of a newer version). */
enum status backup_manifest_read(
	struct backup_manifest *m, struct disk *d, const char *dir, struct err *err);
/* Are the small files and the journal's end what the manifest says?  say() for each that is not. */
uint64_t backup_manifest_check(const struct backup_manifest *m, struct disk *d, const char *dir,
	void (*say)(void *arg, const char *line), void *arg);

/* ---- its messages ---- */

struct backup_reader;

struct backup_reader *backup_reader_open(struct disk *disk, const char *store_dir, struct err *err);
void backup_reader_close(struct backup_reader *r); /* NULL is fine */
/* What the maildrop showed; store_listing_free(). */
enum store_result backup_reader_list(
	struct backup_reader *r, uint64_t maildrop, struct store_listing *l);
enum store_result backup_reader_facts(
	struct backup_reader *r, struct msgid id, struct store_facts *f);
/* Adds the UIDL it had, in that maildrop if it was there; nothing: the id's text.  False: nobody had
 * it. */
bool backup_reader_uidl(
	struct backup_reader *r, struct msgid id, uint64_t maildrop, struct buf *uidl);
/* each(): false stops with STORE_UNAVAILABLE.  STORE_CORRUPT comes before the first. */
enum store_result backup_reader_octets(struct backup_reader *r, struct msgid id,
	bool (*each)(void *arg, struct str octets), void *arg);

#endif
