/* The session: life, replies, the owner's questions and answers, and the loop between them. */
#include <stdlib.h>

#include "base/mem.h"
#include "proto/smtpd_int.h"

struct smtpd *smtpd_new(
	const struct smtpd_config *config, const struct smtpd_peer *peer, int64_t now_ms)
{
	struct smtpd *s = NEW(struct smtpd);

	s->config = config;
	s->peer = *peer;
	buf_put(&s->address, peer->address);
	s->peer.address = buf_str(&s->address);
	s->in.max = SMTPD_IN_MAX;
	s->in.secret = s->auth.secret = true;
	s->now_ms = s->started_ms = s->fresh_ms = s->active_ms = now_ms;
	return s;
}

void smtpd_free(struct smtpd *s)
{
	if (s == NULL)
		return;
	smtpd_tx_drop(s);
	buf_deinit(&s->address);
	buf_wipe(&s->in);
	buf_deinit(&s->out);
	buf_deinit(&s->helo);
	buf_deinit(&s->proxied_helo);
	buf_deinit(&s->xclient_text);
	buf_deinit(&s->user);
	buf_deinit(&s->origin);
	buf_wipe(&s->auth);
	free(s);
}

void smtpd_put_reply(struct smtpd *s, unsigned code, struct str text)
{
	buf_putu(&s->out, code);
	buf_putc(&s->out, ' ');
	buf_put_safe(&s->out, text);
	buf_put(&s->out, STR("\r\n"));
}

void smtpd_dismiss(struct smtpd *s, unsigned code, struct str text)
{
	smtpd_put_reply(s, code, text);
	smtpd_close(s);
}

/* Every refusal goes against the error budget: first it costs time, then the session. */
void smtpd_reply(struct smtpd *s, unsigned code, struct str text)
{
	if (code >= 500 && ++s->errors >= s->config->errors_hard) {
		smtpd_dismiss(s, 421, STR("4.7.0 too many errors"));
		return;
	}
	smtpd_put_reply(s, code, text);
	if (code >= 500 && s->errors >= s->config->errors_soft) {
		s->tarpit_ms = SMTPD_TARPIT_MS;
		s->owed |= OWED_TARPIT;
	}
	if (code == 421)
		smtpd_close(s);
}

void smtpd_close(struct smtpd *s)
{
	if (s->input == IN_NONE)
		return;
	smtpd_tx_end(s);
	s->input = IN_NONE;
	s->asking = false;
	s->owed |= OWED_CLOSE;
	buf_wipe(&s->in);
	smtpd_auth_reset(s);
}

void smtpd_put_greeting(struct smtpd *s)
{
	bool lmtp = s->peer.role == SMTPD_LMTP;

	buf_put(&s->out, STR("220 "));
	buf_put(&s->out, s->config->hostname);
	buf_put(&s->out, lmtp ? STR(" LMTP ready\r\n") : STR(" ESMTP ready\r\n"));
}

void smtpd_greet(struct smtpd *s)
{
	s->greeted = true;
	if (s->in.len > 0) {
		/* RFC 5321 4.3.1: the client waits for the greeting. */
		smtpd_dismiss(s, 554, STR("5.5.0 you spoke before the greeting"));
		return;
	}
	smtpd_put_greeting(s);
}

void smtpd_tx_begin(struct smtpd *s)
{
	s->tx = NEW(struct smtpd_transaction);
}

void smtpd_tx_drop(struct smtpd *s)
{
	if (s->tx == NULL)
		return;
	buf_deinit(&s->tx->text);
	buf_deinit(&s->tx->fail_text);
	free(s->tx);
	s->tx = NULL;
}

void smtpd_tx_end(struct smtpd *s)
{
	if (s->tx != NULL)
		s->owed |= OWED_ABORT;
	smtpd_tx_drop(s);
}

enum smtpd_state smtpd_state(const struct smtpd *s)
{
	if (s->tx == NULL)
		return s->helo.len == 0 ? S_FRESH : S_READY;
	if (s->tx->chunks)
		return S_CHUNKS;
	return s->tx->pub.accepted > 0 ? S_RCPT : S_MAIL;
}

void smtpd_ask(struct smtpd *s, enum smtpd_event_type type)
{
	s->event.type = type;
	s->asking = true;
	s->asked_told = false;
}

struct buf *smtpd_in(struct smtpd *s)
{
	return &s->in;
}

struct buf *smtpd_out(struct smtpd *s)
{
	return &s->out;
}

