/* The envelope of a message, in a burst where the server allows it (RFC 2920), and who got what. */
#include "base/mem.h"
#include "proto/path.h"
#include "proto/smtpc_int.h"

static bool offers(const struct smtpc *c, enum smtpc_extension x)
{
	return (c->server.offers & (unsigned)x) != 0;
}

/* The command whose reply comes next. */
static enum smtpc_stage reply_at(const struct smtpc_tx *tx)
{
	size_t i = tx->reply_rcpt;

	if (tx->reply != SMTPC_AT_RCPT)
		return tx->reply;
	while (i < tx->m->rcpt_count && tx->rcpt[i] == RCPT_SKIPPED)
		i++;
	if (i < tx->m->rcpt_count)
		return SMTPC_AT_RCPT;
	return tx->chunked ? SMTPC_AT_BODY : SMTPC_AT_DATA;
}

enum smtpc_stage smtpc_message_stage(const struct smtpc_tx *tx)
{
	if (tx->body_open && tx->outstanding == (tx->chunked ? 1 : 0))
		return SMTPC_AT_BODY;
	if (tx->outstanding == 0)
		return tx->send;
	return tx->end_sent && tx->outstanding == 1 ? SMTPC_AT_END : reply_at(tx);
}

void smtpc_tell_all(struct smtpc *c)
{
	c->tx->tell = 0;
	c->tx->tell_one = false;
	c->tx->tell_all = true;
}

static void tell_one(struct smtpc *c, size_t index)
{
	c->tx->tell = index;
	c->tx->tell_one = true;
}

static bool may_require_tls(const struct smtpc *c)
{
	return offers(c, SMTPC_X_REQUIRETLS) && c->server.tls_active;
}

static bool lack(
	const struct smtpc *c, const struct smtpc_message *m, bool utf8, enum smtpc_why *why)
{
	struct path path;

	if (m->rcpt_count == 0)
		*why = SMTPC_WHY_OWNER;
	else if (m->reverse_path.n > 0 && !path_mailbox(m->reverse_path, &path))
		*why = SMTPC_WHY_ADDRESS;
	else if (m->requiretls && m->reverse_path.n > 0 && !may_require_tls(c))
		*why = SMTPC_WHY_REQUIRETLS; /* RFC 8689 4.2.1; 5: a notice goes all the same */
	else if (utf8 && !offers(c, SMTPC_X_SMTPUTF8))
		*why = SMTPC_WHY_SMTPUTF8; /* RFC 6531 3.2 */
	else if (m->eightbit && !offers(c, SMTPC_X_8BITMIME))
		*why = SMTPC_WHY_8BITMIME; /* RFC 6152 3 */
	else if (c->server.size_max > 0 && m->octets > c->server.size_max)
		*why = SMTPC_WHY_SIZE; /* RFC 1870 6.1 */
	else
		return false;
	return true;
}

static bool needs_utf8(const struct smtpc_message *m)
{
	bool utf8 = m->smtputf8 || !str_ascii(m->reverse_path);

	for (size_t i = 0; i < m->rcpt_count && !utf8; i++)
		utf8 = !str_ascii(m->rcpts[i].address);
	return utf8;
}

static struct smtpc_tx *tx_new(const struct smtpc *c, const struct smtpc_message *m)
{
	struct smtpc_tx *tx = NEW(struct smtpc_tx);

	tx->m = m;
	tx->rcpt = mem_zalloc(m->rcpt_count);
	tx->utf8 = needs_utf8(m);
	tx->send = tx->reply = SMTPC_AT_MAIL;
	/* LMTP servers differ in how a chunk for nobody is answered (RFC 2033 4.3). */
	tx->chunked = offers(c, SMTPC_X_CHUNKING) && !c->peer.lmtp;
	tx->burst = tx->chunked && offers(c, SMTPC_X_PIPELINING) && m->octets <= SMTPC_BURST;
	return tx;
}

void smtpc_tx_begin(struct smtpc *c)
{
	c->tx->started_ms = c->now_ms;
	if (c->transaction_open && c->tx->outstanding == 0)
		c->tx->send = c->tx->reply = SMTPC_AT_RSET;
}

