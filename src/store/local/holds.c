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
