#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "daemon/rcpt_memory.h"

enum { ROWS = 1 << 14 }; /* 256 KiB in each edge, when mail comes for that many */

/* Each hash has two places. */
static struct rcpt_row *place(const struct rcpt_memory *m, uint64_t h, unsigned which)
{
	return &m->rows[(h >> 40) % ROWS ^ which];
}

bool rcpt_memory_has(const struct rcpt_memory *m, struct str recipient, uint64_t changes)
{
	uint64_t h;

	if (m->rows == NULL)
		return false;
	h = hash_str(m->key, recipient);
	for (unsigned which = 0; which < 2; which++) {
		const struct rcpt_row *row = place(m, h, which);

		if (row->hash == h && row->changes == changes)
			return true;
	}
	return false;
}

void rcpt_memory_keep(struct rcpt_memory *m, struct str recipient, uint64_t changes)
{
	struct rcpt_row *row;
	uint64_t h;

	if (m->rows == NULL) {
		m->rows = mem_zalloc(ROWS * sizeof *m->rows);
		random_bytes(m->key, sizeof m->key);
	}
	h = hash_str(m->key, recipient);
	row = place(m, h, 0);
	if (row->changes == changes && row->hash != h)
		row = place(m, h, 1);
	*row = (struct rcpt_row){ h, changes };
}

void rcpt_memory_forget(struct rcpt_memory *m)
{
	free(m->rows);
	m->rows = NULL;
}
