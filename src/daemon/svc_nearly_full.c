/* quota_warning: the owner of a mailbox that a delivery fills over that share of its quota gets one message in it, and
 * the next one only after it held less again.
 *
 * Before a commit is looked, and the fact that he was told is taken back when it is no longer so; after it he is
 * told.  So of several that come at once each sees what the one before it did. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/quota.h"
#include "daemon/svc.h"
#include "mime/compose.h"
#include "mime/date.h"

/* An alias may have thousands of members, and an evening may fill thousands of mailboxes: who is not told now is told
 * with the next message. */
enum { LOOK_MAX = 100, UNDER_WAY_MAX = 16 };

struct svc_nearly_full {
	struct svc_nearly_full *next;
	struct svc *svc;
	struct account account;
	struct msgid id;
	struct quota quota;
	struct store_target target;
	struct store_deliver deliver;
};

static void look(struct svc_session *x, uint64_t account, uint64_t octets)
{
	struct office *o = &x->edge->svc->office;
	int64_t percent = o->config->quota_warning;
	struct quota quota;
	enum said told;

	if (!quota_get(o, account, &quota))
		return;
	told = account_quota_told(o->directory, account);
	if (told == SAID_YES && !quota_above(&quota, percent, 0, 0) &&
		account_set_quota_told(o->directory, account, false) == ST_OK)
		told = SAID_NO;
	if (told == SAID_NO && quota_above(&quota, percent, 1, octets))
		put_u64(&x->nearly_full, account);
}

void svc_nearly_full_look(struct svc_session *x, uint64_t octets)
{
	size_t looked = 0;

	buf_clear(&x->nearly_full);
	if (x->edge->svc->office.config->quota_warning < 0)
		return;
	for (size_t i = 0; i < x->nfound; i++)
		for (size_t k = 0; k < x->found[i].count && looked++ < LOOK_MAX; k++)
			look(x, x->found[i].ids[k], octets);
}

/* ---- the message ---- */

static void put_size(struct buf *out, uint64_t octets)
{
	if (octets < 10 * 1024 * 1024)
		buf_printf(out, "%" PRIu64 " KiB", (octets + 1023) / 1024);
	else
		buf_printf(out, "%" PRIu64 " MiB", octets / (1024 * 1024));
}

static void put_used(struct buf *out, const struct quota *q)
{
	buf_printf(out, "It holds %" PRIu64, q->count);
	if (q->most != QUOTA_NONE)
		buf_printf(out, " of %" PRId64, q->most);
	buf_put(out, STR(" messages, "));
	put_size(out, q->used);
	if (q->most_octets != QUOTA_NONE) {
		buf_put(out, STR(" of "));
		put_size(out, (uint64_t)q->most_octets);
	}
	buf_put(out, STR(".\r\n\r\n"));
}

static void compose(struct buf *out, const struct svc_nearly_full *n)
{
	const struct config *c = n->svc->office.config;
	bool defers = str_eq(str_c(c->quota_reply), STR("defer"));
	char id[MSGID_TEXT + 1];

	msgid_text(n->id, id);
	compose_return_path(out, STR(""));
	buf_printf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: <%s>\r\n",
		c->hostname, n->account.address);
	buf_put(out, STR("Subject: Your mailbox is nearly full\r\nDate: "));
	date_put(out, n->deliver.received_ms);
	buf_printf(out, "\r\nMessage-ID: <%s@%s>\r\nAuto-Submitted: auto-generated\r\n", id,
		c->hostname);
	buf_put(out, STR("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: 8bit\r\n\r\n"));
	buf_printf(out, "The mailbox %s is over %" PRId64 " %% full.\r\n", n->account.address,
		c->quota_warning);
	put_used(out, &n->quota);
	buf_put(out, STR("When it is full, new mail for you is "));
	buf_put(out, defers ? STR("put off until there is room, and goes back to\r\n"
				  "its senders when that takes too long.\r\n\r\n")
			    : STR("refused, and its senders are told.\r\n\r\n"));
	buf_put(out,
		STR("Delete what you do not need, also from the junk folder, or let your mail\r\n"
		    "program delete what it has fetched; or ask whoever runs this server for\r\n"
		    "more room. This message comes once, until the mailbox has held less "
		    "again.\r\n"));
}

static void kept(struct store_op *op, enum store_result result)
{
	struct svc_nearly_full *n = LIST_OF(op, struct svc_nearly_full, deliver.op), **at;
	struct office *o = &n->svc->office;
	char id[MSGID_TEXT + 1];

	msgid_text(n->id, id);
	if (result == STORE_OK) {
		(void)account_set_quota_told(o->directory, n->account.id, true);
		log_info("quota.warned", F_C("id", id), F_C("to", n->account.address),
			F_INT("messages", n->quota.count), F_INT("octets", n->quota.used));
	}
	for (at = &n->svc->nearly_full; *at != n; at = &(*at)->next)
		;
	*at = n->next;
	free(n);
}

static bool is_under_way(const struct svc *s, uint64_t account)
{
	size_t count = 0;

	for (const struct svc_nearly_full *n = s->nearly_full; n != NULL; n = n->next)
		if (n->account.id == account || ++count == UNDER_WAY_MAX)
			return true;
	return false;
}

static void tell(struct svc *s, uint64_t account)
{
	struct svc_nearly_full *n = NEW(struct svc_nearly_full);
	struct office *o = &s->office;
	struct buf text = { 0 };

	n->svc = s;
	n->id = msgid_new(clock_steady_ms());
	n->deliver = (struct store_deliver){ .op.done = kept,
		.client = STR("notice"),
		.received_ms = clock_steady_ms(),
		.flags = STORE_REPORT,
		.targets = &n->target,
		.count = 1 };
	if (is_under_way(s, account) || !quota_get(o, account, &n->quota) ||
		account_by_id(o->directory, account, &n->account, NULL) != ST_OK ||
		account_quota_told(o->directory, account) != SAID_NO) {
		free(n);
		return;
	}
	compose(&text, n);
	if (quota_full(o, account, 1, text.len)) {
		buf_deinit(&text);
		free(n);
		return;
	}
	n->target = (struct store_target){ .maildrop = account,
		.recipient = str_c(n->account.address) };
	n->deliver.draft = store_draft_new(o->store, n->id);
	(void)store_draft_append(n->deliver.draft, buf_str(&text));
	buf_deinit(&text);
	n->next = s->nearly_full;
	s->nearly_full = n;
	store_deliver(o->store, &n->deliver);
}

void svc_nearly_full_tell(struct svc_session *x)
{
	struct reader r = { .rest = buf_str(&x->nearly_full) };

	while (r.rest.n > 0)
		tell(x->edge->svc, get_u64(&r));
}
