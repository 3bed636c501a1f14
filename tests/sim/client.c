#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "remote/pop.h"
#include "remote/smtp.h"

enum { STEP_MS = 60 * 1000 };

static void address_of(const struct sim_host *h, char to[32])
{
	snprintf(to, 32, "%u.%u.%u.%u", h->address[0], h->address[1], h->address[2], h->address[3]);
}

static struct server_want server_at(const char *address, uint16_t port)
{
	return (struct server_want){ .host = str_c(address),
		.port = port,
		.tls = SERVER_TLS_NONE,
		.resolvers = STR("simulated"),
		.timeout_ms = STEP_MS };
}

/* Nobody here has a wrong password. */
static bool logged_in(enum status status, const struct err *err)
{
	if (status == ST_PERM)
		sim_broken("a login: %s", err->text);
	if (status != ST_OK && sim_verbose > 1)
		printf("client: %s\n", err->text);
	return status == ST_OK;
}

/* ---- a sender ---- */

static void result_came(struct letter_rcpt *r, const struct smtpc_result *result)
{
	r->open = false;
	switch (result->outcome) {
	case SMTPC_NOTHING: break;
	case SMTPC_DELIVERED:
		r->acked++;
		r->done = true;
		break;
	case SMTPC_FAILED:
		r->refused++;
		r->done = true;
		break;
	case SMTPC_UNKNOWN: r->unknown++; break;
	case SMTPC_DEFERRED:
		/* The store was lost in the middle, and the reply says so. */
		r->unknown += memmem(result->text.p, result->text.n, "not known", 9) != NULL;
		break;
	}
	sim_trace("result", result->outcome, result->at);
}

static void message_of(struct letter *l, struct smtpc_rcpt to[RCPTS_MOST],
	struct letter_rcpt *which[RCPTS_MOST], struct smtpc_message *m)
{
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		if (!l->rcpts[i].done) {
			which[n] = &l->rcpts[i];
			to[n++] = (struct smtpc_rcpt){ .address = str_c(l->rcpts[i].address) };
		}
	m->rcpts = to;
	m->rcpt_count = n;
	m->reverse_path =
		l->from < 0 ? STR("stranger@elsewhere.test") : str_c(mailboxes[l->from].address);
}

/* False: the session is over. */
static bool hand_in(struct sender *s, struct smtp *session, struct letter *l)
{
	struct smtpc_rcpt to[RCPTS_MOST];
	struct letter_rcpt *which[RCPTS_MOST];
	struct smtpc_message m = { .octets = 0 };
	struct smtpc_result lacks;
	struct smtpc_event ev;
	struct buf text = { 0 };
	bool ready = false;

	letter_text(l, &text);
	message_of(l, to, which, &m);
	m.octets = text.len;
	if (!smtpc_send(session->engine, &m, &lacks))
		sim_broken("the server lacks something for letter %u", l->number);
	s->open = l;
	for (size_t i = 0; i < m.rcpt_count; i++)
		which[i]->open = true;
	while (!ready && smtp_next(session, &ev)) {
		if (ev.type == SMTPC_ASK_BODY)
			smtpc_body(session->engine,
				str_head(str_from(buf_str(&text), (size_t)ev.offset), ev.want));
		if (ev.type == SMTPC_EV_RCPT)
			result_came(which[ev.index], &ev.result);
		ready = ev.type == SMTPC_EV_READY;
	}
	s->open = NULL;
	for (size_t i = 0; i < m.rcpt_count; i++)
		if (which[i]->open)
			sim_broken("letter %u to %s got no result", l->number, which[i]->address);
	buf_deinit(&text);
	return ready;
}

static struct letter *next_letter(const struct sender *s)
{
	for (unsigned i = s->first; i <= letter_count; i += s->step)
		if (!letter_done(&letters[i]))
			return &letters[i];
	return NULL;
}

static void send_session(struct sender *s)
{
	struct letter *l = next_letter(s);
	const struct mailbox *at = &mailboxes[l->office * USERS];
	char address[32];
	struct smtp_want want = {
		.hostname = STR("client.test"), .mechanisms = STR("PLAIN"), .allow_cleartext = true
	};
	struct smtp session;
	struct err err = { 0 };
	int office = l->office, from = l->from;
	bool ready;

	address_of(at->office->host, address);
	want.server = server_at(address, from < 0 ? PORT_SMTP : PORT_SUBMISSION);
	if (from >= 0) {
		want.user = str_c(mailboxes[from].address);
		want.secret = STR("secret");
	}
	ready = logged_in(smtp_open(&session, &want, &err), &err);
	while (ready && l != NULL && l->office == office && l->from == from) {
		ready = hand_in(s, &session, l);
		if (sim_chance(300))
			break;
		l = next_letter(s);
	}
	if (ready) {
		struct smtpc_event ev;

		smtpc_quit(session.engine);
		while (smtp_next(&session, &ev))
			continue;
	}
	smtp_close(&session);
}

static void send_run(void *arg)
{
	struct sender *s = arg;

	proc_sleep(sim_between(0, S(20)));
	while (next_letter(s) != NULL) {
		send_session(s);
		proc_sleep(sim_chance(500) ? sim_between(0, S(2)) : sim_between(0, S(120)));
	}
	s->finished = true;
}

void sender_died(struct sender *s)
{
	for (size_t i = 0; s->open != NULL && i < s->open->count; i++)
		if (s->open->rcpts[i].open) {
			s->open->rcpts[i].open = false;
			s->open->rcpts[i].unknown++;
		}
	s->open = NULL;
}

static void send_again(uint64_t at)
{
	sender_start((struct sender *)(uintptr_t)at);
}

