/* floor PORT [sync]: the least that a server can do for the mail of bench/load: one process, replies that are
 * always the same, nothing looked at; with "sync" what came in one turn is written to ./floor.dat and synced
 * before it is answered.  Its CPU for a message is what no server goes below on this machine.
 *
 *   cc -O2 -D_GNU_SOURCE -o floor bench/floor.c && ./floor 2600 sync & load smtp --port 2600 --seconds 4 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TURN = 64, RECORD = 1400, ROOM = 64 << 20, REPORT = 10000 };

static const char stored[] = "250 2.0.0 01M819X1QVBNP9B02FT35JBWTA stored\r\n";
static unsigned long messages;

static void say(int fd, const char *text, int flags)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL | flags) < 0)
		return; /* the next read finds out */
}

static void report(void)
{
	struct rusage use;
	double us;

	if (++messages % REPORT != 0)
		return;
	getrusage(RUSAGE_SELF, &use);
	us = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
	     (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
	printf("%lu messages, %.1f us each\n", messages, us / (double)messages);
	fflush(stdout);
}

static void accept_all(int listening, int epoll)
{
	struct epoll_event e = { .events = EPOLLIN };

	while ((e.data.fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		epoll_ctl(epoll, EPOLL_CTL_ADD, e.data.fd, &e);
		say(e.data.fd, "220 localhost\r\n", 0);
	}
}

/* True: a message came, and its reply is still to be sent. */
static int serve(int fd)
{
	static char in[65536];
	ssize_t n = recv(fd, in, sizeof in, 0);

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			close(fd);
		return 0;
	}
	if (strncmp(in, "QUIT", 4) == 0) {
		say(fd, "221 2.0.0 goodbye\r\n", MSG_MORE);
		close(fd);
	} else if (strncmp(in, "DATA", 4) == 0) {
		say(fd, "354 end with CRLF.CRLF\r\n", 0);
	} else if (strncmp(in, "From", 4) != 0) {
		say(fd, "250 2.1.0 ok\r\n", 0);
	} else {
		return 1;
	}
	return 0;
}

static void keep(int file, int count)
{
	static char records[TURN * RECORD];
	static off_t at;

	if (file < 0 || count == 0)
		return;
	if (at + (off_t)sizeof records > ROOM)
		at = 0;
	if (pwrite(file, records, (size_t)count * RECORD, at) < 0 || fdatasync(file) < 0)
		exit(1);
	at += (off_t)count * RECORD;
}

int main(int argc, char **argv)
{
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1, file = -1;
	int epoll = epoll_create1(0);
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "2600")),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event e = { .events = EPOLLIN, .data.fd = listening }, events[TURN];

	setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(listening, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (argc > 2) {
		file = open("floor.dat", O_RDWR | O_CREAT, 0600);
		if (file < 0 || posix_fallocate(file, 0, ROOM) != 0 || fsync(file) < 0)
			return 1;
	}
	if (bind(listening, (struct sockaddr *)&to, sizeof to) < 0 || listen(listening, 1000) < 0 ||
		epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &e) < 0)
		return 1;
	for (;;) {
		int n = epoll_wait(epoll, events, TURN, -1), waiting[TURN], count = 0;

		for (int i = 0; i < n; i++)
			if (events[i].data.fd == listening)
				accept_all(listening, epoll);
			else if (serve(events[i].data.fd))
				waiting[count++] = events[i].data.fd;
		keep(file, count);
		for (int i = 0; i < count; i++) {
			say(waiting[i], stored, 0);
			report();
		}
	}
}
