#include <stdlib.h>

#include "base/buf.h"
#include "base/dns.h"
#include "base/mem.h"

/* RFC 1035 4.1.1, 4.1.3 */
enum { HEADER = 12, RCODE_MASK = 15, RCODE_OK = 0, RCODE_NXDOMAIN = 3, CLASS_IN = 1, TYPE_SOA = 6 };
enum { NAME_WIRE_MAX = 255, POINTER = 0xc0 };

struct message {
	struct str all;
	size_t at; /* the next octet */
	bool bad;  /* sticky: it ended too early, or a name is none */
};

struct record {
	struct buf owner; /* its text */
	uint16_t type;
	uint32_t ttl;
	size_t data, data_n; /* where in the message */
};

struct wanted {
	struct dns_answer *a;
	struct buf text; /* what rows point into, once it moves no more */
	size_t at[DNS_ROWS_MAX];
};

static unsigned take_8(struct message *m)
{
	if (m->bad || m->at >= m->all.n) {
		m->bad = true;
		return 0;
	}
	return (unsigned char)m->all.p[m->at++];
}

static unsigned take_16(struct message *m)
{
	unsigned high = take_8(m);

	return high << 8 | take_8(m);
}

static uint32_t take_32(struct message *m)
{
	uint32_t high = take_16(m);

	return high << 16 | take_16(m);
}

static void put_label(struct buf *to, bool first, struct str label)
{
	if (!first)
		buf_putc(to, '.');
	for (size_t i = 0; i < label.n; i++) {
		unsigned char c = (unsigned char)ascii_lower(label.p[i]);

		if ((c >= 'a' && c <= 'z') || ascii_digit((char)c) || c == '-' || c == '_')
			buf_putc(to, (char)c);
		else
			buf_printf(to, "\\%03u", c);
	}
}

/* RFC 1035 4.1.4.  A pointer leads to what stands before the name it is in, so there is no circle. */
static void take_name(struct message *m, struct buf *to)
{
	struct message in = *m;
	size_t wire = 0, before = m->at, start = to->len; /* the names of other rows stand before */
	bool jumped = false;

	for (;;) {
		unsigned n = take_8(&in);

		if (n >= POINTER) {
			size_t target = (n & ~(unsigned)POINTER) << 8 | take_8(&in);

			if (!jumped)
				m->at = in.at;
			jumped = true;
			in.bad |= target >= before;
			in.at = before = target;
		} else if (n > 63 || (wire += n + 1) > NAME_WIRE_MAX || n > in.all.n - in.at) {
			in.bad = true;
		} else if (n == 0) {
			break;
		} else {
			put_label(to, to->len == start, str_of(in.all.p + in.at, n));
			in.at += n;
		}
		if (in.bad)
			break;
	}
	m->bad |= in.bad;
	if (!jumped)
		m->at = in.at;
}

static bool take_record(struct message *m, struct record *r)
{
	unsigned class;

	buf_clear(&r->owner);
	take_name(m, &r->owner);
	r->type = (uint16_t)take_16(m);
	class = take_16(m);
	r->ttl = take_32(m);
	if (r->ttl > INT32_MAX) /* RFC 2181 8 */
		r->ttl = 0;
	r->data_n = take_16(m);
	r->data = m->at;
	if (m->bad || r->data_n > m->all.n - m->at) {
		m->bad = true;
		return false;
	}
	m->at += r->data_n;
	if (class != CLASS_IN)
		r->type = 0;
	return true;
}

static bool put_strings(struct str data, struct buf *to)
{
	while (data.n > 0) {
		size_t n = (unsigned char)data.p[0];

		if (n > data.n - 1)
			return false;
		buf_put(to, str_of(data.p + 1, n));
		data = str_from(data, 1 + n);
	}
	return true;
}

/* Names in the data may point to anywhere before, so the message is at hand, but they may not go
 * past the data's end. */
