/* mem.h -- allocation that does not fail: out of memory aborts this one process and the parent
 * starts it again.  Limits are checked before memory is asked for.  Free with free(). */
#ifndef RESTANTE_BASE_MEM_H
#define RESTANTE_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n);                         /* uninitialised */
void *mem_zalloc(size_t n);                        /* zeroed */
void *mem_array(void *old, size_t n, size_t size); /* realloc with checked n * size */
void mem_wipe(void *p, size_t n);                  /* not removed by the optimiser: for secrets */

void mem_trim(void); /* gives back what is free: what a process needed to begin, it needs no more */
void mem_tune(void); /* for a process that lives long: it keeps a few MiB that it will need again */

#define NEW(type) ((type *)mem_zalloc(sizeof(type)))

#endif
