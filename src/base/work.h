/* work.h -- a bounded pool of threads for what blocks: disk syncs and password hashes.
 *
 * The owner's thread submits; run() is called in a worker and may touch nothing but its own
 * struct; done() is called in the owner's thread by work_poll(), in the order of completion.
 * The struct work is the caller's and must live until done(). */
#ifndef RESTANTE_BASE_WORK_H
#define RESTANTE_BASE_WORK_H

#include <stdbool.h>
#include <stddef.h>

struct work {
	void (*run)(struct work *w);
	void (*done)(struct work *w);
	struct work *next; /* the pool's */
};

struct work_pool;

struct work_pool *work_pool_new(unsigned threads, size_t max_waiting);
void work_pool_free(struct work_pool *p); /* finishes what was submitted, calls done() */

/* False when max_waiting are waiting already: the caller answers "busy". */
bool work_submit(struct work_pool *p, struct work *w);

/* Readable when work_poll() has something to do. */
int work_fd(const struct work_pool *p);
void work_poll(struct work_pool *p);

/* Blocks until at least one piece is done, then polls; for tools without a loop.  Returns at once
 * when nothing is under way. */
void work_wait(struct work_pool *p);

#endif
