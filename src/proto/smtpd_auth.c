/* AUTH (RFC 4954).  The engine frames and decodes; what the octets mean is the owner's affair. */
#include "base/codec.h"
#include "base/mem.h"
#include "proto/smtpd_int.h"

/* The octets of s lie in the input buffer and may hold a password. */
static void wipe_line(struct smtpd *s, struct str line)
{
	if (s->in.data != NULL && line.n > 0)
		mem_wipe(s->in.data + (line.p - s->in.data), line.n);
}

void smtpd_auth_reset(struct smtpd *s)
{
	buf_wipe(&s->auth);
	if (s->input == IN_AUTH)
		s->input = IN_COMMANDS;
}

/* The exchange is over and the owner is told to forget it. */
static void cancel(struct smtpd *s, unsigned code, struct str text)
{
	smtpd_auth_reset(s);
	s->owed |= OWED_AUTH_CANCEL;
	smtpd_reply(s, code, text);
}

/* "mechanism" is one of a list of names with a space between. */
static bool in_list(struct str list, struct str mechanism)
{
	while (list.n > 0)
		if (str_ieq(str_cut(&list, ' '), mechanism))
			return true;
	return false;
}

void smtpd_mechanisms(const struct smtpd *s, struct str lists[SMTPD_LISTS])
{
	const struct smtpd_config *c = s->config;
	bool tls = s->peer.tls_active;

	lists[0] = tls || c->cleartext_auth ? c->mechanisms : STR("");
	lists[1] = tls && s->peer.channel_binding ? c->mechanisms_plus : STR("");
	lists[2] = tls && s->peer.certificate ? c->mechanisms_certificate : STR("");
}

static bool is_offered(const struct smtpd *s, struct str mechanism)
{
	struct str lists[SMTPD_LISTS];

	smtpd_mechanisms(s, lists);
	for (size_t i = 0; i < SMTPD_LISTS; i++)
		if (mechanism.n > 0 && in_list(lists[i], mechanism))
			return true;
	return false;
}

static bool may_authenticate(struct smtpd *s)
{
	const struct smtpd_config *c = s->config;
	bool none = c->mechanisms.n + c->mechanisms_plus.n + c->mechanisms_certificate.n == 0;

	if (s->peer.role != SMTPD_SUBMISSION || none || (s->peer.discard & SMTPD_X_AUTH) != 0)
		smtpd_reply(s, 502, STR("5.5.1 no authentication here"));
	else if (s->authenticated)
		smtpd_reply(s, 503, STR("5.5.1 authenticated already")); /* RFC 4954 4 */
	else if (!s->peer.tls_active && !c->cleartext_auth)
		smtpd_reply(s, 538, STR("5.7.11 encryption required: say STARTTLS first"));
	else
		return true;
	return false;
}

void smtpd_verb_auth(struct smtpd *s, struct str args)
{
	struct str response = args, mechanism = str_cut(&response, ' ');
	bool has_data = mechanism.n < args.n, good;

	if (!may_authenticate(s)) {
		wipe_line(s, response);
		return;
	}
	if (!is_offered(s, mechanism)) {
		wipe_line(s, response);
		smtpd_reply(s, mechanism.n == 0 ? 501 : 504,
			mechanism.n == 0 ? STR("5.5.4 expected a mechanism")
					 : STR("5.5.4 mechanism not offered"));
		return;
	}
	/* RFC 4954 4: "=" is an initial response of no octets. */
	good = !has_data || str_eq(response, STR("=")) || base64_get(response, &s->auth);
	wipe_line(s, response);
	if (!good) {
		smtpd_auth_reset(s);
		smtpd_reply(s, 501, STR("5.5.2 malformed base64"));
		return;
	}
	s->event = (struct smtpd_event){
		.mechanism = mechanism, .data = buf_str(&s->auth), .has_data = has_data
	};
	smtpd_ask(s, SMTPD_ASK_AUTH);
}

/* A line while a SASL exchange is open.  odd: over-long too. */
void smtpd_auth_line(struct smtpd *s, struct line line)
{
	if (line.odd) {
		wipe_line(s, line.text);
		cancel(s, 500, STR("5.5.6 authentication line malformed or too long"));
	} else if (str_eq(line.text, STR("*"))) {
		cancel(s, 501, STR("5.7.0 authentication cancelled"));
	} else {
		bool good = base64_get(line.text, &s->auth);

		wipe_line(s, line.text);
		if (!good) {
			cancel(s, 501, STR("5.5.2 malformed base64"));
			return;
		}
		s->event = (struct smtpd_event){ .data = buf_str(&s->auth), .has_data = true };
		smtpd_ask(s, SMTPD_ASK_AUTH_MORE);
	}
}

static bool answered(struct smtpd *s)
{
	if (!s->asking || (s->event.type != SMTPD_ASK_AUTH && s->event.type != SMTPD_ASK_AUTH_MORE))
		return false;
	s->asking = false;
	s->active_ms = s->now_ms;
	buf_wipe(&s->auth);
	return true;
}

static void put_challenge(struct smtpd *s, struct str challenge)
{
	buf_put(&s->out, STR("334 "));
	base64_put(&s->out, challenge);
	buf_put(&s->out, STR("\r\n"));
	s->input = IN_AUTH;
}

void smtpd_auth_challenge(struct smtpd *s, struct str challenge)
{
	if (answered(s))
		put_challenge(s, challenge);
}

void smtpd_auth_ok(struct smtpd *s, struct str user)
{
	if (!answered(s))
		return;
	buf_release(&s->user);
	buf_put(&s->user, user);
	smtpd_auth_reset(s);
	s->authenticated = true;
	smtpd_reply(s, 235, STR("2.7.0 authenticated"));
}

void smtpd_auth_failed(struct smtpd *s, unsigned code, struct str text)
{
	if (!answered(s))
		return;
	smtpd_auth_reset(s);
	smtpd_reply(s, code, text);
}
