/* load smtp|pop3|sink [options]: makes the load, and prints what it measured as one line of JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

enum { EVENTS = 256, ERRORS_MAX = 200, OPENING_MAX = 64 };

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void load_done(struct conn *c, double since)
{
	struct load *l = c->load;

	l->last = now();
	l->ops++;
	if (l->times_n == l->times_cap) {
		l->times_cap = l->times_cap == 0 ? 4096 : l->times_cap * 2;
		l->times = realloc(l->times, l->times_cap * sizeof *l->times);
		if (l->times == NULL)
			abort();
	}
	l->times[l->times_n++] = l->last - since;
}

void load_fail(struct conn *c, const char *what, const char *line, size_t n)
{
	struct load *l = c->load;

	if (l->errors++ == 0)
		snprintf(l->first_error, sizeof l->first_error, "%s at step %d: %.*s", what,
			c->step, (int)(n < 200 ? n : 200), n > 0 ? line : "");
	if (l->errors >= ERRORS_MAX)
		l->over = true;
}

bool may_start(struct load *l)
{
	if (l->over)
		return false;
	if (l->o.count > 0)
		return l->started < l->o.count;
	return now() - l->begin < l->o.seconds;
}

void user_name(const struct conn *c, char *to, size_t size)
{
	const struct options *o = &c->load->o;
	uint64_t i = c->number + (uint64_t)o->connections * c->rounds;

	snprintf(to, size, o->name, (unsigned)(i % o->users));
}

static void make_message(struct load *l)
{
	static const char head[] =
		"From: <bench@client.test>\r\nTo: <bench@bench.test>\r\nSubject: bench\r\n"
		"Message-ID: <bench@client.test>\r\nDate: Sun, 22 Nov 2026 00:00:00 +0000\r\n\r\n";
	static const char line[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ABCDEFGHIJ\r\n";
	size_t n = sizeof head - 1, size = l->o.size > n + 2 ? l->o.size : n + 2;

	l->message = malloc(size + sizeof line + 3);
	if (l->message == NULL)
		abort();
	memcpy(l->message, head, n);
	while (n + sizeof line - 1 <= size) {
		memcpy(l->message + n, line, sizeof line - 1);
		n += sizeof line - 1;
	}
	while (n + 2 < size)
		l->message[n++] = 'x';
	memcpy(l->message + n, "\r\n.\r\n" + (l->message[n - 1] == '\n' ? 2 : 0),
		l->message[n - 1] == '\n' ? 3 : 5);
	l->message_n = n + (l->message[n - 1] == '\n' ? 3 : 5);
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double at(const struct load *l, double part)
{
	return l->times_n == 0 ? 0 : l->times[(size_t)(part * (double)(l->times_n - 1))] * 1e3;
}

static void report(struct load *l)
{
	double seconds = l->last - l->begin;
	struct rusage use;

	qsort(l->times, l->times_n, sizeof *l->times, by_time);
	getrusage(RUSAGE_SELF, &use);
	for (char *p = l->first_error; *p != '\0'; p++)
		if (*p == '"' || *p == '\\' || *p < ' ')
			*p = ' ';
	printf("{\"ops\": %llu, \"errors\": %llu, \"begin\": %.6f, \"seconds\": %.4f, \"rate\": "
	       "%.1f,"
	       " \"p50_ms\": "
	       "%.3f,"
	       " \"p99_ms\": %.3f, \"max_ms\": %.3f, \"octets\": %llu, \"lines\": %llu,"
	       " \"handshakes\": %llu, \"client_cpu_s\": %.3f, \"first_error\": \"%s\"}\n",
		(unsigned long long)l->ops, (unsigned long long)l->errors, l->begin, seconds,
		seconds > 0 ? (double)l->ops / seconds : 0, at(l, 0.5), at(l, 0.99), at(l, 1),
		(unsigned long long)l->octets, (unsigned long long)l->lines,
		(unsigned long long)l->handshakes,
		(double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
			(double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6,
		l->first_error);
	fflush(stdout);
}

static void run(struct load *l, struct conn *conns)
{
	struct epoll_event events[EVENTS];
	unsigned opened = 0;

	while (!l->over) {
		int n;

		/* Held connections are opened a few at a time: a listening queue is short. */
		while (opened < l->o.connections && may_start(l) &&
			(!l->o.hold || opened - l->held < OPENING_MAX))
			conn_open(&conns[opened++]);
		if (l->live == 0 || (l->o.hold && l->held == l->o.connections))
			return;
		n = epoll_wait(l->epoll, events, EVENTS, 30000);
		if (n == 0) {
			snprintf(l->first_error, sizeof l->first_error, "nothing came for 30 s");
			l->errors++;
			return;
		}
		for (int i = 0; i < n; i++)
			conn_ready(events[i].data.ptr, (int)events[i].events);
	}
}

