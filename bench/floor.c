/* floor PORT [sync [SINK]]: the least that a server can do for the mail of bench/load: one process, replies that
 * are always the same, nothing looked at; with "sync" what came in one turn is written to ./floor.dat and synced
 * before it is answered; with SINK, a port, each message is handed on there over connections that stay (RFC 2920:
 * the next envelope in the packet with the dot; with CHUNKING all that wait in one packet).  No server that does
 * as much for each message is faster on this machine, or takes less CPU for it.
 *
 *   cc -O2 -D_GNU_SOURCE -o floor bench/floor.c && ./floor 2600 sync & load smtp --port 2600 --seconds 4 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
	TURN = 128,
	RECORD = 300,
	ROOM = 64 << 20,
	FDS = 4096,
	ONWARD = 8,
	MOST = 64,
	BODY = 20 << 10,
	PAUSE_MS = 200,
};

static const char envelope[] =
	"MAIL FROM:<bench@client.test> BODY=8BITMIME\r\nRCPT TO:<r1@relay.test>\r\nDATA\r\n";
static bool in_body[FDS], leaves[FDS];
static size_t octets;       /* that came and are not kept yet */
static size_t usual_octets; /* of the last message */
static struct {
	size_t octets;
	char last[4];
} body[FDS];
static int epoll;

static struct next { /* a connection to the next server */
	int fd;
	bool chunking;
	int lines; /* of replies that are still to come */
} next[ONWARD];
static unsigned long waiting;
static int sink_port;

static void say(int fd, const char *text, size_t n, int flags)
{
	if (send(fd, text, n, MSG_NOSIGNAL | flags) < 0)
		return; /* the next read finds out */
}

static void watch(int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= FDS || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		exit(1);
}

static void accept_all(int listening)
{
	static const char greeting[] = "220 localhost\r\n";
	int fd;

	while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		watch(fd);
		in_body[fd] = false;
		say(fd, greeting, sizeof greeting - 1, 0);
	}
}

/* The replies to all commands that came, in one packet; false: it was the last one. */
static bool reply_all(int fd, const char *in, const char *end)
{
	char out[1024];
	size_t n = 0;
	bool on = true;

	for (const char *line = in; on && line != NULL && line < end && n + 64 < sizeof out;
		line++) {
		const char *text = "250 2.1.0 ok\r\n";

		if (memcmp(line, "QUIT", 4) == 0)
			text = "221 2.0.0 goodbye\r\n", on = false;
		else if (memcmp(line, "DATA", 4) == 0)
			text = "354 end with CRLF.CRLF\r\n", in_body[fd] = true;
		memcpy(out + n, text, strlen(text));
		n += strlen(text);
		line = memchr(line, '\n', (size_t)(end - line));
		if (line == NULL)
			break;
	}
	say(fd, out, n, on ? 0 : MSG_MORE);
	if (!on)
		close(fd);
	return on;
}

/* True: a message came, and its reply is still to be sent. */
static bool serve(int fd)
{
	static char room[4 + 65536], *in = room + 4;
	ssize_t n = recv(fd, in, sizeof room - 4, MSG_DONTWAIT);
	const char *end;

	if (n <= 0) {
		if (n == 0)
			close(fd);
		return false;
	}
	if (!in_body[fd])
		return reply_all(fd, in, in + n), false;
	octets += (size_t)n;
	body[fd].octets += (size_t)n;
	memcpy(room, body[fd].last, 4);
	end = n > 16 ? memmem(in + n - 16, 16, "\r\n.\r\n", 5)
		     : memmem(room, (size_t)n + 4, "\r\n.\r\n", 5);
	memcpy(body[fd].last, room + n, 4);
	if (end == NULL)
		return false;
	leaves[fd] = end + 5 < in + n; /* QUIT came with it */
	usual_octets = body[fd].octets < BODY ? body[fd].octets : BODY;
	in_body[fd] = false;
	memset(&body[fd], 0, sizeof body[fd]);
	return true;
}

static void answer(int fd)
{
	static const char both[] =
		"250 2.0.0 01M819X1QVBNP9B02FT35JBWTA stored\r\n221 2.0.0 goodbye\r\n";

	say(fd, both, leaves[fd] ? sizeof both - 1 : (size_t)(strchr(both, '\n') + 1 - both),
		leaves[fd] ? MSG_MORE : 0);
	if (leaves[fd])
		close(fd);
}

/* As many octets as came, and what a server must know of each message. */
static void keep(int file, int count)
{
	static char records[1 << 20];
	static off_t at;
	size_t left = octets + (size_t)count * RECORD;

	if (file < 0 || count == 0)
		return;
	octets = 0;
	for (size_t n; left > 0; left -= n) {
		n = left < sizeof records ? left : sizeof records;
		if (at + (off_t)n > ROOM)
			at = 0;
		if (pwrite(file, records, n, at) < 0)
			exit(1);
		at += (off_t)n;
	}
	if (fdatasync(file) < 0)
		exit(1);
}

