/* lab smtp: the steps of an SMTP session. */
#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/lab.h"
#include "mime/date.h"

enum { REPLY_LINES_MAX = 1000, MESSAGE_MAX = 64 * 1024 * 1024 };

/* Reads a reply whole; its lines into l->said when `keep`.  0: there is none. */
static int hear(struct lab *l, bool keep)
{
	struct str line;
	bool more = true;
	int code = 0;

	for (int i = 0; more && i < REPLY_LINES_MAX; i++) {
		struct buf text = { 0 };
		uint64_t number;

		if (!wire_line(&l->wire, &line) || line.n < 3 ||
			!str_u64(str_head(line, 3), &number))
			return 0;
		code = (int)number;
		more = line.n > 3 && line.p[3] == '-';
		line = str_from(line, 4);
		if (keep && i > 0) {
			wire_escape(&text, line);
			json_array_append_new(l->said, json_stringn(buf_str(&text).p, text.len));
		}
		if (keep && str_istarts(line, STR("AUTH "))) {
			buf_clear(&l->mechanisms);
			buf_put(&l->mechanisms, str_from(line, 5));
		}
		buf_deinit(&text);
	}
	return code;
}

/* RFC 5321 4.2.1: 2yz and 3yz are success. */
static int judge(struct lab *l, int reply, int class, const char *what)
{
	if (reply / 100 == class)
		return EX_OK;
	if (reply != 0)
		return lab_fail(l, reply / 100 == 4 ? ST_TEMP : ST_PERM, "%s: the server says %d",
			what, reply);
	if (l->wire.end == WIRE_UP)
		return lab_fail(l, ST_PROTO, "the answer to %s is none of SMTP", what);
	return lab_fail(l, ST_TEMP, "%s: %s", what,
		l->wire.end == WIRE_LATE ? "no answer in time"
					 : "the server closed the connection");
}

/* Says a line, and hears the answer, unless the burst goes on. */
static int ask(struct lab *l, int class, const char *verb, struct str rest)
{
	struct buf line = { 0 };

	buf_put(&line, str_c(verb));
	buf_put(&line, rest);
	lab_say(l, buf_str(&line));
	buf_deinit(&line);
	return judge(l, hear(l, false), class, verb);
}

static int greeting(struct lab *l)
{
	int reply = hear(l, false);

	l->greeted = reply != 0;
	return judge(l, reply, 2, "the connection");
}

static int ehlo(struct lab *l)
{
	char name[256] = "localhost";
	struct buf line = { 0 };
	int reply;

	if (cmd_has(l->c, OPTION_HOSTNAME))
		snprintf(name, sizeof name, "%s", l->c->value[OPTION_HOSTNAME]);
	else
		gethostname(name, sizeof name - 1);
	json_array_clear(l->said);
	buf_clear(&l->mechanisms);
	buf_printf(&line, "EHLO %s", name);
	lab_say(l, buf_str(&line));
	reply = hear(l, true);
	if (reply / 100 == 5) { /* RFC 5321 3.2 */
		buf_clear(&line);
		buf_printf(&line, "HELO %s", name);
		lab_say(l, buf_str(&line));
		reply = hear(l, false);
	}
	buf_deinit(&line);
	return judge(l, reply, 2, "EHLO");
}

static int starttls(struct lab *l)
{
	int code;

	if (l->target.want.tls != SERVER_TLS_STARTTLS)
		return LAB_SKIPPED;
	code = ask(l, 2, "STARTTLS", STR(""));
	if (code == EX_OK && l->wire.in.len > 0)
		code = lab_fail(
			l, ST_PROTO, "octets came behind the answer to STARTTLS, before TLS");
	if (code == EX_OK)
		code = lab_tls(l);
	return code == EX_OK ? ehlo(l) : code; /* RFC 3207 4.2 */
}

static struct str mail_line(struct lab *l, struct buf *line)
{
	buf_clear(line);
	buf_printf(line, "MAIL FROM:<%.1000s>",
		cmd_has(l->c, OPTION_FROM) ? l->c->value[OPTION_FROM] : "");
	return buf_str(line);
}

static struct str rcpt_line(struct lab *l, struct buf *line)
{
	buf_clear(line);
	buf_printf(line, "RCPT TO:<%.1000s>", l->c->value[OPTION_TO]);
	return buf_str(line);
}

/* RFC 2920 3.1, whether it was offered or not: this is a laboratory. */
static void burst(struct lab *l)
{
	struct buf all = { 0 }, line = { 0 };
	struct str end = cmd_has(l->c, OPTION_BARE_LF) ? STR("\n") : STR("\r\n");

	buf_put(&all, mail_line(l, &line));
	buf_put(&all, end);
	buf_put(&all, rcpt_line(l, &line));
	buf_put(&all, end);
	buf_put(&all, STR("DATA"));
	buf_put(&all, end);
	wire_send(&l->wire, buf_str(&all), WIRE_ALL);
	buf_deinit(&all);
	buf_deinit(&line);
}

