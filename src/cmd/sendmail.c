/* restante sendmail, also under the names sendmail, mailq and newaliases; restante submit. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cmd/sendmail.h"
#include "proto/verp.h"

enum { INPUT_MAX = 256 * 1024 * 1024 };

static int read_input(struct cmd *c, struct sendmail *m)
{
	ssize_t n = 1;

	buf_init(&m->input, INPUT_MAX);
	while (n != 0) {
		char *to = buf_reserve(&m->input, 65536);

		if (to == NULL)
			return cmd_fail(c, EX_DATAERR, "the message is larger than 256 MiB");
		n = read(STDIN_FILENO, to, 65536);
		if (n > 0)
			buf_grew(&m->input, (size_t)n);
		if (n < 0 && errno != EINTR)
			return cmd_fail(c, EX_NOINPUT, "read standard input: %s", strerror(errno));
	}
	return EX_OK;
}

/* The first words of what passwd(5) says, up to the first comma; '&' in it stands for the user. */
static struct str full_name(const struct sendmail *m, const struct passwd *pw)
{
	struct str gecos = str_c(pw != NULL ? pw->pw_gecos : "");

	return m->name != NULL ? str_c(m->name) : str_cut(&gecos, ',');
}

static void put_user(struct buf *to, const struct passwd *pw, struct str origin)
{
	if (pw != NULL)
		buf_put(to, str_c(pw->pw_name));
	else
		buf_printf(to, "uid-%u", (unsigned)getuid());
	buf_putc(to, '@');
	buf_put(to, origin);
}

/* An address as people write it: the one in it; "" and "<>" are the empty one. */
static int take_sender(struct cmd *c, struct sendmail *m, struct buf *sender)
{
	struct sendmail one = { .origin = m->origin };
	struct reader r;
	struct str address = STR("");
	bool good = sendmail_addresses(&one, str_c(m->sender), true, NULL);

	r = (struct reader){ .rest = buf_str(&one.to) };
	if (r.rest.n > 0)
		address = get_str(&r);
	good = good && r.rest.n == 0;
	buf_put(sender, address);
	buf_deinit(&one.to);
	return good ? EX_OK : cmd_fail(c, EX_USAGE, "'%.80s' is no address of a sender", m->sender);
}

static int mend(struct cmd *c, struct sendmail *m, struct buf *sender)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *why = "";
	struct buf author = { 0 };
	int code = EX_OK;

	if (m->sender != NULL)
		code = take_sender(c, m, sender);
	else
		put_user(sender, pw, buf_str(&m->origin));
	for (int i = 0; code == EX_OK && i < m->count; i++)
		if (!sendmail_addresses(m, str_c(m->recipients[i]), true, NULL))
			code = cmd_fail(c, EX_USAGE,
				"a recipient is neither an address nor a list with commas between");
	if (code == EX_OK && !str_ascii(buf_str(sender)))
		m->utf8 = true;
	if (code != EX_OK)
		return code;
	if (sender->len > 0)
		buf_put(&author, buf_str(sender));
	else
		put_user(&author, pw,
			buf_str(&m->origin)); /* From names somebody (RFC 5322 3.6.2) */
	code = sendmail_mend(m, buf_str(&author), full_name(m, pw), &why);
	buf_deinit(&author);
	return code == EX_OK ? EX_OK : cmd_fail(c, code, "%s", why);
}

static void tell_id(const struct cmd *c, struct str id)
{
	printf(cmd_has(c, OPTION_JSON) ? "{\"id\":\"%.*s\"}\n" : "%.*s\n", STR_ARG(id));
}

static int hand_in(struct cmd *c, struct sendmail *m)
{
	struct buf sender = { 0 };
	int fd = -1, code = sendmail_notices(c, m);

	if (code == EX_OK)
		code = read_input(c, m);
	if (code == EX_OK && m->count == 0 && !m->from_header)
		code = cmd_fail(
			c, EX_USAGE, "no recipients: name them, or -t takes those of the header");
	if (code == EX_OK) {
		fd = sendmail_connect(c);
		code = fd < 0 ? EX_TEMPFAIL : sendmail_hello(c, m, fd);
	}
	if (code == EX_OK)
		code = mend(c, m, &sender);
	buf_putc(&sender, '\0');
	m->sender = buf_str(&sender).p;
	if (code == EX_OK)
		code = sendmail_hand_in(c, m, fd);
	if (code == EX_OK && m->tell && m->id.len > 0)
		tell_id(c, buf_str(&m->id));
	if (fd >= 0)
		close(fd);
	buf_deinit(&sender);
	buf_deinit(&m->input);
	buf_deinit(&m->origin);
	buf_deinit(&m->to);
	buf_deinit(&m->text);
	buf_deinit(&m->id);
	return code;
}

int cmd_submit(struct cmd *c)
{
	struct sendmail m = { .sender = c->value[OPTION_SENDER],
		.name = c->value[OPTION_NAME],
		.from_header = cmd_has(c, OPTION_HEADER),
		.tell = true,
		.recipients = c->args,
		.count = c->nargs };

	return hand_in(c, &m);
}

/* ---- the name that programs call ---- */

enum mode { MODE_DELIVER, MODE_SMTP, MODE_LIST, MODE_RUN, MODE_NOTHING };

struct flags {
	struct sendmail m;
	enum mode mode;
	int at; /* in args */
	struct str letters;
};

