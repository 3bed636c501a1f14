/* An owner of smtpd engines for session files: it keeps drafts, answers by policy, and checks that
 * every transaction ends in exactly one way.
 *
 *   config role submission|lmtp | config size N | config errors SOFT HARD | config recipients N |
 *   config transactions N | config xclient | config discard BITS |
 *   config received N | config header N | config line N | config cleartext | config no-tls |
 *   config tls-active | config no-chunking | config no-utf8 | config binding | config certificate | config early TEXT
 *   policy mail|rcpt <x> 550 5.1.1 text     answers for one address
 *   policy each <x> 452 4.2.2 text         LMTP: the final answer for one recipient
 *   policy data|body|commit 452 4.3.1 text  answers for all from here on; "policy commit ok"
 *   messages N | aborts N | tarpits N | cancels N   so many happened so far
 *   envelope FROM TO,TO                     of the last message that was committed
 *   dsn RET ENVID NOTIFY ORCPT ...         of the open transaction; "-" for what was not said
 *   xclient ADDRESS PORT NAME HELO          what was told last; policy xclient <address> 550 text
 *   user NAME | with TYPE | auth-param X | shutdown
 *
 * The SASL side knows user "joe" with password "secret". */
#include <stdlib.h>

#include "base/mem.h"
#include "proto/smtpd.h"
#include "unit/transcript.h"

enum { POLICIES_MAX = 16 };

enum policy_kind { ON_MAIL, ON_RCPT, ON_DATA, ON_BODY, ON_COMMIT, ON_EACH, ON_XCLIENT, ON_ETRN };

struct policy {
	enum policy_kind kind;
	struct str address;
	unsigned code;
	struct str text;
};

struct owner {
	struct smtpd_config config;
	struct smtpd_peer peer;
	struct smtpd *s;
	struct str early;
	struct policy policies[POLICIES_MAX];
	size_t policy_count;
	bool in_tx, tls, closed, broken, want_password, signed_off;
	struct buf draft, envelope, received, last_envelope, with, auth_param, dsn, xclient;
	size_t messages, aborts, tarpits, cancels;
};

static void *create(void)
{
	struct owner *o = NEW(struct owner);

	o->config = (struct smtpd_config){
		.hostname = STR("mx.example.org"),
		.message_size_limit = 1000000,
		.recipients_max = 100,
		.command_line_max = 2048,
		.errors_soft = 1000,
		.errors_hard = 2000,
		.received_max = 50,
		.header_max = 100000,
		.greet_timeout_ms = 60000,
		.command_timeout_ms = 300000,
		.data_timeout_ms = 180000,
		.session_max_ms = 3600000,
		.smtputf8 = true,
		.chunking = true,
		.mechanisms = STR("PLAIN LOGIN SCRAM-SHA-256"),
		.mechanisms_plus = STR("SCRAM-SHA-256-PLUS"),
		.mechanisms_certificate = STR("EXTERNAL"),
	};
	o->peer = (struct smtpd_peer){
		.role = SMTPD_MX, .address = STR("192.0.2.1"), .tls_available = true
	};
	return o;
}

static void destroy(void *e)
{
	struct owner *o = e;

	smtpd_free(o->s);
	buf_deinit(&o->draft);
	buf_deinit(&o->envelope);
	buf_deinit(&o->received);
	buf_deinit(&o->last_envelope);
	buf_deinit(&o->with);
	buf_deinit(&o->auth_param);
	buf_deinit(&o->dsn);
	buf_deinit(&o->xclient);
	free(o);
}

static size_t number(struct str s)
{
	uint64_t v = 0;

	return str_u64(s, &v) ? (size_t)v : 0;
}

