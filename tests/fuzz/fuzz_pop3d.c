/* The POP3 engine against a client and an owner that the input invents.
 *
 * Octet 0: the connection (bits below).  Octets 1 to 3: seed of the owner's answers and
 * of the cuts.  The rest is what the client sends. */
#include <stdlib.h>

#include "base/mem.h"
#include "proto/pop3d.h"

enum {
	TLS_AVAILABLE = 1,
	TLS_ACTIVE = 2,
	CLEARTEXT = 4,
	BINDING = 8,
	GENEROUS = 16,
	KIND = 32,
	WORKAROUNDS = 64,
	SURROGATES = 128
};

enum { MESSAGES = 5 };

struct world {
	struct pop3d *p;
	uint64_t seed;
	bool kind; /* the owner agrees to everything */
	bool surrogates;
	bool updated, closed, in_auth;
	uint64_t next_offset;
	size_t body_index;
	struct maildrop_row rows[MESSAGES];
};

static const struct str bodies[MESSAGES] = {
	STR_INIT("a: b\r\n\r\none\r\ntwo\r\n"),
	STR_INIT(".\r\n..\r\n\r\n.\r\n"),
	STR_INIT(""),
	STR_INIT("no end"),
	STR_INIT("\r\n\r\n\0\xff.\r.\n.\r\n"),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t rnd(struct world *w, uint64_t below)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (w->seed >> 33) % below;
}

static bool agrees(struct world *w)
{
	return w->kind || rnd(w, 4) > 0;
}

static void check(bool truth)
{
	if (!truth)
		abort();
}

static void answer_login(struct world *w, const struct pop3d_event *ev)
{
	bool sasl = ev->type != POP3D_ASK_LOGIN;
	uint64_t octets = 0;

	check(!pop3d_in_transaction(w->p));
	check(ev->type != POP3D_ASK_AUTH_MORE || w->in_auth);
	w->in_auth = false;
	if (sasl && rnd(w, 3) == 0) {
		w->in_auth = true;
		pop3d_auth_challenge(w->p, rnd(w, 2) ? STR("") : STR("challenge"));
	} else if (agrees(w)) {
		for (size_t i = 0; i < MESSAGES; i++)
			octets += bodies[i].n;
		pop3d_login_ok(w->p, sasl ? ev->data : ev->user, MESSAGES, octets);
	} else {
		pop3d_login_failed(w->p, (enum pop3d_code)rnd(w, 7), STR("[no]\r\n"));
	}
}

static void answer_body(struct world *w, const struct pop3d_event *ev)
{
	struct str body = bodies[ev->index];

	check(ev->index < MESSAGES && !pop3d_is_deleted(w->p, ev->index));
	check(ev->want > 0 && ev->offset + ev->want == body.n);
	/* From the beginning, or on from where it stood. */
	check(ev->offset == 0 || (ev->index == w->body_index && ev->offset == w->next_offset));
	body = str_head(str_from(body, (size_t)ev->offset), 1 + (size_t)rnd(w, 8));
	w->body_index = ev->index;
	w->next_offset = ev->offset + body.n;
	if (!agrees(w)) {
		if (rnd(w, 2))
			pop3d_failed(w->p, POP3D_SYS_TEMP, STR("no"));
		else
			pop3d_body(w->p, STR(""));
	} else if (w->surrogates && !pop3d_utf8(w->p)) {
		pop3d_body_as(w->p, rnd(w, 2) ? STR("s: t\r\n\r\n.\r\nx") : STR(""), body.n);
	} else if (ev->direct && rnd(w, 2)) {
		char last[2] = { body.n > 1 ? body.p[body.n - 2] : 0, body.p[body.n - 1] };

		pop3d_body_direct(w->p, body.n, last);
	} else {
		pop3d_body(w->p, body);
	}
}

static void answer_update(struct world *w)
{
	uint64_t deleted = 0;
	bool ok = agrees(w);

	check(pop3d_in_transaction(w->p) && !w->updated);
	for (size_t i = 0; i < MESSAGES; i++)
		deleted += pop3d_is_deleted(w->p, i);
	check(deleted == pop3d_deleted_count(w->p));
	w->updated = true;
	pop3d_updated(w->p, ok);
	check(pop3d_stats(w->p)->deleted == (ok ? deleted : 0));
}

