/* The message of an SMTP session: trace lines before it, its header mended, pieces and COMMIT to the store, the answer. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/session_smtp.h"
#include "mime/address.h"
#include "mime/compose.h"

enum {
	AUTHORS_MAX = 100, /* addresses in From and Sender of one message */
	SMALL_MESSAGE = 2048,
	COMMIT_FIELDS = 256, /* of an ordinary one */
	THROUGH_LEAST = 32 * 1024,
};

/* The first octets of the message: who handed it over, from where, when. */
void smtp_begin(struct session_smtp *p)
{
	const struct smtpd_tx *tx = smtpd_tx(p->engine);
	const struct config *c = p->s.edge->config;
	char id[MSGID_TEXT + 1];
	struct compose_trace trace = {
		.reverse_path = tx->reverse_path,
		.helo = smtpd_helo(p->engine),
		.client = p->submission && c->hide_client_address ? STR("") : session_peer(&p->s),
		.by = str_c(c->hostname),
		.with = smtpd_with(p->engine),
		.tls_version = str_c(p->s.conn.ssl == NULL ? NULL : conn_tls_version(&p->s.conn)),
		.tls_cipher = str_c(p->s.conn.ssl == NULL ? NULL : conn_tls_cipher(&p->s.conn)),
		.recipient = tx->accepted == 1 ? p->recipient : STR(""),
		.utf8 = tx->smtputf8,
		.wall_ms = clock_wall_ms(),
	};

	p->id = msgid_new(trace.wall_ms);
	msgid_text(p->id, id);
	trace.id = str_of(id, MSGID_TEXT);
	smtp_check_begin(p);
	p->header_done = !p->submission && p->check == NULL;
	buf_reserve(&p->body, SMALL_MESSAGE);
	if (p->check == NULL)
		compose_return_path(&p->body, tx->reverse_path);
	compose_received(&p->body, &trace);
	smtpd_answer(p->engine, 0, STR(""));
}

static void mend_header(struct session_smtp *p, struct str header)
{
	struct compose_fix fix = { .hostname = str_c(p->s.edge->config->hostname),
		.id = p->id,
		.wall_ms = clock_wall_ms() };

	compose_fix_header(&p->body, header, &fix);
	p->header_done = true;
}

void smtp_refuse_message(struct session_smtp *p, unsigned code, struct str text, const char *why)
{
	log_info("smtp.refused", F_C("sid", p->s.sid), F_STR("ip", session_peer(&p->s)),
		F_STR("user", smtpd_user(p->engine)),
		F_STR("from", smtpd_tx(p->engine)->reverse_path), F_INT("code", code),
		F_C("why", why));
	if (p->store_has_tx)
		edge_tell(p->s.edge, &p->s, IPC_RESET);
	p->store_has_tx = false;
	smtp_forget(p);
	smtpd_answer(p->engine, code, text);
}

static void put_id(struct buf *b, const struct session_smtp *p)
{
	buf_put(b, str_of(p->id.b, sizeof p->id.b));
	put_u16(b, (uint16_t)p->top_room);
	put_u64(b, p->offset);
}

static void ask_commit(struct session_smtp *p)
{
	const struct smtpd_tx *tx = smtpd_tx(p->engine);
	struct buf b = { 0 }, client = { 0 }, promised = { 0 };

	if (p->promised.len > 0)
		smtp_put_recipients(&promised, p, STR(""));
	if (smtpd_user(p->engine).n > 0 && !p->local) {
		buf_put(&client, smtpd_user(p->engine));
		buf_put(&client, STR(" via "));
	}
	buf_put(&client, session_peer(&p->s));
	buf_reserve(&b, COMMIT_FIELDS);
	put_str(&b, buf_str(&promised));
	put_id(&b, p);
	put_str(&b, buf_str(&p->top));
	put_u64(&b, (uint64_t)clock_steady_ms());
	put_u8(&b, p->lmtp);
	put_str(&b, tx->reverse_path);
	put_str(&b, buf_str(&client));
	put_u8(&b, (uint8_t)tx->ret);
	put_str(&b, tx->envid);
	put_u8(&b, (uint8_t)((tx->smtputf8 ? STORE_SMTPUTF8 : 0) |
			     (tx->requiretls ? STORE_REQUIRETLS : 0) |
			     (tx->verp[0] != 0 ? STORE_VERP : 0)));
	if (tx->verp[0] != 0)
		buf_put(&b, str_of(tx->verp, sizeof tx->verp));
	put_u64(&b, (uint64_t)(tx->hold_for_s == 0
				       ? tx->hold_ms
				       : clock_steady_ms() + tx->hold_for_s * INT64_C(1000)));
	put_u32(&b, (uint32_t)p->body.len);
	if (!smtp_ask(p, IPC_COMMIT, buf_str(&b), buf_str(&p->body)))
		smtp_refuse_message(p, 451, no_store, "no-store");
	buf_deinit(&b);
	buf_deinit(&client);
	buf_deinit(&promised);
}

