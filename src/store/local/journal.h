/* journal.h -- appending records, many with one sync.
 *
 * journal_append() queues; journal_flush() starts a batch of everything queued when none is under
 * way; the end of a batch starts the next.  An entry is the caller's and must live until done(). */
#ifndef RESTANTE_STORE_LOCAL_JOURNAL_H
#define RESTANTE_STORE_LOCAL_JOURNAL_H

#include "base/list.h"
#include "store/local.h"
#include "store/local/segment.h"

struct journal_entry {
	struct link link;
	enum record_type type;
	struct buf record; /* RECORD_HEADER octets of room, then meta; see journal_entry_init() */
	size_t meta_len;   /* set by journal_append() */
	struct str body;   /* kept in the record; borrowed */
	uint32_t body_crc;
	int64_t leisure_ms; /* not 0: nobody waits for it, see journal_flush_waited() */
	bool deletes;       /* may use the room that is kept back for a full disk */
	bool has_file;      /* a file of its own is to be synced and named before the record */
	struct disk_link file;
	int file_dir;
	int64_t time_ms;
	uint64_t pos, size, salt; /* out, when OK; salt: of its segment */
	void (*done)(struct journal_entry *e, enum store_result result);
};

/* Where an earlier life of the journal ended, as replay found it. */
struct journal_tail {
	uint64_t last;           /* highest segment number in use; 0: none */
	uint64_t prev, prev_end; /* the last segment with records, and its end */
	int64_t last_ms;         /* when it was written to */
	bool sealed; /* by a seal that may not be durable itself; what is before it is */
	bool trim;   /* behind that end there is only preallocated room */
};

struct journal;

struct journal *journal_open(struct disk *d, const char *dir, int dir_file,
	const struct store_local_config *config, const struct journal_tail *tail);
void journal_close(struct journal *j); /* nothing under way; NULL is fine */

void journal_entry_init(struct journal_entry *e, enum record_type type);
void journal_append(struct journal *j, struct journal_entry *e);
void journal_flush(struct journal *j);
/* The same, unless nothing queued is waited for: then the least leisure_ms, in which somebody calls
 * journal_flush(); else 0. */
int64_t journal_flush_waited(struct journal *j);
/* All before is durable. */
void journal_end(const struct journal *j, uint64_t *segment, uint64_t *end);
bool journal_busy(const struct journal *j); /* something queued or under way */
/* Of what failed last nobody knows whether the next start will find it. */
bool journal_unsure(const struct journal *j);

#endif
