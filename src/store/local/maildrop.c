/* Maildrop sessions: leases live in memory only, so a crash frees them all. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/local/impl.h"

static struct link *lease_bucket(struct store *s, uint64_t maildrop)
{
	return &s->leases[maildrop % LEASE_BUCKETS];
}

static struct lease *lease_of(struct store *s, uint64_t maildrop)
{
	struct link *head = lease_bucket(s, maildrop);

	for (struct link *l = head->next; l != head; l = l->next) {
		struct lease *lease = LIST_OF(l, struct lease, link);

		if (lease->maildrop == maildrop)
			return lease;
	}
	return NULL;
}

struct lease *lease_find(struct store *s, uint64_t maildrop, uint64_t token)
{
	struct lease *l = lease_of(s, maildrop);

	return l != NULL && l->token == token ? l : NULL;
}

void lease_end(struct store *s, struct lease *l)
{
	reading_end(s, &l->reading);
	free(l->ahead);
	list_del(&l->link);
	free(l);
}

static enum store_result open_lease(struct store *s, struct store_open *o)
{
	enum store_result r;
	struct lease *l;

#ifndef MUTANT_NO_LOCK
	if (lease_of(s, o->maildrop) != NULL)
		return STORE_BUSY;
#endif
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	r = index_usage(s->index, o->maildrop, &o->count, &o->octets);
	if (r != STORE_OK)
		return r;
	l = NEW(struct lease);
	l->maildrop = o->maildrop;
	l->bound = s->place.pos;
	l->count = o->count;
	l->octets = o->octets;
	l->reading.file = -1;
	while (l->token == 0) /* 0 means "no lease" */
		random_bytes(&l->token, sizeof l->token);
	list_append(lease_bucket(s, o->maildrop), &l->link);
	o->token = l->token;
	return STORE_OK;
}

void store_open(struct store *s, struct store_open *o)
{
	o->token = o->count = o->octets = 0;
	o->op.done(&o->op, open_lease(s, o));
}

void store_close(struct store *s, uint64_t maildrop, uint64_t token)
{
	struct lease *l = lease_find(s, maildrop, token);

	if (l != NULL)
		lease_end(s, l);
}

static enum store_result list_maildrop(struct store *s, struct store_listing *l)
{
	uint64_t before = INT64_MAX, expect = 0, octets;
	enum store_result r = STORE_OK;
	struct lease *lease;

	if (l->token != 0) {
		lease = lease_find(s, l->maildrop, l->token);
		if (lease == NULL)
			return STORE_CONFLICT;
		before = lease->bound;
		expect = lease->count;
	}
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	if (l->token == 0)
		r = index_usage(s->index, l->maildrop, &expect, &octets);
	return r == STORE_OK ? index_list(s->index, l, before, expect) : r;
}

void store_list(struct store *s, struct store_listing *l)
{
	l->rows = NULL;
	l->uidls = NULL;
	l->count = l->uidls_len = 0;
	l->op.done(&l->op, list_maildrop(s, l));
}

void store_listing_free(struct store_listing *l)
{
	free(l->rows);
	free(l->uidls);
	l->rows = NULL;
	l->uidls = NULL;
	l->count = l->uidls_len = 0;
}

/* Only what is there and in view of the lease: then the count is right, and a record never names
 * what its session did not see. */
static enum store_result expunge_ids(
	struct store *s, const struct store_expunge *e, const struct lease *l, struct change *c)
{
	size_t step;

	put_u64(&c->entry.record, e->maildrop);
	for (size_t i = 0; i < e->count; i += step) {
		struct index_run run;
		enum store_result r =
			index_run(s->index, e->maildrop, l->bound, &e->ids[i], e->count - i, &run);

		step = r == STORE_OK ? run.count : 1;
		if (r == STORE_OK) {
			buf_put(&c->entry.record, str_of(&e->ids[i], step * sizeof *e->ids));
			c->named += step;
		} else if (r != STORE_NOT_FOUND) {
			return r;
		}
	}
	return STORE_OK;
}

void store_expunge(struct store *s, struct store_expunge *e)
{
	struct lease *l = lease_find(s, e->maildrop, e->token);
	enum store_result r = l == NULL ? STORE_CONFLICT : STORE_OK;
	struct change *c = NULL;

	e->expunged = 0;
	if (r == STORE_OK && (!store_apply(s) || store_overloaded(s)))
		r = STORE_UNAVAILABLE;
	if (r == STORE_OK) {
		c = change_new(s, RECORD_EXPUNGE, &e->op);
		c->told = &e->expunged;
		c->entry.deletes = true;
		r = expunge_ids(s, e, l, c);
		reading_end(s, &l->reading);
		free(l->ahead);
		l->ahead = NULL;
	}
	if (r == STORE_OK && c->named > 0) {
		change_submit(c);
		return;
	}
	change_free(c);
	e->op.done(&e->op, r);
}

void store_retrieved(struct store *s, const struct store_retrieved *r)
{
	struct change *c;

	if (r->count == 0 || s->low || store_overloaded(s))
		return;
	c = change_new(s, RECORD_RETRIEVED, NULL);
	c->entry.leisure_ms = STORE_NOTE_MS;
	put_u8(&c->entry.record, (uint8_t)r->nmaildrops);
	for (size_t i = 0; i < r->nmaildrops; i++)
		put_u64(&c->entry.record, r->maildrops[i]);
	put_u64(&c->entry.record, (uint64_t)r->at_ms);
	put_str(&c->entry.record, r->client);
	buf_put(&c->entry.record, str_of(r->ids, r->count * sizeof *r->ids));
	change_submit(c);
}

void store_drop(struct store *s, struct store_drop *d)
{
	struct lease *l = lease_of(s, d->maildrop);
	struct change *c;

	if (l != NULL)
		lease_end(s, l);
	if (store_overloaded(s)) {
		d->op.done(&d->op, STORE_UNAVAILABLE);
		return;
	}
	c = change_new(s, RECORD_DROP, &d->op);
	c->entry.deletes = true;
	put_u64(&c->entry.record, d->maildrop);
	change_submit(c);
}

enum store_result store_usage(struct store *s, uint64_t maildrop, uint64_t *count, uint64_t *octets)
{
	*count = *octets = 0;
	if (!store_apply(s))
		return STORE_UNAVAILABLE;
	return index_usage(s->index, maildrop, count, octets);
}
