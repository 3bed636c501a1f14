/* The envelope of a message, from its record: the index keeps only what listings need. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/local/impl.h"
#include "store/local/index.h"

enum { META_MAX = 64 * 1024 * 1024 };

enum store_result store_meta(
	struct store *s, uint64_t pos, char **meta, size_t *length, bool *moved)
{
	int file = store_segment(s, pos_segment(pos));
	uint64_t at = pos_offset(pos);
	char head[RECORD_HEADER];
	struct reader r = { .rest = str_of(head + 8, 4) };
	int64_t n;

	*meta = NULL;
	n = file < 0 ? file : s->disk->ops->read(s->disk, file, head, sizeof head, at);
	if (n != RECORD_HEADER || record_claims(head) == 0)
		return n < 0 && n != -ENOENT ? STORE_UNAVAILABLE : STORE_CORRUPT;
	*length = get_u32(&r);
	*moved = head[4] == RECORD_MOVED;
	if (*length > META_MAX)
		return STORE_CORRUPT;
	*meta = mem_alloc(*length + 1);
	n = s->disk->ops->read(s->disk, file, *meta, *length, at + RECORD_HEADER);
	if (n == (int64_t)*length)
		return STORE_OK;
	free(*meta);
	*meta = NULL;
	return n < 0 ? STORE_UNAVAILABLE : STORE_CORRUPT;
}

enum store_result store_envelope(
	struct store *s, struct msgid id, uint64_t maildrop, struct store_envelope *e)
{
	struct index_message in;
	struct message_meta m;
	struct message_target t;
	struct moved state;
	enum store_result result;
	size_t length;
	bool moved = false;

	*e = (struct store_envelope){ 0 };
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	result = index_message(s->index, id, &in);
	if (result != STORE_OK)
		return result;
	result = store_meta(s, in.at, &e->octets, &length, &moved);
	if (result != STORE_OK)
		return result;
	if (!message_get(str_from(str_of(e->octets, length), moved ? 8 : 0), &m) ||
		!msgid_eq(m.id, id)) {
		store_envelope_free(e);
		return STORE_CORRUPT;
	}
	e->sender = m.sender;
	e->client = m.client;
	e->received_ms = m.received_ms;
	e->ret = m.ret;
	e->envid = m.envid;
	while (moved_target(moved ? RECORD_MOVED : RECORD_MESSAGE, &m, &t, &state)) {
		if (t.maildrop == maildrop) {
			e->recipient = t.recipient;
			e->notify = t.notify;
			e->orcpt = t.orcpt;
			return STORE_OK;
		}
	}
	store_envelope_free(e);
	return STORE_NOT_FOUND;
}

void store_envelope_free(struct store_envelope *e)
{
	free(e->octets);
	*e = (struct store_envelope){ 0 };
}
