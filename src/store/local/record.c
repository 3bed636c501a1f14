#include "store/local/record.h"

static uint32_t le32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static void set_le(char *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(v >> (8 * i) & 0xff);
}

static uint32_t record_crc(const char *head, uint64_t salt, uint64_t pos, struct str meta)
{
	char place[16];
	uint32_t crc;

	set_le(place, salt, 8);
	set_le(place + 8, pos, 8);
	crc = crc32c(0, place, sizeof place);
	crc = crc32c(crc, head + 4, RECORD_HEADER - 4);
	return crc32c(crc, meta.p, meta.n);
}

void record_seal(char *head, uint64_t salt, const struct record *r)
{
	set_le(head + 4, (uint64_t)r->type, 1);
	set_le(head + 5, 1, 1);
	set_le(head + 6, 0, 2);
	set_le(head + 8, r->meta.n, 4);
	set_le(head + 12, r->body_len, 4);
	set_le(head + 16, r->body_crc, 4);
	set_le(head + 20, r->durable, 4);
	set_le(head + 24, (uint64_t)r->time_ms, 8);
	set_le(head, record_crc(head, salt, r->pos, r->meta), 4);
}

uint64_t record_claims(const char *head)
{
	if (head[4] < RECORD_MESSAGE || head[4] > RECORD_RETRIEVED || head[5] != 1 ||
		head[6] != 0 || head[7] != 0)
		return 0;
	return RECORD_HEADER + record_pad(le32(head + 8)) + record_pad(le32(head + 12));
}

uint32_t record_meta_len(const char *head)
{
	return le32(head + 8);
}

bool record_fits(const char *head, uint64_t salt, uint64_t pos, uint32_t before, uint32_t behind)
{
	uint32_t crc = record_crc(head, salt, pos, STR(""));

	return le32(head) == (crc32c_zeros(crc ^ before, record_meta_len(head)) ^ behind);
}

enum record_verdict record_open(const char *p, uint64_t salt, uint64_t pos, struct record *r)
{
	*r = (struct record){
		.type = (enum record_type)p[4],
		.pos = pos,
		.size = record_claims(p),
		.time_ms = (int64_t)((uint64_t)le32(p + 24) | (uint64_t)le32(p + 28) << 32),
		.durable = le32(p + 20),
		.body_len = le32(p + 12),
		.body_crc = le32(p + 16),
		.meta = { p + RECORD_HEADER, le32(p + 8) },
	};
	if (record_crc(p, salt, pos, r->meta) != le32(p))
		return RECORD_BAD;
	r->body = str_of(p + record_body_at(r->meta.n), r->body_len);
	if (r->body_len > 0 && crc32c(0, r->body.p, r->body.n) != r->body_crc)
		return RECORD_BODY_BAD;
	return RECORD_GOOD;
}

struct msgid get_msgid(struct reader *r)
{
	struct str s = get_bytes(r, sizeof(struct msgid));
	struct msgid id = { { 0 } };

	if (s.n == sizeof id.b)
		memcpy(id.b, s.p, sizeof id.b);
	return id;
}

void put_msgid(struct buf *b, struct msgid id)
{
	buf_put(b, str_of(id.b, sizeof id.b));
}

void message_put(struct buf *b, const struct message_meta *m)
{
	put_msgid(b, m->id);
	put_u64(b, m->octets);
	put_u64(b, m->header_octets);
	put_u16(b, m->flags);
	put_u64(b, (uint64_t)m->received_ms);
	put_str(b, m->sender);
	put_str(b, m->client);
	put_str(b, m->message_id);
	if ((m->flags & MESSAGE_DSN) != 0) {
		put_u8(b, m->ret);
		put_str(b, m->envid);
	}
	if ((m->flags & MESSAGE_OUT) != 0) {
		put_str(b, m->prefix);
		put_u64(b, (uint64_t)m->hold_ms);
		put_u64(b, m->account);
	}
}

void message_put_target(struct buf *b, const struct message_meta *m, const struct message_target *t)
{
	put_u64(b, t->maildrop);
	put_str(b, t->recipient);
	put_str(b, t->uidl);
	if ((m->flags & MESSAGE_DSN) != 0) {
		put_u8(b, t->notify | t->settled);
		put_str(b, t->orcpt);
	}
	if ((m->flags & MESSAGE_OUT) != 0) {
		put_u8(b, t->sender.p != NULL);
		if (t->sender.p != NULL)
			put_str(b, t->sender);
	}
}