/* At most IPC_CHUNK octets; false: there is no store.  Not asked: the next one that is tells how it went. */
static bool send_draft(struct session_smtp *p, struct str octets, bool asked)
{
	struct buf b = { 0 };
	bool sent = true;

	smtp_leave_top(p);
	put_id(&b, p);
	put_u32(&b, (uint32_t)octets.n);
	if (asked)
		sent = smtp_ask(p, IPC_DRAFT, buf_str(&b), octets);
	else
		edge_note(p->s.edge, &p->s, IPC_DRAFT, buf_str(&b), octets);
	buf_deinit(&b);
	p->offset += octets.n;
	return sent;
}

/* The first packet of what there is. */
static bool send_first(struct session_smtp *p, bool asked)
{
	struct str octets = str_head(buf_str(&p->body), IPC_CHUNK);
	bool sent = send_draft(p, octets, asked);

	buf_consume(&p->body, octets.n);
	return sent;
}

/* A large piece of a large message goes on from where it was read to; each second one is asked. */
static void hand_through(struct session_smtp *p, struct str data)
{
	bool asked = p->ask_next;

	while (p->body.len > 0)
		(void)send_first(p, false);
	for (; data.n > IPC_CHUNK; data = str_from(data, IPC_CHUNK))
		(void)send_draft(p, str_head(data, IPC_CHUNK), false);
	p->ask_next = !asked;
	if (!send_draft(p, data, asked))
		smtp_refuse_message(p, 451, no_store, "no-store");
	else if (!asked)
		smtpd_answer(p->engine, 0, STR(""));
}

/* Hands over what is more than one packet; the rest waits for more, or goes with the commit.  The last packet before
 * the client is read again is asked: a fast client waits for the store. */
void smtp_hand_over(struct session_smtp *p)
{
	size_t unasked = p->committing ? IPC_CHUNK : (size_t)2 * IPC_CHUNK;

	if (p->body.len > IPC_CHUNK && p->promised.len > 0) {
		/* a draft is for recipients that the store has */
		p->settling = smtp_ask_recipients(p, STR(""));
		if (!p->settling)
			smtp_refuse_message(p, 451, no_store, "no-store");
		return;
	}
	while (p->body.len > unasked)
		(void)send_first(p, false);
	if (p->body.len > IPC_CHUNK) {
		if (!send_first(p, true))
			smtp_refuse_message(p, 451, no_store, "no-store");
	} else if (p->committing) {
		ask_commit(p);
	} else {
		smtpd_answer(p->engine, 0, STR(""));
	}
}

/* Puts the addresses of all fields of this name; false: one cannot be read, or there are too many. */
static bool put_authors(struct buf *to, struct str header, struct str name, size_t *count)
{
	struct buf one = { 0 };
	enum address_result result = ADDRESS_END;
	struct field field;

	while (result == ADDRESS_END && field_cut(&header, &field)) {
		struct address_list list = { .rest = field.body };

		while (str_ieq(field.name, name) && *count <= AUTHORS_MAX &&
			(result = address_cut(&list, &one)) == ADDRESS_CUT) {
			put_str(to, buf_str(&one));
			++*count;
		}
	}
	buf_deinit(&one);
	return result == ADDRESS_END && *count <= AUTHORS_MAX;
}

/* RFC 6409 6.1: who logged in may write under the names of the account only. */
static void ask_authors(struct session_smtp *p, struct str header)
{
	const struct config *c = p->s.edge->config;
	struct buf b = { 0 };
	size_t count = 0;

	if (p->local || !c->from_login_match || !c->sender_login_match) {
		smtp_hand_over(p);
	} else if (!put_authors(&b, header, STR("From"), &count)) {
		smtp_refuse_message(p, 550, STR("5.7.1 the From field cannot be read"), "from");
	} else if (p->from_count = count, !put_authors(&b, header, STR("Sender"), &count)) {
		smtp_refuse_message(p, 550, STR("5.7.1 the Sender field cannot be read"), "sender");
	} else if (count == 0) {
		smtp_hand_over(p);
	} else {
		p->checking_from = true;
		if (!smtp_ask(p, IPC_SENDER, buf_str(&b), STR("")))
			smtp_refuse_message(p, 451, no_store, "no-store");
	}
	buf_deinit(&b);
}

/* first: the first of them that is not the account's; count when all are. */
void smtp_authors_answered(struct session_smtp *p, struct ipc_packet *packet)
{
	unsigned may = packet == NULL ? SAID_NOTHING : packet->head.result;
	uint32_t first = may == SAID_NO ? get_u32(&packet->body) : 0;

	p->checking_from = false;
	if (may == SAID_YES)
		smtp_hand_over(p);
	else if (may != SAID_NO)
		smtp_refuse_message(p, 451, no_store, "no-store");
	else if (first < p->from_count)
		smtp_refuse_message(p, 550, STR("5.7.1 an address in From is not yours"), "from");
	else
		smtp_refuse_message(
			p, 550, STR("5.7.1 an address in Sender is not yours"), "sender");
}

