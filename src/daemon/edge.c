/* The process that speaks with strangers: it has listening sockets, sessions, and one channel to the
 * store.  After sandbox_syscalls() it cannot open, create or run anything. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/accept.h"
#include "daemon/ipc_lookup.h"
#include "daemon/overload.h"
#include "daemon/sandbox.h"
#include "daemon/session.h"

enum { ORPHAN_MS = 30 * 1000, LATER_MS = 100, LOAD_MS = 1000 };

static bool has_word(const char *words, struct str word)
{
	struct str rest = str_c(words);

	while (rest.n > 0)
		if (str_eq(str_cut(&rest, ' '), word))
			return true;
	return false;
}

/* %v in it is the version (RFC 2449 6.9). */
static struct str implementation(struct edge *e)
{
	struct buf *text = &e->implementation;
	struct str from = str_c(e->config->implementation);

	for (size_t i = 0; i < from.n; i++) {
		if (from.p[i] == '%' && i + 1 < from.n && from.p[i + 1] == 'v') {
			buf_put(text, STR(RESTANTE_VERSION));
			i++;
		} else {
			buf_putc(text, from.p[i]);
		}
	}
	return buf_str(text);
}

static void fill_engines(struct edge *e)
{
	const struct config *c = e->config;
	struct smtpd_config smtp = {
		.hostname = str_c(c->hostname),
		.message_size_limit = (uint64_t)c->message_size_limit,
		.recipients_max = (size_t)c->recipients_max,
		.transactions_max = (size_t)c->transactions_max,
		.command_line_max = (size_t)c->command_line_max,
		.errors_soft = (size_t)c->errors_soft,
		.errors_hard = (size_t)c->errors_hard,
		.received_max = (size_t)c->received_max,
		.header_max = (size_t)c->header_size_limit,
		.greet_timeout_ms = c->greet_timeout_ms,
		.command_timeout_ms = c->command_timeout_ms,
		.data_timeout_ms = c->data_timeout_ms,
		.session_max_ms = c->session_max_ms,
		.smtputf8 = true,
		.requiretls = true,
		.chunking = true,
	};

	e->mx = smtp;
	/* Whoever may speak LMTP is trusted, and has everybody's errors to hand on. */
	e->lmtp = smtp;
	e->lmtp.errors_soft = e->lmtp.errors_hard = SIZE_MAX;
	e->submission = smtp;
	e->submission.xverp = true;
	e->submission.cleartext_auth = c->cleartext_auth;
	e->pop3 = (struct pop3d_config){
		.hostname = str_c(c->hostname),
		.implementation = implementation(e),
		.login_timeout_ms = c->login_timeout_ms,
		.autologout_ms = c->autologout_ms,
		.errors_before_login = (size_t)c->pop3_errors_before_login,
		.errors_after_login = (size_t)c->pop3_errors_after_login,
		.auth_failures = (size_t)c->auth_failures,
		.login_delay_s = (uint64_t)(c->pop3_login_delay_ms + 999) / 1000,
		.language = str_c(c->pop3_language),
		.nul_to_80 = has_word(c->pop3_workarounds, STR("nul")),
		.end_header = has_word(c->pop3_workarounds, STR("separator")),
		.cleartext_auth = c->cleartext_auth,
	};
}

/* sasl_mechanisms -> what is always offered, what needs a binding, what needs a client certificate. */
static void split_mechanisms(struct edge *e)
{
	struct str rest = str_c(e->config->sasl_mechanisms);

	while (rest.n > 0) {
		struct str name = str_cut(&rest, ' ');
		struct buf *to = str_ends(name, STR("-PLUS"))    ? &e->plus
				 : str_eq(name, STR("EXTERNAL")) ? &e->certificate
								 : &e->plain;

		/* Without a judge no token could be good. */
		if (name.n == 0 ||
			(e->config->oauth_check[0] == '\0' &&
				(str_eq(name, STR("OAUTHBEARER")) || str_eq(name, STR("XOAUTH2")))))
			continue;
		if (to->len > 0)
			buf_putc(to, ' ');
		buf_put(to, name);
	}
	e->submission.mechanisms = e->pop3.mechanisms = buf_str(&e->plain);
	e->submission.mechanisms_plus = e->pop3.mechanisms_plus = buf_str(&e->plus);
	e->submission.mechanisms_certificate = e->pop3.mechanisms_certificate =
		buf_str(&e->certificate);
}

void edge_note(
	struct edge *e, struct session *s, unsigned type, struct str fields, struct str octets)
{
	struct ipc_head head = { .type = (uint16_t)type, .session = s->slot };

