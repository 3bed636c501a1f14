/* impl.h -- inside of the embedded store, shared by store.c, draft.c, deliver.c, maildrop.c and
 * read.c.
 *
 * A change goes: asked for -> queued in the journal -> durable (its owner is told) -> pending, until
 * the index is brought up to date, which happens in batches and before anything reads the index. */
#ifndef RESTANTE_STORE_LOCAL_IMPL_H
#define RESTANTE_STORE_LOCAL_IMPL_H

#include "store/local.h"
#include "store/local/facts.h"
#include "store/local/index.h"
#include "store/local/journal.h"
#include "store/local/replay.h"

enum { LEASE_BUCKETS = 1024, KNOWN_BUCKETS = 4096, SEGMENT_FILES = 8 };

/* A message that somebody is reading. */
struct reading {
	bool valid;
	struct msgid id;
	struct index_message m;
	int file;      /* its own file, or -1 */
	uint64_t next; /* all before was read in order, and is in crc */
	uint32_t crc;
	uint64_t moves; /* store's, when m was looked up */
};

enum { AHEAD = 16 };

/* Who reads one message after the other finds the next ones looked up already.  They stay true: under a lease nothing
 * disappears but by the lease itself. */
struct ahead {
	uint64_t moves; /* store's, when they were looked up */
	size_t next, count;
	struct index_ahead rows[AHEAD];
};

struct lease {
	struct link link;
	uint64_t maildrop, token;
	uint64_t bound; /* positions below are seen */
	uint64_t count, octets;
	struct reading reading;
	uint64_t last;       /* place of the message that was read last; 0: none */
	struct ahead *ahead; /* NULL: nobody reads in order */
};

struct change {
	struct journal_entry entry;
	struct store *store;
	struct store_op *op; /* NULL: nobody is told */
	uint64_t *told;      /* gets `named` when durable; or NULL */
	uint64_t named;
	struct link known;    /* by id, while the index does not have it */
	struct link settling; /* of a result, until it is durable */
	struct msgid id;
	bool durable, settled;     /* settled: its recipients are not as they were any more */
	struct store_draft *draft; /* until durable */
	struct buf octets;         /* of a small message that goes on: for who reads it first */
	bool goes_on;
	char *file_name;
	char *body;     /* of a copied message; heap */
	bool unsettled; /* counted in the store's */
};

struct store_draft {
	struct store *store;
	struct msgid id;
	struct buf mem; /* what is not in the file yet */
	int file;       /* -1: all is in mem */
	uint64_t size, in_file;
	size_t top; /* octets at the beginning that crc and facts do not cover yet */
	uint32_t crc;
	struct facts facts;
	enum store_result failed; /* sticky; STORE_OK */
};

enum compact_step { COMPACT_IDLE, COMPACT_WEIGH, COMPACT_COPY, COMPACT_RETIRE, COMPACT_UNLINK };

struct compaction {
	struct store_op op; /* of everything that it writes */
	enum compact_step step;
	struct map map;  /* the segments that may go */
	size_t at, last; /* of them; those before `last` go */
	bool all;        /* also when most of it counts */
	uint64_t live, total, given_back;
	struct scan scan;
	int file;
	bool scanning, failed;
	unsigned in_flight;
	struct change *forget;
	struct msgid *files; /* of messages to be forgotten; owned */
	size_t nfiles;
};

struct segment_file {
	uint64_t number; /* 0: free */
	int file;
};

struct store {
	struct disk *disk; /* not owned */
	struct store_local_config config;
	char *dir, *journal_dir, *blob_dir, *index_path;
	int lock, journal_file;
	struct journal *journal;
	struct index *index;
	struct index_place place; /* how far the index is */
	struct link pending;      /* durable, not in the index yet; in the order of the journal */
	size_t pending_count, pending_octets;
	struct link known[KNOWN_BUCKETS];
	struct link leases[LEASE_BUCKETS];
	struct reading look; /* without a lease */
	struct segment_file files[SEGMENT_FILES];
	unsigned next_file;
	int reserve;   /* a file, or -1 */
	bool low;      /* it holds nothing: new messages are refused */
	bool was_full; /* for the log */
	int64_t reserve_retry_ms;
	struct link settling;
	unsigned unsettled; /* deletions and the like that are under way */
	uint64_t moves;     /* segments that went */
	size_t octets_held; /* of messages that go on */
	struct compaction compaction;
};

/* ---- store.c ---- */

/* Brings the index up to date; false when it cannot be written. */
bool store_apply(struct store *s);
/* Too much waits for an index that cannot be written: no more changes are taken. */
bool store_overloaded(const struct store *s);
struct change *change_new(struct store *s, enum record_type type, struct store_op *op);
void change_free(struct change *c);
void change_submit(struct change *c);

/* ---- layout.c ---- */

enum status layout_make(struct store *s, struct err *err);
/* One directory: makes it, unless it is there; makes the names in it durable.  0 or a negative errno. */
int layout_make_dir(struct disk *d, const char *path);
int layout_sync_dir(struct disk *d, const char *path);

/* ---- reserve.c ---- */

void reserve_open(struct store *s);
void reserve_close(struct store *s);
/* May a message be taken?  Tries to hold the room again when it does not. */
bool reserve_hold(struct store *s);
/* The disk is full.  True: now there is some room, try again. */
bool reserve_give_up(struct store *s);

/* ---- draft.c ---- */

/* Everything that a record of it needs is in place; else why not. */
enum store_result draft_finish(struct store_draft *d);
char *blob_path(const char *blob_dir, struct msgid id); /* heap */
char *blob_home(const char *blob_dir, struct msgid id); /* its directory; heap */

/* ---- deliver.c ---- */

/* A message of this id was taken, and the index does not have it yet: that, or NULL. */
struct change *deliver_known(struct store *s, struct msgid id);
bool deliver_under_way(struct store *s, struct msgid id);

/* ---- envelope.c ---- */

/* The meta of the message's record at pos, heap. */
enum store_result store_meta(
	struct store *s, uint64_t pos, char **meta, size_t *length, bool *moved);

/* ---- onward.c ---- */

/* It is durable: its octets stay in memory for a carrier, when they are few. */
void onward_hold(struct change *c);
void onward_let_go(struct store *s, struct buf *octets);

/* A result of a recipient of this message is on its way to the journal. */
bool onward_settling(const struct store *s, struct msgid id);

/* ---- compact.c ---- */

void compaction_init(struct store *s);
void compaction_end(struct store *s);

/* ---- maildrop.c ---- */

/* NULL: the token is stale. */
struct lease *lease_find(struct store *s, uint64_t maildrop, uint64_t token);
void lease_end(struct store *s, struct lease *l);

/* ---- read.c ---- */

void reading_end(struct store *s, struct reading *r);
/* A segment open for reading; the handle stays the cache's. */
int store_segment(struct store *s, uint64_t number);

/* ---- shared with fsck and rebuild ---- */

char *store_index_path(const char *dir); /* heap */
char *store_journal_path(const char *dir);
char *store_blob_path(const char *dir);
/* The store's lock: a descriptor, or -1 with err saying who has it. */
int store_lock(const char *dir, struct err *err);

#endif
