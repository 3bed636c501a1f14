#include "daemon/dkim_pair.h"

#include <stdlib.h>

#include "base/mem.h"

struct dkim_pair *dkim_pair_new(void)
{
	return NEW(struct dkim_pair);
}

void dkim_pair_make(struct dkim_pair *p)
{
	for (enum dkim_algorithm a = 0; a < DKIM_ALGORITHMS; a++) {
		struct dkim_key *key;

		p->private_key[a].secret = true;
		if (dkim_key_make(a, &p->private_key[a], &p->err) != ST_OK)
			return;
		key = dkim_key_new(a, buf_str(&p->private_key[a]));
		if (key == NULL) {
			(void)err_set(&p->err, ST_IO, "no key could be made: libcrypto refused");
			return;
		}
		dkim_key_record(key, &p->record[a]);
		dkim_key_free(key);
	}
	p->made = true;
}

void dkim_pair_free(struct dkim_pair *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < DKIM_ALGORITHMS; i++) {
		buf_wipe(&p->private_key[i]);
		buf_deinit(&p->record[i]);
	}
	free(p);
}
