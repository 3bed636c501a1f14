#include "daemon/web_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

enum { FETCH_MS = WEB_TIMEOUT_MS + 30 * 1000, RECALL_MS = 10 * 1000, ADDRESS = 16 };

static void arm(struct web_client *w)
{
	int64_t first = INT64_MAX;

	for (struct link *l = w->asked.next; l != &w->asked; l = l->next) {
		struct web_question *q = LIST_OF(l, struct web_question, link);

		first = q->deadline_ms < first ? q->deadline_ms : first;
	}
	loop_timer_stop(&w->timer);
	if (first != INT64_MAX)
		loop_timer_at(&w->timer, first);
}

static void end(struct web_question *q, const struct web_answer *a)
{
	web_cancel(q);
	q->done(q, a);
}

/* It is told in a turn of its own. */
static void fail(struct web_question *q, const char *why)
{
	snprintf(q->error, sizeof q->error, "%s", why);
	q->deadline_ms = loop_now_ms(q->client->loop);
	arm(q->client);
}

static void on_timer(struct loop_timer *t)
{
	struct web_client *w = LIST_OF(t, struct web_client, timer);
	int64_t now = loop_now_ms(w->loop);
	struct link due;

	list_init(&due);
	for (struct link *l = w->asked.next, *next; l != &w->asked; l = next) {
		next = l->next;
		if (LIST_OF(l, struct web_question, link)->deadline_ms > now)
			continue;
		list_del(l);
		list_append(&due, l);
	}
	while (!list_empty(&due)) {
		struct web_question *q = LIST_OF(due.next, struct web_question, link);
		char error[sizeof q->error];
		struct web_answer a = { .error = STR("no answer in time") };

		if (q->error[0] != '\0') {
			snprintf(error, sizeof error, "%s", q->error);
			a.error = str_c(error);
		}
		end(q, &a);
	}
	arm(w);
}

static struct web_question *find(struct web_client *w, uint32_t number)
{
	for (struct link *l = w->asked.next; l != &w->asked; l = l->next)
		if (LIST_OF(l, struct web_question, link)->number == number)
			return LIST_OF(l, struct web_question, link);
	return NULL;
}

static void received(void *owner, struct ipc_packet *p)
{
	struct web_client *w = owner;
	struct web_question *q = find(w, p->head.session);
	struct web_answer a = { 0 };

	if (p->fd >= 0)
		close(p->fd);
	if (q == NULL || q->type != p->head.type || !q->sent || q->error[0] != '\0')
		return;
	if (q->type == WEB_FETCH) {
		a.error = get_str(&p->body);
	} else {
		a.id = get_str(&p->body);
		a.fetched_ms = (int64_t)get_u64(&p->body);
	}
	a.body = get_str(&p->body);
	/* Of times as far as that no difference is too large. */
	if (p->body.bad || a.fetched_ms < 0 || a.fetched_ms > INT64_MAX / 2)
		a = (struct web_answer){ .error = STR("an answer that cannot be read") };
	end(q, &a);
}

static void lost(void *owner)
{
	struct web_client *w = owner;

	w->lost = true;
	for (struct link *l = w->asked.next; l != &w->asked; l = l->next)
		LIST_OF(l, struct web_question, link)->sent = false;
}

static void send_question(struct web_question *q)
{
	struct web_client *w = q->client;
	struct ipc_head head = { .type = (uint16_t)q->type, .session = q->number, .seq = 1 };
	struct buf out = { 0 };

	if (w->lost || q->unanswered > 0 || q->error[0] != '\0')
		return;
	q->sent = true;
	put_str(&out, str_c(q->domain));
	if (q->type == WEB_FETCH) {
		put_str(&out, str_c(q->id));
		put_u16(&out, w->port);
		put_u8(&out, (uint8_t)(q->addresses.len / ADDRESS));
		buf_put(&out, buf_str(&q->addresses));
	}
	ipc_send(w->ipc, &head, buf_str(&out), STR(""), -1);
	buf_deinit(&out);
}

