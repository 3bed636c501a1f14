#include "mime/report.h"
#include "mime/date.h"

enum { ADDRESS_SHOWN_MAX = 400 };

static const struct {
	struct str action, status, subject, lead;
} kinds[REPORT_ACTIONS] = {
	[REPORT_FAILED] = { STR_INIT("failed"), STR_INIT("5.0.0"),
		STR_INIT("Your message could not be delivered"),
		STR_INIT("Your message could not be delivered to:") },
	[REPORT_DELAYED] = { STR_INIT("delayed"), STR_INIT("4.0.0"),
		STR_INIT("Your message is delayed"),
		STR_INIT("Your message has not been delivered yet to:") },
	[REPORT_DELIVERED] = { STR_INIT("delivered"), STR_INIT("2.0.0"),
		STR_INIT("Your message was delivered"),
		STR_INIT("Your message was delivered to:") },
	[REPORT_RELAYED] = { STR_INIT("relayed"), STR_INIT("2.0.0"),
		STR_INIT("Your message was passed on"),
		STR_INIT("Your message was passed on, to a server that sends no further word, "
			 "for:") },
	[REPORT_EXPANDED] = { STR_INIT("expanded"), STR_INIT("2.0.0"),
		STR_INIT("Your message was passed on"),
		STR_INIT("Your message was delivered to the members of:") },
};

/* What the sender can do about an answer for good: by its enhanced status (RFC 3463 3). */
static const struct {
	struct str status, hint;
} hints[] = {
	{ STR_INIT("5.1.1"),
		STR_INIT("There is no such mailbox. Check the spelling of the address.") },
	{ STR_INIT("5.1.2"),
		STR_INIT("There is no such mail domain. Check what follows the \"@\".") },
	{ STR_INIT("5.1.3"), STR_INIT("The address is not written as an address.") },
	{ STR_INIT("5.1.6"), STR_INIT("The recipient has moved. Ask for the new address.") },
	{ STR_INIT("5.1.10"), STR_INIT("This domain receives no mail.") },
	{ STR_INIT("5.2.1"), STR_INIT("The mailbox is closed. Reach the recipient another way.") },
	{ STR_INIT("5.2.2"), STR_INIT("The mailbox is full. Send it again later.") },
	{ STR_INIT("5.2.3"), STR_INIT("The message is too large. Send it in parts, or a link.") },
	{ STR_INIT("5.3.4"), STR_INIT("The message is too large. Send it in parts, or a link.") },
	{ STR_INIT("5.4.6"),
		STR_INIT("The mail goes round in a circle. Tell the recipient's postmaster.") },
	{ STR_INIT("5.6.3"), STR_INIT("The recipient's server takes plain ASCII only.") },
	{ STR_INIT("5.6.7"),
		STR_INIT("The recipient's server takes no addresses or headers beyond ASCII.") },
	{ STR_INIT("5.7.1"),
		STR_INIT("The recipient's server does not accept this mail. Reach the recipient "
			 "another way.") },
	{ STR_INIT("5.7.10"),
		STR_INIT("It was to travel encrypted only, and the recipient's server "
			 "cannot do that.") },
	{ STR_INIT("5.7.30"),
		STR_INIT("It was to travel encrypted only, and the recipient's server "
			 "cannot promise that.") },
};

static size_t utf8_at(struct str s, size_t i)
{
	for (size_t n = 2; n <= 4 && i + n <= s.n; n++)
		if (str_utf8(str_of(s.p + i, n)))
			return n;
	return 0;
}

/* Text of somebody else, at most max octets of it, on one line: a line end is a space, what cannot be shown
 * is "?". */
static void put_text(struct buf *out, struct str s, size_t max, bool utf8)
{
	size_t step;

	s = str_trim(str_head(s, max));
	for (size_t i = 0; i < s.n; i += step) {
		unsigned char c = (unsigned char)s.p[i];

		step = c >= 0x80 && utf8 ? utf8_at(s, i) : 0;
		if (step > 0) {
			buf_put(out, str_of(s.p + i, step));
			continue;
		}
		step = 1;
		if (c == '\n' || c == '\t')
			buf_putc(out, ' ');
		else if (c != '\r')
			buf_putc(out, c < ' ' || c >= 0x7f ? '?' : (char)c);
	}
}

static int hex_value(char c)
{
	static const struct str digits = STR_INIT("0123456789ABCDEF");
	size_t at = str_find(digits, c);

	return at < digits.n ? (int)at : -1;
}