/* "-fADDRESS" or "-f ADDRESS"; NULL: it is not there. */
static const char *value_of(struct cmd *c, struct flags *f)
{
	const char *value = f->letters.n > 0       ? f->letters.p
			    : f->at + 1 < c->nargs ? c->args[++f->at]
						   : NULL;

	f->letters.n = 0;
	return value;
}

static int take_mode(struct cmd *c, struct flags *f)
{
	static const struct {
		char letter;
		enum mode mode;
	} modes[] = {
		{ 'm', MODE_DELIVER },
		{ 's', MODE_SMTP },
		{ 'p', MODE_LIST },
		{ 'i', MODE_NOTHING },
		{ 'I', MODE_NOTHING },
		{ 'H', MODE_NOTHING },
		{ 'h', MODE_NOTHING },
	};
	const char *value = value_of(c, f);

	for (size_t i = 0; value != NULL && i < sizeof modes / sizeof *modes; i++)
		if (value[0] == modes[i].letter && value[1] == '\0') {
			f->mode = modes[i].mode;
			return EX_OK;
		}
	return cmd_fail(c, EX_USAGE, "-b%.20s is not for this server: see restante serve",
		value == NULL ? "" : value);
}

/* "V" or "V+=", as Postfix has it; sendmail's -X names a log. */
static void ask_verp(struct flags *f, struct str value)
{
	char delimiters[VERP_DELIMITERS];

	if (str_eq(value, STR("V")))
		snprintf(f->m.verp, sizeof f->m.verp, "XVERP");
	else if (str_starts(value, STR("V")) && verp_delimiters(str_from(value, 1), delimiters))
		snprintf(f->m.verp, sizeof f->m.verp, "XVERP=%.2s", value.p + 1);
}

/* Those with a value, and where it goes; what others know and means nothing here goes nowhere. */
static bool take_value(struct cmd *c, struct flags *f, char letter, bool *missing)
{
	const char *sink, *log_or_verp = NULL, **to = &sink;

	switch (letter) {
	case 'f':
	case 'r': to = &f->m.sender; break;
	case 'F': to = &f->m.name; break;
	case 'N': to = &f->m.notify; break;
	case 'R': to = &f->m.ret; break;
	case 'V': to = &f->m.envid; break;
	case 'A':
	case 'B':
	case 'C':
	case 'D':
	case 'd':
	case 'h':
	case 'L':
	case 'M':
	case 'O':
	case 'p': break;
	case 'X': to = &log_or_verp; break;
	default: return false;
	}
	*to = value_of(c, f);
	*missing = *to == NULL;
	if (log_or_verp != NULL)
		ask_verp(f, str_c(log_or_verp));
	return true;
}

/* The next letter of a word of them. */
static int take_letter(struct cmd *c, struct flags *f)
{
	char letter = f->letters.p[0];
	bool missing = false;

	f->letters = str_from(f->letters, 1);
	if (take_value(c, f, letter, &missing))
		return missing ? cmd_fail(c, EX_USAGE, "-%c needs a value", letter) : EX_OK;
	switch (letter) {
	case 'b': return take_mode(c, f);
	case 't': f->m.from_header = true; return EX_OK;
	case 'i': f->m.dots = false; return EX_OK;
	case 'v': f->m.tell = true; return EX_OK;
	case 'q': /* also -q30m and -qSsite: it runs by itself */
		f->mode = MODE_RUN;
		f->letters.n = 0;
		return EX_OK;
	case 'o': /* -oi; -oem and the like mean nothing here */
		if (f->letters.n > 0 && f->letters.p[0] == 'i')
			f->m.dots = false;
		f->letters.n = 0;
		return EX_OK;
	case 'e':
	case 'E': f->letters.n = 0; return EX_OK;
	case 'G':
	case 'm':
	case 'n':
	case 's':
	case 'U': return EX_OK;
	default: return cmd_fail(c, EX_USAGE, "no option -%c: see man 1 restante", letter);
	}
}

/* The words before the first address. */
static int take_flags(struct cmd *c, struct flags *f)
{
	int code = EX_OK;

	for (; code == EX_OK && f->at < c->nargs; f->at++) {
		struct str word = str_c(c->args[f->at]);

		if (word.n < 2 || word.p[0] != '-')
			break;
		if (str_eq(word, STR("--"))) {
			f->at++;
			break;
		}
		if (str_eq(word, STR("--state")) && f->at + 1 < c->nargs) {
			c->state = c->value[OPTION_STATE] = c->args[++f->at];
			continue;
		}
		if (str_eq(word, STR("--help"))) {
			help_command(c->row);
			f->mode = MODE_NOTHING;
			return EX_OK;
		}
		f->letters = str_from(word, 1);
		while (code == EX_OK && f->letters.n > 0)
			code = take_letter(c, f);
	}
	f->m.recipients = c->args + f->at;
	f->m.count = c->nargs - f->at;
	return code;
}

static int serve_smtp(struct cmd *c)
{
	int fd = sendmail_connect(c), code;

	if (fd < 0)
		return EX_TEMPFAIL;
	code = sendmail_pass(c, fd);
	close(fd);
	return code;
}

int cmd_sendmail(struct cmd *c)
{
	struct flags f = { .m.dots = true };
	int code = take_flags(c, &f);

	if (code != EX_OK)
		return code;
	switch (f.mode) {
	case MODE_DELIVER: return hand_in(c, &f.m);
	case MODE_SMTP: return serve_smtp(c);
	case MODE_LIST: return cmd_queue_list(c);
	case MODE_RUN: return cmd_queue_retry_all(c);
	case MODE_NOTHING: return EX_OK; /* aliases are in the directory */
	}
	return EX_SOFTWARE;
}