static bool config(void *e, struct str rest)
{
	struct owner *o = e;
	struct str word = str_cut(&rest, ' ');
	const struct {
		struct str name;
		bool *flag;
		bool value;
	} flags[] = {
		{ STR("cleartext"), &o->config.cleartext_auth, true },
		{ STR("no-tls"), &o->peer.tls_available, false },
		{ STR("tls-active"), &o->peer.tls_active, true },
		{ STR("binding"), &o->peer.channel_binding, true },
		{ STR("certificate"), &o->peer.certificate, true },
		{ STR("no-chunking"), &o->config.chunking, false },
		{ STR("no-utf8"), &o->config.smtputf8, false },
		{ STR("etrn"), &o->peer.etrn, true },
		{ STR("xclient"), &o->peer.xclient, true },
		{ STR("requiretls"), &o->config.requiretls, true },
		{ STR("xverp"), &o->config.xverp, true },
	};
	if (str_eq(word, STR("hold-days"))) { /* the wall clock stands at 2026-11-22T00:00:00Z */
		o->peer.wall_ms = 1795305600000;
		o->peer.hold_max_ms = (int64_t)number(rest) * 86400000;
		return true;
	}
	const struct {
		struct str name;
		size_t *to;
	} sizes[] = {
		{ STR("recipients"), &o->config.recipients_max },
		{ STR("received"), &o->config.received_max },
		{ STR("transactions"), &o->config.transactions_max },
		{ STR("header"), &o->config.header_max },
		{ STR("line"), &o->config.command_line_max },
	};

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (str_eq(word, flags[i].name)) {
			*flags[i].flag = flags[i].value;
			return true;
		}
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		if (str_eq(word, sizes[i].name)) {
			*sizes[i].to = number(rest);
			return true;
		}
	if (str_eq(word, STR("role"))) {
		o->peer.role = str_eq(rest, STR("submission")) ? SMTPD_SUBMISSION
			       : str_eq(rest, STR("lmtp"))     ? SMTPD_LMTP
							       : SMTPD_MX;
	} else if (str_eq(word, STR("size"))) {
		o->config.message_size_limit = number(rest);
	} else if (str_eq(word, STR("errors"))) {
		o->config.errors_soft = number(str_cut(&rest, ' '));
		o->config.errors_hard = number(rest);
	} else if (str_eq(word, STR("discard"))) {
		o->peer.discard = (unsigned)number(rest);
	} else if (str_eq(word, STR("early"))) {
		o->early = rest;
	} else {
		return false;
	}
	return true;
}

static void start(void *e, int64_t now_ms)
{
	struct owner *o = e;

	o->s = smtpd_new(&o->config, &o->peer, now_ms);
	buf_put(smtpd_in(o->s), o->early);
	smtpd_greet(o->s);
}

static void answer(struct owner *o, enum policy_kind kind, struct str address)
{
	for (size_t i = o->policy_count; i > 0; i--) {
		const struct policy *p = &o->policies[i - 1];

		if (p->kind == kind && str_eq(p->address, address)) {
			smtpd_answer(o->s, p->code, p->text);
			return;
		}
	}
	smtpd_answer(o->s, 0, STR(""));
}

static void put_word(struct buf *b, struct str s)
{
	buf_putc(b, ' ');
	buf_put(b, s.n > 0 ? s : STR("-"));
}

static void answer_mail(struct owner *o, struct str path)
{
	const struct smtpd_tx *tx = smtpd_tx(o->s);

	o->broken |= o->in_tx || tx == NULL || !str_eq(tx->reverse_path, path);
	o->in_tx = true;
	buf_clear(&o->draft);
	buf_clear(&o->envelope);
	buf_put(&o->envelope, path);
	buf_clear(&o->auth_param);
	buf_put(&o->auth_param, tx->auth);
	buf_clear(&o->dsn);
	buf_putu(&o->dsn, tx->ret);
	put_word(&o->dsn, tx->envid);
	if (tx->requiretls)
		buf_put(&o->dsn, STR(" requiretls"));
	if (tx->verp[0] != 0)
		buf_printf(&o->dsn, " verp%.2s", tx->verp);
	if (tx->hold_for_s > 0)
		buf_printf(&o->dsn, " for=%u", tx->hold_for_s);
	if (tx->hold_ms > 0)
		buf_printf(&o->dsn, " until=%lld", (long long)tx->hold_ms);
	answer(o, ON_MAIL, path);
}

static void answer_rcpt(struct owner *o, struct str path, unsigned notify, struct str orcpt)
{
	size_t before = smtpd_tx(o->s)->accepted;
	struct buf copy = { 0 };

	buf_put(&copy, path);
	buf_putc(&o->dsn, ' ');
	buf_putu(&o->dsn, notify);
	put_word(&o->dsn, orcpt);
	answer(o, ON_RCPT, path);
	if (smtpd_tx(o->s) != NULL && smtpd_tx(o->s)->accepted > before) {
		buf_putc(&o->envelope, before == 0 ? ' ' : ',');
		buf_put(&o->envelope, buf_str(&copy));
	}
	buf_deinit(&copy);
}

