#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/ipc.h"
#include "daemon/window.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

enum { WINDOW_OCTETS = WINDOW_SLOTS * WINDOW_SLOT + WINDOW_LARGE_SLOTS * WINDOW_LARGE_SLOT };

/* Sealed after our own mapping: nobody can get another one that is writable, nor cut it. */
char *window_make(int *fd)
{
	void *octets = MAP_FAILED;

	*fd = memfd_create("window", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return NULL;
	if (ftruncate(*fd, WINDOW_OCTETS) == 0)
		octets = mmap(NULL, WINDOW_OCTETS, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (octets != MAP_FAILED &&
		fcntl(*fd, F_ADD_SEALS,
			F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) == 0)
		return octets;
	if (octets != MAP_FAILED)
		munmap(octets, WINDOW_OCTETS);
	close(*fd);
	*fd = -1;
	return NULL;
}

void window_free(char *octets)
{
	if (octets != NULL)
		munmap(octets, WINDOW_OCTETS);
}

bool window_map(struct window *w, int fd)
{
	const void *octets = ipc_map(fd, WINDOW_OCTETS);

	if (octets == NULL)
		return false;
	window_unmap(w);
	w->octets = octets;
	w->asked = true;
	return true;
}

void window_unmap(struct window *w)
{
	for (size_t i = 0; i < WINDOW_ALL; i++)
		if (w->slots[i].holder != NULL)
			*w->slots[i].holder = WINDOW_NONE;
	if (w->octets != NULL)
		munmap((void *)(uintptr_t)w->octets, WINDOW_OCTETS);
	*w = (struct window){ 0 };
}

void window_take(struct window *w, uint8_t *holder)
{
	struct window_slot *best = NULL;

	window_give(w, holder);
	if (w->octets == NULL)
		return;
	for (size_t i = 0; i < WINDOW_SLOTS; i++) {
		struct window_slot *s = &w->slots[i];

		if (s->seq != 0)
			continue;
		if (best == NULL || (best->holder != NULL && s->holder == NULL) ||
			(best->holder != NULL && s->taken < best->taken))
			best = s;
	}
	if (best == NULL)
		return;
	if (best->holder != NULL)
		*best->holder = WINDOW_NONE;
	*best = (struct window_slot){ .holder = holder, .taken = ++w->takes };
	*holder = (uint8_t)(best - w->slots);
}

void window_take_large(struct window *w, uint8_t *holder)
{
	window_give(w, holder);
	for (uint8_t i = WINDOW_SLOTS; i < WINDOW_ALL && w->octets != NULL; i++)
		if (w->slots[i].seq == 0 && w->slots[i].holder == NULL) {
			w->slots[i].holder = holder;
			*holder = i;
			return;
		}
}

void window_pass(struct window *w, uint8_t *from, uint8_t *to)
{
	*to = *from;
	*from = WINDOW_NONE;
	if (*to != WINDOW_NONE)
		w->slots[*to].holder = to;
}

/* A READ that is under way still writes to it: it is free when that is answered. */
void window_give(struct window *w, uint8_t *holder)
{
	if (*holder != WINDOW_NONE)
		w->slots[*holder].holder = NULL;
	*holder = WINDOW_NONE;
}

void window_asked(struct window *w, uint8_t slot, uint32_t seq)
{
	if (slot != WINDOW_NONE)
		w->slots[slot].seq = seq;
}

void window_answered(struct window *w, uint32_t seq)
{
	for (size_t i = 0; i < WINDOW_ALL; i++)
		if (w->slots[i].seq == seq)
			w->slots[i].seq = 0;
}
