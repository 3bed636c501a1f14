/* guess PORT RATE NETWORKS -- wrong passwords by POP3, RATE a second at most, each by a connection of its own from
 * one of many addresses in 127.0.0.0/8, for names that are and are not there.  Until its input ends; then it
 * says how many guesses it made, and how many of them were answered.
 *
 * The guess is sent with the connection's first octets, so that the greeting is not waited for. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 2000 };

static unsigned port, rate, networks;
static uint64_t made, guesses, answers, refused;
static int all, under_way;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct sockaddr_in address(uint32_t host, unsigned at)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(host),
		.sin_port = htons((uint16_t)at) };
}

static void begin(void)
{
	uint64_t n = ++made;
	struct sockaddr_in to = address(0x7f000001, port);
	struct sockaddr_in from =
		address(0x7f000000 | (uint32_t)(1 + n % networks) << 16 |
				(uint32_t)(n / networks % 250) << 8 | (uint32_t)(1 + n % 250),
			0);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event ev = { .events = EPOLLOUT, .data.fd = s };
	struct linger reset = { 1, 0 };
	int on = 1;

	setsockopt(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	setsockopt(s, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	if (s < 0 || bind(s, (struct sockaddr *)&from, sizeof from) != 0) {
		perror("guess");
		exit(1);
	}
	(void)connect(s, (struct sockaddr *)&to, sizeof to);
	epoll_ctl(all, EPOLL_CTL_ADD, s, &ev);
	under_way++;
}

static void end(int s)
{
	close(s);
	under_way--;
}

static void guess(int s)
{
	char text[100];
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = s };
	const char *user = "ann@example.test";
	char nobody[40];
	int n;

	if (guesses % 2 == 0) {
		snprintf(nobody, sizeof nobody, "nobody%llu@example.test",
			(unsigned long long)guesses);
		user = nobody;
	}
	n = snprintf(text, sizeof text, "USER %s\r\nPASS wrong%llu\r\n", user,
		(unsigned long long)guesses);
	if (send(s, text, (size_t)n, MSG_NOSIGNAL) != n) {
		refused++;
		end(s);
		return;
	}
	guesses++;
	epoll_ctl(all, EPOLL_CTL_MOD, s, &ev);
}

/* Greeting, answer to USER, answer to PASS; they may come in one piece or three, and end in -ERR. */
static void hear(int s)
{
	char text[600];
	ssize_t n = recv(s, text, sizeof text - 1, 0);

	if (n > 0 && memmem(text, (size_t)n, "-ERR", 4) == NULL)
		return;
	if (n > 0)
		answers++;
	else
		refused++;
	end(s);
}

int main(int argc, char **argv)
{
	struct pollfd input = { 0, POLLIN, 0 };
	struct epoll_event evs[256];
	int64_t began = now_ms();

	if (argc != 4)
		return 64;
	port = (unsigned)atoi(argv[1]);
	rate = (unsigned)atoi(argv[2]);
	networks = (unsigned)atoi(argv[3]);
	all = epoll_create1(EPOLL_CLOEXEC);
	while (poll(&input, 1, 0) == 0) {
		uint64_t due = (uint64_t)(now_ms() - began) * rate / 1000;
		int n;

		while (made < due && under_way < AT_ONCE)
			begin();
		n = epoll_wait(all, evs, 256, 2);
		for (int i = 0; i < n; i++) {
			if (evs[i].events & EPOLLOUT)
				guess(evs[i].data.fd);
			else
				hear(evs[i].data.fd);
		}
	}
	printf("%llu %llu %llu\n", (unsigned long long)guesses, (unsigned long long)answers,
		(unsigned long long)refused);
	return 0;
}
