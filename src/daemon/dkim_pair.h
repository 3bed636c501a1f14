/* dkim_pair.h -- a new key of each algorithm.  Making them takes some tenths of a second, so the server does it
 * in a thread; their private halves never leave this process. */
#ifndef RESTANTE_DAEMON_DKIM_PAIR_H
#define RESTANTE_DAEMON_DKIM_PAIR_H

#include "trust/dkim.h"

struct dkim_pair {
	struct buf private_key[DKIM_ALGORITHMS], record[DKIM_ALGORITHMS];
	bool made;
	struct err err; /* why not */
};

struct dkim_pair *dkim_pair_new(void);
void dkim_pair_make(struct dkim_pair *p); /* touches nothing else */
void dkim_pair_free(struct dkim_pair *p);

#endif
