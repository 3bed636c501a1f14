/* calls.h -- the calls that the linker leads here (--wrap, see meson.build), and the real ones;
 * with the names that _FILE_OFFSET_BITS=64 gives them. */
#ifndef RESTANTE_SIM_CALLS_H
#define RESTANTE_SIM_CALLS_H

#include <sqlite3.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/types.h>

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n);
void __real_free(void *p);
void __wrap_free(void *p);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
char *__wrap_strndup(const char *s, size_t n);
int __real_vasprintf(char **to, const char *format, va_list ap);
int __wrap_vasprintf(char **to, const char *format, va_list ap);
int __wrap_asprintf(char **to, const char *format, ...);
int __wrap___vasprintf_chk(char **to, int flag, const char *format, va_list ap);
int __wrap___asprintf_chk(char **to, int flag, const char *format, ...);
void *__real_mmap64(void *at, size_t n, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t n, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t n);
int __wrap_munmap(void *at, size_t n);
int __real_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs);
int __real_sqlite3_close(sqlite3 *db);
int __wrap_sqlite3_close(sqlite3 *db);
int __real_sqlite3_close_v2(sqlite3 *db);
int __wrap_sqlite3_close_v2(sqlite3 *db);

int __wrap_socket(int family, int type, int protocol);
int __wrap_socketpair(int family, int type, int protocol, int fds[2]);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t n);
int __wrap_bind(int fd, const struct sockaddr *to, socklen_t n);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *n, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t n, int flags);
ssize_t __wrap___recv_chk(int fd, void *to, size_t n, size_t room, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t n, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *n);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n);
int __wrap_getpeername(int fd, struct sockaddr *to, socklen_t *n);
int __wrap_getsockname(int fd, struct sockaddr *to, socklen_t *n);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_dup(int fd);
int __wrap_dup(int fd);
int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __real_fcntl64(int fd, int what, ...);
int __wrap_fcntl64(int fd, int what, ...);
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
struct ifaddrs;
int __wrap_getifaddrs(struct ifaddrs **all);
void __wrap_freeifaddrs(struct ifaddrs *all);
pid_t __wrap_getpid(void);
_Noreturn void __real__exit(int status);
void __wrap__exit(int status);

#endif
