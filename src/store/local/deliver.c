/* Taking a message: one record with its facts, all its recipients and (when small) its octets. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/local/impl.h"

static struct link *known_bucket(struct store *s, struct msgid id)
{
	uint32_t h;

	memcpy(&h, id.b + sizeof id.b - sizeof h, sizeof h);
	return &s->known[h % KNOWN_BUCKETS];
}

struct change *deliver_known(struct store *s, struct msgid id)
{
	struct link *head = known_bucket(s, id);

	for (struct link *l = head->next; l != head; l = l->next) {
		struct change *c = LIST_OF(l, struct change, known);

		if (msgid_eq(c->id, id))
			return c;
	}
	return NULL;
}

bool deliver_under_way(struct store *s, struct msgid id)
{
	return deliver_known(s, id) != NULL;
}

/* Somebody asks again for what is kept already.  The answer is the old one when it is the same
 * message for the same maildrops, whether or not they have deleted it since. */
static enum store_result asked_again(
	struct store *s, const struct store_deliver *d, const struct index_message *m)
{
	if (m->octets != d->draft->size || m->crc != d->draft->crc)
		return STORE_CONFLICT;
	for (size_t i = 0; i < d->count; i++) {
		const struct store_target *t = &d->targets[i];
		enum store_result r =
			t->maildrop != 0 ? index_has(s->index, t->maildrop, m->pos, true)
					 : index_onward_has(s->index, d->draft->id, t->recipient);

		if (r != STORE_OK)
			return r == STORE_NOT_FOUND ? STORE_CONFLICT : r;
	}
	return STORE_OK;
}

/* STORE_NOT_FOUND: it is new. */
static enum store_result lookup(struct store *s, const struct store_deliver *d)
{
	const struct change *c = deliver_known(s, d->draft->id);
	struct index_message m;
	enum store_result r;

	if (c != NULL && !c->durable)
		return STORE_UNKNOWN; /* the first asking is under way: ask again later */
	if (c != NULL && !store_apply(s))
		return STORE_UNAVAILABLE;
	r = index_message(s->index, d->draft->id, &m);
	return r == STORE_OK ? asked_again(s, d, &m) : r;
}

static bool same_target(const struct store_target *a, const struct store_target *b)
{
	return a->maildrop == b->maildrop &&
	       (a->maildrop != 0 || str_eq(a->recipient, b->recipient));
}

static bool seen_before(const struct store_deliver *d, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_target(&d->targets[k], &d->targets[i]))
			return true;
	return false;
}

static int by_maildrop(const void *a, const void *b)
{
	const struct store_target *const *x = a, *const *y = b;

	if ((*x)->maildrop != (*y)->maildrop)
		return (*x)->maildrop < (*y)->maildrop ? -1 : 1;
	if (!same_target(*x, *y))
		return str_cmp((*x)->recipient, (*y)->recipient);
	return *x < *y ? -1 : 1;
}

/* Every maildrop once, and everybody to whom it goes on.  A few are compared pair by pair; many (a large list) are sorted. */
static void put_targets(struct buf *b, const struct message_meta *m, const struct store_deliver *d)
{
	const struct store_target **sorted = NULL;

	if (d->count > 16) {
		sorted = mem_array(NULL, d->count, sizeof(*sorted));
		for (size_t i = 0; i < d->count; i++)
			sorted[i] = &d->targets[i];
		qsort((void *)sorted, d->count, sizeof(*sorted), by_maildrop);
	}
	for (size_t i = 0; i < d->count; i++) {
		const struct store_target *t = sorted != NULL ? sorted[i] : &d->targets[i];
		struct message_target mt = { t->maildrop, t->recipient, t->uidl, t->notify,
			t->orcpt, t->sender, t->settled };

		if (sorted != NULL ? i > 0 && same_target(sorted[i - 1], t) : seen_before(d, i))
			continue;
		message_put_target(b, m, &mt);
	}
	free((void *)sorted);
}

static void put_message(struct change *c, const struct store_deliver *d, uint16_t flags)
{
	const struct store_draft *draft = d->draft;
	struct message_meta m = {
		.id = draft->id,
		.octets = draft->size,
		.header_octets = draft->facts.header_octets,
		.flags = flags,
		.received_ms = d->received_ms,
		.sender = d->sender,
		.client = d->client,
		.message_id = facts_message_id(&draft->facts),
		.ret = d->ret,
		.envid = d->envid,
		.prefix = d->prefix,
		.hold_ms = d->hold_ms,
		.account = d->account,
	};

	message_put(&c->entry.record, &m);
	put_targets(&c->entry.record, &m, d);
}

