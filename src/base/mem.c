#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void *mem_alloc(size_t n)
{
	void *p = malloc(n == 0 ? 1 : n);

	if (p == NULL)
		abort();
	return p;
}

void *mem_zalloc(size_t n)
{
	void *p = calloc(1, n == 0 ? 1 : n);

	if (p == NULL)
		abort();
	return p;
}

void *mem_array(void *old, size_t n, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(n, size, &total))
		abort();
	p = realloc(old, total == 0 ? 1 : total);
	if (p == NULL)
		abort();
	return p;
}

void mem_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

void mem_trim(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}

/* By default the heap shrinks whenever 128 KiB at its end are free, and each growth after that costs a
 * page fault and a cleared page for every 4 KiB: for the buffers of one large message again and again. */
void mem_tune(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_TRIM_THRESHOLD, 4 << 20);
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}
