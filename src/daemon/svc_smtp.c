/* Recipients, drafts and commits of SMTP sessions. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/uidl.h"
#include "daemon/quota.h"
#include "daemon/svc_queue.h"
#include "proto/dsn.h"
#include "proto/verp.h"

enum { RECIPIENTS_MAX = 100000 };

void svc_transaction_end(struct svc_session *x)
{
	for (size_t i = 0; i < x->nfound; i++)
		maildrops_free(&x->found[i]);
	free(x->found);
	x->found = NULL;
	x->nfound = 0;
	buf_release(&x->recipients);
	buf_release(&x->full);
	buf_release(&x->nearly_full);
	buf_release(&x->srs);
	free(x->targets);
	x->targets = NULL;
	store_draft_free(x->draft);
	x->draft = NULL;
	x->goes_on = x->owes = x->mistaken = false;
	dkim_hash_free(x->hash);
	x->hash = NULL;
	buf_release(&x->signing.fields);
}

static bool has_quota(struct office *o, const struct maildrops *found)
{
	bool has = false;

	for (size_t i = 0; i < found->count && !has; i++)
		has = quota_is_set(o, found->ids[i]);
	return has;
}

/* What may be said of it to other strangers too, until accounts change; 0: nothing. */
static uint64_t lasts(const struct svc_session *x, const struct maildrops *found)
{
	struct svc *s = x->edge->svc;

	return s->changes == NULL || svc_sends_as(x) != 0 ||
			       (x->notice && found->onward_count > 0) /* an SRS address */ ||
			       has_quota(&s->office, found)
		       ? 0
		       : *s->changes;
}

/* False: not what an honest edge sends. */
static bool take_recipient(
	struct svc_session *x, struct reader *r, enum resolved *answer, uint64_t *changes)
{
	struct str recipient = get_str(r);
	uint64_t octets = get_u64(r);
	uint8_t notify = get_u8(r);
	struct str orcpt = get_str(r);
	struct maildrops found = { 0 };
	enum resolved resolved;

	if (r->bad || x->nfound >= RECIPIENTS_MAX)
		return false;
	resolved = svc_resolve(x, recipient, &found);
	if (resolved == RESOLVED && svc_is_full(x->edge->svc, &found, octets))
		resolved = RESOLVED_FULL;
	/* RFC 4865 4.2: not before its time, and only what goes on is held. */
	if (resolved == RESOLVED && x->held && found.count > 0)
		resolved = RESOLVED_NOT_HELD;
	*answer = resolved;
	*changes = resolved == RESOLVED ? lasts(x, &found) : 0;
	if (resolved == RESOLVED) {
		x->found = mem_array(x->found, x->nfound + 1, sizeof *x->found);
		x->found[x->nfound++] = found;
		put_str(&x->recipients, recipient);
		put_u8(&x->recipients, notify);
		put_str(&x->recipients, orcpt);
		x->goes_on |= found.onward_count > 0;
	} else {
		maildrops_free(&found);
	}
	return true;
}

/* Those that the edge has said yes to, and the one it asks about. */
static bool take_recipients(
	struct svc_session *x, struct reader *r, enum resolved *answer, uint64_t *changes)
{
	uint8_t flags = get_u8(r);

	*answer = RESOLVED;
	if (flags & IPC_RCPT_FIRST)
		svc_transaction_end(x);
	x->notice = (flags & IPC_RCPT_NOTICE) != 0;
	x->held = (flags & IPC_RCPT_HELD) != 0;
	do {
		x->mistaken |= *answer != RESOLVED;
		if (!take_recipient(x, r, answer, changes))
			return false;
	} while (r->rest.n > 0);
	return true;
}

bool svc_rcpt(struct svc_session *x, struct reader *r)
{
	struct buf body = { 0 };
	enum resolved answer;
	uint64_t changes = 0;

	if (!take_recipients(x, r, &answer, &changes))
		return false;
	put_u64(&body, changes);
	svc_answer(x, answer, buf_str(&body), STR(""), -1);
	buf_deinit(&body);
	return true;
}

