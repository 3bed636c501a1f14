/* The SMTP client engine against a server that the input invents.
 *
 * Octet 0: the connection (bits below).  Octets 1 to 3: seed of the owner's doings, of the cuts and of
 * how much of the output the connection takes.  The rest is what the server sends; then it closes, or is
 * silent.  Checked: every recipient of every message gets one result, DELIVERED is the server's 2xx to a
 * whole message, texts are printable, and what goes out has CRLF only and no dot that ends a message
 * early. */
#include <stdlib.h>

#include "proto/smtpc.h"

enum {
	LMTP = 1,
	MUST_TLS = 2,
	TLS_ACTIVE = 4,
	AUTH = 8,
	NO_PIPELINING = 16,
	NO_CHUNKING = 32,
	SILENCE = 64,
	EIGHTBIT = 128
};

enum { RCPTS = 3, MESSAGES = 4 };

struct world {
	struct smtpc *c;
	uint64_t seed;
	unsigned bits;
	int64_t now;
	bool told[RCPTS], sending, following, closed, tls;
	struct smtpc_message two[2]; /* the one that is sent, and the next */
	size_t which;
	size_t messages, auths;
	struct buf out;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct smtpc_config config = {
	.greeting_timeout_ms = 300000,
	.command_timeout_ms = 300000,
	.data_timeout_ms = 120000,
	.block_timeout_ms = 180000,
	.end_timeout_ms = 600000,
	.quit_timeout_ms = 5000,
	.message_max_ms = 3600000,
};

static const struct smtpc_rcpt rcpts[RCPTS] = {
	{ STR_INIT("one@b.example"), DSN_FAILURE, STR_INIT("rfc822;one@b.example") },
	{ STR_INIT("t<wo@b.example"), 0, STR_INIT("") },
	{ STR_INIT("three@b.example"), DSN_NEVER, STR_INIT("") },
};

static const struct str body = STR_INIT("Subject: x\r\n\r\n.\r\n..a\r\nb\r\n.\r\n");

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

static void check_result(const struct smtpc_result *r)
{
	check(r->status.n >= 5 && r->status.n <= 9);
	check(r->text.n <= 1000 && (r->code == 0 || (r->code >= 200 && r->code <= 599)));
	for (size_t i = 0; i < r->text.n; i++)
		check(r->text.p[i] >= ' ' && r->text.p[i] <= '~');
	if (r->outcome == SMTPC_DELIVERED)
		check(r->at == SMTPC_AT_END && r->code / 100 == 2 && r->status.p[0] == '2');
	if (r->outcome == SMTPC_FAILED)
		check(r->status.p[0] == '5');
	if (r->outcome == SMTPC_DEFERRED)
		check(r->status.p[0] == '4');
}

static struct smtpc_message write_message(struct world *w)
{
	return (struct smtpc_message){
		.reverse_path = rnd(w, 2) == 0 ? STR("") : STR("a@a.example"),
		.rcpts = rcpts,
		.rcpt_count = 1 + (size_t)rnd(w, RCPTS),
		.octets = rnd(w, 8) == 0 ? 0 : body.n,
		.eightbit = (w->bits & EIGHTBIT) != 0,
		.envid = STR("id"),
	};
}

static void follow(struct world *w)
{
	if (!w->sending || w->following || w->messages >= MESSAGES || rnd(w, 4) != 0)
		return;
	w->two[!w->which] = write_message(w);
	w->following = smtpc_follow(w->c, &w->two[!w->which]);
	w->messages += w->following;
}

static void done(struct world *w)
{
	check(w->sending);
	for (size_t i = 0; i < w->two[w->which].rcpt_count; i++)
		check(w->told[i]);
	memset(w->told, 0, sizeof w->told);
	w->sending = w->following;
	w->which ^= w->following;
	w->following = false;
}

static void ready(struct world *w)
{
	struct smtpc_result result;

	check(!w->sending && smtpc_deadline(w->c) == INT64_MAX);
	if (w->messages++ >= MESSAGES) {
		smtpc_quit(w->c);
		return;
	}
	w->two[w->which] = write_message(w);
	w->sending = smtpc_send(w->c, &w->two[w->which], &result);
	if (!w->sending) {
		check_result(&result);
		check(result.outcome == SMTPC_FAILED);
		smtpc_quit(w->c);
	}
}

static void give_body(struct world *w, const struct smtpc_event *ev)
{
	check(w->sending && ev->want > 0 && ev->offset + ev->want <= w->two[w->which].octets);
	if (rnd(w, 30) == 0)
		smtpc_body_failed(w->c);
	else
		smtpc_body(w->c,
			str_head(str_from(body, (size_t)ev->offset), 1 + (size_t)rnd(w, ev->want)));
}

static void authenticate(struct world *w, const struct smtpc_event *ev)
{
	check((w->bits & AUTH) != 0 && !w->sending);
	if (ev->type == SMTPC_ASK_AUTH_MORE) {
		if (rnd(w, 4) == 0)
			smtpc_auth_cancel(w->c);
		else
			smtpc_auth_respond(w->c, STR("joe"));
	} else if (w->auths++ > 3) {
		smtpc_quit(w->c);
	} else if (rnd(w, 4) == 0) {
		smtpc_auth_skip(w->c);
	} else {
		smtpc_auth(w->c, STR("PLAIN"), STR("\0joe\0secret"), rnd(w, 2) == 0);
	}
}

static void serve(struct world *w, const struct smtpc_event *ev)
{
	switch (ev->type) {
	case SMTPC_EV_STARTTLS:
		check(smtpc_in(w->c)->len == 0 && (w->bits & TLS_ACTIVE) == 0);
		w->tls = true;
		break;
	case SMTPC_ASK_AUTH:
	case SMTPC_ASK_AUTH_MORE: authenticate(w, ev); break;
	case SMTPC_EV_AUTH_OK: break;
	case SMTPC_EV_READY: ready(w); break;
	case SMTPC_ASK_BODY: give_body(w, ev); break;
	case SMTPC_EV_RCPT:
		check(w->sending && ev->index < w->two[w->which].rcpt_count && !w->told[ev->index]);
		check(ev->result.outcome != SMTPC_NOTHING);
		check_result(&ev->result);
		w->told[ev->index] = true;
		break;
	case SMTPC_EV_DONE: done(w); break;
	case SMTPC_EV_CLOSE:
		check(!w->sending);
		check_result(&ev->result);
		w->closed = true;
		break;
	}
}

/* The connection takes all of the output, or some. */
static void drain(struct world *w)
{
	struct buf *out = smtpc_out(w->c);
	size_t n = out->len;

	if (n > 0 && rnd(w, 3) == 0)
		n = (size_t)rnd(w, n + 1);
	buf_put(&w->out, str_head(buf_str(out), n));
	buf_consume(out, n);
}

static void turn(struct world *w)
{
	struct smtpc_event ev;

	for (int i = 0; i < 3; i++) {
		while (smtpc_next(w->c, w->now, &ev)) {
			check(!w->closed);
			serve(w, &ev);
			follow(w);
		}
		drain(w);
	}
	if (w->tls) {
		w->tls = false;
		smtpc_tls_started(w->c, w->now);
	}
}

static void check_output(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		check(s.p[i] != '\n' || (i > 0 && s.p[i - 1] == '\r'));
		check(s.p[i] != '\r' || i + 1 == s.n || s.p[i + 1] == '\n');
	}
}

