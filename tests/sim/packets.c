/* Packets between the processes of a machine, with descriptors in them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/loop.h"
#include "net_int.h"

enum { WINDOW = 256 * 1024 };

struct packet {
	struct packet *next;
	size_t n;
	int fd; /* the world's, or -1 */
	char octets[];
};

struct pair {
	struct packet *head[2], **tail[2]; /* to be read by that side */
	size_t octets[2];
	bool open[2];
};

int net_pair(int out[2])
{
	struct pair *p = NEW(struct pair);

	for (int i = 0; i < 2; i++) {
		p->tail[i] = &p->head[i];
		p->open[i] = true;
		out[i] = fd_new(FD_PACKETS, p, i);
	}
	return 0;
}

static int passed_fd(const struct msghdr *msg)
{
	struct cmsghdr *c = msg->msg_controllen == 0 ? NULL : CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

ssize_t net_send_packet(int fd, const struct msghdr *msg)
{
	struct descriptor *d = fd_of(fd, FD_PACKETS);
	struct pair *p = d == NULL ? NULL : d->object;
	struct packet *packet;
	size_t n = 0, at = 0;
	int to = d == NULL ? 0 : !d->side, passed;

	if (p == NULL || !p->open[to]) {
		errno = p == NULL ? EBADF : EPIPE;
		return -1;
	}
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		n += msg->msg_iov[i].iov_len;
	if (p->octets[to] > 0 && p->octets[to] + n > WINDOW) {
		errno = EAGAIN;
		return -1;
	}
	packet = mem_zalloc(sizeof *packet + n);
	packet->n = n;
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		if (msg->msg_iov[i].iov_len > 0) {
			memcpy(packet->octets + at, msg->msg_iov[i].iov_base,
				msg->msg_iov[i].iov_len);
			at += msg->msg_iov[i].iov_len;
		}
	passed = passed_fd(msg);
	packet->fd = passed < 0 ? -1 : net_dup(passed);
	net_give(packet->fd, NULL);
	*p->tail[to] = packet;
	p->tail[to] = &packet->next;
	p->octets[to] += n;
	fd_wake(p, to);
	return (ssize_t)n;
}

static void take_fd(struct msghdr *msg, int fd)
{
	struct cmsghdr *c;

	if (fd < 0) {
		msg->msg_controllen = 0;
		return;
	}
	net_give(fd, sim_self);
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	msg->msg_controllen = c->cmsg_len;
}

ssize_t net_receive_packet(int fd, struct msghdr *msg)
{
	struct descriptor *d = fd_of(fd, FD_PACKETS);
	struct pair *p = d == NULL ? NULL : d->object;
	struct packet *packet = p == NULL ? NULL : p->head[d->side];
	ssize_t n;

	msg->msg_flags = 0;
	if (packet == NULL) {
		msg->msg_controllen = 0;
		errno = p == NULL ? EBADF : EAGAIN;
		return p != NULL && !p->open[!d->side] ? 0 : -1;
	}
	p->head[d->side] = packet->next;
	if (packet->next == NULL)
		p->tail[d->side] = &p->head[d->side];
	p->octets[d->side] -= packet->n;
	if (packet->n > msg->msg_iov[0].iov_len)
		abort();
	memcpy(msg->msg_iov[0].iov_base, packet->octets, packet->n);
	take_fd(msg, packet->fd);
	n = (ssize_t)packet->n;
	free(packet);
	fd_wake(p, !d->side);
	return n;
}

void pair_close(void *pair, int side)
{
	struct pair *p = pair;

	p->open[side] = false;
	fd_wake(p, !side);
	if (p->open[!side])
		return;
	for (int i = 0; i < 2; i++)
		while (p->head[i] != NULL) {
			struct packet *next = p->head[i]->next;

			fd_drop(p->head[i]->fd);
			free(p->head[i]);
			p->head[i] = next;
		}
	free(p);
}

int pair_events(const void *pair, int side)
{
	const struct pair *p = pair;

	return (p->head[side] != NULL || !p->open[!side] ? LOOP_READ : 0) |
	       (p->octets[!side] < WINDOW ? LOOP_WRITE : 0);
}
