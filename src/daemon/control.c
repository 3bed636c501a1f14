/* The server's side.  A request runs to its end before the next event; its reply is collected, so that
 * a client that reads slowly holds memory, never the store. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/work.h"
#include "daemon/control.h"
#include "daemon/dkim_pair.h"
#include "daemon/office_import.h"
#include "net/conn.h"

enum { CLIENTS_MAX = 16, REPLY_MAX = 256 * 1024 * 1024, IDLE_MS = 60000, IMPORT_IDLE_MS = 600000 };

struct control {
	struct loop *loop;
	struct listener listener;
	int fd;
	uid_t uid;
	struct office *office;
	struct link clients;
	size_t count;
	struct work_pool *pool; /* NULL until a request needs it */
	struct loop_io pool_io;
};

struct client {
	struct link link;
	struct control *control;
	struct loop_io io;
	struct loop_timer timer;
	int fd;
	struct buf in, out;
	struct import_owner import_owner;
	struct import *import;   /* NULL: requests come */
	bool import_ends;        /* its last message came */
	struct long_work *waits; /* for that; or NULL */
};

/* A request that waits for what a thread does for it. */
struct long_work {
	struct work work;
	struct client *client; /* NULL: it went meanwhile */
	struct dkim_pair *pair;
	json_t *request;
};

struct collect {
	struct office_reply reply;
	struct buf *out;
};

static void frame_put(struct buf *out, char kind, struct str payload)
{
	put_u32(out, (uint32_t)payload.n);
	buf_putc(out, kind);
	buf_put(out, payload);
}

static void json_put(struct buf *out, char kind, json_t *v)
{
	char *text = json_dumps(v, JSON_COMPACT);

	if (text != NULL)
		frame_put(out, kind, str_c(text));
	free(text);
	json_decref(v);
}

static void collect_row(struct office_reply *r, json_t *row)
{
	json_put(LIST_OF(r, struct collect, reply)->out, 'r', row);
}

static void collect_octets(struct office_reply *r, struct str octets)
{
	frame_put(LIST_OF(r, struct collect, reply)->out, 'o', octets);
}

static void client_close(struct client *c)
{
	loop_io_want(&c->io, 0);
	loop_timer_stop(&c->timer);
	close(c->fd);
	import_close(c->import);
	if (c->waits != NULL)
		c->waits->client = NULL;
	list_del(&c->link);
	c->control->count--;
	buf_wipe(&c->in); /* requests hold hashes */
	buf_deinit(&c->out);
	free(c);
}

static void end_put(struct buf *out, enum status status, const struct err *err)
{
	json_put(out, 'e', json_pack("{s:i, s:s}", "status", (int)status, "error", err->text));
}

/* Comes while frames are taken, and later, when the disk has synced. */
static void import_row(struct import_owner *owner, json_t *row)
{
	struct client *c = LIST_OF(owner, struct client, import_owner);

	json_put(&c->out, 'r', row);
	loop_io_want(&c->io, LOOP_WRITE);
}

static void begin_import(struct client *c, const json_t *q)
{
	struct err err = { ST_OK, "" };

	c->import_owner.row = import_row;
	c->import_ends = false;
	c->import = import_open(c->control->office, q, &c->import_owner, &err);
	log_info(
		"control.request", F_STR("verb", STR("mailbox.import")), F_INT("status", err.code));
	if (c->import == NULL)
		end_put(&c->out, err.code, &err);
}

static void end_import(struct client *c)
{
	struct err err = { ST_OK, "" };

	import_close(c->import);
	c->import = NULL;
	end_put(&c->out, ST_OK, &err);
}

/* 'h' head, 'm' octets, 'c' commit, 'f' finish; false: this is not what our client sends. */
static bool import_frame(struct client *c, uint8_t kind, struct str payload)
{
	json_t *head;
	bool good;

	switch (kind) {
	case 'h':
		head = json_loadb(payload.p, payload.n, JSON_REJECT_DUPLICATES, NULL);
		good = head != NULL && import_head(c->import, head);
		json_decref(head);
		return good;
	case 'm': return payload.n <= IMPORT_PIECE_MAX && import_octets(c->import, payload);
	case 'c': return import_commit(c->import);
	case 'f': c->import_ends = true; return true;
	}
	return false;
}