void smtp_take_body(struct session_smtp *p, struct str data)
{
	struct buf header = { 0 };
	size_t end = 0;

	if (p->check != NULL && smtp_check_body(p, data))
		return;
	if (p->header_done && p->offset > 0 && data.n >= THROUGH_LEAST) {
		hand_through(p, data);
		return;
	}
	if (p->header_done) {
		buf_put(&p->body, data);
		smtp_hand_over(p);
		return;
	}
	buf_put(&p->header, data);
	end = compose_header_end(buf_str(&p->header), &p->search);
	if (end == 0) {
		smtpd_answer(p->engine, 0, STR(""));
		return;
	}
	header = p->header;
	p->header = (struct buf){ 0 };
	mend_header(p, str_head(buf_str(&header), end));
	buf_put(&p->body, str_from(buf_str(&header), end));
	ask_authors(p, str_head(buf_str(&header), end));
	buf_deinit(&header);
}

void smtp_commit(struct session_smtp *p)
{
	struct buf header = p->header;

	p->committing = true;
	if (p->check != NULL) {
		smtp_check_end(p);
		return;
	}
	p->header = (struct buf){ 0 };
	if (p->header_done) {
		smtp_hand_over(p);
	} else {
		mend_header(p, buf_str(&header));
		ask_authors(p, buf_str(&header));
	}
	buf_deinit(&header);
}

static const struct str mistaken =
	STR_INIT("4.2.1 a recipient takes no mail any more, try again later");

/* The store has decided about those we said yes to: the message goes on, or is refused. */
void smtp_settled(struct session_smtp *p, enum resolved resolved)
{
	p->settling = false;
	if (resolved == RESOLVED) {
		smtp_hand_over(p);
		return;
	}
	rcpt_memory_forget(&p->s.edge->known);
	smtp_refuse_message(p, 451, mistaken, "recipient");
}

/* full: a bit for each recipient that was left out, or nothing.  How many there are. */
static size_t count_full(const struct session_smtp *p, struct str full)
{
	size_t n = 0;

	for (size_t i = 0; p->lmtp && i < smtpd_tx(p->engine)->accepted; i++)
		n += bit_get(full, i);
	return n;
}

static struct admit_reply over_quota(const struct session_smtp *p)
{
	return admit_reply(RESOLVED_FULL, p->s.edge->config);
}

/* RFC 2033 4.2: each recipient has its own answer. */
static void answer_each(struct session_smtp *p, struct str full, struct str text)
{
	size_t count = smtpd_tx(p->engine)->accepted;
	struct admit_reply no = over_quota(p);

	for (size_t i = 0; i < count; i++)
		if (bit_get(full, i))
			smtpd_answer_recipient(p->engine, no.code, no.text);
		else
			smtpd_answer_recipient(p->engine, 250, text);
}

void smtp_stored(struct session_smtp *p, unsigned result, struct str full)
{
	const struct smtpd_tx *tx = smtpd_tx(p->engine);
	char id[MSGID_TEXT + 1];
	struct buf text = { 0 };
	bool ok = result == STORE_OK;

	msgid_text(p->id, id);
	log_info(ok ? "smtp.stored" : "smtp.failed", F_C("sid", p->s.sid), F_C("id", id),
		F_STR("ip", session_peer(&p->s)), F_STR("from", tx->reverse_path),
		F_INT("rcpts", tx->accepted), F_INT("full", count_full(p, full)),
		F_INT("octets", p->offset + p->body.len), F_STR("user", smtpd_user(p->engine)),
		F_INT("result", result), F_C("tls", session_tls(&p->s)),
		F_C("cipher", session_tls_cipher(&p->s)), F_C("group", session_tls_group(&p->s)));
	p->store_has_tx = false;
	if (result == IPC_MISTAKEN)
		rcpt_memory_forget(&p->s.edge->known);
	buf_put(&text, STR("2.0.0 "));
	buf_put(&text, str_of(id, MSGID_TEXT));
	buf_put(&text, STR(" stored"));
	smtp_forget(p);
	if (ok && p->lmtp)
		answer_each(p, full, buf_str(&text));
	else if (ok)
		smtpd_answer(p->engine, 250, buf_str(&text));
	else if (result == IPC_OVER_QUOTA)
		smtpd_answer(p->engine, over_quota(p).code, over_quota(p).text);
	else if (result == IPC_MISTAKEN)
		smtpd_answer(p->engine, 451, mistaken);
	else if (result == STORE_FULL)
		smtpd_answer(p->engine, 452,
			STR("4.3.1 no space to store the message, try again later"));
	else if (result == STORE_UNKNOWN) /* twice is better than not at all (RFC 1047) */
		smtpd_answer(p->engine, 451,
			STR("4.3.0 it is not known whether the message was stored, try again "
			    "later"));
	else
		smtpd_answer(p->engine, 451,
			STR("4.3.0 the message could not be stored, try again later"));
	buf_deinit(&text);
}

void smtp_draft_answered(struct session_smtp *p, enum store_result result)
{
	if (result != STORE_OK) {
		edge_tell(p->s.edge, &p->s, IPC_RESET);
		smtp_stored(p, result, STR(""));
		return;
	}
	smtp_hand_over(p);
}
