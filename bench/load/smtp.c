/* A client that hands in mail: one command at a time, or as RFC 2920 3.1 has it, which is how
 * Postfix, Exim and the large providers send: MAIL, RCPT and DATA together, then the message and,
 * when it is the last, QUIT. */
#include <stdio.h>
#include <string.h>

#include "load.h"

enum { GREETING, EHLO, STARTTLS, SECURED, MAIL, RCPT, DATA, BODY };

static void recipient(struct conn *c)
{
	char name[200];

	user_name(c, name, sizeof name);
	conn_put(c, "RCPT TO:<%s>\r\n", name);
}

static void begin(struct conn *c)
{
	if (c->done > 0)
		c->began = now();
	conn_put(c, "MAIL FROM:<bench@client.test>\r\n");
	if (c->load->o.pipeline > 1) {
		recipient(c);
		conn_put(c, "DATA\r\n");
	}
	c->step = MAIL;
}

static bool ehlo(struct conn *c, int step)
{
	conn_put(c, "EHLO client.test\r\n");
	c->step = step;
	return true;
}

static bool stored(struct conn *c)
{
	load_done(c, c->began);
	c->done++;
	if (c->done < c->load->o.per_connection && may_start(c->load)) {
		c->load->started++;
		c->rounds++;
		begin(c);
		return true;
	}
	if (c->load->o.pipeline <= 1)
		conn_put(c, "QUIT\r\n");
	return false; /* as Postfix: closes without waiting for the 221 */
}

static bool next(struct conn *c, const char *line, size_t n)
{
	const struct options *o = &c->load->o;

	if (n > 0 && line[0] != '2' && line[0] != '3') {
		load_fail(c, "refused", line, n);
		return false;
	}
	switch (c->step) {
	case GREETING: return ehlo(c, o->tls == TLS_STARTTLS ? EHLO : SECURED);
	case EHLO:
		conn_put(c, "STARTTLS\r\n");
		c->step = STARTTLS;
		return true;
	case STARTTLS:
		conn_start_tls(c);
		c->step = STARTTLS + 100;
		return true;
	case STARTTLS + 100: return ehlo(c, SECURED);
	case SECURED:
		if (o->per_connection == 0) { /* connections alone */
			load_done(c, c->began);
			conn_put(c, "QUIT\r\n");
			return false;
		}
		begin(c);
		return true;
	case MAIL:
		if (o->pipeline <= 1)
			recipient(c);
		c->step = RCPT;
		return true;
	case RCPT:
		if (o->pipeline <= 1)
			conn_put(c, "DATA\r\n");
		c->step = DATA;
		return true;
	case DATA:
		conn_put_octets(c, c->load->message, c->load->message_n);
		c->load->octets += c->load->message_n;
		if (o->pipeline > 1 && c->done + 1 == o->per_connection)
			conn_put(c, "QUIT\r\n");
		c->step = BODY;
		return true;
	case BODY: return stored(c);
	}
	return false;
}

const struct script script_smtp = { next };
