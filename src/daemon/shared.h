/* shared.h -- the one mapping all edges share: connection counts and login failures by client
 * address.  Approximate on purpose: no locks, hashed buckets, only atomics; nothing here decides
 * more than "slow down" or "too many".
 *
 * Counts are kept per edge (its seat), so that the parent can zero those of an edge that
 * crashed. */
#ifndef RESTANTE_DAEMON_SHARED_H
#define RESTANTE_DAEMON_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/bans.h"

enum { SHARED_SEATS = 64 };

struct shared;

struct shared *shared_new(void); /* MAP_SHARED, before any fork */
void shared_clear_seat(struct shared *s, unsigned seat);

/* Counts a new connection of this client; false when it, the network around it, or the total would be over its limit
 * (then nothing was counted).  A client is an IPv4 address or an IPv6 /64, its network a /24 or a /48; a network's limit
 * is at least that of one client. */
struct shared_limits {
	int64_t per_address, per_network, total;
};
bool shared_connect(
	struct shared *s, unsigned seat, struct str address, const struct shared_limits *limits);
void shared_disconnect(struct shared *s, unsigned seat, struct str address);

int64_t shared_total(const struct shared *s); /* connections now, of all edges */

/* How busy edges are that accept, or rest while the one before them can do the work (relief.h): percent of
 * a processor each. */
struct relief_loads {
	int all;
	int before; /* the next lower seat; -1: none */
	int own;
};
/* Says how busy we are, and looks at all. */
struct relief_loads shared_loads(struct shared *s, unsigned seat, int own);
void shared_leave(struct shared *s, unsigned seat); /* neither any more */

struct bans *shared_bans(struct shared *s);

/* What POP3 announces with EXPIRE before a login: the store says it, the edges read it. */
void shared_set_expire(struct shared *s, int64_t days, bool differs);
int64_t shared_expire(const struct shared *s, bool *differs);

/* How often accounts, aliases and domains have changed: the store counts, the edges read it. */
_Atomic uint64_t *shared_changes(struct shared *s);

/* Failed logins (features.md B13, U1, U2), of a client (IPv4 /32, IPv6 /64) and of its network (/24, /48).  Each
 * doubles the delay of the next answer, from 1 s to 15 s; a whole network is delayed at a quarter of that
 * pace.  After ban_after failures (0: never), five times that of a network, it is banned.  All is
 * forgotten after 10 minutes without a failure. */
struct shared_rule {
	int64_t ban_after, ban_ms;
	const struct cidr_set *exempt; /* from bans */
};
struct shared_failure {
	int64_t delay_ms;
	bool banned; /* now */
	struct cidr net;
};
struct shared_failure shared_login_failed(struct shared *s, struct str address,
	const struct shared_rule *rule, int64_t mono_ms, int64_t wall_ms);
/* Takes the delay away, but what counts for a ban stays: one account of one's own must not buy guesses. */
void shared_login_ok(struct shared *s, struct str address);

#endif
