#include <stdlib.h>

#include "base/mem.h"
#include "proto/pop3d_impl.h"

enum { ARGS_MAX = 2, RAW = 255 }; /* RAW: one argument, spaces and all */

#define IN(state) (1u << (state))
#define ANYTIME   (IN(S_AUTHORIZATION) | IN(S_TRANSACTION))

struct command {
	struct str verb;
	unsigned states;
	unsigned char args_min, args_max;
	enum pop3d_job_kind job, job_one; /* without / with arguments */
	enum pop3d_verdict (*run)(struct pop3d *p, const struct str *arg, struct pop3d_event *ev);
};

static bool is_deleted(const struct pop3d *p, size_t index)
{
	return p->deleted_bits != NULL && (p->deleted_bits[index / 8] >> (index % 8) & 1) != 0;
}

bool pop3d_is_deleted(const struct pop3d *p, size_t index)
{
	return index < p->count && is_deleted(p, index);
}

uint64_t pop3d_deleted_count(const struct pop3d *p)
{
	return p->deleted;
}

static enum pop3d_verdict bad(struct pop3d *p, struct str text)
{
	pop3d_err(p, POP3D_NO_CODE, text);
	return V_BAD;
}

static enum pop3d_verdict do_capa(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	(void)arg;
	(void)ev;
	pop3d_put_capabilities(p);
	return V_DONE;
}

/* The owner is asked even when nothing is deleted: it gives the lock back before +OK, so that
 * the client's next session cannot meet the lock of this one. */
static enum pop3d_verdict do_quit(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	(void)arg;
	if (p->state == S_TRANSACTION) {
		p->asked = Q_UPDATE;
		ev->type = POP3D_ASK_UPDATE;
		return V_EVENT;
	}
	pop3d_say(p, STR("+OK "), STR("@ POP3 server signing off"), 0, 0);
	pop3d_close(p);
	return V_DONE;
}

void pop3d_updated(struct pop3d *p, bool ok)
{
	uint64_t left = p->count - p->deleted;
	struct str text = left == 0   ? STR("@ POP3 server signing off (maildrop empty)")
			  : left == 1 ? STR("@ POP3 server signing off (# message left)")
				      : STR("@ POP3 server signing off (# messages left)");

	if (p->asked != Q_UPDATE)
		return;
	if (!ok) {
		pop3d_err(p, POP3D_SYS_TEMP, STR("deleted messages not removed"));
		pop3d_close(p);
		return;
	}
	p->stats.deleted = p->deleted;
	p->stats.deleted_octets = p->deleted_octets;
	pop3d_say(p, STR("+OK "), text, left, 0);
	pop3d_close(p);
}

void pop3d_update_unknown(struct pop3d *p)
{
	if (p->asked == Q_UPDATE)
		pop3d_close(p);
}

static enum pop3d_verdict do_noop(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	(void)arg;
	(void)ev;
	pop3d_ok(p, STR(""));
	return V_DONE;
}

/* RFC 1939 7 does not oblige us to APOP, and its digest needs the password in the clear. */
static enum pop3d_verdict do_apop(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	(void)arg;
	(void)ev;
	pop3d_err(p, POP3D_NO_CODE, STR("APOP is not supported"));
	return V_DONE;
}

/* RFC 6856 2.1; said twice it means no more than once. */
static enum pop3d_verdict do_utf8(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	(void)arg;
	(void)ev;
	p->utf8 = true;
	pop3d_ok(p, STR("UTF-8 mode"));
	return V_DONE;
}

static enum pop3d_verdict do_stat(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	(void)arg;
	(void)ev;
	buf_put(&p->out, STR("+OK "));
	buf_putu(&p->out, p->count - p->deleted);
	buf_putc(&p->out, ' ');
	buf_putu(&p->out, p->octets - p->deleted_octets);
	buf_put(&p->out, STR("\r\n"));
	return V_DONE;
}

static enum pop3d_verdict do_rset(struct pop3d *p, const struct str *arg, struct pop3d_event *ev)
{
	(void)arg;
	(void)ev;
	free(p->deleted_bits);
	p->deleted_bits = NULL;
	p->deleted = p->deleted_octets = 0;
	buf_put(&p->out, STR("+OK "));
	pop3d_say_drop(p, true);
	return V_DONE;
}

/* RFC 1939 3: numbers begin at 1, are decimal, and belong to one message for the whole session.
 * A number that names no message is a fair question and is not counted as an error. */
static enum pop3d_verdict message_number(struct pop3d *p, struct str arg, bool *found)
{
	uint64_t n;

	*found = false;
	if (!str_u64(arg, &n)) {
		for (size_t i = 0; i < arg.n; i++)
			if (!ascii_digit(arg.p[i]))
				return bad(p, STR("message numbers are decimal"));
		n = UINT64_MAX; /* only digits: larger than any maildrop */
	}
	if (n == 0 || n > p->count) {
		pop3d_say(p, STR("-ERR "), STR("no such message, only # in maildrop"), p->count, 0);
	} else if (is_deleted(p, (size_t)n - 1)) {
		pop3d_say(p, STR("-ERR "), STR("message # already deleted"), n, 0);
	} else {
		*found = true;
		p->job.index = (size_t)n - 1;
	}
	return V_DONE;
}