bool smtpc_send(struct smtpc *c, const struct smtpc_message *m, struct smtpc_result *result)
{
	enum smtpc_why why = SMTPC_WHY_OWNER;

	if (c->state != C_READY || lack(c, m, needs_utf8(m), &why)) {
		*result = smtpc_own_result(c, why);
		return false;
	}
	c->tx = tx_new(c, m);
	smtpc_tx_begin(c);
	c->state = C_MESSAGE;
	c->owed = 0;
	return true;
}

/* RFC 9422 4.2: a server that has said how many it takes need not refuse the others. */
static bool is_too_many(const struct smtpc *c, size_t named)
{
	return c->server.rcpt_max > 0 && named > c->server.rcpt_max;
}

/* A chunk that fails leaves its transaction open (RFC 3030 2): nothing goes behind one. */
bool smtpc_follow(struct smtpc *c, const struct smtpc_message *m)
{
	enum smtpc_why why;
	struct path path;

	if (c->state != C_MESSAGE || c->ending || c->next != NULL || c->tx->chunked ||
		!offers(c, SMTPC_X_PIPELINING) || is_too_many(c, m->rcpt_count) ||
		lack(c, m, needs_utf8(m), &why))
		return false;
	for (size_t i = 0; i < m->rcpt_count; i++)
		if (!path_mailbox(m->rcpts[i].address, &path))
			return false;
	c->next = tx_new(c, m);
	return true;
}

static void put_mail(struct smtpc *c, const struct smtpc_tx *tx)
{
	const struct smtpc_message *m = tx->m;
	bool dsn = offers(c, SMTPC_X_DSN);

	smtpc_put(c, STR("MAIL FROM:<"));
	smtpc_put(c, m->reverse_path);
	smtpc_put(c, STR(">"));
	if (offers(c, SMTPC_X_SIZE)) {
		smtpc_put(c, STR(" SIZE="));
		buf_putu(&c->out, m->octets);
	}
	if ((m->eightbit || m->smtputf8) && offers(c, SMTPC_X_8BITMIME))
		smtpc_put(c, STR(" BODY=8BITMIME"));
	if (tx->utf8)
		smtpc_put(c, STR(" SMTPUTF8"));
	if (m->requiretls && may_require_tls(c))
		smtpc_put(c, STR(" REQUIRETLS"));
	if (dsn && m->ret != DSN_RET_UNSAID)
		smtpc_put(c, m->ret == DSN_RET_FULL ? STR(" RET=FULL") : STR(" RET=HDRS"));
	if (dsn && m->envid.n > 0 && dsn_envid(m->envid)) {
		smtpc_put(c, STR(" ENVID="));
		smtpc_put(c, m->envid);
	}
	smtpc_put(c, STR("\r\n"));
}

static void put_notify(struct smtpc *c, unsigned notify)
{
	static const struct {
		enum dsn_notify bit;
		struct str word;
	} words[] = {
		{ DSN_NEVER, STR_INIT("NEVER") },
		{ DSN_SUCCESS, STR_INIT("SUCCESS") },
		{ DSN_FAILURE, STR_INIT("FAILURE") },
		{ DSN_DELAY, STR_INIT("DELAY") },
	};
	struct str before = STR(" NOTIFY=");

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if ((notify & (unsigned)words[i].bit) == 0)
			continue;
		smtpc_put(c, before);
		smtpc_put(c, words[i].word);
		before = STR(",");
	}
}

static void put_rcpt(struct smtpc *c, const struct smtpc_rcpt *rcpt, bool utf8)
{
	smtpc_put(c, STR("RCPT TO:<"));
	smtpc_put(c, rcpt->address);
	smtpc_put(c, STR(">"));
	if (offers(c, SMTPC_X_DSN)) {
		put_notify(c, rcpt->notify);
		if (rcpt->orcpt.n > 0 && dsn_orcpt(rcpt->orcpt, utf8)) {
			smtpc_put(c, STR(" ORCPT="));
			smtpc_put(c, rcpt->orcpt);
		}
	}
	smtpc_put(c, STR("\r\n"));
}

static void skip_rcpt(struct smtpc *c, size_t i, enum smtpc_why why)
{
	c->tx->rcpt[i] = RCPT_SKIPPED;
	c->result = smtpc_own_result(c, why);
	c->result.at = SMTPC_AT_RCPT;
	tell_one(c, i);
}

