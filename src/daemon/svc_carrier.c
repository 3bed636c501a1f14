#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/ipc_lookup.h"
#include "daemon/svc_lookup.h"
#include "daemon/svc_queue.h"

static void lost(void *owner)
{
	struct svc_carrier *c = owner;

	if (!c->dead) {
		c->dead = true;
		svc_lookup_carrier_lost(c);
		svc_queue_carrier_lost(c);
	}
}

static void received(void *owner, struct ipc_packet *p)
{
	struct svc_carrier *c = owner;

	if (!c->dead && !(p->fd < 0 && (p->head.type == IPC_LOOKUP ? svc_lookup_answered(c, p)
								   : svc_queue_packet(c, p)))) {
		log_error("store.bad-packet", F_INT("type", p->head.type),
			F_INT("session", p->head.session));
		lost(c);
	}
	if (p->fd >= 0)
		close(p->fd);
}

void svc_add_carrier(struct svc *s, int fd, uint32_t pid)
{
	struct svc_carrier *c;

	for (struct link *l = s->carriers.next; l != &s->carriers; l = l->next) {
		c = LIST_OF(l, struct svc_carrier, link);
		if (pid != 0 && c->pid == pid)
			lost(c);
	}
	c = NEW(struct svc_carrier);
	c->svc = s;
	c->pid = pid;
	list_init(&c->seals);
	c->ipc = ipc_new(s->loop, fd, received, lost, c);
	ipc_gather(c->ipc);
	list_append(&s->carriers, &c->link);
}

void svc_reap_carriers(struct svc *s)
{
	struct link *l, *next;

	for (l = s->carriers.next; l != &s->carriers; l = next) {
		struct svc_carrier *c = LIST_OF(l, struct svc_carrier, link);

		next = l->next;
		if (!c->dead) {
			ipc_flush(c->ipc);
			continue;
		}
		ipc_free(c->ipc);
		list_del(l);
		free(c);
	}
}

void svc_close_carriers(struct svc *s)
{
	for (struct link *l = s->carriers.next; l != &s->carriers; l = l->next) {
		struct svc_carrier *c = LIST_OF(l, struct svc_carrier, link);

		if (!c->dead)
			lost(c);
	}
	svc_reap_carriers(s);
}
