/* The message: dots stuffed for DATA (RFC 5321 4.5.2), or chunks as they are (RFC 3030). */
#include "proto/smtpc_int.h"

void smtpc_begin_chunk(struct smtpc *c)
{
	struct smtpc_tx *tx = c->tx;
	uint64_t left = tx->m->octets - tx->offset;
	bool last = left <= SMTPC_CHUNK;

	tx->chunk_left = last ? left : SMTPC_CHUNK;
	smtpc_put(c, STR("BDAT "));
	buf_putu(&c->out, tx->chunk_left);
	smtpc_put(c, last ? STR(" LAST\r\n") : STR("\r\n"));
	tx->outstanding++;
	tx->body_open = true;
	tx->send = last ? SMTPC_AT_END : SMTPC_AT_BODY;
}

static void end_body(struct smtpc *c)
{
	struct smtpc_tx *tx = c->tx;

	if (tx->at == BODY_CR && tx->offset == tx->m->octets) {
		smtpc_break(c, SMTPC_WHY_BARE);
		return;
	}
	tx->body_open = false;
	tx->end_sent = tx->offset == tx->m->octets;
	if (tx->chunked)
		return;
	smtpc_put(c, tx->at == BODY_BOL ? STR(".\r\n") : STR("\r\n.\r\n"));
	tx->outstanding += c->peer.lmtp ? tx->accepted : 1;
	tx->send = SMTPC_AT_END;
}

bool smtpc_body_step(struct smtpc *c)
{
	struct smtpc_tx *tx = c->tx;
	uint64_t left = tx->chunked ? tx->chunk_left : tx->m->octets - tx->offset;

	if (left == 0) {
		end_body(c);
		return true;
	}
	c->event = (struct smtpc_event){ .offset = tx->offset };
	c->event.want = left < SMTPC_BODY_WANT ? (size_t)left : SMTPC_BODY_WANT;
	smtpc_ask(c, SMTPC_ASK_BODY);
	return true;
}

/* The length of the line at the front of s with its CRLF, or of all when it does not end here; 0: a bare
 * CR or LF.  No server may see one: what ends the message would be a matter of taste. */
static size_t line_length(struct smtpc_tx *tx, struct str s)
{
	size_t lf = str_find(s, '\n'), cr = str_find(str_head(s, lf), '\r');

	if (tx->at == BODY_CR && lf != 0)
		return 0;
	if (lf == s.n) {
		if (cr + 1 < s.n)
			return 0;
		tx->at = cr < s.n ? BODY_CR : BODY_MID;
		return s.n;
	}
	if (lf == 0 ? tx->at != BODY_CR : cr + 1 != lf)
		return 0;
	tx->at = BODY_BOL;
	return lf + 1;
}

void smtpc_body(struct smtpc *c, struct str octets)
{
	struct smtpc_tx *tx = c->tx;

	if (!c->asking || c->event.type != SMTPC_ASK_BODY)
		return;
	octets = str_head(octets, c->event.want);
	if (octets.n == 0) {
		smtpc_body_failed(c);
		return;
	}
	c->asking = false;
	tx->offset += octets.n;
	tx->chunk_left -= tx->chunked ? octets.n : 0;
	while (octets.n > 0) {
		bool dot = !tx->chunked && tx->at == BODY_BOL && octets.p[0] == '.';
		size_t n = line_length(tx, octets);

		if (n == 0) {
			smtpc_break(c, SMTPC_WHY_BARE);
			return;
		}
#ifdef MUTANT_SINGLE_DOT
		dot = false;
#endif
		if (dot)
			buf_putc(&c->out, '.');
		buf_put(&c->out, str_head(octets, n));
		octets = str_from(octets, n);
	}
	c->active_ms = c->now_ms;
}

void smtpc_body_failed(struct smtpc *c)
{
	if (c->asking && c->event.type == SMTPC_ASK_BODY)
		smtpc_break(c, SMTPC_WHY_OWNER);
}