/* RFC 3461 4: ENVID and ORCPT travel as xtext, and are told without it. */
static void put_xtext(struct buf *out, struct str s, bool utf8)
{
	struct buf plain;

	buf_init(&plain, 0);
	for (size_t i = 0; i < s.n; i++) {
		int high = s.p[i] == '+' && i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
		int low = high >= 0 ? hex_value(s.p[i + 2]) : -1;

		buf_putc(&plain, low >= 0 ? (char)(high * 16 + low) : s.p[i]);
		i += low >= 0 ? 2 : 0;
	}
	put_text(out, buf_str(&plain), ADDRESS_SHOWN_MAX, utf8);
	buf_deinit(&plain);
}

/* RFC 6533 3: utf-8-addr-xtext, for where only ASCII may stand. */
static void put_embedded(struct buf *out, struct str s)
{
	static const struct str special = STR_INIT("\\+=");
	size_t step;

	for (size_t i = 0; i < s.n; i += step) {
		unsigned char c = (unsigned char)s.p[i];
		uint32_t point = c;

		step = 1;
		if (c >= 0x80) {
			step = utf8_at(s, i);
			point = c & (0xffu >> (step + 1));
			for (size_t k = 1; k < step; k++)
				point = point << 6 | ((unsigned char)s.p[i + k] & 0x3f);
		}
		if (c <= ' ' || c >= 0x7f || str_find(special, (char)c) < special.n)
			buf_printf(out, "\\x{%02X}", point);
		else
			buf_putc(out, (char)c);
	}
}

/* "rfc822; bob@example.org", or its UTF-8 forms (RFC 3464 2.3.2, RFC 6533 3). */
static void put_address(struct buf *out, struct str address, bool utf8)
{
	address = str_head(address, ADDRESS_SHOWN_MAX);
	if (str_ascii(address) || !str_utf8(address)) {
		buf_put(out, STR("rfc822; "));
		put_text(out, address, ADDRESS_SHOWN_MAX, false);
	} else {
		buf_put(out, STR("utf-8; "));
		if (utf8)
			put_text(out, address, ADDRESS_SHOWN_MAX, true);
		else
			put_embedded(out, address);
	}
}

static bool has_digits(struct str s, size_t min, size_t max)
{
	uint64_t v;

	return s.n >= min && s.n <= max && str_u64(s, &v);
}

/* RFC 3463 2: class "." subject "." detail, and a class that the action allows: a failure may be of class 4, when
 * "persistence of some temporary condition has caused abandonment". */
static struct str status_of(const struct report_recipient *c)
{
	struct str rest = c->status, class = str_cut(&rest, '.'), subject = str_cut(&rest, '.');
	struct str fallback = kinds[c->action].status;
	bool allowed = str_eq(class, str_head(fallback, 1)) ||
		       (c->action == REPORT_FAILED && str_eq(class, STR("4")));

	return allowed && has_digits(subject, 1, 3) && has_digits(rest, 1, 3) ? c->status
									      : fallback;
}

/* The host may be known though it said nothing: it was not reached, or fell silent. */
static bool host_said(const struct report_recipient *c)
{
	struct str code = str_head(c->reply, 3);

	return c->host.n > 0 && has_digits(code, 3, 3);
}

static void put_boundary(struct buf *out, const struct report *r, struct str after)
{
	char id[MSGID_TEXT + 1];

	msgid_text(r->id, id);
	buf_put(out, STR("=_"));
	buf_put(out, str_of(id, MSGID_TEXT));
	buf_put(out, after);
}

/* The whole report is UTF-8 only where it must be: who reads mail in ASCII gets the usual types (RFC 6533 4.4). */
static bool needs_utf8(const struct report *r)
{
	bool ascii = true;

	for (size_t i = 0; i < r->count && ascii; i++)
		ascii = str_ascii(r->recipients[i].recipient) &&
			str_ascii(r->recipients[i].orcpt) && str_ascii(r->recipients[i].reply);
	return r->utf8 && (r->eightbit || !ascii || !str_ascii(r->to));
}

static void put_header(struct buf *out, const struct report *r, bool utf8)
{
	char id[MSGID_TEXT + 1];

	msgid_text(r->id, id);
	buf_put(out, STR("From: Mail Delivery System <MAILER-DAEMON@"));
	put_text(out, r->hostname, ADDRESS_SHOWN_MAX, utf8);
	buf_put(out, STR(">\r\nTo: <"));
	put_text(out, r->to, ADDRESS_SHOWN_MAX, utf8);
	buf_put(out, STR(">\r\nSubject: "));
	buf_put(out, kinds[r->recipients[0].action].subject);
	buf_put(out, STR("\r\nDate: "));
	date_put(out, r->wall_ms);
	buf_put(out, STR("\r\nMessage-ID: <"));
	buf_put(out, str_of(id, MSGID_TEXT));
	buf_putc(out, '@');
	put_text(out, r->hostname, ADDRESS_SHOWN_MAX, utf8);
	/* RFC 3834 3.1.7: so that nobody answers it. */
	buf_put(out, STR(">\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
			 "Content-Type: multipart/report; "
			 "report-type=delivery-status;\r\n\tboundary=\""));
	put_boundary(out, r, STR("\"\r\n"));
	if (utf8 || r->eightbit)
		buf_put(out, STR("Content-Transfer-Encoding: 8bit\r\n"));
	if (r->tls_optional)
		buf_put(out, STR("TLS-Required: No\r\n"));
	buf_put(out, STR("\r\n"));
}

