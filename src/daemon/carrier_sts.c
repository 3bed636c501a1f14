#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/carrier_sts.h"

enum { DOMAINS_MOST = 2000 };

struct sts_domain {
	struct link link; /* the least used first */
	struct carrier *carrier;
	char *name;
	struct mtasts_entry entry;
	struct dns_query query;
	struct web_question web;
	bool asking;
	char id[MTASTS_ID_MAX + 1]; /* of the record, while it is fetched */
	struct link waiting;
	struct loop_timer later;
};

/* Lets those who wait go on. */
static void tell(struct loop_timer *t)
{
	struct sts_domain *d = LIST_OF(t, struct sts_domain, later);
	struct link *l;

	while (!d->asking && (l = list_take(&d->waiting)) != NULL) {
		struct sts_wait *w = LIST_OF(l, struct sts_wait, link);

		w->policy = mtasts_active(&d->entry, clock_steady_ms());
		w->done(w);
	}
}

static void decided(struct sts_domain *d)
{
	d->asking = false;
	loop_timer_at(&d->later, 0);
}

/* body: a policy that was fetched under this id; "": there was none to be had. */
static void take(struct sts_domain *d, struct str id, struct str body, int64_t fetched_ms)
{
	struct mtasts_policy policy = { 0 };
	struct err err = { 0 };
	bool good = body.n > 0 && mtasts_parse(&policy, body, &err) == ST_OK;

	if (body.n > 0 && !good)
		log_info("carrier.mta-sts", F_C("domain", d->name), F_C("err", err.text));
	mtasts_fetched(&d->entry, id, good ? &policy : NULL, fetched_ms);
}

static void fetched(struct web_question *q, const struct web_answer *a)
{
	struct sts_domain *d = LIST_OF(q, struct sts_domain, web);

	if (a->error.n > 0)
		log_info("carrier.mta-sts", F_C("domain", d->name), F_STR("err", a->error));
	take(d, str_c(d->id), a->body, clock_steady_ms());
	if (d->asking)
		decided(d);
}

static void fetch(struct sts_domain *d, struct str id)
{
	if (d->web.busy)
		return;
	memcpy(d->id, id.p, id.n);
	d->id[id.n] = '\0';
	web_fetch(&d->carrier->web, &d->web, str_c(d->name), id, fetched);
}

static void answered(struct dns_query *q, const struct dns_answer *a)
{
	struct sts_domain *d = LIST_OF(q, struct sts_domain, query);
	struct str id = STR("");

	if (!mtasts_record(a, &id) || id.n > MTASTS_ID_MAX)
		id = STR("");
	switch (mtasts_next(&d->entry, id, clock_steady_ms())) {
	case MTASTS_USE: decided(d); return;
	case MTASTS_FETCH: fetch(d, id); return;
	case MTASTS_FETCH_ALSO:
		fetch(d, id);
		decided(d);
		return;
	}
}

static struct sts_domain *find(struct carrier *c, struct str name)
{
	for (struct link *l = c->sts.prev; l != &c->sts; l = l->prev) {
		struct sts_domain *d = LIST_OF(l, struct sts_domain, link);

		if (str_ieq(str_c(d->name), name)) {
			list_del(&d->link);
			list_append(&c->sts, &d->link);
			return d;
		}
	}
	return NULL;
}

static void forget_one(struct carrier *c)
{
	for (struct link *l = c->sts.next; l != &c->sts; l = l->next) {
		struct sts_domain *d = LIST_OF(l, struct sts_domain, link);

		if (d->asking || d->web.busy || !list_empty(&d->waiting))
			continue;
		list_del(&d->link);
		loop_timer_stop(&d->later);
		mtasts_entry_deinit(&d->entry);
		free(d->name);
		free(d);
		c->sts_count--;
		return;
	}
}

static struct sts_domain *make(struct carrier *c, struct str name)
{
	struct sts_domain *d = NEW(struct sts_domain);

	if (c->sts_count >= DOMAINS_MOST)
		forget_one(c);
	d->carrier = c;
	d->name = str_dup_c(name);
	list_init(&d->waiting);
	loop_timer_init(&d->later, c->loop, tell);
	list_append(&c->sts, &d->link);
	c->sts_count++;
	return d;
}

static void ask_dns(struct sts_domain *d)
{
	struct buf name = { 0 };

	buf_put(&name, STR("_mta-sts."));
	buf_put(&name, str_c(d->name));
	resolve_start(d->carrier->resolver, &d->query, buf_str(&name), DNS_TXT, answered);
	buf_deinit(&name);
}

/* What is kept over a restart counts as if it had been fetched here. */
static void recalled(struct web_question *q, const struct web_answer *a)
{
	struct sts_domain *d = LIST_OF(q, struct sts_domain, web);

	if (a->body.n > 0)
		take(d, a->id, a->body, a->fetched_ms);
	ask_dns(d);
}

void sts_look(struct carrier *c, struct sts_wait *w, struct str domain)
{
	struct sts_domain *d = find(c, domain);
	bool known = d != NULL;

	if (!known)
		d = make(c, domain);
	list_append(&d->waiting, &w->link);
	if (d->asking)
		return;
	d->asking = true;
	if (known)
		ask_dns(d);
	else
		web_recall(&c->web, &d->web, domain, recalled);
}

void sts_cancel(struct sts_wait *w)
{
	if (w->link.next != NULL)
		list_del(&w->link);
}
