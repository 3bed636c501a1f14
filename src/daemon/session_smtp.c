/* What the events of the smtpd engine mean here: questions to the store, and its answers. */
#include <stdlib.h>

#include "account/sasl.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/admit.h"
#include "daemon/session.h"
#include "mime/address.h"
#include "mime/compose.h"
#include "store/store.h"

struct session_smtp {
	struct session s;
	struct smtpd *engine;
	enum ipc_type asked;
	bool submission, lmtp;
	bool local, greeted;  /* local: greeted when the store knows who it is */
	bool first_rcpt;      /* the next RCPT begins the store's list anew */
	bool store_has_tx;    /* recipients or a draft are there: RESET them */
	bool header_done;     /* submission: the header section is complete and mended */
	bool committing;      /* what is left in body goes with COMMIT */
	struct str recipient; /* the last accepted one; heap */
	struct buf promised;  /* to whom we said yes by ourselves, as in IPC_RCPT */
	bool settling;        /* the open IPC_RCPT is about them alone */
	struct msgid id;
	uint64_t offset;   /* octets of the message that the store has */
	struct buf header; /* submission: the header section so far */
	struct header_search search;
	bool checking_from; /* the open IPC_SENDER is about the header, not the envelope */
	size_t from_count; /* the first so many addresses of it are of From, the others of Sender */
	struct buf body;   /* octets the store does not have yet */
};

static struct session_smtp *smtp_of(const struct session *s)
{
	return (struct session_smtp *)(uintptr_t)s;
}

enum {
	AUTHORS_MAX = 100, /* addresses in From and Sender of one message */
	PROMISED_MAX = 4096,
};

static const struct str no_store = STR_INIT("4.3.0 the mail store is restarting, try again later");

static bool ask(struct session_smtp *p, enum ipc_type type, struct str fields, struct str octets)
{
	p->asked = type;
	return edge_ask(p->s.edge, &p->s, type, fields, octets);
}

static void forget(struct session_smtp *p)
{
	buf_release(&p->header);
	p->search = (struct header_search){ 0 };
	buf_release(&p->body);
	buf_release(&p->promised);
	free((char *)(uintptr_t)p->recipient.p);
	p->recipient = STR("");
	p->recipient.p = NULL;
	p->offset = 0;
	p->committing = false;
}

static void ask_sender(struct session_smtp *p)
{
	const struct smtpd_tx *tx = smtpd_tx(p->engine);
	struct buf b = { 0 };

	p->first_rcpt = true;
	/* Notices of a mail client have no sender to check (RFC 8098 3). */
	if (!p->submission || p->local || !p->s.edge->config->sender_login_match ||
		tx->reverse_path.n == 0) {
		smtpd_answer(p->engine, 0, STR(""));
		return;
	}
	put_str(&b, tx->reverse_path);
	if (!ask(p, IPC_SENDER, buf_str(&b), STR("")))
		smtpd_answer(p->engine, 451, no_store);
	buf_deinit(&b);
}

static void rcpt_answered(struct session_smtp *p, enum resolved resolved)
{
	struct admit_reply reply = admit_reply(resolved);

	if (reply.code != 0)
		log_info("smtp.refused", F_C("sid", p->s.sid), F_STR("ip", session_peer(&p->s)),
			F_STR("from", smtpd_tx(p->engine)->reverse_path), F_STR("to", p->recipient),
			F_INT("code", reply.code), F_C("why", reply.why));
	smtpd_answer(p->engine, reply.code, reply.text);
}

/* Only a stranger's answer is the same for the next one, and LMTP's answers are for each recipient. */
static bool is_known(const struct session_smtp *p, struct str recipient)
{
	struct edge *e = p->s.edge;

	return !p->submission && !p->lmtp && p->promised.len < PROMISED_MAX &&
	       rcpt_memory_has(&e->known, recipient, *shared_changes(e->start->shared));
}

