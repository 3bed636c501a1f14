/* replay.h -- the journal as a whole: which segments there are, where each ends, and their records
 * in order. */
#ifndef RESTANTE_STORE_LOCAL_REPLAY_H
#define RESTANTE_STORE_LOCAL_REPLAY_H

#include "store/local/index.h"
#include "store/local/journal.h"

struct map_segment {
	uint64_t number;
	int state; /* enum segment_state */
	uint64_t size;
	uint64_t limit; /* what a later segment says of its end; UINT64_MAX: nothing */
	struct segment seg;
};

struct map {
	struct disk *disk;
	const char *dir;
	struct map_segment *segments; /* by number */
	size_t count;
	bool sealed; /* the last life ended in good order: all that is there is durable but, perhaps, the seal */
	int64_t sealed_ms;
	bool guess; /* what cannot be read counts as damaged: somebody has decided so */
};

/* ST_PERM: made by a newer version; nothing was changed. */
enum status map_load(struct map *m, struct disk *d, const char *dir, struct err *err);
void map_free(struct map *m);
struct map_segment *map_find(struct map *m, uint64_t number);

struct walker {
	void (*record)(struct walker *w, const struct record *r, const struct segment *seg);
	/* SCAN_BODY_BAD comes after its record. */
	void (*finding)(struct walker *w, enum scan_event event, uint64_t segment, uint64_t from,
		uint64_t to);
};

/* All records from position `from` on (0: all).  tail, when not NULL, gets where the journal ends. */
enum status map_walk(
	struct map *m, uint64_t from, struct walker *w, struct journal_tail *tail, struct err *err);

/* No segment with more than the index has is one that cannot be read: what is in it, and how far the one before it
 * goes, nobody can say. */
enum status map_readable(const struct map *m, uint64_t from, struct err *err);

/* Applies everything behind *at to the index, and moves *at. */
/* The index was made from this journal, and not from more of it than is left. */
bool map_has(struct map *m, const struct index_place *at);

enum status replay(struct map *m, struct index *x, struct index_place *at,
	struct journal_tail *tail, struct err *err);

#endif
