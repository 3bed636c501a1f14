#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "net/conn.h"
#include "net/spki.h"
#include "net/tls_bio.h"

enum { CORK_FROM = 64 * 1024 };

static void peer_text(struct conn *c, const struct sockaddr *peer)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
	const void *ip = NULL;
	int family = peer == NULL ? AF_UNSPEC : peer->sa_family;
	struct ucred user;
	socklen_t n = sizeof user;

	if (family == AF_INET) {
		ip = &v4->sin_addr;
		c->peer_port = ntohs(v4->sin_port);
	} else if (family == AF_INET6) {
		ip = &v6->sin6_addr;
		c->peer_port = ntohs(v6->sin6_port);
		/* RFC 4291 2.5.5.2: one client has one name, whichever socket took it. */
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
			family = AF_INET;
			ip = &v6->sin6_addr.s6_addr[12];
		}
	}
	if (family == AF_UNIX && getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &user, &n) == 0)
		snprintf(c->peer, sizeof c->peer, "uid-%u", (unsigned)user.uid);
	else if (ip == NULL || inet_ntop(family, ip, c->peer, sizeof c->peer) == NULL)
		snprintf(c->peer, sizeof c->peer, "local");
}

/* The first cause wins; nothing is read or written after it. */
static void conn_broke(struct conn *c, const char *what, const char *why)
{
	if (!c->broken)
		snprintf(c->error, sizeof c->error, "%s: %s", what, why);
	c->broken = true;
}

/* What to wait for after a TLS call that returned `result`: LOOP_READ, LOOP_WRITE, or 0 when it
 * has failed, with *end set when that is an orderly end of the stream. */
static int tls_needs(struct conn *c, int result, const char *what, bool *end)
{
	int error = errno, code = SSL_get_error(c->ssl, result);
	unsigned long e = ERR_peek_error();
	const char *why = e != 0 ? ERR_reason_error_string(e) : NULL;

	*end = code == SSL_ERROR_ZERO_RETURN;
	if (code == SSL_ERROR_WANT_READ)
		return LOOP_READ;
	if (code == SSL_ERROR_WANT_WRITE)
		return LOOP_WRITE;
	if (why == NULL)
		why = *end ? "the peer closed" : error != 0 ? strerror(error) : "the peer vanished";
	/* An end while reading is no failure: we may still have something to say. */
	if (!*end || c->handshaking)
		conn_broke(c, what, why);
	return 0;
}

static void wait_for_wanted(struct conn *c)
{
	int events = 0;

	if ((c->wanted & LOOP_READ) != 0)
		events |= c->read_needs_write ? LOOP_WRITE : LOOP_READ;
	if ((c->wanted & LOOP_WRITE) != 0)
		events |= c->write_needs_read ? LOOP_READ : LOOP_WRITE;
	/* Nothing is wanted only until an answer is there: most often the same is wanted next, and to stop and to
	 * start are a system call each.  on_io() stops it when something comes meanwhile. */
	if (events != 0)
		loop_io_want(&c->io, events);
	if ((c->wanted & LOOP_READ) != 0 && conn_pending(c))
		loop_io_again(&c->io, events);
}

static void handshake(struct conn *c)
{
	bool end;
	int done, needs;

	ERR_clear_error();
	errno = 0;
	done = SSL_do_handshake(c->ssl);
	if (done == 1) {
		c->handshaking = false;
		wait_for_wanted(c);
		c->event(c, CONN_TLS_UP);
		return;
	}
	needs = tls_needs(c, done, "TLS handshake", &end);
	loop_io_want(&c->io, needs);
	if (needs == 0)
		c->event(c, CONN_FAILED);
}

static void on_io(struct loop_io *io, int events)
{
	struct conn *c = LIST_OF(io, struct conn, io);

	c->drained &= (events & LOOP_READ) == 0;
	if (c->handshaking)
		handshake(c);
	else if (c->wanted == 0)
		loop_io_want(io, 0);
	else
		c->event(c, CONN_READY);
}

static void on_deadline(struct loop_timer *t)
{
	struct conn *c = LIST_OF(t, struct conn, timer);

	c->event(c, CONN_DEADLINE);
}

void conn_init(struct conn *c, struct loop *l, int fd, const struct sockaddr *peer,
	void (*event)(struct conn *, enum conn_event))
{
	*c = (struct conn){ .loop = l, .fd = fd, .event = event };
	peer_text(c, peer);
	loop_io_init(&c->io, l, fd, on_io);
	loop_timer_init(&c->timer, l, on_deadline);
}

void conn_take(
	struct conn *c, const struct conn *from, void (*event)(struct conn *, enum conn_event))
{
	*c = (struct conn){
		.loop = from->loop,
		.fd = from->fd,
		.event = event,
		.peer_port = from->peer_port,
		.drained = true, /* who waits for a greeting has said nothing yet */
	};
	memcpy(c->peer, from->peer, sizeof c->peer);
	loop_io_init(&c->io, c->loop, c->fd, on_io);
	loop_timer_init(&c->timer, c->loop, on_deadline);
}

