/* local.h -- the embedded store: an append-only journal that is the truth and a SQLite index that
 * is a view of it.  doc/design/store.md tells the format and the states after a crash. */
#ifndef RESTANTE_STORE_LOCAL_H
#define RESTANTE_STORE_LOCAL_H

#include "store/disk.h"
#include "store/store.h"

enum { STORE_LOCAL_FORMAT = 1 }; /* the version file of a state directory holds this number */

struct store_local_config {
	uint64_t reserve_octets;  /* kept free for deleting when the disk is full; 0: none */
	uint64_t segment_octets;  /* a journal segment is closed at this size; 64 MiB */
	uint64_t inline_max;      /* larger messages are files of their own; 256 KiB */
	int64_t expunged_keep_ms; /* store_restore() has at least so much time; 14 days; -1: none */
};

/* dir: path of the store's own directory (made when missing, 0700).  disk: not owned, outlives the
 * store.  Replays the journal into the index; says in err why it could not. */
struct store *store_local_open(const char *dir, struct disk *disk,
	const struct store_local_config *config, struct err *err);

/* Gives room back, a little work at each call; false: nothing more to do for now.  all: also where
 * most of the messages are still there.  What it writes goes with the next store_flush(). */
bool store_local_compact(struct store *s, bool all);

/* What the store knows of a message in a maildrop. */
enum store_holding {
	HOLDS_NOT,       /* the id is new */
	HOLDS_ELSEWHERE, /* other maildrops have it, or had it */
	HOLDS_EXPUNGED,  /* store_restore() brings it back */
	HOLDS_LIVE,
};
enum store_result store_local_holds(
	struct store *s, struct msgid id, uint64_t maildrop, enum store_holding *h);

/* Reads all of a message: STORE_CORRUPT when its octets are not what was delivered. */
enum store_result store_local_intact(struct store *s, struct msgid id);

/* Removes the files of large messages in one of the STORE_HOMES directories under blob/ that no message has, and says so in
 * the log.  Only after fsck found no damage: the record of a file may be what is damaged. */
enum { STORE_HOMES = 256 };
struct store_orphans {
	uint64_t files, octets;
};
enum store_result store_local_remove_orphans(
	struct store *s, unsigned home, struct store_orphans *o);

struct store_space {
	uint64_t segments, journal_octets;
	uint64_t given_back; /* by compaction, since the store was opened */
	bool compacting;
};
enum status store_local_space(struct store *s, struct store_space *space, struct err *err);
/* What of each segment counts, by number. */
struct store_segment_row {
	uint64_t number, octets;
	uint64_t messages;   /* whose record is here */
	uint64_t live, kept; /* their octets: somebody has them; deleted, but can be restored */
};
/* From outside, also beside a server.  *rows: heap, free(), on failure too. */
enum status store_local_segments(const char *dir, struct disk *disk,
	struct store_segment_row **rows, size_t *count, struct err *err);

/* The journal is durable up to this octet of this segment; 0: it is empty. */
void store_local_end(const struct store *s, uint64_t *segment, uint64_t *end);
/* Something is queued or under way: store_wait() would come back. */
bool store_local_busy(const struct store *s);

struct fsck_report {
	uint64_t segments, records, messages, deliveries, octets;
	uint64_t torn;          /* unsynced tails that were never promised: harmless */
	uint64_t corrupt;       /* promised records that are damaged */
	uint64_t missing;       /* large messages whose file is not there or damaged */
	uint64_t index_differs; /* rows in which the index is not what the journal says */
};
struct fsck_watch {
	void (*say)(void *arg, const char *line); /* one finding, one line; may be NULL */
	void (*progress)(
		void *arg, uint64_t octets, uint64_t total, uint64_t messages); /* the same */
	void *arg;
};
/* What the journal tells of the life of some messages, in the order in which it was written; but what was
 * retrieved before its message was copied comes last. */
enum store_trace_what {
	STORE_TRACE_TAKEN,     /* sender, client, message_id, octets, tls */
	STORE_TRACE_KEPT,      /* in a maildrop: recipient */
	STORE_TRACE_ONWARD,    /* goes on: recipient */
	STORE_TRACE_RESULT,    /* of one that goes on: recipient, out, before */
	STORE_TRACE_RETRIEVED, /* recipient, client */
	STORE_TRACE_EXPUNGED,  /* recipient; that is also what POP3 does with what was fetched */
	STORE_TRACE_RESTORED,  /* recipient */
	STORE_TRACE_FORGOTTEN, /* cannot be had back any more */
};
struct store_trace_event {
	enum store_trace_what what;
	bool compacted; /* as it was when its record was copied: what came before is not known */
	int64_t at_ms;
	struct msgid id;
	struct str sender, client, message_id, recipient;
	struct str
		tls; /* of the session, as far as Received tells: "TLSv1.3 TLS_AES_256_GCM_SHA384" */
	uint64_t octets;
	const struct store_out_rcpt *out;
	uint16_t before_flags; /* RESULT: STORE_OUT_*, before it */
	uint32_t before_attempts;
	struct str before_via;
};
struct store_trace {
	bool by_id;
	struct msgid id;
	struct str text; /* else a Message-ID, or the address of a sender or recipient */
	size_t most;     /* messages */
	bool cut;        /* out: there were more */
	void (*say)(struct store_trace *t, const struct store_trace_event *e);
};
/* Reads all of the journal, from outside: also beside a server. */
enum status store_local_trace(
	const char *dir, struct disk *disk, struct store_trace *t, struct err *err);
/* Reads everything, changes nothing; ST_OK also when there are findings.  May run beside a server. */
enum status store_local_fsck(const char *dir, struct disk *disk, struct fsck_report *report,
	const struct fsck_watch *watch, struct err *err);
/* Makes the index anew from the journal alone.  Only while no store is open on dir. */
enum status store_local_rebuild(const char *dir, struct disk *disk, struct err *err);

#endif