bool smtpd_wants_input(const struct smtpd *s)
{
	if (s->input == IN_NONE || s->input == IN_TLS || s->asking || s->owed != 0)
		return false;
	return s->out.len <= SMTPD_OUT_MARK && s->in.len < s->in.max;
}

static size_t line_max(const struct smtpd *s)
{
	if (s->input == IN_AUTH || str_istarts(buf_str(&s->in), STR("AUTH ")))
		return SMTPD_AUTH_LINE_MAX;
	return s->config->command_line_max;
}

static bool line_step(struct smtpd *s)
{
	enum line_result result;
	struct line line;

	if (s->stopping) {
		smtpd_dismiss(s, 421,
			s->kicked ? STR("4.3.2 the administrator ended this session")
				  : STR("4.3.2 the server is stopping, please come back"));
		return true;
	}
	result = line_cut(&s->cutter, &s->in, line_max(s), &line);
	if (result == LINE_MORE)
		return false;
	s->active_ms = s->now_ms;
	if (s->input == IN_AUTH) {
		line.odd = line.odd || result == LINE_LONG;
		smtpd_auth_line(s, line);
	} else if (result == LINE_LONG) {
		smtpd_reply(s, 500, STR("5.5.2 line too long"));
	} else {
		smtpd_command(s, line);
	}
	return true;
}

/* One command line, or one stretch of a body.  False: needs input. */
static bool step(struct smtpd *s)
{
	switch (s->input) {
	case IN_COMMANDS:
	case IN_AUTH: return line_step(s);
	case IN_DATA:
	case IN_BDAT: return smtpd_body_step(s);
	case IN_TLS:
	case IN_NONE: return false;
	}
	return false;
}

static bool tell_owed(struct smtpd *s, struct smtpd_event *ev)
{
	static const struct {
		unsigned owed;
		enum smtpd_event_type type;
	} order[] = {
		{ OWED_AUTH_CANCEL, SMTPD_EV_AUTH_CANCEL },
		{ OWED_ABORT, SMTPD_EV_ABORT },
		{ OWED_TARPIT, SMTPD_EV_TARPIT },
		{ OWED_STARTTLS, SMTPD_EV_STARTTLS },
		{ OWED_CLOSE, SMTPD_EV_CLOSE },
	};

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if ((s->owed & order[i].owed) != 0) {
			s->owed &= ~order[i].owed;
			ev->type = order[i].type;
			ev->arg_ms = ev->type == SMTPD_EV_TARPIT ? s->tarpit_ms : 0;
			return true;
		}
	return false;
}

bool smtpd_next(struct smtpd *s, int64_t now_ms, struct smtpd_event *ev)
{
	*ev = (struct smtpd_event){ 0 };
	s->now_ms = now_ms;
	if (!s->greeted)
		return false;
	do {
		if (tell_owed(s, ev))
			return true;
		if (s->asking) {
			if (s->asked_told)
				return false;
			s->asked_told = true;
			*ev = s->event;
			return true;
		}
	} while (s->out.len <= SMTPD_OUT_MARK && step(s));
	/* An idle session keeps no buffers. */
	if (s->in.len == 0 && (s->input == IN_COMMANDS || s->input == IN_AUTH))
		buf_release(&s->in);
	if (s->out.len == 0)
		buf_release(&s->out);
	return false;
}

void smtpd_answer(struct smtpd *s, unsigned code, struct str text)
{
	enum smtpd_event_type asked = s->event.type;

	if (!s->asking)
		return;
	if (asked == SMTPD_ASK_AUTH || asked == SMTPD_ASK_AUTH_MORE) {
		smtpd_auth_failed(s, 454, STR("4.7.0 try later")); /* not the way to answer these */
		return;
	}
	s->asking = false;
	s->active_ms = s->now_ms;
	switch (asked) {
	case SMTPD_ASK_ETRN: smtpd_answered_etrn(s, code, text); break;
	case SMTPD_ASK_XCLIENT: smtpd_answered_xclient(s, code, text); break;
	case SMTPD_ASK_MAIL: smtpd_answered_mail(s, code, text); break;
	case SMTPD_ASK_RCPT: smtpd_answered_rcpt(s, code, text); break;
	case SMTPD_ASK_DATA: smtpd_answered_data(s, code, text); break;
	case SMTPD_ASK_BODY: smtpd_answered_body(s, code, text); break;
	case SMTPD_ASK_COMMIT: smtpd_answered_commit(s, code, text); break;
	case SMTPD_ASK_AUTH:
	case SMTPD_ASK_AUTH_MORE:
	case SMTPD_EV_STARTTLS:
	case SMTPD_EV_TARPIT:
	case SMTPD_EV_ABORT:
	case SMTPD_EV_CLOSE:
	case SMTPD_EV_AUTH_CANCEL: break; /* no questions */
	}
}