static bool dial(struct next *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)sink_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char text[1024] = "";
	ssize_t n;
	struct timeval most = { .tv_sec =
					2 }; /* it may stand still: a server of a test that ends */
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0) {
		close(c->fd);
		c->fd = -1;
		return false;
	}
	if (recv(c->fd, text, sizeof text, 0) <= 0) { /* the greeting; it is just being stopped */
		close(c->fd);
		c->fd = -1;
		return false;
	}
	say(c->fd, "EHLO floor.test\r\n", 17, 0);
	n = recv(c->fd, text, sizeof text - 1, 0);
	c->chunking = n > 0 && strstr(text, "CHUNKING") != NULL;
	c->lines = 0;
	watch(c->fd);
	if (!c->chunking) {
		say(c->fd, envelope, sizeof envelope - 1, 0);
		c->lines = 3;
	}
	return true;
}

static void hand_on(struct next *c)
{
	static const char chunk[] =
		"MAIL FROM:<bench@client.test>\r\nRCPT TO:<r1@relay.test>\r\nBDAT %zu LAST\r\n";
	static char out[MOST * (BODY + 256)];
	size_t n = 0;

	for (int i = 0; waiting > 0 && i < (c->chunking ? MOST : 1); i++, waiting--) {
		if (c->chunking)
			n += (size_t)sprintf(out + n, chunk, usual_octets);
		memset(out + n, 'x', usual_octets);
		for (size_t k = 78; k < usual_octets; k += 78)
			memcpy(out + n + k - 2, "\r\n", 2);
		n += usual_octets;
		memcpy(out + n - 5, "\r\n.\r\n", 5);
		if (!c->chunking) {
			memcpy(out + n, envelope, sizeof envelope - 1);
			n += sizeof envelope - 1;
		}
		c->lines += c->chunking ? 3 : 4;
	}
	say(c->fd, out, n, 0);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What waits goes to whoever can take it.  Where nobody listens, as in rows that relay nothing, it is dropped, and
 * for a while nobody is called: eight calls in vain for each turn were most of such a row. */
static void hand_on_all(void)
{
	static int64_t not_before;

	if (sink_port == 0 || waiting == 0 || now_ms() < not_before) {
		waiting = 0;
		return;
	}
	for (int i = 0; waiting > 0 && i < ONWARD; i++) {
		if (next[i].fd < 0 && !dial(&next[i])) {
			not_before = now_ms() + PAUSE_MS;
			waiting = 0;
		} else if (next[i].lines == 0) {
			hand_on(&next[i]);
		}
	}
}

/* True: it was a connection to the next server. */
static bool heard(int fd)
{
	char text[16384];
	int i = 0;
	ssize_t n;

	while (i < ONWARD && next[i].fd != fd)
		i++;
	if (i == ONWARD)
		return false;
	n = recv(fd, text, sizeof text, MSG_DONTWAIT);
	for (ssize_t k = 0; k < n; k++)
		next[i].lines -= text[k] == '\n';
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		close(fd);
		next[i].fd = -1;
	}
	return true;
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
	return fd;
}

int main(int argc, char **argv)
{
	int listening, file = -1;
	struct epoll_event events[TURN];

	epoll = epoll_create1(0);
	sink_port = argc > 3 ? atoi(argv[3]) : 0;
	for (int i = 0; i < ONWARD; i++)
		next[i].fd = -1;
	if (argc > 2) {
		static char zeros[1 << 20];

		file = open("floor.dat", O_RDWR | O_CREAT, 0600);
		for (off_t at = 0; at < ROOM; at += (off_t)sizeof zeros)
			if (pwrite(file, zeros, sizeof zeros, at) != (ssize_t)sizeof zeros)
				return 1;
		if (fsync(file) < 0) /* from here on a sync is of data alone */
			return 1;
	}
	listening =
		listen_at(argc > 1 ? atoi(argv[1]) : 2600); /* who gets through is served at once */
	watch(listening);
	for (;;) {
		int n = epoll_wait(epoll, events, TURN, -1), done[TURN], count = 0;

		for (int i = 0; i < n; i++)
			if (events[i].data.fd == listening)
				accept_all(listening);
			else if (!heard(events[i].data.fd) && serve(events[i].data.fd))
				done[count++] = events[i].data.fd;
		keep(file, count);
		for (int i = 0; i < count; i++)
			answer(done[i]);
		waiting += (unsigned long)count;
		hand_on_all();
	}
}