static void send_rcpt(struct smtpc *c, struct smtpc_tx *tx)
{
	size_t i = tx->send_rcpt++;
	const struct smtpc_rcpt *rcpt = &tx->m->rcpts[i];
	struct path path;

	if (tx->send_rcpt == tx->m->rcpt_count)
		tx->send = SMTPC_AT_DATA;
	if (!path_mailbox(rcpt->address, &path) && !str_ieq(rcpt->address, STR("postmaster"))) {
		skip_rcpt(c, i, SMTPC_WHY_ADDRESS);
	} else if (is_too_many(c, tx->named + 1)) {
		skip_rcpt(c, i, SMTPC_WHY_RCPTMAX);
	} else {
		put_rcpt(c, rcpt, tx->utf8);
		tx->named++;
		tx->outstanding++;
	}
}

static bool send_data(struct smtpc *c, struct smtpc_tx *tx)
{
	if (tx->outstanding == 0 && tx->accepted == 0) {
		tx->dead = true;
		return true;
	}
	if (!tx->chunked) {
		smtpc_put(c, STR("DATA\r\n"));
		tx->outstanding++;
		tx->send = SMTPC_AT_END;
		return true;
	}
	if (tx->outstanding > 0 && !tx->burst)
		return false; /* no big chunk for nobody */
	smtpc_begin_chunk(c);
	return true;
}

static bool send_command(struct smtpc *c, struct smtpc_tx *tx)
{
	switch (tx->send) {
	case SMTPC_AT_RSET:
		smtpc_put(c, STR("RSET\r\n"));
		tx->outstanding++;
		tx->send = SMTPC_AT_MAIL;
		return true;
	case SMTPC_AT_MAIL:
		put_mail(c, tx);
		tx->outstanding++;
		tx->send = SMTPC_AT_RCPT;
		return true;
	case SMTPC_AT_RCPT: send_rcpt(c, tx); return true;
	case SMTPC_AT_DATA: return send_data(c, tx);
	case SMTPC_AT_BODY: smtpc_begin_chunk(c); return true;
	case SMTPC_AT_END:
	case SMTPC_AT_GREETING:
	case SMTPC_AT_EHLO:
	case SMTPC_AT_STARTTLS:
	case SMTPC_AT_AUTH:
	case SMTPC_AT_IDLE:
	case SMTPC_AT_QUIT: break;
	}
	return false;
}

bool smtpc_message_end(struct smtpc *c)
{
	struct smtpc_tx *tx = c->tx;

	if (!tx->dead || tx->outstanding > 0 || tx->body_open)
		return false;
	c->owed |= OWED_DONE;
	if (c->next == NULL)
		smtpc_ready(c);
	return true;
}

/* RFC 2920 3.1: the content of a message may be the first "command" of a group. */
static bool send_behind(struct smtpc *c)
{
	size_t before = c->out.len;
	bool more;

	if (c->next == NULL || !c->tx->end_sent)
		return false;
	more = send_command(c, c->next);
	c->behind += c->out.len - before;
	return more;
}

bool smtpc_message_step(struct smtpc *c)
{
	struct smtpc_tx *tx = c->tx;

	if (c->out.len > SMTPC_OUT_MARK)
		return false;
	if (tx->body_open)
		return smtpc_body_step(c);
	if (tx->end_sent)
		return send_behind(c);
	if (tx->dead || (tx->outstanding > 0 && !offers(c, SMTPC_X_PIPELINING)))
		return false;
	return send_command(c, tx);
}

/* The reply is for everybody who has none yet. */
static void settle(struct smtpc *c)
{
	smtpc_result_reply(c);
	smtpc_tell_all(c);
	c->tx->dead = true;
}

static void rset_reply(struct smtpc *c)
{
	c->tx->reply = SMTPC_AT_MAIL;
	if (c->reply.code / 100 == 2)
		return;
	smtpc_result_reply(c);
	smtpc_hang_up(c);
}

static void mail_reply(struct smtpc *c)
{
	c->tx->reply = SMTPC_AT_RCPT;
	if (c->reply.code / 100 == 2)
		c->transaction_open = true;
	else
		settle(c);
}

