/* TCP between machines: octets come in order, in pieces, late, and not always all of them. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/loop.h"
#include "net_int.h"

enum {
	WINDOW = 32 * 1024, /* octets that a peer has not read */
	BACKLOG = 64,
};

struct segment {
	struct segment *next;
	int64_t at_us;
	enum seg_type { SEG_OCTETS, SEG_SYN, SEG_ACCEPTED, SEG_END, SEG_RESET } type;
	int error; /* of RESET */
	size_t n;
	char octets[];
};

struct side {
	struct sim_host *host;
	uint16_t port;
	bool open, connected, ended; /* ended: the peer sends no more */
	int error;
	struct buf in;
	struct segment *head, **tail; /* on their way to this side */
	size_t flight;
	int64_t last_us;
};

struct tcp {
	struct link link;
	uint64_t id;
	struct side side[2]; /* the one that called, the one that was called */
	int64_t delay_us;
	size_t piece;    /* largest segment */
	uint64_t passed; /* octets, both ways */
	uint64_t cut_at;
	enum cut_how { CUT_RESET, CUT_SILENT, CUT_ENDED } how;
	bool cut;
	struct listener_queue *listener; /* not accepted yet */
};

struct listener_queue {
	struct link link;
	struct sim_host *host;
	uint16_t port;
	struct tcp *waiting[BACKLOG];
	size_t count;
};

struct net_faults net_faults;
uint64_t net_cuts;

static struct link tcps = { &tcps, &tcps }, listeners = { &listeners, &listeners };
static uint64_t tcp_ids;
static uint16_t ports;
static struct {
	const struct sim_host *a, *b;
	int64_t until_us;
} partitions[8];

static void tcp_event(uint64_t id);

static struct tcp *tcp_find(uint64_t id)
{
	for (struct link *l = tcps.next; l != &tcps; l = l->next)
		if (LIST_OF(l, struct tcp, link)->id == id)
			return LIST_OF(l, struct tcp, link);
	return NULL;
}

static int64_t partition_end(const struct tcp *t)
{
	const struct sim_host *a = t->side[0].host, *b = t->side[1].host;

	for (size_t i = 0; i < sizeof partitions / sizeof *partitions; i++)
		if (partitions[i].until_us > sim_now_us &&
			((partitions[i].a == a && partitions[i].b == b) ||
				(partitions[i].a == b && partitions[i].b == a)))
			return partitions[i].until_us;
	return 0;
}

void net_partition(struct sim_host *a, struct sim_host *b, int64_t until_us)
{
	size_t at = 0;

	for (size_t i = 1; i < sizeof partitions / sizeof *partitions; i++)
		if (partitions[i].until_us < partitions[at].until_us)
			at = i;
	partitions[at].a = a;
	partitions[at].b = b;
	partitions[at].until_us = until_us;
	sim_trace("partition", (uint64_t)until_us, at);
}

/* On its way to `side` of t; behind what is on its way already. */
static void journey(struct tcp *t, int side, struct segment *s)
{
	struct side *to = &t->side[side];
	int64_t delay = t->delay_us + sim_between(0, t->delay_us / 4 + 20);

	if (sim_chance(net_faults.slow))
		delay += sim_between(MS(200), S(20)); /* it was lost, and sent again */
	s->next = NULL;
	s->at_us = sim_now_us + delay;
	if (s->at_us < to->last_us)
		s->at_us = to->last_us;
	to->last_us = s->at_us;
	*to->tail = s;
	to->tail = &s->next;
	to->flight += s->n;
	sim_at(s->at_us, tcp_event, t->id << 1 | (unsigned)side);
}

static void tell(struct tcp *t, int side, enum seg_type type, int error)
{
	struct segment *s = NEW(struct segment);

	s->type = type;
	s->error = error;
	journey(t, side, s);
}

static void drop_segments(struct side *s)
{
	while (s->head != NULL) {
		struct segment *next = s->head->next;

		free(s->head);
		s->head = next;
	}
	s->tail = &s->head;
	s->flight = 0;
}

static void tcp_free(struct tcp *t)
{
	for (int i = 0; i < 2; i++) {
		drop_segments(&t->side[i]);
		buf_deinit(&t->side[i].in);
	}
	list_del(&t->link);
	free(t);
}

