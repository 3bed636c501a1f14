/* scrub.h -- the store is read from end to end now and then, so that damage is found while a backup
 * still has what was damaged (store/check.h).
 *
 * Slowly, in slices; a run that a restart interrupts goes on at its segment.  What is found is logged,
 * and kept in <store>/scrub.json with the time of the last run, until the next has ended. */
#ifndef RESTANTE_DAEMON_SCRUB_H
#define RESTANTE_DAEMON_SCRUB_H

#include "daemon/office.h"

struct scrub;

struct scrub *scrub_open(struct office *o);
void scrub_close(struct scrub *s); /* before the store; NULL is fine */
/* Begins when it is time or asked for, and reads a slice.  Milliseconds until the next one; -1: nothing
 * to do now. */
int64_t scrub_slice(struct scrub *s, int64_t steady_ms);
/* fast: as fast as the disk allows. */
void scrub_ask(struct scrub *s, bool fast);
/* Asked for, or under way: scrub_slice() has something to do. */
bool scrub_is_wanted(const struct scrub *s);
/* Adds "scrubbed", "scrubbing" and "damaged", and the damage itself, to a row. */
void scrub_tell(const struct scrub *s, json_t *row);

#endif