static bool put_row(
	const struct message *m, const struct record *r, struct dns_row *row, struct buf *to)
{
	struct message in = { .all = str_head(m->all, r->data + r->data_n), .at = r->data };

	switch ((enum dns_type)r->type) {
	case DNS_A: buf_put(to, str_from(in.all, in.at)); return r->data_n == 4;
	case DNS_AAAA: buf_put(to, str_from(in.all, in.at)); return r->data_n == 16;
	case DNS_TXT: return put_strings(str_from(in.all, in.at), to);
	case DNS_CNAME:
	case DNS_PTR: break;
	case DNS_MX: row->preference = (uint16_t)take_16(&in); break;
	case DNS_SRV:
		row->preference = (uint16_t)take_16(&in);
		row->weight = (uint16_t)take_16(&in);
		row->port = (uint16_t)take_16(&in);
		break;
	case DNS_TLSA:
		row->usage = (uint8_t)take_8(&in);
		row->selector = (uint8_t)take_8(&in);
		row->matching = (uint8_t)take_8(&in);
		buf_put(to, str_from(in.all, in.at));
		return !in.bad && r->data_n > 3;
	}
	take_name(&in, to);
	return !in.bad && in.at == in.all.n;
}

static void add_row(struct wanted *w, const struct message *m, const struct record *r)
{
	struct dns_answer *a = w->a;
	struct dns_row row = { 0 };
	size_t at = w->text.len;

	if (a->count == DNS_ROWS_MAX || !put_row(m, r, &row, &w->text)) {
		buf_truncate(&w->text, at);
		return;
	}
	if (r->ttl < a->ttl)
		a->ttl = r->ttl;
	row.data.n = w->text.len - at;
	w->at[a->count] = at;
	a->rows[a->count++] = row;
}

/* One pass over `count` records from m: the rows of the type at `name`, or the alias it has. */
static bool scan(
	struct wanted *w, struct message m, unsigned count, struct buf *name, uint16_t type)
{
	struct record r = { .data = 0 };
	bool alias = false;

	while (count-- > 0 && take_record(&m, &r)) {
		if (!str_eq(buf_str(&r.owner), buf_str(name)))
			continue;
		if (r.type == type) {
			add_row(w, &m, &r);
		} else if (r.type == DNS_CNAME && !alias) {
			struct message in = m;

			in.at = r.data;
			buf_clear(name);
			take_name(&in, name);
			alias = !in.bad;
			m.bad |= in.bad;
			if (r.ttl < w->a->ttl)
				w->a->ttl = r.ttl;
			break;
		}
	}
	buf_deinit(&r.owner);
	w->a->outcome = m.bad ? DNS_FAILED : w->a->outcome;
	return alias && !m.bad;
}

/* How long "there is nothing" may be believed (RFC 2308 5): the SOA's TTL and its last field. */
static uint32_t negative_ttl(struct message m, unsigned answers, unsigned authorities)
{
	struct record r = { .data = 0 };
	uint32_t ttl = 0;

	for (unsigned i = 0; i < answers + authorities && take_record(&m, &r); i++) {
		struct message in = m;

		if (i < answers || r.type != TYPE_SOA || r.data_n < 4)
			continue;
		in.at = r.data + r.data_n - 4;
		ttl = take_32(&in);
		ttl = r.ttl < ttl ? r.ttl : ttl;
	}
	buf_deinit(&r.owner);
	return ttl;
}

static void finish(struct wanted *w, struct buf *name)
{
	struct dns_answer *a = w->a;
	size_t name_at = w->text.len;
	char *text;

	buf_put(&w->text, buf_str(name));
	buf_deinit(name);
	a->name.n = w->text.len - name_at;
	a->memory = text = buf_steal_c(&w->text);
	for (size_t i = 0; i < a->count; i++)
		a->rows[i].data.p = text + w->at[i];
	a->name.p = text + name_at;
}

