/* Reading a segment.  The one hard question is what a record that does not hold means: a tail that
 * a crash tore (never promised, ends the segment) or damage (promised, to be reported, and the
 * records behind it count).  Two things prove a promise: the header of the next segment, which says
 * where this one ended, and any later record, which says how far the segment was synced when it was
 * written. */
#include <stdlib.h>

#include "base/mem.h"
#include "store/local/segment.h"

enum { WINDOW = 1 << 20, SECTOR = 4096 };

void scan_init(struct scan *s, struct disk *d, int file, const struct segment *seg, uint64_t from,
	uint64_t limit)
{
	int64_t size = d->ops->size(d, file);

	*s = (struct scan){ .disk = d, .file = file, .seg = *seg, .off = from, .limit = limit };
	s->size = size < 0 ? 0 : (uint64_t)size;
	s->unreadable = size < 0;
}

void scan_deinit(struct scan *s)
{
	free(s->window);
	free(s->sums);
	s->window = NULL;
	s->sums = NULL;
}

/* What cannot be read is zeros: it will not hold, and is judged like any damage. */
static void read_octets(struct scan *s, char *to, uint64_t at, size_t n)
{
	int64_t got = s->disk->ops->read(s->disk, s->file, to, n, at);

	if (got == (int64_t)n)
		return;
	memset(to, 0, n);
	for (size_t i = 0; i < n; i += SECTOR) {
		size_t piece = n - i < SECTOR ? n - i : SECTOR;

		if (s->disk->ops->read(s->disk, s->file, to + i, piece, at + i) < 0)
			s->unreadable = true;
	}
}

/* n octets at `at`, or NULL when the file is shorter. */
static const char *octets_at(struct scan *s, uint64_t at, uint64_t n)
{
	if (at > s->size || n > s->size - at)
		return NULL;
	if (s->window == NULL || at < s->window_at || at + n > s->window_at + s->window_len) {
		size_t want = n > WINDOW ? (size_t)n : WINDOW;

		if (want > s->size - at)
			want = (size_t)(s->size - at);
		if (want > s->window_cap) {
			s->window = mem_array(s->window, want, 1);
			s->window_cap = want;
		}
		read_octets(s, s->window, at, want);
		s->window_at = at;
		s->window_len = want;
	}
	return s->window + (at - s->window_at);
}

static enum record_verdict record_at(struct scan *s, uint64_t at, struct record *r)
{
	const char *p = octets_at(s, at, RECORD_HEADER);
	uint64_t claims = p == NULL ? 0 : record_claims(p);

	p = claims == 0 ? NULL : octets_at(s, at, claims);
	if (p == NULL)
		return RECORD_BAD;
	return record_open(p, s->seg.salt, pos_of(s->seg.number, at), r);
}

/* ---- looking for a record where none was expected ----
 *
 * A message may be full of what looks like the header of a large record, and to sum up the meta of each would take
 * hours.  So what lies behind is summed up once, and each such claim costs the same, however much it claims. */

static void make_sums(struct scan *s)
{
	size_t count = 0;
	uint32_t sum = 0;
	char *piece;

	if (s->sums != NULL)
		return;
	piece = mem_alloc(SECTOR);
	s->sums_at = s->off / SECTOR * SECTOR;
	s->sums_end = s->limit < s->size ? s->limit : s->size;
	s->sums = mem_array(NULL, (s->sums_end - s->sums_at) / SECTOR + 1, sizeof *s->sums);
	s->sums[count++] = 0;
	for (uint64_t at = s->sums_at; s->sums_end - at >= SECTOR; at += SECTOR) {
		read_octets(s, piece, at, SECTOR);
		sum = crc32c(sum, piece, SECTOR);
		s->sums[count++] = sum;
	}
	free(piece);
}

static uint32_t sum_to(struct scan *s, uint64_t at)
{
	size_t n = (size_t)((at - s->sums_at) % SECTOR);
	uint32_t sum = s->sums[(at - s->sums_at) / SECTOR];
	char piece[SECTOR];

	if (n > 0)
		read_octets(s, piece, at - n, n);
	return crc32c(sum, piece, n);
}

static enum record_verdict found_at(struct scan *s, uint64_t at, struct record *r)
{
	const char *p = octets_at(s, at, RECORD_HEADER);
	uint64_t claims = p == NULL ? 0 : record_claims(p), meta = at + RECORD_HEADER;

	if (claims == 0)
		return RECORD_BAD;
	make_sums(s);
	if (at + claims > s->sums_end ||
		!record_fits(p, s->seg.salt, pos_of(s->seg.number, at), sum_to(s, meta),
			sum_to(s, meta + record_meta_len(p))))
		return RECORD_BAD;
	return record_at(s, at, r);
}

/* How far later records prove the segment to have been synced. */
static uint64_t proven_after(struct scan *s, uint64_t at)
{
	struct record r;
	uint64_t proven = 0;

	while (at + RECORD_HEADER <= s->size) {
		if (found_at(s, at, &r) == RECORD_BAD) {
			at += RECORD_ALIGN;
			continue;
		}
		if (r.durable > proven)
			proven = r.durable;
		at += r.size;
	}
	return proven;
}

bool scan_rest_is_zero(struct scan *s)
{
	for (uint64_t at = s->off; at < s->size;) {
		uint64_t n = s->size - at < WINDOW ? s->size - at : WINDOW;
		const char *p = octets_at(s, at, n);

		if (s->unreadable || p[0] != 0 || memcmp(p, p + 1, (size_t)n - 1) != 0)
			return false;
		at += n;
	}
	return true;
}

static enum scan_event scan_tail(struct scan *s)
{
	s->from = s->off;
	s->to = s->size;
	return scan_rest_is_zero(s) ? SCAN_END : SCAN_TORN;
}

/* Goes on at the next record that holds, but not behind what is promised: there the ordinary rules
 * begin again. */
static enum scan_event scan_damage(struct scan *s)
{
	uint64_t end = s->limit != UINT64_MAX ? s->limit : s->proven;
	struct record r;

	s->from = s->off;
	do
		s->off += RECORD_ALIGN;
	while (s->off < end && found_at(s, s->off, &r) == RECORD_BAD);
	if (s->off > end)
		s->off = end;
	s->to = s->off;
	return SCAN_DAMAGE;
}

enum scan_event scan_next(struct scan *s, struct record *r)
{
	enum record_verdict verdict;

	if (s->off >= s->limit)
		return SCAN_END;
	verdict = record_at(s, s->off, r);
	if (verdict == RECORD_GOOD) {
		s->off += r->size;
		return SCAN_RECORD;
	}
	if (s->limit == UINT64_MAX && !s->proven_known) {
		/* A server may be writing: what proves the promise may be younger than what was
		 * judged, so the judgement is made again on what is there now. */
		s->proven = proven_after(s, s->off);
		s->proven_known = true;
		s->window_len = 0;
		return scan_next(s, r);
	}
	if (s->off >= (s->limit != UINT64_MAX ? s->limit : s->proven))
		return scan_tail(s);
	if (verdict == RECORD_BAD)
		return scan_damage(s);
	s->from = s->off;
	s->to = s->off += r->size;
	return SCAN_BODY_BAD;
}