/* clang-format off */
static const struct command commands[] = {
	{ STR_INIT("USER"),IN(S_AUTHORIZATION), 1, 1,   J_NONE, J_NONE,     pop3d_do_user },
	{ STR_INIT("PASS"),IN(S_AUTHORIZATION), 1, RAW, J_NONE, J_NONE,     pop3d_do_pass },
	{ STR_INIT("AUTH"),IN(S_AUTHORIZATION), 0, 2,   J_NONE, J_NONE,     pop3d_do_auth },
	{ STR_INIT("APOP"),IN(S_AUTHORIZATION), 0, RAW, J_NONE, J_NONE,     do_apop },
	{ STR_INIT("STLS"),IN(S_AUTHORIZATION), 0, 0,   J_NONE, J_NONE,     pop3d_do_stls },
	{ STR_INIT("XCLIENT"),IN(S_AUTHORIZATION), 1, RAW, J_NONE, J_NONE,  pop3d_do_xclient },
	{ STR_INIT("UTF8"),IN(S_AUTHORIZATION), 0, 0,   J_NONE, J_NONE,     do_utf8 },
	{ STR_INIT("LANG"),ANYTIME,             0, 1,   J_NONE, J_NONE,     pop3d_do_lang },
	{ STR_INIT("CAPA"),ANYTIME,             0, 0,   J_NONE, J_NONE,     do_capa },
	{ STR_INIT("QUIT"),ANYTIME,             0, 0,   J_NONE, J_NONE,     do_quit },
	{ STR_INIT("STAT"),IN(S_TRANSACTION),   0, 0,   J_NONE, J_NONE,     do_stat },
	{ STR_INIT("LIST"),IN(S_TRANSACTION),   0, 1,   J_LIST, J_LIST_ONE, NULL },
	{ STR_INIT("UIDL"),IN(S_TRANSACTION),   0, 1,   J_UIDL, J_UIDL_ONE, NULL },
	{ STR_INIT("RETR"),IN(S_TRANSACTION),   1, 1,   J_NONE, J_RETR,     NULL },
	{ STR_INIT("TOP"), IN(S_TRANSACTION),   2, 2,   J_NONE, J_TOP,      NULL },
	{ STR_INIT("DELE"),IN(S_TRANSACTION),   1, 1,   J_NONE, J_DELE,     NULL },
	{ STR_INIT("NOOP"),IN(S_TRANSACTION),   0, 0,   J_NONE, J_NONE,     do_noop },
	{ STR_INIT("RSET"),IN(S_TRANSACTION),   0, 0,   J_NONE, J_NONE,     do_rset },
};
/* clang-format on */

static const struct command *find_command(struct str verb)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (str_ieq(verb, commands[i].verb))
			return &commands[i];
	return NULL;
}

/* Keywords and arguments are separated by a single SP each (RFC 1939 3).  False: too few, too
 * many, or an empty one. */
static bool cut_args(const struct command *c, struct str line, struct str *arg, size_t *count)
{
	bool more = line.n > c->verb.n;
	struct str rest = str_from(line, c->verb.n + 1);

	*count = 0;
	if (c->args_max == RAW && more) {
		arg[(*count)++] = rest;
		return rest.n > 0;
	}
	while (more) {
		if (*count == c->args_max)
			return false;
		more = str_find(rest, ' ') < rest.n;
		arg[*count] = str_cut(&rest, ' ');
		if (arg[(*count)++].n == 0)
			return false;
	}
	return *count >= c->args_min;
}

/* What needs the rows, or more than a moment, becomes a job; the loop carries it on. */
static enum pop3d_verdict begin_job(
	struct pop3d *p, const struct command *c, const struct str *arg, size_t count)
{
	enum pop3d_verdict verdict;
	bool found;

	p->job = (struct pop3d_job){ .kind = J_NONE };
	if (count == 0) {
		p->job.kind = c->job;
		return V_DONE;
	}
	if (count == 2 && !str_u64(arg[1], &p->job.lines))
		return bad(p, STR("the number of lines is decimal"));
	verdict = message_number(p, arg[0], &found);
	if (found)
		p->job.kind = c->job_one;
	return verdict;
}

/* RFC 9325 has ALPN against cross-protocol requests; this is for those that come without. */
static bool is_http(struct str verb)
{
	static const struct str methods[] = {
		STR_INIT("GET"),
		STR_INIT("POST"),
		STR_INIT("PUT"),
		STR_INIT("HEAD"),
		STR_INIT("PATCH"),
		STR_INIT("DELETE"),
		STR_INIT("OPTIONS"),
		STR_INIT("CONNECT"),
	};

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (str_eq(verb, methods[i]))
			return true;
	return false;
}

enum pop3d_verdict pop3d_command(struct pop3d *p, struct str line, struct pop3d_event *ev)
{
	struct str rest = line, verb = str_cut(&rest, ' ');
	const struct command *c = find_command(verb);
	struct str arg[ARGS_MAX];
	size_t count;

	if (c == NULL) {
		enum pop3d_verdict verdict = bad(p, STR("unknown command"));

		if (p->first_line && is_http(verb))
			pop3d_close(p);
		return verdict;
	}
	if ((c->states & IN(p->state)) == 0)
		return bad(p,
			p->state == S_TRANSACTION ? STR("not after login") : STR("log in first"));
	if (!cut_args(c, line, arg, &count))
		return bad(p, STR("wrong number of arguments"));
	if (c->run == NULL)
		return begin_job(p, c, arg, count);
	if (count < ARGS_MAX)
		arg[count] = STR("");
	return c->run(p, count == 0 ? NULL : arg, ev);
}
