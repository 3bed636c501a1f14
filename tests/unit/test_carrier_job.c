/* A carrier between a store and a server, both played here: what it does with jobs, octets, replies and a
 * peer that breaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/carrier_job.h"
#include "store/store.h"

static struct carrier carrier;
static struct config config;
static int store; /* our end of the channel */

/* The server: for each connection one script, of lines "S:what it says", "C:how the client's line
 * begins", "D" reads a message, "B" a chunk of BDAT, "W" waits for `go`, "X" closes. */
static struct server {
	int listener;
	uint16_t port;
	const char *const *scripts;
	char wrong[200]; /* the line that did not fit */
	char message[100 * 1024];
	size_t message_len;
	unsigned connections;
	_Atomic bool go, has_message;
	pthread_t thread;
} server;

static size_t read_line(int fd, char *to, size_t most)
{
	size_t n = 0;

	while (n < most - 1 && read(fd, to + n, 1) == 1)
		if (to[n++] == '\n')
			break;
	to[n] = '\0';
	return n;
}

static void read_message(int fd)
{
	char line[2000];
	size_t n;

	while ((n = read_line(fd, line, sizeof line)) > 0 && !str_eq(str_of(line, n), STR(".\r\n")))
		if (server.message_len + n < sizeof server.message) {
			memcpy(server.message + server.message_len, line, n);
			server.message_len += n;
		}
}

static void read_chunk(int fd)
{
	char line[2000];
	unsigned long left = read_line(fd, line, sizeof line) > 5 ? strtoul(line + 5, NULL, 10) : 0;

	while (left > 0) {
		ssize_t n = recv(fd, line, left < sizeof line ? left : sizeof line, 0);

		if (n <= 0)
			return;
		left -= (unsigned long)n;
	}
}

static void serve(int fd, struct str script)
{
	char line[2000];

	while (script.n > 0 && server.wrong[0] == '\0') {
		struct str step = str_cut(&script, '\n');
		struct str rest = str_from(step, 2);

		switch (step.p[0]) {
		case 'S':
			if (write(fd, rest.p, rest.n) < 0 || write(fd, "\r\n", 2) < 0)
				return;
			break;
		case 'C':
			read_line(fd, line, sizeof line);
			if (!str_starts(str_c(line), rest))
				snprintf(server.wrong, sizeof server.wrong, "not %.*s: %.100s",
					STR_ARG(rest), line);
			break;
		case 'D':
			read_message(fd);
			server.has_message = true;
			break;
		case 'B': read_chunk(fd); break;
		case 'W':
			while (!server.go)
				usleep(1000);
			break;
		default: return; /* 'X' */
		}
	}
	/* Whatever else comes until the client is gone. */
	while (read_line(fd, line, sizeof line) > 0)
		if (str_starts(str_c(line), STR("QUIT")))
			break;
}

static void *server_main(void *arg)
{
	(void)arg;
	for (size_t i = 0; server.scripts[i] != NULL; i++) {
		int fd = accept(server.listener, NULL, NULL);

		if (fd < 0)
			break;
		server.connections++;
		serve(fd, str_c(server.scripts[i]));
		close(fd);
	}
	return NULL;
}

static void start_server(const char *const *scripts)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t n = sizeof sa;

	server = (struct server){ .scripts = scripts };
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server.listener, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(server.listener, 16), 0);
	assert_int_equal(getsockname(server.listener, (struct sockaddr *)&sa, &n), 0);
	server.port = ntohs(sa.sin_port);
	pthread_create(&server.thread, NULL, server_main, NULL);
}

static void end_server(void)
{
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listener);
	assert_string_equal(server.wrong, "");
}

/* The store */

static void connect_store(void)
{
	int fds[2];

	assert_int_equal(ipc_pair(fds), 0);
	store = fds[0];
	carrier_new_store(&carrier, fds[1]);
}

