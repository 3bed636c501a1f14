/* fuzz_servers.h -- the network of fuzz_carrier.c: a resolver and connect(2) of our own, and servers that answer as servers do
 * or as an input says. */
#ifndef RESTANTE_FUZZ_SERVERS_H
#define RESTANTE_FUZZ_SERVERS_H

#include <errno.h>

#include "base/mem.h"
#include "fuzz_packets.h"
#include "net/resolve.h"

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t n);

enum { SERVERS = 6 };

/* ---- names ---- */

enum {
	DNS_FAIL = 1,
	DNS_SECURE = 2,
	DNS_DANE = 4,
	DNS_STS = 8,
	DNS_V6 = 16,
	DNS_MANY = 32,
	DNS_ITSELF = 64,
	REFUSES = 128
};

struct resolver {
	int nothing;
};

const char resolver_root_anchors[] = "";
static struct resolver resolver;
static struct link names; /* asked for */
static uint8_t network;

void resolver_from_resolv_conf(struct str text, struct buf *servers)
{
	(void)text;
	(void)servers;
}

struct resolver *resolver_new(struct loop *l, const struct resolver_config *config, struct err *err)
{
	(void)l;
	(void)config;
	(void)err;
	return &resolver;
}

void resolver_free(struct resolver *r)
{
	(void)r;
}

void resolve_start(struct resolver *r, struct dns_query *q, struct str name, enum dns_type type,
	void (*done)(struct dns_query *q, const struct dns_answer *a))
{
	free(q->name);
	*q = (struct dns_query){ .resolver = r,
		.name = str_dup_c(name),
		.type = type,
		.state = DNS_ASKED,
		.done = done };
	list_append(&names, &q->link);
}

void resolve_cancel(struct dns_query *q)
{
	if (q->state == DNS_ASKED)
		list_del(&q->link);
	q->state = DNS_IDLE;
	free(q->name);
	q->name = NULL;
}

static size_t dns_rows(enum dns_type type, struct dns_row rows[2])
{
	static const char v6[16] = { 0x20, 1, 0xd, (char)0xb8, [15] = 1 };
	static const char zeros[32];

	switch (type) {
	case DNS_A:
		rows[0].data = str_of("\xc0\0\2\1", 4);
		rows[1].data = str_of("\xc0\0\2\2", 4);
		return network & DNS_MANY ? 2 : 1;
	case DNS_AAAA: rows[0].data = str_of(v6, sizeof v6); return network & DNS_V6 ? 1 : 0;
	case DNS_MX:
		rows[0] = (struct dns_row){ .preference = 10, .data = STR("mx1.test") };
		rows[1] = (struct dns_row){ .preference = 20, .data = STR("mx2.test") };
		return network & DNS_ITSELF ? 0 : network & DNS_MANY ? 2 : 1;
	case DNS_TXT: rows[0].data = STR("v=STSv1; id=1;"); return network & DNS_STS ? 1 : 0;
	case DNS_TLSA:
		rows[0] = (struct dns_row){ 0, .usage = 3, .selector = 1, .matching = 1 };
		rows[0].data = str_of(zeros, sizeof zeros);
		return network & DNS_DANE ? 1 : 0;
	case DNS_CNAME:
	case DNS_PTR:
	case DNS_SRV: break;
	}
	return 0;
}

static void answer_name(struct dns_query *q)
{
	struct dns_row rows[2] = { 0 };
	struct dns_answer a = { .secure = (network & DNS_SECURE) != 0, .ttl = 60, .rows = rows };
	char *name = q->name;

	a.name = str_c(name);
	a.count = dns_rows(q->type, rows);
	a.outcome = network & DNS_FAIL ? DNS_FAILED : a.count > 0 ? DNS_FOUND : DNS_NODATA;
	a.why = STR("fuzzed");
	if (a.outcome != DNS_FOUND)
		a.count = 0;
	q->state = DNS_IDLE;
	q->name = NULL;
	q->done(q, &a);
	free(name);
}

/* ---- servers ---- */

static struct server {
	int fd; /* -1: none */
	bool in_data;
	uint64_t skip; /* octets of BDAT */
	uint8_t offers;
	struct buf in;
} servers[SERVERS];
static uint8_t offers; /* of the next */

