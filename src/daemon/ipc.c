#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/ipc.h"

enum {
	PACKETS_A_TURN = 64,
	SOCKET_BUFFER = 1024 * 1024,
	GATHER_EACH = 16 * 1024,
	GATHER_ALL = 64 * 1024,
};

struct waiting { /* a packet the socket did not take */
	struct link link;
	int fd; /* a dup, or -1 */
	size_t n;
	char octets[];
};

struct ipc {
	struct loop_io io;
	int fd;
	bool dead;
	bool broken; /* a send failed: lost() comes from the loop, not from inside ipc_send() */
	struct link waiting;
	bool gathers;
	unsigned gathered;
	bool urgent;         /* one of them at least */
	struct buf together; /* a packet of type IPC_MANY, when there is more than one in it */
	void (*received)(void *owner, struct ipc_packet *p);
	void (*lost)(void *owner);
	void *owner;
};

int ipc_pair(int fds[2])
{
	int size = SOCKET_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -1;
	/* As large as the kernel allows: a matter of speed only. */
	for (int i = 0; i < 2; i++)
		if (setsockopt(fds[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
			(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return 0;
}

int ipc_sealed(const char *name, struct str a, struct str b)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct str parts[] = { a, b };

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < 2; i++)
		while (parts[i].n > 0) {
			ssize_t n = write(fd, parts[i].p, parts[i].n);

			if (n <= 0) {
				close(fd);
				return -1;
			}
			parts[i] = str_from(parts[i], (size_t)n);
		}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

const void *ipc_map(int fd, size_t n)
{
	int seals = fcntl(fd, F_GET_SEALS);
	off_t length = lseek(fd, 0, SEEK_END); /* no fstat(2): the sandbox has none */
	void *octets;

	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || length < 0 || n > (size_t)length) {
		errno = EBADF;
		return NULL;
	}
	octets = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	return octets == MAP_FAILED ? NULL : octets;
}

static void lose(struct ipc *i)
{
	if (i->dead)
		return;
	i->dead = true;
	loop_io_want(&i->io, 0);
	close(i->fd); /* the other end must not wait for what we have given up */
	i->fd = -1;
	i->lost(i->owner);
}

/* 1: sent, 0: would block, -1: the peer is gone. */
static int send_packet(struct ipc *i, struct iovec *iov, size_t n, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };

	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control.room;
		msg.msg_controllen = sizeof control.room;
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	while (sendmsg(i->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
			return 0;
		if (errno != EINTR)
			return -1;
	}
	return 1;
}

static void drop_waiting(struct waiting *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

static void send_waiting(struct ipc *i)
{
	while (!list_empty(&i->waiting)) {
		struct waiting *w = LIST_OF(i->waiting.next, struct waiting, link);
		struct iovec iov = { w->octets, w->n };
		int sent = send_packet(i, &iov, 1, w->fd);

		if (sent == 0)
			return;
		if (sent < 0) {
			lose(i);
			return;
		}
		list_del(&w->link);
		drop_waiting(w);
	}
	loop_io_want(&i->io, LOOP_READ);
}

static void send_now(struct ipc *i, const struct ipc_head *head, struct str a, struct str b, int fd)
{
	struct ipc_head copy = *head;
	struct iovec iov[3] = {
		{ &copy, sizeof copy },
		{ (void *)(uintptr_t)a.p, a.n },
		{ (void *)(uintptr_t)b.p, b.n },
	};
	struct waiting *w;

	if (i->dead || i->broken)
		return;
	if (list_empty(&i->waiting)) {
		int sent = send_packet(i, iov, 3, fd);

		/* The caller is in the middle of a session that lost() would free. */
		if (sent < 0) {
			i->broken = true;
			loop_io_again(&i->io, LOOP_READ);
		}
		if (sent != 0)
			return;
	}
	w = mem_alloc(sizeof *w + sizeof copy + a.n + b.n);
	w->fd = fd >= 0 ? dup(fd) : -1;
	w->n = sizeof copy + a.n + b.n;
	memcpy(w->octets, &copy, sizeof copy);
	if (a.n > 0)
		memcpy(w->octets + sizeof copy, a.p, a.n);
	if (b.n > 0)
		memcpy(w->octets + sizeof copy + a.n, b.p, b.n);
	list_append(&i->waiting, &w->link);
	loop_io_want(&i->io, LOOP_READ | LOOP_WRITE);
}

void ipc_gather(struct ipc *i)
{
	i->gathers = true;
}

void ipc_flush_all(struct ipc *i)
{
	struct ipc_head head = { .type = IPC_MANY };
	struct str octets = buf_str(&i->together);

	if (i->gathered == 1) {
		octets = str_from(octets, sizeof(uint32_t));
		memcpy(&head, octets.p, sizeof head);
		octets = str_from(octets, sizeof head);
	}
	if (i->gathered > 0)
		send_now(i, &head, octets, STR(""), -1);
	i->gathered = 0;
	i->urgent = false;
	buf_clear(&i->together);
}

void ipc_flush(struct ipc *i)
{
	if (i->urgent)
		ipc_flush_all(i);
}

static void gather(struct ipc *i, const struct ipc_head *head, struct str a, struct str b)
{
	put_u32(&i->together, (uint32_t)(sizeof *head + a.n + b.n));
	buf_put(&i->together, str_of((const char *)head, sizeof *head));
	buf_put(&i->together, a);
	buf_put(&i->together, b);
	i->gathered++;
}

bool ipc_has_later(const struct ipc *i)
{
	return i->gathered > 0;
}

void ipc_send_later(struct ipc *i, const struct ipc_head *head)
{
	if (i->together.len + sizeof *head > GATHER_ALL)
		ipc_flush_all(i);
	gather(i, head, STR(""), STR(""));
}

void ipc_send(struct ipc *i, const struct ipc_head *head, struct str a, struct str b, int fd)
{
	size_t n = sizeof *head + a.n + b.n;
	bool small = fd < 0 && n <= GATHER_EACH;

	if (i->gathered > 0 && (!small || i->together.len + n > GATHER_ALL))
		ipc_flush_all(i);
	if (!i->gathers || !small) {
		send_now(i, head, a, b, fd);
		return;
	}
	gather(i, head, a, b);
	i->urgent = true;
}

/* False: not as packets are. */
static bool deliver(struct ipc *i, struct str octets, int fd)
{
	struct ipc_packet p = { .fd = fd };

	if (octets.n < sizeof p.head)
		return false;
	memcpy(&p.head, octets.p, sizeof p.head);
	p.body.rest = str_from(octets, sizeof p.head);
	i->received(i->owner, &p);
	return true;
}

static bool deliver_many(struct ipc *i, struct str octets)
{
	struct reader r = { octets, false };

	while (r.rest.n > 0 && !i->dead) {
		struct str one = get_str(&r);

		if (r.bad || !deliver(i, one, -1))
			return false;
	}
	return true;
}

/* One packet: 1, 0 when there is none, -1 when the channel is over. */
static int receive(struct ipc *i)
{
	static char room[IPC_PACKET_MAX];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { room, sizeof room };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof control.room };
	struct ipc_head head = { 0 };
	int fd = -1;
	ssize_t n = recvmsg(i->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(c), sizeof fd);
	if ((size_t)n < sizeof head || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	memcpy(&head, room, sizeof head);
	if (head.type != IPC_MANY || fd >= 0)
		return deliver(i, str_of(room, (size_t)n), fd) ? 1 : -1;
	return deliver_many(i, str_of(room + sizeof head, (size_t)n - sizeof head)) ? 1 : -1;
}

static void ready(struct loop_io *io, int events)
{
	struct ipc *i = LIST_OF(io, struct ipc, io);

	if (events & LOOP_WRITE)
		send_waiting(i);
	for (int n = 0; n < PACKETS_A_TURN && !i->dead && (events & LOOP_READ); n++) {
		int got = receive(i);

		if (got < 0 || (got == 0 && i->broken))
			lose(i);
		if (got <= 0)
			break;
	}
}

struct ipc *ipc_new(struct loop *l, int fd, void (*received)(void *owner, struct ipc_packet *p),
	void (*lost)(void *owner), void *owner)
{
	struct ipc *i = NEW(struct ipc);

	i->fd = fd;
	i->received = received;
	i->lost = lost;
	i->owner = owner;
	list_init(&i->waiting);
	loop_io_init(&i->io, l, fd, ready);
	loop_io_want(&i->io, LOOP_READ);
	return i;
}

void ipc_free(struct ipc *i)
{
	struct link *l;

	if (i == NULL)
		return;
	i->dead = true;
	loop_io_want(&i->io, 0);
	buf_deinit(&i->together);
	while ((l = list_take(&i->waiting)) != NULL)
		drop_waiting(LIST_OF(l, struct waiting, link));
	if (i->fd >= 0)
		close(i->fd);
	free(i);
}
