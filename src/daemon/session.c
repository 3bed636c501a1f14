#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/session.h"

enum {
	READ_SIZE = 16 * 1024,
	READ_SIZE_BULK = 120 * 1024,
	KICK_MS = 2000, /* for the last words to a client that does not read */
	TURNS = 64,     /* reads and writes before other sessions get their turn */
};

static void end(struct session *s)
{
	struct edge *e = s->edge;

	if (s->driving) {
		s->ended = true;
		return;
	}
	s->protocol->last_word(s);
	if (s->known)
		edge_tell_end(e, s);
	shared_disconnect(e->start->shared, e->start->seat, session_peer(s));
	conn_close(&s->conn);
	edge_remove_session(e, s);
	s->protocol->free(s);
	edge_check_load(e);
}

static void arm(struct session *s)
{
	bool out = s->protocol->out(s)->len > 0;
	bool in = !out && s->seq == 0 && s->paused_until_ms == 0 && !s->closing &&
		  !s->starting_tls && s->protocol->wants_input(s);
	int64_t at = s->protocol->deadline(s);

	if (s->paused_until_ms != 0)
		at = s->paused_until_ms;
	if (s->again)
		at = loop_now_ms(s->conn.loop);
	if (s->end_by_ms != 0 && s->end_by_ms < at)
		at = s->end_by_ms;
	conn_want(&s->conn, (out ? LOOP_WRITE : 0) | (in ? LOOP_READ : 0));
	conn_deadline(&s->conn, at);
}

/* The engine's deadline holds for the handshake too. */
static void start_tls(struct session *s)
{
	static const char *const names[] = {
		[LISTEN_SMTP] = "smtp",
		[LISTEN_SUBMISSION] = "smtp",
		[LISTEN_POP3] = "pop3",
		[LISTEN_LMTP] = "smtp",
		[LISTEN_HTTP] = "http/1.1",
	};

	s->conn.alpn = names[s->row->protocol];
	s->conn.ask_certificate = s->row->client_certificates;
	/* A ticket would go on proving a key long after it was shown. */
	s->conn.no_tickets = !s->row->tls_tickets || s->conn.ask_certificate;
	conn_deadline(&s->conn, s->protocol->deadline(s));
	conn_start_tls(&s->conn, s->edge->tls);
}

/* Tells the store what went by, as long as it wants to know. */
static void capture(struct session *s, bool from_client, struct str octets)
{
	octets = str_head(octets, s->capture_left);
	s->capture_left -= octets.n;
	while (octets.n > 0) {
		struct str piece = str_head(octets, IPC_CHUNK);

		edge_note(s->edge, s, IPC_CAPTURE, from_client ? STR("C") : STR("S"), piece);
		octets = str_from(octets, piece.n);
	}
}

/* Writes from out and reads into in, captured: false when the connection is over. */
static bool write_out(struct session *s, struct buf *out)
{
	struct str waiting = buf_str(out);

	if (conn_write(&s->conn, out) < 0)
		return false;
	capture(s, false, str_head(waiting, waiting.n - out->len));
	return true;
}

void session_write(struct session *s, struct str octets)
{
	struct buf *out = s->protocol->out(s);
	struct str rest = octets;

	if (write_out(s, out) && out->len == 0)
		(void)conn_write_str(&s->conn, &rest);
	capture(s, false, str_head(octets, octets.n - rest.n));
	buf_put(out, rest);
}

static int64_t read_in(struct session *s, size_t most)
{
	struct buf *in = s->protocol->in(s);
	size_t before = in->len;
	int64_t n = conn_read(&s->conn, in, most);

	if (n > 0)
		capture(s, true, str_from(buf_str(in), before));
	return n;
}

/* False: nothing more can be done now. */
static bool turn(struct session *s)
{
	struct buf *out = s->protocol->out(s);
	bool had_output;
	int64_t n;

	if (s->seq == 0 && s->paused_until_ms == 0 && !s->closing && !s->starting_tls)
		s->protocol->serve(s);
	if (s->paused_until_ms != 0)
		return false; /* what is in out waits too: that is the tarpit */
	had_output = out->len > 0;
	if (s->closing)
		conn_last(&s->conn);
	if (had_output && !write_out(s, out)) {
		end(s);
		return false;
	}
	if (out->len > 0)
		return false;
	buf_release(out);
	if (s->closing) {
		end(s);
		return false;
	}
	if (s->starting_tls) {
		start_tls(s);
		return false;
	}
	if (had_output && s->seq == 0)
		return true; /* a long reply goes on where it stopped */
	if (s->seq != 0 || !s->protocol->wants_input(s))
		return false;
	n = read_in(s, s->bulk ? READ_SIZE_BULK : READ_SIZE);
	s->bulk = n >= READ_SIZE;
	if (n < 0)
		end(s);
	return n > 0;
}

