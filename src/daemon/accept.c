/* Between accept(2) and the session: whose connection it is, and whether there is room for it. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/accept.h"
#include "daemon/session.h"
#include "net/proxy.h"

enum { HEADER_MS = 5000, PEEK = 512 };

/* A proxy that has not said yet who its client is. */
struct waiting {
	struct conn conn;
	struct edge_listener *listener;
	struct proxy header;
};

static bool count(struct edge *e, struct str address, int64_t per_address, int64_t per_network)
{
	struct shared_limits limits = { per_address, per_network, e->config->connections_max };
	bool room = shared_connect(e->start->shared, e->start->seat, address, &limits);

	if (!room)
		edge_check_load(e);
	return room;
}

static void uncount(struct edge *e, struct str address)
{
	shared_disconnect(e->start->shared, e->start->seat, address);
}

/* True when it may stay; else it was told why not, as far as its protocol can be spoken. */
static bool admit(struct edge_listener *el, struct conn *c)
{
	static const struct str words[] = {
		[LISTEN_SMTP] = STR_INIT("421 4.7.0 too many connections, try again later\r\n"),
		[LISTEN_SUBMISSION] =
			STR_INIT("421 4.7.0 too many connections, try again later\r\n"),
		[LISTEN_POP3] =
			STR_INIT("-ERR [SYS/TEMP] too many connections, try again later\r\n"),
		[LISTEN_LMTP] = STR_INIT("421 4.7.0 too many connections, try again later\r\n"),
		[LISTEN_HTTP] = STR_INIT("HTTP/1.1 503 Service Unavailable\r\n"
					 "Content-Length: 0\r\nConnection: close\r\n\r\n"),
	};
	struct str say = words[el->row->protocol];

	if (count(el->edge, str_c(c->peer), el->edge->config->connections_per_address,
		    el->edge->config->connections_per_network))
		return true;
	if (el->row->tls != LISTEN_TLS_IMPLICIT &&
		send(c->fd, say.p, say.n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("conn.refusal-unsent", F_C("ip", c->peer));
	log_info("conn.refused", F_C("ip", c->peer), F_C("listen", el->row->name),
		F_C("why", "too-many-connections"));
	return false;
}

static void no_event(struct conn *c, enum conn_event e)
{
	(void)c;
	(void)e;
}

/* Takes the socket over. */
static void start(struct edge_listener *el, struct conn *conn)
{
	struct edge *e = el->edge;

	/* Without a word: a listener that answers is worth another try. */
	if (bans_has(shared_bans(e->start->shared), str_c(conn->peer), clock_steady_ms())) {
		log_info("conn.refused", F_C("ip", conn->peer), F_C("listen", el->row->name),
			F_C("why", "banned"));
		conn_close(conn);
		return;
	}
	if (!admit(el, conn)) {
		conn_close(conn);
		return;
	}
	/* LMTP asks nobody who he is, so it matters where he comes from. */
	if (el->row->protocol == LISTEN_LMTP &&
		!cidr_set_has(&e->lmtp_clients, str_c(conn->peer))) {
		log_info("conn.refused", F_C("ip", conn->peer), F_C("listen", el->row->name),
			F_C("why", "not-in-lmtp-clients"));
		uncount(e, str_c(conn->peer));
		conn_close(conn);
		return;
	}
	session_start(el, conn);
	edge_check_load(e);
}

static void drop(struct waiting *w, const char *why)
{
	log_info("proxy.refused", F_C("ip", w->conn.peer), F_C("listen", w->listener->row->name),
		F_C("why", why));
	uncount(w->listener->edge, str_c(w->conn.peer));
	conn_close(&w->conn);
	free(w);
}

/* The connection goes on under the client's name; without one, under the proxy's own. */
static void hand_on(struct waiting *w)
{
	struct edge_listener *el = w->listener;
	struct sockaddr_storage own = { 0 };
	socklen_t length = sizeof own;
	struct conn conn;
	int fd = w->conn.fd;

	if (!w->header.told && getpeername(fd, (struct sockaddr *)&own, &length) < 0) {
		drop(w, "gone");
		return;
	}
	uncount(el->edge, str_c(w->conn.peer));
	conn_let_go(&w->conn);
	log_debug("proxy.client", F_C("proxy", w->conn.peer), F_C("listen", el->row->name));
	conn_init(&conn, el->edge->loop, fd,
		(struct sockaddr *)(w->header.told ? &w->header.client : &own), no_event);
	start(el, &conn);
	free(w);
}

static void proxy_event(struct conn *c, enum conn_event event)
{
	struct waiting *w = LIST_OF(c, struct waiting, conn);
	enum proxy_result result = PROXY_MORE;
	char at[PEEK];
	size_t used;
	ssize_t n;

	if (event != CONN_READY) {
		drop(w, "timeout");
		return;
	}
	while (result == PROXY_MORE) {
		n = recv(c->fd, at, sizeof at, MSG_PEEK | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			drop(w, "gone");
			return;
		}
		result = proxy_feed(&w->header, str_of(at, (size_t)n), &used);
		if (recv(c->fd, at, used, MSG_DONTWAIT) != (ssize_t)used)
			result = PROXY_BAD;
	}
	if (result == PROXY_DONE)
		hand_on(w);
	else
		drop(w, "malformed");
}

void accept_connection(struct edge_listener *el, int fd, const struct sockaddr *peer)
{
	struct edge *e = el->edge;
	struct conn conn;
	struct waiting *w;

	conn_init(&conn, e->loop, fd, peer, no_event);
	if (!cidr_set_has(&el->proxies, str_c(conn.peer))) {
		start(el, &conn);
		return;
	}
	/* All its clients come from the proxy: only the total counts until they have names. */
	if (!count(e, str_c(conn.peer), INT64_MAX, INT64_MAX)) {
		conn_close(&conn);
		return;
	}
	w = NEW(struct waiting);
	w->listener = el;
	conn_take(&w->conn, &conn, proxy_event);
	conn_deadline(&w->conn, loop_now_ms(e->loop) + HEADER_MS);
	conn_want(&w->conn, LOOP_READ);
}
