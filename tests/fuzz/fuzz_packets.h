/* fuzz_packets.h -- the other end of a channel of daemon/ipc.h: packets of any kind, with a descriptor or without. */
#ifndef RESTANTE_FUZZ_PACKETS_H
#define RESTANTE_FUZZ_PACKETS_H

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/ipc.h"

static void check(bool truth)
{
	if (!truth)
		abort();
}

/* The number that the next descriptor will have: the same when all that were opened since are closed. */
static inline int next_descriptor(void)
{
	int fd = dup(2);

	check(fd >= 0 && close(fd) == 0);
	return fd;
}

/* passed: -1, or given away with it.  channel: -1 when it is closed. */
static void say_packet(int channel, const struct ipc_head *head, struct str body, int passed)
{
	char control[CMSG_SPACE(sizeof passed)] = { 0 };
	struct iovec parts[] = { { (void *)(uintptr_t)head, sizeof *head },
		{ (void *)(uintptr_t)body.p, body.n } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };

	if (passed >= 0) {
		struct cmsghdr *c;

		m.msg_control = control;
		m.msg_controllen = sizeof control;
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof passed);
		memcpy(CMSG_DATA(c), &passed, sizeof passed);
	}
	if (channel >= 0)
		(void)sendmsg(channel, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (passed >= 0)
		close(passed);
}

static void take_one_packet(
	struct str octets, void (*each)(const struct ipc_head *head, struct reader body))
{
	struct ipc_head head;

	check(octets.n >= sizeof head);
	memcpy(&head, octets.p, sizeof head);
	each(&head, (struct reader){ str_from(octets, sizeof head), false });
}

/* All that has come, also those that crossed together. */
static void take_packets(int channel, void (*each)(const struct ipc_head *head, struct reader body))
{
	static char room[IPC_PACKET_MAX];
	ssize_t n;

	while (channel >= 0 && (n = recv(channel, room, sizeof room, MSG_DONTWAIT)) > 0) {
		struct reader r = { str_of(room, (size_t)n), false };
		uint16_t type;

		memcpy(&type, room, sizeof type);
		if (type != IPC_MANY) {
			take_one_packet(r.rest, each);
			continue;
		}
		get_bytes(&r, sizeof(struct ipc_head));
		while (r.rest.n > 0)
			take_one_packet(get_bytes(&r, get_u32(&r)), each);
		check(!r.bad);
	}
}

/* A few octets become others. */
static void change_octets(struct reader *in, struct buf *b)
{
	for (uint8_t n = get_u8(in) % 4; n > 0 && b->len > 0; n--) {
		size_t at = get_u16(in) % b->len;

		b->data[b->head + at] = (char)get_u8(in);
	}
}

#endif
