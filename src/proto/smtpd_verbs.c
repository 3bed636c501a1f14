/* The commands of RFC 5321 4.1.1 and who may say them when. */
#include "proto/smtpd_int.h"

enum {
	ANYTIME = S_FRESH | S_READY | S_MAIL | S_RCPT | S_CHUNKS,
	NO_MAIL = S_FRESH | S_READY,
	MX = 1 << SMTPD_MX,
	SMTP = 1 << SMTPD_MX | 1 << SMTPD_SUBMISSION,
	LMTP = 1 << SMTPD_LMTP,
	ALL = SMTP | LMTP,
};

struct verb {
	struct str name;
	unsigned in;    /* enum smtpd_state */
	unsigned roles; /* bits of enum smtpd_role; for others there is no such command */
	bool junk;      /* makes no progress: too many of these count as errors */
	void (*run)(struct smtpd *s, struct str args);
};

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return str_utf8(s);
}

/* RFC 5321 4.1.4: a new HELO or EHLO ends a transaction as RSET does, but only when it is good. */
static bool hello(struct smtpd *s, struct str args, bool esmtp)
{
	if (args.n == 0 || args.n > SMTPD_HELO_MAX || !is_printable(args)) {
		smtpd_reply(s, 501, STR("5.5.4 a host name is missing or malformed"));
		return false;
	}
	smtpd_tx_end(s);
	buf_release(&s->helo);
	buf_put(&s->helo, args);
	s->esmtp = esmtp;
	return true;
}

/* RFC 2920 3.1: EHLO is the last of a group, and nobody who did not see PIPELINING may send groups.
 * What strangers' servers never do, scripts that send junk do.  A mail client that a person waits
 * for is forgiven. */
static bool too_early(struct smtpd *s)
{
	if (s->peer.role != SMTPD_MX || s->in.len == 0)
		return false;
	smtpd_dismiss(s, 554, STR("5.5.0 you spoke before the reply"));
	return true;
}

static void verb_helo(struct smtpd *s, struct str args)
{
	if (too_early(s))
		return;
	if (!hello(s, args, false))
		return;
	buf_put(&s->out, STR("250 "));
	buf_put(&s->out, s->config->hostname);
	buf_put(&s->out, STR("\r\n"));
}

static void verb_ehlo(struct smtpd *s, struct str args)
{
	if (!too_early(s) && hello(s, args, true))
		smtpd_ehlo_reply(s);
}

static bool no_args(struct smtpd *s, struct str args)
{
	if (args.n > 0)
		smtpd_reply(s, 501, STR("5.5.4 no parameter is allowed here"));
	return args.n == 0;
}

static void verb_rset(struct smtpd *s, struct str args)
{
	if (!no_args(s, args))
		return;
	smtpd_tx_end(s);
	smtpd_reply(s, 250, STR("2.0.0 reset"));
}

static void verb_noop(struct smtpd *s, struct str args)
{
	(void)args; /* RFC 5321 4.1.1.9: ignored */
	smtpd_reply(s, 250, STR("2.0.0 ok"));
}

static void verb_quit(struct smtpd *s, struct str args)
{
	if (!no_args(s, args))
		return;
	smtpd_dismiss(s, 221, STR("2.0.0 goodbye"));
}

/* RFC 5321 3.5.3 and 7.3: 252 tells nobody who lives here. */
static void verb_vrfy(struct smtpd *s, struct str args)
{
	if (args.n == 0)
		smtpd_reply(s, 501, STR("5.5.4 expected a name"));
	else
		smtpd_reply(s, 252, STR("2.0.0 send mail and see"));
}

static void verb_expn(struct smtpd *s, struct str args)
{
	(void)args;
	smtpd_reply(s, 502, STR("5.5.1 no lists are told"));
}

static void verb_help(struct smtpd *s, struct str args)
{
	(void)args;
	smtpd_reply(s, 214, STR("2.0.0 see RFC 5321"));
}

static void verb_starttls(struct smtpd *s, struct str args)
{
	if (!no_args(s, args))
		return;
	if (s->peer.tls_active) {
		smtpd_reply(s, 503, STR("5.5.1 TLS is active already"));
		return;
	}
	if (!smtpd_offers(s, SMTPD_X_STARTTLS)) {
		smtpd_reply(s, 502, STR("5.5.1 no TLS here"));
		return;
	}
	smtpd_reply(s, 220, STR("2.0.0 ready for TLS"));
	/* RFC 3207 4.2; what is in the buffer was said in the clear and is never run (RFC 3207 6). */
#ifndef MUTANT_KEEP_INPUT
	buf_wipe(&s->in);
#endif
	s->cutter = (struct line_cutter){ 0 };
	s->input = IN_TLS;
	s->owed |= OWED_STARTTLS;
}

/* A browser was talked into speaking to a mail server: its headers and body may hold commands. */
static void verb_http(struct smtpd *s, struct str args)
{
	(void)args;
	smtpd_dismiss(s, 421, STR("4.7.0 this is a mail server"));
}