static void answer_each(struct owner *o)
{
	struct str to = buf_str(&o->last_envelope);

	str_cut(&to, ' ');
	while (to.n > 0) {
		struct str address = str_cut(&to, ',');
		size_t i = o->policy_count;

		while (i > 0 && (o->policies[i - 1].kind != ON_EACH ||
					!str_eq(o->policies[i - 1].address, address)))
			i--;
		if (i == 0)
			smtpd_answer_recipient(o->s, 0, STR(""));
		else
			smtpd_answer_recipient(
				o->s, o->policies[i - 1].code, o->policies[i - 1].text);
	}
}

static void answer_commit(struct owner *o)
{
	size_t i = o->policy_count;

	o->broken |= !o->in_tx;
	o->in_tx = false;
	while (i > 0 && o->policies[i - 1].kind != ON_COMMIT)
		i--;
	if (i == 0 || o->policies[i - 1].code < 400) {
		o->messages++;
		buf_put(&o->received, buf_str(&o->draft));
		buf_clear(&o->last_envelope);
		buf_put(&o->last_envelope, buf_str(&o->envelope));
		buf_clear(&o->with);
		buf_put(&o->with, smtpd_with(o->s));
	}
	if (i == 0 && o->peer.role == SMTPD_LMTP)
		answer_each(o);
	else
		answer(o, ON_COMMIT, STR(""));
}

static void check_password(struct owner *o, bool good)
{
	if (good)
		smtpd_auth_ok(o->s, STR("joe"));
	else
		smtpd_auth_failed(o->s, 535, STR("5.7.8 wrong name or password"));
}

static void answer_auth(struct owner *o, const struct smtpd_event *ev)
{
	o->want_password = o->signed_off = false;
	if (str_ieq(ev->mechanism, STR("PLAIN")) && ev->has_data)
		check_password(o, str_eq(ev->data, STR("\0joe\0secret")));
	else if (str_ieq(ev->mechanism, STR("LOGIN")))
		smtpd_auth_challenge(o->s, STR("Username:"));
	else if (str_ieq(ev->mechanism, STR("PLAIN")))
		smtpd_auth_challenge(o->s, STR(""));
	else
		smtpd_auth_challenge(o->s, STR("server-first"));
}

static void answer_auth_more(struct owner *o, const struct smtpd_event *ev)
{
	if (str_starts(ev->data, STR("c="))) {
		o->signed_off = true;
		smtpd_auth_challenge(o->s, STR("v=signature"));
	} else if (o->signed_off && ev->data.n > 0) {
		smtpd_auth_failed(o->s, 501, STR("5.5.2 expected an empty response"));
	} else if (o->signed_off) {
		smtpd_auth_ok(o->s, STR("joe"));
	} else if (o->want_password) {
		check_password(o, str_eq(ev->data, STR("secret")));
	} else if (str_eq(ev->data, STR("joe"))) {
		o->want_password = true;
		smtpd_auth_challenge(o->s, STR("Password:"));
	} else {
		check_password(o, str_eq(ev->data, STR("\0joe\0secret")));
	}
}

static void serve(struct owner *o, const struct smtpd_event *ev)
{
	switch (ev->type) {
	case SMTPD_EV_STARTTLS: o->tls = true; break;
	case SMTPD_EV_TARPIT: o->tarpits++; break;
	case SMTPD_EV_ABORT:
		o->broken |= !o->in_tx;
		o->in_tx = false;
		o->aborts++;
		break;
	case SMTPD_EV_CLOSE:
		o->broken |= o->in_tx || o->closed;
		o->closed = true;
		break;
	case SMTPD_ASK_AUTH: answer_auth(o, ev); break;
	case SMTPD_ASK_AUTH_MORE: answer_auth_more(o, ev); break;
	case SMTPD_EV_AUTH_CANCEL: o->cancels++; break;
	case SMTPD_ASK_ETRN:
		buf_clear(&o->xclient);
		buf_put(&o->xclient, ev->below ? STR("@") : STR(""));
		buf_put(&o->xclient, ev->path);
		answer(o, ON_ETRN, buf_str(&o->xclient));
		break;
	case SMTPD_ASK_XCLIENT:
		buf_clear(&o->xclient);
		buf_put(&o->xclient, ev->xclient.address);
		put_word(&o->xclient, ev->xclient.port);
		put_word(&o->xclient, ev->xclient.name);
		put_word(&o->xclient, ev->xclient.helo);
		answer(o, ON_XCLIENT, ev->xclient.address);
		break;
	case SMTPD_ASK_MAIL: answer_mail(o, ev->path); break;
	case SMTPD_ASK_RCPT: answer_rcpt(o, ev->path, ev->notify, ev->orcpt); break;
	case SMTPD_ASK_DATA: answer(o, ON_DATA, STR("")); break;
	case SMTPD_ASK_BODY:
		buf_put(&o->draft, ev->data);
		answer(o, ON_BODY, STR(""));
		break;
	case SMTPD_ASK_COMMIT: answer_commit(o); break;
	}
}

