/* load sink --port N: a server that takes every message and keeps none.  It offers what most servers on
 * the net do.  A number on standard input: it waits until it has so many, tells when the last came, and ends. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"

enum { EVENTS = 64, BUFFER = 64 * 1024, HELLO = 1, BYE = 2 };

struct peer {
	int fd;
	bool body;     /* between 354 and the dot */
	uint64_t bdat; /* octets left of a chunk */
	bool last;     /* it is the last chunk */
	size_t n;
	char in[BUFFER];
	size_t out_n;
	char out[BUFFER];
};

struct sink {
	int epoll, listening;
	bool chunking;
	uint64_t messages, connections, wanted;
	double last;
};

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void say(struct peer *p, const char *text)
{
	size_t n = strlen(text);

	if (p->out_n + n > sizeof p->out)
		abort();
	memcpy(p->out + p->out_n, text, n);
	p->out_n += n;
}

static void taken(struct sink *s, struct peer *p)
{
	s->messages++;
	s->last = now();
	say(p, "250 2.0.0 taken\r\n");
}

static void begin_chunk(struct peer *p, const char *line)
{
	char *end;

	p->bdat = strtoull(line + 5, &end, 10);
	p->last = strncasecmp(end, " LAST", 5) == 0;
}

/* False: the connection is over. */
static bool command(struct sink *s, struct peer *p, const char *line)
{
	if (strncasecmp(line, "EHLO", 4) == 0) {
		say(p, "250-sink.test\r\n250-PIPELINING\r\n250-SIZE 209715200\r\n250-8BITMIME\r\n");
		say(p, s->chunking ? "250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n"
				   : "250 ENHANCEDSTATUSCODES\r\n");
	} else if (strncasecmp(line, "DATA", 4) == 0) {
		p->body = true;
		say(p, "354 go on\r\n");
	} else if (strncasecmp(line, "BDAT ", 5) == 0) {
		begin_chunk(p, line);
	} else if (strncasecmp(line, "QUIT", 4) == 0) {
		say(p, "221 2.0.0 bye\r\n");
		return false;
	} else {
		say(p, "250 2.0.0 ok\r\n");
	}
	return true;
}

/* Up to the end of the message, or all but what may be a part of it. */
static size_t skip_body(struct sink *s, struct peer *p, const char *at, size_t n)
{
	const char *end = n >= 5 ? memmem(at, n, "\r\n.\r\n", 5) : NULL;

	if (end == NULL)
		return n > 4 ? n - 4 : 0;
	p->body = false;
	taken(s, p);
	return (size_t)(end - at) + 5;
}

static size_t skip_chunk(struct sink *s, struct peer *p, size_t n)
{
	size_t part = n < p->bdat ? n : (size_t)p->bdat;

	p->bdat -= part;
	if (p->bdat > 0)
		return part;
	if (p->last)
		taken(s, p);
	else
		say(p, "250 2.0.0 more\r\n");
	p->last = false;
	return part;
}

/* What is complete in p->in; false: the connection is over. */
static bool digest(struct sink *s, struct peer *p)
{
	size_t at = 0, before = 1;
	bool on = true;

	while (on && at != before && at < p->n) {
		const char *line = p->in + at, *lf;

		before = at;
		if (p->body) {
			at += skip_body(s, p, line, p->n - at);
		} else if (p->bdat > 0) {
			at += skip_chunk(s, p, p->n - at);
		} else if ((lf = memchr(line, '\n', p->n - at)) != NULL) {
			on = command(s, p, line);
			at = (size_t)(lf - p->in) + 1;
		}
	}
	p->n -= at;
	memmove(p->in, p->in + at, p->n);
	return on;
}

static void receive(struct sink *s, struct peer *p)
{
	ssize_t n = recv(p->fd, p->in + p->n, sizeof p->in - p->n, MSG_DONTWAIT);
	bool on = n > 0;

	if (on) {
		p->n += (size_t)n;
		on = digest(s, p);
	}
	/* Replies are few and short: a socket always takes them. */
	if (p->out_n > 0 && send(p->fd, p->out, p->out_n, MSG_NOSIGNAL) != (ssize_t)p->out_n)
		on = false;
	p->out_n = 0;
	if (!on) {
		close(p->fd);
		free(p);
	}
}

static void welcome(struct sink *s)
{
	struct peer *p = calloc(1, sizeof *p);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = p };
	static const char greeting[] = "220 sink.test ESMTP\r\n";
	int on = 1;

	must(p != NULL, "memory");
	p->fd = accept4(s->listening, NULL, NULL, SOCK_CLOEXEC);
	must(p->fd >= 0, "accept");
	(void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	must(epoll_ctl(s->epoll, EPOLL_CTL_ADD, p->fd, &e) == 0, "epoll");
	(void)!write(p->fd, greeting, sizeof greeting - 1);
	s->connections++;
}

static void listen_at(struct sink *s, unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event listening = { .events = EPOLLIN, .data.ptr = NULL },
			   input = { .events = EPOLLIN, .data.ptr = s };
	int on = 1;

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(s->listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	must(bind(s->listening, (struct sockaddr *)&to, sizeof to) == 0, "bind");
	must(listen(s->listening, 1024) == 0, "listen");
	must(epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listening, &listening) == 0, "epoll");
	must(epoll_ctl(s->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) == 0, "epoll");
	printf("ready\n");
	fflush(stdout);
}

static void take_number(struct sink *s)
{
	char text[32] = "";

	if (read(STDIN_FILENO, text, sizeof text - 1) <= 0)
		exit(1);
	s->wanted = strtoull(text, NULL, 10);
}

void sink(unsigned port, bool chunking)
{
	struct sink s = { .chunking = chunking, .wanted = UINT64_MAX };
	struct epoll_event events[EVENTS];

	listen_at(&s, port);
	while (s.messages < s.wanted) {
		int n = epoll_wait(s.epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.ptr == NULL)
				welcome(&s);
			else if (events[i].data.ptr == &s)
				take_number(&s);
			else
				receive(&s, events[i].data.ptr);
	}
	printf("{\"messages\": %llu, \"connections\": %llu, \"last\": %.6f}\n",
		(unsigned long long)s.messages, (unsigned long long)s.connections, s.last);
}