void session_drive(struct session *s)
{
	int turns = 0;

	if (s->driving || s->conn.handshaking)
		return;
	s->driving = true;
	s->again = false;
	while (!s->ended && turns++ < TURNS && turn(s))
		continue;
	s->driving = false;
	if (s->ended) {
		end(s);
		return;
	}
	s->again = turns > TURNS;
	if (!s->starting_tls)
		arm(s);
}

static void tls_up(struct session *s)
{
	unsigned char unused[32];
	struct buf key = { 0 };
	const char *why = NULL;
	bool shown = conn_client_key(&s->conn, s->client_key, &why);

	if (s->starting_tls) {
		s->starting_tls = false;
		s->protocol->tls_up(s, conn_channel_binding(&s->conn, unused));
	}
	if (!shown)
		return;
	s->has_certificate = why == NULL;
	hex_put(&key, str_of(s->client_key, sizeof s->client_key));
	log_info("tls.certificate", F_C("sid", s->sid), F_STR("ip", session_peer(s)),
		F_STR("key", buf_str(&key)), F_C("why", why == NULL ? "" : why));
	buf_deinit(&key);
	if (s->has_certificate)
		s->protocol->certificate_shown(s);
}

static void event(struct conn *c, enum conn_event e)
{
	struct session *s = LIST_OF(c, struct session, conn);

	switch (e) {
	case CONN_READY: break;
	case CONN_TLS_UP: tls_up(s); break;
	case CONN_DEADLINE:
		if (s->end_by_ms != 0 && loop_now_ms(s->conn.loop) >= s->end_by_ms) {
			end(s);
			return;
		}
		if (c->handshaking) {
			log_info("tls.timeout", F_C("sid", s->sid), F_STR("ip", session_peer(s)));
			end(s);
			return;
		}
		if (s->paused_until_ms != 0)
			s->paused_until_ms = 0;
		else if (!s->again && s->seq == 0)
			s->protocol->timeout(s);
		break;
	case CONN_FAILED:
		log_info("tls.failed", F_C("sid", s->sid), F_STR("ip", session_peer(s)),
			F_C("err", c->error));
		end(s);
		return;
	}
	session_drive(s);
}

void session_answered(struct session *s, struct ipc_packet *p)
{
	s->seq = 0;
	s->protocol->answered(s, p);
	session_drive(s);
}

void session_shutdown(struct session *s)
{
	s->protocol->shutdown(s);
	if (s->conn.handshaking)
		end(s);
	else
		session_drive(s);
}

void session_kick(struct session *s)
{
	log_info("session.kicked", F_C("sid", s->sid), F_C("proto", s->protocol->name),
		F_STR("ip", session_peer(s)));
	s->end_by_ms = loop_now_ms(s->conn.loop) + KICK_MS;
	session_shutdown(s);
}

void session_pause(struct session *s, int64_t ms)
{
	s->paused_until_ms = loop_now_ms(s->conn.loop) + (ms > 0 ? ms : 1);
}

void session_init(struct session *s, const struct session_protocol *protocol)
{
	s->protocol = protocol;
}

static struct session *make(const struct edge_listener *el, const char *peer)
{
	switch (el->row->protocol) {
	case LISTEN_SMTP:
	case LISTEN_LMTP:
	case LISTEN_SUBMISSION: return session_smtp_new(el, peer);
	case LISTEN_POP3: return session_pop3_new(el->edge, el->row, peer);
	case LISTEN_HTTP: return session_http_new(el->edge);
	}
	return NULL;
}

void session_start(struct edge_listener *el, const struct conn *conn)
{
	struct edge *e = el->edge;
	struct session *s = make(el, conn->peer);

	s->edge = e;
	s->row = el->row;
	conn_take(&s->conn, conn, event);
	s->started_ms = loop_now_ms(e->loop);
	edge_add_session(e, s);
	snprintf(s->sid, sizeof s->sid, "%s%x", e->sid_head, ++e->born);
	if (el->row->tls == LISTEN_TLS_IMPLICIT) {
		start_tls(s);
		return;
	}
	session_drive(s);
}

