#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/log.h"
#include "net/conn.h"

enum { ACCEPTS_A_TURN = 16, PAUSE_MS = 100 };

static bool sockaddr_parse(
	const char *address, uint16_t port, struct sockaddr_storage *ss, socklen_t *n)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ss;

	*ss = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*n = sizeof *v4;
		return true;
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		*n = sizeof *v6;
		return true;
	}
	return false;
}

int listen_tcp(const char *address, uint16_t port, int backlog, struct err *err)
{
	struct sockaddr_storage ss;
	socklen_t n;
	const char *what = "socket";
	int on = 1, fd;

	if (!sockaddr_parse(address, port, &ss, &n)) {
		err_set(err, ST_USAGE, "listen on '%s': not an IP address", address);
		return -1;
	}
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		goto out;
	what = "setsockopt";
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
		goto out;
	/* "::" and "0.0.0.0" may stand side by side in the configuration. */
	if (ss.ss_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
		goto out;
	what = "bind";
	if (bind(fd, (struct sockaddr *)&ss, n) < 0)
		goto out;
	what = "listen";
	if (listen(fd, backlog) == 0)
		return fd;
out:
	err_set(err, ST_IO, "listen on %s port %u: %s: %s", address, port, what, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* accept(2) names what concerns one connection that has failed already, so that the next may be
 * taken; anything else would come again at once, and waits. */
static bool next_may_work(int error)
{
	static const int harmless[] = { EINTR, ECONNABORTED, EPERM, EPROTO, ENETDOWN, ENOPROTOOPT,
		EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, ETIMEDOUT };

	for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
		if (error == harmless[i])
			return true;
	return false;
}

static void listener_pause(struct listener *l, int error)
{
	log_warn("net.accept", F_C("err", strerror(error)), F_INT("pause_ms", PAUSE_MS));
	l->paused = true;
	loop_io_want(&l->io, 0);
	loop_timer_at(&l->pause, loop_now_ms(l->pause.loop) + PAUSE_MS);
}

bool listener_take(struct listener *l)
{
	bool gone = false, any = false;

	if (l->paused)
		return false;
	l->gone = &gone;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage peer = { 0 };
		socklen_t n = sizeof peer;
		int fd = accept4(l->fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			any = true;
			l->accepted(l, fd, (struct sockaddr *)&peer);
			if (gone)
				return true;
		} else if (errno == EAGAIN) {
			break;
		} else if (!next_may_work(errno)) {
			listener_pause(l, errno);
			break;
		}
	}
	l->gone = NULL;
	return any;
}

static void on_acceptable(struct loop_io *io, int events)
{
	struct listener *l = LIST_OF(io, struct listener, io);

	(void)events;
	if (l->woken != NULL)
		l->woken(l);
	(void)listener_take(l);
}

static void on_pause_over(struct loop_timer *t)
{
	struct listener *l = LIST_OF(t, struct listener, pause);

	l->paused = false;
	listener_rest(l, l->resting);
}

void listener_rest(struct listener *l, bool rest)
{
	l->resting = rest;
	if (!l->paused)
		loop_io_want(&l->io, rest ? 0 : LOOP_READ);
}

void listener_init(struct listener *l, struct loop *loop, int fd,
	void (*accepted)(struct listener *, int fd, const struct sockaddr *peer))
{
	int on = 1;

	*l = (struct listener){ .fd = fd, .accepted = accepted };
	/* Accepted sockets inherit it: replies are whole when written, so waiting to fill a segment
	 * (RFC 896) only adds delay.  Fails on a socket that is not TCP, where nothing is lost. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	loop_timer_init(&l->pause, loop, on_pause_over);
	loop_io_init(&l->io, loop, fd, on_acceptable);
	loop_io_want(&l->io, LOOP_READ);
}

void listener_stop(struct listener *l)
{
	loop_io_want(&l->io, 0);
	loop_timer_stop(&l->pause);
	if (l->gone != NULL)
		*l->gone = true;
	l->gone = NULL;
}
