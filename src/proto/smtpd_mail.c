/* MAIL and RCPT: grammar, parameters, and what the server can say about them by itself. */
#include "proto/path.h"
#include "proto/smtpd_int.h"

enum mail_param { P_SIZE = 1, P_BODY = 2, P_SMTPUTF8 = 4, P_AUTH = 8 };

struct mail {
	struct path path;
	struct smtpd_tx tx;
	struct str auth; /* xtext */
	unsigned seen;   /* enum mail_param */
};

struct refusal { /* code 0: none */
	unsigned code;
	struct str text;
};

static const struct refusal bad_param = { 501, STR_INIT("5.5.4 malformed parameter") };
static const struct refusal unknown_param = { 555, STR_INIT("5.5.4 unknown parameter") };

/* RFC 1870 3: up to 20 digits.  More than 64 bits hold is too big like anything else. */
static struct refusal param_size(struct mail *m, struct str value)
{
	if (value.n == 0 || value.n > 20)
		return bad_param;
	for (size_t i = 0; i < value.n; i++)
		if (!ascii_digit(value.p[i]))
			return bad_param;
	if (!str_u64(value, &m->tx.size))
		m->tx.size = UINT64_MAX;
	return (struct refusal){ 0 };
}

static struct refusal param_body(struct mail *m, struct str value)
{
	m->tx.eightbit = str_ieq(value, STR("8BITMIME"));
	if (!m->tx.eightbit && !str_ieq(value, STR("7BIT")))
		return bad_param; /* BINARYMIME is not offered */
	return (struct refusal){ 0 };
}

/* RFC 4954 5: a mailbox or "<>" as xtext. */
static struct refusal param_auth(struct mail *m, struct str value)
{
	struct refusal refusal = { 0 };
	struct path path;
	struct buf plain;

	buf_init(&plain, 0);
	if (!xtext_get(value, &plain) ||
		(!str_eq(buf_str(&plain), STR("<>")) && !path_mailbox(buf_str(&plain), &path)))
		refusal = bad_param;
	m->auth = value;
	buf_deinit(&plain);
	return refusal;
}

static enum mail_param known_param(const struct smtpd *s, struct str keyword)
{
	if (str_ieq(keyword, STR("SIZE")))
		return P_SIZE;
	if (str_ieq(keyword, STR("BODY")))
		return P_BODY;
	if (str_ieq(keyword, STR("SMTPUTF8")) && s->config->smtputf8)
		return P_SMTPUTF8;
	if (str_ieq(keyword, STR("AUTH")) && smtpd_offers_auth(s))
		return P_AUTH;
	return 0;
}

static struct refusal take_param(const struct smtpd *s, struct mail *m, struct param p)
{
	enum mail_param param = known_param(s, p.keyword);

	if (param == 0)
		return unknown_param;
	if ((m->seen & param) != 0 || p.has_value == (param == P_SMTPUTF8))
		return bad_param;
	m->seen |= param;
	switch (param) {
	case P_SIZE: return param_size(m, p.value);
	case P_BODY: return param_body(m, p.value);
	case P_AUTH: return param_auth(m, p.value);
	case P_SMTPUTF8: m->tx.smtputf8 = true; break;
	}
	return (struct refusal){ 0 };
}

/* Cuts "FROM:" or "TO:".  RFC 5321 3.3 forbids the space that many clients send after it; nothing
 * can be mistaken by taking it. */
static bool cut_keyword(struct str *args, struct str keyword)
{
	if (!str_istarts(*args, keyword))
		return false;
	*args = str_from(*args, keyword.n);
	while (str_starts(*args, STR(" ")))
		*args = str_from(*args, 1);
	return true;
}

static struct refusal parse_mail(const struct smtpd *s, struct str args, struct mail *m)
{
	enum param_result result;
	struct refusal refusal;
	struct param p;

