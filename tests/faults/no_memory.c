/* LD_PRELOAD: allocation number NO_MEMORY of this process fails, once (malloc, calloc, realloc and
 * posix_memalign, of the program and of its libraries).  NO_MEMORY=0 fails none; NO_MEMORY_COUNT names a file
 * for how many there were. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

static _Atomic uint64_t count, which;

static int fails(void)
{
	return ++count == which;
}

void *malloc(size_t n)
{
	return fails() ? errno = ENOMEM, NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? errno = ENOMEM, NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? errno = ENOMEM, NULL : __libc_realloc(p, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
	*p = fails() ? NULL : __libc_memalign(align, n);
	return *p == NULL ? ENOMEM : 0;
}

/* What happens before main, in the dynamic linker and in constructors, is not counted. */
__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("NO_MEMORY");

	count = 0;
	which = text == NULL ? 0 : strtoull(text, NULL, 10);
}

__attribute__((destructor)) static void end(void)
{
	const char *name = getenv("NO_MEMORY_COUNT");
	int fd = name == NULL ? -1 : open(name, O_WRONLY | O_CLOEXEC);
	char text[32];
	int n = snprintf(text, sizeof text, "%llu", (unsigned long long)count);

	if (fd >= 0 && write(fd, text, (size_t)n) != n)
		abort();
	if (fd >= 0)
		close(fd);
}
