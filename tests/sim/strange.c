#include "strange.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"
#include "net/loop.h"

/* ---- sockets as a process without a loop has them ---- */

/* False: the other side is gone, or says nothing for so long. */
static bool wait_for(int fd, int events, int64_t us)
{
	int64_t until = sim_now_us + us;

	while ((net_events(fd) & events) == 0 && sim_now_us < until)
		proc_park(until);
	return (net_events(fd) & events) != 0;
}

static bool say(int fd, struct str text)
{
	while (text.n > 0) {
		ssize_t n;

		if (!wait_for(fd, LOOP_WRITE, S(120)))
			return false;
		n = send(fd, text.p, text.n, 0);
		if (n < 0 && errno != EAGAIN)
			return false;
		text = str_from(text, n < 0 ? 0 : (size_t)n);
	}
	return true;
}

/* A line into b, which keeps what came behind it. */
static bool hear(int fd, struct buf *b, struct str *line)
{
	char room[2000];

	for (;;) {
		size_t at = str_find(buf_str(b), '\n');
		ssize_t n;

		if (at < b->len) {
			*line = str_head(buf_str(b), at + 1);
			return true;
		}
		if (b->len > 100000 || !wait_for(fd, LOOP_READ, S(900)))
			return false;
		n = recv(fd, room, sizeof room, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		buf_put(b, str_of(room, n < 0 ? 0 : (size_t)n));
	}
}

/* Never an end of data: a message of its own would be nobody's letter. */
static void say_anything(int fd)
{
	char room[400];
	size_t n = (size_t)sim_between(1, sizeof room);

	for (size_t i = 0; i < n; i++) {
		room[i] = sim_chance(700) ? "250 -\r\n354+OK "[sim_random(14)]
					  : (char)sim_random(256);
		if (room[i] == '.')
			room[i] = 'x';
	}
	(void)say(fd, str_of(room, n));
}

/* ---- the host ---- */

enum manner { HONEST, LATER, NEVER, SILENT, RUDE, GARBAGE, MANNERS };

struct visit {
	int fd;
	enum manner manner;
	struct buf in, message, recipients;
};

/* The answer to one command; false: it hangs up instead. */
static bool reply(struct visit *v, struct str command)
{
	bool rcpt = str_istarts(command, STR("RCPT"));

	if (sim_chance(v->manner == HONEST ? 5 : 60))
		return false;
	if (v->manner == GARBAGE && sim_chance(300))
		say_anything(v->fd);
	if (v->manner == SILENT && sim_chance(300))
		proc_sleep(sim_between(S(10), S(900)));
	if (v->manner == LATER && sim_chance(400))
		return say(v->fd, STR("451 4.3.0 later\r\n"));
	if (v->manner == NEVER && sim_chance(400))
		return say(v->fd, STR("550-5.7.1 never,\r\n550 5.7.1 not at all\r\n"));
	if (rcpt) {
		buf_put(&v->recipients, str_trim(command));
		buf_putc(&v->recipients, '\n');
	}
	if (str_istarts(command, STR("EHLO")))
		return say(v->fd, sim_chance(500)
					  ? STR("250-strange\r\n250-PIPELINING\r\n250 SIZE\r\n")
					  : STR("250 strange\r\n"));
	return say(v->fd, STR("250 2.0.0 so be it\r\n"));
}

/* Each "RCPT TO:<address>" that got 250. */
static void taken(const struct visit *v)
{
	struct str rest = buf_str(&v->recipients);

	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');

		str_cut(&line, '<');
		model_strange(str_cut(&line, '>'), buf_str(&v->message));
	}
}

static bool data(struct visit *v)
{
	struct str line;

	if (!say(v->fd, STR("354 go on\r\n")))
		return false;
	buf_clear(&v->message);
	while (hear(v->fd, &v->in, &line)) {
		size_t n = line.n;

		if (str_eq(line, STR(".\r\n"))) {
			buf_consume(&v->in, n);
			if (v->manner == RUDE && sim_chance(300))
				return false; /* and nobody knows (RFC 1047) */
			if (v->manner == LATER && sim_chance(400))
				return say(v->fd, STR("452 4.2.2 full\r\n"));
			if (v->manner == NEVER && sim_chance(400))
				return say(v->fd, STR("554 5.6.0 I do not like it\r\n"));
			taken(v);
			return say(v->fd, STR("250 2.0.0 mine now\r\n"));
		}
		buf_put(&v->message, str_from(line, line.p[0] == '.'));
		buf_consume(&v->in, n);
	}
	return false;
}

