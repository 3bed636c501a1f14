/* net/resolve.h: every name of the world is known to every machine, when DNS works. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/resolve.h"
#include "sim.h"

const char resolver_root_anchors[] = "";

struct dns_faults dns_faults;

struct resolver {
	struct loop *loop;
	struct loop_timer timer;
	struct link asked;
};

void resolver_from_resolv_conf(struct str text, struct buf *servers)
{
	(void)text;
	(void)servers;
}

static const struct sim_host *host_named(struct str name)
{
	for (size_t i = 0; i < sim_host_count; i++)
		if (str_ieq(str_c(sim_hosts[i].name), name))
			return &sim_hosts[i];
	return NULL;
}

/* "a.test" has its mail on the machine mx.a.test. */
static void answer_mx(struct dns_query *q, struct dns_answer *a, struct dns_row *row, struct buf *b)
{
	char host[100];

	snprintf(host, sizeof host, "mx.%s", q->name);
	if (host_named(str_c(host)) == NULL) {
		a->outcome = DNS_NXDOMAIN;
		return;
	}
	buf_put(b, str_c(host));
	*row = (struct dns_row){ .preference = 10, .data = buf_str(b) };
	a->rows = row;
	a->count = 1;
	a->outcome = DNS_FOUND;
}

static void answer(struct dns_query *q)
{
	struct dns_answer a = { .outcome = DNS_NODATA, .ttl = 60, .name = str_c(q->name) };
	const struct sim_host *h = host_named(str_c(q->name));
	struct dns_row row;
	struct buf b = { 0 };
	char *name = q->name;

	if (sim_chance(dns_faults.fail)) {
		a.outcome = DNS_FAILED;
		a.why = STR("simulated failure");
	} else if (q->type == DNS_MX) {
		answer_mx(q, &a, &row, &b);
	} else if (h == NULL) {
		a.outcome = DNS_NXDOMAIN;
	} else if (q->type == DNS_A) {
		row = (struct dns_row){ .data = str_of(h->address, 4) };
		a.rows = &row;
		a.count = 1;
		a.outcome = DNS_FOUND;
	}
	q->state = DNS_IDLE;
	q->name = NULL;
	q->done(q, &a);
	free(name);
	buf_deinit(&b);
}

static void rearm(struct resolver *r)
{
	int64_t next = INT64_MAX;

	for (struct link *l = r->asked.next; l != &r->asked; l = l->next)
		if (LIST_OF(l, struct dns_query, link)->deadline_ms < next)
			next = LIST_OF(l, struct dns_query, link)->deadline_ms;
	if (next == INT64_MAX)
		loop_timer_stop(&r->timer);
	else
		loop_timer_at(&r->timer, next);
}

static struct dns_query *due(struct resolver *r)
{
	for (struct link *l = r->asked.next; l != &r->asked; l = l->next)
		if (LIST_OF(l, struct dns_query, link)->deadline_ms <= loop_now_ms(r->loop))
			return LIST_OF(l, struct dns_query, link);
	return NULL;
}

static void on_timer(struct loop_timer *t)
{
	struct resolver *r = LIST_OF(t, struct resolver, timer);
	struct dns_query *q;

	while ((q = due(r)) != NULL) {
		list_del(&q->link);
		answer(q);
	}
	rearm(r);
}

struct resolver *resolver_new(struct loop *l, const struct resolver_config *config, struct err *err)
{
	struct resolver *r = NEW(struct resolver);

	(void)config;
	(void)err;
	r->loop = l;
	list_init(&r->asked);
	loop_timer_init(&r->timer, l, on_timer);
	return r;
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	loop_timer_stop(&r->timer);
	while (!list_empty(&r->asked))
		resolve_cancel(LIST_OF(r->asked.next, struct dns_query, link));
	free(r);
}

void resolve_start(struct resolver *r, struct dns_query *q, struct str name, enum dns_type type,
	void (*done)(struct dns_query *q, const struct dns_answer *a))
{
	int64_t delay = sim_chance(dns_faults.slow) ? sim_between(1000, 30000) : sim_between(0, 30);

	if (str_ends(name, STR(".")))
		name = str_head(name, name.n - 1);
	free(q->name);
	q->resolver = r;
	q->name = str_dup_c(name);
	q->type = type;
	q->done = done;
	q->state = DNS_ASKED;
	q->deadline_ms = loop_now_ms(r->loop) + delay;
	list_append(&r->asked, &q->link);
	rearm(r);
}

void resolve_cancel(struct dns_query *q)
{
	if (q->state == DNS_ASKED)
		list_del(&q->link);
	q->state = DNS_IDLE;
	free(q->name);
	q->name = NULL;
}