/* About what waits nothing is to be done. */
static struct str hint_of(const struct report_recipient *c)
{
	struct str status = status_of(c);
	bool ours = str_eq(status, STR("5.7.1")) && !host_said(c); /* and no word of that server */

	if (c->action == REPORT_FAILED && str_starts(status, STR("4")))
		return STR("It was tried for as long as this server tries. Send it again later.");
	for (size_t i = 0; i < sizeof hints / sizeof *hints && !ours; i++)
		if (str_eq(status, hints[i].status))
			return hints[i].hint;
	return STR("");
}

static void put_told(
	struct buf *out, const struct report *r, const struct report_recipient *c, bool utf8)
{
	struct str hint = hint_of(c);

	buf_put(out, STR("  <"));
	put_text(out, c->recipient, ADDRESS_SHOWN_MAX, utf8);
	buf_put(out, STR(">\r\n"));
	if (hint.n > 0) {
		buf_put(out, STR("    "));
		buf_put(out, hint);
		buf_put(out, STR("\r\n"));
	}
	if (c->reply.n > 0) {
		buf_put(out, STR("    "));
		if (c->host.n > 0) {
			put_text(out, c->host, ADDRESS_SHOWN_MAX, utf8);
			buf_put(out, host_said(c) ? STR(" said: ") : STR(": "));
		}
		put_text(out, c->reply, REPORT_REPLY_MAX, utf8);
		buf_put(out, STR("\r\n"));
	}
	if (c->action == REPORT_DELAYED && c->retry_till_ms > r->wall_ms) {
		buf_put(out, STR("    It will be tried again until "));
		date_put(out, c->retry_till_ms);
		buf_put(out, STR(". You need not do anything.\r\n"));
	}
	buf_put(out, STR("\r\n"));
}

static void put_words(struct buf *out, const struct report *r, bool utf8)
{
	buf_put(out, utf8 ? STR("Content-Type: text/plain; charset=utf-8\r\n"
				"Content-Transfer-Encoding: 8bit\r\n\r\n")
			  : STR("Content-Type: text/plain; charset=us-ascii\r\n\r\n"));
	buf_put(out, STR("This is the mail server "));
	put_text(out, r->hostname, ADDRESS_SHOWN_MAX, utf8);
	buf_put(out, STR(".\r\n\r\n"));
	for (enum report_action a = 0; a < REPORT_ACTIONS; a++) {
		bool first = true;

		for (size_t i = 0; i < r->count; i++) {
			if (r->recipients[i].action != a)
				continue;
			if (first) {
				buf_put(out, kinds[a].lead);
				buf_put(out, STR("\r\n\r\n"));
			}
			first = false;
			put_told(out, r, &r->recipients[i], utf8);
		}
	}
	buf_put(out, r->whole ? STR("Your message follows below.\r\n")
			      : STR("The header of your message follows below.\r\n"));
}

static void put_moment(struct buf *out, struct str field, int64_t wall_ms)
{
	if (wall_ms <= 0)
		return;
	buf_put(out, field);
	date_put(out, wall_ms);
	buf_put(out, STR("\r\n"));
}

static void put_host(struct buf *out, struct str field, struct str host, bool utf8)
{
	buf_put(out, field);
	put_text(out, host, ADDRESS_SHOWN_MAX, utf8);
	buf_put(out, STR("\r\n"));
}

/* "mx.example.org[192.0.2.1]"; an address is a comment (RFC 3464 2.2.4). */
static void put_remote(struct buf *out, struct str host, bool utf8)
{
	struct str address = host, name = str_cut(&address, '[');

	buf_put(out, STR("Remote-MTA: dns; "));
	put_text(out, name, ADDRESS_SHOWN_MAX, utf8);
	if (address.n > 0) {
		buf_put(out, STR(" ("));
		put_text(out, str_cut(&address, ']'), ADDRESS_SHOWN_MAX, utf8);
		buf_putc(out, ')');
	}
	buf_put(out, STR("\r\n"));
}

