/* What the events of the pop3d engine mean here: questions to the store, and its answers. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "account/sasl.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/session_pop3.h"

enum { PACKET_IDS = IPC_CHUNK / sizeof(struct msgid) };

bool pop3_ask(struct session_pop3 *p, enum ipc_type type, struct str fields)
{
	p->asked = type;
	return edge_ask(p->s.edge, &p->s, type, fields, STR(""));
}

/* USER and PASS are PLAIN to the store (RFC 4616 2): one way in, one place that decides. */
static void login(struct session_pop3 *p, const struct pop3d_event *ev)
{
	struct buf plain = { 0 };
	bool asked;

	buf_putc(&plain, '\0');
	buf_put(&plain, ev->user);
	buf_putc(&plain, '\0');
	buf_put(&plain, ev->password);
	p->asked = IPC_AUTH;
	asked = session_ask_auth(&p->s, STR("PLAIN"), buf_str(&plain), true, false);
	buf_wipe(&plain);
	if (!asked)
		pop3d_login_failed(p->engine, POP3D_SYS_TEMP, no_store);
}

static void auth_more(struct session_pop3 *p, const struct pop3d_event *ev)
{
	p->asked = IPC_AUTH_STEP;
	if (!session_ask_auth_step(&p->s, ev->data))
		pop3d_login_failed(p->engine, POP3D_SYS_TEMP, no_store);
}

/* A RETR that has ended since. */
static void note_retr(struct session_pop3 *p)
{
	const struct pop3d_stats *stats = pop3d_stats(p->engine);

	if (stats->retr == p->retr)
		return;
	p->retr = stats->retr;
	retrieved_ended(&p->retrieved, stats->retr_last, p->view.count,
		p->view.rows[stats->retr_last].id, clock_steady_ms());
}

static void tell_retrieved(struct session_pop3 *p)
{
	struct buf b = { 0 }, client = { 0 };
	struct str ids;

	buf_put(&client, p->user);
	buf_put(&client, STR(" via "));
	buf_put(&client, session_peer(&p->s));
	while ((ids = retrieved_sure(&p->retrieved, PACKET_IDS)).n > 0) {
		buf_clear(&b);
		put_u64(&b, (uint64_t)p->retrieved.last_ms);
		put_str(&b, buf_str(&client));
		edge_note(p->s.edge, &p->s, IPC_RETRIEVED, buf_str(&b), ids);
		retrieved_told(&p->retrieved, ids);
	}
	buf_deinit(&client);
	buf_deinit(&b);
}

/* The ids go over in pieces; the last one makes all of them one change. */
static void ask_expunge(struct session_pop3 *p)
{
	struct buf b = { 0 };
	size_t i = p->expunge_next, ids = 0;

	put_u8(&b, 0);
	for (; i < p->view.count && ids < PACKET_IDS; i++)
		if (pop3d_is_deleted(p->engine, i)) {
			buf_put(&b, str_of(p->view.rows[i].id.b, sizeof(struct msgid)));
			ids++;
		}
	p->expunge_next = i;
	b.data[0] = i == p->view.count;
	if (!pop3_ask(p, IPC_EXPUNGE, buf_str(&b)))
		pop3d_updated(p->engine, false);
	buf_deinit(&b);
}

static void take_client(struct session_pop3 *p, const struct pop3d_event *ev)
{
	char proxy[sizeof p->s.conn.peer];
	uint64_t port = 0;

	memcpy(proxy, p->s.conn.peer, sizeof proxy);
	str_u64(ev->port, &port);
	if (ev->address.n > 0 && !session_take_client(&p->s, ev->address, (uint16_t)port)) {
		pop3d_client_taken(p->engine, false);
		return;
	}
	log_info("pop3.xclient", F_C("sid", p->s.sid), F_C("proxy", proxy),
		F_STR("ip", session_peer(&p->s)));
	pop3d_client_taken(p->engine, true);
}

static void serve_event(struct session_pop3 *p, const struct pop3d_event *ev)
{
	switch (ev->type) {
	case POP3D_EV_STLS: p->s.starting_tls = true; break;
	case POP3D_EV_CLOSE: p->s.closing = true; break;
	case POP3D_ASK_XCLIENT: take_client(p, ev); break;
	case POP3D_ASK_LOGIN: login(p, ev); break;
	case POP3D_ASK_AUTH:
		p->asked = IPC_AUTH;
		if (!session_ask_auth(&p->s, ev->mechanism, ev->data, ev->has_data, true))
			pop3d_login_failed(p->engine, POP3D_SYS_TEMP, no_store);
		break;
	case POP3D_ASK_AUTH_MORE: auth_more(p, ev); break;
	case POP3D_EV_AUTH_CANCEL: break;
	case POP3D_ASK_LISTING:
		if (!pop3_ask(p, IPC_LIST, STR("")))
			pop3d_failed(p->engine, POP3D_SYS_TEMP, no_store);
		break;
	case POP3D_ASK_BODY: pop3_ask_body(p, ev); break;
	case POP3D_ASK_UPDATE:
		p->said_quit = true;
		tell_retrieved(p);
		p->expunge_next = 0;
		ask_expunge(p);
		break;
	}
}

