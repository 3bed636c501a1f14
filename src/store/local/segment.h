/* segment.h -- one file of the journal: name, header, and reading its records in order.
 *
 * The header stands twice, in two pages, because without its salt no record can be told from
 * rubbish.  It says where the segment before it ends: what an earlier segment holds behind that
 * point was refused when it was written (its sync failed) or torn by a crash, and never counts. */
#ifndef RESTANTE_STORE_LOCAL_SEGMENT_H
#define RESTANTE_STORE_LOCAL_SEGMENT_H

#include "store/disk.h"
#include "store/local/record.h"

enum { SEGMENT_DATA = 8192 }; /* offset of the first record */

struct segment {
	uint64_t number; /* 1.. */
	uint64_t salt;   /* secret: a message must not be able to look like a record */
	uint64_t prev, prev_end;
	int64_t time_ms; /* when it began; read only */
};

enum segment_state {
	SEGMENT_GOOD,
	SEGMENT_BLANK,      /* never held anything */
	SEGMENT_DAMAGED,    /* both headers are gone, and there is something behind them */
	SEGMENT_UNREADABLE, /* now; it may be good */
	SEGMENT_NEWER,      /* made by a newer version */
};

static inline uint64_t pos_of(uint64_t number, uint64_t offset)
{
	return number << 32 | offset;
}

static inline uint64_t pos_segment(uint64_t pos)
{
	return pos >> 32;
}

static inline uint64_t pos_offset(uint64_t pos)
{
	return pos & 0xffffffff;
}

char *path_join(const char *dir, const char *name);   /* heap */
char *segment_path(const char *dir, uint64_t number); /* heap */
bool segment_number(const char *name, uint64_t *number);

/* Makes a segment of so many octets, durable with its name: a handle or a negative errno.  *touched:
 * a header may have reached the disk, so that the segment before it is closed for good. */
int segment_create(struct disk *d, const char *dir, int dir_file, const struct segment *s,
	uint64_t capacity, bool *touched);
/* layout.c: makes the names of the store's directories durable, above that of the segments. */
int layout_sync(struct disk *d, const char *journal_dir);

/* Writes what is there once more, octet for octet, as a sync that follows one that has failed writes nothing that was
 * there before. */
int segment_write_again(struct disk *d, int file, uint64_t from, uint64_t to);

/* Reads the header: a negative errno or an enum segment_state. */
int segment_load(struct disk *d, int file, struct segment *s);

/* ---- reading records in order ---- */

enum scan_event {
	SCAN_RECORD,   /* a good one */
	SCAN_BODY_BAD, /* a promised message whose octets are damaged; the record itself is good */
	SCAN_DAMAGE,   /* from..to was promised and is damaged */
	SCAN_TORN,     /* from..to was written but never promised: harmless.  Last. */
	SCAN_END,
};

struct scan {
	struct disk *disk;
	int file;
	struct segment seg;
	uint64_t off, size;
	uint64_t limit;  /* known to be durable up to here and to end here; UINT64_MAX: not known */
	uint64_t proven; /* by later records; valid when proven_known */
	bool proven_known;
	bool unreadable;   /* some of it could not be read */
	uint64_t from, to; /* out */
	char *window;      /* owned */
	uint64_t window_at;
	size_t window_len, window_cap;
	uint32_t *sums; /* of all from sums_at on, up to each 4 KiB behind it; owned */
	uint64_t sums_at, sums_end;
};

void scan_init(struct scan *s, struct disk *d, int file, const struct segment *seg, uint64_t from,
	uint64_t limit);
void scan_deinit(struct scan *s);
/* The views in r live until the next call. */
enum scan_event scan_next(struct scan *s, struct record *r);
/* True when everything from s->off on is zero and was read: preallocated room, nothing else. */
bool scan_rest_is_zero(struct scan *s);

#endif
