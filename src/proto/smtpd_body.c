/* DATA (RFC 5321 4.1.1.4) and BDAT (RFC 3030): where a message begins and ends, and what it may
 * not be.  A message that fails is read to its end and then refused, so that its octets are never
 * taken for commands. */
#include "proto/smtpd_int.h"

static void fail(struct smtpd_transaction *tx, unsigned code, struct str text)
{
	if (tx->failed)
		return;
	tx->failed = true;
	tx->fail_code = code;
	buf_put(&tx->fail_text, text);
}

static void fail_too_big(struct smtpd_transaction *tx)
{
	fail(tx, 552, STR("5.3.4 message too big"));
}

/* The message as far as it is known is within the limits, or it fails. */
static void check(const struct smtpd_config *c, struct smtpd_transaction *tx)
{
	tx->pub.early_lf = tx->body.bare;
	if (tx->body.bare)
		fail(tx, 550, STR("5.6.0 bare CR or LF in the message"));
	if (tx->pub.octets > c->message_size_limit)
		fail_too_big(tx);
	if (tx->body.received > c->received_max)
		fail(tx, 554, STR("5.4.6 too many hops, this message loops")); /* RFC 5321 6.3 */
	if (tx->body.header_octets > c->header_max)
		fail(tx, 552, STR("5.3.4 header too big"));
}

static void reply_failed(struct smtpd *s, struct smtpd_transaction *tx)
{
	if (s->peer.role != SMTPD_LMTP)
		smtpd_reply(s, tx->fail_code, buf_str(&tx->fail_text));
	for (; s->peer.role == SMTPD_LMTP && tx->told < tx->pub.accepted; tx->told++)
		smtpd_put_reply(s, tx->fail_code, buf_str(&tx->fail_text));
	smtpd_tx_end(s);
}

static void ask_body(struct smtpd *s, struct str data)
{
	s->event = (struct smtpd_event){ .data = data };
	smtpd_ask(s, SMTPD_ASK_BODY);
}

/* The whole message is here. */
static void end_message(struct smtpd *s)
{
	struct smtpd_transaction *tx = s->tx;

	if (tx->body.at == AT_CR)
		fail(tx, 550, STR("5.6.0 bare CR or LF in the message"));
	if (tx->body.at == AT_MID && tx->pub.octets > 0 && !tx->failed) {
		/* A BDAT message may stop within a line; what is kept has whole lines. */
		tx->body.at = AT_BOL;
		ask_body(s, STR("\r\n"));
		return;
	}
	s->input = IN_COMMANDS;
	if (tx->failed) {
		reply_failed(s, tx);
		return;
	}
	s->event = (struct smtpd_event){ 0 };
	smtpd_ask(s, SMTPD_ASK_COMMIT);
}

static void end_chunk(struct smtpd *s)
{
	struct smtpd_transaction *tx = s->tx;

	if (tx != NULL && !tx->failed && s->chunk_last) {
		end_message(s);
		return;
	}
	s->input = IN_COMMANDS;
	if (tx == NULL && s->chunk_silent) {
		s->chunk_silent = false;
	} else if (tx == NULL) {
		smtpd_reply(s, 503, STR("5.5.1 BDAT is not possible now"));
	} else if (tx->failed) {
		reply_failed(s, tx);
	} else {
		buf_put(&s->out, STR("250 2.0.0 "));
		buf_putu(&s->out, s->chunk_size);
		buf_put(&s->out, STR(" octets received\r\n"));
	}
}

static void take(struct smtpd *s, struct str data)
{
	struct smtpd_transaction *tx = s->tx;

	tx->pub.octets += data.n;
	check(s->config, tx);
	if (!tx->failed && data.n > 0)
		ask_body(s, data);
}

static bool data_step(struct smtpd *s)
{
	struct body_run run = body_scan(&s->tx->body, buf_str(&s->in), true);

	if (run.used == 0)
		return false;
	buf_consume(&s->in, run.used); /* moves nothing: run.take stays valid */
	s->active_ms = s->now_ms;
	if (run.end)
		end_message(s);
	else
		take(s, run.take);
	return true;
}

static bool bdat_step(struct smtpd *s)
{
	struct str in = buf_str(&s->in);
	struct body_run run;

	if (s->chunk_left == 0) {
		end_chunk(s);
		return true;
	}
	if (in.n == 0)
		return false;
	if (in.n > s->chunk_left)
		in.n = (size_t)s->chunk_left;
	s->chunk_left -= in.n;
	buf_consume(&s->in, in.n);
	s->active_ms = s->now_ms;
	if (s->tx == NULL || s->tx->failed)
		return true; /* dropped */
	run = body_scan(&s->tx->body, in, false);
	take(s, run.take);
	return true;
}