	if (!cut_keyword(&args, STR("FROM:")))
		return (struct refusal){ 501, STR_INIT("5.5.2 expected MAIL FROM:<address>") };
	if (!path_cut(&args, PATH_REVERSE, &m->path))
		return (struct refusal){ 501, STR_INIT("5.1.7 malformed sender address") };
	while ((result = param_cut(&args, &p)) == PARAM_CUT) {
		refusal = take_param(s, m, p);
		if (refusal.code != 0)
			return refusal;
	}
	if (result == PARAM_BAD)
		return bad_param;
	/* RFC 6531 3.5 */
	if (m->path.utf8 && !m->tx.smtputf8)
		return (struct refusal){ 550, STR_INIT("5.6.7 this address needs SMTPUTF8") };
	if (m->tx.size > s->config->message_size_limit)
		return (struct refusal){ 552, STR_INIT("5.3.4 message too big") };
	return (struct refusal){ 0 };
}

/* RFC 4954 6, RFC 3207 4: nothing is submitted before TLS and a name. */
static struct refusal may_send(const struct smtpd *s)
{
	if (s->peer.role != SMTPD_SUBMISSION || s->authenticated)
		return (struct refusal){ 0 };
	if (!s->peer.tls_active && !s->config->cleartext_auth)
		return (struct refusal){ 530, STR_INIT("5.7.0 say STARTTLS first") };
	return (struct refusal){ 530, STR_INIT("5.7.0 authentication required") };
}

static void begin(struct smtpd *s, const struct mail *m)
{
	struct smtpd_transaction *tx;

	smtpd_tx_begin(s);
	tx = s->tx;
	tx->pub = m->tx;
	buf_put(&tx->text, m->path.mailbox);
	if ((m->seen & P_AUTH) != 0)
		xtext_get(m->auth, &tx->text);
	tx->pub.reverse_path = str_head(buf_str(&tx->text), m->path.mailbox.n);
	tx->pub.auth = str_from(buf_str(&tx->text), m->path.mailbox.n);
}

void smtpd_verb_mail(struct smtpd *s, struct str args)
{
	struct refusal refusal = may_send(s);
	struct mail m = { 0 };

	if (refusal.code == 0)
		refusal = parse_mail(s, args, &m);
	if (refusal.code != 0) {
		smtpd_reply(s, refusal.code, refusal.text);
		return;
	}
	begin(s, &m);
	s->event = (struct smtpd_event){ .path = s->tx->pub.reverse_path };
	smtpd_ask(s, SMTPD_ASK_MAIL);
}

void smtpd_answered_mail(struct smtpd *s, unsigned code, struct str text)
{
	smtpd_reply(s, code == 0 ? 250 : code, code == 0 ? STR("2.1.0 sender ok") : text);
	if (code >= 400)
		smtpd_tx_end(s);
}

static struct refusal parse_rcpt(const struct smtpd *s, struct str args, struct path *path)
{
	struct param p;

	if (!cut_keyword(&args, STR("TO:")))
		return (struct refusal){ 501, STR_INIT("5.5.2 expected RCPT TO:<address>") };
	if (!path_cut(&args, PATH_FORWARD, path))
		return (struct refusal){ 501, STR_INIT("5.1.3 malformed recipient address") };
	switch (param_cut(&args, &p)) {
	case PARAM_END: break;
	case PARAM_CUT: return unknown_param;
	case PARAM_BAD: return bad_param;
	}
	if (path->utf8 && !s->tx->pub.smtputf8)
		return (struct refusal){ 553, STR_INIT("5.6.7 this address needs SMTPUTF8") };
	/* RFC 5321 4.5.3.1.10: 452, so that the rest is sent again. */
	if (s->tx->pub.accepted >= s->config->recipients_max)
		return (struct refusal){ 452, STR_INIT("4.5.3 too many recipients") };
	return (struct refusal){ 0 };
}

void smtpd_verb_rcpt(struct smtpd *s, struct str args)
{
	struct path path;
	struct refusal refusal = parse_rcpt(s, args, &path);

	if (refusal.code != 0) {
		smtpd_reply(s, refusal.code, refusal.text);
		return;
	}
	s->event = (struct smtpd_event){ .path = path.mailbox };
	smtpd_ask(s, SMTPD_ASK_RCPT);
}

void smtpd_answered_rcpt(struct smtpd *s, unsigned code, struct str text)
{
	if (code < 400)
		s->tx->pub.accepted++;
	smtpd_reply(s, code == 0 ? 250 : code, code == 0 ? STR("2.1.5 recipient ok") : text);
}
