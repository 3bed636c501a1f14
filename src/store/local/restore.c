/* Undelete: an expunged message is back where it was, under the UIDL it had.  And what is old. */
#include <stdlib.h>

#include "store/local/impl.h"

/* Only what is expunged from that maildrop now: then the count is right, and asking again does
 * nothing. */
static enum store_result restore_ids(
	struct store *s, const struct store_restore *q, struct change *c)
{
	put_u64(&c->entry.record, q->maildrop);
	for (size_t i = 0; i < q->count; i++) {
		struct index_message m;
		enum store_result here = STORE_NOT_FOUND, ever = STORE_NOT_FOUND;
		enum store_result r = index_message(s->index, q->ids[i], &m);

		if (r == STORE_OK) {
			here = index_has(s->index, q->maildrop, m.pos, false);
			ever = index_has(s->index, q->maildrop, m.pos, true);
		} else if (r != STORE_NOT_FOUND) {
			return r;
		}
		if (here == STORE_UNAVAILABLE || ever == STORE_UNAVAILABLE)
			return STORE_UNAVAILABLE;
		if (here == STORE_NOT_FOUND && ever == STORE_OK) {
			put_msgid(&c->entry.record, q->ids[i]);
			c->named++;
		}
	}
	return STORE_OK;
}

void store_restore(struct store *s, struct store_restore *q)
{
	struct lease *l = lease_find(s, q->maildrop, q->token);
	enum store_result r = l == NULL ? STORE_CONFLICT : STORE_OK;
	struct change *c = NULL;

	q->restored = 0;
	/* what is being forgotten now cannot come back, so it is not promised */
	if (r == STORE_OK &&
		(s->compaction.in_flight > 0 || !store_apply(s) || store_overloaded(s)))
		r = STORE_UNAVAILABLE;
	if (r == STORE_OK) {
		c = change_new(s, RECORD_RESTORE, &q->op);
		c->told = &q->restored;
		r = restore_ids(s, q, c);
	}
	if (r == STORE_OK && c->named > 0) {
		change_submit(c);
		return;
	}
	change_free(c);
	q->op.done(&q->op, r);
}

enum store_result store_expunged(
	struct store *s, uint64_t maildrop, struct store_expunged_row **rows, size_t *count)
{
	*rows = NULL;
	*count = 0;
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	return index_expunged(s->index, maildrop, rows, count);
}

enum store_result store_older(struct store *s, uint64_t maildrop, int64_t before_ms, uint64_t *from,
	struct msgid *ids, size_t *count)
{
	if (store_apply(s))
		return index_older(s->index, maildrop, before_ms, from, ids, count);
	*count = 0;
	return STORE_UNAVAILABLE;
}
