#include "daemon/ipc_lookup.h"

bool lookup_question_get(struct reader *r, struct str *name, enum dns_type *type)
{
	*type = (enum dns_type)get_u8(r);
	*name = r->rest;
	switch (*type) {
	case DNS_A:
	case DNS_AAAA:
	case DNS_MX:
	case DNS_PTR:
	case DNS_TXT: return !r->bad && name->n > 0 && name->n <= DNS_NAME_MAX;
	case DNS_CNAME:
	case DNS_SRV:
	case DNS_TLSA: break;
	}
	return false;
}

void lookup_question_put(struct buf *b, struct str name, enum dns_type type)
{
	put_u8(b, (uint8_t)type);
	buf_put(b, name);
}

enum dns_outcome lookup_answer_put(struct buf *b, const struct dns_answer *a)
{
	size_t octets = 0;

	for (size_t i = 0; a->outcome == DNS_FOUND && i < a->count; i++) {
		put_u16(b, a->rows[i].preference);
		put_str(b, a->rows[i].data);
		octets += a->rows[i].data.n;
	}
	if (octets <= LOOKUP_ROWS_MAX)
		return a->outcome;
	buf_clear(b);
	return DNS_FAILED;
}

void lookup_answer_get(
	struct reader *r, unsigned outcome, struct dns_row *rows, struct dns_answer *a)
{
	*a = (struct dns_answer){ .outcome = DNS_FAILED, .rows = rows };
	while (r->rest.n > 0 && !r->bad && a->count < DNS_ROWS_MAX) {
		struct dns_row *row = &rows[a->count++];

		*row = (struct dns_row){ .preference = get_u16(r) };
		row->data = get_str(r);
	}
	if (!r->bad && r->rest.n == 0 && outcome <= DNS_BOGUS)
		a->outcome = (enum dns_outcome)outcome;
	else
		a->count = 0;
}