bool message_get(struct str meta, struct message_meta *m)
{
	struct reader r = { .rest = meta };

	m->id = get_msgid(&r);
	m->octets = get_u64(&r);
	m->header_octets = get_u64(&r);
	m->flags = get_u16(&r);
	m->received_ms = (int64_t)get_u64(&r);
	m->sender = get_str(&r);
	m->client = get_str(&r);
	m->message_id = get_str(&r);
	m->ret = 0;
	m->envid = m->prefix = str_head(meta, 0);
	m->hold_ms = 0;
	m->account = 0;
	if ((m->flags & MESSAGE_DSN) != 0) {
		m->ret = get_u8(&r);
		m->envid = get_str(&r);
	}
	if ((m->flags & MESSAGE_OUT) != 0) {
		m->prefix = get_str(&r);
		m->hold_ms = (int64_t)get_u64(&r);
		m->account = get_u64(&r);
	}
	m->rest = r;
	return !r.bad;
}

bool message_target(struct message_meta *m, struct message_target *t)
{
	if (m->rest.bad || m->rest.rest.n == 0)
		return false;
	t->maildrop = get_u64(&m->rest);
	t->recipient = get_str(&m->rest);
	t->uidl = get_str(&m->rest);
	t->notify = t->settled = 0;
	t->orcpt = str_head(t->uidl, 0);
	if ((m->flags & MESSAGE_DSN) != 0) {
		uint8_t octet = get_u8(&m->rest);

		t->notify = octet & (uint8_t)~TARGET_SETTLED;
		t->settled = octet & TARGET_SETTLED;
		t->orcpt = get_str(&m->rest);
	}
	t->sender = (struct str){ NULL, 0 };
	if ((m->flags & MESSAGE_OUT) != 0 && get_u8(&m->rest) != 0)
		t->sender = get_str(&m->rest);
	return !m->rest.bad;
}

struct store_out_rcpt message_fresh(const struct message_meta *m, const struct message_target *t)
{
	if (t->settled != 0)
		return (struct store_out_rcpt){ .state = STORE_OUT_DELIVERED,
			.flags = STORE_OUT_OWED | t->settled,
			.due_ms = m->received_ms };
	return (struct store_out_rcpt){ .state = STORE_OUT_WAITING, .due_ms = message_due(m) };
}

void result_put(struct buf *b, const struct store_out_rcpt *o)
{
	put_u8(b, (uint8_t)((unsigned)o->state | (unsigned)(o->flags >> 8) << 4));
	put_u8(b, (uint8_t)o->flags);
	put_u64(b, (uint64_t)o->due_ms);
	put_u32(b, o->attempts);
	put_u64(b, (uint64_t)o->last_ms);
	put_str(b, o->reply);
	put_str(b, o->host);
	put_str(b, o->tls);
	put_str(b, o->via);
}

bool result_get(struct reader *r, struct store_out_rcpt *o)
{
	uint8_t first = get_u8(r), state = first & 15;

	o->state = (enum store_out_state)state;
	o->flags = (uint16_t)((first >> 4) << 8 | get_u8(r));
	o->due_ms = (int64_t)get_u64(r);
	o->attempts = get_u32(r);
	o->last_ms = (int64_t)get_u64(r);
	o->reply = get_str(r);
	o->host = get_str(r);
	o->tls = get_str(r);
	o->via = get_str(r);
	r->bad |= state < STORE_OUT_WAITING || state > STORE_OUT_DROPPED;
	return !r->bad;
}

void moved_put(struct buf *b, const struct message_target *t, const struct moved *v)
{
	put_u16(b, (uint16_t)v->state);
	put_u64(b, (uint64_t)v->expunged_ms);
	if (t->maildrop == 0)
		result_put(b, &v->out);
}

bool moved_target(
	enum record_type type, struct message_meta *m, struct message_target *t, struct moved *v)
{
	if (!message_target(m, t))
		return false;
	*v = (struct moved){ .state = MOVED_LIVE };
	if (type != RECORD_MOVED) {
		v->out = message_fresh(m, t);
		return true;
	}
	v->state = (enum moved_state)get_u16(&m->rest);
	v->expunged_ms = (int64_t)get_u64(&m->rest);
	if (t->maildrop == 0)
		return result_get(&m->rest, &v->out);
	return !m->rest.bad;
}
