/* The POP3 client engine against a server that the input invents.
 *
 * Octet 0: the connection (bits below).  Octets 1 to 3: seed of the owner's doings and of the cuts.  The
 * rest is what the server sends; then it closes, or is silent.  Checked: each request is over once, in the
 * order it was made; rows are clean; counts agree with what was told; what goes out is whole lines; and
 * what came in pieces gives what came at once. */
#include <stdlib.h>

#include "proto/pop3c.h"

enum {
	MUST_TLS = 1,
	TLS_ACTIVE = 2,
	UTF8 = 4,
	SILENCE = 8,
	NO_PIPELINING = 16,
	SASL = 32,
	APOP = 64,
};

struct world {
	struct pop3c *p;
	uint64_t seed;
	unsigned bits;
	int64_t now;
	bool tls, closed, logged_in;
	enum pop3c_request made[200];
	size_t count, over, logins;
	uint64_t rows, octets;
	struct buf out, log;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pop3c_config config = {
	.greeting_timeout_ms = 60000,
	.command_timeout_ms = 60000,
	.request_max_ms = 600000,
	.rows_max = 50,
	.window = 4,
};

static void check(bool truth)
{
	if (!truth)
		abort();
}

static uint64_t rnd(struct world *w, uint64_t below)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (w->seed >> 33) % below;
}

static void make_requests(struct world *w)
{
	static const enum pop3c_request plan[] = { POP3C_STAT, POP3C_LIST, POP3C_UIDL, POP3C_RETR,
		POP3C_RETR, POP3C_TOP, POP3C_DELE, POP3C_NOOP, POP3C_RETR, POP3C_RSET, POP3C_QUIT };

	while (w->logged_in && w->count < sizeof plan / sizeof *plan && pop3c_room(w->p) > 0) {
		w->made[w->count] = plan[w->count];
		check(pop3c_request(w->p, plan[w->count], w->count, 1));
		w->count++;
	}
}

static void log_in(struct world *w)
{
	check(!w->logged_in);
	if (w->logins++ > 2) {
		w->made[w->count++] = POP3C_QUIT;
		pop3c_quit(w->p);
	} else if ((w->bits & SASL) != 0) {
		pop3c_auth(w->p, STR("PLAIN"), STR("\0joe\0secret"), w->logins == 1);
	} else if ((w->bits & APOP) == 0 || !pop3c_apop(w->p, STR("joe"), STR("00"))) {
		check(pop3c_user(w->p, STR("joe"), STR("secret")));
	}
}

static void check_row(struct world *w, const struct pop3c_event *ev)
{
	check(ev->request == w->made[w->over] && ev->number > 0);
	w->rows++;
	if (ev->request == POP3C_LIST)
		return;
	check(ev->request == POP3C_UIDL && ev->data.n > 0 && ev->data.n <= POP3C_UIDL_MAX);
	for (size_t i = 0; i < ev->data.n; i++)
		check(ev->data.p[i] > ' ' && ev->data.p[i] <= '~');
}

static void check_result(const struct pop3c_result *r)
{
	check(r->text.n <= 1000);
	for (size_t i = 0; i < r->text.n; i++)
		check(r->text.p[i] >= ' ' && r->text.p[i] <= '~');
	check(r->outcome != POP3C_OK || (r->code == POP3C_NO_CODE && r->why == POP3C_WHY_REPLY));
}

static void check_done(struct world *w, const struct pop3c_event *ev)
{
	check(w->over < w->count && ev->request == w->made[w->over]);
	check_result(&ev->result);
	if (ev->request == POP3C_RETR || ev->request == POP3C_TOP)
		check(ev->octets == w->octets && ev->count == 0);
	if (ev->request == POP3C_LIST || ev->request == POP3C_UIDL)
		check(ev->count == w->rows && ev->count + ev->bad_rows <= config.rows_max);
	w->rows = w->octets = 0;
	w->over++;
	buf_printf(&w->log, "done %u %u %llu %llu\n", (unsigned)ev->request,
		(unsigned)ev->result.outcome, (unsigned long long)ev->count,
		(unsigned long long)ev->octets);
}

