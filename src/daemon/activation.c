#include "daemon/activation.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum { FIRST_FD = 3, PASSED_MAX = 256 };

static struct {
	unsigned count;
	bool taken[PASSED_MAX];
} passed;

static uint64_t number_of(const char *name)
{
	uint64_t v = 0;

	return str_u64(str_c(getenv(name)), &v) ? v : 0;
}

unsigned activation_begin(void)
{
	uint64_t count = number_of("LISTEN_FDS");

	if (number_of("LISTEN_PID") != (uint64_t)getpid())
		count = 0;
	passed.count = count > PASSED_MAX ? PASSED_MAX : (unsigned)count;
	for (unsigned i = 0; i < passed.count; i++) {
		int fd = FIRST_FD + (int)i, flags = fcntl(fd, F_GETFL);

		fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
			passed.taken[i] = true;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return passed.count;
}

/* Its address as text; false when it is no listening TCP socket. */
static bool describe(int fd, char text[INET6_ADDRSTRLEN], uint16_t *port)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof ss, size = sizeof(int);
	int type = 0, listens = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM ||
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens ||
		getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
		return false;
	if (ss.ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&ss;

		*port = ntohs(v4->sin_port);
		return inet_ntop(AF_INET, &v4->sin_addr, text, INET6_ADDRSTRLEN) != NULL;
	}
	if (ss.ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&ss;

		*port = ntohs(v6->sin6_port);
		return inet_ntop(AF_INET6, &v6->sin6_addr, text, INET6_ADDRSTRLEN) != NULL;
	}
	return false;
}

/* "::1" and "0:0:0:0:0:0:0:1" are one address. */
static bool same_address(const char *a, const char *b)
{
	unsigned char x[16], y[16];

	for (int family = AF_INET;; family = AF_INET6) {
		size_t n = family == AF_INET ? 4 : 16;

		if (inet_pton(family, a, x) == 1)
			return inet_pton(family, b, y) == 1 && memcmp(x, y, n) == 0;
		if (family == AF_INET6)
			return false;
	}
}

int activation_take(const char *address, uint16_t port)
{
	for (unsigned i = 0; i < passed.count; i++) {
		char text[INET6_ADDRSTRLEN];
		uint16_t at;

		if (passed.taken[i] || !describe(FIRST_FD + (int)i, text, &at))
			continue;
		if (at == port && same_address(text, address)) {
			passed.taken[i] = true;
			return FIRST_FD + (int)i;
		}
	}
	return -1;
}

void activation_end(void)
{
	for (unsigned i = 0; i < passed.count; i++) {
		char text[INET6_ADDRSTRLEN] = "";
		uint16_t port = 0;

		if (passed.taken[i])
			continue;
		(void)describe(FIRST_FD + (int)i, text, &port);
		log_warn("listen.unused", F_INT("fd", FIRST_FD + (int)i), F_C("address", text),
			F_INT("port", port));
		close(FIRST_FD + (int)i);
	}
	passed.count = 0;
}
