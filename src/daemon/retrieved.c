#include "daemon/retrieved.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void retrieved_ended(
	struct retrieved *r, size_t index, size_t count, struct msgid id, int64_t now_ms)
{
	unsigned char bit = (unsigned char)(1 << index % 8);

	if (index >= count)
		return;
	if (r->seen == NULL) {
		r->seen = mem_alloc(count / 8 + 1);
		memset(r->seen, 0, count / 8 + 1);
	}
	if (r->seen[index / 8] & bit)
		return;
	r->seen[index / 8] |= bit;
	r->last_ms = now_ms;
	buf_put(&r->ids, str_of(id.b, sizeof id.b));
}

void retrieved_all_sure(struct retrieved *r)
{
	r->sure = r->ids.len;
}

struct str retrieved_sure(const struct retrieved *r, size_t most)
{
	size_t octets = most * sizeof(struct msgid);

	return str_head(buf_str(&r->ids), r->sure < octets ? r->sure : octets);
}

void retrieved_told(struct retrieved *r, struct str ids)
{
	r->sure -= ids.n;
	buf_consume(&r->ids, ids.n);
}

void retrieved_deinit(struct retrieved *r)
{
	free(r->seen);
	buf_deinit(&r->ids);
	*r = (struct retrieved){ .sure = 0 };
}
