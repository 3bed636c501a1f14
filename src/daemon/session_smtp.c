/* What the events of the smtpd engine mean here: questions to the store, and its answers. */
#include <stdlib.h>

#include "account/sasl.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/session_smtp.h"

enum { PROMISED_MAX = 4096 }; /* octets */

bool smtp_ask(struct session_smtp *p, enum ipc_type type, struct str fields, struct str octets)
{
	p->asked = type;
	return edge_ask(p->s.edge, &p->s, type, fields, octets);
}

void smtp_forget(struct session_smtp *p)
{
	buf_release(&p->header);
	p->search = (struct header_search){ 0 };
	buf_release(&p->body);
	buf_release(&p->promised);
	free((char *)(uintptr_t)p->recipient.p);
	p->recipient = STR("");
	p->recipient.p = NULL;
	p->offset = 0;
	check_free(p->check);
	p->check = NULL;
	p->header_seen = p->top_room = 0;
	buf_release(&p->top);
	p->committing = false;
}

static void ask_sender(struct session_smtp *p)
{
	const struct smtpd_tx *tx = smtpd_tx(p->engine);
	struct buf b = { 0 };

	smtp_forget(p); /* whatever became of the one before */
	p->first_rcpt = true;
	/* Notices of a mail client have no sender to check (RFC 8098 3). */
	if (!p->submission || p->local || !p->s.edge->config->sender_login_match ||
		tx->reverse_path.n == 0) {
		smtpd_answer(p->engine, 0, STR(""));
		return;
	}
	put_str(&b, tx->reverse_path);
	if (!smtp_ask(p, IPC_SENDER, buf_str(&b), STR("")))
		smtpd_answer(p->engine, 451, no_store);
	buf_deinit(&b);
}

static void rcpt_answered(struct session_smtp *p, enum resolved resolved)
{
	struct admit_reply reply = admit_reply(resolved, p->s.edge->config);

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
void smtp_put_recipients(struct buf *b, const struct session_smtp *p, struct str more)
{
	const struct smtpd_tx *tx = smtpd_tx(p->engine);
	bool held = tx->hold_for_s > 0 || tx->hold_ms > clock_steady_ms();

	put_u8(b, (uint8_t)((p->first_rcpt ? IPC_RCPT_FIRST : 0) |
			    (tx->reverse_path.n == 0 ? IPC_RCPT_NOTICE : 0) |
			    (held ? IPC_RCPT_HELD : 0)));
	buf_put(b, buf_str(&p->promised));
	buf_put(b, more);
}

bool smtp_ask_recipients(struct session_smtp *p, struct str more)
{
	struct buf b = { 0 };
	bool asked;

	smtp_put_recipients(&b, p, more);
	asked = smtp_ask(p, IPC_RCPT, buf_str(&b), STR(""));
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
	} else if (!smtp_ask_recipients(p, buf_str(&b))) {
		smtpd_answer(p->engine, 451, no_store);
	}
	buf_deinit(&b);
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
	if (!smtp_ask(p, IPC_ETRN, buf_str(&b), STR("")))
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
		smtp_forget(p);
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
	case SMTPD_ASK_DATA: smtp_begin(p); break;
	case SMTPD_ASK_BODY: smtp_take_body(p, ev->data); break;
	case SMTPD_ASK_COMMIT: smtp_commit(p); break;
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

static void store_took(struct session_smtp *p, struct ipc_packet *packet)
{
	enum resolved resolved =
		packet == NULL ? RESOLVED_TEMP : (enum resolved)packet->head.result;
	uint64_t changes = packet == NULL ? 0 : get_u64(&packet->body);

	if (p->settling) {
		smtp_settled(p, resolved);
		return;
	}
	if (changes != 0)
		rcpt_memory_keep(&p->s.edge->known, p->recipient, changes);
	rcpt_answered(p, resolved);
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
			smtp_authors_answered(p, packet);
		else if (packet == NULL || result == SAID_NOTHING)
			smtpd_answer(p->engine, 451, no_store);
		else if (result == SAID_YES)
			smtpd_answer(p->engine, 0, STR(""));
		else
			smtpd_answer(p->engine, 553, STR("5.7.1 this sender address is not yours"));
		break;
	case IPC_RCPT: store_took(p, packet); break;
	case IPC_DRAFT: smtp_draft_answered(p, (enum store_result)result); break;
	case IPC_LOCAL: local_answered(p, packet); break;
	case IPC_ETRN: etrn_answered(p, packet); break;
	case IPC_COMMIT:
		if (packet == NULL)
			smtp_stored(p, STORE_UNKNOWN, STR(""));
		else
			smtp_stored(p, result, get_str(&packet->body));
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

SESSION_ENGINE(smtp_of, smtpd)

static void timed_out(struct session *s)
{
	smtpd_timeout(smtp_of(s)->engine);
}

static void shut_down(struct session *s)
{
	smtpd_shutdown(smtp_of(s)->engine, s->end_by_ms != 0);
}

static void last_word(struct session *s)
{
	log_debug("smtp.session", F_C("sid", s->sid), F_STR("ip", session_peer(s)),
		F_STR("user", smtpd_user(smtp_of(s)->engine)),
		F_INT("ms", loop_now_ms(s->conn.loop) - s->started_ms));
}

static void release(struct session *s)
{
	struct session_smtp *p = smtp_of(s);

	smtpd_free(p->engine);
	smtp_forget(p);
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
	.last_word = last_word,
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