bool smtpd_body_step(struct smtpd *s)
{
	return s->input == IN_DATA ? data_step(s) : bdat_step(s);
}

void smtpd_verb_data(struct smtpd *s, struct str args)
{
	if (args.n > 0) {
		smtpd_reply(s, 501, STR("5.5.4 DATA takes no parameter"));
		return;
	}
	if (s->in.len > 0) {
		/* RFC 2920 3.1: DATA is the last of a group.  What came already may be the message or may
		 * be commands; whoever guesses is smuggled past. */
		smtpd_dismiss(s, 554, STR("5.5.0 data before 354"));
		return;
	}
	s->event = (struct smtpd_event){ 0 };
	smtpd_ask(s, SMTPD_ASK_DATA);
}

/* "BDAT" SP chunk-size [SP "LAST"] */
static bool parse_bdat(struct smtpd *s, struct str args)
{
	struct str size = str_cut(&args, ' ');

	args = str_trim(args);
	s->chunk_last = str_ieq(args, STR("LAST"));
	if (!str_u64(size, &s->chunk_size) || (args.n > 0 && !s->chunk_last))
		return false;
	s->chunk_left = s->chunk_size;
	return true;
}

/* Dropping this much is worth keeping the session; more is not. */
static uint64_t most_dropped(const struct smtpd_config *c)
{
	uint64_t most;

	return __builtin_add_overflow(c->message_size_limit, c->message_size_limit, &most)
		       ? UINT64_MAX
		       : most + (1u << 20);
}

/* RFC 3030 2: the octets of a chunk that is refused are read and dropped before the reply, whatever
 * the state; when their number is unknown or absurd, the session ends. */
void smtpd_verb_bdat(struct smtpd *s, struct str args)
{
	struct smtpd_transaction *tx = s->tx;

	bool offered = smtpd_offers(s, SMTPD_X_CHUNKING);

	if (!offered || !parse_bdat(s, args)) {
		smtpd_dismiss(s, offered ? 501 : 502,
			offered ? STR("5.5.4 expected BDAT size [LAST]")
				: STR("5.5.1 BDAT is not offered"));
		return;
	}
	if (s->chunk_size > most_dropped(s->config)) {
		smtpd_dismiss(s, 552, STR("5.3.4 chunk too big"));
		return;
	}
	s->input = IN_BDAT;
	if (tx == NULL || tx->pub.accepted == 0) {
		/* No recipients: the transaction cannot become a message any more.  RFC 2033 4.3: then
		 * a last chunk has as many replies. */
		s->chunk_silent = s->peer.role == SMTPD_LMTP && tx != NULL && s->chunk_last;
		smtpd_tx_end(s);
		return;
	}
	tx->chunks = true;
	if (s->chunk_size > s->config->message_size_limit - tx->pub.octets) {
		fail_too_big(tx);
		return;
	}
	if (!tx->data_allowed) {
		s->event = (struct smtpd_event){ 0 };
		smtpd_ask(s, SMTPD_ASK_DATA);
	}
}

void smtpd_answered_data(struct smtpd *s, unsigned code, struct str text)
{
	bool good = code < 400;

	s->tx->data_allowed = good;
	if (s->input == IN_BDAT) {
		if (!good)
			fail(s->tx, code, text);
	} else if (good) {
		buf_put(&s->out, STR("354 end with CRLF.CRLF\r\n"));
		s->input = IN_DATA;
	} else {
		smtpd_reply(s, code, text);
		smtpd_tx_end(s);
	}
}

void smtpd_answered_body(struct smtpd *s, unsigned code, struct str text)
{
	if (code >= 400)
		fail(s->tx, code, text);
}

/* RFC 2033 4.2: one reply for each successful RCPT, in their order.  They are not errors of the
 * client: none ends the session before the next is said. */
void smtpd_answered_recipient(struct smtpd *s, unsigned code, struct str text)
{
	struct smtpd_transaction *tx = s->tx;

	smtpd_put_reply(
		s, code == 0 ? 250 : code, code == 0 ? STR("2.0.0 message accepted") : text);
	if (code < 400)
		s->errors = s->junk = 0;
	if (++tx->told == tx->pub.accepted)
		smtpd_tx_drop(s);
}

void smtpd_answered_commit(struct smtpd *s, unsigned code, struct str text)
{
	if (s->peer.role == SMTPD_LMTP) {
		while (s->tx != NULL)
			smtpd_answered_recipient(s, code, text);
		return;
	}
	if (code < 400)
		s->errors = s->junk = 0;
	smtpd_tx_drop(s);
	smtpd_reply(s, code == 0 ? 250 : code, code == 0 ? STR("2.0.0 message accepted") : text);
}