void web_client_init(struct web_client *w, struct loop *l, struct resolver *r)
{
	*w = (struct web_client){ .loop = l, .resolver = r, .port = 443, .lost = true };
	list_init(&w->asked);
	loop_timer_init(&w->timer, l, on_timer);
}

void web_client_deinit(struct web_client *w)
{
	ipc_free(w->ipc);
	w->ipc = NULL;
	loop_timer_stop(&w->timer);
}

void web_client_channel(struct web_client *w, int fd)
{
	lost(w);
	ipc_free(w->ipc);
	w->ipc = ipc_new(w->loop, fd, received, lost, w);
	w->lost = false;
	for (struct link *l = w->asked.next; l != &w->asked; l = l->next)
		send_question(LIST_OF(l, struct web_question, link));
}

static bool is_forbidden(const struct web_client *w, const unsigned char address[ADDRESS])
{
	for (size_t i = 0; w->never != NULL && i < w->never->count; i++)
		if (cidr_has(&w->never->rows[i], address))
			return true;
	return false;
}

static void take_addresses(struct web_question *q, const struct dns_answer *a)
{
	for (size_t i = 0; i < a->count && q->addresses.len < WEB_ADDRESSES * ADDRESS; i++) {
		unsigned char address[ADDRESS] = { [10] = 0xff, [11] = 0xff };
		size_t n = a->rows[i].data.n;

		memcpy(address + ADDRESS - n, a->rows[i].data.p, n);
		if (!is_forbidden(q->client, address))
			buf_put(&q->addresses, str_of(address, ADDRESS));
	}
}

static void resolved(struct web_question *q, const struct dns_answer *a)
{
	if (a->outcome == DNS_FOUND)
		take_addresses(q, a);
	if (--q->unanswered > 0)
		return;
	if (q->addresses.len == 0)
		fail(q, "the policy host has no address");
	else
		send_question(q);
}

static void resolved_v6(struct dns_query *d, const struct dns_answer *a)
{
	resolved(LIST_OF(d, struct web_question, queries[0]), a);
}

static void resolved_v4(struct dns_query *d, const struct dns_answer *a)
{
	resolved(LIST_OF(d, struct web_question, queries[1]), a);
}

static void ask(struct web_client *w, struct web_question *q, enum web_packet type,
	struct str domain, void (*done)(struct web_question *q, const struct web_answer *a))
{
	*q = (struct web_question){ .client = w,
		.busy = true,
		.type = type,
		.number = ++w->next,
		.deadline_ms = loop_now_ms(w->loop) + (type == WEB_FETCH ? FETCH_MS : RECALL_MS),
		.domain = str_dup_c(domain),
		.done = done };
	list_append(&w->asked, &q->link);
	arm(w);
}

void web_fetch(struct web_client *w, struct web_question *q, struct str domain, struct str id,
	void (*done)(struct web_question *q, const struct web_answer *a))
{
	struct buf host = { 0 };

	ask(w, q, WEB_FETCH, domain, done);
	q->id = str_dup_c(id);
	q->unanswered = 2;
	buf_put(&host, STR("mta-sts."));
	buf_put(&host, domain);
	resolve_start(w->resolver, &q->queries[0], buf_str(&host), DNS_AAAA, resolved_v6);
	resolve_start(w->resolver, &q->queries[1], buf_str(&host), DNS_A, resolved_v4);
	buf_deinit(&host);
}

void web_recall(struct web_client *w, struct web_question *q, struct str domain,
	void (*done)(struct web_question *q, const struct web_answer *a))
{
	ask(w, q, WEB_RECALL, domain, done);
	send_question(q);
}

void web_cancel(struct web_question *q)
{
	if (!q->busy)
		return;
	q->busy = false;
	resolve_cancel(&q->queries[0]);
	resolve_cancel(&q->queries[1]);
	list_del(&q->link);
	free(q->domain);
	free(q->id);
	buf_deinit(&q->addresses);
	arm(q->client);
}