static void send_ended(struct sim_proc *p, int status)
{
	struct sender *s = p->owner;

	s->proc = NULL;
	if (status == SIM_KILLED) {
		sender_died(s);
		sim_at(sim_now_us + sim_between(MS(10), S(60)), send_again, (uintptr_t)s);
	}
}

void sender_start(struct sender *s)
{
	s->proc = proc_start(s->host, "sender", send_run, s, send_ended);
	s->proc->owner = s;
}

/* ---- a fetcher ---- */

struct listing {
	struct held **by_number;
	size_t count;
};

/* Serves until the answer to one request is there; body: where its octets go. */
static bool answered(struct pop *p, struct pop3c_event *ev, struct buf *body)
{
	while (pop_next(p, ev)) {
		if (ev->type == POP3C_EV_BODY && body != NULL)
			buf_put(body, ev->data);
		if (ev->type == POP3C_EV_DONE)
			return ev->result.outcome == POP3C_OK;
	}
	ev->result.outcome = POP3C_BROKEN;
	return false;
}

static bool list(struct fetcher *f, struct pop *p, struct listing *all)
{
	struct pop3c_event ev;
	struct buf uidls = { 0 };
	struct str rest;
	bool ok = false;

	pop3c_request(p->engine, POP3C_UIDL, 0, 0);
	while (pop_next(p, &ev)) {
		if (ev.type == POP3C_EV_ROW) {
			buf_put(&uidls, ev.data);
			buf_putc(&uidls, '\n');
			all->count++;
			if (ev.number != all->count)
				sim_broken("%s: UIDL lists %u after %zu rows", f->mailbox->address,
					(unsigned)ev.number, all->count);
		}
		if (ev.type == POP3C_EV_DONE) {
			ok = ev.result.outcome == POP3C_OK;
			break;
		}
	}
	all->by_number = mem_array(NULL, all->count, sizeof(struct held *));
	rest = buf_str(&uidls);
	if (ok) {
		mailbox_listing_begins(f->mailbox);
		for (size_t i = 0; i < all->count; i++)
			all->by_number[i] = mailbox_listed(f->mailbox, str_cut(&rest, '\n'));
		mailbox_listing_ends(f->mailbox);
	}
	buf_deinit(&uidls);
	return ok;
}

static bool retrieve_all(struct fetcher *f, struct pop *p, const struct listing *all)
{
	struct pop3c_event ev;

	for (size_t i = 0; i < all->count; i++) {
		struct held *h = all->by_number[i];
		struct buf body = { 0 };
		bool ok;

		/* What is here already is not fetched again, unless to see that it is the same. */
		if (h->stored && !sim_chance(50))
			continue;
		pop3c_request(p->engine, POP3C_RETR, i + 1, 0);
		ok = answered(p, &ev, &body);
		if (ok && !h->stored)
			mailbox_stored(f->mailbox, h, buf_str(&body));
		buf_deinit(&body);
		if (!ok)
			return false;
	}
	return true;
}

static bool delete_some(struct fetcher *f, struct pop *p, const struct listing *all)
{
	bool every = f->hurry || sim_chance(600);
	size_t asked = 0;

	for (size_t i = 0; i < all->count; i++) {
		struct pop3c_event ev;

		if (!all->by_number[i]->stored || (!every && sim_chance(500)))
			continue;
		pop3c_request(p->engine, POP3C_DELE, i + 1, 0);
		if (!answered(p, &ev, NULL))
			return false;
		all->by_number[i]->listed = false; /* marks it */
		asked++;
	}
	return asked > 0 || every;
}

static void quit(struct fetcher *f, struct pop *p, const struct listing *all)
{
	struct pop3c_event ev;
	bool ok;

	for (size_t i = 0; i < all->count; i++)
		if (!all->by_number[i]->listed)
			mailbox_asks(all->by_number[i]);
	pop3c_quit(p->engine);
	ok = answered(p, &ev, NULL);
	mailbox_quit(f->mailbox, ok, ev.result.outcome == POP3C_REFUSED);
	sim_trace("quit", ok, all->count);
}

static void fetch_session(struct fetcher *f)
{
	char address[32];
	struct pop_want want = { .user = str_c(f->mailbox->address),
		.secret = STR("secret"),
		.mechanisms = STR("PLAIN"),
		.allow_cleartext = true,
		.pipelining = sim_chance(500) };
	struct listing all = { 0 };
	struct err err = { 0 };
	struct pop p;

	address_of(f->mailbox->office->host, address);
	want.server = server_at(address, PORT_POP3);
	if (logged_in(pop_open(&p, &want, &err), &err)) {
		f->mailbox->sessions++;
		/* Now and then it hangs up instead of saying QUIT: nothing may be deleted then. */
		if (list(f, &p, &all) && retrieve_all(f, &p, &all) && delete_some(f, &p, &all) &&
			(f->hurry || sim_chance(850)))
			quit(f, &p, &all);
	}
	free(all.by_number);
	pop_close(&p);
}

static void fetch_run(void *arg)
{
	struct fetcher *f = arg;

	while (!f->ending) {
		proc_sleep(f->hurry ? sim_between(S(300), S(1500)) : sim_between(0, S(90)));
		fetch_session(f);
	}
}

static void fetch_again(uint64_t at)
{
	fetcher_start((struct fetcher *)(uintptr_t)at);
}

static void fetch_ended(struct sim_proc *p, int status)
{
	struct fetcher *f = p->owner;

	f->proc = NULL;
	if (status == SIM_KILLED && !f->ending)
		sim_at(sim_now_us + sim_between(MS(10), S(60)), fetch_again, (uintptr_t)f);
}

void fetcher_start(struct fetcher *f)
{
	f->proc = proc_start(f->host, "fetcher", fetch_run, f, fetch_ended);
	f->proc->owner = f;
}