void conn_close(struct conn *c)
{
	static char sink[65536];

	if (c->fd < 0)
		return;
	if (c->ssl != NULL && !c->handshaking && !c->broken) {
		ERR_clear_error();
		(void)SSL_shutdown(c->ssl);
	}
	SSL_free(c->ssl);
	c->ssl = NULL;
	tls_server_unref(c->tls);
	c->tls = NULL;
	loop_io_want(&c->io, 0);
	loop_timer_stop(&c->timer);
	/* Closing over unread octets sends RST, which can take our last reply from the peer (RFC 9293
	 * 3.6.1).  MSG_TRUNC lets TCP drop them without a copy. */
	(void)recv(c->fd, sink, sizeof sink, MSG_DONTWAIT | MSG_TRUNC);
	close(c->fd);
	c->fd = -1;
}

void conn_let_go(struct conn *c)
{
	loop_io_want(&c->io, 0);
	loop_timer_stop(&c->timer);
	c->fd = -1;
}

void conn_start_tls(struct conn *c, struct tls_server *tls)
{
	c->tls = tls_server_ref(tls);
	c->ssl = SSL_new(tls_server_ctx(tls));
	if (c->ssl == NULL)
		abort();
	tls_bio_attach(c);
	SSL_set_app_data(c->ssl, (void *)c->alpn);
	SSL_set_accept_state(c->ssl);
	if (c->no_tickets) {
		SSL_set_options(c->ssl, SSL_OP_NO_TICKET);
		SSL_set_num_tickets(c->ssl, 0); /* in 1.3 the option alone does not stop them */
	}
	if (c->ask_certificate) {
		/* Sessions of other listeners, where nobody was asked, are not resumed here. */
		static const unsigned char context[] = "certificate";

		SSL_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
		SSL_set_session_id_context(c->ssl, context, sizeof context - 1);
	}
	c->handshaking = true;
	loop_io_want(&c->io, LOOP_READ);
}

enum status conn_start_tls_client(
	struct conn *c, struct tls_client *tls, const struct tls_want *want, struct err *err)
{
	c->ssl = tls_client_session(tls, want, err);
	if (c->ssl == NULL)
		return ST_USAGE;
	tls_bio_attach(c);
	c->handshaking = true;
	loop_io_want(&c->io, LOOP_WRITE);
	return ST_OK;
}

static int64_t read_plain(struct conn *c, char *to, size_t n)
{
	ssize_t got;

	if (c->drained)
		return 0;
	do
		got = recv(c->fd, to, n, 0);
	while (got < 0 && errno == EINTR);
	c->drained = got > 0 ? (size_t)got < n : got < 0 && errno == EAGAIN;
	if (got > 0)
		return got;
	if (got == 0)
		return CONN_EOF;
	if (errno == EAGAIN)
		return 0;
	conn_broke(c, "read", strerror(errno));
	return CONN_ERROR;
}

static int64_t read_tls(struct conn *c, char *to, size_t n)
{
	size_t total = 0;
	bool end = false;

	c->read_needs_write = c->starved = false;
	while (total < n) {
		size_t got = 0;
		int done, needs;

		ERR_clear_error();
		errno = 0;
		done = SSL_read_ex(c->ssl, to + total, n - total, &got);
		if (done == 1) {
			total += got;
			if (SSL_has_pending(c->ssl) == 0)
				break;
			continue;
		}
		needs = tls_needs(c, done, "TLS read", &end);
		c->starved = true;
		c->read_needs_write = needs == LOOP_WRITE;
		if (needs == 0 && total == 0)
			return end ? CONN_EOF : CONN_ERROR;
		break;
	}
	return (int64_t)total;
}

/* Most of what comes is far less than there is room for: it is read elsewhere first, so that the buffer is no
 * larger than what it holds, and no more than that is wiped of a secret one. */
int64_t conn_read(struct conn *c, struct buf *into, size_t most)
{
	static char elsewhere[16 * 1024];
	char *to = elsewhere;
	int64_t got;

	if (c->broken)
		return CONN_ERROR;
	if (c->handshaking || into->full)
		return 0;
	if (into->max != 0 && most > into->max - into->len)
		most = into->max - into->len;
	if (most == 0)
		return 0;
	if (most > sizeof elsewhere)
		to = buf_reserve(into, most);
	got = c->ssl == NULL ? read_plain(c, to, most) : read_tls(c, to, most);
	if (got > 0 && to == elsewhere)
		buf_put(into, str_of(elsewhere, (size_t)got));
	else if (got > 0)
		buf_grew(into, (size_t)got);
	else if (into->len == 0)
		buf_release(into);
	if (got > 0 && to == elsewhere && into->secret)
		mem_wipe(elsewhere, (size_t)got);
	return got;
}