static void serve(struct session *s)
{
	struct session_pop3 *p = pop3_of(s);
	struct buf *commands = pop3d_in(p->engine);
	struct pop3d_event ev;

	/* Nothing is read before all is written: whoever speaks now had it all before. */
	if (commands->len > p->in_left)
		retrieved_all_sure(&p->retrieved);
	if (retrieved_sure(&p->retrieved, PACKET_IDS).n == PACKET_IDS * sizeof(struct msgid))
		tell_retrieved(p);
	while (s->seq == 0 && !s->closing && !s->starting_tls && s->paused_until_ms == 0 &&
		pop3d_next(p->engine, loop_now_ms(s->conn.loop), &ev)) {
		note_retr(p);
		serve_event(p, &ev);
	}
	note_retr(p);
	p->in_left = commands->len;
}

static void open_answered(struct session_pop3 *p, struct ipc_packet *packet)
{
	enum store_result result = (enum store_result)get_u16(&packet->body);
	uint64_t count = get_u64(&packet->body), octets = get_u64(&packet->body);
	uint64_t wait_s = get_u64(&packet->body), capture = get_u64(&packet->body);
	uint64_t expire_days = get_u64(&packet->body);

	if (result == STORE_OK && !packet->body.bad) {
		p->count = count;
		p->s.capture_left = capture;
		pop3d_expire(p->engine, (int64_t)expire_days);
		pop3d_login_ok(p->engine, p->user, count, octets);
		return;
	}
	log_info("pop3.refused", F_C("sid", p->s.sid), F_STR("user", p->user),
		F_C("why", result != STORE_BUSY ? "store"
			   : wait_s > 0         ? "login-delay"
						: "in-use"));
	/* The account stays this session's; the client may only try again in a new one. */
	if (result == STORE_BUSY && wait_s > 0)
		pop3d_login_failed(p->engine, POP3D_LOGIN_DELAY, STR("wait before the next login"));
	else if (result == STORE_BUSY)
		pop3d_login_failed(
			p->engine, POP3D_IN_USE, STR("another session has this maildrop open"));
	else
		pop3d_login_failed(
			p->engine, POP3D_SYS_TEMP, STR("the maildrop cannot be opened now"));
	p->s.closing = true;
}

static void auth_answered(struct session_pop3 *p, struct ipc_packet *packet)
{
	struct auth_answer a;

	if (!session_get_auth(packet, &a))
		packet->head.result = SASL_TEMP;
	switch ((enum sasl_result)packet->head.result) {
	case SASL_CHALLENGE: pop3d_auth_challenge(p->engine, a.output); return;
	case SASL_OK:
		free((char *)(uintptr_t)p->user.p);
		p->user = str_of(str_dup_c(a.address), a.address.n);
		session_auth_ok(&p->s, a.address);
		open_answered(p, packet);
		return;
	case SASL_FAILED:
		session_auth_failed(&p->s, a.user, "credentials");
		pop3d_login_failed(p->engine, POP3D_AUTH, STR("authentication failed"));
		return;
	case SASL_MALFORMED:
		session_auth_failed(&p->s, a.user, "malformed");
		pop3d_login_failed(
			p->engine, POP3D_NO_CODE, STR("malformed authentication exchange"));
		return;
	case SASL_UNKNOWN_MECHANISM:
		pop3d_login_failed(p->engine, POP3D_NO_CODE, STR("unknown mechanism"));
		return;
	case SASL_TEMP: break;
	}
	pop3d_login_failed(p->engine, POP3D_SYS_TEMP, STR("cannot authenticate now, try again"));
}

static void list_answered(struct session_pop3 *p, struct ipc_packet *packet)
{
	uint64_t count = get_u64(&packet->body), uidls = get_u64(&packet->body), total;
	const char *at = NULL;

	if (packet->body.bad ||
		__builtin_mul_overflow(count, sizeof(struct maildrop_row), &total) ||
		__builtin_add_overflow(total, uidls, &total) || count != p->count ||
		packet->head.result != STORE_OK) {
		pop3d_failed(p->engine, POP3D_SYS_TEMP, STR("the listing cannot be read now"));
		return;
	}
	if (packet->fd >= 0) {
		p->mapping = (void *)(uintptr_t)ipc_map(packet->fd, total);
		p->mapping_len = total;
		at = p->mapping;
	} else if (packet->body.rest.n == total) {
		at = p->rows = mem_alloc(total);
		memcpy(p->rows, packet->body.rest.p, total);
	}
	if (at == NULL) {
		pop3d_failed(p->engine, POP3D_SYS_TEMP, STR("the listing cannot be read now"));
		return;
	}
	p->view = (struct maildrop_view){ .rows = (const struct maildrop_row *)(const void *)at,
		.count = count,
		.uidls = str_of(at + count * sizeof(struct maildrop_row), uidls) };
	pop3d_listing(p->engine, &p->view);
}