static int mail(struct lab *l)
{
	struct buf line = { 0 };

	if (!cmd_has(l->c, OPTION_TO))
		return LAB_SKIPPED;
	if (cmd_has(l->c, OPTION_PIPELINING))
		burst(l);
	else
		lab_say(l, mail_line(l, &line));
	buf_deinit(&line);
	return judge(l, hear(l, false), 2, "MAIL");
}

static int rcpt(struct lab *l)
{
	struct buf line = { 0 };

	if (!cmd_has(l->c, OPTION_TO))
		return LAB_SKIPPED;
	if (!cmd_has(l->c, OPTION_PIPELINING))
		lab_say(l, rcpt_line(l, &line));
	buf_deinit(&line);
	return judge(l, hear(l, false), 2, "RCPT");
}

static enum status read_message(const char *path, struct buf *to, struct err *err)
{
	FILE *f = str_eq(str_c(path), STR("-")) ? stdin : fopen(path, "rb");
	size_t n = 1;

	buf_init(to, MESSAGE_MAX);
	if (f == NULL)
		return err_set(err, ST_IO, "open %s: %s", path, strerror(errno));
	while (n > 0 && !to->full) {
		char *room = buf_reserve(to, 65536);

		n = room == NULL ? 0 : fread(room, 1, 65536, f);
		if (n > 0)
			buf_grew(to, n);
	}
	n = (size_t)ferror(f);
	if (f != stdin)
		fclose(f);
	return n != 0 || to->full ? err_set(err, ST_IO, "read %s: %s", path,
					    to->full ? "it is too long" : strerror(errno))
				  : ST_OK;
}

static void compose(struct lab *l, struct buf *to)
{
	unsigned char random[8];
	const char *from = cmd_has(l->c, OPTION_FROM) ? l->c->value[OPTION_FROM] : "";

	random_bytes(random, sizeof random);
	buf_put(to, STR("Date: "));
	date_put(to, clock_wall_ms());
	buf_printf(to,
		"\r\nFrom: <%.300s>\r\nTo: <%.300s>\r\nSubject: test\r\n"
		"Message-ID: <%02x%02x%02x%02x%02x%02x%02x%02x.lab@localhost>\r\n\r\n"
		"This is a test.\r\n",
		from, l->c->value[OPTION_TO], random[0], random[1], random[2], random[3], random[4],
		random[5], random[6], random[7]);
}

/* Lines as SMTP wants them (RFC 5321 4.5.2), with the line ends that were asked for. */
static void stuff(struct lab *l, struct str message, struct buf *to)
{
	struct str end = cmd_has(l->c, OPTION_BARE_LF) ? STR("\n") : STR("\r\n");

	while (message.n > 0) {
		struct str line = str_cut(&message, '\n');

		if (str_ends(line, STR("\r")))
			line.n--;
		if (str_starts(line, STR(".")))
			buf_putc(to, '.');
		buf_put(to, line);
		buf_put(to, end);
	}
	buf_putc(to, '.');
	buf_put(to, end);
}

static int data(struct lab *l)
{
	struct buf message = { 0 }, wire = { 0 };
	const char *path = l->c->value[OPTION_DATA];
	int code;

	if (!cmd_has(l->c, OPTION_TO))
		return LAB_SKIPPED;
	if (path == NULL)
		compose(l, &message);
	else if (read_message(path, &message, &l->err) != ST_OK) {
		buf_deinit(&message);
		return err_exit_code(l->err.code);
	}
	if (!cmd_has(l->c, OPTION_PIPELINING))
		lab_say(l, STR("DATA"));
	code = judge(l, hear(l, false), 3, "DATA");
	if (code == EX_OK) {
		if (!cmd_has(l->c, OPTION_RAW))
			stuff(l, buf_str(&message), &wire);
		wire_send(&l->wire, cmd_has(l->c, OPTION_RAW) ? buf_str(&message) : buf_str(&wire),
			WIRE_ALL);
		code = judge(l, hear(l, false), 2, "the message");
	}
	buf_deinit(&message);
	buf_deinit(&wire);
	return code;
}

int cmd_lab_smtp(struct cmd *c)
{
	static const struct lab_step steps[] = {
		{ "connect", lab_connect },
		{ "tls", lab_implicit },
		{ "greeting", greeting },
		{ "ehlo", ehlo },
		{ "starttls", starttls },
		{ "auth", lab_auth },
		{ "mail", mail },
		{ "rcpt", rcpt },
		{ "data", data },
	};

	return lab_run(c, true, steps, sizeof steps / sizeof *steps);
}