static void put_job(uint32_t number, struct job *j)
{
	struct ipc_head head = { .type = IPC_JOB, .session = number };
	struct buf b = { 0 };

	j->kind = j->kind == 0 ? ROUTE_RELAY : j->kind;
	j->host = STR("127.0.0.1");
	j->port = server.port;
	j->site = STR("relay:test");
	buf_put(&b, str_of(&head, sizeof head));
	job_put(&b, j);
	assert_int_equal(send(store, buf_str(&b).p, b.len, 0), (int)b.len);
	buf_deinit(&b);
}

static const char *from_store; /* what comes in pieces */
static const char eightbit[] =
	"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
	"charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xbc\r\n.\r\n";
static const char large[] = "Subject: large\r\n\r\n0123456789\r\n.dot\r\nlast\r\n";

/* Octets of a message that comes in pieces, 7 at a time. */
static void answer_read(const struct ipc_head *asked, struct reader *r)
{
	uint64_t offset = get_u64(r);
	struct str piece = str_head(str_from(str_c(from_store), offset), 7);
	char room[100];

	memcpy(room, asked, sizeof *asked);
	memcpy(room + sizeof *asked, piece.p, piece.n);
	assert_int_equal(
		send(store, room, sizeof *asked + piece.n, 0), (int)(sizeof *asked + piece.n));
}

/* Of messages that are to be sealed; DNS never answers here, and its time is over at once. */
static struct {
	enum store_result answer;
	unsigned asked;
	char results[500];
} sealing;

static void answer_seal(struct ipc_head head, struct reader *r)
{
	static const struct str fields = STR_INIT("ARC-Seal: x\r\n");
	struct arc_request request;
	char room[100];

	assert_true(seal_get(r, &request));
	assert_true(request.instance == 1 && request.cv == ARC_NONE);
	snprintf(sealing.results, sizeof sealing.results, "%.*s", STR_ARG(request.results));
	sealing.asked++;
	head.result = (uint16_t)sealing.answer;
	memcpy(room, &head, sizeof head);
	memcpy(room + sizeof head, fields.p, fields.n);
	assert_int_equal(
		send(store, room, sizeof head + fields.n, 0), (int)(sizeof head + fields.n));
}

static void end_dns(void)
{
	for (uint32_t i = 0; i < carrier.job_slots; i++) {
		struct carrier_job *j = carrier.jobs[i];

		if (j != NULL && j->seal.spf != NULL && j->seq == 0)
			loop_timer_at(&j->seal.late, loop_now_ms(carrier.loop));
	}
}

/* The next packet, also out of one that holds many; its length, 0: none is there. */
static size_t next_packet(char room[IPC_PACKET_MAX])
{
	static char last[IPC_PACKET_MAX];
	static struct reader many;
	struct ipc_head head;
	struct str one;
	ssize_t got;

	if (many.rest.n == 0) {
		got = recv(store, last, sizeof last, MSG_DONTWAIT);
		if (got < (ssize_t)sizeof head)
			return 0;
		memcpy(&head, last, sizeof head);
		if (head.type != IPC_MANY) {
			memcpy(room, last, (size_t)got);
			return (size_t)got;
		}
		many.rest = str_of(last + sizeof head, (size_t)got - sizeof head);
	}
	one = get_str(&many);
	assert_false(many.bad);
	memcpy(room, one.p, one.n);
	return one.n;
}

/* Turns until the job's result comes: "2 5.1.1 550 no such user" for each recipient, '\n' between; then
 * says that it is written. */
