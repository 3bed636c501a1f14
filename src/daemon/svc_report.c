/* Telling senders what became of their mail (RFC 3461 6): one notice for all that is owed about a message.
 *
 * Its id follows from the message and from what is told, so that a notice that was kept right before a crash is
 * not made twice: asked again, the store says that it has it. */
#include <openssl/hmac.h>
#include <stdlib.h>

#include "account/dkim_keys.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/svc_queue.h"
#include "mime/compose.h"
#include "mime/report.h"
#include "proto/dsn.h"

enum { WHOLE_MAX = 100 * 1024, PIECE = 64 * 1024, UNREADABLE_MS = 10 * 60 * 1000 };

struct svc_report {
	struct store_deliver deliver;
	struct svc_queue *queue;
	const struct store_out *out;
	struct msgid id;
	struct str to; /* the sender, or: */
	struct buf postmaster;
	struct maildrops found;
	struct store_target *targets; /* owned */
};

static void tell(struct svc_queue *q, const struct store_out *o, bool told)
{
	queue_reported(q->queue, o, told, clock_steady_ms());
}

static void report_free(struct svc_report *r)
{
	maildrops_free(&r->found);
	free(r->targets);
	buf_deinit(&r->postmaster);
	free(r);
}

static void log_report(const char *what, const struct svc_report *r)
{
	char id[MSGID_TEXT + 1], about[MSGID_TEXT + 1];

	msgid_text(r->id, id);
	msgid_text(r->out->id, about);
	log_info("queue.report", F_C("id", id), F_C("about", about), F_STR("to", r->to),
		F_C("why", what));
}

static void kept(struct store_op *op, enum store_result result)
{
	struct svc_report *r = LIST_OF(op, struct svc_report, deliver.op);
	struct svc_queue *q = r->queue;
	/* CONFLICT: it was kept before, when our name or the like was another */
	bool told = result == STORE_OK || result == STORE_CONFLICT;

	log_report(told ? "kept" : "not kept, tried again later", r);
	q->report = NULL;
	if (result == STORE_OK && r->targets[r->deliver.count - 1].maildrop == 0)
		svc_queue_added(q->svc, r->id, true);
	tell(q, r->out, told);
	report_free(r);
}

/* ---- what it says ---- */

/* When what is told came about; the same whenever it is asked. */
static int64_t happened(
	const struct svc_queue *q, const struct store_out *o, const struct store_out_rcpt *r)
{
	if (r->state != STORE_OUT_WAITING)
		return r->due_ms;
	return r->last_ms != 0 ? r->last_ms
			       : o->since_ms + queue_schedule(q->queue, o, r).delay_notice_ms;
}

/* RFC 2033 4.2: who takes it by LMTP has delivered it; others pass it on (RFC 3464 2.3.3). */
static enum report_action taken(
	const struct svc_queue *q, const struct store_out *o, const struct store_out_rcpt *r)
{
	struct route route;

	if (r->flags & (STORE_OUT_HERE | STORE_OUT_EXPANDED))
		return r->flags & STORE_OUT_HERE ? REPORT_DELIVERED : REPORT_EXPANDED;
	queue_route(q->queue, o, r, &route);
	return route.kind == ROUTE_LMTP ? REPORT_DELIVERED : REPORT_RELAYED;
}

static bool split_status(struct str reply, struct str *status, struct str *text)
{
	*text = reply;
	*status = str_cut(text, ' ');
	return text->n > 0;
}

static size_t fill_recipients(struct svc_queue *q, const struct store_out *o,
	struct report_recipient *to, int64_t *wall_ms)
{
	size_t n = 0;

	*wall_ms = 0;
	for (size_t i = 0; i < o->count; i++) {
		const struct store_out_rcpt *r = &o->rcpts[i];
		struct report_recipient *t = &to[n];

		if (!queue_is_told(o, i))
			continue;
		*t = (struct report_recipient){ .recipient = r->recipient,
			.orcpt = r->orcpt,
			.host = r->host,
			.last_try_ms = r->last_ms };
		(void)split_status(r->reply, &t->status, &t->reply);
		switch (r->state) {
		case STORE_OUT_WAITING:
			t->action = REPORT_DELAYED;
			t->retry_till_ms = o->since_ms + queue_schedule(q->queue, o, r).lifetime_ms;
			break;
		case STORE_OUT_DELIVERED: t->action = taken(q, o, r); break;
		case STORE_OUT_FAILED:
		case STORE_OUT_DROPPED: t->action = REPORT_FAILED; break;
		}
		if (happened(q, o, r) > *wall_ms)
			*wall_ms = happened(q, o, r);
		n++;
	}
	return n;
}

