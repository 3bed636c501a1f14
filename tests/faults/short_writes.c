/* LD_PRELOAD: each write, pwrite, writev and pwritev of more than one octet, to a file or a stream, writes
 * no more than the first half of it, as the kernel may.  SHORT_COUNT names a file of 8 octets that counts
 * them over all processes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { VECTORS_MAX = 1024 };

static _Atomic uint64_t *count;

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("SHORT_COUNT");
	int fd = name == NULL ? -1 : open(name, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		abort();
	count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (count == MAP_FAILED)
		abort();
	close(fd);
}

/* An eventfd takes 8 octets or none, and a packet is a whole one. */
static int may_be_short(int fd)
{
	struct stat st;
	int type;
	socklen_t n = sizeof type;

	if (fstat(fd, &st) != 0)
		return 0;
	if (S_ISSOCK(st.st_mode))
		return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
	return S_ISREG(st.st_mode);
}

static size_t cut(int fd, size_t n)
{
	if (n < 2 || !may_be_short(fd))
		return n;
	(*count)++;
	return n / 2;
}

/* The vectors that are left, the last of them cut. */
static int cut_vectors(int fd, const struct iovec *from, int n, struct iovec *to)
{
	size_t total = 0, left;
	int i;

	if (n > VECTORS_MAX)
		abort();
	for (i = 0; i < n; i++)
		total += from[i].iov_len;
	left = cut(fd, total);
	for (i = 0; i < n && left > 0; i++) {
		to[i] = from[i];
		if (to[i].iov_len > left)
			to[i].iov_len = left;
		left -= to[i].iov_len;
	}
	return i;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *p, size_t n)
{
	return NEXT(write)(fd, p, cut(fd, n));
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	return NEXT(send)(fd, p, cut(fd, n), flags);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return NEXT(pwrite)(fd, p, cut(fd, n), at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return NEXT(pwrite64)(fd, p, cut(fd, n), at);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	struct iovec to[VECTORS_MAX];

	return NEXT(writev)(fd, to, cut_vectors(fd, v, n, to));
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	struct iovec to[VECTORS_MAX];

	return NEXT(pwritev)(fd, to, cut_vectors(fd, v, n, to), at);
}

ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
	struct iovec to[VECTORS_MAX];

	return NEXT(pwritev64)(fd, to, cut_vectors(fd, v, n, to), at);
}