static const char *result(void)
{
	static char text[4000];
	static char room[IPC_PACKET_MAX];
	int64_t until = clock_mono_ms() + 10000;
	struct job_outcome o;
	struct ipc_head head;
	struct reader r;
	size_t n = 0;

	while (clock_mono_ms() < until) {
		size_t got = next_packet(room);

		if (got == 0) {
			end_dns();
			loop_turn(carrier.loop, false);
			continue;
		}
		memcpy(&head, room, sizeof head);
		r = (struct reader){ str_of(room + sizeof head, got - sizeof head), false };
		if (head.type == IPC_QREAD)
			answer_read(&head, &r);
		if (head.type == IPC_SEAL)
			answer_seal(head, &r);
		if (head.type != IPC_RESULT)
			continue;
		text[0] = '\0';
		while (outcome_get(&r, &o))
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%d%s %.*s %.*s",
				n > 0 ? "\n" : "", (int)o.outcome, o.site_failed ? "*" : "",
				STR_ARG(o.status), STR_ARG(o.reply));
		assert_false(r.bad);
		head.result = STORE_OK;
		assert_int_equal(send(store, &head, sizeof head, 0), (int)sizeof head);
		for (int i = 0; i < 5; i++)
			loop_turn(carrier.loop, false);
		return text;
	}
	fail_msg("no result");
	return "";
}

static struct job_recipient two[] = { { .number = 7, .address = STR_INIT("a@x.test") },
	{ .number = 9, .address = STR_INIT("b@x.test") } };

static const char *run_two(const char *const *scripts, struct str message)
{
	struct job j = { .sender = STR("s@y.test"), .recipients = two, .count = 2 };

	start_server(scripts);
	j.message = message;
	j.octets = message.n > 0 ? message.n : sizeof large - 1;
	put_job(3, &j);
	return result();
}

#define HELLO    "S:220 hi\nC:EHLO\nS:250 hi\n"
#define ENVELOPE HELLO "C:MAIL\nS:250 ok\nC:RCPT\nS:250 ok\nC:RCPT\nS:250 ok\nC:DATA\nS:354 go\nD\n"
#define SMALL    STR("Subject: x\r\n\r\nhello\r\n")

static const struct {
	const char *name;
	const char *const scripts[4];
	const char *result;
} rows[] = {
	{ "taken", { ENVELOPE "S:250 2.0.0 ok" }, "1 2.0.0 250 2.0.0 ok\n1 2.0.0 250 2.0.0 ok" },
	{ "one is refused",
		{ HELLO "C:MAIL\nS:250 ok\nC:RCPT TO:<a\nS:550 5.1.1 no\nC:RCPT TO:<b\nS:250 "
			"ok\nC:DATA\nS:354 "
			"go\nD\nS:250 2.0.0 ok" },
		"3 5.1.1 550 5.1.1 no\n1 2.0.0 250 2.0.0 ok" },
	{ "nobody is at home", { "S:421 4.3.2 later" },
		"2* 4.3.2 421 4.3.2 later\n2* 4.3.2 421 4.3.2 later" },
	{ "one has an outcome when the host fails",
		{ HELLO "C:MAIL\nS:250 ok\nC:RCPT\nS:550 5.1.1 no\nC:RCPT\nS:421 4.3.2 "
			"closing\nX" },
		"3 5.1.1 550 5.1.1 no\n2* 4.3.2 421 4.3.2 closing" },
};

static void outcomes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *got = run_two(rows[i].scripts, SMALL);

		if (!str_eq(str_c(got), str_c(rows[i].result)))
			fail_msg("%s:\n%s\nnot\n%s", rows[i].name, got, rows[i].result);
		out_quit_idle(&carrier);
		end_server();
		assert_int_equal(carrier.job_count, 0);
	}
}

/* A server without 8BITMIME gets 7-bit octets, of messages that came with the job and of those that are
 * read; one that cannot be changed comes back. */
static void sevenbit(void **state)
{
	static const char *const scripts[] = { ENVELOPE "S:250 2.0.0 ok", NULL };
	static const char *const nothing[] = { HELLO, NULL };
	struct job j = { .sender = STR("s@y.test"),
		.recipients = two,
		.count = 2,
		.flags = JOB_8BIT,
		.octets = sizeof eightbit - 1 };

	(void)state;
	from_store = eightbit;
	for (int i = 0; i < 2; i++) {
		start_server(scripts);
		j.message = i == 0 ? str_c(eightbit) : STR("");
		put_job(3, &j);
		assert_string_equal(result(), "1 2.0.0 250 2.0.0 ok\n1 2.0.0 250 2.0.0 ok");
		out_quit_idle(&carrier);
		end_server();
		server.message[server.message_len] = '\0';
		assert_non_null(
			strstr(server.message, "\r\nContent-Transfer-Encoding: base64\r\n"));
		assert_non_null(strstr(server.message, "\r\n\r\nw7wNCi4NCg==\r\n"));
	}
	start_server(nothing);
	j.message = STR(
		"Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\n\r\n\xff\r\n--a--\r\n");
	j.octets = j.message.n;
	put_job(3, &j);
	assert_true(
		str_starts(str_c(result()), STR("3 5.6.3 the next server takes no 8-bit mail")));
	out_quit_idle(&carrier);
	end_server();
}