	if (e->store != NULL && !e->store_lost && !s->lost)
		ipc_send(e->store, &head, fields, octets, -1);
}

/* What `restante who` tells; only of sessions that the store has to do with. */
static void hello(struct edge *e, struct session *s)
{
	struct buf b = { 0 };

	put_str(&b, str_c(s->protocol->name));
	put_str(&b, str_c(s->sid));
	put_str(&b, session_peer(s));
	put_u64(&b, (uint64_t)(clock_wall_ms() - (loop_now_ms(e->loop) - s->started_ms)));
	edge_note(e, s, IPC_HELLO, buf_str(&b), STR(""));
	buf_deinit(&b);
}

/* False: there is no store now. */
static bool begin_question(struct edge *e, struct session *s, struct ipc_head *head)
{
	if (e->store == NULL || e->store_lost || s->lost)
		return false;
	if (++e->seq == 0)
		e->seq = 1;
	head->session = s->slot;
	s->seq = head->seq = e->seq;
	if (!s->known)
		hello(e, s);
	s->known = true;
	return true;
}

bool edge_ask(
	struct edge *e, struct session *s, enum ipc_type type, struct str fields, struct str octets)
{
	struct ipc_head head = { .type = (uint16_t)type };

	if (!begin_question(e, s, &head))
		return false;
	ipc_send(e->store, &head, fields, octets, -1);
	return true;
}

bool edge_ask_local(struct edge *e, struct session *s)
{
	struct ipc_head head = { .type = IPC_LOCAL };

	if (!begin_question(e, s, &head))
		return false;
	ipc_send(e->store, &head, STR(""), STR(""), s->conn.fd);
	return true;
}

struct window *edge_window(struct edge *e)
{
	struct ipc_head head = { .type = IPC_WINDOW };

	if (!e->window.asked && e->store != NULL && !e->store_lost) {
		e->window.asked = true;
		ipc_send(e->store, &head, STR(""), STR(""), -1);
	}
	return &e->window;
}

void edge_tell(struct edge *e, struct session *s, enum ipc_type type)
{
	struct ipc_head head = { .type = (uint16_t)type, .session = s->slot };

	if (e->store != NULL && !e->store_lost && !s->lost)
		ipc_send(e->store, &head, STR(""), STR(""), -1);
}

void edge_tell_end(struct edge *e, struct session *s)
{
	struct ipc_head head = { .type = IPC_END, .session = s->slot };

	if (s->holds_maildrop)
		edge_tell(e, s, IPC_END);
	else if (e->store != NULL && !e->store_lost)
		ipc_send_later(e->store, &head);
}

static void send_later(struct loop_timer *t)
{
	struct edge *e = LIST_OF(t, struct edge, later);

	e->later_set = false;
	ipc_flush_all(e->store);
}

/* The connections that go may all be another edge's: what began here is looked at until it ends. */
static void check_load_again(struct loop_timer *t)
{
	struct edge *e = LIST_OF(t, struct edge, load);

	edge_check_load(e);
	if (e->overloaded)
		loop_timer_at(&e->load, loop_now_ms(e->loop) + LOAD_MS);
}

void edge_check_load(struct edge *e)
{
	int64_t total = shared_total(e->start->shared), most = e->config->connections_max;
	bool now = overload_now(e->overloaded, total, most);

	if (now == e->overloaded)
		return;
	e->overloaded = now;
	e->mx = e->usual.mx;
	e->submission = e->usual.submission;
	e->pop3 = e->usual.pop3;
	if (now) {
		log_warn("edge.overload", F_INT("connections", total), F_INT("most", most));
		overload_smtp(&e->mx);
		overload_smtp(&e->submission);
		overload_pop3(&e->pop3);
		loop_timer_at(&e->load, loop_now_ms(e->loop) + LOAD_MS);
	} else {
		log_info("edge.overload-over", F_INT("connections", total), F_INT("most", most));
	}
	for (uint32_t i = 0; i < e->slot_count; i++)
		if (e->slots[i] != NULL)
			session_rearm(e->slots[i]);
}

bool edge_add_session(struct edge *e, struct session *s)
{
	uint32_t at;

	for (at = e->slot_hint; at < e->slot_count && e->slots[at] != NULL; at++)
		continue;
	if (at == e->slot_count) {
		uint32_t count = e->slot_count == 0 ? 64 : e->slot_count * 2;

		e->slots = mem_array(e->slots, count, sizeof(struct session *));
		memset(e->slots + e->slot_count, 0,
			(count - e->slot_count) * sizeof(struct session *));
		e->slot_count = count;
	}
	e->slots[at] = s;
	e->slot_hint = at + 1;
	e->live++;
	s->slot = at;
	return true;
}

