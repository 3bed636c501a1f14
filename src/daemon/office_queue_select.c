#include "daemon/office_queue_select.h"

#include <stdio.h>

#include "base/clock.h"
#include "daemon/office_verbs.h"
#include "queue/route.h"

enum { LOOKED_MAX = 2000 };

static struct str text_of(const json_t *q, const char *name)
{
	const json_t *v = json_object_get(q, name);

	return str_of(json_string_value(v), json_string_length(v));
}

static bool take_cursor(struct queue_selection *s, struct str text)
{
	struct str id = str_cut(&text, '/');
	uint64_t from = 0;

	s->inside = text.n > 0;
	if (!msgid_parse(id, &s->after) ||
		(s->inside && (!str_u64(text, &from) || from > UINT32_MAX)))
		return false;
	s->from = (uint32_t)from;
	return true;
}

enum status queue_select(struct queue_selection *s, const json_t *q, struct err *err)
{
	const json_t *older = json_object_get(q, "older_than");
	struct str id = text_of(q, "id"), after = text_of(q, "after");
	int64_t ms;

	*s = (struct queue_selection){ .one = id.n > 0,
		.sender = text_of(q, "sender"),
		.recipient = text_of(q, "recipient"),
		.domain = text_of(q, "domain"),
		.error = text_of(q, "error"),
		.before_ms = INT64_MAX,
		.held = json_is_true(json_object_get(q, "held")) };
	if (s->one && !msgid_parse(id, &s->id))
		return err_set(
			err, ST_USAGE, "'%.*s' is no id of a message", STR_ARG(str_head(id, 40)));
	if (after.n > 0 && !take_cursor(s, after))
		return err_set(err, ST_USAGE, "'%.*s' is no place in the queue",
			STR_ARG(str_head(after, 40)));
	if (older != NULL &&
		(__builtin_mul_overflow(json_integer_value(older), INT64_C(1000), &ms) || ms < 0))
		return err_set(err, ST_USAGE, "that is older than anything");
	if (older != NULL)
		s->before_ms = clock_steady_ms() - ms;
	return ST_OK;
}

/* The next id; false: there is none, or the store cannot say (*r). */
static bool next_id(
	struct queue_selection *s, struct store *store, struct msgid *id, enum store_result *r)
{
	*r = STORE_NOT_FOUND;
	if (s->one && !s->inside) {
		*id = s->id;
		return s->looked == 0;
	}
	if (s->inside && s->looked == 0) {
		*id = s->after;
		return true;
	}
	if (s->one)
		return false;
	if (s->at == s->count) {
		s->at = 0;
		s->count = sizeof s->ids / sizeof *s->ids;
		*r = store_out_list(store, s->after, false, s->ids, &s->count);
		if (*r != STORE_OK || s->count == 0) {
			*r = *r == STORE_OK ? STORE_NOT_FOUND : *r;
			s->count = 0;
			return false;
		}
		s->after = s->ids[s->count - 1];
	}
	*id = s->ids[s->at++];
	return true;
}

enum store_result queue_select_next(
	struct queue_selection *s, struct store *store, struct store_out *out)
{
	enum store_result r;
	struct msgid id;

	while (next_id(s, store, &id, &r)) {
		if (s->looked++ > 0)
			s->from = 0;
		r = store_out_open(store, id, out);
		if (r == STORE_NOT_FOUND && !s->one)
			continue; /* settled meanwhile */
		out->id = id;
		return r;
	}
	return r;
}

bool queue_select_is_long(const struct queue_selection *s)
{
	return s->looked >= LOOKED_MAX;
}

static bool contains(struct str s, struct str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (str_ieq(str_head(str_from(s, i), part.n), part))
			return true;
	return false;
}

static bool in_domain(const struct queue_selection *s, struct str domain)
{
	struct str end =
		str_from(domain, domain.n < s->domain.n ? domain.n : domain.n - s->domain.n);

	return str_ieq(end, s->domain) &&
	       (end.n == domain.n || (s->below && domain.p[domain.n - end.n - 1] == '.'));
}

bool queue_select_has(const struct queue_selection *s, const struct store_out *out,
	const struct store_out_rcpt *r)
{
	bool open = r->state == STORE_OUT_WAITING || (r->flags & STORE_OUT_OWED);

	return r->number >= s->from && (open || s->one) && out->received_ms < s->before_ms &&
	       (s->sender.p == NULL || str_ieq(s->sender, out->sender)) &&
	       (s->recipient.p == NULL || str_ieq(s->recipient, r->recipient)) &&
	       (s->domain.p == NULL || in_domain(s, route_domain(r->recipient))) &&
	       (s->error.p == NULL || contains(r->reply, s->error)) &&
	       (!s->held || (r->flags & (STORE_OUT_HELD | STORE_OUT_BAD)));
}

void queue_select_cursor(char to[SELECT_CURSOR_MAX], struct msgid id, const uint32_t *from)
{
	msgid_text(id, to);
	if (from != NULL)
		snprintf(to + MSGID_TEXT, SELECT_CURSOR_MAX - MSGID_TEXT, "/%u", *from);
}
