/* The SMTP engine against a client and an owner that the input invents.
 *
 * Octet 0: the connection (bits below).  Octets 1 to 3: seed of the owner's answers and of the
 * cuts.  The rest is what the client sends.  Checked: every transaction ends in one way, nothing
 * is committed without a recipient or over the limit, bodies hold CRLF only, replies are lines
 * with a code, and what came in pieces gives the replies of what came at once. */
#include <stdlib.h>

#include "proto/smtpd.h"

enum {
	SUBMISSION = 1,
	TLS_ACTIVE = 2,
	CLEARTEXT = 4,
	BINDING = 8,
	KIND = 16,
	NO_TLS = 32,
	LMTP = 64,
	XCLIENT = 128
};

struct world {
	struct smtpd *s;
	uint64_t seed;
	unsigned bits;
	bool kind; /* the owner agrees to everything */
	bool in_tx, closed, tls, auth;
	struct buf draft, out;
	size_t accepted, commits;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct smtpd_config config = {
	.hostname = STR_INIT("mx"),
	.message_size_limit = 3000,
	.recipients_max = 4,
	.command_line_max = 512,
	.errors_soft = 5,
	.errors_hard = 40,
	.received_max = 5,
	.header_max = 500,
	.greet_timeout_ms = 1000,
	.command_timeout_ms = 1000,
	.data_timeout_ms = 1000,
	.session_max_ms = 10000,
	.smtputf8 = true,
	.chunking = true,
	.mechanisms = STR_INIT("PLAIN LOGIN"),
	.mechanisms_plus = STR_INIT("SCRAM-SHA-256-PLUS"),
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

static bool answer(struct world *w)
{
	static const unsigned codes[] = { 450, 550, 421, 554 };
	bool agrees = w->kind || rnd(w, 6) > 0;

	smtpd_answer(w->s, agrees ? 0 : codes[rnd(w, 4)], agrees ? STR("") : STR("5.0.0 a\r\nb\0"));
	return agrees;
}

static void answer_auth(struct world *w, bool first)
{
	check(first != w->auth);
	w->auth = false;
	switch (w->kind ? 0 : rnd(w, 4)) {
	case 0: smtpd_auth_ok(w->s, STR("joe")); break;
	case 1: smtpd_auth_failed(w->s, 535, STR("5.7.8 no")); break;
	default:
		w->auth = true;
		smtpd_auth_challenge(w->s, STR("challenge"));
		break;
	}
}

static void check_message(struct world *w)
{
	struct str s = buf_str(&w->draft);

	check(w->in_tx && w->accepted > 0 && smtpd_tx(w->s)->accepted == w->accepted);
	check(s.n <= config.message_size_limit + 2 && (s.n == 0 || str_ends(s, STR("\r\n"))));
	for (size_t i = 0; i < s.n; i++) {
		check(s.p[i] != '\r' || s.p[i + 1] == '\n');
		check(s.p[i] != '\n' || s.p[i - 1] == '\r');
	}
	w->in_tx = false;
	w->commits++;
}

static void serve(struct world *w, const struct smtpd_event *ev)
{
	switch (ev->type) {
	case SMTPD_EV_STARTTLS: w->tls = true; break;
	case SMTPD_EV_TARPIT: check(ev->arg_ms > 0); break;
	case SMTPD_EV_ABORT:
		check(w->in_tx && smtpd_tx(w->s) == NULL);
		w->in_tx = false;
		break;
	case SMTPD_EV_CLOSE:
		check(!w->closed && !w->in_tx);
		w->closed = true;
		break;
	case SMTPD_ASK_AUTH: answer_auth(w, true); break;
	case SMTPD_ASK_AUTH_MORE: answer_auth(w, false); break;
	case SMTPD_EV_AUTH_CANCEL: w->auth = false; break;
	case SMTPD_ASK_ETRN:
		check(!w->in_tx && ev->path.n > 0);
		answer(w);
		break;
	case SMTPD_ASK_XCLIENT:
		check(!w->in_tx && (w->bits & XCLIENT) != 0);
		answer(w);
		break;
	case SMTPD_ASK_MAIL:
		check(!w->in_tx && smtpd_tx(w->s) != NULL && smtpd_helo(w->s).n > 0);
		w->in_tx = true;
		w->accepted = 0;
		buf_clear(&w->draft);
		answer(w);
		break;
	case SMTPD_ASK_RCPT:
		check(w->in_tx && ev->path.n > 0);
		if (answer(w))
			w->accepted++;
		break;
	case SMTPD_ASK_DATA:
		check(w->in_tx && w->accepted > 0);
		answer(w);
		break;
	case SMTPD_ASK_BODY:
		check(w->in_tx && ev->data.n > 0);
		buf_put(&w->draft, ev->data);
		answer(w);
		break;
	case SMTPD_ASK_COMMIT:
		check_message(w);
		answer(w);
		break;
	}
}

static void turn(struct world *w)
{
	struct smtpd_event ev;
	struct buf *out = smtpd_out(w->s);

	do {
		buf_put(&w->out, buf_str(out));
		buf_clear(out);
		while (!w->tls && smtpd_next(w->s, 0, &ev)) {
			check(!w->closed);
			serve(w, &ev);
		}
	} while (out->len > 0);
	/* The session was authenticated, so the exchange is over. */
	if (smtpd_user(w->s).n > 0)
		w->auth = false;
	if (w->tls) {
		w->tls = w->auth = false;
		smtpd_tls_started(w->s, true, 0);
	}
}

static void check_replies(struct str s)
{
	while (s.n > 0) {
		struct str line = str_cut(&s, '\n');

		check(line.n >= 5 && line.p[line.n - 1] == '\r' && line.p[0] >= '2' &&
			line.p[0] <= '5');
		check(ascii_digit(line.p[1]) && ascii_digit(line.p[2]) &&
			(line.p[3] == ' ' || line.p[3] == '-'));
		check(str_find(line, '\r') == line.n - 1 && str_find(line, '\0') == line.n);
	}
}

/* cuts: pieces of random size; else everything at once. */
static size_t run(uint8_t bits, uint64_t seed, struct str in, bool cuts, struct buf *replies)
{
	struct smtpd_config c = config;
	struct smtpd_peer peer = {
		.role = (bits & LMTP) != 0         ? SMTPD_LMTP
			: (bits & SUBMISSION) != 0 ? SMTPD_SUBMISSION
						   : SMTPD_MX,
		.xclient = (bits & XCLIENT) != 0,
		.etrn = (bits & XCLIENT) != 0,
		.address = STR("::1"),
		.tls_available = (bits & NO_TLS) == 0,
		.tls_active = (bits & TLS_ACTIVE) != 0,
		.channel_binding = (bits & BINDING) != 0,
	};
	struct world w = { .seed = seed, .bits = bits, .kind = (bits & KIND) != 0 };

	c.cleartext_auth = (bits & CLEARTEXT) != 0;
	w.s = smtpd_new(&c, &peer, 0);
	smtpd_greet(w.s);
	turn(&w);
	while (in.n > 0 && !w.closed) {
		size_t n = cuts ? 1 + (size_t)rnd(&w, 30) : in.n;

		if (n > in.n)
			n = in.n;
		buf_put(smtpd_in(w.s), str_head(in, n));
		in = str_from(in, n);
		turn(&w);
	}
	if (!w.closed) {
		smtpd_timeout(w.s);
		turn(&w);
		check(w.closed);
	}
	check_replies(buf_str(&w.out));
	buf_put(replies, buf_str(&w.out));
	smtpd_free(w.s);
	buf_deinit(&w.draft);
	buf_deinit(&w.out);
	return w.commits;
}

/* Three things are said to depend on what arrives together: data before 354, commands before the
 * reply to EHLO, and what a client sends behind STARTTLS. */
static bool depends_on_cuts(struct str replies)
{
	for (size_t i = 0; i < replies.n; i++)
		if (str_starts(str_from(replies, i), STR("data before 354")) ||
			str_starts(str_from(replies, i), STR("before the reply")) ||
			str_starts(str_from(replies, i), STR("\n220 2.0.0")))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf cut = { 0 }, whole = { 0 };
	struct str in = str_of(data, size);
	uint64_t seed;

	if (size < 4 || size > 60000)
		return 0;
	seed = (uint64_t)data[1] | (uint64_t)data[2] << 8 | (uint64_t)data[3] << 16;
	in = str_from(in, 4);
	run(data[0], seed, in, true, &cut);
	run(data[0], seed, in, false, &whole);
	if ((data[0] & KIND) != 0 && (data[0] & SUBMISSION) == 0 &&
		!depends_on_cuts(buf_str(&cut)) && !depends_on_cuts(buf_str(&whole)))
		check(str_eq(buf_str(&cut), buf_str(&whole)));
	buf_deinit(&cut);
	buf_deinit(&whole);
	return 0;
}