static void execute(struct client *c, const json_t *q)
{
	struct collect collect = {
		.reply = { .row = collect_row, .octets = collect_octets },
		.out = &c->out,
	};
	struct err err = { ST_OK, "" };
	enum status status;

	if (q == NULL)
		status = err_set(&err, ST_USAGE, "the request is no JSON");
	else
		status = office_execute(c->control->office, q, &collect.reply, &err);
	/* An export asks so once for each mebibyte. */
	if (!str_eq(str_c(json_string_value(json_object_get(q, "verb"))), STR("mailbox.read")))
		log_info("control.request",
			F_C("verb", json_string_value(json_object_get(q, "verb"))),
			F_INT("status", status));
	if (c->out.full) {
		buf_clear(&c->out);
		status = err_set(&err, ST_LIMIT, "the answer is larger than 256 MiB");
	}
	end_put(&c->out, status, &err);
}

static void client_ready(struct loop_io *io, int events);

static void long_work_run(struct work *w)
{
	dkim_pair_make(LIST_OF(w, struct long_work, work)->pair);
}

static void long_work_done(struct work *w)
{
	struct long_work *l = LIST_OF(w, struct long_work, work);
	struct client *c = l->client;

	if (c != NULL) {
		c->waits = NULL;
		c->control->office->pair = l->pair;
		l->pair = NULL;
		execute(c, l->request);
		client_ready(&c->io, 0);
	}
	dkim_pair_free(l->pair);
	json_decref(l->request);
	free(l);
}

static void pool_ready(struct loop_io *io, int events)
{
	(void)events;
	work_poll(LIST_OF(io, struct control, pool_io)->pool);
}

static struct work_pool *pool_of(struct control *control)
{
	if (control->pool == NULL) {
		control->pool = work_pool_new(1, CLIENTS_MAX);
		loop_io_init(&control->pool_io, control->loop, work_fd(control->pool), pool_ready);
		loop_io_want(&control->pool_io, LOOP_READ);
	}
	return control->pool;
}

/* False: too many wait for it already. */
static bool begin_long_work(struct client *c, json_t *q, struct dkim_pair *pair)
{
	struct long_work *l = NEW(struct long_work);

	*l = (struct long_work){ .work = { .run = long_work_run, .done = long_work_done },
		.client = c,
		.pair = pair,
		.request = q };
	if (work_submit(pool_of(c->control), &l->work)) {
		c->waits = l;
		return true;
	}
	dkim_pair_free(pair);
	free(l);
	return false;
}

/* What takes long is done by a thread first: sessions go on meanwhile. */
static void begin(struct client *c, struct str text)
{
	json_t *q = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	struct dkim_pair *pair = office_long_work(q);

	if (pair != NULL && begin_long_work(c, q, pair))
		return;
	if (str_eq(str_c(json_string_value(json_object_get(q, "verb"))), STR("mailbox.import")))
		begin_import(c, q);
	else
		execute(c, q);
	json_decref(q);
}