void edge_remove_session(struct edge *e, struct session *s)
{
	e->slots[s->slot] = NULL;
	if (s->slot < e->slot_hint)
		e->slot_hint = s->slot;
	e->live--;
	if (e->draining && e->live == 0)
		loop_stop(e->loop);
}

static void from_store(void *owner, struct ipc_packet *p)
{
	struct edge *e = owner;
	struct session *s = p->head.session < e->slot_count ? e->slots[p->head.session] : NULL;

	if (p->head.type == IPC_READ)
		window_answered(&e->window, p->head.seq);
	/* A session that went away left its question behind: nobody wants that answer. */
	if (p->head.type == IPC_WINDOW) {
		if (p->fd >= 0 && !window_map(&e->window, p->fd))
			log_warn("edge.window", F_C("err", strerror(errno)));
	} else if (p->head.type == IPC_KICK) {
		if (s != NULL && str_eq(get_str(&p->body), str_c(s->sid)))
			session_kick(s);
	} else if (p->head.type == IPC_LOOKUP) {
		edge_lookup_answered(e, p);
	} else if (s != NULL && s->seq != 0 && s->seq == p->head.seq) {
		session_answered(s, p);
	}
	if (p->fd >= 0)
		close(p->fd);
}

/* Authentication, leases, recipients and drafts were in the store: no session that asked it anything can go
 * on honestly, with the next one least of all: it would have those recipients only that we say yes to by ourselves. */
static void forget_store(struct edge *e)
{
	log_warn("edge.store-lost", F_INT("sessions", e->live));
	e->store_lost = true;
	edge_lookups_lost(e);
	for (uint32_t i = 0; i < e->slot_count; i++) {
		struct session *s = e->slots[i];
		bool asked = s != NULL && s->seq != 0;

		if (s == NULL || !s->known)
			continue;
		s->known = false;
		s->lost = true;
		if (asked)
			session_answered(s, NULL);
		if (e->slots[i] == s)
			session_shutdown(s);
	}
}

static void store_lost(void *owner)
{
	struct edge *e = owner;
	struct ipc_head ask = { .type = LEASH_CHANNEL };

	forget_store(e);
	ipc_send(e->leash, &ask, STR(""), STR(""), -1);
	loop_timer_at(&e->orphaned, loop_now_ms(e->loop) + ORPHAN_MS);
}

/* Nobody gave us another channel in all that time. */
static void orphaned(struct loop_timer *t)
{
	struct edge *e = LIST_OF(t, struct edge, orphaned);

	log_error("edge.orphaned", F_INT("sessions", e->live));
	log_flush();
	_exit(EX_SOFTWARE);
}

static void accepted(struct listener *l, int fd, const struct sockaddr *peer)
{
	struct edge_listener *el = LIST_OF(l, struct edge_listener, listener);

	accept_connection(el, fd, peer);
}

static void woken(struct listener *l)
{
	relief_woken(LIST_OF(l, struct edge_listener, listener)->edge);
}

static void stop_accepting(struct edge *e)
{
	relief_end(e);
	for (size_t i = 0; i < e->start->listener_count; i++) {
		listener_stop(&e->listeners[i].listener);
		close(e->start->listeners[i].fd);
	}
	e->start->listener_count = 0;
	e->draining = true;
	if (e->live == 0)
		loop_stop(e->loop);
}

static void new_ticket_keys(struct edge *e, struct str keys)
{
	struct err err = { 0 };

	if (e->tls != NULL && tls_server_tickets(e->tls, keys, &err) != ST_OK)
		log_error("edge.tickets", F_C("err", err.text));
}

static void from_parent(void *owner, struct ipc_packet *p)
{
	struct edge *e = owner;

	switch ((enum leash_type)p->head.type) {
	case LEASH_CHANNEL:
		if (p->fd < 0)
			break;
		if (!e->store_lost) /* the parent knew before us */
			forget_store(e);
		ipc_free(e->store);
		e->store = ipc_new(e->loop, p->fd, from_store, store_lost, e);
		ipc_gather(e->store);
		e->store_lost = false;
		window_unmap(&e->window);
		loop_timer_stop(&e->orphaned);
		return;
	case LEASH_DRAIN: stop_accepting(e); break;
	case LEASH_STOP:
		stop_accepting(e);
		for (uint32_t i = 0; i < e->slot_count; i++)
			if (e->slots[i] != NULL)
				session_shutdown(e->slots[i]);
		break;
	case LEASH_TICKETS: new_ticket_keys(e, p->body.rest); break;
	case LEASH_TOKENS:
	case LEASH_READY:
	case LEASH_CARRIER:
	case LEASH_SECRET:
	case LEASH_WEB:
	case LEASH_CONFIG: break; /* not for an edge */
	}
	if (p->fd >= 0)
		close(p->fd);
}

