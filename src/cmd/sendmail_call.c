/* The dialogue with submit.sock.  Blocking: one message, one caller. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/msgid.h"
#include "cmd/sendmail.h"
#include "daemon/control_state.h"
#include "proto/dsn.h"

enum {
	LINE_MAX_OCTETS = 4096,
	LINES_MAX = 100,
	PATIENCE_MS = 10 * 60 * 1000,
	RESTART_MS = 5000, /* so long a server that is started again may take */
	RETRY_US = 100 * 1000,
};

static int dial(const char *state)
{
	struct sockaddr_un sa;
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int dir = state_socket_address(state, "submit.sock", &sa, NULL), fd, saved;

	if (dir < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sa, sizeof sa) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		fd = -1;
	}
	close(dir);
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return fd;
}

/* Most callers, cron among them, throw away what is not taken at once: over a restart they wait. */
static int dial_patiently(const char *state)
{
	int64_t until = clock_mono_ms() + RESTART_MS;
	int fd = dial(state);

	while (fd < 0 && (errno == ECONNREFUSED || (errno == ENOENT && access(state, F_OK) == 0)) &&
		clock_mono_ms() < until) {
		usleep(RETRY_US);
		fd = dial(state);
	}
	return fd;
}

int sendmail_connect(struct cmd *c)
{
	const char *asked = getenv("RESTANTE_STATE");
	bool named = cmd_has(c, OPTION_STATE) || (asked != NULL && asked[0] != '\0');
	int fd = dial(c->state);

	if (fd < 0 && errno == ENOENT &&
		!named) /* who has no office of his own uses the machine's */
		c->state = "/var/lib/restante";
	if (fd < 0)
		fd = dial_patiently(c->state);
	if (fd < 0)
		cmd_fail(c, EX_TEMPFAIL, "the message was not taken: %s/submit.sock: %s: %s",
			c->state, strerror(errno),
			errno == EACCES
				? "users need search permission (0711) on the directory"
				: "no server runs, hand it in again when restante serve does");
	return fd;
}

/* One line without its end; false: the server went away. */
static bool read_line(int fd, char line[LINE_MAX_OCTETS], size_t *n)
{
	char c;

	for (*n = 0; *n < LINE_MAX_OCTETS;) {
		ssize_t got = recv(fd, &c, 1, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		if (c == '\n') {
			*n -= *n > 0 && line[*n - 1] == '\r';
			return true;
		}
		line[(*n)++] = c;
	}
	return false;
}

/* A reply's code, 0 when there is none; its lines' texts in `text`. */
static unsigned read_reply(int fd, struct buf *text)
{
	char line[LINE_MAX_OCTETS];
	size_t n;
	uint64_t code;

	buf_clear(text);
	for (int i = 0; i < LINES_MAX; i++) {
		if (!read_line(fd, line, &n) || n < 3 || !str_u64(str_of(line, 3), &code))
			return 0;
		buf_put(text, str_from(str_of(line, n), 4));
		if (n == 3 || line[3] != '-')
			return (unsigned)code;
		buf_putc(text, '\n');
	}
	return 0;
}

static int lost(struct cmd *c)
{
	return cmd_fail(c, EX_TEMPFAIL, "the server went away: the message was not taken");
}

/* What a refusal means to the program that called (sysexits.h). */
static int refused(struct cmd *c, const char *what, unsigned code, struct str text)
{
	int as = EX_UNAVAILABLE;

	if (code == 0)
		return lost(c);
	if (code < 500)
		as = EX_TEMPFAIL;
	else if (str_starts(text, STR("5.1.1")) || str_starts(text, STR("5.2.1")))
		as = EX_NOUSER;
	else if (code == 501 || code == 553 || str_starts(text, STR("5.6.")))
		as = EX_DATAERR;
	return cmd_fail(c, as, "%s: %u %.*s", what, code, STR_ARG(str_head(text, 200)));
}

/* One command, which the reply's text replaces; EX_OK, or what was told. */
static int ask(struct cmd *c, int fd, struct buf *command, const char *what)
{
	unsigned code = 0;

	buf_put(command, STR("\r\n"));
	if (control_send_octets(fd, buf_str(command)))
		code = read_reply(fd, command);
	if (code < 200 || code >= 400)
		return refused(c, what, code, buf_str(command));
	return EX_OK;
}

int sendmail_hello(struct cmd *c, struct sendmail *m, int fd)
{
	struct buf text = { 0 };
	struct str rest;
	unsigned code = read_reply(fd, &text);
	int result = EX_OK;

	if (code / 100 != 2) {
		result = refused(c, "the server", code, buf_str(&text));
	} else {
		code = control_send_octets(fd, STR("EHLO localhost\r\n")) ? read_reply(fd, &text)
									  : 0;
		if (code != 250)
			result = refused(c, "EHLO", code, buf_str(&text));
	}
	for (rest = buf_str(&text); rest.n > 0;) {
		struct str line = str_cut(&rest, '\n');

		if (str_eq(str_cut(&line, ' '), STR("XORIGIN")))
			buf_put(&m->origin, line);
	}
	buf_deinit(&text);
	if (result == EX_OK && m->origin.len == 0)
		return cmd_fail(c, EX_TEMPFAIL, "the server has no domain: restante domain add");
	return result;
}

/* RFC 3461 4: xtext. */
static void put_xtext(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '+' && s.p[i] != '=')
			buf_putc(b, s.p[i]);
		else
			buf_printf(b, "+%02X", (unsigned char)s.p[i]);
}