/* The promised ones go first. */
static void put_recipients(struct buf *b, const struct session_smtp *p, struct str more)
{
	put_u8(b, (uint8_t)((p->first_rcpt ? IPC_RCPT_FIRST : 0) |
			    (smtpd_tx(p->engine)->reverse_path.n == 0 ? IPC_RCPT_NOTICE : 0)));
	buf_put(b, buf_str(&p->promised));
	buf_put(b, more);
}

static bool ask_recipients(struct session_smtp *p, struct str more)
{
	struct buf b = { 0 };
	bool asked;

	put_recipients(&b, p, more);
	asked = ask(p, IPC_RCPT, buf_str(&b), STR(""));
	if (asked) {
		p->first_rcpt = false;
		p->store_has_tx = true;
		buf_release(&p->promised);
	}
	buf_deinit(&b);
	return asked;
}

static void ask_rcpt(struct session_smtp *p, const struct smtpd_event *ev)
{
	struct str path = ev->path;
	struct buf b = { 0 };

	put_str(&b, path);
	put_u64(&b, smtpd_tx(p->engine)->size);
	put_u8(&b, (uint8_t)ev->notify);
	put_str(&b, ev->orcpt);
	free((char *)(uintptr_t)p->recipient.p);
	p->recipient = str_of(memcpy(mem_alloc(path.n), path.p, path.n), path.n);
	if (is_known(p, path)) {
		buf_put(&p->promised, buf_str(&b));
		rcpt_answered(p, RESOLVED);
	} else if (!ask_recipients(p, buf_str(&b))) {
		smtpd_answer(p->engine, 451, no_store);
	}
	buf_deinit(&b);
}

/* The first octets of the message: who handed it over, from where, when. */
static void begin(struct session_smtp *p)
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
	p->header_done = !p->submission;
	compose_trace(&p->body, &trace);
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

static void put_id(struct buf *b, const struct session_smtp *p)
{
	buf_put(b, str_of(p->id.b, sizeof p->id.b));
	put_u64(b, p->offset);
}

static void ask_commit(struct session_smtp *p)
{
	const struct smtpd_tx *tx = smtpd_tx(p->engine);
	struct buf b = { 0 }, client = { 0 }, promised = { 0 };

	if (p->promised.len > 0)
		put_recipients(&promised, p, STR(""));
	if (smtpd_user(p->engine).n > 0 && !p->local) {
		buf_put(&client, smtpd_user(p->engine));
		buf_put(&client, STR(" via "));
	}
	buf_put(&client, session_peer(&p->s));
	put_str(&b, buf_str(&promised));
	put_id(&b, p);
	put_u64(&b, (uint64_t)clock_steady_ms());
	put_u8(&b, p->lmtp);
	put_str(&b, tx->reverse_path);
	put_str(&b, buf_str(&client));
	put_u8(&b, (uint8_t)tx->ret);
	put_str(&b, tx->envid);
	put_u8(&b, (uint8_t)((tx->smtputf8 ? STORE_SMTPUTF8 : 0) |
			     (tx->requiretls ? STORE_REQUIRETLS : 0)));
	put_u64(&b, (uint64_t)(tx->hold_for_s == 0
				       ? tx->hold_ms
				       : clock_steady_ms() + tx->hold_for_s * INT64_C(1000)));
	put_u32(&b, (uint32_t)p->body.len);
	if (!ask(p, IPC_COMMIT, buf_str(&b), buf_str(&p->body)))
		smtpd_answer(p->engine, 451, no_store);
	buf_deinit(&b);
	buf_deinit(&client);
	buf_deinit(&promised);
}

/* Hands over what is more than one packet; the rest waits for more, or goes with the commit. */
static void hand_over(struct session_smtp *p)
{
	struct buf b = { 0 };

	if (p->body.len <= IPC_CHUNK) {
		if (p->committing)
			ask_commit(p);
		else
			smtpd_answer(p->engine, 0, STR(""));
		return;
	}
	if (p->promised.len > 0) { /* a draft is for recipients that the store has */
		p->settling = ask_recipients(p, STR(""));
		if (!p->settling)
			smtpd_answer(p->engine, 451, no_store);
		return;
	}
	put_id(&b, p);
	put_u32(&b, IPC_CHUNK);
	if (!ask(p, IPC_DRAFT, buf_str(&b), str_head(buf_str(&p->body), IPC_CHUNK)))
		smtpd_answer(p->engine, 451, no_store);
	buf_deinit(&b);
}