static bool take_promised(struct svc_session *x, struct str recipients)
{
	struct reader r = { .rest = recipients };
	enum resolved answer = RESOLVED;
	uint64_t changes;

	if (recipients.n > 0 && !take_recipients(x, &r, &answer, &changes))
		return false;
	x->mistaken |= answer != RESOLVED;
	return true;
}

/* Where octets belong to. */
struct place {
	struct msgid id;
	uint16_t top;
	uint64_t offset;
};

/* Appends to the draft; an offset that does not continue it means that this store was restarted in
 * the middle of a message: it cannot be whole any more. */
static bool draft_append(
	struct svc_session *x, struct place at, struct str octets, enum store_result *result)
{
	struct msgid id = at.id;

	if (at.offset == at.top) {
		store_draft_free(x->draft);
		x->draft = store_draft_new(x->edge->svc->office.store, id);
		store_draft_leave_top(x->draft, at.top);
		x->draft_id = id;
		dkim_hash_free(x->hash);
		x->hash = x->goes_on && svc_sends_as(x) != 0 && x->edge->svc->signer != NULL
				  ? dkim_hash_new()
				  : NULL;
	}
	if (x->draft == NULL || !msgid_eq(x->draft_id, id) ||
		store_draft_size(x->draft) != at.offset)
		return false;
	*result = store_draft_append(x->draft, octets);
	if (x->hash != NULL)
		dkim_hash_feed(x->hash, octets);
	return true;
}

static struct msgid get_id(struct reader *r)
{
	struct msgid id = { { 0 } };
	struct str s = get_bytes(r, sizeof id.b);

	if (s.n == sizeof id.b)
		memcpy(id.b, s.p, sizeof id.b);
	return id;
}

static struct place get_place(struct reader *r)
{
	struct place at = { .id = get_id(r) };

	at.top = get_u16(r);
	at.offset = get_u64(r);
	return at;
}

/* Nobody signs what is not there yet. */
static bool place_is_honest(const struct svc_session *x, struct place at)
{
	return at.top <= STORE_TOP_MAX && (at.top == 0 || svc_sends_as(x) == 0);
}

bool svc_draft(struct svc_session *x, struct reader *r)
{
	struct place at = get_place(r);
	struct str octets = get_str(r);
	enum store_result result = STORE_UNAVAILABLE;

	if (r->bad || r->rest.n > 0 || !place_is_honest(x, at))
		return false;
	if (!draft_append(x, at, octets, &result))
		result = STORE_UNAVAILABLE;
	if (x->asked.seq != 0)
		svc_answer(x, result, STR(""), STR(""), -1);
	else
		x->open = false; /* the draft remembers how it went */
	return true;
}

static void delivered(struct store_op *op, enum store_result result)
{
	struct svc_session *x = LIST_OF(op, struct svc_session, op.deliver.op);
	struct buf full = { 0 };

	put_str(&full, buf_str(&x->full));
	x->draft = NULL; /* taken over by store_deliver() */
	if (result == STORE_OK && (x->goes_on || x->owes))
		svc_queue_added(x->edge->svc, x->draft_id, false);
	if (result == STORE_OK)
		svc_nearly_full_tell(x);
	svc_transaction_end(x);
	svc_answer(x, result, buf_str(&full), STR(""), -1);
	buf_deinit(&full);
}

/* pop3_uidl_format as far as new mail has what it names; empty: the id. */
static void uidl_of_new(const struct svc_session *x, struct buf *out)
{
	struct str format = str_c(x->edge->svc->office.config->pop3_uidl_format);
	struct uidl_facts facts = { .id = x->draft_id };

	if (!str_eq(format, STR("%i")))
		uidl_make(format, &facts, out);
}