/* RFC 1985 5.1: a node, @ and a domain with all below it, or # and a name that only its server knows. */
static void verb_etrn(struct smtpd *s, struct str args)
{
	struct smtpd_event ev = { .below = str_starts(args, STR("@")) };

	ev.path = str_from(args, ev.below ? 1 : 0);
	if (!smtpd_offers(s, SMTPD_X_ETRN))
		smtpd_reply(s, 459, STR("4.7.1 not allowed for you"));
	else if (str_starts(args, STR("#")))
		smtpd_reply(s, 458, STR("4.5.0 there is no such queue"));
	else if (ev.path.n == 0 || ev.path.n > SMTPD_HELO_MAX || !is_printable(ev.path))
		smtpd_reply(s, 501, STR("5.5.4 expected a domain"));
	else {
		s->event = ev;
		smtpd_ask(s, SMTPD_ASK_ETRN);
	}
}

void smtpd_answered_etrn(struct smtpd *s, unsigned code, struct str text)
{
	smtpd_reply(s, code == 0 ? 250 : code, code == 0 ? STR("2.0.0 queuing started") : text);
}

static const struct verb verbs[] = {
	{ STR_INIT("EHLO"), ANYTIME, SMTP, true, verb_ehlo },
	{ STR_INIT("HELO"), ANYTIME, SMTP, true, verb_helo },
	{ STR_INIT("LHLO"), ANYTIME, LMTP, true, verb_ehlo },
	{ STR_INIT("MAIL"), S_READY, ALL, false, smtpd_verb_mail },
	{ STR_INIT("RCPT"), S_MAIL | S_RCPT, ALL, false, smtpd_verb_rcpt },
	{ STR_INIT("DATA"), S_RCPT, ALL, false, smtpd_verb_data },
	{ STR_INIT("BDAT"), ANYTIME, ALL, false, smtpd_verb_bdat }, /* its octets follow anyway */
	{ STR_INIT("RSET"), ANYTIME, ALL, true, verb_rset },
	{ STR_INIT("NOOP"), ANYTIME, ALL, true, verb_noop },
	{ STR_INIT("QUIT"), ANYTIME, ALL, false, verb_quit },
	{ STR_INIT("VRFY"), ANYTIME, ALL, true, verb_vrfy },
	{ STR_INIT("EXPN"), ANYTIME, ALL, true, verb_expn },
	{ STR_INIT("HELP"), ANYTIME, ALL, true, verb_help },
	{ STR_INIT("STARTTLS"), NO_MAIL, ALL, false, verb_starttls },
	{ STR_INIT("AUTH"), S_READY, ALL, false, smtpd_verb_auth },
	{ STR_INIT("ETRN"), S_READY, MX, true, verb_etrn }, /* RFC 6409 7 */
	{ STR_INIT("XCLIENT"), NO_MAIL, ALL, false, smtpd_verb_xclient },
	{ STR_INIT("GET"), ANYTIME, ALL, false, verb_http },
	{ STR_INIT("POST"), ANYTIME, ALL, false, verb_http },
	{ STR_INIT("PUT"), ANYTIME, ALL, false, verb_http },
	{ STR_INIT("HEAD"), ANYTIME, ALL, false, verb_http },
	{ STR_INIT("OPTIONS"), ANYTIME, ALL, false, verb_http },
	{ STR_INIT("CONNECT"), ANYTIME, ALL, false, verb_http },
};

static const struct verb *find_verb(enum smtpd_role role, struct str name)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (verbs[i].name.n == name.n && str_ieq(verbs[i].name, name) &&
			(verbs[i].roles & 1u << role) != 0)
			return &verbs[i];
	return NULL;
}

static struct str refusal_of_order(const struct smtpd *s, const struct verb *verb)
{
	switch (smtpd_state(s)) {
	case S_FRESH:
		return s->peer.role == SMTPD_LMTP ? STR("5.5.1 say LHLO first")
						  : STR("5.5.1 say EHLO first");
	case S_READY: return STR("5.5.1 say MAIL first");
	case S_MAIL:
		if ((verb->in & S_RCPT) != 0)
			return STR("5.5.1 no recipient was accepted");
		break;
	case S_RCPT:
	case S_CHUNKS: break;
	}
	return STR("5.5.1 not within a transaction");
}

/* RFC 5321 4.1.1 asks to take white space before CRLF. */
static struct str trim_end(struct str s)
{
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

void smtpd_command(struct smtpd *s, struct line line)
{
	struct str args = trim_end(line.text), name = str_cut(&args, ' ');
	const struct verb *verb = find_verb(s->peer.role, name);

	if (line.odd) {
		smtpd_reply(s, 500, STR("5.5.2 bare CR, LF or NUL in a command"));
		return;
	}
	if (verb == NULL) {
		smtpd_reply(s, 500, STR("5.5.1 unknown command"));
		return;
	}
	if (verb->junk && ++s->junk > SMTPD_JUNK_MAX && ++s->errors >= s->config->errors_hard) {
		smtpd_dismiss(s, 421, STR("4.7.0 too many commands without mail"));
		return;
	}
	if ((verb->in & smtpd_state(s)) == 0)
		smtpd_reply(s, 503, refusal_of_order(s, verb));
	else
		verb->run(s, args);
}
