/* XCLIENT, as Postfix has it (XCLIENT_README): a proxy tells who its client is.  Only those hear of it
 * and may say it whom the owner trusts. */
#include "proto/path.h"
#include "proto/smtpd_int.h"

enum { NAMES_MAX = 8, VALUE_MAX = 255 };

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return str_utf8(s);
}

/* "[UNAVAILABLE]" and "[TEMPUNAVAIL]": the proxy does not know either. */
static bool is_unknown(struct str s)
{
	return str_ieq(s, STR("[UNAVAILABLE]")) || str_ieq(s, STR("[TEMPUNAVAIL]"));
}

static bool take(struct smtpd_xclient *x, struct str name, struct str value)
{
	if (value.n > VALUE_MAX)
		return false;
	if (is_unknown(value))
		value.n = 0;
	if (str_ieq(name, STR("ADDR"))) {
		x->address = str_istarts(value, STR("IPV6:")) ? str_from(value, 5) : value;
		return value.n == 0 || path_ip(x->address);
	}
	if (str_ieq(name, STR("PORT"))) {
		x->port = value;
		return value.n == 0 || path_port(value);
	}
	if (str_ieq(name, STR("HELO"))) {
		x->helo = value;
		return is_name(value);
	}
	if (str_ieq(name, STR("NAME"))) {
		x->name = value;
		return is_name(value);
	}
	if (str_ieq(name, STR("PROTO")))
		return str_ieq(value, STR("SMTP")) || str_ieq(value, STR("ESMTP"));
	/* Whoever sent it, a name without a password is nobody's.  The others tell about the proxy. */
	return str_ieq(name, STR("LOGIN")) || str_ieq(name, STR("DESTADDR")) ||
	       str_ieq(name, STR("DESTPORT"));
}

static bool parse(struct smtpd *s, struct str args, struct smtpd_xclient *x)
{
	struct str name[NAMES_MAX];
	size_t end[NAMES_MAX], n = 0, from = 0;

	buf_clear(&s->xclient_text);
	while (args.n > 0) {
		struct str value = str_cut(&args, ' ');

		if (value.n == 0)
			continue;
		if (n == NAMES_MAX || str_find(value, '=') == value.n)
			return false;
		name[n] = str_cut(&value, '=');
		if (!xtext_get(value, &s->xclient_text))
			return false;
		end[n++] = s->xclient_text.len;
	}
	for (size_t i = 0; i < n; from = end[i++])
		if (!take(x, name[i],
			    str_head(str_from(buf_str(&s->xclient_text), from), end[i] - from)))
			return false;
	return n > 0;
}

void smtpd_verb_xclient(struct smtpd *s, struct str args)
{
	struct smtpd_event ev = { 0 };

	if (!smtpd_offers(s, SMTPD_X_XCLIENT)) {
		smtpd_reply(s, 550, STR("5.7.0 not from you"));
		return;
	}
	if (!parse(s, args, &ev.xclient)) {
		smtpd_reply(s, 501, STR("5.5.4 malformed parameter"));
		return;
	}
	s->event = ev;
	smtpd_ask(s, SMTPD_ASK_XCLIENT);
}

/* The session is that of another client now: it begins with the greeting. */
void smtpd_answered_xclient(struct smtpd *s, unsigned code, struct str text)
{
	const struct smtpd_xclient *x = &s->event.xclient;

	if (code >= 400) {
		smtpd_reply(s, code, text);
		return;
	}
	smtpd_tx_end(s);
	if (x->address.n > 0) {
		buf_release(&s->address);
		buf_put(&s->address, x->address);
		s->peer.address = buf_str(&s->address);
	}
	buf_release(&s->helo);
	buf_release(&s->proxied_helo);
	buf_put(&s->proxied_helo, x->helo);
	buf_release(&s->user);
	s->esmtp = s->authenticated = false;
	s->errors = s->junk = s->transactions = 0;
	s->fresh_ms = s->now_ms;
	smtpd_put_greeting(s);
}