static void rcpt_reply(struct smtpc *c)
{
	struct smtpc_tx *tx = c->tx;
	size_t i = tx->reply_rcpt;

	while (tx->rcpt[i] == RCPT_SKIPPED)
		i++;
	tx->reply_rcpt = i + 1;
	if (tx->rcpt[i] == RCPT_TOLD)
		return; /* MAIL failed */
	if (c->reply.code / 100 == 2) {
		tx->rcpt[i] = RCPT_ACCEPTED;
		tx->accepted++;
		return;
	}
	smtpc_result_reply(c);
	tell_one(c, i);
}

static void data_reply(struct smtpc *c)
{
	struct smtpc_tx *tx = c->tx;

	tx->reply = SMTPC_AT_END;
	if (c->reply.code / 100 != 3) {
		settle(c);
	} else if (tx->accepted > 0) {
		tx->body_open = true;
		tx->send = SMTPC_AT_BODY;
	} else if (c->peer.lmtp) {
		smtpc_break(c, SMTPC_WHY_GARBAGE); /* RFC 2033 4.2: 503 was due */
	} else {
		/* RFC 2920 3.1: 354 although nobody is to get it; a lone dot ends that. */
		smtpc_put(c, STR(".\r\n"));
		tx->outstanding++;
		tx->end_sent = true;
	}
}

/* RFC 3030 2: the transaction of a BDAT that failed is open until RSET. */
static void end_reply(struct smtpc *c)
{
	struct smtpc_tx *tx = c->tx;

	c->transaction_open = tx->chunked && c->reply.code / 100 != 2;
	settle(c);
}

static void lmtp_reply(struct smtpc *c)
{
	struct smtpc_tx *tx = c->tx;
	size_t i = 0;

	while (tx->rcpt[i] != RCPT_ACCEPTED)
		i++;
	c->transaction_open = false;
	smtpc_result_reply(c);
	tell_one(c, i);
	tx->dead = tx->outstanding == 0;
}

static void chunk_reply(struct smtpc *c)
{
	struct smtpc_tx *tx = c->tx;

	if (tx->end_sent && tx->outstanding == 0) {
		end_reply(c);
	} else if (c->reply.code / 100 != 2) {
		smtpc_result_reply(c); /* the rest is on its way: cheaper to come again */
		smtpc_hang_up(c);
	}
}

/* A reply before its command was sent to the end: the server has given up on the message. */
static void early_reply(struct smtpc *c)
{
	if (c->reply.code < 400 || !c->tx->body_open) {
		smtpc_break(c, SMTPC_WHY_GARBAGE);
		return;
	}
	smtpc_result_reply(c);
	smtpc_hang_up(c);
}

void smtpc_message_reply(struct smtpc *c)
{
	struct smtpc_tx *tx = c->tx;
	enum smtpc_stage at = reply_at(tx);
	unsigned class = c->reply.code / 100;

	if (tx->outstanding == 0 || (tx->body_open && tx->chunked && tx->outstanding == 1)) {
		early_reply(c);
		return;
	}
	/* RFC 5321 3.3: only 354 asks for the message, and only DATA is answered so. */
	if (at == SMTPC_AT_DATA ? class < 4 && c->reply.code != 354 : class == 3) {
		smtpc_break(c, SMTPC_WHY_GARBAGE);
		return;
	}
	tx->outstanding--;
	switch (at) {
	case SMTPC_AT_RSET: rset_reply(c); break;
	case SMTPC_AT_MAIL: mail_reply(c); break;
	case SMTPC_AT_RCPT: rcpt_reply(c); break;
	case SMTPC_AT_DATA: data_reply(c); break;
	case SMTPC_AT_BODY: chunk_reply(c); break;
	case SMTPC_AT_END:
		if (c->peer.lmtp)
			lmtp_reply(c);
		else
			end_reply(c);
		break;
	case SMTPC_AT_GREETING:
	case SMTPC_AT_EHLO:
	case SMTPC_AT_STARTTLS:
	case SMTPC_AT_AUTH:
	case SMTPC_AT_IDLE:
	case SMTPC_AT_QUIT: break;
	}
}