static void server_says(struct server *s, struct str octets)
{
	if (s->fd >= 0)
		(void)send(s->fd, octets.p, octets.n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void server_ends(struct server *s)
{
	if (s->fd >= 0)
		close(s->fd);
	buf_deinit(&s->in);
	*s = (struct server){ .fd = -1 };
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t n)
{
	struct server *s = servers;
	int fds[2];

	(void)address;
	(void)n;
	while (s < servers + SERVERS && s->fd >= 0)
		s++;
	if (s == servers + SERVERS || network & REFUSES) {
		errno = ECONNREFUSED;
		return -1;
	}
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	check(dup2(fds[1], fd) == fd);
	close(fds[1]);
	s->fd = fds[0];
	s->offers = offers;
	if (offers & 128)
		server_says(s, STR("220 hi\r\n"));
	return 0;
}

static void server_hello(struct server *s)
{
	static const char *const extensions[] = { "PIPELINING\r\n250-ENHANCEDSTATUSCODES",
		"8BITMIME\r\n250-SMTPUTF8", "DSN\r\n250-REQUIRETLS", "SIZE 60", "STARTTLS",
		"AUTH PLAIN LOGIN SCRAM-SHA-256", "CHUNKING\r\n250-LIMITS MAILMAX=2" };
	struct buf b = { 0 };

	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
		if (s->offers >> i & 1)
			buf_printf(&b, "250-%s\r\n", extensions[i]);
	buf_put(&b, STR("250 hi\r\n"));
	server_says(s, buf_str(&b));
	buf_deinit(&b);
}

static void server_line(struct server *s, struct str line)
{
	if (s->in_data) {
		s->in_data = !str_eq(line, STR(".\r"));
		if (!s->in_data)
			server_says(s, STR("250 2.0.0 taken\r\n"));
	} else if (str_starts(line, STR("EHLO")) || str_starts(line, STR("LHLO"))) {
		server_hello(s);
	} else if (str_starts(line, STR("DATA"))) {
		s->in_data = true;
		server_says(s, STR("354 go on\r\n"));
	} else if (str_starts(line, STR("BDAT "))) {
		struct str rest = str_from(line, 5);

		if (!str_u64(str_cut(&rest, ' '), &s->skip))
			s->skip = 0;
		server_says(s, STR("250 2.0.0 taken\r\n"));
	} else if (str_starts(line, STR("AUTH"))) {
		server_says(s, STR("235 2.7.0 it is you\r\n"));
	} else {
		server_says(s, STR("250 2.0.0 yes\r\n"));
	}
}

/* As a server answers. */
static void serve(struct server *s)
{
	char room[4096];
	ssize_t n;

	while (s->fd >= 0 && (n = recv(s->fd, room, sizeof room, MSG_DONTWAIT)) > 0)
		buf_put(&s->in, str_of(room, (size_t)n));
	while (s->in.len > 0) {
		struct str rest = buf_str(&s->in), line;
		size_t skip = s->skip < rest.n ? (size_t)s->skip : rest.n;

		s->skip -= skip;
		buf_consume(&s->in, skip);
		rest = buf_str(&s->in);
		if (str_find(rest, '\n') == rest.n)
			break;
		line = str_cut(&rest, '\n');
		server_line(s, line);
		buf_consume(&s->in, line.n + 1);
	}
}

static struct str reply(uint8_t n)
{
	static const struct str replies[] = { STR_INIT("220 hi\r\n"),
		STR_INIT("250-a\r\n250 b\r\n"), STR_INIT("354 go on\r\n"),
		STR_INIT("250 2.0.0 ok\r\n250 2.0.0 ok\r\n"), STR_INIT("421 4.3.2 closing\r\n"),
		STR_INIT("450 4.2.1 later\r\n"), STR_INIT("550 5.1.1 nobody\r\n"),
		STR_INIT("552 5.3.4 too much\r\n"), STR_INIT("334 \r\n"), STR_INIT("235 ok\r\n"),
		STR_INIT("535 5.7.8 wrong\r\n"), STR_INIT("502 5.5.1 what\r\n"),
		STR_INIT("250-hi\r\n250-STARTTLS\r\n250 8BITMIME\r\n"), STR_INIT("250"),
		STR_INIT("\r\n"), STR_INIT("\x15\x03\x03\0\2\2\x28") };

	return replies[n % (sizeof replies / sizeof *replies)];
}

#endif
