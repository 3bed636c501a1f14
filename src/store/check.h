/* check.h -- reads a store's segments and large files, a little at a time, and checks the checksum
 * of every record and every message.  Changes nothing.
 *
 * Beside an open store it is the scrub: what the index says is gone meanwhile is no damage, and the
 * journal is read up to where it was durable when the check began.  Without one it judges a
 * directory by its records alone: a backup.  Threads: the store's owner's. */
#ifndef RESTANTE_STORE_CHECK_H
#define RESTANTE_STORE_CHECK_H

#include "base/buf.h"
#include "store/local.h"

enum check_what {
	CHECK_HEADER,  /* both headers of a segment are gone */
	CHECK_RECORDS, /* octets from..to were promised and are damaged */
	CHECK_MESSAGE, /* the octets of a message in the journal */
	CHECK_FILE,    /* a large message's file is damaged, too short or not there */
	CHECK_SEGMENT, /* the file of a segment is not there */
};

struct check_finding {
	enum check_what what;
	uint64_t segment, from, to;
	bool has_id;
	struct msgid id;
};

struct check_report {
	uint64_t segments, records, messages; /* read so far; a moved message counts twice */
	uint64_t octets, total;               /* of the journal and large files; total grows */
	uint64_t damaged;                     /* findings */
	uint64_t segment;                     /* being read; where another check may go on */
};

struct check_source {
	struct disk *disk;
	const char *dir;     /* the store's directory */
	struct store *store; /* open on it; NULL: nobody changes it */
	uint64_t from;       /* first segment; 0: all */
	void (*found)(void *arg, const struct check_finding *f);
	void *arg;
};

struct check;

struct check *check_open(const struct check_source *source, struct err *err);
/* Reads about so many octets; false: all is read. */
bool check_step(struct check *c, uint64_t octets);
const struct check_report *check_report(const struct check *c);
void check_close(struct check *c); /* NULL is fine */

/* "message 01ABC... in segment 0000000c is damaged" */
void check_text(const struct check_finding *f, struct buf *to);

#endif