static void octets_in_pieces(void **state)
{
	static const char *const scripts[] = { ENVELOPE "S:250 2.0.0 ok", NULL };

	(void)state;
	from_store = large;
	assert_string_equal(
		run_two(scripts, STR("")), "1 2.0.0 250 2.0.0 ok\n1 2.0.0 250 2.0.0 ok");
	out_quit_idle(&carrier);
	end_server();
	assert_true(str_eq(str_of(server.message, server.message_len),
		STR("Subject: large\r\n\r\n0123456789\r\n..dot\r\nlast\r\n")));
}

/* More than the engine holds at once, to a server that takes it at once: what was written makes room for the rest, and
 * nothing is answered in the middle of a chunk (RFC 3030) that would wake us. */
static void chunk_in_one_go(void **state)
{
	static const char *const scripts[] = {
		"S:220 hi\nC:EHLO\nS:250-hi\nS:250 CHUNKING\nC:MAIL\nS:250 ok\nC:RCPT\nS:250 "
		"ok\nC:RCPT\nS:250 ok\nB\nS:250 2.0.0 ok",
		NULL
	};
	static char octets[90 * 1024];

	(void)state;
	memset(octets, 'x', sizeof octets);
	memcpy(octets + sizeof octets - 2, "\r\n", 2);
	assert_string_equal(run_two(scripts, str_of(octets, sizeof octets)),
		"1 2.0.0 250 2.0.0 ok\n1 2.0.0 250 2.0.0 ok");
	out_quit_idle(&carrier);
	end_server();
}

