/* The process that dials: no listening socket, no file, no user's session; its only way to the mail is
 * the channel to the store. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/carrier.h"

enum { ORPHAN_MS = 30 * 1000 };

static void from_store(void *owner, struct ipc_packet *p)
{
	(void)owner;
	if (p->fd >= 0)
		close(p->fd);
}

static void store_lost(void *owner)
{
	struct carrier *c = owner;

	log_warn("carrier.store-lost", F_INT("jobs", 0));
	c->store_lost = true;
	loop_timer_at(&c->orphaned, loop_now_ms(c->loop) + ORPHAN_MS);
}

/* The store lives but does not want this carrier any more: a packet of ours was wrong. */
static void orphaned(struct loop_timer *t)
{
	(void)t;
	log_error("carrier.orphaned", F_INT("jobs", 0));
	log_flush();
	_exit(EX_SOFTWARE);
}

static void from_parent(void *owner, struct ipc_packet *p)
{
	struct carrier *c = owner;

	switch ((enum leash_type)p->head.type) {
	case LEASH_CHANNEL:
		if (p->fd < 0)
			break;
		ipc_free(c->store);
		c->store = ipc_new(c->loop, p->fd, from_store, store_lost, c);
		c->store_lost = false;
		loop_timer_stop(&c->orphaned);
		return;
	case LEASH_DRAIN:
	case LEASH_STOP:
		c->draining = true;
		loop_stop(c->loop);
		break;
	case LEASH_READY:
	case LEASH_CONFIG:
	case LEASH_TOKENS:
	case LEASH_TICKETS:
	case LEASH_CARRIER: break; /* not for a carrier */
	}
	if (p->fd >= 0)
		close(p->fd);
}

static void parent_lost(void *owner)
{
	struct carrier *c = owner;

	loop_stop(c->loop);
}

static void turn_end(void *arg)
{
	(void)arg;
	log_flush();
}

_Noreturn void carrier_process(struct child_start *start)
{
	static struct carrier carrier;
	struct carrier *c = &carrier;
	struct err err = { 0 };
	struct ipc_head ready = { .type = LEASH_READY };
	char root[4096];

	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes with write(2) */
	snprintf(root, sizeof root, "%s/empty", start->state);
	c->start = start;
	c->config = start->config;
	if (sandbox_drop(&start->identity, root, &err) != ST_OK ||
		sandbox_syscalls(SANDBOX_CARRIER, &err) != ST_OK) {
		log_error("carrier.failed", F_C("err", err.text));
		_exit(EX_CONFIG);
	}
	c->loop = loop_new();
	loop_timer_init(&c->orphaned, c->loop, orphaned);
	c->leash = ipc_new(c->loop, start->leash, from_parent, parent_lost, c);
	c->store = ipc_new(c->loop, start->channel, from_store, store_lost, c);
	loop_at_turn_end(c->loop, turn_end, c);
	ipc_send(c->leash, &ready, STR(""), STR(""), -1);
	loop_run(c->loop);
	log_flush();
	_exit(0);
}