static enum store_result file_ready(struct change *c)
{
	struct store *s = c->store;
	char *home = blob_home(s->blob_dir, c->id);

	c->entry.file_dir = s->disk->ops->open_dir(s->disk, home, false);
	free(home);
	if (c->entry.file_dir < 0) {
		log_error("store.blob", F_C("err", strerror(-c->entry.file_dir)),
			F_C("do", "a directory of blob/ cannot be opened; check its mode"));
		return STORE_UNAVAILABLE;
	}
	c->entry.has_file = true;
	c->file_name = blob_path(s->blob_dir, c->id);
	c->entry.file = (struct disk_link){ c->draft->file, c->file_name };
	return STORE_OK;
}

/* A UIDL goes out on one line of the protocol (RFC 1939 7: 1 to 70 octets of 0x21 to 0x7E). */
static bool targets_are_sound(const struct store_deliver *d)
{
	for (size_t i = 0; i < d->count; i++) {
		struct str u = d->targets[i].uidl;

		if ((d->targets[i].maildrop == 0 && d->targets[i].recipient.n == 0) || u.n > 70)
			return false;
		for (size_t k = 0; k < u.n; k++)
			if (u.p[k] < 0x21 || u.p[k] > 0x7e)
				return false;
	}
	return d->count > 0;
}

static bool asks_for_notices(const struct store_deliver *d)
{
	if (d->ret != 0 || d->envid.n > 0)
		return true;
	for (size_t i = 0; i < d->count; i++)
		if (d->targets[i].notify != 0 || d->targets[i].orcpt.n > 0)
			return true;
	return false;
}

static uint16_t flags_of(const struct store_deliver *d)
{
	enum { CALLERS = STORE_SMTPUTF8 | STORE_REQUIRETLS | STORE_REPORT | STORE_VERP };
	const struct facts *f = &d->draft->facts;
	unsigned flags = (d->flags & CALLERS) | (f->eight_body ? STORE_8BIT : 0) |
			 (f->eight_header ? STORE_8BIT_HEADER : 0);

	/* RFC 8689 4.1: what MAIL says counts more than the field. */
	if (f->tls_required == TLS_NO && (flags & STORE_REQUIRETLS) == 0)
		flags |= STORE_TLS_OPTIONAL;

	flags = flags << MESSAGE_FLAGS_SHIFT | (f->dots ? MESSAGE_DOTS : 0) |
		(d->draft->file >= 0 ? MESSAGE_BLOB : 0) | (asks_for_notices(d) ? MESSAGE_DSN : 0);
	for (size_t i = 0; i < d->count; i++)
		if (d->targets[i].maildrop == 0)
			flags |= MESSAGE_OUT;
	return (uint16_t)flags;
}

static enum store_result begin(struct store *s, struct store_deliver *d, struct change **out)
{
	enum store_result r = draft_finish(d->draft);
	struct change *c;
	uint16_t flags;

	if (r != STORE_OK)
		return r;
	if (!targets_are_sound(d))
		return STORE_CONFLICT;
	if (store_overloaded(s))
		return STORE_UNAVAILABLE;
	if (!reserve_hold(s))
		return STORE_FULL;
	r = lookup(s, d);
	if (r != STORE_NOT_FOUND)
		return r;
	c = change_new(s, RECORD_MESSAGE, &d->op);
	c->id = d->draft->id;
	c->draft = d->draft;
	flags = flags_of(d);
	c->goes_on = (flags & (MESSAGE_OUT | MESSAGE_BLOB)) == MESSAGE_OUT;
	put_message(c, d, flags);
	c->entry.body_crc = d->draft->crc;
	if (d->draft->file >= 0)
		r = file_ready(c);
	else {
		c->entry.body = buf_str(&d->draft->mem);
		r = STORE_OK;
	}
	if (r != STORE_OK) {
		c->draft = NULL;
		change_free(c);
		return r;
	}
	*out = c;
	return STORE_OK;
}

void store_deliver(struct store *s, struct store_deliver *d)
{
	struct change *c = NULL;
	enum store_result r = begin(s, d, &c);

	if (c == NULL) {
		store_draft_free(d->draft);
		d->draft = NULL;
		d->op.done(&d->op, r);
		return;
	}
	d->draft = NULL;
	list_append(known_bucket(s, c->id), &c->known);
	change_submit(c);
}