/* A resolver that asks somebody who never says anything. */
static int silent_dns(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct resolver_config silent = { .queries_max = 10 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t n = sizeof sa;
	struct err err = { 0 };
	char address[40];

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
	snprintf(address, sizeof address, "127.0.0.1@%u", ntohs(sa.sin_port));
	silent.servers = str_c(address);
	carrier.resolver = resolver_new(carrier.loop, &silent, &err);
	assert_non_null(carrier.resolver);
	return fd;
}

#define CHAIN                                                                                      \
	"ARC-Seal: i=1; a=rsa-sha256; t=1; cv=none; d=far.test; s=s; b=AAAA\r\n"                   \
	"ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=far.test; s=s; t=1; "      \
	"h=From; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n"                      \
	"ARC-Authentication-Results: i=1; far.test; none\r\n"

/* How often the log says so. */
static int logged(int log, const char *what)
{
	char text[8000];
	ssize_t n;
	int count = 0;

	log_flush();
	n = pread(log, text, sizeof text - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		count++;
	return count;
}

/* What the store signs stands in front of the message; what cannot be sealed, or not in time, goes as it is.  The log
 * says which, once. */
static void sealed(void **state)
{
	static const char *const scripts[] = { ENVELOPE "S:250 2.0.0 ok", NULL };
	static const struct {
		const char *name;
		struct str message; /* "": `large`, in pieces */
		enum store_result answer;
		unsigned asked;
		bool sealed;
		const char *begins;
	} t[] = {
		{ "sealed", STR_INIT("From: a@far.test\r\n\r\nhello\r\n"), STORE_OK, 1, true,
			"ARC-Seal: x\r\nFrom: a" },
		{ "in pieces", STR_INIT(""), STORE_OK, 1, true,
			"ARC-Seal: x\r\nFrom: large\r\n\r\n0123456789\r\n..dot\r\nlast\r\n" },
		{ "not signed", STR_INIT("From: a@far.test\r\n\r\nhello\r\n"), STORE_UNAVAILABLE, 1,
			false, "From: a" },
		{ "a chain of which nothing is known",
			STR_INIT(CHAIN "From: a@far.test\r\n\r\n\r\n"), STORE_OK, 0, false,
			"ARC-Seal: i=1" },
		{ "no From", STR_INIT("Subject: x\r\n\r\nhello\r\n"), STORE_OK, 0, false,
			"Subject: x" },
		{ "made 7-bit",
			STR_INIT("From: a@far.test\r\nMIME-Version: 1.0\r\nContent-Type: "
				 "text/plain; charset=utf-8\r\n\r\n\xc3\xbc\r\n"),
			STORE_OK, 1, true, "From: a" },
	};
	struct job j = { .sender = STR("SRS0=a@y.test"),
		.recipients = two,
		.count = 2,
		.client = STR("192.0.2.1"),
		.origin = STR("a@f\xc3\xa4r.test") };
	int dns = silent_dns(), log = memfd_create("log", MFD_CLOEXEC);

	(void)state;
	log_init(log, LOG_L_INFO, "test");
	from_store = "From: large\r\n\r\n0123456789\r\n.dot\r\nlast\r\n";
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		sealing.asked = 0;
		sealing.answer = t[i].answer;
		j.flags = JOB_SEAL | (str_ascii(t[i].message) ? 0 : JOB_8BIT);
		j.message = t[i].message;
		j.octets = t[i].message.n > 0 ? t[i].message.n : strlen(from_store);
		start_server(scripts);
		put_job(3, &j);
		assert_string_equal(result(), "1 2.0.0 250 2.0.0 ok\n1 2.0.0 250 2.0.0 ok");
		out_quit_idle(&carrier);
		end_server();
		if (sealing.asked != t[i].asked ||
			!str_starts(str_of(server.message, server.message_len), str_c(t[i].begins)))
			fail_msg("%s: %u, %.*s", t[i].name, sealing.asked, (int)server.message_len,
				server.message);
		assert_int_equal(carrier.job_count, 0);
		assert_int_equal(logged(log, "event=carrier.sealed"), t[i].sealed);
		assert_int_equal(logged(log, "event=carrier.unsealed"), !t[i].sealed);
		assert_int_equal(
			logged(log, " spf_why=\"DNS does not answer in time\" arc_why=\"\""),
			t[i].sealed);
		assert_int_equal(ftruncate(log, 0) + lseek(log, 0, SEEK_SET), 0);
	}
	log_init(2, LOG_L_ERROR + 1, "test");
	close(log);
	assert_string_equal(sealing.results,
		"carrier.test; spf=temperror smtp.mailfrom=xn--fr-via.test; dkim=none; "
		"arc=none smtp.remote-ip=\"192.0.2.1\"");
	resolver_free(carrier.resolver);
	carrier.resolver = NULL;
	close(dns);
}

static struct job small_job(void)
{
	return (struct job){ .sender = STR("s@y.test"),
		.recipients = two,
		.count = 2,
		.message = SMALL,
		.octets = SMALL.n };
}

/* The second message finds that the server has closed the connection it was to go by: that is nobody's
 * fault and costs nobody an attempt. */
static void idle_connection_gone(void **state)
{
	static const char *const scripts[] = { ENVELOPE "S:250 2.0.0 ok\nX",
		ENVELOPE "S:250 2.0.0 again", NULL };
	struct job j = small_job();

	(void)state;
	run_two(scripts, SMALL);
	/* The end of the stream is not seen before the job comes. */
	usleep(50 * 1000);
	put_job(4, &j);
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 again\n1 2.0.0 250 2.0.0 again");
	out_quit_idle(&carrier);
	end_server();
	assert_int_equal(server.connections, 2);
}

static void connection_used_again(void **state)
{
	static const char *const scripts[] = { ENVELOPE
		"S:250 2.0.0 ok\nC:MAIL\nS:250 ok\nC:RCPT\nS:250 ok\nC:RCPT\nS:250 "
		"ok\nC:DATA\nS:354 go\nD\nS:250 2.0.0 again",
		NULL };
	struct job j = small_job();

	(void)state;
	run_two(scripts, SMALL);
	put_job(4, &j);
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 again\n1 2.0.0 250 2.0.0 again");
	out_quit_idle(&carrier);
	end_server();
	assert_int_equal(server.connections, 1);
}

/* What a client sends and what a server says of it, each in one piece. */
#define SAID  "C:MAIL\nC:RCPT\nC:RCPT\nC:DATA\n"
#define HEARD "S:250 ok\nS:250 ok\nS:250 ok\nS:354 go\nD\n"

#define GREETED "S:220 hi\nC:EHLO\nS:250-hi\nS:250 PIPELINING\n" SAID HEARD

/* Its server takes no time: jobs stand in line for it. */
static void make_quick(void)
{
	LIST_OF(carrier.sessions.prev, struct out, link)->quick = true;
}

static void three_in_line(struct job *j)
{
	make_quick();
	for (uint32_t number = 4; number < 7; number++)
		put_job(number, j);
}

/* RFC 2920 3.1: the envelope of the next message is here before the reply to this one, each reply is for its
 * own message, and one connection does for all. */
static void jobs_in_line(void **state)
{
	static const char *const scripts[] = { GREETED
		"S:250 2.0.0 ok\n" SAID HEARD SAID "S:250 2.0.0 one\n" HEARD SAID
		"S:451 4.7.1 two\n" HEARD "S:554 5.7.1 three",
		NULL };
	struct job j = small_job();

	(void)state;
	run_two(scripts, SMALL);
	three_in_line(&j);
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 one\n1 2.0.0 250 2.0.0 one");
	assert_string_equal(result(), "2 4.7.1 451 4.7.1 two\n2 4.7.1 451 4.7.1 two");
	assert_string_equal(result(), "3 5.7.1 554 5.7.1 three\n3 5.7.1 554 5.7.1 three");
	out_quit_idle(&carrier);
	end_server();
	assert_int_equal(server.connections, 1);
	assert_int_equal(carrier.job_count, 0);
}

/* A message of which the store keeps a part stands in no line: others would wait for the store too. */
static void no_line_for_large_ones(void **state)
{
	static const char *const scripts[] = { GREETED "S:250 2.0.0 ok\n" SAID HEARD
						       "S:250 2.0.0 one",
		ENVELOPE "S:250 2.0.0 large", NULL };
	struct job j = small_job();

	(void)state;
	run_two(scripts, SMALL);
	make_quick();
	put_job(4, &j);
	from_store = large;
	j.message = STR("");
	j.octets = sizeof large - 1;
	put_job(5, &j);
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 one\n1 2.0.0 250 2.0.0 one");
	out_quit_idle(&carrier);
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 large\n1 2.0.0 250 2.0.0 large");
	out_quit_idle(&carrier);
	end_server();
	assert_int_equal(server.connections, 2);
}

/* The server ends the session with the reply to the first of three: the others cost nobody an attempt. */
static void line_broken_off(void **state)
{
	static const char *const scripts[] = { GREETED "S:250 2.0.0 ok\n" SAID HEARD SAID
						       "S:250 2.0.0 one\nX",
		ENVELOPE "S:250 2.0.0 again\nX", ENVELOPE "S:250 2.0.0 again\nX", NULL };
	struct job j = small_job();

	(void)state;
	run_two(scripts, SMALL);
	three_in_line(&j);
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 one\n1 2.0.0 250 2.0.0 one");
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 again\n1 2.0.0 250 2.0.0 again");
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 again\n1 2.0.0 250 2.0.0 again");
	out_quit_idle(&carrier);
	end_server();
	assert_int_equal(server.connections, 3);
	assert_int_equal(carrier.job_count, 0);
}

/* The server does not answer any more: of three messages the third one does not wait for it. */
static void line_stands_still(void **state)
{
	static const char *const scripts[] = { GREETED
		"S:250 2.0.0 ok\n" SAID HEARD SAID "W\nS:250 2.0.0 one\n" HEARD "S:250 2.0.0 two",
		ENVELOPE "S:250 2.0.0 three", NULL };
	struct job j = small_job();
	int64_t until;

	(void)state;
	run_two(scripts, SMALL);
	three_in_line(&j);
	until = clock_mono_ms() + 1200;
	while (clock_mono_ms() < until)
		loop_turn(carrier.loop, false);
	assert_int_equal(carrier.jobs[4]->state, JOB_TALKING);
	assert_int_equal(carrier.jobs[5]->state, JOB_TALKING);
	assert_int_equal(carrier.jobs[6]->state, JOB_TALKING);
	assert_ptr_equal(carrier.jobs[4]->out, carrier.jobs[5]->out);
	assert_ptr_not_equal(carrier.jobs[4]->out, carrier.jobs[6]->out);
	server.go = true;
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 one\n1 2.0.0 250 2.0.0 one");
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 two\n1 2.0.0 250 2.0.0 two");
	out_quit_idle(&carrier);
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 three\n1 2.0.0 250 2.0.0 three");
	out_quit_idle(&carrier);
	end_server();
	assert_int_equal(server.connections, 2);
}

/* The store dies while one message is sent, the next is announced and a third one waits: none goes twice. */
static void the_store_dies_in_line(void **state)
{
	static const char *const scripts[] = { GREETED
		"S:250 2.0.0 ok\n" SAID HEARD SAID "W\nS:250 2.0.0 one\n" HEARD "S:250 2.0.0 two",
		ENVELOPE "S:250 2.0.0 three", NULL };
	struct job j = small_job();

	(void)state;
	run_two(scripts, SMALL);
	make_quick();
	server.has_message = false;
	for (uint32_t number = 4; number < 7; number++) {
		j.id.b[0] = (uint8_t)number;
		put_job(number, &j);
	}
	while (!server.has_message)
		loop_turn(carrier.loop, false);
	close(store);
	while (!carrier.store_lost)
		loop_turn(carrier.loop, false);
	connect_store();
	usleep(10 * 1000); /* no line for a message that takes so long */
	for (uint32_t number = 4; number < 7; number++) {
		j.id.b[0] = (uint8_t)number;
		put_job(70 - number, &j);
	}
	for (int i = 0; i < 10; i++)
		loop_turn(carrier.loop, false);
	server.go = true;
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 one\n1 2.0.0 250 2.0.0 one");
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 two\n1 2.0.0 250 2.0.0 two");
	out_quit_idle(&carrier);
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 three\n1 2.0.0 250 2.0.0 three");
	out_quit_idle(&carrier);
	end_server();
	assert_int_equal(server.connections, 2);
	assert_int_equal(carrier.job_count, 0);
	assert_true(list_empty(&carrier.orphans));
}

/* The store dies while the server thinks about the message; the next store gives the job again, under
 * another number.  It must not be sent twice. */
static void the_store_dies(void **state)
{
	static const char *const scripts[] = { ENVELOPE "W\nS:250 2.0.0 ok", "S:554 a second copy",
		NULL };
	struct job j = small_job();

	(void)state;
	start_server(scripts);
	put_job(3, &j);
	while (!server.has_message)
		loop_turn(carrier.loop, false);
	close(store);
	while (!carrier.store_lost)
		loop_turn(carrier.loop, false);
	connect_store();
	put_job(70, &j);
	for (int i = 0; i < 10; i++)
		loop_turn(carrier.loop, false);
	server.go = true;
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 ok\n1 2.0.0 250 2.0.0 ok");
	out_quit_idle(&carrier);
	end_server();
	assert_int_equal(server.connections, 1);
	assert_int_equal(carrier.job_count, 0);
}

/* A section that this carrier's configuration does not have, or has otherwise: neither its level of TLS nor its
 * password is known here, so nothing is sent. */
static void section_changed(void **state)
{
	static const char *const scripts[] = { NULL };
	static char name[] = "x.test", host[] = "127.0.0.2", none[] = "";
	struct route_rule rule = { .name = name,
		.kind = ROUTE_RELAY,
		.host = host,
		.port = 25,
		.tls = ROUTE_TLS_MAY,
		.user = none,
		.password = none,
		.password_command = none,
		.recipients = none };
	struct job j = { .sender = STR("s@y.test"),
		.recipients = two,
		.count = 2,
		.message = SMALL,
		.octets = SMALL.n,
		.has_rule = true,
		.rule = STR("x.test") };

	(void)state;
	for (size_t known = 0; known < 2; known++) {
		config.routes = &rule;
		config.route_count = known;
		start_server(scripts);
		put_job(5, &j);
		assert_true(str_starts(str_c(result()), STR("2* 4.3.5 ")));
		end_server();
		assert_int_equal(server.connections, 0);
	}
	config.route_count = 0;
}

/* It takes no more jobs, and says so; one that was on its way already is done. */
static void drains(void **state)
{
	static const char *const scripts[] = { ENVELOPE "S:250 2.0.0 ok", NULL };
	struct ipc_head stop = { .type = LEASH_DRAIN }, head;
	struct job j = small_job();
	struct ipc_packet p = { .head = stop, .fd = -1 };
	static char room[IPC_PACKET_MAX];

	(void)state;
	while (next_packet(room) > 0)
		continue;
	start_server(scripts);
	carrier.job_count++; /* another job, that goes on for long */
	carrier_from_parent(&carrier, &p);
	carrier.job_count--;
	put_job(3, &j);
	loop_turn(carrier.loop, false);
	assert_int_equal(next_packet(room), sizeof head + 4);
	memcpy(&head, room, sizeof head);
	assert_int_equal(head.type, IPC_CREDIT);
	assert_memory_equal(room + sizeof head, "\0\0\0\0", 4);
	assert_string_equal(result(), "1 2.0.0 250 2.0.0 ok\n1 2.0.0 250 2.0.0 ok");
	end_server();
	carrier.draining = false;
}

static void no_parent(void *owner)
{
	(void)owner;
}

static int open_carrier(void **state)
{
	struct ipc_head head;
	int leash[2];

	(void)state;
	log_init(2, LOG_L_ERROR + 1, "test");
	config.hostname = (char *)(uintptr_t) "carrier.test";
	config.smtp_client_connect_timeout_ms = config.smtp_client_greeting_timeout_ms =
		config.smtp_client_command_timeout_ms = config.smtp_client_data_timeout_ms =
			config.smtp_client_block_timeout_ms = config.smtp_client_dot_timeout_ms =
				5000;
	carrier.config = &config;
	carrier.loop = loop_new();
	carrier_init(&carrier);
	assert_int_equal(ipc_pair(leash), 0);
	carrier.leash = ipc_new(carrier.loop, leash[1], carrier_from_parent, no_parent, &carrier);
	connect_store();
	loop_turn(carrier.loop, false);
	return recv(store, &head, sizeof head, MSG_TRUNC) > 0 && head.type == IPC_CREDIT ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes),
		cmocka_unit_test(octets_in_pieces),
		cmocka_unit_test(sevenbit),
		cmocka_unit_test(chunk_in_one_go),
		cmocka_unit_test(sealed),
		cmocka_unit_test(idle_connection_gone),
		cmocka_unit_test(connection_used_again),
		cmocka_unit_test(jobs_in_line),
		cmocka_unit_test(no_line_for_large_ones),
		cmocka_unit_test(line_broken_off),
		cmocka_unit_test(line_stands_still),
		cmocka_unit_test(the_store_dies),
		cmocka_unit_test(the_store_dies_in_line),
		cmocka_unit_test(section_changed),
		cmocka_unit_test(drains),
	};

	return cmocka_run_group_tests(tests, open_carrier, NULL);
}