static void put_original_recipient(struct buf *out, struct str orcpt, bool utf8)
{
	struct str rest = orcpt, type = str_cut(&rest, ';');

	if (rest.n == 0)
		return;
	buf_put(out, STR("Original-Recipient: "));
	put_text(out, type, 64, false);
	buf_put(out, STR("; "));
	put_xtext(out, rest, utf8);
	buf_put(out, STR("\r\n"));
}

/* RFC 3464 2.3 */
static void put_recipient(struct buf *out, const struct report_recipient *c, bool utf8)
{
	buf_put(out, STR("\r\n"));
	put_original_recipient(out, c->orcpt, utf8);
	buf_put(out, STR("Final-Recipient: "));
	put_address(out, c->recipient, utf8);
	buf_put(out, STR("\r\nAction: "));
	buf_put(out, kinds[c->action].action);
	buf_put(out, STR("\r\nStatus: "));
	buf_put(out, status_of(c));
	buf_put(out, STR("\r\n"));
	/* RFC 3464 2.3.5: who reported it; 2.3.6: "smtp" is for what an SMTP server said. */
	if (host_said(c))
		put_remote(out, c->host, utf8);
	if (c->reply.n > 0) {
		buf_put(out, host_said(c) ? STR("Diagnostic-Code: smtp; ")
					  : STR("Diagnostic-Code: x-restante; "));
		put_text(out, c->reply, REPORT_REPLY_MAX, utf8);
		buf_put(out, STR("\r\n"));
	}
	put_moment(out, STR("Last-Attempt-Date: "), c->last_try_ms);
	if (c->action == REPORT_DELAYED)
		put_moment(out, STR("Will-Retry-Until: "), c->retry_till_ms);
}

static void put_status(struct buf *out, const struct report *r, bool utf8)
{
	char id[MSGID_TEXT + 1];

	buf_put(out, utf8 ? STR("Content-Type: message/global-delivery-status\r\n"
				"Content-Transfer-Encoding: 8bit\r\n\r\n")
			  : STR("Content-Type: message/delivery-status\r\n\r\n"));
	if (r->envid.n > 0) {
		buf_put(out, STR("Original-Envelope-Id: "));
		put_xtext(out, r->envid, false);
		buf_put(out, STR("\r\n"));
	}
	put_host(out, STR("Reporting-MTA: dns; "), r->hostname, utf8);
	put_moment(out, STR("Arrival-Date: "), r->arrived_ms);
	if (r->held_until_ms != 0) { /* RFC 4865 5.1.2; HOLDFOR is kept as the time that it meant */
		buf_put(out, STR("Future-Release-Request: until;"));
		date_put_internet(out, r->held_until_ms);
		buf_put(out, STR("\r\n"));
	}
	msgid_text(r->original, id);
	put_host(out, STR("X-Restante-Queue-Id: "), str_of(id, MSGID_TEXT), false);
	for (size_t i = 0; i < r->count; i++)
		put_recipient(out, &r->recipients[i], utf8);
}

bool report_whole(const struct report *r, bool header_only, uint64_t max)
{
	bool failed = false;

	/* RFC 3461 4.3: without any failure only the header is of use. */
	for (size_t i = 0; i < r->count; i++)
		failed |= r->recipients[i].action == REPORT_FAILED;
	return failed && !header_only && r->octets <= max;
}

uint64_t report_returned(const struct report *r)
{
	if (r->whole)
		return r->octets;
	return r->header_octets <= REPORT_HEADER_RETURNED ? r->header_octets : 0;
}

void report_begin(struct buf *out, const struct report *r)
{
	bool utf8 = needs_utf8(r);

	put_header(out, r, utf8);
	buf_put(out, STR("--"));
	put_boundary(out, r, STR("\r\n"));
	put_words(out, r, utf8);
	buf_put(out, STR("\r\n--"));
	put_boundary(out, r, STR("\r\n"));
	put_status(out, r, utf8);
	buf_put(out, STR("\r\n--"));
	put_boundary(out, r, STR("\r\nContent-Type: "));
	if (utf8)
		buf_put(out,
			r->whole ? STR("message/global\r\n") : STR("message/global-headers\r\n"));
	else
		buf_put(out, r->whole ? STR("message/rfc822\r\n") : STR("text/rfc822-headers\r\n"));
	if (r->eightbit)
		buf_put(out, STR("Content-Transfer-Encoding: 8bit\r\n"));
	buf_put(out, STR("\r\n"));
}

void report_end(struct buf *out, const struct report *r)
{
	buf_put(out, STR("\r\n--"));
	put_boundary(out, r, STR("--\r\n"));
}
