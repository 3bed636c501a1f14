/* One client connection: sockets, TLS, and where a reply ends. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"

static void wait_for(struct conn *c, int mask)
{
	struct epoll_event e = { .events = (uint32_t)mask, .data.ptr = c };

	if (mask != c->mask && epoll_ctl(c->load->epoll, EPOLL_CTL_MOD, c->fd, &e) < 0)
		abort();
	c->mask = mask;
}

/* Commands that follow each other are one piece, and leave in one packet. */
void conn_put(struct conn *c, const char *format, ...)
{
	struct piece *last = c->out_n > 0 ? &c->out[c->out_n - 1] : NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(c->text + c->text_n, sizeof c->text - c->text_n, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof c->text - c->text_n || c->out_n == OUT_MAX)
		abort();
	if (last != NULL && last->p == NULL)
		last->n += (size_t)n;
	else
		c->out[c->out_n++] = (struct piece){ .at = c->text_n, .n = (size_t)n };
	c->text_n += (size_t)n;
}

void conn_put_octets(struct conn *c, const char *p, size_t n)
{
	if (c->out_n == OUT_MAX)
		abort();
	c->out[c->out_n++] = (struct piece){ .p = p, .n = n };
}

void conn_open(struct conn *c)
{
	struct load *l = c->load;
	/* the server speaks first, unless TLS begins at once */
	int mask = l->o.tls == TLS_IMPLICIT ? EPOLLOUT : EPOLLIN, on = 1;
	struct epoll_event e = { .events = (uint32_t)mask, .data.ptr = c };

	c->fd = socket(l->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		abort();
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->connecting = true;
	c->handshaking = c->rejected = c->multi_body = false;
	c->out_n = c->out_at = c->out_off = c->text_n = c->in_n = 0;
	c->step = 0;
	c->done = 0;
	c->asked = c->answered = 0;
	c->expect = l->script == &script_smtp ? REPLY_SMTP : REPLY_LINE;
	c->began = now();
	c->mask = mask;
	if (connect(c->fd, (struct sockaddr *)&l->to, sizeof(struct sockaddr_in)) < 0 &&
		errno != EINPROGRESS)
		c->rejected = true; /* told by the socket's error later */
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) < 0)
		abort();
	c->opened++;
	l->started++;
	l->live++;
}

/* Goes on with another operation on this place, if there is any left. */
void conn_close(struct conn *c)
{
	struct load *l = c->load;

	if (c->ssl != NULL) {
		ERR_clear_error();
		if (!c->handshaking)
			(void)SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
		c->ssl = NULL;
	}
	close(c->fd);
	c->fd = -1;
	l->live--;
	c->rounds++;
	if (may_start(l))
		conn_open(c);
}

void conn_start_tls(struct conn *c)
{
	c->ssl = SSL_new(c->load->tls);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
		abort();
	SSL_set_connect_state(c->ssl);
	c->handshaking = true;
	c->in_n = 0;
}

/* What SSL waits for; -1: it failed. */
static int tls_wants(struct conn *c, int result)
{
	switch (SSL_get_error(c->ssl, result)) {
	case SSL_ERROR_WANT_READ: return EPOLLIN;
	case SSL_ERROR_WANT_WRITE: return EPOLLOUT;
	}
	return -1;
}

/* Octets, 0: end, -1: not now, -2: failed. */
static ssize_t take(struct conn *c, char *to, size_t n)
{
	int got;

	if (c->ssl == NULL) {
		ssize_t r = recv(c->fd, to, n, 0);

		return r >= 0 ? r : errno == EAGAIN ? -1 : -2;
	}
	ERR_clear_error();
	got = SSL_read(c->ssl, to, (int)n);
	if (got > 0)
		return got;
	if (SSL_get_error(c->ssl, got) == SSL_ERROR_ZERO_RETURN)
		return 0;
	return tls_wants(c, got) < 0 ? -2 : -1;
}

static ssize_t give(struct conn *c, const char *p, size_t n, bool more)
{
	int put;

	if (c->ssl == NULL) {
		ssize_t r = send(c->fd, p, n, MSG_NOSIGNAL | (more ? MSG_MORE : 0));

		return r >= 0 ? r : errno == EAGAIN ? -1 : -2;
	}
	ERR_clear_error();
	put = SSL_write(c->ssl, p, (int)n);
	return put > 0 ? put : tls_wants(c, put) < 0 ? -2 : -1;
}

/* False: it broke. */
static bool flush(struct conn *c)
{
	while (c->out_at < c->out_n) {
		const struct piece *piece = &c->out[c->out_at];
		const char *p = piece->p != NULL ? piece->p : c->text + piece->at;
		ssize_t n =
			give(c, p + c->out_off, piece->n - c->out_off, c->out_at + 1 < c->out_n);

		if (n == -1)
			return true;
		if (n < 0)
			return false;
		c->out_off += (size_t)n;
		if (c->out_off == piece->n) {
			c->out_at++;
			c->out_off = 0;
		}
	}
	c->out_n = c->out_at = c->text_n = 0;
	return true;
}

