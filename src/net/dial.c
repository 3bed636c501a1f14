#include "net/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"

enum { TIMEOUT_DEFAULT_MS = 30000, STAGGER_DEFAULT_MS = 2000 };

const char *dial_text(const unsigned char address[16], char to[64])
{
	if (cidr_is_v4(address))
		inet_ntop(AF_INET, address + 12, to, 64);
	else
		inet_ntop(AF_INET6, address, to, 64);
	return to;
}

static socklen_t to_sockaddr(union dial_address *a, const unsigned char address[16], uint16_t port)
{
	*a = (union dial_address){ 0 };
	if (cidr_is_v4(address)) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		memcpy(&a->v4.sin_addr, address + 12, 4);
		return sizeof a->v4;
	}
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons(port);
	memcpy(&a->v6.sin6_addr, address, 16);
	return sizeof a->v6;
}

static void slot_close(struct dial_slot *s)
{
	if (!s->busy)
		return;
	loop_io_want(&s->io, 0);
	loop_timer_stop(&s->timer);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->busy = false;
}

static bool any_busy(const struct dial *d)
{
	for (int i = 0; i < DIAL_SLOTS; i++)
		if (d->slots[i].busy)
			return true;
	return false;
}

static void stop_all(struct dial *d)
{
	for (int i = 0; i < DIAL_SLOTS; i++)
		slot_close(&d->slots[i]);
	loop_timer_stop(&d->stagger);
}

static void proceed(struct dial *d);

static void slot_failed(struct dial_slot *s, int error)
{
	struct dial *d = s->dial;

	slot_close(s);
	d->at = s->at;
	snprintf(d->error, sizeof d->error, "%s", strerror(error));
}

static void slot_connected(struct dial_slot *s)
{
	struct dial *d = s->dial;
	const struct nexthop_target *t = &d->targets[s->at];
	int fd = s->fd, one = 1;

	s->fd = -1;
	stop_all(d);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	to_sockaddr(&d->peer, t->address, t->port);
	d->fd = fd;
	d->at = s->at;
	loop_timer_at(&d->later, loop_now_ms(d->loop));
}

static void on_ready(struct loop_io *io, int events)
{
	struct dial_slot *s = LIST_OF(io, struct dial_slot, io);
	int error = 0;
	socklen_t n = sizeof error;

	(void)events;
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	if (error == 0) {
		slot_connected(s);
		return;
	}
	slot_failed(s, error);
	proceed(s->dial);
}

static void on_timeout(struct loop_timer *t)
{
	struct dial_slot *s = LIST_OF(t, struct dial_slot, timer);

	slot_failed(s, ETIMEDOUT);
	proceed(s->dial);
}

/* 0, or errno of what failed at once. */
static int begin_connect(struct dial_slot *s)
{
	struct dial *d = s->dial;
	const struct nexthop_target *t = &d->targets[s->at];
	bool v4 = cidr_is_v4(t->address);
	struct str source = v4 ? d->config.source4 : d->config.source6;
	unsigned char ours[16];
	union dial_address a;
	socklen_t n;

	s->fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return errno;
	if (source.n > 0) {
		int one = 1;

		/* The port is chosen when the peer is known, so one address has them for each peer. */
		(void)setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
		if (!cidr_address(source, ours) || cidr_is_v4(ours) != v4)
			return EAFNOSUPPORT;
		n = to_sockaddr(&a, ours, 0);
		if (bind(s->fd, &a.any, n) != 0)
			return errno;
	}
	n = to_sockaddr(&a, t->address, t->port);
	if (connect(s->fd, &a.any, n) != 0 && errno != EINPROGRESS)
		return errno;
	return 0;
}

static void slot_start(struct dial_slot *s, struct dial *d)
{
	int error;

	s->dial = d;
	s->busy = true;
	s->at = d->next++;
	error = begin_connect(s);
	loop_io_init(&s->io, d->loop, s->fd, on_ready);
	loop_timer_init(&s->timer, d->loop, on_timeout);
	if (error != 0) {
		slot_failed(s, error);
		return;
	}
	loop_io_want(&s->io, LOOP_WRITE);
	loop_timer_at(&s->timer, loop_now_ms(d->loop) + d->config.timeout_ms);
}

static struct dial_slot *free_slot(struct dial *d)
{
	for (int i = 0; i < DIAL_SLOTS; i++)
		if (!d->slots[i].busy)
			return &d->slots[i];
	return NULL;
}

/* The next address is of the host that is being dialed: they may run side by side. */
static bool may_join(const struct dial *d)
{
	for (int i = 0; i < DIAL_SLOTS; i++)
		if (d->slots[i].busy && d->next < d->count &&
			d->targets[d->slots[i].at].host == d->targets[d->next].host)
			return true;
	return false;
}

/* Starts what may be started now, or ends. */
static void proceed(struct dial *d)
{
	while (!any_busy(d) && d->next < d->count)
		slot_start(free_slot(d), d);
	if (!any_busy(d))
		loop_timer_at(&d->later, loop_now_ms(d->loop));
	else if (free_slot(d) != NULL && may_join(d))
		loop_timer_at(&d->stagger, loop_now_ms(d->loop) + d->config.stagger_ms);
}

static void on_stagger(struct loop_timer *t)
{
	struct dial *d = LIST_OF(t, struct dial, stagger);
	struct dial_slot *s = free_slot(d);

	if (s != NULL && may_join(d))
		slot_start(s, d);
	proceed(d);
}

static void on_later(struct loop_timer *t)
{
	struct dial *d = LIST_OF(t, struct dial, later);
	void (*done)(struct dial *) = d->done;

	d->done = NULL;
	done(d);
}

void dial_start(struct dial *d, struct loop *l, const struct dial_config *config,
	const struct nexthop_target *targets, size_t count, void (*done)(struct dial *d))
{
	*d = (struct dial){ .loop = l,
		.config = *config,
		.targets = targets,
		.count = count,
		.fd = -1,
		.done = done };
	if (d->config.timeout_ms == 0)
		d->config.timeout_ms = TIMEOUT_DEFAULT_MS;
	if (d->config.stagger_ms == 0)
		d->config.stagger_ms = STAGGER_DEFAULT_MS;
	snprintf(d->error, sizeof d->error, "no address");
	loop_timer_init(&d->stagger, l, on_stagger);
	loop_timer_init(&d->later, l, on_later);
	proceed(d);
}

void dial_cancel(struct dial *d)
{
	stop_all(d);
	loop_timer_stop(&d->later);
	if (d->done != NULL && d->fd >= 0) { /* nobody was told of it */
		close(d->fd);
		d->fd = -1;
	}
	d->done = NULL;
}
