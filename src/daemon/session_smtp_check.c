/* Mail of strangers: what check.h finds is written on top of it, and some of it is refused.
 *
 * The field comes first and is known last.  While all of a message is still here that is no matter; of one that
 * goes to the store in pieces, room is left at its beginning, as much as the longest field would need, and COMMIT
 * brings what stands there. */
#include "base/log.h"
#include "daemon/session_smtp.h"
#include "mime/compose.h"
#include "net/cidr.h"
#include "trust/authres.h"

_Static_assert((int)CHECK_FIELD_MAX + 500 < (int)STORE_TOP_MAX, "a reverse-path has room above it");

static void found(void *owner)
{
	struct session_smtp *p = owner;

	smtp_checked(p);
	session_drive(&p->s);
}

/* Without a carrier nobody could look anything up. */
void smtp_check_begin(struct session_smtp *p)
{
	const struct edge *e = p->s.edge;
	struct check_client client = { .address = session_peer(&p->s),
		.helo = smtpd_helo(p->engine),
		.reverse_path = smtpd_tx(p->engine)->reverse_path };

	if (e->config->sender_checks && e->config->carriers > 0 && !p->submission && !p->lmtp &&
		!p->local && !cidr_set_has(&e->check_exempt, client.address))
		p->check = check_new(p->s.edge, &client, found, p);
}

static void put_top(const struct session_smtp *p, struct buf *top, bool longest)
{
	compose_return_path(top, smtpd_tx(p->engine)->reverse_path);
	check_put(p->check, top, longest);
}

void smtp_leave_top(struct session_smtp *p)
{
	struct buf longest = { 0 };

	if (p->check == NULL || p->offset > 0 || p->top.len > 0)
		return;
	put_top(p, &longest, true);
	p->top_room = longest.len;
	p->offset = longest.len;
	buf_deinit(&longest);
}

/* The whole header section, to the blank line; without one, all there is. */
static void take_header(struct session_smtp *p, struct str header)
{
	size_t n;

	p->header_done = true;
	check_header(p->check, header);
	n = authres_strip(&p->body, header, str_c(p->s.edge->config->hostname));
	if (n > 0)
		log_info("smtp.forged-results", F_C("sid", p->s.sid),
			F_STR("ip", session_peer(&p->s)), F_INT("fields", n));
}

/* Behind the blank line that ends a header; 0: it is not there yet.  *from: where to look, so that no octet is
 * looked at twice. */
static size_t behind_header(struct str s, size_t *from)
{
	for (size_t lf; (lf = *from + str_find(str_from(s, *from), '\n')) < s.n; *from = lf + 1)
		if (lf + 1 >= 2 && (lf == 1 || (lf >= 3 && s.p[lf - 2] == '\n')) &&
			s.p[lf - 1] == '\r')
			return lf + 1;
	return 0;
}

bool smtp_check_body(struct session_smtp *p, struct str data)
{
	struct str all;
	size_t end;

	check_feed(p->check, data);
	if (p->header_done)
		return false;
	buf_put(&p->header, data);
	all = buf_str(&p->header);
	end = behind_header(all, &p->header_seen);
	if (end == 0) {
		smtpd_answer(p->engine, 0, STR(""));
		return true;
	}
	take_header(p, str_head(all, end));
	buf_put(&p->body, str_from(all, end));
	buf_release(&p->header);
	smtp_hand_over(p);
	return true;
}

void smtp_check_end(struct session_smtp *p)
{
	if (!p->header_done)
		take_header(p, buf_str(&p->header));
	buf_release(&p->header);
	if (check_end(p->check))
		smtp_checked(p);
}

static void log_checked(const struct session_smtp *p, enum check_verdict verdict)
{
	struct buf results = { 0 };
	char id[MSGID_TEXT + 1];

	msgid_text(p->id, id);
	check_results(p->check, &results);
	log_info("smtp.checked", F_C("sid", p->s.sid), F_C("id", id),
		F_STR("ip", session_peer(&p->s)), F_STR("results", buf_str(&results)),
		F_STR("policy", check_policy(p->check)), F_INT("refused", verdict != CHECK_TAKE),
		F_C("spf_why", check_spf_why(p->check)), F_INT("ms", check_waited_ms(p->check)));
	buf_deinit(&results);
}

/* In the room that was left, which is as long as the longest: blanks before the end of the field (RFC 5322 2.2.3). */
static void fill_top(struct session_smtp *p)
{
	size_t missing = p->top_room - p->top.len;

	buf_truncate(&p->top, p->top.len - 2);
	buf_fill(&p->top, ' ', missing);
	buf_put(&p->top, STR("\r\n"));
}

void smtp_checked(struct session_smtp *p)
{
	enum check_verdict verdict = check_verdict(p->check);

	log_checked(p, verdict);
	switch (verdict) {
	case CHECK_TAKE: break;
	case CHECK_REFUSE: /* RFC 7372 3.4 */
		smtp_refuse_message(p, 550,
			STR("5.7.26 the domain in From asks to refuse this message: neither SPF "
			    "nor DKIM speaks for it (DMARC)"),
			"dmarc");
		return;
	case CHECK_AUTHORS:
		smtp_refuse_message(
			p, 550, STR("5.7.1 too many domains in From (RFC 9989)"), "authors");
		return;
	}
	put_top(p, &p->top, false);
	if (p->top_room > 0) {
		fill_top(p);
	} else {
		buf_put(&p->top, buf_str(&p->body));
		buf_deinit(&p->body);
		p->body = p->top;
		p->top = (struct buf){ 0 };
	}
	check_free(p->check);
	p->check = NULL;
	smtp_hand_over(p);
}