/* Nobody outside can know it, for it is in the boundary. */
static bool make_id(struct svc_queue *q, struct svc_report *r, int64_t wall_ms)
{
	unsigned char secret[32], digest[32];
	const struct store_out *o = r->out;
	struct buf b = { 0 };
	unsigned n = sizeof digest;
	bool ok;

	ok = directory_srs_secret(q->svc->office.directory, secret, NULL) == ST_OK;
	buf_put(&b, STR("notice"));
	buf_put(&b, str_of(o->id.b, sizeof o->id.b));
	for (size_t i = 0; i < o->count; i++)
		if (queue_is_told(o, i)) {
			put_u32(&b, o->rcpts[i].number);
			put_u8(&b, (uint8_t)o->rcpts[i].state);
		}
	ok = ok && HMAC(EVP_sha256(), secret, sizeof secret, (const unsigned char *)buf_str(&b).p,
			   b.len, digest, &n) != NULL;
	buf_deinit(&b);
	for (size_t i = 0; i < 6; i++)
		r->id.b[i] = (unsigned char)(wall_ms >> (8 * (5 - i)));
	memcpy(r->id.b + 6, digest, sizeof r->id.b - 6);
	return ok;
}

static enum store_result append_original(
	struct svc_queue *q, struct store_draft *draft, const struct store_out *o, uint64_t octets)
{
	struct store_out *out = (struct store_out *)(uintptr_t)o;
	char *room = mem_alloc(PIECE);
	enum store_result result = STORE_OK;

	for (uint64_t at = 0; result == STORE_OK && at < octets;) {
		uint64_t want = octets - at < PIECE ? octets - at : PIECE, got = 0;

		result = store_out_read(
			q->svc->office.store, out, o->prefix_octets + at, room, want, &got);
		if (result == STORE_OK)
			result = got == 0 ? STORE_CORRUPT
					  : store_draft_append(draft, str_of(room, (size_t)got));
		at += got;
	}
	free(room);
	return result;
}

/* The message may be read in a while: a notice tells more with it. */
static bool is_soon(enum store_result result, const struct report *r)
{
	return result == STORE_UNAVAILABLE && clock_steady_ms() - r->wall_ms < UNREADABLE_MS;
}

/* RFC 5321 4.4: what ends here has its reverse-path in front; what goes on goes without that line. */
static void begin(struct buf *text, const struct report *report)
{
	compose_return_path(text, STR(""));
	report_begin(text, report);
}

static struct store_draft *compose(struct svc_queue *q, struct svc_report *r)
{
	const struct store_out *o = r->out;
	struct report_recipient *recipients = mem_array(NULL, o->count, sizeof *recipients);
	struct report report = { .hostname = str_c(q->svc->office.config->hostname),
		.to = r->to,
		.envid = o->envid,
		.original = o->id,
		.arrived_ms = o->received_ms,
		.held_until_ms = o->since_ms > o->received_ms ? o->since_ms : 0,
		.utf8 = (o->flags & STORE_SMTPUTF8) != 0,
		.tls_optional = (o->flags & STORE_TLS_OPTIONAL) != 0,
		.header_octets = o->header_octets,
		.octets = o->octets - o->prefix_octets,
		.recipients = recipients };
	struct store_draft *draft = NULL;
	enum store_result result;
	struct buf text = { 0 };

