#include <stdlib.h>

#include "base/mem.h"
#include "trust/dkim_message.h"

static void collect(struct dkim_message *m)
{
	struct str rest = buf_str(&m->header);
	struct field field;
	size_t cap = 0;

	while (field_cut(&rest, &field)) {
		if (m->count == DKIM_FIELDS_MAX) {
			m->too_long = true;
			break;
		}
		if (m->count == cap) {
			cap = cap == 0 ? 32 : cap * 2;
			m->fields = mem_array(m->fields, cap, sizeof *m->fields);
		}
		m->fields[m->count++] = field;
	}
	m->used = mem_zalloc(m->count + 1);
}

/* The header ends at length; what was taken beyond it is the caller's. */
static void enter_body(struct dkim_message *m, size_t length)
{
	buf_truncate(&m->header, length);
	m->in_body = true;
	collect(m);
}

struct str dkim_message_feed(struct dkim_message *m, struct str octets)
{
	size_t had = m->header.len, length, body;
	struct str all;

	if (m->in_body)
		return octets;
	if (had + octets.n > DKIM_HEADER_MAX) {
		octets = str_head(octets, DKIM_HEADER_MAX - had);
		m->too_long = true;
	}
	buf_put(&m->header, octets);
	all = buf_str(&m->header);
	if (!header_search(&m->search, all, false, &length))
		return STR("");
	body = str_starts(str_from(all, length), STR("\r\n")) ? length + 2 : length;
	enter_body(m, length);
	/* What was there before was searched before: at most a part of a line of it is body. */
	return str_of(all.p + body, all.n - body);
}

void dkim_message_end(struct dkim_message *m)
{
	if (!m->in_body)
		enter_body(m, m->header.len);
}

void dkim_message_deinit(struct dkim_message *m)
{
	buf_deinit(&m->header);
	free(m->fields);
	free(m->used);
}

const struct field *dkim_message_choose(struct dkim_message *m, struct str name)
{
	for (size_t i = m->count; i-- > 0;) {
		if (m->used[i] || !str_ieq(m->fields[i].name, name))
			continue;
		m->used[i] = true;
		return &m->fields[i];
	}
	return NULL;
}

void dkim_message_choose_anew(struct dkim_message *m)
{
	memset(m->used, 0, m->count);
}