static void fail(struct tcp *t, int side, int error)
{
	struct side *s = &t->side[side];

	if (s->error == 0)
		s->error = error;
	s->ended = true;
	fd_wake(t, side);
}

static void cut(struct tcp *t)
{
	t->cut = true;
	net_cuts++;
	sim_trace("cut", t->id, t->how);
	for (int i = 0; i < 2; i++)
		drop_segments(&t->side[i]);
	if (t->how == CUT_RESET)
		for (int i = 0; i < 2; i++)
			fail(t, i, ECONNRESET);
	if (t->how == CUT_ENDED) {
		int side = (int)sim_random(2);

		t->side[side].ended = true;
		fd_wake(t, side);
		fail(t, !side, ECONNRESET);
	}
}

static struct listener_queue *listener_at(const struct sim_host *h, uint16_t port)
{
	for (struct link *l = listeners.next; l != &listeners; l = l->next) {
		struct listener_queue *q = LIST_OF(l, struct listener_queue, link);

		if (q->host == h && q->port == port)
			return q;
	}
	return NULL;
}

static void called(struct tcp *t)
{
	struct side *s = &t->side[1];
	struct listener_queue *q = listener_at(s->host, s->port);

	/* A machine that is off says nothing; who has given up is not connected any more. */
	if (!s->host->up || !t->side[0].open)
		return;
	if (q == NULL || q->count == BACKLOG) {
		tell(t, 0, SEG_RESET, ECONNREFUSED);
		return;
	}
	s->open = s->connected = true;
	t->listener = q;
	q->waiting[q->count++] = t;
	tell(t, 0, SEG_ACCEPTED, 0);
	fd_wake(q, 0);
}

static void octets_came(struct tcp *t, int side, const struct segment *seg)
{
	struct side *s = &t->side[side];
	uint64_t left = t->cut_at - t->passed;
	size_t n = seg->n < left ? seg->n : (size_t)left;

	t->passed += n;
	if (s->open) {
		buf_put(&s->in, str_of(seg->octets, n));
		sim_trace_octets(str_of(seg->octets, n));
		fd_wake(t, side);
	} else if (s->host->up) {
		tell(t, !side, SEG_RESET, ECONNRESET);
	}
	if (t->passed >= t->cut_at)
		cut(t);
}

static void tcp_event(uint64_t arg)
{
	struct tcp *t = tcp_find(arg >> 1);
	int side = (int)(arg & 1);
	struct side *s = t == NULL ? NULL : &t->side[side];
	struct segment *seg = s == NULL ? NULL : s->head;
	int64_t held;

	if (seg == NULL || seg->at_us > sim_now_us)
		return;
	held = partition_end(t);
	if (held != 0) {
		/* What was lost is sent again, at longer and longer intervals. */
		seg->at_us = held + sim_between(0, S(3));
		s->last_us = seg->at_us > s->last_us ? seg->at_us : s->last_us;
		for (struct segment *n = seg; n != NULL; n = n->next) {
			n->at_us = n->at_us < seg->at_us ? seg->at_us : n->at_us;
			sim_at(n->at_us, tcp_event, arg);
		}
		return;
	}
	s->head = seg->next;
	if (s->head == NULL)
		s->tail = &s->head;
	s->flight -= seg->n;
	sim_trace("segment", arg, (uint64_t)seg->type << 32 | seg->n);
	switch (seg->type) {
	case SEG_SYN: called(t); break;
	case SEG_ACCEPTED:
		s->connected = true;
		fd_wake(t, side);
		if (!s->open)
			tell(t, !side, SEG_RESET, ECONNRESET);
		break;
	case SEG_OCTETS: octets_came(t, side, seg); break;
	case SEG_END:
		s->ended = true;
		fd_wake(t, side);
		break;
	case SEG_RESET: fail(t, side, seg->error); break;
	}
	free(seg);
	fd_wake(t, !side); /* there is room */
	if (!t->side[0].open && !t->side[1].open && t->side[0].head == NULL &&
		t->side[1].head == NULL && t->listener == NULL)
		tcp_free(t);
}