	report.count = fill_recipients(q, o, recipients, &report.wall_ms);
	if (make_id(q, r, report.wall_ms)) {
		report.id = r->id;
		/* RFC 8689 5: what was to be seen by nobody is not sent back by a way that may be open */
		report.whole = report_whole(&report,
			o->ret == DSN_RET_HDRS || (o->flags & STORE_REQUIRETLS) != 0, WHOLE_MAX);
		report.eightbit =
			(o->flags & STORE_8BIT_HEADER) || (report.whole && (o->flags & STORE_8BIT));
		draft = store_draft_new(q->svc->office.store, r->id);
		begin(&text, &report);
		(void)store_draft_append(draft, buf_str(&text));
		result = append_original(q, draft, o, report_returned(&report));
		if (result != STORE_OK) {
			store_draft_free(draft);
			draft = NULL;
		}
		if (result != STORE_OK && !is_soon(result, &report)) {
			report.whole = false; /* it cannot be read: then without it */
			report.header_octets = report.octets = 0;
			buf_clear(&text);
			draft = store_draft_new(q->svc->office.store, r->id);
			begin(&text, &report);
			(void)store_draft_append(draft, buf_str(&text));
		}
		if (draft != NULL) {
			buf_clear(&text);
			report_end(&text, &report);
			(void)store_draft_append(draft, buf_str(&text));
		}
	}
	buf_deinit(&text);
	free(recipients);
	return draft;
}

/* ---- where it goes ---- */

/* 0: nowhere, for good; SIZE_MAX: not known now. */
static size_t fill_targets(struct svc_queue *q, struct svc_report *r)
{
	enum resolved resolved = directory_resolve(q->svc->office.directory, r->to, &r->found);
	struct reader onward = { .rest = buf_str(&r->found.onward) };
	size_t n = 0;

	if (resolved == RESOLVED_TEMP)
		return SIZE_MAX;
	r->targets =
		mem_array(NULL, r->found.count + r->found.onward_count + 1, sizeof *r->targets);
	if (resolved == RESOLVED_FOREIGN)
		r->targets[n++] = (struct store_target){ .recipient = r->to };
	for (size_t i = 0; resolved == RESOLVED && i < r->found.count; i++)
		r->targets[n++] =
			(struct store_target){ .maildrop = r->found.ids[i], .recipient = r->to };
	while (resolved == RESOLVED && onward.rest.n > 0)
		r->targets[n++] = (struct store_target){ .recipient = get_str(&onward) };
	return n;
}

/* The sender has gone: what failed is still to be known by somebody.  False: nothing failed. */
static bool tell_postmaster(struct svc_report *r)
{
	size_t at = str_rfind(r->to, '@');
	bool failed = false;

	for (size_t i = 0; i < r->out->count; i++)
		failed |= queue_is_told(r->out, i) && r->out->rcpts[i].state == STORE_OUT_FAILED;
	if (!failed || at == r->to.n)
		return false;
	buf_put(&r->postmaster, STR("postmaster"));
	buf_put(&r->postmaster, str_from(r->to, at));
	r->to = buf_str(&r->postmaster);
	free(r->targets);
	r->targets = NULL;
	maildrops_free(&r->found);
	return true;
}

static struct str told_sender(const struct store_out *o)
{
	for (size_t i = 0; (o->flags & STORE_VERP) != 0 && i < o->count; i++)
		if (queue_is_told(o, i))
			return o->rcpts[i].sender;
	return o->sender;
}

static void report_one(struct svc_queue *q, const struct store_out *o)
{
	struct svc_report *r = NEW(struct svc_report);
	struct store_draft *draft = NULL;
	size_t targets;

	r->queue = q;
	r->out = o;
	r->to = told_sender(o);
	targets = fill_targets(q, r);
	if (targets == 0 && tell_postmaster(r))
		targets = fill_targets(q, r);
	if (targets != 0 && targets != SIZE_MAX)
		draft = compose(q, r);
	if (draft == NULL) {
		log_report(targets == 0 ? "nobody is there" : "not made, tried again later", r);
		tell(q, o, targets == 0);
		report_free(r);
		return;
	}
	q->report = r;
	r->deliver = (struct store_deliver){ .op.done = kept,
		.draft = draft,
		.sender = STR(""),
		.client = STR("notice"),
		.received_ms = clock_steady_ms(),
		.flags = (uint8_t)(STORE_REPORT | (o->flags & (STORE_SMTPUTF8 | STORE_REQUIRETLS))),
		.targets = r->targets,
		.count = targets };
	store_deliver(q->svc->office.store, &r->deliver);
}

void svc_report_next(struct svc_queue *q)
{
	const struct store_out *o;

	for (int n = 0; n < 16 && q->report == NULL && !q->stopping; n++) {
		o = queue_take_report(q->queue);
		if (o == NULL)
			return;
		report_one(q, o);
	}
}
