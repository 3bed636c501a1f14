/* bans.h -- networks that may not connect now: one table in the mapping that all edges and the store
 * share.  Written seldom (a ban, `restante ban`), read at every accept.
 *
 * Each slot has a sequence number: odd while somebody writes.  A process that dies in between loses that
 * slot and nothing else.  Bans outlive edges and the store, and by kept_bans.h the server. */
#ifndef RESTANTE_DAEMON_BANS_H
#define RESTANTE_DAEMON_BANS_H

#include "net/cidr.h"

enum { BANS_MAX = 1024 };
enum ban_why { BAN_BY_HAND, BAN_LOGINS };

struct ban {
	struct cidr net;
	enum ban_why why;
	int64_t since_ms, until_ms; /* wall clock; until 0: until somebody deletes it */
};

struct bans {                  /* zeroed by its owner; nobody touches the slots but bans.c */
	_Atomic uint32_t used; /* slots from 0 on that were ever taken */
	struct ban_slot {
		_Atomic uint32_t seq;
		struct ban ban; /* until_ms -1: free */
	} slots[BANS_MAX];
};

/* The same network again gets the new time.  When all are taken, what ends first makes room; false when nothing
 * can, because all were made by hand. */
bool bans_add(struct bans *b, const struct ban *ban, int64_t wall_ms);
/* False: there is none of exactly this network. */
bool bans_del(struct bans *b, const struct cidr *net, int64_t wall_ms);
bool bans_has(struct bans *b, struct str address, int64_t wall_ms);
/* The i-th slot; false when it holds no ban now.  i from 0 to BANS_MAX - 1. */
bool bans_get(struct bans *b, size_t i, int64_t wall_ms, struct ban *to);

#endif