int sendmail_notices(struct cmd *c, const struct sendmail *m)
{
	struct buf envid = { 0 };
	enum dsn_ret ret;
	unsigned notify;
	int code = EX_OK;

	put_xtext(&envid, str_c(m->envid == NULL ? "" : m->envid));
	if (m->notify != NULL && !dsn_notify(str_c(m->notify), &notify))
		code = cmd_fail(c, EX_USAGE,
			"-N is never, or some of success, failure and delay with commas between");
	else if (m->ret != NULL && !dsn_ret(str_c(m->ret), &ret))
		code = cmd_fail(c, EX_USAGE, "-R is full or hdrs");
	else if (m->envid != NULL && !dsn_envid(buf_str(&envid)))
		code = cmd_fail(c, EX_USAGE,
			"-V is printable ASCII, of at most %d octets as xtext (RFC 3461 4.4)",
			(int)DSN_ENVID_MAX);
	buf_deinit(&envid);
	return code;
}

static int say_sender(struct cmd *c, const struct sendmail *m, int fd, struct str sender)
{
	struct buf b = { 0 };
	int code;

	buf_put(&b, STR("MAIL FROM:<"));
	buf_put(&b, sender);
	buf_putc(&b, '>');
	buf_put(&b, m->eightbit ? STR(" BODY=8BITMIME") : STR(""));
	buf_put(&b, m->utf8 ? STR(" SMTPUTF8") : STR(""));
	if (m->verp[0] != '\0')
		buf_printf(&b, " %s", m->verp);
	if (m->ret != NULL) {
		buf_put(&b, STR(" RET="));
		buf_put(&b, str_c(m->ret));
	}
	if (m->envid != NULL) {
		buf_put(&b, STR(" ENVID="));
		put_xtext(&b, str_c(m->envid));
	}
	code = ask(c, fd, &b, sender.n > 0 ? "the sender" : "the empty sender");
	buf_deinit(&b);
	return code;
}

static int say_recipients(struct cmd *c, const struct sendmail *m, int fd)
{
	struct reader to = { .rest = buf_str(&m->to) };
	struct buf b = { 0 };
	char what[300];
	int code = EX_OK;

	while (code == EX_OK && to.rest.n > 0) {
		struct str address = get_str(&to);

		buf_clear(&b);
		buf_put(&b, STR("RCPT TO:<"));
		buf_put(&b, address);
		buf_putc(&b, '>');
		if (m->notify != NULL) {
			buf_put(&b, STR(" NOTIFY="));
			buf_put(&b, str_c(m->notify));
		}
		snprintf(what, sizeof what, "%.*s", STR_ARG(str_head(address, 256)));
		code = ask(c, fd, &b, what);
	}
	buf_deinit(&b);
	return code;
}

/* "2.0.0 ID stored" */
static void take_id(struct sendmail *m, struct str text)
{
	struct msgid id;

	str_cut(&text, ' ');
	text = str_cut(&text, ' ');
	if (msgid_parse(text, &id))
		buf_put(&m->id, text);
}

/* RFC 5321 4.5.2 */
static int say_message(struct cmd *c, struct sendmail *m, int fd)
{
	struct str rest = buf_str(&m->text);
	struct buf b = { 0 };
	int code;

	buf_put(&b, STR("DATA"));
	code = ask(c, fd, &b, "the message");
	buf_clear(&b);
	while (rest.n > 0 && code == EX_OK) {
		size_t n = str_find(rest, '\n');

		if (rest.p[0] == '.')
			buf_putc(&b, '.');
		buf_put(&b, str_head(rest, n + 1));
		rest = str_from(rest, n + 1);
		if (b.len < 65536 && rest.n > 0)
			continue;
		if (!control_send_octets(fd, buf_str(&b)))
			code = lost(c);
		buf_clear(&b);
	}
	buf_clear(&b);
	buf_putc(&b, '.');
	if (code == EX_OK)
		code = ask(c, fd, &b, "the message");
	if (code == EX_OK)
		take_id(m, buf_str(&b));
	buf_deinit(&b);
	return code;
}

int sendmail_hand_in(struct cmd *c, struct sendmail *m, int fd)
{
	struct buf quit = { 0 };
	int code = say_sender(c, m, fd, str_c(m->sender));

	if (code == EX_OK)
		code = say_recipients(c, m, fd);
	if (code == EX_OK)
		code = say_message(c, m, fd);
	if (code != EX_OK)
		return code;
	buf_put(&quit, STR("QUIT\r\n"));
	(void)control_send_octets(fd, buf_str(&quit)); /* it is taken, whatever comes now */
	buf_deinit(&quit);
	return EX_OK;
}

/* Octets from one to the other; false: the end, or an error.  Lines that somebody types end in LF. */
static bool pass(int from, int to, bool typed)
{
	char in[32768], out[2 * sizeof in];
	ssize_t got = read(from, in, sizeof in), n = 0;

	for (ssize_t i = 0; i < got; i++) {
		if (typed && in[i] == '\n')
			out[n++] = '\r';
		out[n++] = in[i];
	}
	for (ssize_t at = 0, put; at < n; at += put) {
		put = write(to, out + at, (size_t)(n - at));
		if (put <= 0)
			return false;
	}
	return n > 0;
}

int sendmail_pass(struct cmd *c, int fd)
{
	struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = fd, .events = POLLIN } };
	bool typed = isatty(STDIN_FILENO);

	while (poll(p, 2, PATIENCE_MS) > 0) {
		if (p[0].revents != 0 && !pass(STDIN_FILENO, fd, typed)) {
			shutdown(fd, SHUT_WR);
			p[0].fd = -1;
		}
		if (p[1].revents != 0 && !pass(fd, STDOUT_FILENO, false))
			return EX_OK;
	}
	return cmd_fail(c, EX_TEMPFAIL, "nothing was said for ten minutes");
}