static void drop(struct conn *c, size_t n)
{
	c->in_n -= n;
	memmove(c->in, c->in + n, c->in_n);
}

/* Where the dot line that ends a reply is over; 0: not there.  Bodies have few dots, so dots are
 * what is looked for. */
static size_t end_of_body(const char *p, size_t n)
{
	size_t at = 2;

	while (at + 2 < n) {
		const char *dot = memchr(p + at, '.', n - at - 2);

		if (dot == NULL)
			return 0;
		at = (size_t)(dot - p);
		if (p[at - 2] == '\r' && p[at - 1] == '\n' && p[at + 1] == '\r' &&
			p[at + 2] == '\n')
			return at + 3;
		at++;
	}
	return 0;
}

static void count_lines(struct load *l, const char *p, size_t n)
{
	const char *at = p, *end = p + n;

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		l->lines++;
		at++;
	}
}

/* The body of a reply of many lines: true when it is over. */
static bool skip_body(struct conn *c)
{
	struct load *l = c->load;
	size_t end = end_of_body(c->in, c->in_n);
	size_t gone = end > 0 ? end : c->in_n > 4 ? c->in_n - 4 : 0;

	if (l->o.retr == 0)
		count_lines(l, c->in, gone);
	l->octets += gone;
	drop(c, gone);
	return end > 0;
}

/* One reply out of what came: 1 complete, 0 more is needed, -1 the connection is done. */
static int one_reply(struct conn *c)
{
	char line[512];
	char *end;
	size_t n;

	if (c->expect == REPLY_MULTI && c->multi_body) {
		if (!skip_body(c))
			return 0;
		c->multi_body = false;
		return c->load->script->next(c, "+", 1) ? 1 : -1;
	}
	end = memchr(c->in, '\n', c->in_n);
	if (end == NULL)
		return 0;
	n = (size_t)(end - c->in) + 1;
	memcpy(line, c->in, n < sizeof line ? n : sizeof line - 1);
	line[n < sizeof line ? n : sizeof line - 1] = '\0';
	if (c->expect == REPLY_MULTI && line[0] == '+') {
		c->multi_body = true;
		drop(c, n - 2); /* its CRLF may begin the end of an empty body */
		return 1;
	}
	drop(c, n);
	if (c->expect == REPLY_SMTP && n > 3 && line[3] == '-')
		return 1;
	return c->load->script->next(c, line, n) ? 1 : -1;
}

static void receive(struct conn *c)
{
	for (;;) {
		ssize_t n = take(c, c->in + c->in_n, IN_SIZE - c->in_n);
		int more = 1;

		if (n == -1)
			return;
		if (n <= 0) {
			load_fail(c, n == 0 ? "the server closed" : "connection lost", "", 0);
			conn_close(c);
			return;
		}
		c->in_n += (size_t)n;
		while (more == 1 && !c->handshaking)
			more = one_reply(c);
		if (more < 0) {
			(void)flush(c);
			conn_close(c);
			return;
		}
		if (c->handshaking || c->out_n > 0)
			return;
	}
}

static bool shake(struct conn *c)
{
	int done, wants;

	ERR_clear_error();
	done = SSL_do_handshake(c->ssl);
	if (done == 1) {
		c->handshaking = false;
		c->load->handshakes++;
		if (c->load->o.tls == TLS_STARTTLS)
			return c->load->script->next(c, "", 0);
		return true;
	}
	wants = tls_wants(c, done);
	if (wants > 0)
		wait_for(c, wants);
	return wants > 0;
}

void conn_ready(struct conn *c, int events)
{
	int error = 0, fd = c->fd;
	unsigned opened = c->opened;
	socklen_t n = sizeof error;

	if (c->connecting) {
		c->connecting = false;
		if ((events & (EPOLLERR | EPOLLHUP)) || c->rejected) {
			(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
			load_fail(c, "connect", strerror(error), 0);
			conn_close(c);
			return;
		}
		if (c->load->o.tls == TLS_IMPLICIT)
			conn_start_tls(c);
	}
	if (!c->handshaking)
		receive(c);
	while (c->fd == fd && c->opened == opened) {
		if (c->handshaking) {
			if (!shake(c)) {
				load_fail(c, "TLS handshake", "", 0);
				conn_close(c);
				return;
			}
			if (c->handshaking)
				return;
		}
		if (!flush(c)) {
			load_fail(c, "connection lost while sending", "", 0);
			conn_close(c);
			return;
		}
		if (c->ssl == NULL || SSL_pending(c->ssl) == 0 || c->out_n > 0) {
			wait_for(c, EPOLLIN | (c->out_n > 0 ? EPOLLOUT : 0));
			return;
		}
		receive(c);
	}
}