static void finish(struct world *w)
{
	for (int i = 0; i < 20 && !w->closed; i++) {
		if ((w->bits & SILENCE) == 0) {
			smtpc_closed(w->c);
		} else if (smtpc_deadline(w->c) != INT64_MAX) {
			check(smtpc_deadline(w->c) <= w->now + 600000);
			w->now = smtpc_deadline(w->c);
			smtpc_timeout(w->c);
		}
		turn(w);
	}
	check(w->closed && smtpc_deadline(w->c) == INT64_MAX);
}

static void run(struct world *w, struct str in, bool cuts)
{
	struct smtpc_peer peer = {
		.lmtp = (w->bits & LMTP) != 0,
		.hostname = STR("c"),
		.tls_active = (w->bits & TLS_ACTIVE) != 0,
		.starttls = (w->bits & MUST_TLS) != 0 ? SMTPC_TLS_MUST : SMTPC_TLS_MAY,
		.authenticate = (w->bits & AUTH) != 0,
		.ignore = ((w->bits & NO_PIPELINING) != 0 ? SMTPC_X_PIPELINING : 0u) |
			  ((w->bits & NO_CHUNKING) != 0 ? SMTPC_X_CHUNKING : 0u),
	};

	w->c = smtpc_new(&config, &peer, 0);
	turn(w);
	while (in.n > 0 && !w->closed) {
		struct buf *to = smtpc_in(w->c);
		size_t n = cuts ? 1 + (size_t)rnd(w, 30) : in.n;

		if (n > to->max - to->len)
			n = to->max - to->len;
		buf_put(to, str_head(in, n));
		in = str_from(in, n);
		check(n > 0);
		turn(w);
	}
	finish(w);
	check_output(buf_str(&w->out));
	smtpc_free(w->c);
	buf_deinit(&w->out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_of(data, size);

	if (size < 4 || size > 60000)
		return 0;
	for (int i = 0; i < 2; i++) {
		struct world w = {
			.bits = data[0],
			.seed = (uint64_t)data[1] | (uint64_t)data[2] << 8 |
				(uint64_t)data[3] << 16,
		};

		run(&w, str_from(in, 4), i == 0);
	}
	return 0;
}
