#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/ipc_lookup.h"
#include "daemon/svc_lookup.h"

enum { SLOTS_MAX = 1 << 20 };

static void free_session(struct svc_session *x)
{
	struct svc_edge *e = x->edge;

	sasl_free(x->sasl);
	svc_close_drops(x);
	store_listing_free(&x->first);
	svc_transaction_end(x);
	buf_deinit(&x->recipients);
	buf_deinit(&x->expunged);
	buf_deinit(&x->login_answer);
	free(x->room);
	buf_deinit(&x->ahead.ids);
	buf_deinit(&x->ahead.lengths);
	svc_capture_end(x);
	if (!x->gone)
		e->sessions[x->slot] = NULL;
	e->live--;
	free(x);
}

static void end_session(struct svc_session *x)
{
	/* A SASL step can be dropped in the middle; what the store does cannot. */
	if (x->open && x->sasl != NULL &&
		(x->asked.type == IPC_AUTH || x->asked.type == IPC_AUTH_STEP)) {
		sasl_free(x->sasl);
		x->sasl = NULL;
		x->open = false;
	}
	if (x->wait != NULL) {
		svc_wait_stop(x);
		x->open = false;
	}
	if (!x->open) {
		free_session(x);
		return;
	}
	/* The edge may give the slot to a new session at once: this one lives on without it. */
	x->gone = true;
	x->edge->sessions[x->slot] = NULL;
}

void svc_answer(struct svc_session *x, unsigned result, struct str a, struct str b, int fd)
{
	struct ipc_head head = x->asked;

	head.result = (uint16_t)result;
	x->open = false;
	if (!x->edge->dead && !x->gone)
		ipc_send(x->edge->ipc, &head, a, b, fd);
	if (x->gone)
		free_session(x);
}

static struct svc_session *session_of(struct svc_edge *e, uint32_t slot, bool make)
{
	struct svc_session *x;

	if (slot >= e->slots) {
		size_t slots = e->slots == 0 ? 64 : e->slots;

		if (!make)
			return NULL;
		while (slots <= slot)
			slots *= 2;
		e->sessions = mem_array(e->sessions, slots, sizeof *e->sessions);
		memset(e->sessions + e->slots, 0, (slots - e->slots) * sizeof *e->sessions);
		e->slots = slots;
	}
	x = e->sessions[slot];
	if (x == NULL && make) {
		x = NEW(struct svc_session);
		x->edge = e;
		x->slot = slot;
		e->sessions[slot] = x;
		e->live++;
	}
	return x;
}

/* Once: an edge that has it needs no other. */
static bool give_window(struct svc_edge *e)
{
	struct ipc_head head = { .type = IPC_WINDOW };
	int fd;

	if (e->window != NULL)
		return false;
	e->window = window_make(&fd);
	if (e->window == NULL)
		return true;
	ipc_send(e->ipc, &head, STR(""), STR(""), fd);
	close(fd);
	return true;
}

static bool dispatch(struct svc_edge *e, struct ipc_packet *p)
{
	static bool (*const handlers[])(struct svc_session *, struct reader *) = {
		[IPC_AUTH] = svc_auth,
		[IPC_AUTH_STEP] = svc_auth_step,
		[IPC_SENDER] = svc_sender,
		[IPC_RCPT] = svc_rcpt,
		[IPC_DRAFT] = svc_draft,
		[IPC_COMMIT] = svc_commit,
		[IPC_LIST] = svc_list,
		[IPC_READ] = svc_read,
		[IPC_EXPUNGE] = svc_expunge,
		[IPC_ETRN] = svc_etrn,
	};
	struct svc_session *x;

	if (p->head.session >= SLOTS_MAX)
		return false;
	if (p->head.type == IPC_LOOKUP)
		return svc_lookup(e, p);
	if (p->head.type == IPC_LOCAL)
		return svc_local(e, session_of(e, p->head.session, true), p);
	if (p->fd >= 0)
		return false;
	if (p->head.type == IPC_RESET || p->head.type == IPC_END) {
		x = session_of(e, p->head.session, false);
		if (x == NULL)
			return true;
		if (p->head.type == IPC_END)
			end_session(x);
		else if (x->open)
			return false;
		else
			svc_transaction_end(x);
		return true;
	}
	if (p->head.type == IPC_WINDOW)
		return give_window(e);
	if (p->head.type == IPC_HELLO)
		return svc_hello(session_of(e, p->head.session, true), &p->body);
	if (p->head.type == IPC_CAPTURE) {
		x = session_of(e, p->head.session, false);
		return x == NULL || svc_capture_put(x, &p->body);
	}
	if (p->head.type == IPC_RETRIEVED) {
		x = session_of(e, p->head.session, false);
		return x == NULL || svc_retrieved(x, &p->body);
	}
	if (p->head.type >= sizeof handlers / sizeof *handlers || handlers[p->head.type] == NULL)
		return false;
	x = session_of(e, p->head.session, true);
	if (x->open)
		return false;
	x->open = true;
	x->asked = p->head;
	if (handlers[p->head.type](x, &p->body))
		return true;
	x->open = false; /* nobody will answer it */
	return false;
}

static void lost(void *owner)
{
	struct svc_edge *e = owner;

	e->dead = true;
	svc_lookup_edge_lost(e);
	for (size_t i = 0; i < e->slots; i++)
		if (e->sessions[i] != NULL)
			end_session(e->sessions[i]);
}

static void received(void *owner, struct ipc_packet *p)
{
	struct svc_edge *e = owner;

	if (e->dead || dispatch(e, p))
		return;
	log_error(
		"store.bad-packet", F_INT("type", p->head.type), F_INT("session", p->head.session));
	if (p->fd >= 0)
		close(p->fd);
	lost(e);
}

/* An edge that keeps its end of those before would have as many as it likes, and our descriptors. */
static void end_other(struct svc *s, uint32_t pid)
{
	for (struct link *l = s->edges.next; l != &s->edges; l = l->next) {
		struct svc_edge *e = LIST_OF(l, struct svc_edge, link);

		if (!e->dead && pid != 0 && e->pid == pid)
			lost(e);
	}
}

void svc_add_edge(struct svc *s, int fd, uint32_t pid)
{
	struct svc_edge *e = NEW(struct svc_edge);

	end_other(s, pid);
	e->svc = s;
	e->pid = pid;
	e->ipc = ipc_new(s->loop, fd, received, lost, e);
	ipc_gather(e->ipc);
	list_append(&s->edges, &e->link);
}

void svc_reap(struct svc *s)
{
	struct link *l, *next;

	svc_wait_turn(s);
	for (l = s->edges.next; l != &s->edges; l = next) {
		struct svc_edge *e = LIST_OF(l, struct svc_edge, link);

		next = l->next;
		if (!e->dead) {
			ipc_flush(e->ipc);
			continue;
		}
		ipc_free(e->ipc);
		e->ipc = NULL;
		if (e->live > 0)
			continue;
		list_del(l);
		window_free(e->window);
		free(e->sessions);
		free(e);
	}
	svc_reap_carriers(s);
}

void svc_close(struct svc *s)
{
	for (struct link *l = s->edges.next; l != &s->edges; l = l->next) {
		struct svc_edge *e = LIST_OF(l, struct svc_edge, link);

		if (!e->dead)
			lost(e);
	}
	svc_reap(s);
	svc_close_carriers(s);
	svc_lookup_free(s);
	svc_delay_free(s);
	svc_caps_free(s);
}