/* OpenSSL writes one record of 16 KiB at a time, and each would be a packet, and a wake-up of the peer, of
 * its own.  Not TCP: nothing to save. */
static void cork(const struct conn *c, int on)
{
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

static int64_t write_plain(struct conn *c, struct str s)
{
	ssize_t put;

	do
		put = send(c->fd, s.p, s.n, MSG_NOSIGNAL | (c->last ? MSG_MORE : 0));
	while (put < 0 && errno == EINTR);
	if (put >= 0)
		return put;
	if (errno == EAGAIN)
		return 0;
	conn_broke(c, "write", strerror(errno));
	return CONN_ERROR;
}

static int64_t write_tls(struct conn *c, struct str s)
{
	size_t put = 0;
	bool end;
	int done, needs;

	c->write_needs_read = false;
	ERR_clear_error();
	errno = 0;
	done = SSL_write_ex(c->ssl, s.p, s.n, &put);
	if (done == 1)
		return (int64_t)put;
	needs = tls_needs(c, done, "TLS write", &end);
	c->write_needs_read = needs == LOOP_READ;
	if (needs != 0)
		return 0;
	conn_broke(c, "TLS write", "the peer closed");
	return CONN_ERROR;
}

int64_t conn_write_str(struct conn *c, struct str *from)
{
	bool corked = c->ssl != NULL && !c->last && from->n >= CORK_FROM;
	int64_t total = 0;

	if (c->broken)
		return CONN_ERROR;
	if (c->handshaking)
		return 0;
	if (corked)
		cork(c, 1);
	while (from->n > 0) {
		int64_t put = c->ssl == NULL ? write_plain(c, *from) : write_tls(c, *from);

		if (put < 0 && total == 0)
			total = put;
		if (put <= 0)
			break;
		*from = str_from(*from, (size_t)put);
		total += put;
	}
	if (corked)
		cork(c, 0);
	return total;
}

int64_t conn_write(struct conn *c, struct buf *from)
{
	struct str s = buf_str(from);
	int64_t put = conn_write_str(c, &s);

	if (put > 0)
		buf_consume(from, (size_t)put);
	return put;
}

bool conn_arrived(const struct conn *c)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof info;

	if (c->fd < 0 || getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
		return true;
	return info.tcpi_unacked == 0;
}

void conn_last(struct conn *c)
{
	c->last = true;
}

void conn_want(struct conn *c, int events)
{
	c->wanted = events;
	if (c->fd >= 0 && !c->handshaking)
		wait_for_wanted(c);
}

void conn_deadline(struct conn *c, int64_t mono_ms)
{
	if (c->fd < 0)
		return;
	if (mono_ms == 0)
		loop_timer_stop(&c->timer);
	else
		loop_timer_at(&c->timer, mono_ms);
}

bool conn_pending(const struct conn *c)
{
	return c->ssl != NULL && !c->handshaking && !c->broken && !c->starved &&
	       SSL_has_pending(c->ssl) == 1;
}

bool conn_channel_binding(struct conn *c, unsigned char out[32])
{
	/* RFC 9266 2: this label, a context of length zero, 32 octets.  4.2: not without unique master
	 * secrets, and not with renegotiation, which tls.c switches off. */
	static const char label[] = "EXPORTER-Channel-Binding";

	if (c->ssl == NULL || c->handshaking)
		return false;
	if (SSL_version(c->ssl) < TLS1_3_VERSION && SSL_get_extms_support(c->ssl) != 1)
		return false;
	ERR_clear_error();
	return SSL_export_keying_material(c->ssl, out, 32, label, sizeof label - 1,
		       (const unsigned char *)"", 0, 1) == 1;
}

bool conn_client_key(const struct conn *c, unsigned char out[32], const char **why)
{
	const X509 *cert = NULL;
	long verdict;

	if (c->ssl != NULL && !c->handshaking && c->ask_certificate)
		cert = SSL_get0_peer_certificate(c->ssl);
	if (cert == NULL)
		return false;
	verdict = SSL_get_verify_result(c->ssl);
	*why = verdict == X509_V_OK ? NULL : X509_verify_cert_error_string(verdict);
	return spki_digest(cert, out);
}

const char *conn_tls_version(const struct conn *c)
{
	return c->ssl == NULL || c->handshaking ? NULL : SSL_get_version(c->ssl);
}

const char *conn_tls_cipher(const struct conn *c)
{
	return c->ssl == NULL || c->handshaking ? NULL : SSL_get_cipher_name(c->ssl);
}

const char *conn_tls_group(const struct conn *c)
{
	const char *name;

	if (c->ssl == NULL || c->handshaking)
		return NULL;
	name = SSL_group_to_name(c->ssl, (int)SSL_get_negotiated_group(c->ssl));
	return name != NULL ? name : "unknown";
}
