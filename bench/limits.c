/* limits DIR: what this machine can do at all, as one line of JSON: nothing a server does is faster. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SYNCS = 2000, TRIPS = 20000, CONNECTS = 3000, FILE_SIZE = 16 << 20, STREAM_FILES = 64 };

static char block[1 << 20];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* Microseconds for one append of n octets and its fdatasync, in room that was written before. */
static double sync_us(int dir, size_t n, int count)
{
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR, 0600);
	double begin;

	must(fd >= 0, "a file in the directory");
	for (int i = 0; i < count; i++)
		must(pwrite(fd, block, n, (off_t)n * i) == (ssize_t)n, "room for it");
	must(fsync(fd) == 0, "fsync");
	begin = now();
	for (int i = 0; i < count; i++) {
		must(pwrite(fd, block, n, (off_t)n * i) == (ssize_t)n, "write");
		must(fdatasync(fd) == 0, "fdatasync");
	}
	begin = (now() - begin) / count * 1e6;
	close(fd);
	return begin;
}

static int server_socket(struct sockaddr_in *at)
{
	socklen_t n = sizeof *at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	must(fd >= 0 && bind(fd, (struct sockaddr *)at, sizeof *at) == 0 && listen(fd, 64) == 0,
		"listen");
	must(getsockname(fd, (struct sockaddr *)at, &n) == 0, "getsockname");
	return fd;
}

static int client_socket(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	must(fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0, "connect");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

/* Gives back what comes, one connection after the other. */
static void *echo(void *arg)
{
	int server = *(int *)arg;
	char room[4096];

	for (;;) {
		int fd = accept(server, NULL, NULL), on = 1;
		ssize_t n;

		if (fd < 0)
			return NULL;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		while ((n = read(fd, room, sizeof room)) > 0)
			if (write(fd, room, (size_t)n) != n)
				break;
		close(fd);
	}
}

static void *swallow(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	char *room = malloc(1 << 18);

	while (room != NULL && read(fd, room, 1 << 18) > 0)
		continue;
	free(room);
	close(fd);
	return NULL;
}

static void trips(double *trip_us, double *connect_us)
{
	struct sockaddr_in at;
	int server = server_socket(&at), fd;
	pthread_t thread;
	char c = 'x';

	must(pthread_create(&thread, NULL, echo, &server) == 0, "thread");
	fd = client_socket(&at);
	*trip_us = now();
	for (int i = 0; i < TRIPS; i++)
		must(write(fd, &c, 1) == 1 && read(fd, &c, 1) == 1, "round trip");
	*trip_us = (now() - *trip_us) / TRIPS * 1e6;
	close(fd);
	*connect_us = now();
	for (int i = 0; i < CONNECTS; i++) {
		fd = client_socket(&at);
		must(write(fd, &c, 1) == 1 && read(fd, &c, 1) == 1, "round trip");
		close(fd);
	}
	*connect_us = (now() - *connect_us) / CONNECTS * 1e6;
	shutdown(server, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(server);
}

/* MB/s to a client that throws it away. */
static double stream(int dir, int by_sendfile)
{
	struct sockaddr_in at;
	int server = server_socket(&at), file = openat(dir, ".", O_TMPFILE | O_RDWR, 0600), fd;
	pthread_t thread;
	double begin;

	must(file >= 0, "a file in the directory");
	for (int i = 0; i < FILE_SIZE / (int)sizeof block; i++)
		must(write(file, block, sizeof block) == (ssize_t)sizeof block, "write");
	must(pthread_create(&thread, NULL, swallow, &server) == 0, "thread");
	fd = client_socket(&at);
	begin = now();
	for (int i = 0; i < STREAM_FILES; i++)
		for (off_t off = 0; off < FILE_SIZE;) {
			ssize_t n = by_sendfile
					    ? sendfile(fd, file, &off, (size_t)(FILE_SIZE - off))
					    : write(fd, block, 1 << 16);

			must(n > 0, "send");
			if (!by_sendfile)
				off += n;
		}
	close(fd);
	pthread_join(thread, NULL);
	begin = (double)FILE_SIZE * STREAM_FILES / (now() - begin) / 1e6;
	close(file);
	close(server);
	return begin;
}

int main(int argc, char **argv)
{
	int dir = open(argc > 1 ? argv[1] : ".", O_RDONLY | O_DIRECTORY);
	double trip_us, connect_us;

	must(dir >= 0, "the directory");
	memset(block, 'x', sizeof block);
	trips(&trip_us, &connect_us);
	printf("{\"sync_us\": %.1f, \"sync_20_us\": %.1f, \"sync_mib_us\": %.1f, \"trip_us\": %.1f,"
	       " \"connect_us\": %.1f, \"stream_mb_s\": %.0f, \"sendfile_mb_s\": %.0f}\n",
		sync_us(dir, 1200, SYNCS), sync_us(dir, 20 * 1200, SYNCS / 2),
		sync_us(dir, 1 << 20, 100), trip_us, connect_us, stream(dir, 0), stream(dir, 1));
	return 0;
}
