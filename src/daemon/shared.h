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

#include "base/str.h"

enum { SHARED_SEATS = 64 };

struct shared;

struct shared *shared_new(void); /* MAP_SHARED, before any fork */
void shared_clear_seat(struct shared *s, unsigned seat);

/* Counts a new connection of this client; false when it, or the total, would be over its limit (then
 * nothing was counted).  IPv6 clients count by /64. */
bool shared_connect(
	struct shared *s, unsigned seat, struct str address, int64_t per_address, int64_t total);
void shared_disconnect(struct shared *s, unsigned seat, struct str address);

int64_t shared_total(const struct shared *s); /* connections now, of all edges */

/* Failed logins: each doubles the delay of the next answer, from 1 s to 15 s, and is forgotten after
 * 10 minutes without one (features.md B13).  Returns the delay in ms for this failure. */
int64_t shared_login_failed(struct shared *s, struct str address, int64_t mono_ms);
void shared_login_ok(struct shared *s, struct str address);

#endif
