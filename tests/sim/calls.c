/* The system calls of the simulated processes.  Each may be a process's last (proc_tick). */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "daemon/sandbox.h"
#include "sim.h"

static struct sim_proc *enter(void)
{
	proc_tick();
	return memory_world();
}

#define IN_WORLD(type, call)                                                                       \
	do {                                                                                       \
		struct sim_proc *was_ = enter();                                                   \
		type result_ = (call);                                                             \
                                                                                                   \
		memory_owner(was_);                                                                \
		return result_;                                                                    \
	} while (0)

int __wrap_socket(int family, int type, int protocol)
{
	(void)family;
	(void)type;
	(void)protocol;
	IN_WORLD(int, net_socket());
}

int __wrap_socketpair(int family, int type, int protocol, int fds[2])
{
	(void)family;
	(void)type;
	(void)protocol;
	IN_WORLD(int, net_pair(fds));
}

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t n)
{
	(void)n;
	IN_WORLD(int, net_connect(fd, to));
}

int __wrap_bind(int fd, const struct sockaddr *to, socklen_t n)
{
	(void)fd;
	(void)to;
	(void)n;
	return 0;
}

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *n, int flags)
{
	(void)flags;
	IN_WORLD(int, net_accept(fd, peer, n));
}

ssize_t __wrap_recv(int fd, void *to, size_t n, int flags)
{
	IN_WORLD(ssize_t, net_receive(fd, to, n, flags));
}

ssize_t __wrap___recv_chk(int fd, void *to, size_t n, size_t room, int flags)
{
	if (n > room)
		abort();
	return __wrap_recv(fd, to, n, flags);
}

ssize_t __wrap_send(int fd, const void *from, size_t n, int flags)
{
	(void)flags;
	IN_WORLD(ssize_t, net_send(fd, from, n));
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	(void)flags;
	IN_WORLD(ssize_t, net_send_packet(fd, msg));
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	(void)flags;
	IN_WORLD(ssize_t, net_receive_packet(fd, msg));
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *n)
{
	if (level != SOL_SOCKET || name != SO_ERROR) {
		errno = ENOPROTOOPT;
		return -1;
	}
	*(int *)value = net_error(fd);
	*n = sizeof(int);
	return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
	(void)fd;
	(void)level;
	(void)name;
	(void)value;
	(void)n;
	return 0;
}

int __wrap_getpeername(int fd, struct sockaddr *to, socklen_t *n)
{
	return net_name(fd, true, to, n);
}

int __wrap_getsockname(int fd, struct sockaddr *to, socklen_t *n)
{
	return net_name(fd, false, to, n);
}

int __wrap_close(int fd)
{
	IN_WORLD(int, net_close(fd));
}

int __wrap_dup(int fd)
{
	IN_WORLD(int, net_dup(fd));
}

int __wrap_fcntl64(int fd, int what, ...)
{
	va_list ap;
	long arg;

	va_start(ap, what);
	arg = va_arg(ap, long);
	va_end(ap);
	return fd >= SIM_FD ? 0 : __real_fcntl64(fd, what, arg);
}

static int opened(int fd)
{
	if (fd >= 0 && sim_self != NULL)
		net_give(fd, sim_self);
	return fd;
}

int __wrap_open64(const char *path, int flags, ...)
{
	va_list ap;
	unsigned mode;

	va_start(ap, flags);
	mode = va_arg(ap, unsigned);
	va_end(ap);
	return opened(__real_open64(path, flags, mode));
}

int __wrap_openat64(int dir, const char *path, int flags, ...)
{
	va_list ap;
	unsigned mode;

	va_start(ap, flags);
	mode = va_arg(ap, unsigned);
	va_end(ap);
	return opened(__real_openat64(dir, path, flags, mode));
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
	return opened(__real_memfd_create(name, flags));
}

pid_t __wrap_getpid(void)
{
	return sim_self == NULL ? 1 : (pid_t)sim_self->id;
}

/* The machine has the one address. */
int __wrap_getifaddrs(struct ifaddrs **all)
{
	static struct sockaddr_in v4;
	static char name[] = "eth0";
	static struct ifaddrs only = { .ifa_name = name, .ifa_addr = (struct sockaddr *)&v4 };

	v4.sin_family = AF_INET;
	memcpy(&v4.sin_addr, sim_self->host->address, sizeof v4.sin_addr);
	*all = &only;
	return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *all)
{
	(void)all;
}

void __wrap__exit(int status)
{
	proc_exit(status);
}

/* ---- the sandbox needs no simulation: there is nothing to protect ---- */

enum status sandbox_drop(const struct child_identity *identity, const char *root, struct err *err)
{
	(void)identity;
	(void)root;
	(void)err;
	return ST_OK;
}

enum status sandbox_syscalls(enum sandbox_kind kind, struct err *err)
{
	(void)kind;
	(void)err;
	return ST_OK;
}
