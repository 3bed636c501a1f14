#include "remote/server.h"

#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/list.h"
#include "net/resolve.h"

enum { READ_PIECE = 64 * 1024, IN_MAX = 256 * 1024, TARGETS = 16 };

static const struct nexthop_host one_host;

static void on_event(struct conn *c, enum conn_event e)
{
	struct server *s = LIST_OF(c, struct server, conn);

	switch (e) {
	case CONN_READY: s->ready = true; break;
	case CONN_TLS_UP: s->tls_up = true; break;
	case CONN_DEADLINE: s->late = true; break;
	case CONN_FAILED: s->failed = true; break;
	}
}

static void on_interrupt(struct loop_signal *signal)
{
	LIST_OF(signal, struct server, interrupt)->interrupts++;
}

static void on_terminate(struct loop_signal *signal)
{
	LIST_OF(signal, struct server, terminate)->interrupts++;
}

static void on_timer(struct loop_timer *t)
{
	LIST_OF(t, struct server, timer)->late = true;
}

static unsigned interrupts(const struct server *s)
{
	return s->want.beside != NULL ? s->want.beside->interrupts : s->interrupts;
}

bool server_interrupted(const struct server *s)
{
	return interrupts(s) > 0;
}

static void add_target(struct server *s, const void *octets, size_t n)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct nexthop_target *t = &s->targets[s->target_count];

	if (s->target_count == TARGETS)
		return;
	*t = (struct nexthop_target){ .host = &one_host, .port = s->port };
	if (n == 4)
		memcpy(t->address, mapped, sizeof mapped);
	memcpy(t->address + 16 - n, octets, n);
	s->target_count++;
}

