/* MAIL and RCPT: grammar, parameters, and what the server can say about them by itself. */
#include "proto/path.h"
#include "proto/smtpd_int.h"
#include "proto/verp.h"

enum mail_param {
	P_SIZE = 1,
	P_BODY = 2,
	P_SMTPUTF8 = 4,
	P_AUTH = 8,
	P_RET = 16,
	P_ENVID = 32,
	P_REQUIRETLS = 64,
	P_HOLD = 128, /* one of two (RFC 4865 4.1) */
	P_HOLDUNTIL = 256,
	P_XVERP = 512,
};

enum rcpt_param { R_NOTIFY = 1, R_ORCPT = 2 };

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

static bool two_digits(struct str *s, char end, unsigned most, unsigned *out)
{
	if (s->n < 2 || !ascii_digit(s->p[0]) || !ascii_digit(s->p[1]))
		return false;
	*out = (unsigned)(s->p[0] - '0') * 10 + (unsigned)(s->p[1] - '0');
	*s = str_from(*s, 2);
	if (end != '\0' && (s->n == 0 || s->p[0] != end))
		return false;
	*s = str_from(*s, end != '\0');
	return *out <= most;
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_from(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* RFC 3339 5.6 as RFC 4865 3 wants it: "2026-11-22T07:00:00Z" or with "+01:00". */
static bool date_time(struct str s, int64_t *ms)
{
	unsigned century, year, month, day, hour, minute, second, off_h = 0, off_m = 0;
	int64_t sign = 0;

	if (!two_digits(&s, '\0', 99, &century) || !two_digits(&s, '-', 99, &year) ||
		!two_digits(&s, '-', 12, &month) || !two_digits(&s, '\0', 31, &day) || s.n == 0 ||
		ascii_lower(s.p[0]) != 't')
		return false;
	s = str_from(s, 1);
	if (month == 0 || day == 0 || !two_digits(&s, ':', 23, &hour) ||
		!two_digits(&s, ':', 59, &minute) || !two_digits(&s, '\0', 60, &second) || s.n == 0)
		return false;
	if (s.p[0] == '+' || s.p[0] == '-')
		sign = s.p[0] == '+' ? 1 : -1;
	else if (ascii_lower(s.p[0]) != 'z')
		return false;
	s = str_from(s, 1);
	if (sign != 0 && (!two_digits(&s, ':', 23, &off_h) || !two_digits(&s, '\0', 59, &off_m)))
		return false;
	*ms = 1000 * (days_from(century * 100 + year, month, day) * 86400 + hour * 3600 +
			     minute * 60 + second - sign * (off_h * 3600 + off_m * 60));
	return s.n == 0;
}

/* RFC 4865 4.2: more than was advertised, or both, is 501 5.5.4. */
static bool param_hold(const struct smtpd *s, struct mail *m, struct str value, bool until)
{
	uint64_t seconds;

	if ((m->seen & P_HOLD) && (m->seen & P_HOLDUNTIL))
		return false;
	if (until) {
		if (!date_time(value, &m->tx.hold_ms))
			return false;
	} else {
		if (value.n > 9 || !str_u64(value, &seconds) || seconds == 0)
			return false;
		m->tx.hold_for_s = (uint32_t)seconds;
	}
	return m->tx.hold_for_s <= (uint64_t)s->peer.hold_max_ms / 1000 &&
	       m->tx.hold_ms - s->peer.wall_ms <= s->peer.hold_max_ms;
}

static enum mail_param known_param(const struct smtpd *s, struct str keyword)
{
	static const struct {
		struct str keyword;
		enum smtpd_extension x;
		enum mail_param param;
	} rows[] = {
		{ STR_INIT("SIZE"), SMTPD_X_SIZE, P_SIZE },
		{ STR_INIT("BODY"), SMTPD_X_8BITMIME, P_BODY },
		{ STR_INIT("SMTPUTF8"), SMTPD_X_SMTPUTF8, P_SMTPUTF8 },
		{ STR_INIT("AUTH"), SMTPD_X_AUTH, P_AUTH },
		{ STR_INIT("RET"), SMTPD_X_DSN, P_RET },
		{ STR_INIT("ENVID"), SMTPD_X_DSN, P_ENVID },
		{ STR_INIT("REQUIRETLS"), SMTPD_X_REQUIRETLS, P_REQUIRETLS },
		{ STR_INIT("HOLDFOR"), SMTPD_X_FUTURERELEASE, P_HOLD },
		{ STR_INIT("HOLDUNTIL"), SMTPD_X_FUTURERELEASE, P_HOLDUNTIL },
		{ STR_INIT("XVERP"), SMTPD_X_XVERP, P_XVERP },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (str_ieq(keyword, rows[i].keyword) && smtpd_offers(s, rows[i].x))
			return rows[i].param;
	return 0;
}

static struct refusal take_param(const struct smtpd *s, struct mail *m, struct param p)
{
	enum mail_param param = known_param(s, p.keyword);
	bool alone = param == P_SMTPUTF8 || param == P_REQUIRETLS;

	if (param == 0)
		return unknown_param;
	if ((m->seen & param) != 0 || (p.has_value == alone && param != P_XVERP))
		return bad_param;
	m->seen |= param;
	switch (param) {
	case P_SIZE: return param_size(m, p.value);
	case P_BODY: return param_body(m, p.value);
	case P_AUTH: return param_auth(m, p.value);
	case P_SMTPUTF8: m->tx.smtputf8 = true; break;
	case P_REQUIRETLS: m->tx.requiretls = true; break;
	case P_XVERP:
		return verp_delimiters(p.has_value ? p.value : STR("+="), m->tx.verp)
			       ? (struct refusal){ 0 }
			       : bad_param;
	case P_HOLD:
	case P_HOLDUNTIL:
		return param_hold(s, m, p.value, param == P_HOLDUNTIL) ? (struct refusal){ 0 }
								       : bad_param;
	case P_RET: return dsn_ret(p.value, &m->tx.ret) ? (struct refusal){ 0 } : bad_param;
	case P_ENVID:
		m->tx.envid = p.value;
		return dsn_envid(p.value) ? (struct refusal){ 0 } : bad_param;
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
	if (m->tx.verp[0] != 0 && m->path.mailbox.n == 0)
		return (struct refusal){ 501, STR_INIT("5.5.4 XVERP needs a sender") };
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
	struct str text;
	size_t auth;

	smtpd_tx_begin(s);
	s->transactions++;
	tx = s->tx;
	tx->pub = m->tx;
	buf_put(&tx->text, m->path.mailbox);
	if ((m->seen & P_AUTH) != 0)
		xtext_get(m->auth, &tx->text);
	auth = tx->text.len - m->path.mailbox.n;
	buf_put(&tx->text, m->tx.envid);
	text = buf_str(&tx->text);
	tx->pub.reverse_path = str_head(text, m->path.mailbox.n);
	text = str_from(text, m->path.mailbox.n);
	tx->pub.auth = str_head(text, auth);
	tx->pub.envid = str_from(text, auth);
}

void smtpd_verb_mail(struct smtpd *s, struct str args)
{
	struct refusal refusal = may_send(s);
	struct mail m = { 0 };
	size_t most = s->config->transactions_max;

	if (most > 0 && s->transactions >= most) {
		/* RFC 9422 4.1: whoever reads LIMITS never gets here. */
		smtpd_dismiss(s, 421, STR("4.5.3 too many messages in one session"));
		return;
	}
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

static struct refusal rcpt_param(
	const struct smtpd *s, struct smtpd_event *ev, struct param p, unsigned *seen)
{
	bool notify = str_ieq(p.keyword, STR("NOTIFY")), orcpt = str_ieq(p.keyword, STR("ORCPT"));
	unsigned param = notify ? R_NOTIFY : R_ORCPT;

	if ((!notify && !orcpt) || !smtpd_offers(s, SMTPD_X_DSN))
		return unknown_param;
	if ((*seen & param) != 0 || !p.has_value)
		return bad_param;
	*seen |= param;
	if (orcpt)
		ev->orcpt = p.value;
	if (notify ? !dsn_notify(p.value, &ev->notify) : !dsn_orcpt(p.value, s->tx->pub.smtputf8))
		return bad_param;
	return (struct refusal){ 0 };
}

static struct refusal parse_rcpt(
	const struct smtpd *s, struct str args, struct path *path, struct smtpd_event *ev)
{
	enum param_result result;
	struct refusal refusal;
	struct param p;
	unsigned seen = 0;

	if (!cut_keyword(&args, STR("TO:")))
		return (struct refusal){ 501, STR_INIT("5.5.2 expected RCPT TO:<address>") };
	if (!path_cut(&args, PATH_FORWARD, path))
		return (struct refusal){ 501, STR_INIT("5.1.3 malformed recipient address") };
	while ((result = param_cut(&args, &p)) == PARAM_CUT) {
		refusal = rcpt_param(s, ev, p, &seen);
		if (refusal.code != 0)
			return refusal;
	}
	if (result == PARAM_BAD)
		return bad_param;
	if (path->utf8 && !s->tx->pub.smtputf8)
		return (struct refusal){ 553, STR_INIT("5.6.7 this address needs SMTPUTF8") };
	/* RFC 5321 4.5.3.1.10: 452, so that the rest is sent again. */
	if (s->tx->pub.accepted >= s->config->recipients_max)
		return (struct refusal){ 452, STR_INIT("4.5.3 too many recipients") };
	return (struct refusal){ 0 };
}

void smtpd_verb_rcpt(struct smtpd *s, struct str args)
{
	struct smtpd_event ev = { 0 };
	struct path path;
	struct refusal refusal = parse_rcpt(s, args, &path, &ev);

	if (refusal.code != 0) {
		smtpd_reply(s, refusal.code, refusal.text);
		return;
	}
	ev.path = path.mailbox;
	s->event = ev;
	smtpd_ask(s, SMTPD_ASK_RCPT);
}

void smtpd_answered_rcpt(struct smtpd *s, unsigned code, struct str text)
{
	if (code < 400)
		s->tx->pub.accepted++;
	smtpd_reply(s, code == 0 ? 250 : code, code == 0 ? STR("2.1.5 recipient ok") : text);
}