static void serve(struct visit *v)
{
	bool goes_on = say(v->fd, v->manner == LATER && sim_chance(300)
					  ? STR("421 strange is busy\r\n")
					  : STR("220-strange\r\n220 ESMTP\r\n"));
	struct str line;

	while (goes_on && hear(v->fd, &v->in, &line)) {
		struct buf command = { 0 };
		bool is_data = str_istarts(line, STR("DATA")),
		     quit = str_istarts(line, STR("QUIT"));

		buf_put(&command, line);
		buf_consume(&v->in, line.n);
		if (str_istarts(buf_str(&command), STR("MAIL")))
			buf_clear(&v->recipients);
		goes_on = is_data ? data(v) : reply(v, buf_str(&command)) && !quit;
		buf_deinit(&command);
	}
	close(v->fd);
	buf_deinit(&v->in);
	buf_deinit(&v->message);
	buf_deinit(&v->recipients);
}

static void host_run(void *arg)
{
	struct strange_host *s = arg;

	while (!s->ending) {
		struct sockaddr_storage peer;
		socklen_t n = sizeof peer;
		struct visit v = { 0 };

		if (!wait_for(s->listener, LOOP_READ, S(60)))
			continue;
		v.fd = accept4(s->listener, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK);
		v.manner = (enum manner)sim_random(MANNERS);
		if (v.fd >= 0)
			serve(&v);
	}
	close(s->listener);
}

void strange_host_begin(struct strange_host *s)
{
	s->host = sim_host_add("mx.strange.test", 66);
	s->listener = net_listen(s->host, PORT_SMTP);
	s->proc = proc_start(s->host, "strange", host_run, s, NULL);
	net_give(s->listener, s->proc);
}

/* ---- the client ---- */

static const struct str phrases[] = {
	STR_INIT("EHLO x\r\n"),
	STR_INIT("MAIL FROM:<>\r\n"),
	STR_INIT("MAIL FROM:<x@elsewhere.test> SIZE=99999999999\r\n"),
	STR_INIT("RCPT TO:<u0@a.test>\r\n"),
	STR_INIT("RCPT TO:<u1@b.test>\r\n"),
	STR_INIT("RCPT TO:<nobody@nowhere.test>\r\n"),
	STR_INIT("DATA\r\n"),
	STR_INIT("BDAT 100\r\n"),
	STR_INIT("BDAT 18446744073709551615 LAST\r\n"),
	STR_INIT("RSET\r\n"),
	STR_INIT("AUTH PLAIN AHUwQGEudGVzdAB3cm9uZw==\r\n"),
	STR_INIT("USER u0@a.test\r\n"),
	STR_INIT("PASS wrong\r\n"),
	STR_INIT("APOP u0 00\r\n"),
	STR_INIT("RETR 1\r\n"),
	STR_INIT("DELE 1\r\n"),
	STR_INIT("QUIT\r\n"),
	STR_INIT("STLS\r\n"),
	STR_INIT("half a command"),
	STR_INIT("\n.\n"),
	STR_INIT("Subject: without an end\r\n\r\nnever\r\n..\r\n"),
};

static void call(struct strange_client *s)
{
	static const uint16_t ports[] = { PORT_SMTP, PORT_SUBMISSION, PORT_POP3 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(ports[sim_random(3)]) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char room[4000];

	memcpy(&to.sin_addr, s->offices[sim_random(2)].host->address, 4);
	(void)connect(fd, (struct sockaddr *)&to, sizeof to);
	for (int i = 0; i < 40 && !sim_chance(40); i++) {
		if (sim_chance(200))
			say_anything(fd);
		else if (!say(fd, phrases[sim_random(sizeof phrases / sizeof *phrases)]))
			break;
		if (sim_chance(600))
			(void)wait_for(fd, LOOP_READ, MS(500));
		if (sim_chance(700) && recv(fd, room, sizeof room, 0) == 0)
			break;
		if (sim_chance(30))
			proc_sleep(sim_between(S(1), S(700)));
	}
	close(fd);
}

static void client_run(void *arg)
{
	struct strange_client *s = arg;

	while (!s->ending) {
		proc_sleep(sim_between(0, S(30)));
		call(s);
	}
}

void strange_client_begin(struct strange_client *s)
{
	s->proc = proc_start(s->host, "nuisance", client_run, s, NULL);
}
