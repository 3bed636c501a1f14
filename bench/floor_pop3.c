/* floor_pop3 PORT TLS_PORT CERT KEY: the least that a server can do for a POP3 session of bench/load: one process,
 * replies that are always the same, nobody looked up; by TLS what OpenSSL does for a full handshake and nothing
 * of ours around it (no ticket, no session kept, the cheapest cipher first).  As floor.c is for mail that comes.
 *
 *   cc -O2 -D_GNU_SOURCE -o floor_pop3 bench/floor_pop3.c -lssl -lcrypto */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURN = 128, FDS = 4096 };

static const char greeting[] = "+OK ready\r\n";
static int epoll;
static SSL *tls[FDS]; /* NULL: a plain connection */
static bool greeted[FDS];

static void watch(int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= FDS || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		exit(1);
}

static int listen_at(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&to, sizeof to) < 0 || listen(fd, 1000) < 0)
		exit(1);
	watch(fd);
	return fd;
}

static SSL_CTX *context(const char *cert, const char *key)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	if (c == NULL || SSL_CTX_use_certificate_chain_file(c, cert) != 1 ||
		SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256") != 1)
		exit(1);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(c, 0);
	return c;
}

static void leave(int fd)
{
	SSL_free(tls[fd]);
	tls[fd] = NULL;
	close(fd);
}

static void say(int fd, const char *text, size_t n)
{
	if (tls[fd] != NULL)
		SSL_write(tls[fd], text, (int)n);
	else if (send(fd, text, n, MSG_NOSIGNAL) < 0)
		return; /* the next read finds out */
}

static void accept_all(int listening, SSL_CTX *ctx)
{
	int fd;

	while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		watch(fd);
		greeted[fd] = ctx == NULL;
		if (ctx == NULL) {
			say(fd, greeting, sizeof greeting - 1);
			continue;
		}
		tls[fd] = SSL_new(ctx);
		SSL_set_fd(tls[fd], fd);
		SSL_set_accept_state(tls[fd]);
	}
}

static ssize_t hear(int fd, char *in, size_t n)
{
	int got;

	if (tls[fd] == NULL)
		return recv(fd, in, n, MSG_DONTWAIT);
	if (!greeted[fd]) {
		ERR_clear_error();
		got = SSL_do_handshake(tls[fd]);
		if (got != 1)
			return SSL_get_error(tls[fd], got) == SSL_ERROR_WANT_READ ? -1 : 0;
		greeted[fd] = true;
		say(fd, greeting, sizeof greeting - 1);
	}
	got = SSL_read(tls[fd], in, (int)n);
	return got > 0 ? got : SSL_get_error(tls[fd], got) == SSL_ERROR_WANT_READ ? -1 : 0;
}

/* A command is a line, and each is good; QUIT is the last one. */
static void serve(int fd)
{
	static const char good[] = "+OK 0 0\r\n";
	char in[4096];
	ssize_t n = hear(fd, in, sizeof in);

	for (const char *line = in; n > 0 && line < in + n; line++) {
		say(fd, good, sizeof good - 1);
		if (memcmp(line, "QUIT", 4) == 0)
			n = 0;
		else if ((line = memchr(line, '\n', (size_t)(in + n - line))) == NULL)
			break;
	}
	if (n == 0)
		leave(fd);
}

int main(int argc, char **argv)
{
	struct epoll_event events[TURN];
	int plain, secure;
	SSL_CTX *ctx;

	if (argc != 5)
		return 64;
	epoll = epoll_create1(0);
	plain = listen_at(atoi(argv[1]));
	secure = listen_at(atoi(argv[2]));
	ctx = context(argv[3], argv[4]);
	for (;;) {
		int n = epoll_wait(epoll, events, TURN, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == plain || fd == secure)
				accept_all(fd, fd == secure ? ctx : NULL);
			else
				serve(fd);
		}
	}
}