static void serve(struct world *w)
{
	struct maildrop_view view = { w->rows, MESSAGES, STR("uidl\0x") };
	struct pop3d_event ev;

	while (pop3d_next(w->p, 0, &ev)) {
		check(!w->closed);
		switch (ev.type) {
		case POP3D_EV_STLS:
			check(pop3d_in(w->p)->len == 0);
			pop3d_tls_started(w->p, rnd(w, 2) != 0, 0);
			break;
		case POP3D_EV_CLOSE: w->closed = true; break;
		case POP3D_ASK_XCLIENT: pop3d_client_taken(w->p, ev.port.n != 3); break;
		case POP3D_ASK_LOGIN:
		case POP3D_ASK_AUTH:
		case POP3D_ASK_AUTH_MORE: answer_login(w, &ev); break;
		case POP3D_EV_AUTH_CANCEL: w->in_auth = false; break;
		case POP3D_ASK_LISTING:
			if (agrees(w))
				pop3d_listing(w->p, &view);
			else
				pop3d_failed(w->p, POP3D_SYS_PERM, STR("no"));
			break;
		case POP3D_ASK_BODY: answer_body(w, &ev); break;
		case POP3D_ASK_UPDATE: answer_update(w); break;
		}
	}
	if (rnd(w, 4) > 0)
		buf_clear(pop3d_out(w->p));
	if (!w->kind && rnd(w, 200) == 0)
		pop3d_timeout(w->p);
	if (!w->kind && rnd(w, 200) == 0)
		pop3d_shutdown(w->p, false);
}

static struct pop3d_config config_of(unsigned bits)
{
	return (struct pop3d_config){
		.hostname = STR("h"),
		.implementation = bits & GENEROUS ? STR("i") : STR(""),
		.login_timeout_ms = 1000,
		.autologout_ms = 1000,
		.errors_before_login = bits & GENEROUS ? 100 : 3,
		.errors_after_login = bits & GENEROUS ? 100 : 3,
		.auth_failures = bits & GENEROUS ? 100 : 2,
		.mechanisms = STR("PLAIN  LOGIN"),
		.mechanisms_plus = STR("SCRAM-SHA-256-PLUS"),
		.cleartext_auth = (bits & CLEARTEXT) != 0,
		.nul_to_80 = (bits & WORKAROUNDS) != 0,
		.end_header = (bits & WORKAROUNDS) != 0,
		.language = STR("zh"),
	};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned bits = size > 0 ? data[0] : 0;
	struct pop3d_config config = config_of(bits);
	struct pop3d_peer peer = { (bits & TLS_AVAILABLE) != 0, (bits & TLS_ACTIVE) != 0,
		(bits & BINDING) != 0, (bits & BINDING) != 0 };
	struct world w = { .kind = (bits & KIND) != 0, .surrogates = (bits & SURROGATES) != 0 };
	struct str rest;

	if (size < 4)
		return 0;
	w.seed = (uint64_t)data[1] | (uint64_t)data[2] << 8 | (uint64_t)data[3] << 16;
	for (size_t i = 0; i < MESSAGES; i++)
		w.rows[i] = (struct maildrop_row){
			.octets = bodies[i].n,
			.flags = i == 1 || i == 4 ? MAILDROP_ROW_DOTS : 0,
			.uidl_at = (uint32_t)i,
			.uidl_len = (uint16_t)(i * 2),
		};
	w.p = pop3d_new(&config, &peer, 0);
	pop3d_greet(w.p);
	for (rest = str_of(data + 4, size - 4); rest.n > 0 && !w.closed;) {
		size_t n = 1 + (size_t)rnd(&w, 60);

		buf_put(pop3d_in(w.p), str_head(rest, n));
		rest = str_from(rest, n);
		serve(&w);
	}
	check(w.updated || pop3d_stats(w.p)->deleted == 0);
	pop3d_free(w.p);
	return 0;
}