/* Gives up the message while its body or commit is the open question. */
static void refuse_message(struct session_smtp *p, unsigned code, struct str text, const char *why)
{
	log_info("smtp.refused", F_C("sid", p->s.sid), F_STR("ip", session_peer(&p->s)),
		F_STR("user", smtpd_user(p->engine)),
		F_STR("from", smtpd_tx(p->engine)->reverse_path), F_INT("code", code),
		F_C("why", why));
	if (p->store_has_tx)
		edge_tell(p->s.edge, &p->s, IPC_RESET);
	p->store_has_tx = false;
	forget(p);
	smtpd_answer(p->engine, code, text);
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
		hand_over(p);
	} else if (!put_authors(&b, header, STR("From"), &count)) {
		refuse_message(p, 550, STR("5.7.1 the From field cannot be read"), "from");
	} else if (p->from_count = count, !put_authors(&b, header, STR("Sender"), &count)) {
		refuse_message(p, 550, STR("5.7.1 the Sender field cannot be read"), "sender");
	} else if (count == 0) {
		hand_over(p);
	} else {
		p->checking_from = true;
		if (!ask(p, IPC_SENDER, buf_str(&b), STR("")))
			refuse_message(p, 451, no_store, "no-store");
	}
	buf_deinit(&b);
}

/* first: the first of them that is not the account's; count when all are. */
static void authors_answered(struct session_smtp *p, struct ipc_packet *packet)
{
	bool good = packet != NULL && packet->head.result != 0;
	uint32_t first = packet == NULL || good ? 0 : get_u32(&packet->body);

	p->checking_from = false;
	if (good)
		hand_over(p);
	else if (packet == NULL)
		refuse_message(p, 451, no_store, "no-store");
	else if (first < p->from_count)
		refuse_message(p, 550, STR("5.7.1 an address in From is not yours"), "from");
	else
		refuse_message(p, 550, STR("5.7.1 an address in Sender is not yours"), "sender");
}

