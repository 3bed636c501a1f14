/* Two questions of whoever restores a message from elsewhere: is it here, and is it whole? */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/local/impl.h"

enum store_result store_local_holds(
	struct store *s, struct msgid id, uint64_t maildrop, enum store_holding *h)
{
	struct index_message m;
	enum store_result r = store_apply(s) ? index_message(s->index, id, &m) : STORE_UNAVAILABLE;
	int64_t when;

	*h = HOLDS_NOT;
	if (r == STORE_NOT_FOUND)
		return STORE_OK;
	*h = HOLDS_LIVE;
	if (r == STORE_OK)
		r = index_has(s->index, maildrop, m.pos, false);
	if (r != STORE_NOT_FOUND)
		return r;
	*h = HOLDS_EXPUNGED;
	r = index_expunged_at(s->index, maildrop, m.pos, &when);
	if (r != STORE_NOT_FOUND)
		return r;
	*h = HOLDS_ELSEWHERE;
	return STORE_OK;
}

static bool octets_hold(struct disk *d, int file, uint64_t from, const struct index_message *m)
{
	enum { PIECE = 256 << 10 };
	char *piece = mem_alloc(PIECE);
	uint64_t at = 0;
	uint32_t crc = 0;

	while (at < m->octets) {
		size_t n = m->octets - at < PIECE ? (size_t)(m->octets - at) : PIECE;

		if (d->ops->read(d, file, piece, n, from + at) != (int64_t)n)
			break;
		crc = crc32c(crc, piece, n);
		at += n;
	}
	free(piece);
	return at == m->octets && crc == m->crc;
}

enum store_result store_local_intact(struct store *s, struct msgid id)
{
	struct index_message m;
	enum store_result r = store_apply(s) ? index_message(s->index, id, &m) : STORE_UNAVAILABLE;
	bool whole;
	char *path;
	int file;

	if (r != STORE_OK)
		return r;
	if (!(m.flags & MESSAGE_BLOB)) {
		file = store_segment(s, pos_segment(m.body_at));
		whole = file >= 0 && octets_hold(s->disk, file, pos_offset(m.body_at), &m);
		return whole ? STORE_OK : STORE_CORRUPT;
	}
	path = blob_path(s->blob_dir, id);
	file = s->disk->ops->open(s->disk, path, false);
	free(path);
	if (file < 0)
		return file == -ENOENT ? STORE_CORRUPT : STORE_UNAVAILABLE;
	whole = octets_hold(s->disk, file, 0, &m);
	(void)s->disk->ops->close(s->disk, file);
	return whole ? STORE_OK : STORE_CORRUPT;
}