static enum status find_by_system(struct server *s, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all = NULL;
	char *host = str_dup_c(s->host);
	int code = getaddrinfo(host, NULL, &hints, &all);

	for (struct addrinfo *a = all; a != NULL; a = a->ai_next)
		if (a->ai_family == AF_INET)
			add_target(s, &((struct sockaddr_in *)(void *)a->ai_addr)->sin_addr, 4);
		else if (a->ai_family == AF_INET6)
			add_target(s, &((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_addr, 16);
	if (all != NULL)
		freeaddrinfo(all);
	if (s->target_count == 0)
		err_set(err, ST_TEMP, "%s: %s", host, gai_strerror(code == 0 ? EAI_NONAME : code));
	free(host);
	return s->target_count > 0 ? ST_OK : ST_TEMP;
}

struct lookup {
	struct dns_query query;
	struct server *server;
	bool done;
};

static void on_answer(struct dns_query *q, const struct dns_answer *a)
{
	struct lookup *l = LIST_OF(q, struct lookup, query);

	for (size_t i = 0; a->outcome == DNS_FOUND && i < a->count; i++)
		add_target(l->server, a->rows[i].data.p, a->rows[i].data.n);
	l->done = true;
}

static enum status find_by_resolver(struct server *s, struct err *err)
{
	struct resolver_config config = { .servers = s->want.resolvers,
		.timeout_ms = s->want.timeout_ms };
	struct resolver *r = resolver_new(s->loop, &config, err);
	struct lookup six = { .server = s }, four = { .server = s };
	struct cidr literal;

	if (cidr_address(s->host, literal.address)) {
		add_target(s, literal.address, 16);
		resolver_free(r);
		return ST_OK;
	}
	if (r == NULL)
		return ST_TEMP;
	resolve_start(r, &six.query, s->host, DNS_AAAA, on_answer);
	resolve_start(r, &four.query, s->host, DNS_A, on_answer);
	while ((!six.done || !four.done) && !server_interrupted(s))
		loop_turn(s->loop, true);
	resolve_cancel(&six.query);
	resolve_cancel(&four.query);
	resolver_free(r);
	return s->target_count > 0 ? ST_OK
				   : err_set(err, ST_TEMP, "%.*s: no address is known",
					     STR_ARG(str_head(s->host, 200)));
}

static void on_dialed(struct dial *d)
{
	LIST_OF(d, struct server, dial)->ready = true;
}

static enum status dial_one(struct server *s, struct err *err)
{
	struct dial_config config = { .timeout_ms = s->want.timeout_ms,
		.source4 = s->want.source,
		.source6 = s->want.source };

	s->ready = false;
	dial_start(&s->dial, s->loop, &config, s->targets, s->target_count, on_dialed);
	while (!s->ready && !server_interrupted(s))
		loop_turn(s->loop, true);
	dial_cancel(&s->dial);
	if (server_interrupted(s))
		return err_set(err, ST_TEMP, "interrupted");
	if (s->dial.fd < 0)
		return err_set(err, ST_TEMP, "%.*s port %u: %s", STR_ARG(str_head(s->host, 150)),
			s->port, s->dial.error);
	conn_init(&s->conn, s->loop, s->dial.fd, &s->dial.peer.any, on_event);
	s->open = true;
	return ST_OK;
}

static bool pin_of(struct str hex, unsigned char pin[TLS_PIN])
{
	size_t digits = 0;

	for (size_t i = 0; i < hex.n; i++) {
		int digit = hex_value(hex.p[i]);

		if (digit < 0)
			continue;
		if (digits == 2 * TLS_PIN)
			return false;
		pin[digits / 2] = (unsigned char)(pin[digits / 2] << 4 | digit);
		digits++;
	}
	return digits == 2 * TLS_PIN;
}

static enum status wait_for_tls(struct server *s, struct err *err)
{
	const char *refusal;

	s->late = s->tls_up = s->failed = false;
	conn_deadline(&s->conn, loop_now_ms(s->loop) + s->want.timeout_ms);
	while (!s->tls_up && !s->failed && !s->late && !server_interrupted(s))
		loop_turn(s->loop, true);
	conn_deadline(&s->conn, 0);
	if (s->tls_up)
		return ST_OK;
	refusal = s->conn.ssl == NULL ? NULL : tls_client_refusal(s->conn.ssl);
	if (refusal != NULL)
		return err_set(err, ST_PERM, "the certificate of %.*s is not accepted: %s",
			STR_ARG(str_head(s->want.host, 100)), refusal);
	/* OpenSSL's words for what is no TLS record, such as the greeting of a port for STARTTLS. */
	if (!s->late && str_ends(str_c(s->conn.error), STR("wrong version number")))
		return err_set(err, ST_PROTO,
			"%.*s does not begin with TLS at port %u: try another port, or starttls",
			STR_ARG(str_head(s->want.host, 100)), s->want.port);
	return err_set(err, ST_TEMP, "TLS with %.*s failed: %s",
		STR_ARG(str_head(s->want.host, 100)),
		s->late                 ? "no answer in time"
		: server_interrupted(s) ? "interrupted"
					: s->conn.error);
}

enum status server_start_tls(struct server *s, struct err *err)
{
	unsigned char pin[1][TLS_PIN] = { { 0 } };
	bool pinned = s->want.fingerprint.n > 0;
	struct tls_want want = {
		.check = s->want.unchecked ? TLS_CHECK_NONE
			 : pinned          ? TLS_CHECK_PINS
					   : TLS_CHECK_NAMES,
		.sni = s->want.host,
		.names = &s->want.host,
		.name_count = 1,
		.pins = pin,
		.pin_count = 1,
		.alpn = s->want.alpn,
	};
	enum status status;

	if (pinned && !pin_of(s->want.fingerprint, pin[0]))
		return err_set(err, ST_USAGE, "the fingerprint is not 64 hex digits");
	if (s->tls == NULL)
		s->tls = tls_client_new(s->want.roots, err);
	if (s->tls == NULL)
		return ST_USAGE;
	if (s->want.own.cert.n > 0 && tls_client_present(s->tls, &s->want.own, err) != ST_OK)
		return ST_USAGE;
	status = conn_start_tls_client(&s->conn, s->tls, &want, err);
	return status == ST_OK ? wait_for_tls(s, err) : status;
}

static void watch_signals(struct server *s)
{
	sigset_t ends;

	loop_signal_init(&s->interrupt, s->loop, SIGINT, on_interrupt);
	loop_signal_init(&s->terminate, s->loop, SIGTERM, on_terminate);
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &ends, &s->mask);
}

enum status server_connect(struct server *s, const struct server_want *want, struct err *err)
{
	struct socks through = { .host = want->host, .port = want->port };
	enum status status = ST_OK;

	*s = (struct server){ .want = *want, .host = want->host, .port = want->port };
	s->loop = want->beside != NULL ? want->beside->loop : loop_new();
	s->conn.fd = s->dial.fd = -1;
	if (want->beside == NULL)
		watch_signals(s);
	loop_timer_init(&s->timer, s->loop, on_timer);
	if (want->proxy.n > 0 &&
		!socks_parse(want->proxy, &s->host, &s->port, &through.user, &through.password))
		status = err_set(err, ST_USAGE, "proxy is no socks5://HOST:PORT");
	if (status == ST_OK)
		status = want->resolvers.n > 0 ? find_by_resolver(s, err) : find_by_system(s, err);
	if (status == ST_OK)
		status = dial_one(s, err);
	if (status == ST_OK && want->proxy.n > 0)
		status = server_pass_proxy(s, &through, err);
	if (status == ST_OK && want->tls == SERVER_TLS_IMPLICIT)
		status = server_start_tls(s, err);
	return status;
}

enum server_turn server_turn(
	struct server *s, struct buf *in, struct buf *out, bool read, int64_t deadline_ms)
{
	unsigned told = interrupts(s);
	bool moved = false;
	int64_t n;

	if (!read && out->len == 0)
		return SERVER_MOVED; /* nothing is to be waited for */
	s->late = false;
	loop_timer_at(&s->timer, deadline_ms);
	for (;;) {
		while (out->len > 0 && (n = conn_write(&s->conn, out)) != 0) {
			if (n < 0)
				return SERVER_CLOSED;
			moved = true;
		}
		n = read && in->len < IN_MAX ? conn_read(&s->conn, in, READ_PIECE) : 0;
		if (n < 0)
			return moved ? SERVER_MOVED : SERVER_CLOSED;
		if (n > 0 || moved || interrupts(s) != told)
			break;
		conn_want(&s->conn, (read ? LOOP_READ : 0) | (out->len > 0 ? LOOP_WRITE : 0));
		if (s->want.beside != NULL)
			conn_want(&s->want.beside->conn, 0); /* nobody reads there now */
		s->ready = false;
		while (!s->ready && !s->late && !s->failed && interrupts(s) == told)
			loop_turn(s->loop, true);
		if (interrupts(s) > 1)
			return SERVER_CLOSED; /* who asks twice does not want to wait */
		if (s->failed)
			return SERVER_CLOSED;
		if (s->late)
			return SERVER_LATE;
	}
	loop_timer_stop(&s->timer);
	return SERVER_MOVED;
}

void server_close(struct server *s)
{
	if (s->loop == NULL)
		return;
	loop_timer_stop(&s->timer);
	dial_cancel(&s->dial);
	if (s->open)
		conn_close(&s->conn);
	tls_client_free(s->tls);
	if (s->want.beside == NULL) {
		sigprocmask(SIG_SETMASK, &s->mask, NULL);
		loop_signal_stop(&s->interrupt);
		loop_signal_stop(&s->terminate);
		loop_free(s->loop);
	}
	s->loop = NULL;
}