static void serve(struct world *w, const struct pop3c_event *ev)
{
	switch (ev->type) {
	case POP3C_EV_STLS:
		check(pop3c_in(w->p)->len == 0 && (w->bits & TLS_ACTIVE) == 0);
		w->tls = true;
		break;
	case POP3C_ASK_LOGIN: log_in(w); break;
	case POP3C_ASK_AUTH_MORE:
		if (ev->data.n % 2 == 0)
			pop3c_auth_respond(w->p, STR("joe"));
		else
			pop3c_auth_cancel(w->p);
		break;
	case POP3C_EV_LOGGED_IN: w->logged_in = true; break;
	case POP3C_EV_ROW: check_row(w, ev); break;
	case POP3C_EV_BODY:
		check(ev->data.n > 0);
		w->octets += ev->data.n;
		buf_put(&w->log, ev->data);
		break;
	case POP3C_EV_DONE: check_done(w, ev); break;
	case POP3C_EV_CLOSE:
		check(w->over == w->count);
		check_result(&ev->result);
		w->closed = true;
		break;
	}
	make_requests(w);
}

static void turn(struct world *w)
{
	struct pop3c_event ev;

	while (pop3c_next(w->p, w->now, &ev)) {
		check(!w->closed);
		serve(w, &ev);
	}
	buf_put(&w->out, buf_str(pop3c_out(w->p)));
	buf_clear(pop3c_out(w->p));
	if (w->tls) {
		w->tls = false;
		pop3c_tls_started(w->p, w->now);
		turn(w);
	}
}

static void check_output(struct str s)
{
	while (s.n > 0) {
		struct str line = str_cut(&s, '\n');

		check(line.n > 1 && line.n < 255 && str_find(line, '\r') == line.n - 1);
	}
}

static void run(struct world *w, struct str in, bool cuts)
{
	struct pop3c_peer peer = {
		.tls_active = (w->bits & TLS_ACTIVE) != 0,
		.stls = (w->bits & MUST_TLS) != 0 ? POP3C_TLS_MUST : POP3C_TLS_MAY,
		.utf8 = (w->bits & UTF8) != 0,
		.ignore = (w->bits & NO_PIPELINING) != 0 ? POP3C_C_PIPELINING : 0,
	};

	w->p = pop3c_new(&config, &peer, 0);
	turn(w);
	while (in.n > 0 && !w->closed) {
		struct buf *to = pop3c_in(w->p);
		size_t n = cuts ? 1 + (size_t)rnd(w, 30) : in.n;

		if (n > to->max - to->len)
			n = to->max - to->len;
		check(n > 0);
		buf_put(to, str_head(in, n));
		in = str_from(in, n);
		turn(w);
	}
	if (!w->closed && (w->bits & SILENCE) == 0)
		pop3c_closed(w->p);
	else if (!w->closed && pop3c_deadline(w->p) != INT64_MAX)
		pop3c_timeout(w->p);
	else if (!w->closed)
		pop3c_quit(w->p);
	turn(w);
	check_output(buf_str(&w->out));
}

static void end(struct world *w)
{
	pop3c_free(w->p);
	buf_deinit(&w->out);
	buf_deinit(&w->log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w[2] = { 0 };
	struct str in = str_of(data, size);

	if (size < 4 || size > 60000)
		return 0;
	for (int i = 0; i < 2; i++) {
		w[i].bits = data[0];
		w[i].seed = (uint64_t)data[1] | (uint64_t)data[2] << 8 | (uint64_t)data[3] << 16;
		run(&w[i], str_from(in, 4), i == 0);
	}
	/* With STLS it matters when the octets behind its +OK come. */
	if ((data[0] & TLS_ACTIVE) != 0)
		check(str_eq(buf_str(&w[0].log), buf_str(&w[1].log)));
	end(&w[0]);
	end(&w[1]);
	return 0;
}