static const struct option longs[] = {
	{ "host", 1, NULL, 'h' },
	{ "port", 1, NULL, 'p' },
	{ "tls", 1, NULL, 't' },
	{ "connections", 1, NULL, 'c' },
	{ "count", 1, NULL, 'n' },
	{ "seconds", 1, NULL, 'T' },
	{ "per-connection", 1, NULL, 'm' },
	{ "size", 1, NULL, 's' },
	{ "name", 1, NULL, 'u' },
	{ "users", 1, NULL, 'U' },
	{ "password", 1, NULL, 'P' },
	{ "retr", 1, NULL, 'r' },
	{ "pipeline", 1, NULL, 'l' },
	{ "stat", 0, NULL, 'S' },
	{ "uidl", 0, NULL, 'I' },
	{ "list", 0, NULL, 'L' },
	{ "dele", 0, NULL, 'D' },
	{ "hold", 0, NULL, 'H' },
	{ "chunking", 0, NULL, 'K' },
	{ NULL, 0, NULL, 0 },
};

static void usage(void)
{
	fprintf(stderr, "usage: load smtp|pop3 --port N [--tls none|starttls|implicit]"
			" [--connections N]\n       [--count N | --seconds S] [--per-connection N]"
			" [--size OCTETS] [--name FORMAT --users N]\n       [--password P] [--stat]"
			" [--uidl] [--list] [--retr N] [--pipeline N] [--dele] [--hold]\n"
			"       load sink --port N [--chunking]\n");
	exit(64);
}

static enum tls tls_of(const char *word)
{
	if (strcmp(word, "none") == 0)
		return TLS_NONE;
	if (strcmp(word, "starttls") == 0)
		return TLS_STARTTLS;
	if (strcmp(word, "implicit") != 0)
		usage();
	return TLS_IMPLICIT;
}

static void take_options(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (c) {
		case 'h': o->host = optarg; break;
		case 'p': o->port = (unsigned)atoi(optarg); break;
		case 't': o->tls = tls_of(optarg); break;
		case 'c': o->connections = (unsigned)atoi(optarg); break;
		case 'n': o->count = strtoull(optarg, NULL, 10); break;
		case 'T': o->seconds = atof(optarg); break;
		case 'm': o->per_connection = (unsigned)atoi(optarg); break;
		case 's': o->size = strtoull(optarg, NULL, 10); break;
		case 'u': o->name = optarg; break;
		case 'U': o->users = (unsigned)atoi(optarg); break;
		case 'P': o->password = optarg; break;
		case 'r': o->retr = strtoull(optarg, NULL, 10); break;
		case 'l': o->pipeline = (unsigned)atoi(optarg); break;
		case 'S': o->stat = true; break;
		case 'I': o->uidl = true; break;
		case 'L': o->list = true; break;
		case 'D': o->dele = true; break;
		case 'H': o->hold = true; break;
		case 'K': o->chunking = true; break;
		default: usage();
		}
	if (o->port == 0 || o->connections == 0 || o->users == 0 || o->pipeline == 0)
		usage();
}

int main(int argc, char **argv)
{
	struct load l = { .o = { .host = "127.0.0.1",
				  .password = "secret",
				  .name = "u%u@bench.test",
				  .connections = 1,
				  .users = 1,
				  .per_connection = 1,
				  .pipeline = 1,
				  .size = 1024 } };
	struct sockaddr_in *to = (struct sockaddr_in *)&l.to;
	struct conn *conns;
	char word;

	if (argc < 2)
		usage();
	take_options(&l.o, argc - 1, argv + 1);
	if (strcmp(argv[1], "sink") == 0) {
		sink(l.o.port, l.o.chunking);
		return 0;
	}
	if ((strcmp(argv[1], "smtp") != 0 && strcmp(argv[1], "pop3") != 0) ||
		(l.o.count == 0 && l.o.seconds <= 0))
		usage();
	l.script = strcmp(argv[1], "smtp") == 0 ? &script_smtp : &script_pop3;
	to->sin_family = AF_INET;
	to->sin_port = htons((uint16_t)l.o.port);
	if (inet_pton(AF_INET, l.o.host, &to->sin_addr) != 1)
		usage();
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	l.tls = SSL_CTX_new(TLS_client_method());
	conns = calloc(l.o.connections, sizeof *conns);
	if (l.epoll < 0 || l.tls == NULL || conns == NULL)
		abort();
	SSL_CTX_set_session_cache_mode(l.tls, SSL_SESS_CACHE_OFF);
	/* a buffer that grows and shrinks costs more than the memory it saves */
	SSL_CTX_set_mode(
		l.tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	make_message(&l);
	for (unsigned i = 0; i < l.o.connections; i++) {
		conns[i] = (struct conn){ .load = &l, .fd = -1, .number = i };
		conns[i].in = malloc(IN_SIZE);
		if (conns[i].in == NULL)
			abort();
	}
	l.begin = l.last = now();
	run(&l, conns);
	report(&l);
	while (l.o.hold && read(STDIN_FILENO, &word, 1) > 0)
		continue;
	return l.errors > 0;
}