int net_socket(void)
{
	struct tcp *t = NEW(struct tcp);
	int fd;

	for (int i = 0; i < 2; i++)
		t->side[i].tail = &t->side[i].head;
	t->id = ++tcp_ids;
	t->side[0].host = sim_self->host;
	t->side[0].open = true;
	list_append(&tcps, &t->link);
	fd = fd_new(FD_TCP, t, 0);
	if (fd < 0)
		tcp_free(t);
	return fd;
}

int net_connect(int fd, const struct sockaddr *to)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)to;
	struct descriptor *d = fd_of(fd, FD_TCP);
	struct tcp *t = d == NULL ? NULL : d->object;

	if (t == NULL || to->sa_family != AF_INET) {
		errno = t == NULL ? EBADF : ENETUNREACH;
		return -1;
	}
	for (size_t i = 0; i < sim_host_count; i++)
		if (memcmp(sim_hosts[i].address, &v4->sin_addr, 4) == 0)
			t->side[1].host = &sim_hosts[i];
	if (t->side[1].host == NULL) {
		errno = EHOSTUNREACH;
		return -1;
	}
	t->side[0].port = (uint16_t)(1024 + ports++ % 60000);
	t->side[1].port = ntohs(v4->sin_port);
	t->delay_us = sim_chance(700) ? sim_between(50, MS(2)) : sim_between(MS(2), MS(200));
	t->piece = sim_chance(net_faults.tiny) ? (size_t)sim_between(1, 40) : 1460;
	t->cut_at = !sim_chance(net_faults.cut) ? UINT64_MAX
						: sim_random(sim_chance(700) ? 2500 : 40000);
	t->how = (enum cut_how)sim_random(3);
	tell(t, 1, SEG_SYN, 0);
	errno = EINPROGRESS;
	return -1;
}

static int64_t name_of(const struct side *s, struct sockaddr *to, socklen_t *n)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(s->port) };

	if (to == NULL || *n < sizeof v4)
		return 0;
	memcpy(&v4.sin_addr, s->host->address, 4);
	memcpy(to, &v4, sizeof v4);
	*n = sizeof v4;
	return 0;
}

int net_accept(int fd, struct sockaddr *peer, socklen_t *n)
{
	struct descriptor *d = fd_of(fd, FD_LISTENER);
	struct listener_queue *q = d == NULL ? NULL : d->object;
	struct tcp *t;
	int got;

	if (q == NULL || q->count == 0) {
		errno = q == NULL ? EBADF : EAGAIN;
		return -1;
	}
	t = q->waiting[0];
	got = fd_new(FD_TCP, t, 1);
	if (got < 0)
		return -1;
	memmove(q->waiting, q->waiting + 1, --q->count * sizeof(t));
	t->listener = NULL;
	name_of(&t->side[0], peer, n);
	return got;
}

int net_name(int fd, bool peer, struct sockaddr *to, socklen_t *n)
{
	struct descriptor *d = fd_of(fd, FD_TCP);

	if (d == NULL) {
		errno = ENOTCONN;
		return -1;
	}
	return (int)name_of(&((struct tcp *)d->object)->side[d->side ^ peer], to, n);
}

ssize_t net_receive(int fd, void *to, size_t n, int flags)
{
	struct descriptor *d = fd_of(fd, FD_TCP);
	struct tcp *t = d == NULL ? NULL : d->object;
	struct side *s = t == NULL ? NULL : &t->side[d->side];
	size_t got;

	if (s == NULL) {
		errno = EBADF;
		return -1;
	}
	if (s->in.len == 0) {
		if (s->error != 0) {
			errno = s->error;
			s->error = 0;
			return -1;
		}
		errno = EAGAIN;
		return s->ended ? 0 : -1;
	}
	got = s->in.len < n ? s->in.len : n;
	if (got > 1 && (flags & (MSG_PEEK | MSG_TRUNC)) == 0 && sim_chance(net_faults.tiny / 4))
		got = 1 + sim_random(got);
	if ((flags & MSG_TRUNC) == 0)
		memcpy(to, buf_str(&s->in).p, got);
	if ((flags & MSG_PEEK) == 0)
		buf_consume(&s->in, got);
	fd_wake(t, !d->side);
	return (ssize_t)got;
}