/* A store that went away after it had all ids may have removed them: neither +OK nor -ERR would be true,
 * and a client that reads neither asks again (RFC 1939 6). */
static void expunge_answered(struct session_pop3 *p, uint16_t result, bool lost)
{
	bool all = p->expunge_next == p->view.count;

#ifdef MUTANT_OK_WITHOUT_STORE
	result = lost ? STORE_OK : result;
	lost = false;
#endif
	if (result == STORE_UNKNOWN || (lost && all)) {
		log_warn("pop3.update-unknown", F_C("sid", p->s.sid), F_STR("user", p->user));
		pop3d_update_unknown(p->engine);
	} else if (result == STORE_OK && !all) {
		ask_expunge(p);
	} else {
		p->s.holds_maildrop = false;
		pop3d_updated(p->engine, result == STORE_OK);
	}
}

static void answered(struct session *s, struct ipc_packet *packet)
{
	struct session_pop3 *p = pop3_of(s);
	struct ipc_packet lost = { .head.result = STORE_UNAVAILABLE, .fd = -1 };

	if (packet == NULL)
		packet = &lost;
	switch (p->asked) {
	case IPC_AUTH:
	case IPC_AUTH_STEP:
		if (packet == &lost)
			packet->head.result = SASL_TEMP;
		auth_answered(p, packet);
		break;
	case IPC_LIST: list_answered(p, packet); break;
	case IPC_READ: pop3_read_answered(p, packet); break;
	case IPC_EXPUNGE: expunge_answered(p, packet->head.result, packet == &lost); break;
	case IPC_SENDER:
	case IPC_RCPT:
	case IPC_DRAFT:
	case IPC_COMMIT:
	case IPC_RESET:
	case IPC_END:
	case IPC_ETRN:
	case IPC_LOCAL: break; /* SMTP's */
	}
}

static void tls_up(struct session *s, bool channel_binding)
{
	pop3d_tls_started(pop3_of(s)->engine, channel_binding, loop_now_ms(s->conn.loop));
}

static void certificate_shown(struct session *s)
{
	pop3d_certificate_shown(pop3_of(s)->engine);
}

SESSION_ENGINE(pop3_of, pop3d)

static void timed_out(struct session *s)
{
	pop3_of(s)->timed_out = true;
	pop3d_timeout(pop3_of(s)->engine);
}

static void shut_down(struct session *s)
{
	pop3d_shutdown(pop3_of(s)->engine, s->end_by_ms != 0);
}

static void last_word(struct session *s)
{
	struct session_pop3 *p = pop3_of(s);
	const struct pop3d_stats *t = pop3d_stats(p->engine);
	bool had_all = !s->conn.broken && !p->timed_out && pop3d_out(p->engine)->len == 0;

	if (had_all && (p->said_quit || conn_arrived(&s->conn)))
		retrieved_all_sure(&p->retrieved);
	tell_retrieved(p);
	log_info("pop3.session", F_C("sid", s->sid), F_STR("ip", session_peer(s)),
		F_STR("user", p->user), F_INT("retr", t->retr),
		F_INT("retr_octets", t->retr_octets), F_INT("top", t->top),
		F_INT("top_octets", t->top_octets), F_INT("deleted", t->deleted),
		F_INT("deleted_octets", t->deleted_octets), F_INT("count", p->count),
		F_INT("ms", loop_now_ms(s->conn.loop) - s->started_ms), F_C("tls", session_tls(s)),
		F_C("cipher", session_tls_cipher(s)), F_C("group", session_tls_group(s)));
}

static void release(struct session *s)
{
	struct session_pop3 *p = pop3_of(s);

	pop3d_free(p->engine);
	window_give(&s->edge->window, &p->ahead.slot);
	if (p->mapping != NULL)
		munmap(p->mapping, p->mapping_len);
	free(p->rows);
	downgrade_deinit(&p->downgrade);
	retrieved_deinit(&p->retrieved);
	free((char *)(uintptr_t)p->user.p);
	free(p);
}

static const struct session_protocol protocol = {
	.name = "pop3",
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

struct session *session_pop3_new(struct edge *e, const struct config_listen *row, const char *peer)
{
	struct session_pop3 *p = NEW(struct session_pop3);
	struct pop3d_peer facts = {
		.tls_available = row->tls == LISTEN_TLS_STARTTLS && e->tls != NULL,
		.tls_active = row->tls == LISTEN_TLS_IMPLICIT,
		.channel_binding = row->tls == LISTEN_TLS_IMPLICIT,
		.xclient = cidr_set_has(&e->xclient_networks, str_c(peer)),
	};

	facts.expire_days = shared_expire(e->start->shared, &facts.expire_differs);
	p->ahead.slot = WINDOW_NONE;
	p->engine = pop3d_new(&e->pop3, &facts, loop_now_ms(e->loop));
	pop3d_greet(p->engine);
	p->s.holds_maildrop = true; /* or will, when the store comes to it */
	session_init(&p->s, &protocol);
	return &p->s;
}
