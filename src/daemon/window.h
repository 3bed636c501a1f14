/* window.h -- memory that the store writes and one edge only reads: message octets cross the wall in it
 * without a copy in the kernel.
 *
 * It is cut into slots, the last few of them large.  The edge says with each READ into which one; the
 * store answers how much is there.  It holds nothing but what that edge asked for, and the edge cannot write to it. */
#ifndef RESTANTE_DAEMON_WINDOW_H
#define RESTANTE_DAEMON_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WINDOW_SLOTS = 16,
	WINDOW_SLOT = 128 * 1024,
	WINDOW_LARGE_SLOTS = 4, /* numbered behind the others */
	WINDOW_LARGE_SLOT = 512 * 1024,
	WINDOW_ALL = WINDOW_SLOTS + WINDOW_LARGE_SLOTS,
	WINDOW_NONE = 255,
	WINDOW_AHEAD = 63,
};

static inline size_t window_room(uint8_t slot)
{
	return slot < WINDOW_SLOTS ? WINDOW_SLOT : slot < WINDOW_ALL ? WINDOW_LARGE_SLOT : 0;
}

static inline size_t window_offset(uint8_t slot)
{
	size_t large = slot < WINDOW_SLOTS ? 0 : slot - WINDOW_SLOTS;

	return (slot - large) * WINDOW_SLOT + large * WINDOW_LARGE_SLOT;
}

/* ---- the store's side ---- */

/* Writable memory for all slots, or NULL; *fd: for the edge, to be closed when it is sent. */
char *window_make(int *fd);
void window_free(char *octets); /* NULL is fine */

/* ---- the edge's side ---- */

struct window {
	const char *octets; /* NULL: there is none, octets come in packets */
	bool asked;
	struct window_slot {
		uint8_t *holder; /* where a session keeps the number; NULL: free */
		uint32_t seq;    /* of the READ that fills it, 0 none: not to be given to another */
		uint64_t taken;
	} slots[WINDOW_ALL];
	uint64_t takes;
};

bool window_map(struct window *w, int fd);
void window_unmap(struct window *w); /* every holder gets WINDOW_NONE */
/* Sets *holder, perhaps to WINDOW_NONE; what it had is given back.  When none is free, what was read ahead longest ago goes: its
 * holder gets WINDOW_NONE. */
void window_take(struct window *w, uint8_t *holder);
/* The same, a large one if one is free; else *holder is WINDOW_NONE. */
void window_take_large(struct window *w, uint8_t *holder);
/* What `from` holds is held by `to`, which held nothing. */
void window_pass(struct window *w, uint8_t *from, uint8_t *to);
void window_give(struct window *w, uint8_t *holder);
void window_asked(struct window *w, uint8_t slot, uint32_t seq);
void window_answered(struct window *w, uint32_t seq);

static inline const char *window_at(const struct window *w, uint8_t slot)
{
	return w->octets + window_offset(slot);
}

#endif