ssize_t net_send(int fd, const void *from, size_t n)
{
	struct descriptor *d = fd_of(fd, FD_TCP);
	struct tcp *t = d == NULL ? NULL : d->object;
	struct side *peer;
	size_t room, sent = 0;

	if (t == NULL || t->side[d->side].error != 0 || !t->side[d->side].connected) {
		errno = t == NULL ? EBADF : t->side[d->side].error != 0 ? EPIPE : EAGAIN;
		return -1;
	}
	peer = &t->side[!d->side];
	room = WINDOW -
	       (peer->in.len + peer->flight < WINDOW ? peer->in.len + peer->flight : WINDOW);
	if (room == 0) {
		errno = EAGAIN;
		return -1;
	}
	n = n < room ? n : room;
	while (sent < n) {
		size_t piece = n - sent < t->piece ? n - sent : t->piece;
		struct segment *s;

		if (sim_chance(net_faults.tiny / 2))
			piece = 1 + sim_random(piece);
		s = mem_zalloc(sizeof *s + piece);
		s->n = piece;
		memcpy(s->octets, (const char *)from + sent, piece);
		sent += piece;
		if (t->cut)
			free(s);
		else
			journey(t, !d->side, s);
	}
	return (ssize_t)sent;
}

int net_error(int fd)
{
	struct descriptor *d = fd_of(fd, FD_TCP);
	struct side *s = d == NULL ? NULL : &((struct tcp *)d->object)->side[d->side];
	int error = s == NULL ? EBADF : s->error;

	if (s != NULL)
		s->error = 0;
	return error;
}

void tcp_close(void *tcp, int side, bool silently)
{
	struct tcp *t = tcp;
	struct side *s = &t->side[side];

	s->open = false;
	if (!silently && !t->cut && t->side[!side].host != NULL && s->connected)
		tell(t, !side, s->in.len > 0 ? SEG_RESET : SEG_END, ECONNRESET);
	else if (!t->side[!side].open && t->side[0].head == NULL && t->side[1].head == NULL)
		tcp_free(t);
}

/* Its peers learn of it when they say something to the machine that has forgotten them. */
void net_host_down(struct sim_host *h)
{
	for (struct link *l = tcps.next, *next = l->next; l != &tcps; l = next, next = l->next) {
		struct tcp *t = LIST_OF(l, struct tcp, link);

		for (int side = 0; side < 2; side++)
			if (t->side[side].host == h && t->side[!side].host != NULL && !t->cut) {
				t->cut = true;
				drop_segments(&t->side[0]);
				drop_segments(&t->side[1]);
				t->side[!side].last_us = sim_now_us + sim_between(S(1), S(200));
				tell(t, !side, SEG_RESET, ETIMEDOUT);
			}
	}
}

int tcp_events(const void *tcp, int side)
{
	const struct tcp *t = tcp;
	const struct side *s = &t->side[side], *peer = &t->side[!side];
	int events = 0;

	if (s->in.len > 0 || s->ended || s->error != 0)
		events |= LOOP_READ;
	if (s->error != 0 || (s->connected && peer->in.len + peer->flight < WINDOW))
		events |= LOOP_WRITE;
	return events;
}

void tcp_end(void)
{
	while (!list_empty(&tcps))
		tcp_free(LIST_OF(tcps.next, struct tcp, link));
	memset(partitions, 0, sizeof partitions);
	tcp_ids = ports = 0;
	net_cuts = 0;
}

/* ---- listeners ---- */

int net_listen(struct sim_host *h, uint16_t port)
{
	struct listener_queue *q = NEW(struct listener_queue);

	q->host = h;
	q->port = port;
	list_append(&listeners, &q->link);
	return fd_new(FD_LISTENER, q, 0);
}

bool listener_ready(const void *listener)
{
	return ((const struct listener_queue *)listener)->count > 0;
}

void listener_close(void *listener, bool silently)
{
	struct listener_queue *q = listener;

	for (size_t i = 0; i < q->count; i++) {
		q->waiting[i]->listener = NULL;
		tcp_close(q->waiting[i], 1, silently);
	}
	list_del(&q->link);
	free(q);
}