void smtpd_answer_recipient(struct smtpd *s, unsigned code, struct str text)
{
	if (!s->asking || s->event.type != SMTPD_ASK_COMMIT || s->peer.role != SMTPD_LMTP)
		return;
	s->active_ms = s->now_ms;
	smtpd_answered_recipient(s, code, text);
	if (s->tx == NULL)
		s->asking = false;
}

/* RFC 3207 4.2: back to the state after the greeting; nothing said in the clear counts. */
void smtpd_tls_started(struct smtpd *s, bool channel_binding, int64_t now_ms)
{
	if (s->input != IN_TLS)
		return;
	smtpd_tx_end(s);
	smtpd_auth_reset(s);
	buf_release(&s->helo);
	buf_release(&s->user);
#ifndef MUTANT_KEEP_INPUT
	buf_wipe(&s->in);
#endif
	s->cutter = (struct line_cutter){ 0 };
	s->esmtp = s->authenticated = false;
	s->peer.tls_active = true;
	s->peer.channel_binding = channel_binding;
	s->now_ms = s->fresh_ms = s->active_ms = now_ms;
	s->input = IN_COMMANDS;
}

void smtpd_certificate_shown(struct smtpd *s)
{
	s->peer.certificate = true;
}

const struct smtpd_tx *smtpd_tx(const struct smtpd *s)
{
	return s->tx == NULL ? NULL : &s->tx->pub;
}

struct str smtpd_helo(const struct smtpd *s)
{
	return s->proxied_helo.len > 0 ? buf_str(&s->proxied_helo) : buf_str(&s->helo);
}

void smtpd_local(struct smtpd *s, struct str user, struct str origin)
{
	buf_put(&s->user, user);
	buf_put(&s->origin, origin);
	s->authenticated = true;
}

struct str smtpd_user(const struct smtpd *s)
{
	return s->authenticated ? buf_str(&s->user) : STR("");
}

/* The registry of RFC 3848, with the rows of RFC 6531 4.3. */
struct str smtpd_with(const struct smtpd *s)
{
	/* LMTP, UTF8, TLS, authenticated */
	static const struct str types[2][2][2][2] = {
		{ { { STR_INIT("ESMTP"), STR_INIT("ESMTPA") },
			  { STR_INIT("ESMTPS"), STR_INIT("ESMTPSA") } },
			{ { STR_INIT("UTF8SMTP"), STR_INIT("UTF8SMTPA") },
				{ STR_INIT("UTF8SMTPS"), STR_INIT("UTF8SMTPSA") } } },
		{ { { STR_INIT("LMTP"), STR_INIT("LMTPA") },
			  { STR_INIT("LMTPS"), STR_INIT("LMTPSA") } },
			{ { STR_INIT("UTF8LMTP"), STR_INIT("UTF8LMTPA") },
				{ STR_INIT("UTF8LMTPS"), STR_INIT("UTF8LMTPSA") } } },
	};
	bool utf8 = s->tx != NULL && s->tx->pub.smtputf8;

	if (!s->esmtp)
		return STR("SMTP");
	return types[s->peer.role == SMTPD_LMTP][utf8][s->peer.tls_active][s->authenticated];
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t smtpd_deadline(const struct smtpd *s)
{
	const struct smtpd_config *c = s->config;
	int64_t at = s->started_ms + c->session_max_ms;

	if (s->asking || s->input == IN_NONE)
		return INT64_MAX; /* the owner's turn, not the client's */
	if (s->input == IN_TLS || s->helo.len == 0 ||
		(s->peer.role == SMTPD_SUBMISSION && s->peer.tls_available && !s->peer.tls_active &&
			!c->cleartext_auth))
		at = least(at, s->fresh_ms + c->greet_timeout_ms);
	if (s->input == IN_DATA || s->input == IN_BDAT)
		return least(at, s->active_ms + c->data_timeout_ms);
	return least(at, s->active_ms + c->command_timeout_ms);
}

void smtpd_timeout(struct smtpd *s)
{
	if (s->input == IN_NONE || s->asking)
		return;
	/* During a handshake nothing in the clear may be sent. */
	if (s->input != IN_TLS)
		smtpd_put_reply(s, 421, STR("4.4.2 timed out"));
	smtpd_close(s);
}

void smtpd_shutdown(struct smtpd *s, bool kicked)
{
	s->kicked = kicked;
	s->stopping = true;
}