void session_rearm(struct session *s)
{
	if (!s->driving && !s->starting_tls && !s->conn.handshaking)
		arm(s);
}

bool session_take_client(struct session *s, struct str address, uint16_t port)
{
	struct edge *e = s->edge;
	struct shared_limits limits;
	unsigned char ip[16];
	char text[sizeof s->conn.peer];
	bool v4;

	if (!cidr_address(address, ip))
		return false;
	v4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)ip);
	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip + 12 : ip, text, sizeof text);
	limits = (struct shared_limits){ e->config->connections_per_address,
		e->config->connections_per_network, INT64_MAX };
	if (!shared_connect(e->start->shared, e->start->seat, str_c(text), &limits))
		return false;
	shared_disconnect(e->start->shared, e->start->seat, session_peer(s));
	memcpy(s->conn.peer, text, sizeof text);
	s->conn.peer_port = port;
	/* What the store knows is about somebody else. */
	if (s->known)
		edge_tell_end(e, s);
	s->known = false;
	return true;
}

bool session_ask_auth(
	struct session *s, struct str mechanism, struct str input, bool has_input, bool plus)
{
	unsigned char exporter[32];
	/* The others cannot be bound, and to derive it costs more than to send the packet. */
	bool bound = str_istarts(mechanism, STR("SCRAM-")) && s->conn.ssl != NULL &&
		     conn_channel_binding(&s->conn, exporter);
	struct buf b = { 0 };
	bool asked;

	put_str(&b, mechanism);
	put_u8(&b, s->conn.ssl != NULL);
	put_u8(&b, plus && bound);
	put_str(&b, bound ? str_of(exporter, sizeof exporter) : STR(""));
	put_u8(&b, has_input);
	put_str(&b, input);
	put_str(&b, str_c(s->protocol->name));
	put_str(&b, session_peer(s));
	put_str(&b, str_c(s->conn.ssl == NULL ? "none" : conn_tls_version(&s->conn)));
	put_str(&b, s->has_certificate ? str_of(s->client_key, sizeof s->client_key) : STR(""));
	asked = edge_ask(s->edge, s, IPC_AUTH, buf_str(&b), STR(""));
	buf_wipe(&b);
	return asked;
}

bool session_ask_auth_step(struct session *s, struct str input)
{
	struct buf b = { 0 };
	bool asked;

	put_str(&b, input);
	asked = edge_ask(s->edge, s, IPC_AUTH_STEP, buf_str(&b), STR(""));
	buf_wipe(&b);
	return asked;
}

bool session_get_auth(struct ipc_packet *p, struct auth_answer *a)
{
	a->output = get_str(&p->body);
	a->address = get_str(&p->body);
	a->user = get_str(&p->body);
	return !p->body.bad && str_find(a->address, '\0') == a->address.n;
}

void session_auth_failed(struct session *s, struct str user, const char *why)
{
	struct shared *shared = s->edge->start->shared;
	struct shared_failure failure;
	char net[CIDR_TEXT];

	log_info("auth.failed", F_C("sid", s->sid), F_C("proto", s->protocol->name),
		F_STR("ip", session_peer(s)), F_STR("user", user), F_C("why", why));
	failure = shared_login_failed(shared, session_peer(s), &s->edge->bans,
		loop_now_ms(s->conn.loop), clock_steady_ms());
	session_pause(s, failure.delay_ms);
	if (!failure.banned)
		return;
	cidr_text(&failure.net, net);
	log_warn("ban.added", F_C("sid", s->sid), F_STR("ip", session_peer(s)), F_C("net", net),
		F_INT("seconds", s->edge->bans.ban_ms / 1000), F_C("why", "logins"));
}

void session_auth_ok(struct session *s, struct str address)
{
	shared_login_ok(s->edge->start->shared, session_peer(s));
	log_info("auth.ok", F_C("sid", s->sid), F_C("proto", s->protocol->name),
		F_STR("ip", session_peer(s)), F_STR("user", address), F_C("tls", session_tls(s)),
		F_C("cipher", session_tls_cipher(s)), F_C("group", session_tls_group(s)));
}
