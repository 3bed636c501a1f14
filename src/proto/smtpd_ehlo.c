/* What EHLO offers, and so what the other commands take. */
#include "proto/smtpd_int.h"

enum { ORDINARY_REPLY = 512 };

/* In the order of the reply. */
static const struct {
	struct str keyword;
	enum smtpd_extension x;
} keywords[] = {
	{ STR_INIT("PIPELINING"), SMTPD_X_PIPELINING },
	{ STR_INIT("SIZE"), SMTPD_X_SIZE },
	{ STR_INIT("8BITMIME"), SMTPD_X_8BITMIME },
	{ STR_INIT("SMTPUTF8"), SMTPD_X_SMTPUTF8 },
	{ STR_INIT("CHUNKING"), SMTPD_X_CHUNKING },
	{ STR_INIT("STARTTLS"), SMTPD_X_STARTTLS },
	{ STR_INIT("AUTH"), SMTPD_X_AUTH },
	{ STR_INIT("DSN"), SMTPD_X_DSN },
	{ STR_INIT("LIMITS"), SMTPD_X_LIMITS },
	{ STR_INIT("XCLIENT"), SMTPD_X_XCLIENT },
	{ STR_INIT("REQUIRETLS"), SMTPD_X_REQUIRETLS },
	{ STR_INIT("ETRN"), SMTPD_X_ETRN },
	{ STR_INIT("FUTURERELEASE"), SMTPD_X_FUTURERELEASE },
	{ STR_INIT("XVERP"), SMTPD_X_XVERP },
	{ STR_INIT("ENHANCEDSTATUSCODES"), SMTPD_X_ENHANCEDSTATUSCODES },
};

unsigned smtpd_extension_named(struct str keyword)
{
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
		if (str_eq(keywords[i].keyword, keyword))
			return keywords[i].x;
	return 0;
}

bool smtpd_offers(const struct smtpd *s, enum smtpd_extension x)
{
	const struct smtpd_config *c = s->config;
	struct str lists[SMTPD_LISTS];

	if ((s->peer.discard & x) != 0)
		return false;
	switch (x) {
	case SMTPD_X_PIPELINING:
	case SMTPD_X_SIZE:
	case SMTPD_X_8BITMIME:
	case SMTPD_X_DSN:
	case SMTPD_X_LIMITS:
	case SMTPD_X_ENHANCEDSTATUSCODES: return true;
	case SMTPD_X_SMTPUTF8: return c->smtputf8;
	case SMTPD_X_CHUNKING: return c->chunking;
	case SMTPD_X_STARTTLS: return s->peer.tls_available && !s->peer.tls_active;
	case SMTPD_X_AUTH:
		smtpd_mechanisms(s, lists);
		return s->peer.role == SMTPD_SUBMISSION && !s->peer.local &&
		       lists[0].n + lists[1].n + lists[2].n > 0;
	case SMTPD_X_XCLIENT: return s->peer.xclient;
	case SMTPD_X_XVERP: return c->xverp;
	case SMTPD_X_REQUIRETLS: return c->requiretls && s->peer.tls_active;
	/* RFC 6409 7: not where mail is submitted */
	case SMTPD_X_ETRN: return s->peer.etrn && s->peer.role == SMTPD_MX;
	/* RFC 4865 3: only where mail is submitted */
	case SMTPD_X_FUTURERELEASE:
		return s->peer.role == SMTPD_SUBMISSION && s->peer.hold_max_ms > 0;
	}
	return false;
}

/* RFC 3339 5.6, in UTC. */
static void put_date_time(struct buf *out, int64_t ms)
{
	int64_t days = ms / 86400000, of_day = ms / 1000 % 86400, year = 1970, length;
	static const unsigned char months[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int month = 0;

	for (;; days -= length, year++) {
		length = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 366 : 365;
		if (days < length)
			break;
	}
	for (;; days -= months[month] + (month == 1 && length == 366), month++)
		if (days < months[month] + (month == 1 && length == 366))
			break;
	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, month + 1, (int)days + 1,
		(int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
}

/* What stands behind the keyword. */
static void put_parameters(struct smtpd *s, enum smtpd_extension x)
{
	const struct smtpd_config *c = s->config;
	struct str lists[SMTPD_LISTS];

	switch (x) {
	case SMTPD_X_SIZE:
		buf_putc(&s->out, ' ');
		buf_putu(&s->out, c->message_size_limit);
		break;
	case SMTPD_X_AUTH:
		smtpd_mechanisms(s, lists);
		for (size_t i = 0; i < SMTPD_LISTS; i++)
			if (lists[i].n > 0) {
				buf_putc(&s->out, ' ');
				buf_put(&s->out, lists[i]);
			}
		break;
	case SMTPD_X_LIMITS: /* RFC 9422 3 */
		buf_put(&s->out, STR(" RCPTMAX="));
		buf_putu(&s->out, c->recipients_max);
		if (c->transactions_max > 0) {
			buf_put(&s->out, STR(" MAILMAX="));
			buf_putu(&s->out, c->transactions_max);
		}
		break;
	case SMTPD_X_XCLIENT: buf_put(&s->out, STR(" NAME ADDR PORT PROTO HELO")); break;
	case SMTPD_X_FUTURERELEASE:
		buf_putc(&s->out, ' ');
		buf_putu(&s->out, (uint64_t)s->peer.hold_max_ms / 1000);
		buf_putc(&s->out, ' ');
		put_date_time(&s->out, s->peer.wall_ms + s->peer.hold_max_ms);
		break;
	case SMTPD_X_PIPELINING:
	case SMTPD_X_8BITMIME:
	case SMTPD_X_SMTPUTF8:
	case SMTPD_X_CHUNKING:
	case SMTPD_X_STARTTLS:
	case SMTPD_X_DSN:
	case SMTPD_X_REQUIRETLS:
	case SMTPD_X_XVERP:
	case SMTPD_X_ETRN:
	case SMTPD_X_ENHANCEDSTATUSCODES: break;
	}
}

/* No enhanced codes here (RFC 2034 4). */
void smtpd_ehlo_reply(struct smtpd *s)
{
	size_t last = s->out.len;

	buf_reserve(&s->out, ORDINARY_REPLY);
	buf_put(&s->out, STR("250-"));
	buf_put(&s->out, s->config->hostname);
	buf_put(&s->out, STR(" greets "));
	buf_put(&s->out, s->peer.address);
	buf_put(&s->out, STR("\r\n"));
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
		if (!smtpd_offers(s, keywords[i].x))
			continue;
		last = s->out.len;
		buf_put(&s->out, STR("250-"));
		buf_put(&s->out, keywords[i].keyword);
		put_parameters(s, keywords[i].x);
		buf_put(&s->out, STR("\r\n"));
	}
	if (s->origin.len > 0) {
		last = s->out.len;
		buf_put(&s->out, STR("250-XORIGIN "));
		buf_put(&s->out, buf_str(&s->origin));
		buf_put(&s->out, STR("\r\n"));
	}
	s->out.data[s->out.head + last + 3] = ' ';
}