static void parent_lost(void *owner)
{
	struct edge *e = owner;

	loop_stop(e->loop);
}

static void turn_end(void *arg)
{
	struct edge *e = arg;

	ipc_flush(e->store);
	if (ipc_has_later(e->store) && !e->later_set) {
		e->later_set = true;
		loop_timer_at(&e->later, loop_now_ms(e->loop) + LATER_MS);
	}
	log_flush();
}

static unsigned extensions(struct str words)
{
	unsigned set = 0;

	while (words.n > 0)
		set |= smtpd_extension_named(str_cut(&words, ' '));
	return set;
}

static void listen_all(struct edge *e)
{
	size_t n = e->start->listener_count;
	struct str bad;

	e->listeners = mem_array(NULL, n, sizeof *e->listeners);
	memset(e->listeners, 0, n * sizeof *e->listeners);
	for (size_t i = 0; i < n; i++) {
		e->listeners[i].edge = e;
		e->listeners[i].row = e->start->listeners[i].row;
		e->listeners[i].discard = extensions(str_c(e->listeners[i].row->discard_ehlo));
		cidr_set_parse(
			&e->listeners[i].proxies, str_c(e->listeners[i].row->proxy_networks), &bad);
		listener_init(
			&e->listeners[i].listener, e->loop, e->start->listeners[i].fd, accepted);
		e->listeners[i].listener.woken = woken;
	}
}

_Noreturn void edge_process(struct child_start *start)
{
	struct edge *e = NEW(struct edge);
	struct err err = { 0 };
	struct str bad; /* nothing is: the parent has parsed it */
	struct ipc_head ready = { .type = LEASH_READY };
	char root[4096];

	mem_tune();
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes with write(2) */
	snprintf(root, sizeof root, "%s/empty", start->state);
	e->start = start;
	snprintf(e->sid_head, sizeof e->sid_head, "%x-%x-", start->seat, (unsigned)getpid());
	e->config = start->config;
	if (start->pair_count > 0)
		e->tls = tls_server_new(start->pairs, start->pair_count,
			str_c(e->config->tls_min_version), start->ticket_keys, &err);
	if (e->tls != NULL && start->client_ca.n > 0)
		tls_server_authorities(e->tls, start->client_ca, &err);
	for (size_t i = 0; i < start->pair_count; i++)
		mem_wipe((char *)(uintptr_t)start->pairs[i].key.p, start->pairs[i].key.n);
	mem_trim();
	if (err.code != ST_OK || sandbox_drop(&start->identity, root, &err) != ST_OK ||
		sandbox_syscalls(SANDBOX_EDGE, &err) != ST_OK) {
		log_error("edge.failed", F_C("err", err.text));
		_exit(EX_CONFIG);
	}
	fill_engines(e);
	split_mechanisms(e);
	e->usual.mx = e->mx;
	e->usual.submission = e->submission;
	e->usual.pop3 = e->pop3;
	cidr_set_parse(&e->ban_exempt, str_c(e->config->ban_exempt), &bad);
	e->bans = (struct shared_rule){ .ban_after = e->config->ban_after_failures,
		.ban_ms = e->config->ban_time_ms,
		.exempt = &e->ban_exempt };
	cidr_set_parse(&e->check_exempt, str_c(e->config->check_exempt), &bad);
	cidr_set_parse(&e->lmtp_clients, str_c(e->config->lmtp_clients), &bad);
	cidr_set_parse(&e->etrn_networks, str_c(e->config->etrn_networks), &bad);
	cidr_set_parse(&e->xclient_networks, str_c(e->config->xclient_networks), &bad);
	e->loop = loop_new();
	loop_timer_init(&e->orphaned, e->loop, orphaned);
	loop_timer_init(&e->later, e->loop, send_later);
	loop_timer_init(&e->load, e->loop, check_load_again);
	e->leash = ipc_new(e->loop, start->leash, from_parent, parent_lost, e);
	e->store = ipc_new(e->loop, start->channel, from_store, store_lost, e);
	ipc_gather(e->store);
	listen_all(e);
	relief_begin(e);
	loop_at_turn_end(e->loop, turn_end, e);
	ipc_send(e->leash, &ready, STR(""), STR(""), -1);
	loop_run(e->loop);
	log_flush();
	_exit(0);
}