static bool send_some(struct client *c)
{
	struct str s = buf_str(&c->out);
	ssize_t n = s.n == 0 ? 0 : send(c->fd, s.p, s.n, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_consume(&c->out, (size_t)n);
	if (c->out.len == 0)
		buf_release(&c->out);
	return true;
}

/* While an answer waits nothing is taken: that is the back-pressure. */
static bool may_take(const struct client *c)
{
	return c->out.len == 0 && c->waits == NULL && !c->control->office->restart &&
	       (c->import == NULL || (!c->import_ends && !import_is_full(c->import)));
}

/* One after the other: the next begins when the answer before it is sent.  False: the connection
 * is over, or this is not what our client sends. */
static bool take_requests(struct client *c)
{
	if (!send_some(c))
		return false;
	while (c->in.len >= CONTROL_HEADER && may_take(c)) {
		struct reader r = { .rest = buf_str(&c->in) };
		uint32_t n = get_u32(&r);
		uint8_t kind = get_u8(&r);

		if ((c->import == NULL && kind != 'q') || n > CONTROL_FRAME_MAX)
			return false;
		if (r.rest.n < n)
			return true;
		if (c->import == NULL)
			begin(c, str_head(r.rest, n));
		else if (!import_frame(c, kind, str_head(r.rest, n)))
			return false;
		buf_consume(&c->in, CONTROL_HEADER + (size_t)n);
		if (!send_some(c))
			return false;
	}
	if (c->import != NULL && c->import_ends && import_waiting(c->import) == 0) {
		end_import(c);
		return send_some(c);
	}
	return true;
}

/* -1: the connection is over; else what came, 0: nothing now. */
static ssize_t receive(struct client *c)
{
	char *to = buf_reserve(&c->in, 16384);
	ssize_t n = to == NULL ? -1 : recv(c->fd, to, 16384, 0);

	if (n > 0)
		buf_grew(&c->in, (size_t)n);
	if (n < 0 && to != NULL && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n == 0 ? -1 : n;
}

static void client_ready(struct loop_io *io, int events)
{
	struct client *c = LIST_OF(io, struct client, io);
	struct control *control = c->control;
	bool alive = true;

	if (events & LOOP_READ)
		alive = receive(c) >= 0;
	if (alive)
		alive = take_requests(c);
	if (!alive || (c->out.len == 0 && control->office->restart)) {
		client_close(c);
		if (control->office->restart)
			loop_stop(control->loop);
		return;
	}
	if (c->out.len > 0)
		loop_io_want(&c->io, LOOP_WRITE);
	else
		loop_io_want(&c->io, may_take(c) ? LOOP_READ : 0);
	loop_timer_at(&c->timer,
		loop_now_ms(control->loop) + (c->import == NULL ? IDLE_MS : IMPORT_IDLE_MS));
}

static void client_idle(struct loop_timer *t)
{
	client_close(LIST_OF(t, struct client, timer));
}

static bool may_call(const struct control *control, int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return false;
	return peer.uid == 0 || peer.uid == control->uid;
}

static void client_new(struct control *control, int fd)
{
	struct client *c = NEW(struct client);

	c->control = control;
	c->fd = fd;
	buf_init(&c->in, CONTROL_FRAME_MAX + 2 * 16384);
	buf_init(&c->out, REPLY_MAX);
	list_append(&control->clients, &c->link);
	control->count++;
	loop_io_init(&c->io, control->loop, fd, client_ready);
	loop_timer_init(&c->timer, control->loop, client_idle);
	loop_io_want(&c->io, LOOP_READ);
	loop_timer_at(&c->timer, loop_now_ms(control->loop) + IDLE_MS);
}

static void called(struct listener *l, int fd, const struct sockaddr *peer)
{
	struct control *control = LIST_OF(l, struct control, listener);

	(void)peer;
	if (control->count >= CLIENTS_MAX || !may_call(control, fd)) {
		log_warn("control.refused", F_INT("clients", control->count));
		close(fd);
		return;
	}
	client_new(control, fd);
}

struct control *control_serve(struct loop *l, int listen_fd, uid_t uid, struct office *o)
{
	struct control *control = NEW(struct control);

	control->loop = l;
	control->fd = listen_fd;
	control->uid = uid;
	control->office = o;
	o->served = true;
	list_init(&control->clients);
	fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK);
	listener_init(&control->listener, l, listen_fd, called);
	return control;
}

void control_stop(struct control *control)
{
	if (control == NULL)
		return;
	listener_stop(&control->listener);
	close(control->fd);
	while (!list_empty(&control->clients))
		client_close(LIST_OF(control->clients.next, struct client, link));
	if (control->pool != NULL) {
		loop_io_want(&control->pool_io, 0);
		work_pool_free(control->pool);
	}
	control->office->served = false;
	free(control);
}