static enum transcript_turn turn(void *e, int64_t now_ms)
{
	struct owner *o = e;
	struct smtpd_event ev;

	while (smtpd_next(o->s, now_ms, &ev))
		serve(o, &ev);
	return o->closed ? TURN_CLOSED : o->tls ? TURN_TLS : TURN_GO;
}

static void tls_started(void *e, int64_t now_ms)
{
	struct owner *o = e;

	o->tls = false;
	smtpd_tls_started(o->s, o->peer.channel_binding, now_ms);
}

static bool add_policy(struct owner *o, struct str rest)
{
	static const struct str kinds[] = { STR_INIT("mail"), STR_INIT("rcpt"), STR_INIT("data"),
		STR_INIT("body"), STR_INIT("commit"), STR_INIT("each"), STR_INIT("xclient"),
		STR_INIT("etrn") };
	struct str word = str_cut(&rest, ' ');
	struct policy p = { .address = STR("") };
	size_t kind = 0;

	while (kind < sizeof kinds / sizeof *kinds && !str_eq(word, kinds[kind]))
		kind++;
	if (kind == sizeof kinds / sizeof *kinds || o->policy_count == POLICIES_MAX)
		return false;
	p.kind = (enum policy_kind)kind;
	if (p.kind == ON_MAIL || p.kind == ON_RCPT || p.kind == ON_EACH || p.kind == ON_XCLIENT ||
		p.kind == ON_ETRN) {
		p.address = str_cut(&rest, ' ');
		p.address = str_head(str_from(p.address, 1), p.address.n - 2);
	}
	p.code = (unsigned)number(str_cut(&rest, ' '));
	p.text = rest;
	o->policies[o->policy_count++] = p;
	return true;
}

static bool directive(void *e, struct str line)
{
	struct owner *o = e;
	struct str rest = line, word = str_cut(&rest, ' ');
	const struct {
		struct str name;
		size_t count;
	} counts[] = {
		{ STR("messages"), o->messages },
		{ STR("aborts"), o->aborts },
		{ STR("tarpits"), o->tarpits },
		{ STR("cancels"), o->cancels },
	};

	if (o->broken)
		return false;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		if (str_eq(word, counts[i].name))
			return counts[i].count == number(rest);
	if (str_eq(word, STR("policy")))
		return add_policy(o, rest);
	if (str_eq(word, STR("envelope")))
		return str_eq(buf_str(&o->last_envelope), rest);
	if (str_eq(word, STR("with")))
		return str_eq(buf_str(&o->with), rest);
	if (str_eq(word, STR("auth-param")))
		return str_eq(buf_str(&o->auth_param), rest);
	if (str_eq(word, STR("dsn")))
		return str_eq(buf_str(&o->dsn), rest);
	if (str_eq(word, STR("xclient")))
		return str_eq(buf_str(&o->xclient), rest);
	if (str_eq(word, STR("user")))
		return str_eq(smtpd_user(o->s), rest);
	if (str_eq(word, STR("shutdown")) || str_eq(word, STR("kick"))) {
		smtpd_shutdown(o->s, str_eq(word, STR("kick")));
		return true;
	}
	return false;
}

static struct buf *in(void *e)
{
	return smtpd_in(((struct owner *)e)->s);
}

static struct buf *out(void *e)
{
	return smtpd_out(((struct owner *)e)->s);
}

static int64_t deadline(void *e)
{
	return smtpd_deadline(((struct owner *)e)->s);
}

static void timeout(void *e)
{
	smtpd_timeout(((struct owner *)e)->s);
}

static struct buf *received(void *e)
{
	return &((struct owner *)e)->received;
}

const struct transcript_engine transcript_smtpd = {
	.directory = "smtpd",
	.create = create,
	.destroy = destroy,
	.config = config,
	.start = start,
	.in = in,
	.out = out,
	.turn = turn,
	.tls_started = tls_started,
	.deadline = deadline,
	.timeout = timeout,
	.received = received,
	.directive = directive,
};