/* RFC 3461 5.2.3, 5.2.7: what is put in a mailbox here is told at once, when that was asked for; an alias
 * of one address only hands the question on; one of several is told of itself, and hands nothing on but the
 * rest of NOTIFY. */
static uint8_t settled_here(const struct maildrops *found, struct str sender, uint8_t notify)
{
	if ((notify & DSN_SUCCESS) == 0 || sender.n == 0 || found->count + found->onward_count == 0)
		return 0;
	if (found->count + found->onward_count > 1)
		return STORE_OUT_EXPANDED;
	return found->count == 1 ? STORE_OUT_HERE : 0;
}

/* NOTIFY without SUCCESS; when nothing is left nobody wants to know anything. */
static uint8_t without_success(uint8_t notify)
{
	return notify == DSN_SUCCESS ? DSN_NEVER : notify & (uint8_t)~DSN_SUCCESS;
}

/* Of targets that go on, `sender` is the recipient as the client named him: puts the sender that is his own, or
 * the message's where there is none. */
static void put_verps(struct svc_session *x)
{
	const struct store_deliver *d = &x->op.deliver;
	struct buf one = { 0 };
	struct reader verps;

	for (size_t i = 0; i < d->count; i++) {
		buf_clear(&one);
		if (x->targets[i].sender.p != NULL)
			(void)verp_put(&one, d->sender, x->targets[i].sender, x->verp);
		put_str(&x->srs, buf_str(&one));
	}
	buf_deinit(&one);
	verps = (struct reader){ buf_str(&x->srs), false };
	for (size_t i = 0; i < d->count; i++) {
		struct str verp = get_str(&verps);

		x->targets[i].sender = verp.n > 0 ? verp : (struct str){ NULL, 0 };
	}
}

/* The texts of the commit live in x->recipients until it is done: the packet does not.  False: under which sender
 * it goes on cannot be read now. */
static bool fill_deliver(
	struct svc_session *x, struct str sender, struct str client, struct str envid)
{
	struct store_deliver *d = &x->op.deliver;
	struct str uidl_text, srs = { NULL, 0 }, none = { NULL, 0 };
	struct reader texts, onward = { .bad = false };
	size_t total = 0, n = 0;
	struct buf uidl = { 0 };
	bool verp = (d->flags & STORE_VERP) != 0;

	if (x->goes_on && !verp)
		switch (svc_srs(x, sender, &x->srs)) {
		case SAID_YES: srs = buf_str(&x->srs); break;
		case SAID_NO: break;
		case SAID_NOTHING: return false;
		}
	uidl_of_new(x, &uidl);
	put_str(&x->recipients, sender);
	put_str(&x->recipients, client);
	put_str(&x->recipients, envid);
	put_str(&x->recipients, buf_str(&uidl));
	buf_deinit(&uidl);
	texts = (struct reader){ buf_str(&x->recipients), false };

	for (size_t i = 0; i < x->nfound; i++)
		total += x->found[i].count + x->found[i].onward_count + 1;
	x->targets = mem_array(NULL, total, sizeof *x->targets);
	for (size_t i = 0; i < x->nfound; i++) {
		struct str recipient = get_str(&texts);
		uint8_t notify = get_u8(&texts);
		struct str orcpt = get_str(&texts);
		uint8_t settled = settled_here(&x->found[i], sender, notify);

		if (settled != 0)
			x->targets[n++] = (struct store_target){ .recipient = recipient,
				.notify = notify,
				.orcpt = orcpt,
				.settled = settled };
		x->owes |= settled != 0;
		for (size_t k = 0; k < x->found[i].count; k++)
			x->targets[n++] = (struct store_target){ .maildrop = x->found[i].ids[k],
				.recipient = recipient,
				.notify = notify,
				.orcpt = orcpt };
		onward.rest = buf_str(&x->found[i].onward);
		for (size_t k = 0; k < x->found[i].onward_count; k++) {
			struct str address = get_str(&onward);

			x->targets[n++] = (struct store_target){ .recipient = address,
				.notify = settled != 0 ? without_success(notify) : notify,
				.orcpt = orcpt,
				.sender = verp                                ? recipient
					  : svc_forwarded(recipient, address) ? srs
									      : none };
		}
	}
	d->targets = x->targets;
	d->count = n;
	d->sender = get_str(&texts);
	d->client = get_str(&texts);
	d->envid = get_str(&texts);
	uidl_text = get_str(&texts);
	if (verp)
		put_verps(x);
	for (size_t i = 0; i < n; i++)
		x->targets[i].uidl = uidl_text;
	return true;
}

