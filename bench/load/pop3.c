/* A client that fetches mail. */
#include <string.h>

#include "load.h"

enum { COMMAND_MAX = 32 };
enum { GREETING, STLS, USER, PASS, STAT, UIDL, LIST, BODIES, QUIT, HELD };

static bool ask(struct conn *c, int step, enum reply expect, const char *command)
{
	c->step = step;
	c->expect = expect;
	conn_put(c, "%s", command);
	return true;
}

/* RETR and DELE with several under way: replies come in the order of the commands. */
static bool bodies(struct conn *c)
{
	const struct options *o = &c->load->o;
	uint64_t total = o->retr * (o->dele ? 2 : 1);

	c->step = BODIES;
	while (c->asked < total && c->asked - c->answered < o->pipeline &&
		c->text_n + COMMAND_MAX < sizeof c->text) {
		uint64_t i = c->asked++;

		if (!o->dele)
			conn_put(c, "RETR %llu\r\n", (unsigned long long)i + 1);
		else
			conn_put(c, i % 2 == 0 ? "RETR %llu\r\n" : "DELE %llu\r\n",
				(unsigned long long)i / 2 + 1);
	}
	c->expect = o->dele && c->answered % 2 == 1 ? REPLY_LINE : REPLY_MULTI;
	return true;
}

static bool after(struct conn *c, int step)
{
	const struct options *o = &c->load->o;

	if (step < STAT && o->stat)
		return ask(c, STAT, REPLY_LINE, "STAT\r\n");
	if (step < UIDL && o->uidl)
		return ask(c, UIDL, REPLY_MULTI, "UIDL\r\n");
	if (step < LIST && o->list)
		return ask(c, LIST, REPLY_MULTI, "LIST\r\n");
	if (step <= BODIES && c->answered < o->retr * (o->dele ? 2 : 1))
		return bodies(c);
	if (o->hold) {
		c->step = HELD;
		c->load->held++;
		load_done(c, c->began);
		return true;
	}
	return ask(c, QUIT, REPLY_LINE, "QUIT\r\n");
}

static bool next(struct conn *c, const char *line, size_t n)
{
	char name[200];

	if (n > 0 && line[0] != '+') {
		load_fail(c, "refused", line, n);
		return false;
	}
	switch (c->step) {
	case GREETING:
		if (c->load->o.tls == TLS_STARTTLS)
			return ask(c, STLS, REPLY_LINE, "STLS\r\n");
		/* fall through */
	case STLS + 100:
		user_name(c, name, sizeof name);
		conn_put(c, "USER %s\r\n", name);
		c->step = USER;
		return true;
	case STLS:
		conn_start_tls(c);
		c->step = STLS + 100;
		return true;
	case USER:
		conn_put(c, "PASS %s\r\n", c->load->o.password);
		c->step = PASS;
		return true;
	case BODIES: c->answered++; /* fall through */
	case PASS:
	case STAT:
	case UIDL:
	case LIST: return after(c, c->step);
	case QUIT: load_done(c, c->began); return false;
	}
	return false;
}

const struct script script_pop3 = { next };