void dns_parse(struct dns_answer *a, struct str message, struct str name, enum dns_type type)
{
	struct message m = { .all = message };
	struct wanted w = { .a = a };
	struct buf at = { 0 };
	unsigned rcode, questions, answers, authorities;

	*a = (struct dns_answer){ .ttl = UINT32_MAX };
	a->rows = mem_array(NULL, DNS_ROWS_MAX, sizeof *a->rows);
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	for (size_t i = 0; i < name.n; i++)
		buf_putc(&at, ascii_lower(name.p[i]));
	take_16(&m);
	rcode = take_16(&m) & RCODE_MASK;
	questions = take_16(&m);
	answers = take_16(&m);
	authorities = take_16(&m);
	m.at = HEADER;
	m.bad |= message.n < HEADER;
	for (struct buf skipped = { 0 }; questions > 0 && !m.bad; questions--) {
		take_name(&m, &skipped);
		take_32(&m);
		buf_deinit(&skipped);
	}
	a->outcome = m.bad ? DNS_FAILED : DNS_NODATA;
	while (a->outcome == DNS_NODATA && scan(&w, m, answers, &at, (uint16_t)type))
		if (++a->aliases > DNS_ALIASES_MAX)
			a->outcome = DNS_FAILED;
	if (rcode != RCODE_OK && rcode != RCODE_NXDOMAIN)
		a->outcome = DNS_FAILED;
	if (a->outcome != DNS_NODATA)
		a->count = 0;
	else if (a->count > 0)
		a->outcome = DNS_FOUND;
	else if (rcode == RCODE_NXDOMAIN)
		a->outcome = DNS_NXDOMAIN;
	if (a->outcome == DNS_FAILED)
		a->why = STR("malformed or refused answer");
	if (a->outcome != DNS_FOUND)
		a->ttl = m.bad ? 0 : negative_ttl(m, answers, authorities);
	finish(&w, &at);
}

void dns_answer_free(struct dns_answer *a)
{
	free(a->memory);
	free(a->rows);
	*a = (struct dns_answer){ 0 };
}

void dns_reverse(struct buf *out, struct str address)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = address.n; i-- > 0;) {
		unsigned char c = (unsigned char)address.p[i];

		if (address.n == 4)
			buf_printf(out, "%u.", c);
		else
			buf_printf(out, "%c.%c.", hex[c & 15], hex[c >> 4]);
	}
	buf_put(out, address.n == 4 ? STR("in-addr.arpa") : STR("ip6.arpa"));
}

static bool host_name(struct str s, bool others)
{
	if (s.n == 0 || s.n > DNS_HOST_MAX || s.p[s.n - 1] == '.')
		return false;
	while (s.n > 0) {
		struct str label = str_cut(&s, '.');

		if (label.n == 0 || label.n > DNS_LABEL_MAX || label.p[0] == '-' ||
			(label.p[label.n - 1] == '-' && !others))
			return false;
		for (size_t i = 0; i < label.n; i++) {
			char c = ascii_lower(label.p[i]);

			if (!ascii_digit(c) && (c < 'a' || c > 'z') && c != '-' &&
				!(c == '_' && others))
				return false;
		}
	}
	return true;
}

bool dns_host_name(struct str s)
{
	return host_name(s, false);
}

bool dns_host_name_of_others(struct str s)
{
	return host_name(s, true);
}

const char *dns_type_name(enum dns_type type)
{
	switch (type) {
	case DNS_A: return "A";
	case DNS_CNAME: return "CNAME";
	case DNS_PTR: return "PTR";
	case DNS_MX: return "MX";
	case DNS_TXT: return "TXT";
	case DNS_AAAA: return "AAAA";
	case DNS_SRV: return "SRV";
	case DNS_TLSA: return "TLSA";
	}
	return "?";
}

const char *dns_outcome_name(enum dns_outcome outcome)
{
	switch (outcome) {
	case DNS_FOUND: return "found";
	case DNS_NODATA: return "nodata";
	case DNS_NXDOMAIN: return "nxdomain";
	case DNS_FAILED: return "failed";
	case DNS_BOGUS: return "bogus";
	}
	return "?";
}