static void take_body(struct session_smtp *p, struct str data)
{
	struct buf header = { 0 };
	size_t end = 0;

	if (p->header_done) {
		buf_put(&p->body, data);
		hand_over(p);
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

static void commit(struct session_smtp *p)
{
	struct buf header = p->header;

	p->committing = true;
	p->header = (struct buf){ 0 };
	if (p->header_done) {
		hand_over(p);
	} else {
		mend_header(p, buf_str(&header));
		ask_authors(p, buf_str(&header));
	}
	buf_deinit(&header);
}

static void take_client(struct session_smtp *p, const struct smtpd_xclient *x)
{
	char proxy[sizeof p->s.conn.peer];
	uint64_t port = 0;

	memcpy(proxy, p->s.conn.peer, sizeof proxy);
	str_u64(x->port, &port);
	if (x->address.n > 0 && !session_take_client(&p->s, x->address, (uint16_t)port)) {
		smtpd_answer(p->engine, 421, STR("4.7.0 too many connections, try again later"));
		return;
	}
	log_info("smtp.xclient", F_C("sid", p->s.sid), F_C("proxy", proxy),
		F_STR("ip", session_peer(&p->s)), F_STR("name", x->name), F_STR("helo", x->helo));
	smtpd_answer(p->engine, 0, STR(""));
}

static void ask_etrn(struct session_smtp *p, const struct smtpd_event *ev)
{
	struct buf b = { 0 };

	put_str(&b, ev->path);
	put_u8(&b, ev->below);
	log_info("smtp.etrn", F_C("sid", p->s.sid), F_STR("ip", session_peer(&p->s)),
		F_STR("domain", ev->path));
	if (!ask(p, IPC_ETRN, buf_str(&b), STR("")))
		smtpd_answer(p->engine, 458, no_store);
	buf_deinit(&b);
}

/* RFC 1985 5.1: 251 nothing waits, 253 so many. */
static void etrn_answered(struct session_smtp *p, struct ipc_packet *packet)
{
	uint32_t count = packet == NULL ? 0 : get_u32(&packet->body);
	struct buf text = { 0 };

	buf_printf(&text, "2.0.0 %u pending messages started", count);
	if (packet == NULL)
		smtpd_answer(p->engine, 458, no_store);
	else if (count == 0)
		smtpd_answer(p->engine, 251, STR("2.0.0 no messages waiting"));
	else
		smtpd_answer(p->engine, 253, buf_str(&text));
	buf_deinit(&text);
}

static void serve_event(struct session_smtp *p, const struct smtpd_event *ev)
{
	switch (ev->type) {
	case SMTPD_EV_STARTTLS: p->s.starting_tls = true; break;
	case SMTPD_EV_TARPIT: session_pause(&p->s, ev->arg_ms); break;
	case SMTPD_EV_ABORT:
		if (p->store_has_tx)
			edge_tell(p->s.edge, &p->s, IPC_RESET);
		p->store_has_tx = false;
		forget(p);
		break;
	case SMTPD_EV_CLOSE: p->s.closing = true; break;
	case SMTPD_ASK_AUTH:
		p->asked = IPC_AUTH;
		if (!session_ask_auth(&p->s, ev->mechanism, ev->data, ev->has_data, true))
			smtpd_auth_failed(p->engine, 454, no_store);
		break;
	case SMTPD_ASK_AUTH_MORE:
		p->asked = IPC_AUTH_STEP;
		if (!session_ask_auth_step(&p->s, ev->data))
			smtpd_auth_failed(p->engine, 454, no_store);
		break;
	case SMTPD_EV_AUTH_CANCEL: break;
	case SMTPD_ASK_XCLIENT: take_client(p, &ev->xclient); break;
	case SMTPD_ASK_ETRN: ask_etrn(p, ev); break;
	case SMTPD_ASK_MAIL: ask_sender(p); break;
	case SMTPD_ASK_RCPT: ask_rcpt(p, ev); break;
	case SMTPD_ASK_DATA: begin(p); break;
	case SMTPD_ASK_BODY: take_body(p, ev->data); break;
	case SMTPD_ASK_COMMIT: commit(p); break;
	}
}

/* RFC 5321 3.1: nothing but QUIT is of use then; who calls tries again later. */
static void turn_away(struct session_smtp *p)
{
	buf_put(smtpd_out(p->engine), STR("421 "));
	buf_put(smtpd_out(p->engine), no_store);
	buf_put(smtpd_out(p->engine), STR("\r\n"));
	p->s.closing = true;
}

static void local_answered(struct session_smtp *p, struct ipc_packet *packet)
{
	if (packet == NULL || packet->head.result == 0) {
		turn_away(p);
		return;
	}
	smtpd_local(p->engine, session_peer(&p->s), get_str(&packet->body));
	smtpd_greet(p->engine);
	p->greeted = true;
}

static void serve(struct session *s)
{
	struct session_smtp *p = smtp_of(s);
	struct smtpd_event ev;

	if (!p->greeted && s->seq == 0) {
		p->asked = IPC_LOCAL;
		if (!edge_ask_local(s->edge, s))
			turn_away(p);
	}
	while (p->greeted && s->seq == 0 && !s->closing && !s->starting_tls &&
		s->paused_until_ms == 0 && smtpd_next(p->engine, loop_now_ms(s->conn.loop), &ev))
		serve_event(p, &ev);
}

static void auth_answered(struct session_smtp *p, struct ipc_packet *packet)
{
	struct auth_answer a;

	if (!session_get_auth(packet, &a))
		packet->head.result = SASL_TEMP;
	switch ((enum sasl_result)packet->head.result) {
	case SASL_CHALLENGE: smtpd_auth_challenge(p->engine, a.output); return;
	case SASL_OK:
		session_auth_ok(&p->s, a.address);
		smtpd_auth_ok(p->engine, a.address);
		return;
	case SASL_FAILED:
		session_auth_failed(&p->s, a.user, "credentials");
		smtpd_auth_failed(p->engine, 535, STR("5.7.8 authentication failed"));
		return;
	case SASL_MALFORMED:
		session_auth_failed(&p->s, a.user, "malformed");
		smtpd_auth_failed(p->engine, 501, STR("5.5.2 malformed authentication exchange"));
		return;
	case SASL_UNKNOWN_MECHANISM:
		smtpd_auth_failed(p->engine, 504, STR("5.5.4 unknown mechanism"));
		return;
	case SASL_TEMP: break;
	}
	smtpd_auth_failed(p->engine, 454, STR("4.7.0 cannot authenticate now, try again later"));
}

static const struct str mistaken =
	STR_INIT("4.2.1 a recipient takes no mail any more, try again later");

/* The store has decided about those we said yes to: the message goes on, or is refused. */
static void settled(struct session_smtp *p, enum resolved resolved)
{
	p->settling = false;
	if (resolved == RESOLVED) {
		hand_over(p);
		return;
	}
	rcpt_memory_forget(&p->s.edge->known);
	refuse_message(p, 451, mistaken, "recipient");
}

static void store_took(struct session_smtp *p, struct ipc_packet *packet)
{
	enum resolved resolved =
		packet == NULL ? RESOLVED_TEMP : (enum resolved)packet->head.result;
	uint64_t changes = packet == NULL ? 0 : get_u64(&packet->body);

	if (p->settling) {
		settled(p, resolved);
		return;
	}
	if (changes != 0)
		rcpt_memory_keep(&p->s.edge->known, p->recipient, changes);
	rcpt_answered(p, resolved);
}

/* full: a bit for each recipient that was left out, or nothing.  How many there are. */
static size_t count_full(const struct session_smtp *p, struct str full)
{
	size_t n = 0;

	for (size_t i = 0; p->lmtp && i < smtpd_tx(p->engine)->accepted; i++)
		n += bit_get(full, i);
	return n;
}

static const struct str over_quota = STR_INIT("4.2.2 the mailbox is full");

/* RFC 2033 4.2: each recipient has its own answer. */
static void answer_each(struct session_smtp *p, struct str full, struct str text)
{
	size_t count = smtpd_tx(p->engine)->accepted;

	for (size_t i = 0; i < count; i++)
		if (bit_get(full, i))
			smtpd_answer_recipient(p->engine, 452, over_quota);
		else
			smtpd_answer_recipient(p->engine, 250, text);
}

static void stored(struct session_smtp *p, unsigned result, struct str full)
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
	buf_printf(&text, "2.0.0 %s stored", id);
	forget(p);
	if (ok && p->lmtp)
		answer_each(p, full, buf_str(&text));
	else if (ok)
		smtpd_answer(p->engine, 250, buf_str(&text));
	else if (result == IPC_OVER_QUOTA)
		smtpd_answer(p->engine, 452, over_quota);
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

static void draft_answered(struct session_smtp *p, enum store_result result)
{
	if (result != STORE_OK) {
		edge_tell(p->s.edge, &p->s, IPC_RESET);
		stored(p, result, STR(""));
		return;
	}
	buf_consume(&p->body, IPC_CHUNK);
	p->offset += IPC_CHUNK;
	hand_over(p);
}

static void answered(struct session *s, struct ipc_packet *packet)
{
	struct session_smtp *p = smtp_of(s);
	unsigned result = packet == NULL ? STORE_UNAVAILABLE : packet->head.result;

	switch (p->asked) {
	case IPC_AUTH:
	case IPC_AUTH_STEP:
		if (packet != NULL)
			auth_answered(p, packet);
		else
			smtpd_auth_failed(p->engine, 454, no_store);
		break;
	case IPC_SENDER:
		if (p->checking_from)
			authors_answered(p, packet);
		else if (packet == NULL)
			smtpd_answer(p->engine, 451, no_store);
		else if (result != 0)
			smtpd_answer(p->engine, 0, STR(""));
		else
			smtpd_answer(p->engine, 553, STR("5.7.1 this sender address is not yours"));
		break;
	case IPC_RCPT: store_took(p, packet); break;
	case IPC_DRAFT: draft_answered(p, (enum store_result)result); break;
	case IPC_LOCAL: local_answered(p, packet); break;
	case IPC_ETRN: etrn_answered(p, packet); break;
	case IPC_COMMIT:
		if (packet == NULL)
			stored(p, STORE_UNKNOWN, STR(""));
		else
			stored(p, result, get_str(&packet->body));
		break;
	case IPC_LIST:
	case IPC_READ:
	case IPC_EXPUNGE:
	case IPC_RESET:
	case IPC_END: break; /* POP3's, or without an answer */
	}
}

static void tls_up(struct session *s, bool channel_binding)
{
	smtpd_tls_started(smtp_of(s)->engine, channel_binding, loop_now_ms(s->conn.loop));
}

static void certificate_shown(struct session *s)
{
	smtpd_certificate_shown(smtp_of(s)->engine);
}

static struct buf *in(struct session *s)
{
	return smtpd_in(smtp_of(s)->engine);
}

static struct buf *out(struct session *s)
{
	return smtpd_out(smtp_of(s)->engine);
}

static bool wants_input(const struct session *s)
{
	return smtpd_wants_input(smtp_of(s)->engine);
}

static int64_t deadline(const struct session *s)
{
	return smtpd_deadline(smtp_of(s)->engine);
}

static void timed_out(struct session *s)
{
	smtpd_timeout(smtp_of(s)->engine);
}

static void shut_down(struct session *s)
{
	smtpd_shutdown(smtp_of(s)->engine);
}

static void log_end(const struct session *s)
{
	log_debug("smtp.session", F_C("sid", s->sid), F_STR("ip", session_peer(s)),
		F_STR("user", smtpd_user(smtp_of(s)->engine)),
		F_INT("ms", loop_now_ms(s->conn.loop) - s->started_ms));
}

static void release(struct session *s)
{
	struct session_smtp *p = smtp_of(s);

	smtpd_free(p->engine);
	forget(p);
	free(p);
}

static const struct session_protocol protocol = {
	.name = "smtp",
	.serve = serve,
	.answered = answered,
	.tls_up = tls_up,
	.certificate_shown = certificate_shown,
	.in = in,
	.out = out,
	.wants_input = wants_input,
	.deadline = deadline,
	.timeout = timed_out,
	.shutdown = shut_down,
	.log_end = log_end,
	.free = release,
};

struct session *session_smtp_new(const struct edge_listener *el, const char *peer)
{
	static const enum smtpd_role roles[] = {
		[LISTEN_SMTP] = SMTPD_MX,
		[LISTEN_SUBMISSION] = SMTPD_SUBMISSION,
		[LISTEN_LMTP] = SMTPD_LMTP,
	};
	struct edge *e = el->edge;
	const struct smtpd_config *configs[] = {
		[SMTPD_MX] = &e->mx,
		[SMTPD_SUBMISSION] = &e->submission,
		[SMTPD_LMTP] = &e->lmtp,
	};
	struct session_smtp *p = NEW(struct session_smtp);
	struct smtpd_peer facts = {
		.role = roles[el->row->protocol],
		.address = str_c(peer),
		.tls_available = el->row->tls == LISTEN_TLS_STARTTLS && e->tls != NULL,
		.tls_active = el->row->tls == LISTEN_TLS_IMPLICIT,
		.channel_binding = el->row->tls == LISTEN_TLS_IMPLICIT,
		.discard = el->discard,
		.xclient = cidr_set_has(&e->xclient_networks, str_c(peer)),
		.wall_ms = clock_wall_ms(),
		.hold_max_ms = e->config->future_release_max_ms,
		.local = el->row->local,
		.etrn = cidr_set_has(&e->etrn_networks, str_c(peer)),
	};

	p->submission = facts.role == SMTPD_SUBMISSION;
	p->lmtp = facts.role == SMTPD_LMTP;
	p->engine = smtpd_new(configs[facts.role], &facts, loop_now_ms(e->loop));
	p->local = el->row->local;
	p->greeted = !p->local;
	if (p->greeted)
		smtpd_greet(p->engine);
	session_init(&p->s, &protocol);
	return &p->s;
}
