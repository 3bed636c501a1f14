#include "net/tls_bio.h"

#include <errno.h>
#include <stdlib.h>

static int on_read(BIO *bio, char *to, int n)
{
	struct conn *c = BIO_get_data(bio);
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (c->drained) {
		BIO_set_retry_read(bio);
		return -1;
	}
	do
		got = recv(c->fd, to, (size_t)n, 0);
	while (got < 0 && errno == EINTR);
	c->drained = got > 0 ? got < n : got < 0 && errno == EAGAIN;
	if (got < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	else if (got == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	return (int)got;
}

/* Nobody waits for a ticket (RFC 8446 4.6.1): it goes with what is written next, or by itself when the kernel has
 * waited a fifth of a second for that. */
static int on_write(BIO *bio, const char *p, int n)
{
	const struct conn *c = BIO_get_data(bio);
	bool more = c->last || SSL_get_state(c->ssl) == TLS_ST_SW_SESSION_TICKET;
	ssize_t put;

	BIO_clear_retry_flags(bio);
	do
		put = send(c->fd, p, (size_t)n, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
	while (put < 0 && errno == EINTR);
	if (put < 0 && errno == EAGAIN)
		BIO_set_retry_write(bio);
	return (int)put;
}

static long on_control(BIO *bio, int what, long n, void *p)
{
	(void)n, (void)p;
	if (what == BIO_CTRL_EOF)
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	return what == BIO_CTRL_FLUSH;
}

void tls_bio_attach(struct conn *c)
{
	static BIO_METHOD *method;
	BIO *bio;

	if (method == NULL && ((method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
					"connection")) == NULL ||
				      BIO_meth_set_read(method, on_read) != 1 ||
				      BIO_meth_set_write(method, on_write) != 1 ||
				      BIO_meth_set_ctrl(method, on_control) != 1))
		abort();
	bio = BIO_new(method);
	if (bio == NULL)
		abort();
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	SSL_set_bio(c->ssl, bio, bio);
}