static void deliver(struct signing *signing)
{
	struct svc_session *x = LIST_OF(signing, struct svc_session, signing);

	x->op.deliver.prefix = buf_str(&signing->fields);
	store_deliver(x->edge->svc->office.store, &x->op.deliver);
}

/* Signs first what goes on; the session's question stays open meanwhile.  False: whether it is to be signed cannot
 * be read now.  Unsigned it would be refused, or taken for a forgery, by servers that go by DMARC: it comes
 * again instead. */
static bool sign_and_deliver(struct svc_session *x)
{
	struct dkim_hash *hash = x->hash;
	enum said signs = SAID_NO;

	x->hash = NULL;
	x->signing.done = deliver;
	if (hash != NULL)
		signs = signer_sign(x->edge->svc->signer, &x->signing, hash, x->account);
	if (signs == SAID_NO)
		deliver(&x->signing);
	return signs != SAID_NOTHING;
}

static enum store_result put_top(struct svc_session *x, struct str top)
{
	return top.n == 0 ? STORE_OK : store_draft_put_top(x->draft, top);
}

bool svc_commit(struct svc_session *x, struct reader *r)
{
	struct str promised = get_str(r);
	struct place at = get_place(r);
	struct str top = get_str(r);
	int64_t received_ms = (int64_t)get_u64(r);
	bool each = get_u8(r) != 0;
	struct str sender = get_str(r), client = get_str(r);
	uint8_t ret = get_u8(r);
	struct str envid = get_str(r);
	uint8_t flags = get_u8(r);
	bool verp =
		(flags & STORE_VERP) == 0 || verp_delimiters(get_bytes(r, sizeof x->verp), x->verp);
	int64_t hold_ms = (int64_t)get_u64(r);
	struct str octets = get_str(r);
	enum store_result result = STORE_UNAVAILABLE;

	if (r->bad || r->rest.n > 0 || !verp || top.n != at.top || !place_is_honest(x, at) ||
		!take_promised(x, promised))
		return false;
	if (x->mistaken) {
		svc_transaction_end(x);
		svc_answer(x, IPC_MISTAKEN, STR(""), STR(""), -1);
		return true;
	}
	if (x->nfound == 0 || !draft_append(x, at, octets, &result) || result != STORE_OK ||
		(result = put_top(x, top)) != STORE_OK) {
		svc_transaction_end(x);
		svc_answer(x, result, STR(""), STR(""), -1);
		return true;
	}
	if (svc_all_full(x, store_draft_size(x->draft))) {
		svc_transaction_end(x);
		svc_answer(x, IPC_OVER_QUOTA, STR(""), STR(""), -1);
		return true;
	}
	if (each)
		svc_leave_out_full(x, store_draft_size(x->draft));
	svc_nearly_full_look(x, store_draft_size(x->draft));
	x->op.deliver = (struct store_deliver){ .op.done = delivered,
		.draft = x->draft,
		.received_ms = received_ms,
		.ret = ret,
		.flags = flags & (STORE_SMTPUTF8 | STORE_REQUIRETLS | STORE_VERP),
		.hold_ms = hold_ms,
		.account = x->account };
	if (!fill_deliver(x, sender, client, envid) || !sign_and_deliver(x)) {
		svc_transaction_end(x);
		svc_answer(x, STORE_UNAVAILABLE, STR(""), STR(""), -1);
	}
	return true;
}
